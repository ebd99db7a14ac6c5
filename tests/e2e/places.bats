#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Every thread has its place in the kernel, however many an interrupt wakes and whatever it interrupts.

setup() {
	load ../lib/common.bash
	e2e_setup
}

teardown() {
	e2e_teardown
}

@test "the first interrupt wakes more threads than the kernel has memory for at once" {
	local i
	start_prog chimes 100
	for i in 1 2 3 4 5 6 7 8; do # the interrupt must come before each thread was seen otherwise
		rec -p "$(ready_word 2)" -o T
		rec_stop
		[ "$rec_status" -eq 0 ]
		cat sum
		jq -e '.lost == 0 and .no_storage == 0 and .threads == 101' sum
	done
	sound T
}

@test "interrupts wake threads while others are named and made" {
	start_prog chimes 100 40000
	rec -p "$(ready_word 2)" -o T --syscalls=none
	tell go
	wait_line said '^done' 60
	rec_stop
	[ "$rec_status" -eq 0 ]
	cat sum
	jq -e '.lost == 0 and .no_storage == 0 and .threads == 503' sum
	sound T
}
