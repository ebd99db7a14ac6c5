#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# ctrace-bpf -p PID by an ordinary user without any right, where a service is there: it records, and all is as if it were done here.

NOBODY=65534

setup() {
	load ../lib/common.bash
	load ../lib/serve.bash
	e2e_setup
	chmod 777 .
	cp "$CTRACE" ctrace # nobody may not come here by the path
	me=(env CTRACE_SOCKET=control.sock setpriv "--reuid=$NOBODY" "--regid=$NOBODY" --clear-groups --inh-caps=-all --bounding-set=-all)
}

teardown() {
	service_teardown
	e2e_teardown
}

start_nobodys() {
	"${me[@]}" sleep infinity </dev/null >/dev/null 2>&1 3>&- &
	prog_pid=$!
	P=$prog_pid
	until_true is_sleep
}
is_sleep() { grep -qx sleep "/proc/$P/comm"; }

# record [OPTION…]: in the background until it records
record() {
	: >err
	"${me[@]}" ./ctrace "$@" >sum 2>err 3>&- &
	rec_pid=$!
	until_true -t 60 is_recording_or_gone
	is_recording || { cat err >&2 && false; }
}

@test "a recording through the service: the file, the words, the numbers and the status" {
	start_service
	start_nobodys
	"${me[@]}" ./ctrace -v --json -p "$P" -d 300ms -o T >sum 2>err
	sound T
	[ "$(stat -c %u:%a T)" = $NOBODY:644 ]
	[ "$(jq -r .file sum)" = T ]
	jq -e '.events >= 0 and .lost == 0' sum
	grep -q 'ctrace-bpf: record: the service at control.sock records' err
	grep -q '^ctrace-bpf: recording$' err
	logged 'for nobody .* from its command line'
	"${me[@]}" ./ctrace -p "$P" -d 200ms -o T 2>err # one line for people, as here
	no grep -q service err
	sound T
	"${me[@]}" ./ctrace -q -p "$P" -d 200ms -o T 2>err
	no grep -q recording err
}

@test "Ctrl-C stops it, and the file is complete when it returns" {
	start_service
	start_nobodys
	record -p "$P" -o T
	kill -INT "$rec_pid"
	rec_stop -
	[ "$rec_status" = 0 ]
	sound T
	grep -q T err
}

@test "it ends with its process; what was in the file stays until then, and what has nothing is removed" {
	start_service
	start_nobodys
	echo before >T
	chmod 666 T
	record -p "$P" -o T
	kill -KILL "$prog_pid"
	rec_stop -
	[ "$rec_status" = 0 ]
	sound T
	cp T T2
	chmod 666 T2
	status=0
	"${me[@]}" ./ctrace -p "$P" -o T2 2>err || status=$?
	[ "$status" = 1 ]
	grep -qx "ctrace-bpf: no process with pid $P" err
	cmp T T2
	"${me[@]}" ./ctrace -p "$P" -o new 2>err || :
	[ ! -e new ]
}

@test "to standard output, which is never cut" {
	start_service
	start_nobodys
	"${me[@]}" ./ctrace -q -p "$P" -d 300ms -o - 2>err | cat >T
	sound T
	echo before >T2
	"${me[@]}" ./ctrace -q -p "$P" -d 300ms -o - 2>err >>T2
	[ "$(head -n 1 T2)" = before ]
	tail -n +2 T2 >T3
	sound T3
}

@test "what may not be, and what the service does not do, is told in words, with the status that it has" {
	start_service
	start_nobodys
	refused 3 "process $$ .* is not yours to look at" "${me[@]}" ./ctrace -p $$ -o T
	refused 3 'only root and members of the group ctrace may record every process' "${me[@]}" ./ctrace -a -o T
	refused 3 '--rotate: the service at control.sock does not do that for others' "${me[@]}" ./ctrace -p "$P" --rotate 10s -o T
	refused 2 'longer than this service records' "${me[@]}" ./ctrace -p "$P" -d 1h -o T
	refused 1 'cannot write /nowhere/T' "${me[@]}" ./ctrace -p "$P" -o /nowhere/T
	refused 1 'no such function' "${me[@]}" ./ctrace -q -p "$P" --region sleep:nothing -o T
}

@test "where there is no service all is as ever" {
	start_nobodys
	refused 3 '.' "${me[@]}" ./ctrace -p "$P" -o T
	no grep -q service <<<"$refused_err"
	python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind("control.sock")' # nobody behind it
	refused 3 'control.sock' "${me[@]}" ./ctrace -p "$P" -o T
}

@test "the service dies: it is told, and the file is whole" {
	start_service
	start_nobodys
	record -p "$P" -o T
	recorder=$(pgrep -x -P "$serve_pid" ctrace-recorder)
	kill -KILL "$serve_pid"
	rec_stop -
	[ "$rec_status" = 1 ]
	tail -n 1 err | grep -q 'the service at control.sock closed the connection'
	gone "$recorder" # it was waited for
	sound T
}

@test "it dies: the recording ends" {
	start_service
	before=$(service_holds)
	start_nobodys
	record -p "$P" -o T
	kill -KILL "$rec_pid"
	rec_stop -
	until_true -t 20 service_holds_only "$before"
	sound T
}

@test "from a container, where numbers of processes are others, no number is taken" {
	start_service
	start_nobodys
	refused 2 'process numbers are others where you ask from' unshare --pid --fork --mount-proc "${me[@]}" ./ctrace -p 1 -o T
}

@test "a second Ctrl-C does not wait for the file, which the service completes" {
	start_service
	start_nobodys
	record -p "$P" -o T
	recorder=$(pgrep -x -P "$serve_pid" ctrace-recorder)
	freeze "$recorder" # so that it is not through before the second one comes
	kill -INT "$rec_pid"
	kill -TERM "$rec_pid"
	rec_stop -
	[ "$rec_status" = 1 ]
	grep -q 'not waited for: the service completes T by itself' err
	[ -e T ]
	thaw
	until_true -t 20 gone "$recorder"
	sound T
	record -p "$P" -o T
	kill -TERM "$rec_pid"
	rec_stop -
	[ "$rec_status" = 0 ]
	sound T
}
