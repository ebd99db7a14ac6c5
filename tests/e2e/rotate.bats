#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Recordings of more than one file: what is at their seams, which of them stay, and the bounds at which a recording ends.

setup() {
	load ../lib/common.bash
	e2e_setup
}

teardown() {
	e2e_teardown
	if [ -n "${small:-}" ]; then umount "$small"; fi
	if [ -n "${group:-}" ]; then until_true rmdir_or_gone "$group"; fi
}

rmdir_or_gone() { [ ! -d "$1" ] || rmdir "$1"; }

# start_numbers: the program whose logs are numbered, logging
start_numbers() {
	start_prog numbers 2
	tell go
}
numbers_end() {
	tell stop
	wait_line said '^done'
}

# the_numbers FILE…: of all logs of these files, "THREAD NUMBER" a line, as they come
the_numbers() {
	local f
	for f; do
		"$JUDGE" marks "$f" | jq -r '.logs[] | select(.category == "number") | .message'
	done
}

# each_once: from 1 to what each thread said was its last, in ./numbers
each_once() {
	local want
	want=$(awk '$1 == "last" { for (i = 1; i <= $2; i++) print n, i; n++ }' n=0 said | sort | sha256sum)
	[ "$(sort numbers | sha256sum)" = "$want" ] || {
		awk '$1 == "last"' said
		sort numbers | uniq -d | head
		wc -l <numbers
		return 1
	}
}

has_files() { [ "$(find . -name "$1" | wc -l)" -ge "$2" ]; }

# a_small_disk SIZE: in $small
a_small_disk() {
	small=$PWD/small
	mkdir -p "$small"
	mount -t tmpfs -o "size=$1,mode=755" none "$small"
}

@test "twenty files: each is sound alone, and each event is in exactly one of them" {
	start_prog numbers 2
	rec -p "$(ready_word 2)" --rotate=200ms -o T.trace
	tell go
	until_true -t 60 has_files 'T-*.trace' 20
	numbers_end
	rec_stop INT
	[ "$rec_status" -eq 0 ]
	sound T-*.trace
	jq -e '.lost == 0 and .files_written >= 20 and (.files | length) == .files_written' sum
	[ "$(jq -r '.files[].file' sum)" = "$(printf '%s\n' T-*.trace)" ] # in the order of their names
	[ "$(jq -r .file sum)" = "$(jq -r '.files[-1].file' sum)" ]
	[ "$(jq '[.files[].bytes] | add' sum)" -eq "$(cat T-*.trace | wc -c)" ]
	[ "$(jq .bytes sum)" -eq "$(cat T-*.trace | wc -c)" ]
	the_numbers T-*.trace >numbers
	each_once
	sort -n -c <(grep '^0 ' numbers | cut -d' ' -f2) # and in their order
	[ "$(grep -c ' is complete: ' err)" -eq "$(jq .files_written sum)" ]
	nothing_left
}

@test "files by their size are not larger, and only the newest are kept" {
	local f
	start_numbers
	rec -p "$(ready_word 2)" --rotate=64K --keep=3 -o T.trace
	until_true -t 60 grep -q 'T-.* is removed' err
	rec_stop INT
	[ "$rec_status" -eq 0 ]
	[ "$(find . -name 'T-*.trace' | wc -l)" -eq 3 ]
	jq -e '(.files | length) == 3 and .files_written >= 4' sum
	sound T-*.trace
	for f in T-*.trace; do [ "$(stat -c %s "$f")" -le 65536 ]; done
	the_numbers T-*.trace >numbers
	grep '^0 ' numbers | cut -d' ' -f2 | awk 'NR > 1 && $1 != last + 1 { exit 1 } { last = $1 }' # no gap between them
	grep -q '3 files, T-.*, the newest of' err
}

@test "--keep leaves alone what is not of this recording" {
	start_numbers
	printf other >T-20010101T000000.000Z.trace
	rec -p "$(ready_word 2)" --rotate=100ms --keep=1 -o T.trace
	until_true -t 60 grep -q 'T-.* is removed' err
	rec_stop INT
	[ "$(cat T-20010101T000000.000Z.trace)" = other ]
	[ "$(find . -name 'T-2*.trace' | wc -l)" -eq 2 ]
}

