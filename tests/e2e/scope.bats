#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Who is recorded: children with -f, and with -a those whom a rule lets in: name, user, chance.

setup() {
	load ../lib/common.bash
	load ../lib/roles.bash
	e2e_setup
	orphan=''
}

teardown() {
	[ -z "$orphan" ] || kill -KILL "$orphan" 2>/dev/null || :
	e2e_teardown
}

# As programs of their own names.
called() { cp "$PROG/$1" "$2"; }
start_called() { # PATH: like start_prog
	PROG=. start_prog "$@"
	P=$(ready_word 2)
}
@test "-f records children and what they make; without it they are strangers" {
	called roles family
	start_called family
	rec -p "$P" -f -o T
	does fork
	rec_stop INT
	sound T
	has family=3 family/ticker=2
	jq -e '.lost == 0 and .unfollowed == 0' sum
	rec -p "$P" -o T
	does fork
	rec_stop INT
	has family=1 ticker=2
	nothing_left
}

@test "-f goes on until the last of them has ended, though nobody waits for it" {
	start_prog roles
	tell nanny
	wait_line said '^child'
	P=$(awk '/^child/ { print $2 }' said)
	rec -p "$P" -f -o T
	tell orphan
	wait_line said '^orphan'
	orphan=$(awk '/^orphan/ { print $2 }' said)
	tell_end
	wait_line err 'what they have forked goes on'
	until_true gone "$P"
	kill -0 "$rec_pid"
	kill -KILL "$orphan"
	rec_stop -
	[ "$rec_status" -eq 0 ]
	gone "$orphan"
	[ -d "/proc/$orphan" ]
	grep -q 'the last process has ended' err
	sound T
	"$JUDGE" times T | jq -e '[.goroutines[] | select(.state != "NotExist")] == []'
}

@test "--comm records processes of that name alone; an exec brings them in and lets them go" {
	called roles alpha
	called roles alpha2
	called roles beta
	start_called beta
	rec -a --comm 'alpha*' --syscalls=none -o T
	tell "exec ./alpha"
	wait_line said '^ready.*' && until_true grep -q alpha "/proc/$P/comm"
	does tick
	tell "exec ./beta"
	until_true grep -q beta "/proc/$P/comm"
	does tick
	tell "exec ./alpha2"
	until_true grep -q alpha2 "/proc/$P/comm"
	does tick
	rec_stop INT
	sound T
	has alpha=1 alpha/ticker=2 alpha2=1 alpha2/ticker=2
	no grep -q beta <(names)
	[ "$(names | wc -l)" -eq 4 ]
	# those of the first one have ended where it went
	jq -e '[.goroutines[] | select(.name | startswith("alpha2") | not) | .state] | all(. == "NotExist")' times.json
	jq -e '.lost == 0' sum
	nothing_left
}

@test "a process that is renamed leaves with all its threads, and may come back" {
	called roles alpha
	start_called alpha
	rec -a --comm alpha -o T
	does tick
	does "name other"
	does tick
	does "name alpha"
	does tick
	rec_stop INT
	sound T
	has alpha=2 alpha/ticker=4
	jq -e '[.goroutines[] | select(.state == "NotExist")] | length == 3' times.json
}

@test "an exec by a thread that is no leader brings a process in under its own number" {
	start_prog exec thread
	P=$(ready_word 2)
	rec -a --comm cat -o T
	tell go
	until_true grep -qx cat "/proc/$P/comm"
	tell more # it reads
	wait_line said more
	rec_stop INT
	sound T
	"$JUDGE" times T | jq -e --argjson pid "$P" '[.goroutines[] | select(.name == "cat" and .id == $pid)] | length == 1'
}

@test "--exclude leaves out names and pids, and wins" {
	called roles alpha
	called roles alpha2
	start_called alpha
	./alpha2 <told >said2 3>&- {tell_fd}>&- &
	other_pid=$!
	wait_line said2 '^ready'
	rec -a --comm 'alpha*' --exclude 'a*2' -d 300ms -o T
	rec_stop -
	has alpha=1 alpha/ticker=2
	[ "$(names | wc -l)" -eq 2 ]
	rec -a --comm 'alpha*' --exclude "$P" -d 300ms -o T
	rec_stop -
	has alpha2=1 alpha2/ticker=2
	[ "$(names | wc -l)" -eq 2 ]
}

becomes_nobody() { # with all threads, and both sides of it are recorded
	does tick
	does "uid $(id -u nobody)"
	does tick
	does tick
	rec_stop INT
	sound T
	has alpha=1 alpha/ticker=2
}

