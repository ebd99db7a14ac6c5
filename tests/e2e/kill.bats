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

# a number of hundredths of a second between 0 and MS milliseconds, in $ticks
random_ticks() { ticks=$((RANDOM * $1 / 32768 / 10)); }
wait_ticks() {
	local n
	for ((n = 0; n < ticks; n++)); do pause_shortly; done
}

@test "recordings stopped at random moments are sound" {
	local i s raw
	for ((i = 0; i < N; i++)); do
		rm -f T R sum err judged
		s=$((i % 2 ? 2 : 15))
		raw=()
		if [ $((i / 2 % 2)) = 1 ]; then raw=(--raw R); fi # half of them: the other half writes one file
		random_ticks 900
		"$CTRACE" -v --json -p "$P" -o T "${raw[@]}" >sum 2>err 3>&- {tell_fd}>&- &
		rec_pid=$!
		wait_ticks
		rec_status=none
		if ! stop_quietly $s || ! ended_well >judged 2>&1; then
			tell_all
			return 1
		fi
	done
	nothing_left
}

# The signal, and once more after 3 s: what a shell starts in the background ignores SIGINT until it asks for it, and one
# that came before that moment is lost.
stop_quietly() {
	sent=1
	kill -"$1" "$rec_pid" 2>/dev/null || :
	if ! until_true -t 3 gone "$rec_pid" 2>/dev/null; then
		sent=2
		kill -"$1" "$rec_pid" 2>/dev/null || :
	fi
	rec_stop -
}

# With a trace: it is sound, and the status is 0. Without: a sentence, or dead of a signal that came before it was asked for.
ended_well() {
	if [ -e T ]; then
		sound T || return
		if [ "$rec_status" -ne 0 ]; then
			echo "the trace is sound, and the status is $rec_status"
			return 1
		fi
	elif [ "$rec_status" -le 128 ]; then
		if [ "$rec_status" -eq 0 ] || ! grep -q 'ctrace-bpf: ' err; then
			echo "no trace, and the status is $rec_status"
			return 1
		fi
	fi
}

# All that can be known of a bad end; the files stay in $CTRACE_KEEP.
tell_all() {
	local keep=${CTRACE_KEEP:-$O/kept}/kill-$$ t f
	echo "recording $i of $N, seed ${CTRACE_KILL_SEED:-1}: signal $s after $((ticks * 10)) ms, sent $sent times; status $rec_status"
	echo "load: $(cat /proc/loadavg)"
	if [ -n "$rec_pid" ]; then
		echo "it is still there:"
		for t in "/proc/$rec_pid/task/"*; do
			echo "$(sed -n 's/^Name:\t//p; s/^State:\t//p' "$t/status" | paste -sd' ') in $(cat "$t/wchan"): $(cat "$t/syscall")"
			cat "$t/stack" || :
		done
	fi
	mkdir -p "$keep"
	for f in judged err sum; do
		if [ -e $f ]; then sed "s/^/$f: /" $f; fi
	done
	for f in T R judged err sum; do
		if [ ! -e $f ]; then continue; fi
		echo "$f: $(stat -c '%s bytes, written %y' $f)"
		cp $f "$keep/"
	done
	echo "kept in $keep"
}

# x/exp/trace, and so the judge, must be able to read every whole generation.
@test "SIGKILL of the tracer leaves a file that can be read up to its last generation, and nothing in the kernel" {
	local i
	for ((i = 0; i < (N + 3) / 4; i++)); do
		rm -f T
		rec -p "$P" -o T
		until_true test -s T
		random_ticks 1200
		wait_ticks
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

@test "a file that stands still at the stop gets all that was recorded when it goes on" {
	local k reader wakes
	mkfifo pipe told.k
	"$PROG/known" 50 <told.k >said.k 3>&- {tell_fd}>&- &
	other_pid=$!
	exec {k}>told.k
	wait_line said.k '^ready'
	exec {reader}<>pipe
	"$CTRACE" --json -p "$P,$(awk '/^ready/ { print $2 }' said.k)" -o - >pipe 2>err 3>&- {tell_fd}>&- {k}>&- {reader}>&- &
	rec_pid=$!
	until_true is_recording
	until_true -t 20 writer_stands
	echo go >&"$k"
	wait_line said.k '^done' 30
	kill -INT "$rec_pid"
	until_true grep -q 'SigPnd:.*0$' "/proc/$rec_pid/status" # it has taken the signal
	cat <pipe >T 3>&- {tell_fd}>&- {k}>&- {reader}>&- &
	exec {reader}<&-
	rec_stop -
	wait $!
	cat err
	[ "$rec_status" -eq 0 ]
	sound T
	# all of it is there, or what the rings could not hold meanwhile is told
	wakes=$("$JUDGE" wakes -json T | jq --argjson b "$(awk '/^ready/ { print $4 }' said.k)" '[.[] | select(.wakee == $b and .reason == "sync")] | length')
	echo "$wakes wake-ups"
	[ "$wakes" -ge 50 ] || no grep -q '"lost":0,' err
}

@test "a raw file that is given up takes nothing from the trace" {
	local reader
	mkfifo R
	exec {reader}<>R # opens, and never reads
	rec -p "$P" -o T --raw R
	until_true -t 20 writer_stands
	kill -INT "$rec_pid"
	until_true is_at_the_end
	kill -TERM "$rec_pid"
	rec_stop -
	exec {reader}<&-
	cat err
	[ "$rec_status" -eq 1 ]
	grep -q 'given up writing R' err
	no grep -q 'given up writing T' err
	sound T
	nothing_left
}

# Has it been stopped, and waits for its files?
is_at_the_end() { no grep -q epoll "/proc/$rec_pid/wchan"; }

# Does the thread that writes wait for room in the pipe?
writer_stands() { grep -q pipe_write /proc/"$rec_pid"/task/*/wchan 2>/dev/null || grep -qs '^1 ' /proc/"$rec_pid"/task/*/syscall; }
