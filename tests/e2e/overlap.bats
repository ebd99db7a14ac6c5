#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Recordings at the same time, of one program or one into the other's files; and what a recorder leaves that was killed.

setup() {
	load ../lib/common.bash
	e2e_setup
}

teardown() { e2e_teardown; }

# rec_other ARG…: a second recording beside that of rec; its words are in ./err2, its summary is in ./sum2.
rec_other() {
	: >err2
	"$CTRACE" -v --json "$@" >sum2 2>err2 3>&- {tell_fd}>&- &
	other_rec_pid=$!
	until_true -t 20 other_is_recording_or_gone
	grep -q 'ctrace-bpf: recording' err2 || {
		cat err2 >&2
		return 1
	}
}
other_is_recording_or_gone() { grep -q 'ctrace-bpf: recording' err2 || gone "$other_rec_pid"; }
# other_stop: its status is in $other_status.
other_stop() {
	kill -INT "$other_rec_pid"
	until_true -t 20 gone "$other_rec_pid" || return 1
	other_status=0
	wait "$other_rec_pid" || other_status=$?
	other_rec_pid=''
}

start_numbers() {
	start_prog numbers 2
	P=$(ready_word 2)
}
# the_numbers FILE: of all logs, "THREAD NUMBER" a line, sorted
the_numbers() { "$JUDGE" marks "$1" | jq -r '.logs[] | select(.category == "number") | .message' | sort; }
# all_numbers: from 1 to what each thread said was its last
all_numbers() { awk '$1 == "last" { for (i = 1; i <= $2; i++) print n, i; n++ }' n=0 said | sort; }
# in_a_row FILE: the numbers of each thread, none missing between its first and its last
in_a_row() {
	the_numbers "$1" | sort -k1,1n -k2,2n | awk '$1 in last && $2 != last[$1] + 1 { exit 1 } { last[$1] = $2; n++ } END { exit !(n > 100) }'
}
# so_many N PATTERN: files of this directory
so_many() { [ "$(find . -maxdepth 1 -name "$2" | wc -l)" -ge "$1" ]; }

# semaphore: of the program's markers, what it is now
semaphore() {
	python3 - "$P" "$(readelf -n "$PROG/listening" | sed -n 's/.*Semaphore: \(0x[0-9a-f]*\).*/\1/p' | head -n 1)" <<-'END'
		import os, sys
		pid, at = sys.argv[1], int(sys.argv[2], 16)
		exe = os.readlink(f"/proc/{pid}/exe")  # the kernel may have mapped a page of its own below
		base = next(int(line.split("-")[0], 16) for line in open(f"/proc/{pid}/maps") if line.rstrip().endswith(exe))
		mem = open(f"/proc/{pid}/mem", "rb", buffering=0)
		mem.seek(base + at)
		print(int.from_bytes(mem.read(2), "little"))
	END
}
semaphore_is() { [ "$(semaphore)" = "$1" ]; }

# has_events PID ERR N: the recorder has so many by now, as it says itself
has_events() {
	kill -USR1 "$1" && pause_shortly
	awk -v n="$3" '/ events \(/ { if ($4 >= n) found = 1 } END { exit !found }' "$2"
}

# ---- two at once ----

both_have_all() {
	sound T T2
	jq -e '.lost == 0' sum
	jq -e '.lost == 0' sum2
	all_numbers >want
	cmp <(the_numbers T) want
	cmp <(the_numbers T2) want
	nothing_left
}

@test "two recordings of one program have all of it, each" {
	start_numbers
	rec -p "$P" -o T
	rec_other -p "$P" -o T2
	tell go
	until_true so_many 1 T
	tell stop
	wait_line said '^done'
	rec_stop INT
	other_stop
	[ "$rec_status" -eq 0 ]
	[ "$other_status" -eq 0 ]
	both_have_all
}

@test "one of everything and one of a process: both have all of the process" {
	start_numbers
	rec -a -o T
	rec_other -p "$P" -o T2
	tell go
	until_true so_many 1 T2
	tell stop
	wait_line said '^done'
	other_stop
	rec_stop INT
	both_have_all
}

# newest FILE: the last number of the first thread
newest() { the_numbers "$1" | awk '$1 == 0 && $2 > n { n = $2 } END { print n + 0 }'; }

@test "a recording that ends takes nothing from one that goes on, in whichever order they began" {
	local ends
	start_numbers
	tell go
	for ends in T T2; do
		rec -p "$P" -o T
		rec_other -p "$P" -o T2
		until_true has_events "$rec_pid" err 1000
		until_true has_events "$other_rec_pid" err2 1000
		if [ $ends = T ]; then
			rec_stop INT
			: >err2
			until_true has_events "$other_rec_pid" err2 $(($(jq .events sum) + 2000))
			other_stop
			[ "$(newest T2)" -gt "$(newest T)" ]
		else
			other_stop
			: >err
			until_true has_events "$rec_pid" err $(($(jq .events sum2) + 2000))
			rec_stop INT
			[ "$(newest T)" -gt "$(newest T2)" ]
		fi
		sound T T2
		in_a_row T
		in_a_row T2
	done
	nothing_left
}

