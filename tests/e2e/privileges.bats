#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# With less than root: what is refused, in words, and what works.

setup() {
	load ../lib/common.bash
	e2e_setup
	chmod 777 .
	start_prog known 5
	P=$(ready_word 2)
	cp "$CTRACE" ./ct
	chmod 755 ct
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" "$BATS_FILE_TMPDIR" 2>/dev/null || :
	chmod 755 "$(dirname "$BATS_TEST_TMPDIR")" "$BATS_RUN_TMPDIR/test"
	U="setpriv --reuid=12345 --regid=12345 --clear-groups"
}

teardown() { e2e_teardown; }

as_user() { $U --inh-caps=-all --bounding-set=-all "$@"; }
with_caps() { # +cap,+cap COMMAND
	local caps=$1
	shift
	$U --inh-caps="-all,$caps" --ambient-caps="-all,$caps" "$@"
}
own_prog() { # [COMMAND…]: the program again, as the user; or ./known as COMMAND runs it
	tell_end
	wait "$prog_pid" || :
	rm -f told said
	mkfifo told
	chmod 666 told
	[ -e known ] || cp "$PROG/known" .
	if [ $# -eq 0 ]; then set -- as_user; fi
	"$@" ./known 5 <told >said 3>&- &
	prog_pid=$!
	exec {tell_fd}>told
	wait_line said '^ready'
	P=$(ready_word 2)
}

@test "no root and no capabilities: 3, and how to get them" {
	own_prog
	refused 3 'not enough privileges: .*sudo' as_user ./ct -p "$P" -d 1 -o T
	refused 3 'not enough privileges: .*sudo' as_user ./ct -a -d 1 -o T
	[ ! -e T ]
}

@test "root without capabilities is no better" {
	refused 3 'not enough privileges' setpriv --bounding-set=-all --inh-caps=-all ./ct -p "$P" -d 1 -o T
}

@test "CAP_BPF and CAP_PERFMON are enough for an own process" {
	own_prog
	with_caps +bpf,+perfmon ./ct -q --json -p "$P" -d 300ms -o T >sum
	sound T
	[ "$(stat -c %u T)" = 12345 ]
	jq -e '.threads == 2 and .lost == 0' sum
	nothing_left
}

@test "they are not enough for another user's process" {
	refused 3 "process $P \(waker\) is not yours" with_caps +bpf,+perfmon ./ct -p "$P" -d 1 -o T
}

@test "with CAP_SYS_PTRACE another user's process is recorded" {
	with_caps +bpf,+perfmon,+sys_ptrace ./ct -q -p "$P" -d 300ms -o T
	sound T
}

@test "-a needs to see all" {
	refused 3 'root' with_caps +bpf,+perfmon ./ct -a -d 300ms -o T
}

# own_ct: ./ct has the capabilities as a file, as the manual has it
own_ct() { file_caps cap_bpf,cap_perfmon+ep ./ct; }
file_caps() { # CAPS FILE
	case $(findmnt -no OPTIONS -T .) in *nosuid*) skip "no file capabilities in $PWD" ;; esac
	setcap "$1" "$2" || skip "the file system of $PWD takes no file capabilities"
}
user_with_bounds() { $U --inh-caps=-all "$@"; } # files may give capabilities

# own_refused: $P is refused, whether the capabilities are the file's or the caller's
own_refused() {
	no as_user readlink "/proc/$P/exe"
	refused 3 "process $P \(.*\) is not yours" user_with_bounds ./ct -p "$P" -d 1 -o T
	refused 3 "process $P \(.*\) is not yours" with_caps +bpf,+perfmon "$CTRACE" -p "$P" -d 1 -o T
}

@test "a file's capabilities are enough for an own process, and for no other" {
	own_ct
	refused 3 "process $P \(waker\) is not yours" user_with_bounds ./ct -p "$P" -d 1 -o T
	own_prog
	user_with_bounds ./ct -q --json -p "$P" -d 300ms -o T >sum
	sound T
	jq -e '.threads == 2' sum
}

@test "CAP_SYS_PTRACE of the file is not the caller's" {
	file_caps cap_bpf,cap_perfmon,cap_sys_ptrace+ep ./ct
	refused 3 "process $P \(waker\) is not yours" user_with_bounds ./ct -p "$P" -d 1 -o T
}

@test "root with the effective id of a user is not the user's" {
	own_ct
	own_prog setpriv --euid=12345
	[ "$(stat -c %u "/proc/$P")" = 12345 ]
	own_refused
}

@test "a program with file capabilities is not its user's" {
	own_ct
	cp "$PROG/known" .
	file_caps cap_net_raw+ep known
	own_prog user_with_bounds
	own_refused
}

@test "the tracer's own file capabilities do not open a program with the same ones" {
	own_ct
	own_prog with_caps +bpf
	refused 3 "process $P \(.*\) is not yours" user_with_bounds ./ct -p "$P" -d 1 -o T
	with_caps +bpf,+perfmon "$CTRACE" -q -p "$P" -d 300ms -o T # the caller's own open it
	sound T
}

@test "a program that its user may not read is not the user's" {
	own_ct
	cp "$PROG/known" .
	chmod 711 known
	own_prog as_user env # setpriv itself may still read it
	own_refused
	"$CTRACE" -q -p "$P" -d 300ms -o T
	sound T
}

