#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The main use: recording running processes, what is said, what is left on disk, how it ends.

setup() {
	load ../lib/common.bash
	e2e_setup
	start_prog known 5
	P=$(ready_word 2)
}

teardown() { e2e_teardown; }

@test "-p -d -o gives a sound trace that names the threads, and leaves nothing in the kernel" {
	rec -p "$P" -d 1 -o T
	tell go
	rec_stop -
	[ "$rec_status" -eq 0 ]
	sound T
	"$JUDGE" times T >times
	jq -e '[.goroutines[].name] | sort == ["burner", "waker"]' times
	nothing_left
}

@test "the default output is go.trace" {
	rec -p "$P" -d 100ms
	rec_stop -
	sound go.trace
}

@test "-o - writes the trace to stdout, and the summary to stderr" {
	"$CTRACE" --json -p "$P" -d 200ms -o - >T 2>err
	sound T
	grep '^{' err | jq -e '.file == "-" and .bytes > 0'
	[ "$(stat -c %s T)" -eq "$(grep '^{' err | jq .bytes)" ]
}

@test "--json has every key, -q is silent, nothing but the last lines is said when stderr is no terminal" {
	"$CTRACE" --json -q -p "$P" -d 200ms -o T >sum 2>err
	[ ! -s err ]
	jq -e 'has("file") and has("bytes") and has("seconds") and has("events") and has("records") and has("lost") and has("late")
		and has("repairs") and has("recursion_misses") and has("cpu_seconds") and has("rss_bytes") and has("stop_seconds")
		and has("threads") and has("generations")' sum
	jq -e '.seconds >= 0.19 and .seconds < 1 and .lost == 0 and .threads == 2' sum
	"$CTRACE" -p "$P" -d 700ms -o T >out 2>err
	[ ! -s out ]
	no grep -q $'\r' err
	grep -q 'Open it with: go tool trace T' err
	[ "$(wc -l <err)" -le 4 ]
}

@test "on a terminal a line shows the progress" {
	command -v script >/dev/null || skip "no script(1)"
	script -qec "'$CTRACE' -p $P -d 1500ms -o T" /dev/null >tty </dev/null
	grep -q $'\r[0-9.]* s, [0-9]* events' tty
	sound T
}

@test "durations have units" {
	local d
	for d in 0.2 200ms 0.2s 200000us; do
		"$CTRACE" --json -q -p "$P" -d $d -o T >sum
		jq -e '.seconds > 0.15 and .seconds < 0.6' sum
	done
}

@test "-d is the end also for a recorder that stood still over it" {
	local begun
	rec -p "$P" -d 400ms -o T
	begun=$EPOCHREALTIME
	tell go
	kill -STOP "$rec_pid"
	until_true is_past "$begun" 700000
	kill -CONT "$rec_pid"
	rec_stop -
	[ "$rec_status" -eq 0 ]
	cat sum
	jq -e '.seconds < 0.41 and .seconds > 0.39' sum # it begins with the states of all threads, a moment before the clock of -d
	sound T
}
# is_past EPOCHREALTIME MICROSECONDS: so long ago, or longer
is_past() { ((${EPOCHREALTIME/./} >= ${1/./} + $2)); }

@test "a recorder polls seldom while nothing happens" {
	local before begun
	rec -p "$P" -o T # its two threads wait for a line
	until_true polls_seldom
	before=$(awk '/^voluntary/ { print $2 }' "/proc/$rec_pid/status")
	begun=$EPOCHREALTIME
	until_true is_past "$begun" 2000000
	before=$(($(awk '/^voluntary/ { print $2 }' "/proc/$rec_pid/status") - before))
	echo "$before times in 2 s"
	[ "$before" -le 80 ] # every 50 ms are 40; every 2 ms, as it begins, would be 1000
	rec_stop
	sound T
}
# polls_seldom: no more than twice in a tenth of a second, so it has slowed down from the short times it begins with
polls_seldom() {
	local n begun=$EPOCHREALTIME
	n=$(awk '/^voluntary/ { print $2 }' "/proc/$rec_pid/status")
	until is_past "$begun" 100000; do pause_shortly; done
	[ $(($(awk '/^voluntary/ { print $2 }' "/proc/$rec_pid/status") - n)) -le 4 ]
}