# The kernel raises a semaphore for each place where somebody listens, however many they are.
@test "the semaphore of a marker is up while any recording listens, and down behind the last, also when it was killed" {
	local up
	start_prog listening
	P=$(ready_word 2)
	semaphore_is 0
	rec -p "$P" -o T
	up=$(semaphore)
	[ "$up" -gt 0 ]
	rec_other -a -o T2
	semaphore_is "$up"
	rec_stop INT
	semaphore_is "$up"
	tell work 50
	wait_line said '^worked'
	other_stop
	until_true semaphore_is 0
	"$JUDGE" marks T2 | jq -e '[.regions[] | select(.type == "own")] | length == 50'
	rec -p "$P" -o T
	rec_other -p "$P" -o T2
	semaphore_is "$up"
	kill -KILL "$rec_pid"
	until_true gone "$rec_pid"
	semaphore_is "$up"
	tell work 7
	until_true worked_again
	kill -KILL "$other_rec_pid"
	until_true semaphore_is 0
	nothing_left
}
worked_again() { [ "$(grep -c '^worked' said)" -eq 2 ]; }

# ---- one file for two ----

@test "a file that another recorder writes is refused, by whatever name and before it is there" {
	local other='is being written by another recorder; choose another'
	start_numbers
	mkdir d
	ln -s d e
	rec -p "$P" -o d/T
	# its name is due: it has none yet, or has just got it
	refused 1 "d/T $other file" "$CTRACE" -p "$P" -d 1 -o d/T
	refused 1 "e/T $other file" "$CTRACE" -p "$P" -d 1 -o e/T
	refused 1 "T $other file" "$CTRACE" -p "$P" -d 1 -o "$PWD/e/../d/T"
	tell go
	until_true test -s d/T
	ln d/T hard
	ln -s d/T soft
	refused 1 "d/T $other file" "$CTRACE" -p "$P" -d 1 -o d/T
	refused 1 "e/T $other file" "$CTRACE" -p "$P" -d 1 -o e/T
	refused 1 "hard $other file" "$CTRACE" -p "$P" -d 1 -o hard
	refused 1 "soft $other file" "$CTRACE" -p "$P" -d 1 -o soft
	refused 1 "soft $other file" "$CTRACE" -p "$P" -d 1 -o T2 --raw soft
	refused 1 "soft $other file" "$CTRACE" convert "$ROOT/tests/golden/wake.ev" -o soft
	refused 1 'is being written by a recorder' "$CTRACE" convert --repair hard
	refused 1 "soft $other file" "$CTRACE" -o soft -- true
	rec_stop INT
	sound d/T
	"$CTRACE" -q -p "$P" -d 100ms -o soft # and then it is free
	nothing_left
}

# convert is stopped as it makes room for the first bytes of its file, which has no name until they are there
@test "a file that convert writes is refused, too, and goes to convert" {
	local other='is being written by another recorder; choose another file'
	command -v strace >/dev/null || skip "no strace"
	start_numbers
	strace -f -o trail -e trace=fallocate -e inject=fallocate:signal=SIGSTOP:when=1 \
		"$CTRACE" convert -q "$ROOT/tests/golden/wake.ev" -o T 3>&- {tell_fd}>&- &
	other_pid=$!
	until_true grep -q 'stopped by SIGSTOP' trail
	[ ! -e T ]
	refused 1 "T $other" "$CTRACE" -p "$P" -d 1 -o T
	refused 1 "./T $other" "$CTRACE" convert "$ROOT/tests/golden/reasons.ev" -o ./T
	kill -CONT "$(awk 'NR == 1 { print $1 }' trail)"
	wait "$other_pid"
	other_pid=''
	"$CTRACE" convert -q "$ROOT/tests/golden/wake.ev" -o want
	cmp T want
}

