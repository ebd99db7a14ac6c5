#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Programs that trace themselves, by libctrace and the service, as an ordinary user without any right.

NOBODY=65534

setup() {
	load ../lib/common.bash
	load ../lib/serve.bash
	e2e_setup
	chmod 777 .
	held='' inside=()
	start_service
	before=$(service_holds)
}

teardown() {
	if [ -n "$held" ]; then kill -KILL "$held" 2>/dev/null || :; fi
	service_teardown
	e2e_teardown
}

# start_self [SOCKET]: the program, as nobody; who may not come here by the path of this directory, but is here.
start_self() {
	rm -f told said
	mkfifo told
	CTRACE_SOCKET=${1:-control.sock} "${inside[@]}" setpriv --reuid=$NOBODY --regid=$NOBODY --clear-groups --inh-caps=-all --bounding-set=-all \
		"$PROG/selftrace" <told >said 2>said.err 3>&- &
	prog_pid=$!
	exec {tell_fd}>told
	wait_line said '^ready'
}

# ask LINE: and its answer, the lines up to "did LINE", without that one.
ask() {
	local from
	from=$(wc -l <said)
	tell "$*"
	until_true -t 150 answered "$from" "$*" || {
		cat said said.err >&2
		return 1
	}
	tail -n +$((from + 1)) said | grep -v '^did ' || :
}
answered() { tail -n +$(($1 + 1)) said | grep -qxF "did $2"; }
says() { # ANSWER LINE
	local is
	is=$(ask "${@:2}")
	[ "$is" = "$1" ] || {
		echo "$2: '$is', not '$1'" >&2
		return 1
	}
}

has_work() { "$JUDGE" times "$1" | jq -e --arg n "$2" '[.goroutines[].name] | index($n) != null' >/dev/null; }
nothing_is_left() { until_true -t 20 service_holds_only "$before"; }

@test "the trace has what was between start and stop, and nothing else" {
	start_self
	ask work before
	says 'start: ok' start T
	ask work within
	says 'start: EALREADY: tracing is already enabled' start T2
	ask work within-too
	says 'stop: ok' stop
	cp T whole # complete when stop returns
	ask work behind
	says 'stop: EINVAL: tracing is not enabled' stop
	cmp T whole
	sound T
	has_work T within
	has_work T within-too
	no has_work T before
	no has_work T behind
	"$JUDGE" marks T | grep -q within-too
	no grep -q behind <("$JUDGE" marks T)
	[ ! -s T2 ]
	[ "$(stat -c %u T)" = $NOBODY ]
	logged 'from itself'
	nothing_is_left
}

@test "again and again, into a file that is there, and no descriptor is left" {
	start_self
	files=$(ask files)
	head -c 5000000 /dev/zero >T
	chmod 666 T
	for _ in 1 2 3; do
		says 'start: ok' start T
		ask work again
		says 'stop: ok' stop
		sound T
	done
	[ "$(ask files)" = "$files" ]
	nothing_is_left
}

@test "what goes wrong is told in words" {
	start_self none.sock
	says "start: ENOENT: no service at none.sock: start it with ctrace-bpf serve" start T
	says "error: 'no service at none.sock: start it with ctrace-bpf serve'" error
	stop_prog
	start_self
	says 'start: EBADF: descriptor -1 is not open' start /nowhere/T
	: >mine
	chmod 644 mine
	exec {lock}>>T
	flock "$lock"
	chmod 666 T
	says 'start: EIO: the trace is being written by another recorder; choose another file' start T
	flock -u "$lock"
	says 'start: ok' start T
	says 'stop: ok' stop
	sound T
	nothing_is_left
}

@test "a forked child is not on, and traces itself into a file of its own" {
	start_self
	says 'start: ok' start T
	ask work parent
	is=$(ask child C)
	[ "$is" = $'child stop: EINVAL: tracing is not enabled\nchild start: ok\nchild stop: ok' ] || { echo "$is" && false; }
	ask work parent-too
	says 'stop: ok' stop
	sound T C
	has_work T parent
	has_work T parent-too
	no has_work T of-child
	has_work C of-child
	nothing_is_left
}

