#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# --duty: windows, each a trace of its own, and nothing of ours between them.

setup() {
	load ../lib/common.bash
	e2e_setup
	start_prog numbers 2
	tell go
	P=$(ready_word 2)
}

teardown() {
	e2e_teardown
	if mountpoint -q small; then umount small; fi
	if [ -d "${group:-}" ]; then until_true rmdir "$group"; fi
}

has_files() { [ "$(find . -name 'T-*.trace' | wc -l)" -ge "$1" ]; }
the_window() { cat "/proc/$rec_pid/task/$rec_pid/children"; } # the process of the one that is open
no_window() { [ -z "$(the_window)" ]; }
# between_windows: N have been recorded, and the next one has not begun
between_windows() { [ "$(grep -c 'record: window' err)" -ge "$1" ] && no_window; }
# holds_bpf PID: has it a program, a link or a map open?
holds_bpf() { find "/proc/$1/fd" -lname 'anon_inode:*bpf*' | grep -q .; }
is_recording_for() { [ "$(grep -c '^ctrace-bpf: recording$' err)" -ge "$1" ]; }

@test "each window is a sound trace of its own, and the summary adds up" {
	local f
	rec -p "$P" --duty=200ms/2s -o T.trace
	until_true -t 60 between_windows 2
	rec_stop INT
	[ "$rec_status" -eq 0 ]
	sound T-*.trace
	[ "$(jq -r '.files[].file' sum)" = "$(printf '%s\n' T-*.trace)" ]
	jq -e '.windows >= 2 and .windows == .files_written and (.files | length) == .windows' sum
	jq -e '(.events == ([.files[].events] | add)) and (.bytes == ([.files[].bytes] | add)) and .lost == 0' sum
	jq -e '(.seconds - ([.files[].seconds] | add) | fabs) < 0.001 and .wall_seconds > .seconds' sum
	[ "$(jq .bytes sum)" -eq "$(cat T-*.trace | wc -c)" ]
	jq -e '[.files[:-1][].seconds | . > 0.19 and . < 0.25] | all' sum
	for f in T-*.trace; do
		"$JUDGE" marks "$f" | jq -e '[.logs[] | select(.category == "number")] | length > 0' # annotations in each
	done
	nothing_left
}

@test "between windows nothing is attached" {
	local window
	rec -p "$P" --duty=200ms/60s -o T.trace
	until_true is_recording_for 1
	window=$(the_window)
	holds_bpf "${window% }"
	until_true -t 60 between_windows 1
	no holds_bpf "$rec_pid"
	nothing_left
	rec_stop INT # at once, not at the next window
	[ "$rec_status" -eq 0 ]
	jq -e '.windows == 1 and .wall_seconds < 50' sum
}

@test "Ctrl-C inside a window completes its file" {
	rec -p "$P" --duty=50s/60s -o T.trace
	until_true -t 60 is_recording_for 1
	until_true has_files 1
	rec_stop INT
	[ "$rec_status" -eq 0 ]
	jq -e '.windows == 1 and .files_written == 1' sum
	sound T-*.trace
}

@test "-d is of the whole: the last window ends with it" {
	"$CTRACE" -q --json -p "$P" --duty=300ms/60s -d 100ms -o T.trace >sum
	jq -e '.windows == 1 and .seconds > 0.05 and .seconds <= 0.11' sum
}

@test "it ends when the process has ended, in a window and between two" {
	rec -p "$P" --duty=200ms/60s -o T.trace
	until_true -t 60 between_windows 1
	stop_prog
	rec_stop -
	[ "$rec_status" -eq 0 ]
	grep -q 'the process has ended' err
	jq -e '.windows == 1' sum
	start_prog numbers 1
	rec -p "$(ready_word 2)" --duty=50s/60s -o U.trace
	until_true -t 60 is_recording_for 1
	stop_prog
	rec_stop -
	[ "$rec_status" -eq 0 ]
	sound U-*.trace
}

@test "a window ends by itself when who opened it was killed, and its file is whole" {
	rec -p "$P" --duty=50s/60s -o T.trace
	until_true -t 60 is_recording_for 1
	until_true has_files 1
	window=$(the_window)
	kill -KILL "$rec_pid"
	until_true gone "${window% }"
	sound T-*.trace
	nothing_left
}

