#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# What cannot be recorded: each case has its sentence and its code, and leaves nothing behind: no file, no program, no map.
# Usage errors, which need no root, are in cli-usage.bats.

setup() {
	load ../lib/common.bash
	e2e_setup
	start_prog known 5
	P=$(ready_word 2)
}

teardown() {
	e2e_teardown
	if [ -n "${mounted:-}" ]; then umount "$mounted" || :; fi
}

@test "a pid that does not exist" {
	local none=4194303
	while [ -e /proc/$none ]; do none=$((none - 1)); done
	refused 1 "no process with pid $none" "$CTRACE" -p $none -d 1
	refused 1 "no process with pid $none" "$CTRACE" -p "$P,$none" -d 1
	nothing_left
}

@test "a kernel thread" {
	refused 1 'pid 2 (.*) is a kernel thread' "$CTRACE" -p 2 -d 1
}

@test "a zombie" {
	# the child ends when its parent has become sleep, which never asks for it; the shell would
	# shellcheck disable=SC2016 # the dollars are the inner shell's
	bash -c 'until [ "$(cat /proc/$$/comm)" = sleep ]; do :; done & echo $!; exec sleep 100' >zombie 3>&- &
	other_pid=$!
	until_true test -s zombie
	until_true grep -q '^State:.Z' "/proc/$(cat zombie)/status"
	refused 1 'zombie' "$CTRACE" -p "$(cat zombie)" -d 1
}

@test "the tracer itself" {
	# the shell becomes the tracer, so it knows its pid beforehand
	refused 1 'is this tracer itself' bash -c "exec '$CTRACE' -p \$\$ -d 1"
}

@test "output in a missing directory, an unwritable one, a directory" {
	refused 1 'cannot write nowhere/T: No such file or directory' "$CTRACE" -p "$P" -d 1 -o nowhere/T
	refused 1 'cannot write \.: Is a directory' "$CTRACE" -p "$P" -d 1 -o .
	refused 1 'cannot write /proc/T' "$CTRACE" -p "$P" -d 1 -o /proc/T
	refused 1 'cannot write nowhere/R' "$CTRACE" -p "$P" -d 1 -o T --raw nowhere/R
	refused 1 'cannot write T/' "$CTRACE" -p "$P" -d 1 -o T/
	nothing_left
}

@test "one file for the trace and the raw records, by whatever name" {
	local same='-o and --raw name the same file, '
	mkdir d
	ln -s d e
	refused 2 "$same./T" "$CTRACE" -p "$P" -d 1 -o T --raw ./T
	refused 2 "$same" "$CTRACE" -p "$P" -d 1 -o d/T --raw "$PWD/e/../d/T"
	refused 2 "$same" "$CTRACE" -p "$P" -d 1 -o d/T --raw e/T
	refused 2 "$same" "$CTRACE" -p "$P" -d 1 --raw ./go.trace
	echo old >T
	ln T hard
	ln -s T soft
	refused 2 "$same" "$CTRACE" -p "$P" -d 1 -o T --raw hard
	refused 2 "$same" "$CTRACE" -p "$P" -d 1 -o soft --raw T
	"$CTRACE" -p "$P" -d 1 -o - --raw T >>T 2>err && return 1
	grep -q -- "$same" err
	[ "$(cat T)" = old ]
	"$CTRACE" -q -p "$P" -d 100ms -o d/T --raw T
	sound d/T
}

@test "/dev/full, for the trace and for the raw file" {
	refused 1 'cannot write /dev/full: No space left' "$CTRACE" -q -p "$P" -d 500ms -o /dev/full
	# it is told at once, not at the end
	run timeout 20 "$CTRACE" -q -p "$P" -d 600 -o T --raw /dev/full
	[ "$status" -eq 1 ]
	[[ $output == *"cannot write /dev/full: No space left"* ]]
	sound T
	ln -s /dev/full full
	run timeout 20 "$CTRACE" -q -p "$P" -d 600 -o /dev/full --raw ./full
	[ "$status" -eq 1 ]
	[ "$(grep -c 'cannot write [/a-z.]*/full: No space left' <<<"$output")" -eq 2 ]
	nothing_left
}

@test "a full disk: the trace is cut at its last whole generation, or is not there" {
	mkdir small
	mount -t tmpfs -o size=64k none small || skip "no tmpfs can be mounted"
	mounted=$PWD/small
	tell_end
	start_prog mixed
	run timeout 20 "$CTRACE" -q -p "$(ready_word 2)" -d 3 -o small/T
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"cannot write small/T: No space left"* ]]
	sound small/T # the first states
	rm small/T
	echo precious >small/old
	dd if=/dev/zero of=small/fill bs=4k 2>/dev/null || :
	run timeout 20 "$CTRACE" -q -p "$(ready_word 2)" -d 1 -o small/T
	[ "$status" -eq 1 ]
	[ ! -e small/T ]
	run timeout 20 "$CTRACE" -q -p "$(ready_word 2)" -d 6 -o small/old
	[ "$status" -eq 1 ]
	umount small
	mount -t tmpfs -o size=6m none small
	run timeout 90 "$CTRACE" -q -p "$(ready_word 2)" -d 80 -o small/T
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"it holds what was written before"* ]]
	sound small/T
	nothing_left
}

