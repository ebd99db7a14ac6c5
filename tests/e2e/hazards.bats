#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# What others do to a target while it is recorded: debuggers, set-uid programs, a pid that comes back.

setup() {
	load ../lib/common.bash
	e2e_setup
}

teardown() {
	e2e_teardown
	rm -f cat # set-uid
}

# accounted: no time of the trace is without a state.
accounted() { "$JUDGE" times T | jq -e '[.goroutines[] | select(.unknown_ns > 1000) | {name, unknown_ns}] | if . == [] then true else (debug | false) end'; }

# debugged COMMAND…: threads that were stopped by a debugger say so, and nothing is lost or unknown.
debugged() {
	sound T
	accounted
	jq -e '.lost == 0 and .threads == 2' sum
	"$JUDGE" times T >times
	jq -c '.goroutines[] | [.name, .waiting_ns]' times
	jq -e '[.goroutines[] | select(.waiting_ns["wait for debug call"] > 0) | .name] | sort == ["burner", "waker"]' times
}

@test "strace comes and goes: each stop is a wait for a debug call" {
	command -v strace >/dev/null || skip "no strace"
	start_prog known 5
	rec -p "$(ready_word 2)" -o T
	strace -f -p "$(ready_word 2)" -o strace.out 2>strace.err 3>&- {tell_fd}>&- &
	other_pid=$!
	wait_line strace.err 'attached'
	until_true all_traced "$(ready_word 2)"
	tell go
	wait_line said '^done'
	kill -INT "$other_pid"
	until_true gone "$other_pid"
	rec_stop
	[ "$rec_status" -eq 0 ]
	[ -s strace.out ]
	debugged
}

@test "a target that strace holds already is recorded like any other" {
	command -v strace >/dev/null || skip "no strace"
	start_prog known 5
	strace -f -p "$(ready_word 2)" -o strace.out 2>strace.err 3>&- {tell_fd}>&- &
	other_pid=$!
	until_true all_traced "$(ready_word 2)"
	rec_whole
	[ "$rec_status" -eq 0 ]
	debugged
}

@test "gdb comes, looks and goes" {
	command -v gdb >/dev/null || skip "no gdb"
	start_prog known 5
	rec -p "$(ready_word 2)" -o T
	timeout 60 gdb -nx -batch -p "$(ready_word 2)" -ex 'thread apply all backtrace 1' -ex detach >gdb.out 2>&1 </dev/null 3>&- {tell_fd}>&-
	grep -q 'Thread 2' gdb.out
	tell go
	wait_line said '^done'
	rec_stop
	[ "$rec_status" -eq 0 ]
	debugged
}

all_traced() {
	local t
	for t in "/proc/$1/task/"*; do
		no grep -q '^TracerPid:.0$' "$t/status" || return 1
	done
}