@test "--keep and --max-size are of all windows" {
	rec -p "$P" --duty=100ms/1s --keep=1 -o T.trace
	until_true -t 60 between_windows 2
	rec_stop INT
	[ "$(find . -name 'T-*.trace' | wc -l)" -le 2 ] # the one that was cut short, perhaps
	grep -q 'T-.* is removed' err
	"$CTRACE" -q --json -p "$P" --duty=100ms/1s --max-size=60K -o U.trace >sum
	jq -e '.ended_by == "max-size"' sum
	[ "$(cat U-*.trace | wc -c)" -le 61440 ]
	sound U-*.trace
}

@test "--min-free with --keep: the oldest windows make room, and it goes on" {
	mkdir small
	mount -t tmpfs -o size=1M,mode=755 none small || skip "no tmpfs"
	rec -p "$P" --duty=300ms/1s --keep=1000 --min-free=512K -o small/T.trace
	until_true -t 60 removed_are 3 || :
	rec_stop INT
	sound small/T-*.trace
	free=$(df --output=avail -B1 small | tail -n 1)
	umount small
	[ "$rec_status" -eq 0 ]
	[ "$(grep -c 'T-.* is removed' err)" -ge 3 ]
	jq -e '.ended_by == null and .windows >= 4 and (.files | length) >= 1 and (.files | length) < .files_written' sum
	[ "$free" -ge $((512 * 1024)) ]
}
removed_are() { [ "$(grep -c 'T-.* is removed' err)" -ge "$1" ]; }

@test "it ends when the control group is removed, between two windows" {
	local v2
	v2=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
	[ -n "$v2" ] || skip "no v2"
	group=$v2/ctrace-duty-$$
	mkdir "$group" || skip "no group can be made in $v2"
	echo "$P" >"$group/cgroup.procs"
	rec --cgroup "$group" --duty=200ms/60s -o T.trace
	until_true -t 60 between_windows 1
	stop_prog
	rmdir "$group"
	rec_stop -
	[ "$rec_status" -eq 0 ]
	grep -q "the control group .*/ctrace-duty-$$ was removed" err
	jq -e '.windows == 1 and .wall_seconds < 50 and .error == null' sum
	sound T-*.trace
}

@test "who was excluded may end between two windows" {
	local other
	sleep 1000 3>&- {tell_fd}>&- &
	other=$!
	rec -a --comm numbers --exclude "$other" --duty=200ms/2s -o T.trace
	until_true -t 60 between_windows 1
	kill "$other"
	until_true gone "$other"
	until_true -t 60 between_windows 2
	rec_stop INT
	[ "$rec_status" -eq 0 ]
	jq -e '.windows_left_out == 0' sum
	sound T-*.trace
}

@test "a window that fails is left out, and told; two in a row are the end" {
	mkdir there
	rec -p "$P" --duty=200ms/2s -o there/T.trace
	until_true -t 60 between_windows 1
	mv there gone
	until_true -t 60 grep -q 'a window is left out: cannot write there/' err
	mv gone there
	until_true -t 60 between_windows 2
	mv there gone
	rec_stop -
	[ "$rec_status" -eq 1 ]
	[ "$(grep -c 'a window is left out' err)" -eq 2 ]
	tail -n 1 err | grep 'cannot write there/'
	jq -e '.windows >= 2 and .windows_left_out >= 2' sum
	sound gone/T-*.trace
}

@test "files belong to who called sudo" {
	local f
	mkdir theirs && chown 65534:65534 theirs && chmod 700 theirs
	SUDO_UID=65534 SUDO_GID=65534 "$CTRACE" -q -p "$P" --duty=100ms/60s -d 200ms -o theirs/T.trace
	for f in theirs/*; do [ "$(stat -c %u:%g "$f")" = 65534:65534 ]; done
	sound theirs/*
}

@test "what cannot be meant is refused in words" {
	local d
	for d in 1s x 1s/x x/1s /1s 1s/ 1s/200d; do
		refused 2 "--duty=$d: not a time to record out of another" "$CTRACE" -p "$P" --duty="$d"
	done
	for d in 1s/1s 2s/1s 0/1s; do
		refused 2 "--duty=$d: .* is no part of 1s" "$CTRACE" -p "$P" --duty="$d"
	done
	refused 2 '--rotate cannot be added' "$CTRACE" -p "$P" --duty=1s/60s --rotate=1s
	refused 2 'leave --raw out' "$CTRACE" -p "$P" --duty=1s/60s --raw R
	refused 2 'start true by itself' "$CTRACE" --duty=1s/60s -- true
	refused 2 'makes more than one file' "$CTRACE" -p "$P" --duty=1s/60s -o -
	refused 1 'no process with pid 4194304' "$CTRACE" -p 4194304 --duty=1s/60s
	refused 2 '--buffer' "$CTRACE" -p "$P" --duty=1s/60s --buffer=1
}
