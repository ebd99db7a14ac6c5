#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# A control group is recorded: of v2 and of v1, with what is below it, who comes and who goes.

setup() {
	load ../lib/common.bash
	load ../lib/roles.bash
	e2e_setup
	V2=$(awk '$9 == "cgroup2" || / - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
	V1=$(awk '/ - cgroup .*[ ,]freezer/ { print $5; exit }' /proc/self/mountinfo)
	G=ctrace-test-$$
	made=()
}

teardown() {
	local i
	e2e_teardown
	for ((i = ${#made[@]} - 1; i >= 0; i--)); do
		until_true rmdir_or_gone "${made[i]}" || :
	done
}
rmdir_or_gone() { [ ! -d "$1" ] || rmdir "$1"; }

group() { # DIR: and those above it; they are removed at the end
	local up
	up=$(dirname "$1")
	[ -d "$up" ] || group "$up"
	mkdir "$1" || skip "no group can be made in $up"
	made+=("$1")
}
move() { echo "$1" >"$2/cgroup.procs"; }
start_roles() {
	start_prog roles
	P=$(ready_word 2)
}
start_stranger() { # $other_pid is the same program by another name
	cp "$PROG/roles" stranger
	./stranger <told >said2 3>&- {tell_fd}>&- &
	other_pid=$!
	wait_line said2 '^ready'
}

@test "an empty group waits for those who join; who leaves ends, and may come back" {
	[ -n "$V2" ] || skip "no v2"
	group "$V2/$G"
	start_roles
	rec --cgroup "/$G" -o T
	grep -q 'no process is meant yet' err
	does tick
	move "$P" "$V2/$G"
	does tick
	does fork
	move "$P" "$V2"
	does tick
	does fork
	move "$P" "$V2/$G"
	does tick
	rec_stop INT
	sound T
	has roles=4 roles/ticker=4
	jq -e '[.goroutines[] | select(.state == "NotExist")] | length == 5' times.json
	jq -e '.lost == 0 and .unfollowed == 0' sum
	nothing_left
}

@test "groups below are in it, beside it are not; its removal ends the recording" {
	[ -n "$V2" ] || skip "no v2"
	group "$V2/$G/in/deep"
	group "$V2/$G/beside"
	start_roles
	start_stranger
	move "$P" "$V2/$G/in/deep"
	move "$other_pid" "$V2/$G/beside"
	rec --cgroup "$V2/$G/in/" -o T
	no grep -q 'no process is meant yet' err
	does tick
	move "$P" "$V2"
	rmdir "$V2/$G/in/deep" "$V2/$G/in"
	rec_stop -
	[ "$rec_status" -eq 0 ]
	grep -q "the control group $V2/$G/in was removed" err
	sound T
	has roles=1 roles/ticker=2
	no grep -q stranger <(names)
}

@test "its number names it" {
	[ -n "$V2" ] || skip "no v2"
	group "$V2/$G/numbered"
	start_roles
	move "$P" "$V2/$G/numbered"
	rec --cgroup "$(stat -c %i "$V2/$G/numbered")" -d 300ms -o T
	rec_stop -
	sound T
	has roles=1 roles/ticker=2
}

@test "a group of v1, by its path and by its name" {
	local name
	[ -n "$V1" ] || skip "no v1"
	group "$V1/$G/sub"
	start_roles
	move "$P" "$V1/$G/sub"
	for name in "$V1/$G" "/$G" "$G/sub"; do
		rec --cgroup "$name" -d 300ms -o T
		rec_stop -
		sound T
		has roles=1 roles/ticker=2
	done
	rec --cgroup "/$G" -o T
	does tick
	move "$P" "$V1"
	does tick
	rec_stop INT
	sound T
	has roles=1 roles/ticker=2
	jq -e '[.goroutines[].state] | all(. == "NotExist")' times.json
}

@test "filters choose among the processes of a group" {
	[ -n "$V2" ] || skip "no v2"
	group "$V2/$G"
	start_roles
	start_stranger
	move "$P" "$V2/$G"
	move "$other_pid" "$V2/$G"
	rec --cgroup "$G" --exclude 'stran*' -d 300ms -o T
	rec_stop -
	has roles=1 roles/ticker=2
	no grep -q stranger <(names)
}

@test "a container is found by its id" {
	local id
	[ -n "$V2" ] || skip "no v2"
	id=$(printf '%s' "$G" | sha256sum | cut -c1-64)
	group "$V2/$G/docker-$id.scope/init"
	start_roles
	move "$P" "$V2/$G/docker-$id.scope/init"
	rec --container "${id:0:12}" -d 300ms -o T
	rec_stop -
	sound T
	has roles=1 roles/ticker=2
	group "$V2/$G/libpod-${id:0:12}${id:0:52}.scope"
	refused 1 'more than one container begins so' "$CTRACE" --container "${id:0:12}"
}

@test "what is no group is refused in words" {
	refused 1 'no such control group in /' "$CTRACE" --cgroup /no/such/group
	refused 1 'not a control group' "$CTRACE" --cgroup "$PWD"
	refused 1 'no control group of v2 has this number|v2 is not mounted' "$CTRACE" --cgroup 999999999999
	refused 2 'first six of its hex digits' "$CTRACE" --container 12345
	refused 1 'no running container has such an id' "$CTRACE" --container 0123456789ab
	refused 2 'both name a group' "$CTRACE" --cgroup / --container 0123456789ab
	refused 2 '-a records everything, and --cgroup a part' "$CTRACE" -a --cgroup /
	refused 2 '-p names processes, and --cgroup a group' "$CTRACE" -p 1 --cgroup /
	if [ -n "$V2" ]; then refused 1 'give its directory' "$CTRACE" --cgroup "$V2/cgroup.procs"; fi
	nothing_left
}
