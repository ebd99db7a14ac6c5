#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Golden tests: records as text (tests/golden/NAME.ev) through convert, and the trace as text against NAME.txt.
#
#   golden.sh [NAME…]             checks them, all by default; TAP on stdout
#   golden.sh --update NAME…      writes NAME.txt anew: read the difference against the rules before it is kept
#
# A line "# options: …" of the .ev file goes to convert; what it parts into files (--rotate) is told one behind the other. Behind the trace the .txt holds the repairs that were
# counted, and the annotations where there are some. Every trace must also please the judge where that can be had: build/judge, or Go to build it.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/lib/common.bash
. "$root/tests/lib/common.bash"
cd "$root/tests/golden"

update=
if [ "${1:-}" = --update ]; then
	shift
	update=1
	[ $# -gt 0 ]
fi
if [ $# = 0 ]; then
	for f in *.ev; do
		set -- "$@" "${f%.ev}"
	done
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
judge=
if have_judge; then judge=$JUDGE; fi

convert() { # NAME: its text to $tmp/txt
	local opts file
	opts=$(sed -n 's/^# options: //p' "$1.ev")
	rm -f "$tmp/trace"*
	# shellcheck disable=SC2086 # words
	"$CTRACE" convert --json -q $opts "$1.ev" -o "$tmp/trace" >"$tmp/json" 2>"$tmp/err" || {
		cat "$tmp/err"
		return 1
	}
	[ ! -s "$tmp/err" ] || { cat "$tmp/err" && return 1; }
	: >"$tmp/txt"
	for file in "$tmp/trace"*; do # with --rotate in the order of their names
		"$CTRACE" convert --text "$file" >>"$tmp/txt" || return 1
	done
	sed -n 's/.*"repairs":{\([^}]*\)}.*/repairs \1/p' "$tmp/json" | tr -d '"' >>"$tmp/txt"
	sed -n 's/.*"annotations":{\([^}]*\)}.*/,\1,/;T;s/"//g;:a;s/,[a-z_]*:0,/,/;ta;s/^,//;s/,$//;/./s/^/annotations /p' \
		"$tmp/json" >>"$tmp/txt"
}

n=0 failed=0
echo "1..$#"
for name; do
	n=$((n + 1))
	why=
	if ! convert "$name" >"$tmp/log" 2>&1; then
		why="is not converted"
	elif [ -n "$update" ]; then
		cp "$tmp/txt" "$name.txt"
	elif ! diff -u "$name.txt" "$tmp/txt" >"$tmp/log" 2>&1; then
		why="differs"
	elif [ -n "$judge" ] && ! "$judge" check -q "$tmp/trace"* >"$tmp/log" 2>&1; then
		why="is refused by the judge"
	fi
	if [ -z "$why" ]; then
		echo "ok $n - golden $name"
	else
		echo "not ok $n - golden $name $why"
		sed 's/^/# /' "$tmp/log"
		failed=1
	fi
done
exit $failed
