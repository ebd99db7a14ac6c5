#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# A target's program lies on a file system that stops answering: the recording is made, says so, and ends.

setup() {
	load ../lib/common.bash
	[ -c /dev/fuse ] || skip "no /dev/fuse"
	e2e_setup
	mkdir mnt
	mkfifo order
	python3 "$ROOT/tests/lib/fuse.py" "$PROG/known" mnt <order >server 2>server.err 3>&- &
	server_pid=$!
	exec {order_fd}>order
	wait_line server '^mounted' || skip "no file systems in user space: $(cat server.err)"
}

teardown() {
	[ -z "${order_fd:-}" ] || echo answer >&"$order_fd" || :
	e2e_teardown
	umount -l mnt || :
	exec {order_fd}>&-
	wait "$server_pid" || :
}

# order WORD: the file system does so from now on.
order() {
	echo "$1" >&"$order_fd"
	wait_line server "^$1"
}

# all_gone: what waits in the kernel holds its programs until it is answered, then nothing is left.
all_gone() {
	order answer
	nothing_left
}

# start_there COMMAND [ARG…]: a program whose stdin is told
start_there() {
	mkfifo told
	"$@" <told >said 2>said.err 3>&- {order_fd}>&- &
	prog_pid=$!
	exec {tell_fd}>told
	wait_line said '^ready'
}

@test "a program that was mapped before: its stacks are cut, the summary says so, and the recorder ends" {
	start_there mnt/prog 5
	order hang
	rec -p "$(ready_word 2)" -o T {order_fd}>&-
	wait_line server '^silent'
	rec_stop
	cat err
	[ "$rec_status" -eq 0 ]
	sound T
	grep -q "mnt/prog: does not answer; its stacks are cut" err
	[ "$(grep -c 'does not answer; its stacks are cut' err)" -le 2 ] # when it was seen, and in the summary
	jq -e '.lost == 0 and .threads == 2' sum
	all_gone
}

@test "a program that is executed meanwhile: other files are read after it" {
	start_there "$PROG/exec" leader "$PWD/mnt/prog"
	rec -p "$(ready_word 2)" -o T {order_fd}>&-
	order far
	tell go
	wait_line server '^silent'
	wait_line err 'mnt/prog: does not answer'
	rec_stop
	cat err
	[ "$rec_status" -eq 0 ]
	sound T
	all_gone
}

@test "Ctrl-C while it waits for the file ends it at once" {
	start_there mnt/prog 5
	order hang
	"$CTRACE" -v -p "$(ready_word 2)" -o T 2>err 3>&- {order_fd}>&- {tell_fd}>&- &
	rec_pid=$!
	wait_line server '^silent'
	rec_stop
	cat err
	[ "$rec_status" -eq 0 ]
	no grep -q 'prog: does not answer' err # it did not wait until that was clear
	sound T
	all_gone
}

@test "what was read before and is silent at the end does not hold the end up" {
	start_there mnt/prog 5
	rec -p "$(ready_word 2)" -o T {order_fd}>&-
	tell go
	wait_line said '^done'
	order hang
	rec_stop
	cat err
	[ "$rec_status" -eq 0 ]
	sound T
	all_gone
}
