#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The command line where nothing is recorded: usage errors, help, version, convert's refusals. No root needed.

setup() {
	load ../lib/common.bash
	cd "$BATS_TEST_TMPDIR" || return 1
	G="$ROOT/tests/golden"
}

@test "help and version go to stdout, and are no error" {
	run "$CTRACE" --help
	[ "$status" -eq 0 ]
	[[ $output == usage:* ]]
	run "$CTRACE" --version
	[ "$status" -eq 0 ]
	[ "$output" = "ctrace-bpf $(cat "$ROOT/VERSION")" ]
	for c in convert markers features; do
		run "$CTRACE" "$c" --help
		[ "$status" -eq 0 ]
		[[ $output == "usage: ctrace-bpf $c"* ]]
	done
}

@test "nothing to record is a usage error" {
	refused 2 'what shall be recorded' "$CTRACE"
	refused 2 '-p cannot be added' "$CTRACE" -a -p 1
}

@test "an unknown option, command or word" {
	refused 2 '--nonsense' "$CTRACE" --nonsense
	refused 2 '-X' "$CTRACE" -X
	refused 2 "no command 'nonsense'" "$CTRACE" nonsense
	refused 2 "'extra' is no option" "$CTRACE" -p 1 extra
	refused 2 'PID' "$CTRACE" -p
	refused 2 'takes no value' "$CTRACE" --strict=1 -p 1
	refused 2 'value is missing' "$CTRACE" --buffer
	# and where the help is
	refused 2 'unknown option -p; see ctrace-bpf convert --help' "$CTRACE" convert -p 1 T
	refused 2 'unknown option --strict; see ctrace-bpf convert --help' "$CTRACE" convert --strict T
	refused 2 '-o: FILE is missing; see ctrace-bpf convert --help' "$CTRACE" convert T -o
	refused 2 'unknown option -p; see ctrace-bpf features --help' "$CTRACE" features -p 1
	refused 2 'unknown option --strict; see ctrace-bpf markers --help' "$CTRACE" markers --strict x
	refused 2 'takes one file, or -p PID' "$CTRACE" markers
	refused 2 'takes one file, or -p PID' "$CTRACE" markers a b
	refused 2 'takes one file, or -p PID' "$CTRACE" markers -p 1 a
	refused 2 'takes no argument: x; see ctrace-bpf features --help' "$CTRACE" features x
}

@test "a pid that is no number" {
	local v
	for v in x 1x -1 0 1,,2 1, 99999999999999999999 4194305 '' ' 1'; do
		refused 2 'is not a process id' "$CTRACE" "-p$v" -o T || refused 2 'PID is missing' "$CTRACE" -p "$v"
	done
}

@test "durations that are none: 0, negative, absurd" {
	refused 2 'nothing would be recorded' "$CTRACE" -p 1 -d 0
	refused 2 'nothing would be recorded' "$CTRACE" -p 1 -d 0ms
	refused 2 'not a duration' "$CTRACE" -p 1 -d -5
	refused 2 'not a duration' "$CTRACE" -p 1 -d 5x
	refused 2 'not a duration' "$CTRACE" -p 1 -d ''
	refused 2 'not a duration' "$CTRACE" -p 1 -d 1.2.3
	refused 2 'not a duration' "$CTRACE" -p 1 -d nan
	refused 2 'more than 104 days' "$CTRACE" -p 1 -d 99999999999
	refused 2 'more than 104 days' "$CTRACE" -p 1 -d 9999999999999999999999999h
}

@test "values that are not in the list" {
	refused 2 'all, blocking, none' "$CTRACE" -p 1 --syscalls=some
	refused 2 '1.22, 1.23, 1.25, 1.26' "$CTRACE" -p 1 --go-version=1.21
	refused 2 'Go 1.24 reads and writes 1.23' "$CTRACE" -p 1 --go-version=1.24
	refused 2 'not a size' "$CTRACE" -p 1 --buffer=lots
	refused 2 'nothing would be recorded; write 65536' "$CTRACE" -p 1 --buffer=0
	refused 2 'not a size' "$CTRACE" -p 1 --buffer=-1
	refused 2 '--buffer=99999999999T: too large; write' "$CTRACE" -p 1 --buffer=99999999999T
	refused 2 'not a row number; write 0 or 1' "$CTRACE" -p 1 --first-proc=-1
	refused 2 '--raw=-: raw records do not go to standard output; write the name of a file' "$CTRACE" -p 1 --raw=-
	refused 2 '--raw: a file name is missing' "$CTRACE" -p 1 --raw=
	refused 2 'file name is missing' "$CTRACE" -p 1 -o ''
	refused 2 'same file' "$CTRACE" -p 1 -o T --raw T
}