@test "the program's death ends it, also where a child has inherited all" {
	start_self
	says 'start: ok' start T
	held=$(ask hold)
	held=${held#held: }
	ask work in
	kill -KILL "$prog_pid"
	wait "$prog_pid" || :
	prog_pid=''
	nothing_is_left
	kill -0 "$held"
	sound T
	has_work T in
}

@test "exec ends it, also where a child has inherited all" {
	start_self
	says 'start: ok' start T
	held=$(ask hold)
	held=${held#held: }
	ask work in
	tell exec
	until_true grep -q sleep "/proc/$prog_pid/comm"
	nothing_is_left
	kill -0 "$held"
	kill -0 "$prog_pid"
	sound T
	has_work T in
}

@test "the service's death ends it: the file is whole, and the program is told" {
	start_self
	says 'start: ok' start T
	ask work in
	recorder=$(pgrep -x -P "$serve_pid" ctrace-recorder)
	kill -KILL "$serve_pid"
	until_true -t 20 gone "$recorder"
	sound T
	has_work T in
	says 'stop: EPIPE: the service has ended' stop
	says 'stop: EINVAL: tracing is not enabled' stop
	wait "$serve_pid" || :
	rm -f control.sock
	start_service
	says 'start: ok' start T2
	kill -KILL "$serve_pid"
	wait "$serve_pid" || :
	rm -f control.sock
	start_service
	says 'start: ok' start T3 # without a stop between: it is off
	says 'stop: ok' stop
	sound T3
}

@test "the recorder's death is told, and the service goes on" {
	start_self
	says 'start: ok' start T
	recorder=$(pgrep -x -P "$serve_pid" ctrace-recorder)
	kill -KILL "$recorder"
	says 'stop: EIO: the recorder was ended by a signal (Killed)' stop
	says 'start: ok' start T
	says 'stop: ok' stop
	sound T
	nothing_is_left
}

@test "a service that stops completes it, and the program is told so afterwards" {
	start_self
	says 'start: ok' start T
	ask work in
	stop_service TERM
	sound T
	says 'stop: ETIME: the service had ended it before' stop
}

@test "a program that closes what it does not know ends it" {
	start_self
	says 'start: ok' start T
	ask closeall
	nothing_is_left
	sound T
	says 'stop: EPIPE: the program has closed the connection to the service: the trace ended with it' stop
	says 'start: ok' start T2
	says 'stop: ok' stop
}

@test "many threads start and stop: one at a time is on" {
	start_self
	is=$(ask crowd 4 T)
	[[ $is =~ ^crowd:\ ([0-9]+)\ started,\ ([0-9]+)\ stopped,\ 0\ other$ ]] || { echo "$is" && false; }
	[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
	[ "${BASH_REMATCH[1]}" -gt 0 ]
	sound T
	nothing_is_left
}

@test "a set-uid program may not" {
	cp "$PROG/selftrace" suid
	chown 0:0 suid
	chmod 4755 suid
	PROG=$PWD
	ln -s suid selftrace
	start_self # CTRACE_SOCKET is not for it
	is=$(ask start T)
	[[ $is == "start: ENOENT: no service at /run/ctrace/control.sock"* ]] || { echo "$is" && false; }
}

@test "in a container, where numbers of processes are others" {
	inside=(unshare --pid --fork --kill-child --mount-proc)
	start_self
	[ "$(ready_word 2)" -lt 10 ]
	says 'start: ok' start T
	ask work in
	says 'stop: ok' stop
	sound T
	has_work T in
	nothing_is_left
}

@test "what no library says: it is closed or refused, and the service serves others" {
	python3 "$ROOT/tests/lib/wire.py" control.sock
	start_self
	says 'start: ok' start T
	says 'stop: ok' stop
	nothing_is_left
}