@test "one whose first thread has ended is judged by those that live" {
	own_ct
	cp "$PROG/exec" known
	own_prog as_user_hidden
	user_with_bounds ./ct -q -p "$P" -d 300ms -o T
	sound T
	rm T
	chmod 711 known
	own_prog as_user_hidden
	own_refused
}
as_user_hidden() { as_user env "$1" hide; }

@test "one of the two is not enough" {
	own_prog
	refused 3 'not enough privileges' with_caps +bpf ./ct -p "$P" -d 1 -o T
	refused 3 'not enough privileges' with_caps +perfmon ./ct -p "$P" -d 1 -o T
}

@test "the tracer gives up what it does not need" {
	rec -p "$P" -o T
	# bpf is 39, perfmon 38
	[ "$((0x$(awk '/^CapEff/ { print $2 }' "/proc/$rec_pid/status") & ~(1 << 38 | 1 << 39)))" -eq 0 ]
	rec_stop
	SUDO_UID=12345 SUDO_GID=12345 rec -p "$P" -o T2
	[ "$(awk '/^Uid/ { print $2, $3, $4 }' "/proc/$rec_pid/status")" = "12345 12345 12345" ]
	rec_stop
	sound T T2
}

# threads_with CAP: threads of the recorder that hold capability number CAP.
threads_with() {
	local status n=0
	for status in "/proc/$rec_pid/task/"*/status; do
		if [ "$((0x$(awk '/^CapEff/ { print $2 }' "$status") >> $1 & 1))" -eq 1 ]; then n=$((n + 1)); fi
	done
	echo "$n"
}

# sys_admin is 21
@test "where setting probes takes CAP_SYS_ADMIN it is kept for a program that has some, and for no other" {
	sed 's/bpf_uprobe_multi_link/bpf_uprobe_multi_none/g' /sys/kernel/btf/vmlinux >btf
	CTRACE_BTF=$PWD/btf rec -p "$P" -o T
	[ "$(threads_with 21)" -eq 0 ]
	rec_stop
	CTRACE_BTF=$PWD/btf rec -p "$P" --region known:main -o T2
	[ "$(threads_with 21)" -eq 1 ]
	rec_stop
	stop_prog
	start_prog marks
	CTRACE_BTF=$PWD/btf rec -p "$(ready_word 2)" -o T3
	[ "$(threads_with 21)" -eq 1 ]
	[ "$((0x$(awk '/^CapEff/ { print $2 }' "/proc/$rec_pid/status") >> 21 & 1))" -eq 0 ] # the drain, which is the main thread
	rec_stop
	rec -p "$(ready_word 2)" -o T4
	[ "$(threads_with 21)" -eq 0 ] # not where the kernel has uprobe_multi
	rec_stop
	sound T T2 T3 T4
}

# Beside four hundred runnable threads an ordinary thread loses half of the records.
@test "drain and encoder go before others, also when the privileges are gone" {
	rec -p "$P" -o T
	[ "$(ps -o cls=,ni=,rtprio= -L -p "$rec_pid" | tr -s ' ' | sort -u)" = "$(printf ' RR - 1\n TS -20 -\n')" ]
	rec_stop
}

@test "features works for everybody, and tells what is missing" {
	run as_user ./ct features
	echo "$output"
	[ "$status" -eq 3 ]
	[[ $output == *CAP_BPF* && $output == *sudo* ]]
	# what cannot be asked without privileges is not the kernel's fault
	[[ $output != *"to get it:  Linux 6.1 or newer"* ]]
	with_caps +bpf,+perfmon ./ct features
	run as_user ./ct features --json
	jq -e '.can_record == false' <<<"$output"
}

@test "convert under sudo reads and writes as the user who called it" {
	local sudo=(env SUDO_UID=12345 SUDO_GID=12346)
	rec -p "$P" -o T --raw R
	until_true test -s T
	refused 1 'T is being written by a recorder; stop that one first' "$CTRACE" convert --repair T
	rec_stop
	chmod 644 R T
	mkdir u
	chown 12345:12346 u
	"${sudo[@]}" "$CTRACE" convert -q R -o u/T
	"${sudo[@]}" "$CTRACE" convert --text R -o u/R.ev
	"${sudo[@]}" "$CTRACE" convert --text T -o u/T.txt
	"${sudo[@]}" "$CTRACE" convert -q --repair T -o u/T2
	for f in T R.ev T.txt T2; do [ "$(stat -c %u:%g u/$f)" = 12345:12346 ]; done
	cmp T u/T
	cmp T u/T2
	"$CTRACE" convert --text T | cmp - u/T.txt
	# another's directory, file and link
	mkdir -m 755 roots
	cp T roots/T
	refused 1 'cannot write roots/x as user 12345' "${sudo[@]}" "$CTRACE" convert --text T -o roots/x
	refused 1 'cannot write roots/T as user 12345' "${sudo[@]}" "$CTRACE" convert --text R -o roots/T
	truncate -s -1 roots/T
	refused 1 'cannot write roots/T as user 12345' "${sudo[@]}" "$CTRACE" convert --repair roots/T
	ln -s u/T2 link
	chown -h 23456 link
	refused 1 "link is a symbolic link of somebody else's" "${sudo[@]}" "$CTRACE" convert --text R -o link
	refused 1 "link is a symbolic link of somebody else's" "${sudo[@]}" "$CTRACE" convert --repair link
	chown -h 12345 link
	truncate -s -1 u/T2
	"${sudo[@]}" "$CTRACE" convert -q --repair link
	sound u/T2
	chmod 600 R
	refused 1 'cannot open R as user 12345' "${sudo[@]}" "$CTRACE" convert R -o u/R2
}