@test "annotations that are not named as they should be" {
	refused 2 '--region PQexec: there is no colon behind the file; write BIN:FUNC' "$CTRACE" -p 1 --region PQexec
	refused 2 'a colon in a path is written' "$CTRACE" -p 1 --region /path/with:colon:fn
	refused 2 'the provider or the marker is missing' "$CTRACE" -p 1 --usdt postgres:query__start
	refused 2 'the marker that ends it is missing' "$CTRACE" -p 1 --usdt-region postgres:postgresql:query__start
	refused 2 'none of arg1 to arg12' "$CTRACE" -p 1 --usdt-region a:p:x,y:arg99
	refused 2 'not a known word; write one of auto, off' "$CTRACE" -p 1 --annotations=on
	refused 2 'not a known word; write one of auto, off' "$CTRACE" -p 1 --go=run
	refused 2 'kernel, mark, all, or none' "$CTRACE" -p 1 --stacks=marks
}

@test "convert refuses what it cannot read, in words" {
	echo hello >hello
	: >empty
	refused 1 'cannot open' "$CTRACE" convert missing
	refused 1 'neither a raw recording' "$CTRACE" convert hello
	refused 1 'neither a raw recording' "$CTRACE" convert empty
	refused 1 'nothing to repair' "$CTRACE" convert --repair hello
	refused 2 'takes one file' "$CTRACE" convert
	refused 2 'takes one file' "$CTRACE" convert a b
	refused 2 'two different' "$CTRACE" convert --text --repair hello
	refused 2 'is text already' "$CTRACE" convert --text "$G/wake.ev"
	refused 1 'No such file' "$CTRACE" convert "$G/wake.ev" -o nowhere/T
	refused 1 'Is a directory' "$CTRACE" convert "$G/wake.ev" -o .
	refused 1 'cannot write /dev/full: No space left' "$CTRACE" convert -q "$G/wake.ev" -o /dev/full
	"$CTRACE" convert -q "$G/wake.ev" -o "$BATS_TEST_TMPDIR/../T"
	refused 1 'cannot write /dev/full: No space left' "$CTRACE" convert --text ../T -o /dev/full
	refused 1 'cannot write /dev/full: No space left' "$CTRACE" convert --repair ../T -o /dev/full
	refused 1 'cannot write nowhere/T: No such file' "$CTRACE" convert --repair ../T -o nowhere/T
	refused 1 'hello/x' "$CTRACE" convert --text ../T -o hello/x
}

@test "a recording that never began leaves no file" {
	grep -v start "$G/wake.ev" >never.ev
	refused 1 'never began' "$CTRACE" convert never.ev -o T
}

@test "convert takes no file that it reads for its output" {
	cp "$G/wake.ev" same.ev
	cp same.ev kept
	refused 1 'same.ev' "$CTRACE" convert same.ev -o same.ev
	cmp same.ev kept
	"$CTRACE" convert -q same.ev -o T
	cp T kept
	refused 1 'T' "$CTRACE" convert --text T -o T
	cmp T kept
	refused 1 'T' "$CTRACE" convert --repair T -o T
	cmp T kept
}

@test "a trace is not written to a terminal" {
	command -v script >/dev/null || skip "no script(1)"
	run script -qec "'$CTRACE' convert -q '$G/wake.ev' -o -" /dev/null
	[ "$status" -eq 1 ]
	[[ $output == *"not for a terminal"* ]]
}

@test "a reader that goes away is an error of writing, not a death" {
	local r w
	mkfifo pipe
	exec {r}<>pipe
	exec {w}>pipe
	exec {r}<&- # nobody reads any more
	"$CTRACE" convert -q "$G/reasons.ev" -o - 1>&"$w" 2>err && return 1
	grep -q 'cannot write standard output: Broken pipe' err
	"$CTRACE" convert -q "$G/reasons.ev" -o T
	"$CTRACE" convert --text T 1>&"$w" 2>err && return 1
	grep -q 'cannot write standard output: Broken pipe' err
}

@test "the trace on stdout is the one of the file, and the summary goes to stderr" {
	"$CTRACE" convert --json "$G/wake.ev" -o T >json 2>/dev/null
	"$CTRACE" convert --json "$G/wake.ev" -o - >T2 2>err
	cmp T T2
	jq -e '.file == "T" and .events > 0' json
	grep '^{' err | jq -e '.file == "-"'
}

@test "an output file is replaced only when there is something to write" {
	echo old >T
	grep -v start "$G/wake.ev" >never.ev
	run "$CTRACE" convert never.ev -o T
	[ "$status" -eq 1 ]
	[ "$(cat T)" = old ]
	"$CTRACE" convert -q "$G/wake.ev" -o T
	no grep -q old T
}

@test "repair cuts a broken trace at its last whole generation, and is content with a whole one" {
	"$CTRACE" convert -q "$G/generations.ev" -o T
	cp T whole
	"$CTRACE" convert -q --repair T
	cmp T whole
	local size cut first
	size=$(stat -c %s T)
	for cut in $((size - 1)) $((size * 3 / 4)); do
		head -c "$cut" whole >T
		"$CTRACE" convert -q --repair T
		first=$(stat -c %s T)
		[ "$first" -le "$cut" ]
		"$CTRACE" convert --text T >txt
		[ "$(grep -c ^generation txt)" -ge 1 ]
		head -c "$cut" whole >T3
		"$CTRACE" convert -q --repair T3 -o T4
		cmp T T4
	done
	head -c 40 whole >T
	run "$CTRACE" convert --repair T
	[ "$status" -eq 1 ]
}
