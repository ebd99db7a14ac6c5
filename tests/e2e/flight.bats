#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The flight recorder: snapshots on SIGUSR2 and by triggers, what they hold, what is kept, what cannot be written.

setup() {
	load ../lib/common.bash
	e2e_setup
	start_prog outliers
	P=$(ready_word 2)
}

teardown() {
	e2e_teardown
	if mountpoint -q small; then umount small; fi
}

files() { find . -maxdepth 1 -name 'go-*Z.trace' -size +0 | sort; }
has_files() { [ "$(grep -c 'snapshot: ' err)" -ge "$1" ]; } # they are complete when they are told
snap() {
	local n
	n=$(grep -c 'snapshot: ' err) || :
	kill -USR2 "$rec_pid"
	until_true has_files $((n + 1))
}
did() {
	tell "$*"
	wait_line said "^did $*"
}
# logs FILE: the texts of category "trigger".
logs() { "$JUDGE" marks "$1" | jq -r '.logs[] | select(.category == "trigger") | .message'; }

# triggered LINE TEXT OPTION…: what the program does by LINE gives one sound snapshot that has TEXT as its reason and in a log.
triggered() {
	local line=$1 text=$2 file
	shift 2
	rec -p "$P" --flight-recorder=5s "$@"
	tell "$line"
	until_true has_files 1
	if [ -n "$rec_pid" ] && ! gone "$rec_pid"; then rec_stop INT; else rec_stop -; fi
	file=$(jq -r '.snapshots[0].file' sum)
	sound "$file"
	jq -r '.snapshots[0].reason' sum | grep -E -- "$text"
	logs "$file" | grep -E -- "$text"
	jq -e '.triggers >= 1 and .triggers_left_out == 0' sum
}

@test "SIGUSR2 writes sound traces named by their time, and the recording goes on" {
	rec -p "$P" --flight-recorder=10s
	did region 10
	snap
	did log now later
	snap
	rec_stop INT
	[ "$rec_status" -eq 0 ]
	[ "$(files | wc -l)" -eq 2 ]
	sound go-*Z.trace
	jq -e '[.snapshots[].reason] == ["SIGUSR2", "SIGUSR2"] and .file == .snapshots[1].file and .lost == 0' sum
	[ "$(jq -r '.snapshots[].file' sum)" = "$(files | sed 's,./,,')" ]
	"$JUDGE" marks "$(files | head -1)" | jq -e '([.regions[].type] | index("slow")) and (.logs | map(select(.category == "now")) == [])'
	# what is kept stays kept
	"$JUDGE" marks "$(files | tail -1)" | jq -e '([.regions[].type] | index("slow")) and (.logs | map(select(.category == "now")) != [])'
	[ ! -e go.trace ]
	nothing_left
}

@test "the end of the recording writes nothing, unless that is asked for" {
	rec -p "$P" --flight-recorder=10s
	rec_stop INT
	[ "$rec_status" -eq 0 ]
	[ -z "$(files)" ]
	jq -e '.snapshots == [] and .file == null' sum
	rec -p "$P" --flight-recorder=10s --trigger end
	did log last words
	rec_stop INT
	sound "$(files)"
	"$JUDGE" marks "$(files)" | jq -e '.logs | map(select(.category == "last")) != []'
	jq -e '.snapshots[0].reason == "end"' sum
}

@test "age and size bound what is kept" {
	rec -p "$P" --flight-recorder=1500ms
	until_true -t 30 is_past 5
	snap
	rec_stop INT
	sound "$(files)"
	jq -e '.snapshots[0].seconds >= 1.5 and .snapshots[0].seconds < 4.6' sum
	rm -f go-*
	stop_prog
	start_prog outliers 2
	rec -p "$(ready_word 2)" --flight-recorder=1m,1M
	in_memory >was
	until_true -t 60 memory_fell # something was let go
	snap
	rec_stop INT
	sound "$(files)"
	jq -e '.kept_peak_bytes <= 1.3e6 and .snapshots[0].bytes > 2e5 and .snapshots[0].bytes < 1.3e6' sum
}
# What the recorder says of itself: the seconds that it has recorded, the bytes that it has in memory.
ask() {
	local n
	n=$(grep -c ' in memory$' err) || :
	kill -USR1 "$rec_pid"
	until_true has_told $((n + 1))
	grep ' in memory$' err | tail -n 1
}
has_told() { [ "$(grep -c ' in memory$' err)" -ge "$1" ]; }
is_past() { ask | awk -v want="$1" '{ for (i = 2; i <= NF; i++) if ($i == "s,") exit $(i - 1) < want; exit 1 }'; }
in_memory() { ask | awk '{ printf "%d\n", $(NF - 3) * ($(NF - 2) == "MB" ? 1e6 : $(NF - 2) == "kB" ? 1e3 : 1) }'; }
has_in_memory() { [ "$(in_memory)" -ge "$1" ]; }
memory_fell() {
	local now
	now=$(in_memory)
	[ "$now" -lt "$(cat was)" ] || { echo "$now" >was && return 1; }
}