@test "the raw copy of a rotated recording gives one file again, and is parted by convert as one likes" {
	start_prog numbers 2
	rec -p "$(ready_word 2)" --rotate=200ms --raw R -o T.trace
	tell go
	until_true -t 60 has_files 'T-*.trace' 4
	numbers_end
	rec_stop INT
	[ "$rec_status" -eq 0 ]
	"$CTRACE" convert -q R -o W
	sound W
	the_numbers W >numbers
	each_once
	"$CTRACE" convert -q R --rotate=50ms -o C.trace
	[ "$(find . -name 'C-*.trace' | wc -l)" -gt 10 ]
	sound C-*.trace
	the_numbers C-*.trace >numbers
	each_once
	mkdir first && mv C-*.trace first
	"$CTRACE" convert -q R --rotate=50ms -o C.trace # the same files again
	mkdir second && mv C-*.trace second
	diff -r first second
}

@test "twenty files by their size: each event is in exactly one of them" {
	start_prog numbers 2
	rec -p "$(ready_word 2)" --rotate=64K -o T.trace
	tell go
	until_true -t 60 has_files 'T-*.trace' 20
	numbers_end
	rec_stop INT
	[ "$rec_status" -eq 0 ]
	sound T-*.trace
	jq -e '.lost == 0' sum
	the_numbers T-*.trace >numbers
	each_once
}

@test "what goes on over a seam is in the same state behind it: waits, regions, tasks, syscalls" {
	start_prog outliers 2 20000 # queries all the time
	rec -p "$(ready_word 2)" --rotate=100ms --raw R -o T.trace
	tell open # a region that never ends, in a thread that sleeps
	tell "sleep 700"
	tell "task 500"
	wait_line said '^did task'
	tell "region 400"
	wait_line said '^did region'
	rec_stop INT
	[ "$rec_status" -eq 0 ]
	[ "$(find . -name 'T-*.trace' | wc -l)" -ge 8 ]
	"$CTRACE" convert -q R -o W
	"$JUDGE" seams W T-*.trace
	"$CTRACE" convert -q R --rotate=30ms -o C.trace
	"$JUDGE" seams W C-*.trace
	"$CTRACE" convert -q R --rotate=20K -o D.trace
	[ "$(find . -name 'D-*.trace' | wc -l)" -ge 5 ]
	"$JUDGE" seams W D-*.trace
	mv "$(printf '%s\n' T-*.trace | sed -n 3p)" missing
	no "$JUDGE" seams W T-*.trace # it would be seen
}

@test "--max-size ends the recording with a whole file, and says so" {
	start_numbers
	"$CTRACE" --json -p "$(ready_word 2)" --max-size=100K -o T >sum 2>err
	[ "$(stat -c %s T)" -le 102400 ]
	[ "$(jq .bytes sum)" -eq "$(stat -c %s T)" ]
	jq -e '.ended_by == "max-size" and .ended_seconds > 0 and .ended_seconds <= .seconds' sum
	grep -q 'stopped before more than 102.4 kB were written (--max-size)' err
	sound T
}

@test "--max-size counts all files" {
	start_numbers
	"$CTRACE" -q --json -p "$(ready_word 2)" --max-size=200K --rotate=100ms -o T.trace >sum
	[ "$(cat T-*.trace | wc -c)" -le 204800 ]
	jq -e '.ended_by == "max-size" and .files_written > 1' sum
	sound T-*.trace
}

@test "--min-free ends the recording while the disk has that, and refuses where it has not" {
	local free
	a_small_disk 4M
	start_numbers
	"$CTRACE" --json -p "$(ready_word 2)" --min-free=3800K -o small/T >sum 2>err
	jq -e '.ended_by == "min-free"' sum
	grep -q 'were free on the disk (--min-free)' err
	sound small/T
	free=$(df --output=avail -B1 small | tail -n 1)
	[ "$free" -ge $((3800 * 1024)) ]
	refused 1 'the disk of small/U has .* left, and --min-free asks for 5.2 MB' \
		"$CTRACE" -p "$(ready_word 2)" --min-free=5M -o small/U
}

@test "--min-free with --keep: the oldest files make room" {
	a_small_disk 1M
	start_numbers
	rec -p "$(ready_word 2)" --min-free=512K --rotate=100ms --keep=1000 -o small/T.trace
	until_true -t 60 grep -q 'T-.* is removed' err
	rec_stop INT
	[ "$rec_status" -eq 0 ]
	jq -e '.files_written > (.files | length) and .ended_by == null' sum
	[ "$(df --output=avail -B1 small | tail -n 1)" -ge $((512 * 1024)) ]
	sound small/T-*.trace
}

