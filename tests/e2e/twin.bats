#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Two recorders at once.

setup() {
	load ../lib/common.bash
	e2e_setup
	start_prog counts
	P=$(ready_word 2)
}

teardown() { e2e_teardown; }

@test "two recorders of one target see the same" {
	rec -p "$P" -o T1
	other_rec_pid=$rec_pid
	mv err err.1
	rec -p "$P" -o T2
	tell go
	wait_line said '^done'
	rec_stop
	rec_pid=$other_rec_pid other_rec_pid=''
	rec_stop
	sound T1 T2
	for t in T1 T2; do
		"$JUDGE" times $t | jq -e '.goroutines[0].syscall_calls | .getppid == 1000 and .getpriority == 500 and .readv == 55'
	done
	nothing_left
}

@test "the second one with the same output file is refused in words, and harms nothing" {
	rec -p "$P" -o T
	until_true test -e T # it has a name with its first generation
	refused 1 'T is being written by another recorder' "$CTRACE" -p "$P" -d 1 -o T
	ln T hard
	refused 1 'hard is being written by another recorder' "$CTRACE" -p "$P" -d 1 -o hard
	rec_stop
	sound T
}

@test "one recorder does not see the other, unless it is asked" {
	rec -p "$P" -o T1
	other_rec_pid=$rec_pid
	rec -p "$other_rec_pid" -d 300ms -o T2
	rec_stop -
	sound T2
	"$JUDGE" times T2 | jq -e '.goroutines | length > 0 and all(.name | test("ctrace"))'
	rec_pid=$other_rec_pid other_rec_pid=''
	rec_stop
	"$JUDGE" times T1 | jq -e '.goroutines | length == 1'
}