@test "--keep leaves the newest, and what others have made" {
	touch go-20200101T000000.000Z.trace
	rec -p "$P" --flight-recorder=10s --keep=2
	snap
	snap
	snap
	snap
	rec_stop INT
	[ "$(files | wc -l)" -eq 2 ]
	[ -e go-20200101T000000.000Z.trace ]
	jq -e '.snapshots_written == 4 and (.snapshots | length) == 2 and .file == .snapshots[1].file' sum
	[ "$(jq -r '.snapshots[].file' sum)" = "$(files | sed 's,./,,')" ]
}

# What is hardly longer than asked for is over when it is looked for, ten times a second: it is told at its end.

@test "trigger: a region, at its end" { triggered "region 1" "^region slow took [0-9.]+ms on outliers \\($P\\), region:sl\\*>1ms" --trigger 'region:sl*>1ms'; }

@test "trigger: a region that does not end" { triggered open "^region hang is open for [0-9.]+ms on hanger" --trigger 'region>300ms'; }

@test "trigger: a task" { triggered "task 1" '^task job took' --trigger 'task:job>1ms'; }

@test "trigger: a log of a category with a text" {
	rec -p "$P" --flight-recorder=5s --trigger 'log:error:*timed out*'
	did log error all is well
	did log info timed out
	snap
	did log error query timed out now
	until_true has_files 2
	rec_stop INT
	jq -e '.triggers == 1 and (.snapshots[1].reason | test("^log error: query timed out now on outliers"))' sum
	[ "$(logs "$(jq -r '.snapshots[1].file' sum)" | wc -l)" -eq 1 ]
}

@test "trigger: off-CPU, of threads with a name" { triggered "sleep 60" '^off its CPU for [0-9.]+ms on dozer' --trigger 'offcpu:doz*>50ms'; }

@test "trigger: a syscall that takes long, by its name" { triggered "sleep 1" '^syscall clock_nanosleep took [0-9.]+ms on dozer' --trigger 'syscall:*nanosleep>1ms'; }

@test "trigger: a syscall that does not end" { triggered open '^syscall pause lasts for [0-9.]+ms on hanger' --trigger 'syscall:pause>200ms'; }

@test "trigger: runnable" {
	stop_prog
	start_prog outliers 3
	P=$(ready_word 2)
	triggered fsync '^(runnable|no CPU) for [0-9.]+ms on (loader|outliers)' --trigger 'runnable>1ms'
}

@test "trigger: an exit by a signal, which ends the recording too" { triggered segv '^process outliers \([0-9]+\) is ended by SIGSEGV, signal' --trigger signal; }

@test "trigger: an exit code" {
	triggered "exit 3" '^process outliers \([0-9]+\) exits with 3' --trigger exit --trigger exit:4
	stop_prog
	start_prog outliers
	rec -p "$(ready_word 2)" --flight-recorder=5s --trigger exit --trigger exit:4 --trigger signal
	tell exit 0
	rec_stop -
	jq -e '.triggers == 0 and .snapshots == []' sum
}

@test "one snapshot for many triggers, and not more often than the gap" {
	rec -p "$P" --flight-recorder=10s --trigger 'log:*' --trigger-gap=1m
	did log a 1
	until_true has_files 1
	did log a 2
	did log a 3
	snap # by the user: at once, and it has them
	did log a 4
	rec_stop INT
	jq -e '(.snapshots | length == 3) and .triggers == 4 and .triggers_left_out == 0' sum
	[ "$(logs "$(jq -r '.snapshots[2].file' sum)" | wc -l)" -eq 4 ]
}

@test "a region of three times its 99th percentile is in its snapshot, with all that was in the second before" {
	python3 "$ROOT/tests/bench/flight.py" --seconds 6 --triggers 2 --rate 20000 --work . --json flight.json --judge "$JUDGE" --ctrace "$CTRACE"
	jq -e '.done == 2 and .bad == [] and .us * 1000 >= 3 * .p99' flight.json
}

@test "under sudo a snapshot is made as the user who called it, after the privileges are gone" {
	mkdir mine roots
	chown 12345:12346 mine
	SUDO_UID=12345 SUDO_GID=12346 rec -p "$P" --flight-recorder=10s -o mine/go.trace
	[ -z "$(ls -A mine)" ]
	snap
	rec_stop INT
	[ "$rec_status" -eq 0 ]
	sound mine/go-*.trace
	[ "$(stat -c %u:%g mine/go-*.trace)" = 12345:12346 ]
	SUDO_UID=12345 SUDO_GID=12346 refused 1 'cannot write roots/go.trace as user 12345' "$CTRACE" -p "$P" --flight-recorder=10s -o roots/go.trace
}

@test "a raw copy gives the whole trace, and convert marks the triggers in it" {
	rec -p "$P" --flight-recorder=1s --raw R
	did region 60
	snap
	did region 70
	rec_stop INT
	"$CTRACE" convert -q --json --trigger 'region:slow>50ms' R -o T >conv
	sound T
	jq -e '.triggers == 2' conv
	[ "$(logs T | grep -c '^region slow took')" -eq 2 ]
	"$JUDGE" marks T | jq -e '[.regions[] | select(.type == "slow")] | length == 2'
}