@test "SIGINT and SIGTERM complete the file; a second SIGINT too" {
	local s
	for s in INT TERM; do
		rec -p "$P" -o T
		until_true test -s T # the files of the program have been read for the first names
		rec_stop $s
		[ "$rec_status" -eq 0 ]
		sound T
		jq -e '.stop_seconds < 0.2' sum
	done
	rec -p "$P" -o T
	kill -INT "$rec_pid"
	kill -INT "$rec_pid" 2>/dev/null || :
	rec_stop -
	[ "$rec_status" -eq 0 ]
	sound T
	nothing_left
}

@test "the end of the target ends the recording well" {
	rec -p "$P" -o T
	tell go
	wait_line said '^done'
	tell_end
	rec_stop -
	[ "$rec_status" -eq 0 ]
	grep -q 'process has ended\|process.*ended' err
	sound T
	"$JUDGE" times T | jq -e '[.goroutines[] | select(.ended_ns != null)] | length == 2'
}

@test "SIGUSR1 tells the present state and the recording goes on" {
	rec -p "$P" -o T
	kill -USR1 "$rec_pid"
	wait_line err 'events (.*lost'
	no gone "$rec_pid"
	rec_stop
	sound T
}

@test "with nohup a hang-up is nothing to the recorder" {
	trap '' HUP
	rec -p "$P" -o T
	trap - HUP
	kill -HUP "$rec_pid"
	kill -USR1 "$rec_pid"
	wait_line err 'events (.*lost'
	rec_stop INT
	[ "$rec_status" -eq 0 ]
	no grep -q SIGHUP err
	sound T
}

@test "several pids, by comma and repeated, the same one twice is recorded once" {
	local first=$P
	tell_fd_1=$tell_fd other_pid=$prog_pid
	mv said said.1
	start_prog shortlived 10
	rec -p "$first,$(ready_word 2)" -p "$first" -o T
	tell go
	wait_line said '^made'
	rec_stop
	sound T
	"$JUDGE" times T >times
	jq -e '[.goroutines[].name] | any(. == "waker") and any(. == "shortlived/short") and any(. == "waker/burner")' times
	jq -e '[.goroutines[] | select(.name == "waker")] | length == 1' times
}

@test "a thread's id is resolved to its process, in words" {
	rec -p "$(ready_word 4)" -d 200ms -o T
	rec_stop -
	[ "$rec_status" -eq 0 ]
	grep -q "is a thread of process $P" err
	sound T
	jq -e '.threads == 2' sum
}

@test "under sudo the file belongs to the one who called it, also the raw one" {
	chown 12345:12346 .
	SUDO_UID=12345 SUDO_GID=12346 "$CTRACE" -q -p "$P" -d 200ms -o T --raw R
	[ "$(stat -c %u:%g T)" = 12345:12346 ]
	[ "$(stat -c %u:%g R)" = 12345:12346 ]
	sound T
	mkdir -m 755 roots
	SUDO_UID=12345 SUDO_GID=12346 refused 1 'cannot write roots/T as user 12345' "$CTRACE" -q -p "$P" -d 200ms -o roots/T
	: >roots/mine
	ln -s roots/mine link
	SUDO_UID=12345 SUDO_GID=12346 refused 1 'cannot write link' "$CTRACE" -q -p "$P" -d 200ms -o link
}

@test "root writes into another user's directory, also after it has given up its capabilities" {
	mkdir -m 755 users closed
	chmod 700 closed
	chown 12345:12346 users closed
	env -u SUDO_UID -u SUDO_GID "$CTRACE" -q -p "$P" -d 200ms -o users/T --raw closed/R
	sound users/T
	"$CTRACE" convert -q closed/R -o T
	cmp users/T T
	# what fails before leaves nothing
	rm users/T
	refused 1 'cannot write nowhere/R' env -u SUDO_UID -u SUDO_GID "$CTRACE" -p "$P" -d 1 -o users/T --raw nowhere/R
	[ ! -e users/T ]
}

@test "an existing file is replaced with the first generation, not before" {
	echo old >T
	"$CTRACE" -v --json -p "$P" -o T >sum 2>err 3>&- {tell_fd}>&- &
	rec_pid=$!
	until_true has_open T # long before it records
	[ "$(head -c 4 T)" = old ]
	until_true -t 20 is_recording
	rec_stop
	sound T
}

