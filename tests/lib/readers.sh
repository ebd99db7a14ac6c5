# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# Readers of a trace that are not ours. Source it behind common.bash, after have_judge; then:
#
#   readers_look            which of READERS_GO can be had, a TAP line each by the caller's `ok` and `skip`; first
#   readers_accept FILE…    every Go release that should open FILE does (go tool trace of those that were found), and so does
#                           `judge check`; 1 and a message at the first refusal
#   readers_profiles FILE   the four profiles of the local go tool trace, with their counts and times
#
# A toolchain comes through GOTOOLCHAIN from the module proxy once and from the cache afterwards. One that cannot be had is a
# skip with its name: the machine may have no network. The last one is the Go of the judge, which is there.

: "${READERS_GO:=1.22.12 1.23.12 1.24.10 1.25.5 $(sed -n 's/^go //p' "$ROOT/tests/judge/go.mod")}"

# readers__header FILE: the NN of its "go 1.NN trace", or nothing.
readers__header() {
	LC_ALL=C sed -n '1s/^go 1\.\([0-9][0-9]\) trace.*/\1/p' <(head -c 16 "$1" | tr -d '\0')
}

# readers__opens GO-MINOR HEADER: whether that release should open that header. Go 1.24 writes and reads 1.23's.
readers__opens() {
	[ "$1" -ge "$2" ] && [ "$2" -ge 22 ]
}

# readers__reason LOG: the line that says why; behind it the tool prints all it knows.
readers__reason() {
	{
		grep -a -i -m 1 'error\|broken\|expected\|unsupported\|invalid\|bad \|fail\|EOF' "$1" ||
			grep -a -v '^[[:space:]]*$' "$1" | tail -n 1
	} | cut -c 1-300
}

# readers__local: the minor version of the go command that is here.
readers__local() {
	(cd / && GOTOOLCHAIN=local go env GOVERSION) | sed -n 's/^go1\.\([0-9]*\).*/\1/p'
}

# readers__minor VERSION
readers__minor() {
	local minor=${1#1.}
	echo "${minor%%.*}"
}

# readers__toolchain VERSION: what GOTOOLCHAIN has to be. The go that is here serves for its own minor version.
readers__toolchain() {
	if [ "$(readers__minor "$1")" = "$(readers__local)" ]; then echo local; else echo "go$1"; fi
}

readers_look() {
	local version toolchain out
	readers__here=
	for version in $READERS_GO; do
		toolchain=$(readers__toolchain "$version")
		# From outside of any module, so that no go.mod has a say in the toolchain.
		if out=$(cd / && GOTOOLCHAIN=$toolchain go version 2>&1); then
			readers__here="$readers__here $version"
			ok "reader: ${out#go version }"
		else
			skip "reader: Go $version" "cannot be had: $(tail -n 1 <<<"$out" | cut -c 1-200)"
		fi
	done
}

# readers__go VERSION FILE: the tool reads FILE whole. Before 1.24 the mode has a number instead of a name.
readers__go() {
	local version=$1 file=$2 mode=parsed out rc=0
	if [ "$(readers__minor "$version")" -lt 24 ]; then mode=1; fi
	out=$(mktemp) || return 1
	(cd / && GOTOOLCHAIN=$(readers__toolchain "$version") GOFLAGS='' go tool trace "-d=$mode" "$file") >"$out" 2>&1 || rc=$?
	if [ "$rc" -ne 0 ]; then
		echo "$file: refused by go tool trace of Go $version: $(readers__reason "$out")" >&2
	elif ! [ -s "$out" ]; then
		echo "$file: go tool trace of Go $version shows no event" >&2
		rc=1
	fi
	rm -f "$out"
	return "$rc"
}

readers_accept() {
	local file header version path
	for file in "$@"; do
		path=$(realpath -- "$file") || return 1
		header=$(readers__header "$path")
		if [ -z "$header" ]; then
			echo "$file: not a Go trace" >&2
			return 1
		fi
		for version in $readers__here; do
			if readers__opens "$(readers__minor "$version")" "$header"; then
				readers__go "$version" "$path" || return 1
			fi
		done
		"$JUDGE" check -q "$path" || return 1
	done
}

readers_profiles() {
	local path kind prof
	path=$(realpath -- "$1") || return 1
	prof=$(mktemp) || return 1
	for kind in net sync syscall sched; do
		if ! (cd / && go tool trace "-pprof=$kind" "$path") >"$prof"; then
			echo "$1: no $kind profile" >&2
			rm -f "$prof"
			return 1
		fi
		echo "== $kind"
		# each sample: contentions (a count), delay (ns)
		(cd / && go tool pprof -top -sample_index=contentions "$prof" && go tool pprof -top -sample_index=delay "$prof") 2>/dev/null |
			grep -v '^\(File\|Build ID\|Time\|Duration\)' || echo "(empty)"
	done
	rm -f "$prof"
}
