#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Ends that nobody planned: SIGKILL of the tracer, of the target, recordings stopped at any moment. How many: CTRACE_KILL_N [20].

setup() {
	load ../lib/common.bash
	e2e_setup
	start_prog mixed
	P=$(ready_word 2)
	N=${CTRACE_KILL_N:-20}
	RANDOM=${CTRACE_KILL_SEED:-1}
}

teardown() { e2e_teardown; }

# a moment between 0 and MS milliseconds
some_time() {
	local n=$((RANDOM * $1 / 32768 / 10))
	while [ $n -gt 0 ]; do
		pause_shortly
		n=$((n - 1))
	done
}

@test "recordings stopped at random moments are sound" {
	local i s
	for ((i = 0; i < N; i++)); do
		rm -f T
		"$CTRACE" -v --json -p "$P" -o T >sum 2>err 3>&- {tell_fd}>&- &
		rec_pid=$!
		some_time 900
		s=$((i % 2 ? 2 : 15))
		rec_stop_quietly $s
		if [ -e T ]; then
			sound T >/dev/null
		else
			cat err
			[ "$rec_status" -ne 0 ] && grep -q 'ctrace-bpf: ' err || [ "$rec_status" -gt 128 ]
		fi
	done
	nothing_left
}

rec_stop_quietly() {
	kill -"$1" "$rec_pid" 2>/dev/null || :
	# what a shell starts in the background ignores SIGINT until it asks for it: a signal before that moment is lost
	until_true -t 3 gone "$rec_pid" 2>/dev/null || kill -"$1" "$rec_pid" 2>/dev/null || :
	rec_stop -
}

# x/exp/trace, and so the judge, must be able to read every whole generation.
@test "SIGKILL of the tracer leaves a file that can be read up to its last generation, and nothing in the kernel" {
	local i
	for ((i = 0; i < (N + 3) / 4; i++)); do
		rm -f T
		rec -p "$P" -o T
		until_true test -s T
		some_time 1200
		kill -KILL "$rec_pid"
		rec_stop -
		"$CTRACE" convert --repair T -o T2 2>>repair.err
		sound T2 >/dev/null
		"$CTRACE" convert --text T2 >/dev/null
	done
	nothing_left
}

@test "SIGKILL of the tracer before it has written anything leaves no file" {
	mkdir here
	"$CTRACE" -p "$P" -o here/T --raw here/R >/dev/null 2>err 3>&- {tell_fd}>&- &
	rec_pid=$!
	until_true has_open 'here/*'
	kill -KILL "$rec_pid"
	rec_stop -
	ls -l here
	no test -e here/T -a ! -s here/T # it may have been fast
	no test -e here/R -a ! -s here/R
}

@test "a target that is killed ends the recording, and the file is sound" {
	rec -p "$P" -o T
	kill -KILL "$prog_pid"
	rec_stop -
	[ "$rec_status" -eq 0 ]
	sound T
	"$JUDGE" times T | jq -e '[.goroutines[] | select(.ended_ns != null)] | length >= 8'
	nothing_left
}

@test "a target that is gone between the look and the attach is told" {
	kill -KILL "$prog_pid"
	wait "$prog_pid" || :
	refused 1 "no process with pid $P" "$CTRACE" -p "$P" -o T
}

@test "a pipe that nobody reads does not hold the recorder: the next signals give it up" {
	local reader
	mkfifo pipe
	exec {reader}<>pipe # opens, and never reads
	"$CTRACE" -v -p "$P" -o - >pipe 2>err 3>&- {tell_fd}>&- {reader}>&- &
	rec_pid=$!
	until_true is_recording
	# more than a pipe holds, so that the writer stands
	until_true -t 20 writer_stands
	kill -INT "$rec_pid"
	kill -TERM "$rec_pid"
	rec_stop -
	cat err
	[ "$rec_status" -eq 1 ]
	grep -q 'given up writing' err
	nothing_left
}

# Does the thread that writes wait for room in the pipe?
writer_stands() { grep -q pipe_write /proc/"$rec_pid"/task/*/wchan 2>/dev/null || grep -qs '^1 ' /proc/"$rec_pid"/task/*/syscall; }