@test "--min-free with --keep: others fill the disk; the newest file stays, and what went is told" {
	local i
	a_small_disk 2M
	start_numbers
	rec -p "$(ready_word 2)" --min-free=600K --rotate=200ms --keep=1000 -o small/T.trace
	until_true -t 60 has_files 'T-*.trace' 4
	for i in 1 2 3 4 5 6 7 8; do head -c 250K /dev/zero >small/other.$i || break; done
	rec_stop - # by itself
	[ "$rec_status" -eq 0 ]
	jq -e '.ended_by == "min-free" and (.files | length) >= 1 and .bytes > 0' sum
	[ "$(jq -r '.files[].file' sum)" = "$(printf '%s\n' small/T-*.trace)" ]
	sound small/T-*.trace
	grep -q 'stopped before less than 614.4 kB were free on the disk (--min-free)' err
}

@test "--min-free on a disk that others fill: it ends in good order, also with --keep" {
	local keep
	a_small_disk 4M
	start_numbers
	for keep in '' --keep=1000; do
		rm -f small/*
		rec -p "$(ready_word 2)" --min-free=2M --rotate=100ms $keep -o small/T.trace
		until_true -t 60 has_files 'T-*.trace' 3
		until_true -t 60 fill_or_gone
		rec_stop -
		[ "$rec_status" -eq 0 ] || { cat err && return 1; }
		jq -e '.ended_by == "min-free"' sum
		grep -q 'stopped before less than 2.1 MB were free on the disk (--min-free)' err
		jq -e '(.files | length) >= 1 and .files_written > 1' sum
		sound small/T-*.trace
		[ "$(jq -r '.files[].file' sum)" = "$(printf '%s\n' small/T-*.trace)" ]
	done
}
# somebody else writes, a little each time
fill_or_gone() {
	gone "$rec_pid" || { dd if=/dev/zero bs=16k count=1 >>small/fill 2>/dev/null && false; }
}

@test "a disk that fills during rotation: whole files stay, and the reason is told" {
	a_small_disk 512K
	start_numbers
	rec -p "$(ready_word 2)" --rotate=100ms -o small/T.trace
	rec_stop - # by itself
	[ "$rec_status" -eq 1 ]
	tail -n 1 err | grep -E 'ctrace-bpf: cannot write small/T-.*: No space left on device.* files before are complete'
	sound small/T-*.trace
	jq -e '.error' sum
}

@test "a disk without room for the first byte: nothing is written, the reason is told" {
	a_small_disk 64K
	dd if=/dev/zero of=small/fill bs=1k 2>/dev/null || :
	start_numbers
	rec -p "$(ready_word 2)" --rotate=100ms -o small/T.trace
	rec_stop - # by itself
	[ "$rec_status" -eq 1 ]
	tail -n 1 err | grep -E 'ctrace-bpf: cannot write small/T-.*: No space left on device$'
	[ "$(ls small)" = fill ]
}

@test "a directory that is removed: the reason is told, and no file that went with it" {
	mkdir there
	start_numbers
	rec -p "$(ready_word 2)" --rotate=100ms -o there/T.trace
	until_true -t 60 has_files 'T-*.trace' 3
	mv there gone # removed at once, also while files come
	rec_stop -
	[ "$rec_status" -eq 1 ]
	tail -n 1 err | grep -E 'ctrace-bpf: cannot write there/T-.*Z.trace: No such file or directory$'
	sound gone/T-*.trace
	nothing_left
}

@test "a control group that vanishes ends the recording, and its files are whole" {
	local v2
	v2=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
	[ -n "$v2" ] || skip "no v2"
	group=$v2/ctrace-rotate-$$
	mkdir "$group" || skip "no group can be made in $v2"
	start_numbers
	ready_word 2 >"$group/cgroup.procs"
	rec --cgroup "$group" --rotate=100ms -o T.trace
	until_true -t 60 has_files 'T-*.trace' 3
	ready_word 2 >"$v2/cgroup.procs"
	rmdir "$group"
	rec_stop -
	[ "$rec_status" -eq 0 ]
	grep -q "the control group $group was removed" err
	sound T-*.trace
	the_numbers T-*.trace >numbers # up to where it left
	grep '^0 ' numbers | cut -d' ' -f2 | awk 'NR > 1 && $1 != last + 1 { exit 1 } { last = $1 }'
}

@test "any signal, twice in a row, while files come and go: all are whole" {
	local sig
	start_numbers
	for sig in HUP TERM INT HUP TERM INT; do
		rm -f T-*
		rec -p "$(ready_word 2)" --rotate=10ms -o T.trace
		until_true has_files 'T-*.trace' 5
		kill -"$sig" "$rec_pid"
		kill -"$sig" "$rec_pid" 2>/dev/null || :
		rec_stop -
		[ "$rec_status" -eq 0 ]
		sound T-*.trace
		[ "$(jq -r '.files[].file' sum)" = "$(printf '%s\n' T-*.trace)" ]
	done
}

stands_still() { [[ $(cat "/proc/$rec_pid/stat") == *") T "* ]]; }

@test "Ctrl-C completes the last file; a second signal too" {
	start_numbers
	rec -p "$(ready_word 2)" --rotate=10s -o T.trace
	until_true has_files 'T-*.trace' 1
	kill -STOP "$rec_pid" # so that it takes both together, and cannot be through before the second comes
	until_true stands_still
	kill -INT "$rec_pid"
	kill -TERM "$rec_pid" # a second INT would be one with the first, which is not taken yet
	kill -CONT "$rec_pid"
	rec_stop -
	[ "$rec_status" -eq 0 ]
	[ "$(find . -name 'T-*.trace' | wc -l)" -eq 1 ]
	sound T-*.trace
}

@test "files that are made later belong to who called sudo" {
	local f
	mkdir theirs && chown 65534:65534 theirs && chmod 700 theirs
	start_numbers
	SUDO_UID=65534 SUDO_GID=65534 "$CTRACE" -q -p "$(ready_word 2)" --rotate=100ms --keep=2 -d 500ms -o theirs/T.trace
	[ "$(find theirs -name 'T-*.trace' | wc -l)" -eq 2 ]
	for f in theirs/*; do [ "$(stat -c %u:%g "$f")" = 65534:65534 ]; done
	sound theirs/*
	refused 1 'cannot write .* as user 65534, who called sudo: Permission denied' \
		env SUDO_UID=65534 SUDO_GID=65534 "$CTRACE" -p "$(ready_word 2)" --rotate=1s -o T.trace
	refused 1 "cannot make files in theirs/ later, when root's rights are given up; " \
		"$CTRACE" -p "$(ready_word 2)" --rotate=1s -o theirs/T.trace
}

@test "what cannot be meant is refused in words" {
	local P=$BASHPID o
	mkfifo pipe
	for o in 5 0s 0K x 1x -1s 60 200d; do
		refused 2 "--rotate=$o: neither a time nor a size" "$CTRACE" -p "$P" --rotate="$o"
	done
	refused 2 'so small a file' "$CTRACE" -p "$P" --rotate=1K
	refused 2 'makes more than one file' "$CTRACE" -p "$P" --rotate=1s -o -
	refused 2 'for recordings of more than one file' "$CTRACE" -p "$P" --keep=3
	refused 2 '--keep=0' "$CTRACE" -p "$P" --rotate=1s --keep=0
	refused 2 '--keep=x' "$CTRACE" -p "$P" --rotate=1s --keep=x
	refused 2 '--max-size=0' "$CTRACE" -p "$P" --max-size=0
	refused 2 '--max-size=5x' "$CTRACE" -p "$P" --max-size=5x
	refused 2 '--min-free=0' "$CTRACE" -p "$P" --min-free=0
	refused 2 'nobody knows where standard output goes' "$CTRACE" -p "$P" --min-free=1M -o -
	refused 1 'not even its begin has room' "$CTRACE" -q -p "$P" --max-size=20B
	refused 1 'pipe is no regular file' "$CTRACE" -p "$P" --rotate=1s -o pipe
	refused 1 '/ is no regular file' "$CTRACE" -p "$P" --rotate=1s -o /tmp/
	refused 1 'none/T: No such file or directory' "$CTRACE" -p "$P" --rotate=1s -o none/T
	refused 2 'it cannot be added to --text' "$CTRACE" convert --rotate=1s --text x
	refused 2 'it cannot be added to --repair' "$CTRACE" convert --rotate=1s --repair x
	refused 2 'makes more than one file' "$CTRACE" convert --rotate=1s -o - x
}