@test "a full disk, in another user's directory: it is said that an empty file stays" {
	mkdir small
	mount -t tmpfs -o size=64k,mode=755,uid=12345 none small || skip "no tmpfs can be mounted"
	mounted=$PWD/small
	dd if=/dev/zero of=small/fill bs=4k 2>/dev/null || :
	run env -u SUDO_UID -u SUDO_GID timeout 20 "$CTRACE" -q -p "$P" -d 500ms -o small/T
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"cannot write small/T: No space left"* ]]
	[ ! -e small/T ] || [[ $output == *"small/T is left empty, it cannot be removed: Permission denied"* ]]
	nothing_left
}

@test "losses are told where the file cannot be written as well" {
	tell_end
	start_prog mixed
	mkdir small
	mount -t tmpfs -o size=64k none small || skip "no tmpfs can be mounted"
	mounted=$PWD/small
	rec --buffer=$((64 * $(nproc)))K -p "$(ready_word 2)" -o small/T
	lose_records "$(ready_word 2)"
	rec_stop -
	cat err sum
	[ "$rec_status" -eq 1 ]
	sound small/T
	grep -q '^ctrace-bpf: [0-9]* records were lost' err
	tail -n 1 err | grep -q 'cannot write small/T: No space left on device; it holds what was written before, [0-9.]* k*B'
	no grep -q 'Open it' err
	jq -e --argjson size "$(stat -c %s small/T)" '.lost > 0 and .bytes == $size and (.error | test("No space left"))' sum
}

@test "convert reads pipes, whatever comes through them" {
	local f
	"$CTRACE" -q -p "$P" -d 200ms -o T --raw R
	"$CTRACE" convert --text R >R.ev
	for f in R R.ev; do
		# shellcheck disable=SC2002 # it shall be a pipe
		cat $f | "$CTRACE" convert -q /dev/stdin -o T2
		cmp T T2
	done
	"$CTRACE" convert --text T >want
	"$CTRACE" convert --text <(cat T) | cmp - want
	"$CTRACE" convert -q --repair <(cat T) -o T3
	cmp T T3
	"$CTRACE" convert --repair <(cat T) 2>err && return 1
	grep -q 'is a pipe, which cannot be mended in place; give -o FILE' err
	"$CTRACE" convert <(echo hello) -o T4 2>err && return 1
	grep -q 'is neither a raw recording nor a Go trace' err
	[ ! -e T4 ]
}

@test "convert tells of a recording that is cut or damaged, also with -q" {
	local whole
	"$CTRACE" -q -p "$P" -d 500ms -o T --raw R
	"$CTRACE" convert -q R -o T2 2>err
	[ ! -s err ]
	whole=$(stat -c %s R)
	head -c $((whole - 5)) R >cut
	"$CTRACE" convert -q cut -o T3 2>err
	cat err
	[ "$(wc -l <err)" -eq 1 ]
	grep -q '^ctrace-bpf: cut: .*; what is whole was converted' err
	sound T3
}

@test "who is recorded, and named after what: words that only the machine can judge" {
	local long
	printf -v long '%0235d' 0 # a time has 21 bytes, a name 255
	refused 1 'File name too long' "$CTRACE" -p "$P" --rotate=1s -o "$long"
	refused 1 'File name too long' "$CTRACE" -p "$P" --duty=1s/5s -o "$long"
	refused 1 'File name too long' "$CTRACE" -p "$P" --flight-recorder=5s -o "$long"
	refused 2 '--uid: there is no user beside a comma' "$CTRACE" -a --uid root,
	refused 2 '--uid 4294967295: users have smaller numbers' "$CTRACE" -a --uid 4294967295
	refused 2 'there is a --cgroup=/ already; give one of them' "$CTRACE" --cgroup / --cgroup /a
	refused 2 'give --trigger with it' "$CTRACE" -p "$P" --flight-recorder=5s --trigger-gap=5s
	nothing_left
}

@test "a FIFO that nobody reads" {
	mkfifo pipe
	refused 1 'nobody reads' "$CTRACE" -p "$P" -d 1 -o pipe
}

@test "a buffer that is too small or too large" {
	refused 2 '--buffer' "$CTRACE" -p "$P" -d 1 --buffer=1
	refused 2 '--buffer: too large; half of' "$CTRACE" -p "$P" -d 1 --buffer=1000G
	refused 2 '--buffer: too large; half of' "$CTRACE" -p "$P" -d 1 --buffer=1T
	nothing_left
}

@test "a kernel without BTF" {
	CTRACE_BTF=/nonexistent refused 3 'lacks' "$CTRACE" -p "$P" -d 1
	[[ $refused_err == *BTF* ]]
	: >empty
	CTRACE_BTF=empty refused 3 'BTF' "$CTRACE" -p "$P" -d 1
}

@test "a reader of stdout that goes away" {
	set +o pipefail
	{
		timeout 20 "$CTRACE" -q -p "$P" -d 500ms -o - || echo "status $?" >>err
	} 2>>err | :
	until_true grep -q status err
	cat err
	grep -q 'cannot write standard output: Broken pipe' err
	grep -q 'status 1' err
	nothing_left
}