@test "a disk that is full: the sentence, the recording goes on, the exit status is 1" {
	mkdir small
	mount -t tmpfs -o size=64k none small || skip "no tmpfs"
	stop_prog
	start_prog outliers 1
	rec -p "$(ready_word 2)" --flight-recorder=10s -o small/go.trace
	until_true -t 20 has_in_memory 100000
	kill -USR2 "$rec_pid"
	wait_line err 'the recording goes on'
	ask
	rec_stop INT
	[ -z "$(ls -A small)" ] # nothing half is left
	umount small
	[ "$rec_status" -eq 1 ]
	grep -q 'cannot write small/go-.*No space left on device' err
	grep -q '1 snapshot was not written: cannot write small/go-' err
	jq -e '(.error | test("No space left on device")) and .snapshots_failed == 1 and .snapshots == []' sum
}

@test "a small disk with --keep=1: each snapshot takes the place of the one before" {
	mkdir small
	mount -t tmpfs -o size=256k none small || skip "no tmpfs"
	stop_prog
	start_prog outliers 1
	rec -p "$(ready_word 2)" --flight-recorder=1m,200K --keep=1 -o small/go.trace
	until_true -t 20 has_in_memory 130000
	snap
	until_true -t 20 has_in_memory 130000
	snap
	until_true -t 20 has_in_memory 130000
	snap
	rec_stop INT
	sound small/go-*.trace
	[ "$(printf '%s\n' small/*)" = "$(jq -r '.snapshots[].file' sum)" ]
	umount small
	[ "$rec_status" -eq 0 ]
	jq -e '.snapshots_written == 3 and .snapshots_failed == 0 and (.snapshots | length) == 1' sum
}

@test "--max-size and --min-free bound the snapshots: what is not written is told and counted, and it goes on" {
	rec -p "$P" --flight-recorder=10s --trigger 'log:*' --trigger-gap=1ms --max-size=100B
	did log a 1
	wait_line err 'not written: a snapshot has more than 100 B (--max-size); the recording goes on'
	did log a 2
	rec_stop INT
	[ "$rec_status" -eq 0 ]
	[ -z "$(files)" ]
	jq -e '.snapshots_left_out == 2 and .triggers == 2 and .triggers_left_out == 2 and .file == null and (.snapshot_error | test("--max-size"))' sum
	[ "$(grep -c 'the recording goes on' err)" -eq 1 ] # once for all
	grep -q '2 snapshots were not written: a snapshot has more than 100 B' err
	grep -q '2 of 2 triggers are in no snapshot: theirs could not be written' err
	refused 1 'the disk of T has .* left, and --min-free asks for' "$CTRACE" -p "$P" --flight-recorder=1s --min-free=8000T -o T
}

@test "what cannot be meant is refused in words" {
	refused 2 '--trigger writes what the flight recorder has: give --flight-recorder=10s' "$CTRACE" -p "$P" --trigger exit
	refused 2 "'foo' is nothing to wait for; there are region, task" "$CTRACE" -p "$P" --flight-recorder=1s --trigger 'foo>1s'
	refused 2 'longer than what\?.* in quotes' "$CTRACE" -p "$P" --flight-recorder=1s --trigger region:x
	refused 2 "'10x' is no time" "$CTRACE" -p "$P" --flight-recorder=1s --trigger 'region:x>10x'
	refused 2 "'SIGFOO' is no signal" "$CTRACE" -p "$P" --flight-recorder=1s --trigger signal:SIGFOO
	refused 2 'exit codes? *: they go from 0 to 255|no exit code' "$CTRACE" -p "$P" --flight-recorder=1s --trigger exit:256
	refused 2 'exit takes no time' "$CTRACE" -p "$P" --flight-recorder=1s --trigger 'exit>3s'
	refused 2 'which log' "$CTRACE" -p "$P" --flight-recorder=1s --trigger log
	refused 2 'end stands alone' "$CTRACE" -p "$P" --flight-recorder=1s --trigger end:x
	refused 2 'needs to know each syscall' "$CTRACE" -p "$P" --flight-recorder=1s --trigger 'syscall>1s' --syscalls=none
	refused 2 'not -' "$CTRACE" -p "$P" --flight-recorder=1s -o -
	refused 2 'give one of them' "$CTRACE" -p "$P" --flight-recorder=1s --rotate=1s
	refused 2 'is not a time to look back' "$CTRACE" -p "$P" --flight-recorder=x
	refused 2 'is not a size of memory' "$CTRACE" -p "$P" --flight-recorder=1s,0
	refused 2 'keeps 110.0 TB in memory, and this machine has .*: give less than half of that' "$CTRACE" -p "$P" --flight-recorder=1s,100T
	refused 1 'cannot write none/go.trace: No such file or directory' "$CTRACE" -p "$P" --flight-recorder=1s -o none/go.trace
}