@test "processes that there is no room for are counted, and --strict makes that an error" {
	local i crowd=()
	called shortlived crowd
	mkfifo told
	exec {tell_fd}<>told
	for i in 1 2 3 4 5; do
		./crowd 1 <told >"said.$i" 3>&- {tell_fd}>&- &
		crowd+=($!)
	done
	for i in 1 2 3 4 5; do wait_line "said.$i" '^ready'; done
	CTRACE_MEMBERS=2 rec -a --comm crowd -d 200ms --strict -o T
	rec_stop -
	[ "$rec_status" -eq 4 ]
	grep 'processes were left out, and --strict was given' err
	jq -e '.unfollowed == 3 and .lost == 0' sum
	sound T
	has crowd=2
	kill "${crowd[@]}"
}

@test "--uid records processes of that user alone; setuid brings one in, and out" {
	local nobody
	nobody=$(id -u nobody)
	called roles alpha
	start_called alpha
	rec -a --uid nobody -o T
	becomes_nobody
	stop_prog
	start_called alpha
	rec -a --uid 0,99 --comm alpha -o T
	becomes_nobody
	jq -e '[.goroutines[].state] | all(. == "NotExist")' times.json
}

@test "--sample-processes takes about so many, the same ones each time" {
	local i crowd=()
	called shortlived crowd
	mkfifo told
	exec {tell_fd}<>told
	for i in $(seq 60); do
		./crowd 1 <told >"said.$i" 3>&- {tell_fd}>&- &
		crowd+=($!)
	done
	for i in $(seq 60); do wait_line "said.$i" '^ready'; done
	for i in 1 2; do
		rec -a --comm crowd --sample-processes=50% -d 200ms -o T
		rec_stop -
		"$JUDGE" times T | jq -c '[.goroutines[].id] | sort' >chosen$i
	done
	kill "${crowd[@]}"
	exec {tell_fd}>&-
	cmp chosen1 chosen2
	jq -e 'length > 12 and length < 48' chosen1
}

@test "threads of the kernel are recorded when asked for, grouped, and in no syscall" {
	rec -a --kernel-threads -d 500ms -o T
	rec_stop -
	sound T
	names | grep -q '^kernel/kworker='
	names | grep -q '^kernel/ksoftirqd='
	no grep -q 'kernel/kworker/[0-9u]' <(names)
	jq -e '[.goroutines[] | select(.name | startswith("kernel/")) | .syscall_begins | keys[]] | index("read") == null' times.json
	rec -a -d 200ms -o T
	rec_stop -
	no grep -q '^kernel/' <(names)
}

@test "interrupts that take long are logs of the thread; a syscall keeps its begin" {
	start_prog mixed
	rec -a --irq 1us -d 1 -o T
	rec_stop -
	sound T
	"$CTRACE" convert --text T | grep 'UserLog.*key="softirq" value="[A-Z_]* [0-9.]*[mu]s"' >/dev/null
	jq -e '.lost == 0' sum
	# a syscall that one comes into is told of before, and not again as a whole
	"$CTRACE" --irq 3us --json -o T --raw R -- dd if=/dev/zero of=/dev/null bs=64M count=20 2>err >out
	sound T
	"$CTRACE" convert --text R >records
	awk '{ for (i = 4; i <= NF; i++) { if ($i ~ /^thr=/) thr = $i; if ($i ~ /^begin=/) begin = substr($i, 7) + 0; if ($i ~ /^ns=/) ns = substr($i, 4) + 0 } }
		($3 == "syscall" || $3 == "sys_enter") && last[thr] > begin { late++; print }
		$3 == "irq" { last[thr] = $1; met += open[thr]; short += ns < 3000 } $3 == "sys_enter" { open[thr] = 1 } $3 == "sys_exit" { open[thr] = 0 }
		END { print met, "interrupts of syscalls"; exit !(met && !late && !short) }' records
	rec -a --irq 0 -d 200ms -o T
	rec_stop -
	"$CTRACE" convert --text T >text
	no grep -q 'key="softirq"\|key="irq"' text
}

@test "what cannot be meant is refused in words" {
	refused 2 '--comm chooses among the processes of -a or --cgroup' "$CTRACE" -p 1 --comm x
	refused 2 '--uid chooses' "$CTRACE" -p 1 --uid 0
	refused 2 '-f is for -p' "$CTRACE" -a -f
	refused 2 "no process has such a name: they have 15 bytes at most; write 'abcdefghijklmno\*'" \
		"$CTRACE" -a --comm abcdefghijklmnopq
	refused 1 'no user has this name' "$CTRACE" -a --uid nobody-of-that-name
	refused 1 'no process with this pid' "$CTRACE" -a --exclude 4194304
	refused 2 '--sample-processes' "$CTRACE" -a --sample-processes=0%
	refused 2 '--sample-processes' "$CTRACE" -a --sample-processes=101%
	refused 2 '--irq' "$CTRACE" -a --irq=fast
	nothing_left
}