# set_uid_setup: ./run becomes ./cat, which is set-uid for 54321, at "go"; both are the user 12345's at first. set_uid_setup [OWNER MODE].
set_uid_setup() {
	case $(findmnt -no OPTIONS -T .) in *nosuid*) skip "no set-uid programs in $PWD" ;; esac
	cp "$(command -v cat)" cat
	chown "${1:-54321}" cat
	chmod "${2:-4755}" cat
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/*/ "$BATS_TEST_TMPDIR" 2>/dev/null || :
	chmod 777 .
	cp "$PROG/exec" run
	cp "$CTRACE" ct
	U="setpriv --reuid=12345 --regid=12345 --clear-groups"
	mkfifo told
	$U --inh-caps=-all --bounding-set=-all ./run leader "$PWD/cat" <told >said 3>&- &
	prog_pid=$!
	exec {tell_fd}>told
	wait_line said '^ready'
}
# change_and_end: it becomes the set-uid program, which echoes a line and ends.
# second_target ROUNDS: another program of that user, which stays what it is; its words are in said.2.
second_target() {
	cp "$PROG/known" .
	mkfifo told.2
	$U --inh-caps=-all --bounding-set=-all ./known "$1" <told.2 >said.2 3>&- {tell_fd}>&- &
	other_pid=$!
	exec {second}>told.2
	wait_line said.2 '^ready'
}

# change_and_end COMMAND…
change_and_end() {
	tell go
	until_true grep -q '^Uid:.12345.54321' "/proc/$(ready_word 2)/status"
	tell again
	wait_line said again
	"$@" # what the recorder does meanwhile
	tell_end
	rec_stop -
	cat err
	[ "$rec_status" -eq 0 ]
	wait "$prog_pid"
	sound T
	accounted
	"$JUDGE" times T >times
	jq -c '.goroutines[] | [.id, .name, .ended_ns, .syscall_calls]' times
}

@test "a target that becomes a set-uid program is recorded to its end by root" {
	set_uid_setup
	rec -p "$(ready_word 2)" -o T
	change_and_end no gone "$rec_pid"
	jq -e --argjson p "$(ready_word 2)" '.goroutines | any(.id == $p + 10000000 and .name == "cat" and .ended_ns != null and .syscall_calls.write == 1)' times
	jq -e '.goroutines | any(.name == "run" and .ended_ns != null)' times
	nothing_left
}

@test "by its user it is recorded until then, and nothing of what it does with the other's rights" {
	set_uid_setup
	# rec starts one program: the capabilities come from a script
	printf '#!/bin/sh\nexec %s %s/ct "$@"\n' "$U --inh-caps=-all,+bpf,+perfmon --ambient-caps=-all,+bpf,+perfmon" "$PWD" >as-user
	chmod 755 as-user
	CTRACE=$PWD/as-user rec -p "$(ready_word 2)" -o T
	change_and_end until_true gone "$rec_pid"
	grep -q "process $(ready_word 2) (.*) has executed a program with more rights (set-uid), or one that its user may not read: only root records it" err
	jq -e --argjson p "$(ready_word 2)" '.goroutines | length == 1 and .[0].id == $p and .[0].name == "run"' times
	jq -e '.goroutines[0].syscall_calls | has("write") | not' times
	nothing_left
}

@test "with -f a child that becomes a set-uid program is told, and its parent goes on" {
	set_uid_setup
	mkfifo told.2
	# shellcheck disable=SC2016 # the shell's own
	$U --inh-caps=-all --bounding-set=-all sh -c 'echo ready $$; while read -r line; do ./cat </dev/null; echo did; done' \
		<told.2 >said.2 3>&- {tell_fd}>&- &
	other_pid=$!
	exec {second}>told.2
	wait_line said.2 '^ready'
	printf '#!/bin/sh\nexec %s %s/ct "$@"\n' "$U --inh-caps=-all,+bpf,+perfmon --ambient-caps=-all,+bpf,+perfmon" "$PWD" >as-user
	chmod 755 as-user
	CTRACE=$PWD/as-user rec -f -p "$(awk '/^ready/ { print $2 }' said.2)" -o T
	echo one >&"$second"
	wait_line said.2 '^did'
	wait_line err 'a process that was forked has executed a program with more rights (set-uid), or one that its user may not read: only root records it'
	no gone "$rec_pid"
	kill -KILL "$other_pid"
	exec {second}>&-
	rec_stop -
	[ "$rec_status" -eq 0 ]
	sound T
	no grep -q 'processes that were forked' err
	nothing_left
}

@test "of two targets one becomes set-uid: it ends in the trace, has no time after that, and the other one goes on" {
	local left
	set_uid_setup
	second_target 20
	printf '#!/bin/sh\nexec %s %s/ct "$@"\n' "$U --inh-caps=-all,+bpf,+perfmon --ambient-caps=-all,+bpf,+perfmon" "$PWD" >as-user
	chmod 755 as-user
	CTRACE=$PWD/as-user rec -p "$(ready_word 2),$(awk '/^ready/ { print $2 }' said.2)" -o T
	tell go
	wait_line err "process $(ready_word 2) (.*) has executed a program with more rights"
	echo go >&"$second" # 300 ms of the other one, in which the first one has work on the same CPUs
	printf 'again%.0s\n' {1..100000} >&"$tell_fd"
	until_true is_echoed 100000
	wait_line said.2 '^done 20'
	no gone "$rec_pid"
	rec_stop
	[ "$rec_status" -eq 0 ]
	tell_end
	exec {second}>&-
	sound T
	accounted
	"$JUDGE" times T >times
	jq -c '.goroutines[] | [.id, .name, .ended_ns, .running_ns, .syscall_ns]' times
	jq -e --argjson p "$(ready_word 2)" '[.goroutines[] | select(.id % 10000000 == $p)] | length == 1 and .[0].name == "run" and .[0].ended_ns != null' times
	left=$(jq '.goroutines[] | select(.name == "run") | .ended_ns' times)
	"$JUDGE" times -from "${left}ns" T >after
	jq -e '.goroutines[] | select(.name == "run") | .running_ns + .syscall_ns + .syscall_blocked_ns + .runnable_ns == 0' after
	jq -e '[.goroutines[] | select(.name == "waker/burner" and .running_ns > 20000000)] | length == 1' after
	nothing_left
}
is_echoed() { [ "$(grep -c again said)" -ge "$1" ]; }

@test "by its user it is recorded until it becomes a program that the user may not read" {
	set_uid_setup 0 711
	printf '#!/bin/sh\nexec %s %s/ct "$@"\n' "$U --inh-caps=-all,+bpf,+perfmon --ambient-caps=-all,+bpf,+perfmon" "$PWD" >as-user
	chmod 755 as-user
	CTRACE=$PWD/as-user rec -p "$(ready_word 2)" -o T
	tell go
	until_true grep -q '^cat$' "/proc/$(ready_word 2)/comm"
	# shellcheck disable=SC2086 # words
	no $U readlink "/proc/$(ready_word 2)/exe"
	tell again
	wait_line said again
	rec_stop -
	[ "$rec_status" -eq 0 ]
	tell_end
	wait "$prog_pid"
	sound T
	"$JUDGE" times T >times
	jq -e '.goroutines | length == 1 and .[0].name == "run" and (.[0].syscall_calls | has("write") | not)' times
	nothing_left
}

# stopped_before_attach PID…: the user's recorder stands still after it has looked at them, at its first bpf(2).
stopped_before_attach() {
	command -v strace >/dev/null || skip "no strace"
	# shellcheck disable=SC2086 # words
	strace -D -o strace.out -e trace=bpf -e inject=bpf:signal=STOP:when=1 \
		$U --inh-caps=-all,+bpf,+perfmon --ambient-caps=-all,+bpf,+perfmon ./ct -p "$1" -d 300ms -o T >sum 2>err 3>&- {tell_fd}>&- &
	rec_pid=$!
	wait_line strace.out 'stopped by SIGSTOP'
	find "/proc/$rec_pid/fd" -lname '*pidfd*' | grep -q .
}
# refused_late CODE PATTERN: it goes on, says why not, and leaves nothing
refused_late() {
	kill -CONT "$rec_pid"
	rec_stop -
	cat err
	[ "$rec_status" -eq "$1" ]
	[ "$(wc -l <err)" -eq 1 ]
	grep -q "^ctrace-bpf: $2" err
	[ ! -e T ]
	nothing_left
}

@test "a target that becomes set-uid between the check and the attach is refused" {
	set_uid_setup
	stopped_before_attach "$(ready_word 2)"
	tell go
	until_true grep -q '^Uid:.12345.54321' "/proc/$(ready_word 2)/status"
	refused_late 3 "process $(ready_word 2) (cat) is not yours to look at"
	tell_end
}

@test "one of two targets that becomes set-uid in that time is enough" {
	set_uid_setup
	second_target 5
	stopped_before_attach "$(ready_word 2),$(awk '/^ready/ { print $2 }' said.2)"
	tell go
	until_true grep -q '^Uid:.12345.54321' "/proc/$(ready_word 2)/status"
	refused_late 3 "process $(ready_word 2) (cat) is not yours to look at"
	tell_end
}

@test "a target that ends between the check and the attach is told as gone" {
	set_uid_setup
	stopped_before_attach "$(ready_word 2)"
	tell_end
	wait "$prog_pid"
	prog_pid=''
	refused_late 1 "no process with pid"
}

@test "a target that becomes another program of its user in that time is recorded with its new name" {
	set_uid_setup 12345 755
	stopped_before_attach "$(ready_word 2)"
	tell go
	until_true grep -q '^cat$' "/proc/$(ready_word 2)/comm"
	kill -CONT "$rec_pid"
	rec_stop -
	[ "$rec_status" -eq 0 ]
	tell_end
	sound T
	"$JUDGE" times T | jq -e '.goroutines | length == 1 and .[0].name == "cat"'
}

@test "a pid that comes back is another process: it is not recorded, and the other target goes on" {
	local first second again
	start_prog known 5
	first=$(ready_word 2) other_pid=$prog_pid
	mv said said.1
	start_prog shortlived 10
	second=$(ready_word 2)
	rec -p "$first,$second" -o T
	kill -KILL "$other_pid"
	wait "$other_pid" || :
	wait_line err "process $first (.*has ended" # the recorder knows it
	mkfifo told.again
	until_true withpid_works "$first"
	"$PROG/withpid" "$first" "$PROG/known" 5 <told.again >said.again 2>again.err 3>&- {tell_fd}>&- &
	other_pid=$!
	exec {again}>told.again
	wait_line said.again '^ready' || cat again.err
	[ "$(awk '/^ready/ { print $2 }' said.again)" = "$first" ]
	echo go >&"$again"
	wait_line said.again '^done'
	no gone "$rec_pid"
	tell go
	wait_line said '^made'
	exec {again}>&-
	wait "$other_pid"
	no gone "$rec_pid"
	tell_end
	rec_stop -
	[ "$rec_status" -eq 0 ]
	sound T
	accounted
	"$JUDGE" times T >times
	jq -c '.goroutines[] | [.id, .name, .created_ns, .ended_ns]' times
	jq -e --argjson p "$first" '[.goroutines[] | select(.id % 10000000 == $p)] | length == 1 and .[0].ended_ns != null' times
	jq -e '[.goroutines[] | select(.name | test("waker|burner"))] | length == 2' times
	jq -e '[.goroutines[] | select(.name | test("short$"))] | length == 10' times
	nothing_left
}
withpid_works() { "$PROG/withpid" "$1" true; }
