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

@test "who joins a control group while it is recorded has a place for each thread" {
	local i v2 group pid good=0
	v2=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
	[ -n "$v2" ] || skip "no v2"
	group=$v2/ctrace-test-$$
	mkdir "$group" || skip "no group can be made in $v2"
	start_prog chimes 800 0 100000
	pid=$(ready_word 2)
	for i in 1 2 3 4; do
		rec --cgroup "$group" -o T
		echo "$pid" >"$group/cgroup.procs"
		until_true has_rung
		echo "$pid" >"$v2/cgroup.procs"
		rec_stop
		cat sum
		if jq -e '.lost == 0 and .no_storage == 0' sum; then good=$((good + 1)); fi
	done
	rmdir "$group"
	[ "$good" -eq 4 ]
	sound T
}
has_rung() {
	kill -USR1 "$rec_pid"
	grep -qE ' [3-9][0-9]{3,} events' err
}