@test "two recorders and one name: the second is refused, and the first one's file is whole" {
	local i pid ok
	rec -p "$P" -o T
	until_true test -s T
	refused 1 'is being written by another recorder' "$CTRACE" -p "$P" -d 1 -o T
	rec_stop
	sound T
	for i in 1 2 3; do # both at once, with a name that neither finds taken
		"$CTRACE" -p "$P" -o "T$i" 2>err.1 3>&- {tell_fd}>&- &
		rec_pid=$!
		"$CTRACE" -p "$P" -o "T$i" 2>err.2 3>&- {tell_fd}>&- &
		other_rec_pid=$!
		until_true -t 20 one_is_gone
		ok=0
		for pid in $rec_pid $other_rec_pid; do
			kill -INT "$pid" 2>/dev/null || :
			if wait "$pid"; then ok=$((ok + 1)); fi
		done
		cat err.1 err.2
		[ $ok -eq 1 ]
		cat err.1 err.2 | grep -q 'has made T. meanwhile\|is being written by another recorder'
		sound "T$i"
	done
	nothing_left
}
one_is_gone() { gone "$rec_pid" || gone "$other_rec_pid"; }

@test "a symbolic link is followed when it is the invoking user's own, and not when it is somebody else's" {
	mkdir d
	chown 12345:12346 . d
	ln -s d/file own
	ln -s d/file other
	: >d/file
	chown 12345:12346 d/file
	chown -h 12345:12346 own
	chown -h 23456:23456 other
	SUDO_UID=12345 SUDO_GID=12346 refused 1 "other is a symbolic link of somebody else's" "$CTRACE" -p "$P" -d 1 -o other
	SUDO_UID=12345 SUDO_GID=12346 refused 1 "other is a symbolic link of somebody else's" "$CTRACE" -p "$P" -d 1 --raw other
	refused 1 "other is a symbolic link of somebody else's" "$CTRACE" -p "$P" -d 1 -o other
	[ ! -s d/file ]
	SUDO_UID=12345 SUDO_GID=12346 "$CTRACE" -q -p "$P" -d 200ms -o own
	[ -L own ]
	sound d/file
	[ "$(stat -c %u:%g d/file)" = 12345:12346 ]
}

@test "--raw and convert give the same bytes" {
	local v
	rec -p "$P" -o T --raw R --go-version=1.25 --first-proc=1
	tell go
	wait_line said '^done'
	rec_stop
	"$CTRACE" convert -q R -o T2 --go-version=1.25 --first-proc=1
	cmp T T2
	"$CTRACE" convert --text R >R.ev
	"$CTRACE" convert -q R.ev -o T3 --go-version=1.25 --first-proc=1
	cmp T T3
	for v in 22 23 25 26; do
		"$CTRACE" convert -q R -o T4 --go-version=1.$v
		sound T4
	done
}

@test "every --syscalls mode is sound; blocking and none name what they should" {
	local m
	for m in all blocking none; do
		start_again
		rec -p "$P" -o "T.$m" --syscalls=$m
		tell go
		wait_line said '^done'
		rec_stop
		[ "$rec_status" -eq 0 ]
		sound "T.$m"
		"$JUDGE" times "T.$m" >times
		jq -e '.goroutines[] | select(.name == "waker") | .waiting_ns.sleep > 40e6' times
		"$CTRACE" convert --text "T.$m" >txt
		case $m in
		none) no grep -q 'frame sys_' txt ;;
		*) grep -q 'reason="sleep" stack=sys_.*nanosleep' txt ;;
		esac
	done
	no grep -q 'frame sys_getpid' txt
}

start_again() {
	tell_end
	wait "$prog_pid" || :
	start_prog known 5
	P=$(ready_word 2)
}