@test "a name from which another recorder makes files is refused, by whatever way" {
	local taken='are being written by another recorder; choose another name' mode
	start_numbers
	tell go
	mkdir d
	ln -s d e
	for mode in --rotate=200ms --duty=200ms/1s --flight-recorder=5s; do
		rec -p "$P" $mode -o d/T.trace
		refused 1 "named after d/T.trace $taken" "$CTRACE" -p "$P" -d 1 --rotate=1s -o d/T.trace
		refused 1 "named after e/T.trace $taken" "$CTRACE" -p "$P" -d 1 --duty=1s/2s -o e/T.trace
		refused 1 "named after .*T.trace $taken" "$CTRACE" -p "$P" -d 1 --flight-recorder=5s -o "$PWD/e/../d/T.trace"
		refused 1 "named after e/T.trace $taken" "$CTRACE" convert "$ROOT/tests/golden/wake.ev" --rotate=1s -o e/T.trace
		# another name of the same directory, and one file of that very name, are nobody's
		"$CTRACE" -q -p "$P" -d 300ms --rotate=100ms -o d/other.trace
		"$CTRACE" -q -p "$P" -d 100ms -o d/T.trace
		rec_stop INT
		"$CTRACE" -q -p "$P" -d 300ms --rotate=100ms -o d/T.trace # free again
	done
	sound d/*.trace
	nothing_left
}

@test "a name that another recorder takes in another network namespace: no file of either is lost" {
	unshare --net true 2>/dev/null || skip "no network namespace can be made"
	start_numbers
	tell go
	rec -p "$P" --rotate=100ms -o T.trace
	unshare --net "$CTRACE" -q --json -p "$P" -d 1 --rotate=100ms -o T.trace >sum2
	rec_stop INT
	sound T-*.trace
	[ "$(jq -s '[.[].files_written] | add' sum sum2)" -eq "$(find . -name 'T-*.trace' | wc -l)" ]
	jq -rs '[.[].files[].file] | sort[]' sum sum2 | cmp - <(printf '%s\n' T-*.trace | sort)
}

# ---- a recorder that was killed ----

# killed ARG…: a recording of several files is killed when three are there; nothing is left, and the next one works.
killed() {
	rec "$@"
	until_true -t 30 so_many 3 'T-*.trace'
	kill -KILL "$rec_pid"
	until_true gone "$rec_pid"
	wait "$rec_pid" || :
	rec_pid=''
	nothing_left
	until_true nobody_records
	"$CTRACE" -q --json "$@" -d 500ms >sum || return 1
	jq -e '.lost == 0' sum
}
# nobody_records: no process of this program has a file here open
nobody_records() {
	local fd
	for fd in /proc/[0-9]*/fd; do
		[ "$(readlink "${fd%fd}exe")" = "$(readlink -f "$CTRACE")" ] || continue
		find "$fd" -lname "$PWD/*" 2>/dev/null | no grep -q . || return 1
	done
}
# every_file_reads PATTERN: up to its last whole generation
every_file_reads() {
	local f
	for f in $1; do
		"$CTRACE" convert -q --repair "$f" -o repaired || return 1
		sound repaired || return 1
	done
}

@test "SIGKILL while files are rotated: what is there can be read, and the next recording works" {
	start_numbers
	tell go
	killed -p "$P" --rotate=200ms -o T.trace
	every_file_reads 'T-*.trace'
	[ -z "$(find . -name 'T-*' -size 0)" ]
}

@test "SIGKILL of a flight recorder: a snapshot is whole, nothing else is there, and the next one works" {
	start_numbers
	tell go
	rec -p "$P" --flight-recorder=5s -o T.trace
	kill -USR2 "$rec_pid"
	until_true grep -q 'snapshot: ' err
	kill -KILL "$rec_pid"
	until_true gone "$rec_pid"
	wait "$rec_pid" || :
	rec_pid=''
	[ "$(find . -name 'T*' | wc -l)" -eq 1 ]
	sound T-*.trace
	nothing_left
	rec -p "$P" --flight-recorder=5s -o T.trace
	kill -USR2 "$rec_pid"
	until_true grep -q 'snapshot: ' err
	rec_stop INT
	sound T-*.trace
}

the_window() { cat "/proc/$rec_pid/task/$rec_pid/children"; }
no_window() { [ -z "$(the_window)" ]; }

@test "SIGKILL of --duty in a window ends the window too, and its file can be read" {
	local window
	start_numbers
	tell go
	rec -p "$P" --duty=50s/60s -o T.trace
	until_true so_many 1 'T-*.trace'
	window=$(the_window)
	kill -KILL "$rec_pid"
	until_true gone "$rec_pid"
	wait "$rec_pid" || :
	rec_pid=''
	until_true -t 20 gone "${window% }"
	every_file_reads 'T-*.trace'
	nothing_left
	until_true nobody_records
	"$CTRACE" -q -p "$P" --duty=200ms/1s -d 500ms -o T.trace
}

@test "SIGKILL of --duty between two windows leaves nothing" {
	start_numbers
	tell go
	rec -p "$P" --duty=200ms/60s -o T.trace
	until_true -t 30 grep -q 'record: window' err
	until_true no_window
	kill -KILL "$rec_pid"
	until_true gone "$rec_pid"
	wait "$rec_pid" || :
	rec_pid=''
	sound T-*.trace
	nothing_left
	until_true nobody_records
}

@test "SIGKILL of a recorder lets the command that it started go on to its end" {
	mkfifo go
	"$CTRACE" -v -o T -- sh -c 'echo $$ >pid; read -r line <go; echo "$line" >said' >out 2>err 3>&- &
	rec_pid=$!
	until_true -t 20 test -s pid
	until_true test -s T
	kill -KILL "$rec_pid"
	until_true gone "$rec_pid"
	wait "$rec_pid" || :
	rec_pid=''
	nothing_left
	kill -0 "$(cat pid)"
	echo still here >go
	until_true grep -q 'still here' said
	until_true gone "$(cat pid)"
	every_file_reads T
	"$CTRACE" -q -o T -- true # the file is free
	sound T
}
