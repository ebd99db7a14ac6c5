# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# Readers of a trace that are not ours. Source it, then:
#
#   readers_accept FILE…    every Go release that should open FILE does (go tool trace of READERS_GO and the local
#                           one), and so does `judge check`; 1 and a message at the first refusal
#   readers_profiles FILE   the four profiles of the local go tool trace, with their counts and times
#
# A toolchain comes through GOTOOLCHAIN from the module proxy once and from the cache afterwards; one that can not be
# had is an error, unless READERS_OPTIONAL=1 (then it is named and skipped).

: "${READERS_GO:=1.22.12 1.23.12 1.24.10 1.25.5}"

# The judge's own directory; the binary is built once per shell unless JUDGE names one.
readers__dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../judge" && pwd)

readers__judge() {
	if [ -z "${JUDGE:-}" ]; then
		JUDGE=$(cd "$readers__dir" && mkdir -p ../../build/tests && go build -o ../../build/tests/judge . &&
			cd ../../build/tests && pwd)/judge || return 1
	fi
	"$JUDGE" "$@"
}

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

# readers__go VERSION FILE: the tool reads FILE whole. Before 1.24 the mode has a number instead of a name.
readers__go() {
	local version=$1 file=$2 minor mode=parsed out rc=0
	local toolchain=local
	if [ "$version" != local ]; then
		toolchain=go$version
		minor=${version#1.}
		minor=${minor%%.*}
		if [ "$minor" -lt 24 ]; then mode=1; fi
	fi
	out=$(mktemp) || return 1
	# From outside of any module, so that no go.mod has a say in the toolchain.
	(cd / && GOTOOLCHAIN=$toolchain GOFLAGS='' go tool trace "-d=$mode" "$file") >"$out" 2>&1 || rc=$?
	if [ "$rc" -ne 0 ]; then
		echo "$file: refused by go tool trace of Go $version: $(readers__reason "$out")" >&2
	elif ! [ -s "$out" ]; then
		echo "$file: go tool trace of Go $version shows no event" >&2
		rc=1
	fi
	rm -f "$out"
	return "$rc"
}

readers__have() {
	[ "$1" = local ] || (cd / && GOTOOLCHAIN=go$1 go version) >/dev/null 2>&1
}

readers_accept() {
	local file header version minor path
	for file in "$@"; do
		path=$(realpath -- "$file") || return 1
		header=$(readers__header "$path")
		if [ -z "$header" ]; then
			echo "$file: not a Go trace" >&2
			return 1
		fi
		for version in $READERS_GO local; do
			if [ "$version" != local ]; then
				minor=${version#1.}
				if ! readers__opens "${minor%%.*}" "$header"; then continue; fi
			fi
			if ! readers__have "$version"; then
				echo "readers: Go $version can not be had" >&2
				if [ "${READERS_OPTIONAL:-0}" = 1 ]; then continue; fi
				return 1
			fi
			readers__go "$version" "$path" || return 1
		done
		readers__judge check -q "$path" || return 1
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