@test "--strict is 0 when nothing was lost, and 4 when something was: told by CPU and kind, marked in the trace" {
	"$CTRACE" -q --strict -p "$P" -d 200ms -o T
	tell_end
	wait "$prog_pid" || :
	start_prog mixed
	rec --strict --buffer=$((64 * $(nproc)))K -p "$(ready_word 2)" -o T
	lose_records "$(ready_word 2)"
	rec_stop
	cat err sum
	[ "$rec_status" -eq 4 ]
	sound T
	grep -q '^ctrace-bpf: [0-9]* records were lost (CPU [0-9]*: [0-9]*.*; a larger --buffer helps, now [0-9]*K' err
	tail -n 1 err | grep -q -- '--strict'
	jq -e '.lost > 1000 and .lost == (.lost_by_cpu | add) and (.lost_by_kind.switch > 0)' sum
	"$CTRACE" convert --text T >txt
	[ "$(grep -o '"lost [0-9]* records on CPU' txt | awk '{ n += $2 } END { print n }')" -eq "$(jq .lost sum)" ]
	# without the option it is told all the same, and no error
	rec --buffer=$((64 * $(nproc)))K -p "$(ready_word 2)" -o T
	lose_records "$(ready_word 2)"
	rec_stop
	[ "$rec_status" -eq 0 ]
	grep -q 'records were lost' err
}

@test "what is lost until the stop is told, and nothing that came after it" {
	tell_end
	wait "$prog_pid" || :
	start_prog mixed
	rec --strict --buffer=$((64 * $(nproc)))K -p "$(ready_word 2)" -o T
	kill -STOP "$rec_pid"
	kill -INT "$rec_pid" # comes with the first look after it
	lose_records "$(ready_word 2)"
	rec_stop -
	cat err sum
	[ "$rec_status" -eq 4 ]
	sound T
	jq -e '.lost > 1000 and .lost == (.lost_by_cpu | add)' sum
	"$CTRACE" convert --text T >txt
	[ "$(grep -o '"lost [0-9]* records on CPU' txt | awk '{ n += $2 } END { print n }')" -eq "$(jq .lost sum)" ]
}

@test "threads that come and go, and tids that come back" {
	tell_end
	start_prog shortlived 300
	rec -p "$(ready_word 2)" -o T
	tell go
	wait_line said '^made'
	rec_stop
	sound T
	"$JUDGE" times T >times
	jq -e '[.goroutines[] | select(.name == "short")] | length == 300 and all(.created_ns != null and .ended_ns != null)' times
	jq -e '.repairs == {} or (.repairs | add) < 5' sum
}

@test "exec: by the leader, by another thread, and posix_spawn" {
	local how
	for how in leader thread; do
		tell_end
		start_prog exec $how
		rec -p "$(ready_word 2)" -o T
		tell go
		wait_line err . # anything
		until_true grep -q cat "/proc/$(ready_word 2)/comm"
		tell again
		wait_line said again
		rec_stop
		sound T
		"$JUDGE" times T >times
		jq -e --argjson p "$(ready_word 2)" '.goroutines | any(.name == "cat" and .id == $p + 10000000)' times
		jq -e '.goroutines | any(.name == "exec" and .ended_ns != null)' times
	done
	tell_end
	start_prog exec spawn
	rec_whole
	sound T
	"$JUDGE" times T | jq -e '.goroutines[] | select(.name == "exec") | .waiting_ns.sync > 0'
}

@test "a process whose first thread has ended is recorded like any other" {
	tell_end
	start_prog exec hide
	rec_whole
	[ "$rec_status" -eq 0 ]
	sound T
	"$JUDGE" times T | jq -e '.goroutines | any(.name == "stays" and .syscall_calls.write == 1)'
}

@test "a rename after the begin is a label, and the name is what it was" {
	tell_end
	start_prog exec rename
	rec_whole
	sound T
	"$JUDGE" times T | jq -e '[.goroutines[].name] == ["exec"]'
	"$CTRACE" convert --text T | grep 'GoLabel.*"third"'
}

@test "when the process ends, each of its threads has ended in the trace" {
	local i
	for i in 1 2 3 4 5; do
		tell_end
		wait "$prog_pid" || :
		start_prog known 3
		rec -p "$(ready_word 2)" -o T
		tell go
		wait_line said '^done'
		tell_end
		rec_stop -
		[ "$rec_status" -eq 0 ]
		"$JUDGE" times T | jq -e '[.goroutines[] | select(.ended_ns == null)] == []'
	done
}

@test "what cannot be said on stdout is an error" {
	run "$CTRACE" -q --json -p "$P" -d 100ms -o T >/dev/null
	[ "$status" -eq 0 ]
	for args in "-q --json -p $P -d 100ms -o T" features "features --json" --help --version; do
		echo "$args"
		status=0
		# shellcheck disable=SC2086 # words
		"$CTRACE" $args >/dev/full 2>err || status=$?
		[ "$status" -eq 1 ]
		grep -q 'cannot write standard output: No space left' err
	done
	sound T
	status=0
	"$CTRACE" -q --json -p "$P" -d 100ms -o T >&- 2>err || status=$?
	[ "$status" -eq 1 ]
	grep -q 'cannot write standard output: Bad file descriptor' err
	sound T
	status=0
	"$CTRACE" -q -p "$P" -d 60 -o - >&- 2>err || status=$?
	[ "$status" -eq 1 ]
	grep -q 'standard output is closed' err
}
