#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The demo program as `go tool trace` shows it: check.sh   (O: the build directory; called by `make shots`, as root)
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
	echo "1..$(($(wc -w <<<$pages) + 1))"
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
	return "$failed"
}
suite shots shots
exit "$suites_failed"
