#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The demo program, and a cappuccino with its annotations, as `go tool trace` shows them: check.sh   (O: the build directory; called by `make shots`, as root)
#
# Records 2 s, photographs every page into $O/shots and looks at what the pages hold: TAP on stdout, also into
# $TAP_DIR/shots.tap. The trace stays beside the pictures.
set -eu
# shellcheck source=tests/lib/common.bash
. "$(dirname "$0")/../../lib/common.bash"

pages="main proc-whole proc-zoom proc-flows thread-whole thread-zoom thread-flows goroutines goroutine
	profile-sync profile-net profile-syscall"
dir=$O/shots demo=''

bye() {
	[ -z "$demo" ] || kill "$demo" 2>/dev/null || :
}
skip_all() {
	echo "1..0 # SKIP $*"
}
# the size of a PNG in pixels, from its header
pixels() {
	od -An -tu1 -j16 -N8 "$1" | awk '{ print ($1 * 256 + $2) * 65536 + $3 * 256 + $4 "x" ($5 * 256 + $6) * 65536 + $7 * 256 + $8 }'
}

shots() {
	local go page n=1 failed=0 status=0
	[ "$(id -u)" = 0 ] || { skip_all "not root" && return; }
	[ -n "${CHROMIUM:-}" ] || command -v chromium >/dev/null || { skip_all "no chromium" && return; }
	go=$(command -v go || "$ROOT/scripts/find-go.sh") || { skip_all "no Go" && return; }
	PATH=${go%/*}:$PATH
	rm -rf "$dir"
	mkdir -p "$dir"
	trap bye EXIT
	"$PROG/demo" >"$dir/demo.txt" &
	demo=$!
	# shellcheck disable=SC2086 # words
	echo "1..$(($(wc -w <<<$pages) + 2))"
	if until_true grep -q 'is running$' "$dir/demo.txt" && "$CTRACE" -q -p "$demo" -d 2 -o "$dir/demo.trace" >&2; then
		kill "$demo"
		"$ROOT/tests/judge/shots/shots.sh" "$dir/demo.trace" "$dir" producer echo-server logger spinner-1 sleeper >"$dir/said" 2>"$dir/err" || status=1
	else
		status=1
	fi
	cat "$dir/said" "$dir/err" 2>/dev/null | sed 's/^/# /'
	if [ "$status" = 0 ]; then echo "ok 1 - every page shows what it should"; else echo "not ok 1 - every page shows what it should"; fi
	failed=$status
	for page in $pages; do
		n=$((n + 1))
		if [ ! -s "$dir/$page.png" ] && [[ $page = profile-* ]] && ! command -v dot >/dev/null; then
			echo "ok $n - $page # SKIP no graphviz"
		elif [ -s "$dir/$page.png" ] && [ "$(pixels "$dir/$page.png")" = 1600x1000 ]; then
			echo "ok $n - $page"
		else
			echo "not ok $n - $page"
			failed=1
		fi
	done
	if cappuccino >"$dir/err" 2>&1; then
		echo "ok $((n + 1)) - tasks and regions"
	else
		sed 's/^/# /' "$dir/err"
		echo "not ok $((n + 1)) - tasks and regions"
		failed=1
	fi
	return "$failed"
}

# Its pages name every type; the pictures are in $dir/cappuccino.
cappuccino() {
	local of=$dir/cappuccino rec
	mkdir -p "$of"
	mkfifo "$of/told"
	"$PROG/cappuccino" -w -n 20 <"$of/told" >"$of/said" &
	demo=$!
	exec 8>"$of/told"
	until_true grep -q '^ready' "$of/said" || return 1
	"$CTRACE" -v -p "$demo" -o "$of/trace" 2>"$of/err" 8>&- &
	rec=$!
	until_true grep -q 'ctrace-bpf: recording' "$of/err" || return 1
	echo go >&8
	exec 8>&-
	wait "$rec" || return 1 # the program ends, and with it the recording
	demo=''
	"$ROOT/tests/judge/shots/shots.sh" "$of/trace" "$of" >"$of/pages" || return 1
	cat "$of/pages"
	grep -q '^tasks.png .*: makeCappuccino$' "$of/pages" || return 1
	grep -q '^regions.png .*: extractCoffee makeCappuccino mixMilkCoffee steamMilk$' "$of/pages" || return 1
	[ -s "$of/task.png" ] && [ -s "$of/region.png" ]
}
suite shots shots
exit "$suites_failed"
