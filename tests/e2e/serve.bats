#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The service from its start to its end: where it is reached, who starts it, what it gives up, its limits.

bats_require_minimum_version 1.5.0

setup() {
	load ../lib/common.bash
	load ../lib/serve.bash
	e2e_setup
	start_prog known 5
	P=$(ready_word 2)
	other_service=''
}

teardown() {
	if [ -n "$other_service" ]; then
		kill -KILL "$other_service" 2>/dev/null || :
		wait "$other_service" 2>/dev/null || :
	fi
	service_teardown
	e2e_teardown
}

by_socket() { curl -sS --max-time 60 --unix-socket "$serve_socket" "$@"; }
status_by_socket() {
	by_socket -H 'Content-Type: application/json' --data '{"jsonrpc":"2.0","id":1,"method":"ctrace_status"}' http://localhost/
}
recorders() { ps -o pid=,comm= --ppid "$serve_pid" | awk '$2 == "ctrace-recorder" { print $1 }'; }
has_recorders() { [ "$(recorders | wc -l)" -eq "$1" ]; }
# background OUT COMMAND…: its pid is in $bg
background() {
	"${@:2}" >"$1" 2>&1 3>&- {tell_fd}>&- </dev/null &
	bg=$!
}

@test "it says where it is reached, is there for everybody, and leaves nothing behind" {
	start_service
	logged "serving http://127.0.0.1:$serve_port/debug/pprof/ and $serve_socket\$"
	[ "$(stat -c %a "$serve_socket")" = 666 ]
	rpc ctrace_status | jq -e '.result.rights == "all"'
	status_by_socket | jq -e '.result.rights == "all"'
	stop_service
	[ "$serve_status" -eq 0 ]
	[ ! -e "$serve_socket" ]
	nothing_left
}

@test "the directory of the socket is made" {
	background serve.err "$CTRACE" serve --listen none --socket run/control.sock
	serve_pid=$bg
	logged 'serving .*run/control.sock$'
	[ "$(stat -c %a run)" = 755 ]
	stop_service INT
	[ "$serve_status" -eq 0 ]
	[ ! -e run/control.sock ]
}

@test "a socket that nobody listens at is replaced" {
	start_service
	kill -KILL "$serve_pid"
	wait "$serve_pid" || :
	[ -S "$serve_socket" ]
	start_service
	status_by_socket | jq -e .result
}

@test "one that is alive is left alone" {
	start_service
	refused 1 'another service is there; give another path with --socket' "$CTRACE" serve --listen none --socket "$serve_socket"
	refused 1 'another service is there' "$CTRACE" serve --listen none --socket ./control.sock
	status_by_socket | jq -e .result
	stop_service
	# somebody else's, too
	background said.by systemd-socket-activate -l "$PWD/foreign.sock" cat
	other_service=$bg
	until_true test -S foreign.sock
	refused 1 'another service is there' "$CTRACE" serve --listen none --socket foreign.sock
	[ -S foreign.sock ]
}

@test "what is no socket is left alone" {
	echo kept >file
	refused 1 'cannot listen at file: it is no socket' "$CTRACE" serve --listen none --socket file
	[ "$(cat file)" = kept ]
	refused 1 'cannot listen at no/where/s: No such file' "$CTRACE" serve --listen none --socket no/where/s
	refused 1 '107 bytes' "$CTRACE" serve --listen none --socket "$PWD/$(printf 'x%.0s' {1..100})"
}

@test "a port that is taken is told" {
	start_service
	refused 1 "cannot listen at 127.0.0.1:$serve_port: Address already in use; give another port" \
		"$CTRACE" serve --listen "127.0.0.1:$serve_port" --socket none
	get /debug/pprof/cmdline >/dev/null
}

@test "what cannot be meant is refused before anything is done" {
	refused 2 'not an address with a port' "$CTRACE" serve --listen nonsense --socket s
	refused 2 'others than this machine can reach it; give --token-file' "$CTRACE" serve --listen 0.0.0.0:7499 --socket s
	refused 2 'others than this machine can reach it' "$CTRACE" serve --listen :7499 --socket s
	refused 2 'nothing to be reached at' "$CTRACE" serve --listen none --socket none
	refused 2 'give both of them' "$CTRACE" serve --tls-cert x --socket s
	refused 2 'serve takes no argument: now' "$CTRACE" serve now
	refused 2 'what shall it record' "$CTRACE" serve --flight-recorder 10s --socket s
	refused 2 '-a records everything' "$CTRACE" serve -a -p 1 --socket s
	refused 2 'unknown option' "$CTRACE" serve -o file
	refused 1 'output-dir=nowhere: No such file' "$CTRACE" serve --output-dir nowhere --listen none --socket s
	refused 1 'cannot open nowhere' "$CTRACE" serve --token-file nowhere --listen none --socket s
	echo 0123456789abcdef >token
	chmod 644 token
	refused 1 'others may read or change it; write chmod 600 token' "$CTRACE" serve --token-file token --listen none --socket s
}

@test "systemd hands over both sockets, told apart by what they are" {
	serve_port=$(free_port) serve_socket=$PWD/given.sock
	serve_url=http://127.0.0.1:$serve_port
	mkdir out
	: >serve.err
	# it listens for us, and becomes the service at the first connection
	systemd-socket-activate -l "$serve_socket" -l "127.0.0.1:$serve_port" -E HOME=/root "$CTRACE" serve --output-dir out \
		2>serve.err 3>&- {tell_fd}>&- </dev/null &
	serve_pid=$!
	logged 'Listening on 127.0.0.1' # it is not the service yet
	status_by_socket | jq -e .result
	logged "serving http://127.0.0.1:$serve_port/debug/pprof/ and $serve_socket"
	rpc debug_goTrace "[\"T\",1,{\"pid\":$P}]" | jq -e '.result == null and has("error") == false'
	sound out/T
	no grep -q LISTEN_ <(tr '\0' '\n' </proc/"$(pgrep -P "$serve_pid" -x ctrace-recorder || echo self)"/environ)
	stop_service
	[ "$serve_status" -eq 0 ]
	# it is not ours to remove
	[ -S "$serve_socket" ]
}

@test "of what is handed over only sockets that listen are taken" {
	run -2 env LISTEN_FDS=1 bash -c 'LISTEN_PID=$BASHPID exec "$CTRACE" serve 3</dev/null'
	[[ $output == *'descriptor 3, which was handed over (LISTEN_FDS), is no socket that listens'* ]]
	# those of another process are none
	run -2 env LISTEN_FDS=1 LISTEN_PID=1 "$CTRACE" serve --listen none --socket none
	[[ $output == *'nothing to be reached at'* ]]
}

@test "systemd is told when it is ready, what it does, and that it ends" {
	local name
	for name in "$PWD/notify.sock" "@ctrace-notify-$BASHPID"; do
		background told.log "$ROOT/tests/lib/notified.py" "$name" notified
		other_service=$bg
		wait_line notified bound
		serve_by=(env "NOTIFY_SOCKET=$name")
		start_service
		wait_line notified '^READY=1'
		wait_line notified "^STATUS=serving http://127.0.0.1:$serve_port/debug/pprof/ and "
		no grep -q '^STOPPING' notified
		stop_service
		[ "$serve_status" -eq 0 ]
		wait_line notified '^STOPPING=1'
		kill "$other_service"
		wait "$other_service" || :
		other_service=''
		rm notified
	done
}

@test "a failure is told to systemd, too" {
	background told.log "$ROOT/tests/lib/notified.py" "$PWD/notify.sock" notified
	other_service=$bg
	wait_line notified bound
	NOTIFY_SOCKET=$PWD/notify.sock run -1 "$CTRACE" serve --listen none --socket no/where/s
	wait_line notified '^STATUS=cannot listen at no/where/s'
	no grep -q '^READY' notified
}

@test "SIGTERM completes what is under way, for who streams it and for who waits for the file" {
	start_service -p "$P"
	background stream curl -sSN --max-time 60 -o S "$serve_url/debug/pprof/trace?seconds=600"
	local streamer=$bg
	rpc debug_startGoTrace '["F"]' | jq -e 'has("error") == false'
	until_true has_recorders 2
	logged 'recording 2 of'
	until_true test -s S
	stop_service
	[ "$serve_status" -eq 0 ]
	logged 'ending: 2 recordings are completed first'
	wait "$streamer"
	sound S out/F
	nothing_left
}

@test "while it ends it begins nothing, and a second signal does not break the file" {
	start_service -p "$P"
	rpc debug_startGoTrace '["F"]' | jq -e 'has("error") == false'
	freeze "$(recorders)"
	kill -TERM "$serve_pid"
	logged 'ending: 1 recording is completed first'
	[ "$(rpc_error debug_goTrace '["G",1]')" = "trace already in progress" ]
	[ "$(code_of "$serve_url/debug/pprof/trace?seconds=1")" = 503 ]
	kill -TERM "$serve_pid"
	thaw
	until_true -t 30 gone "$serve_pid"
	wait "$serve_pid"
	serve_pid=''
	sound out/F
}

@test "when it is killed its recordings complete their files by themselves" {
	local pids
	start_service -p "$P"
	rpc debug_startGoTrace '["F"]' | jq -e 'has("error") == false'
	pids=$(recorders)
	kill -KILL "$serve_pid"
	wait "$serve_pid" || :
	serve_pid=''
	until_true -t 30 gone "$pids"
	sound out/F
	nothing_left
}

@test "more recordings than it takes: 503, and in words" {
	local i
	start_service -p "$P" --max-recordings 2
	for i in 1 2; do
		background "stream$i" curl -sS --max-time 60 -o "S$i" "$serve_url/debug/pprof/trace?seconds=600"
	done
	until_true has_recorders 2
	get '/debug/pprof/trace?seconds=1' -D head -o body
	grep -q '^HTTP/1.1 503' head
	grep -qi '^Retry-After: ' head
	grep -q '2 recordings are under way' body
	logged 'refused.*2 recordings are under way'
	stop_service
	[ "$serve_status" -eq 0 ]
}

@test "longer than it records: refused" {
	start_service -p "$P" --max-time 2s
	[[ $(rpc_error debug_goTrace '["T",3]') == *'3 s is longer than this service records for anybody, 2 s'* ]]
	rpc debug_startGoTrace '["T"]' | jq -e 'has("error") == false'
	# until stopped is not for ever
	logged 'recording 1 has ended'
	sound out/T
	rpc debug_stopGoTrace | jq -e 'has("error") == false'
}

@test "more bytes than it may have on the disk: refused until some are removed" {
	stop_prog
	start_prog mixed
	start_service -p "$(ready_word 2)" --max-total 256K
	[[ $(rpc_error debug_goTrace '["T",60,{"stacks":"all"}]') == 'the trace is whole, but ends after '*' --max-total leaves, '* ]]
	sound out/T
	[ "$(stat -c %s out/T)" -le 262144 ]
	head -c 256K /dev/zero >>out/T
	[[ $(rpc_error debug_goTrace '["U",1]') == *'--max-total allows: remove some of them'* ]]
	[ ! -e out/U ]
	rm out/T
	rpc debug_goTrace '["U",0]' | jq -e 'has("error") == false'
	sound out/U
}

@test "it keeps the rights that recorders need, and can gain none" {
	local status
	start_service
	status=$(cat /proc/"$serve_pid"/status)
	[[ $status == *$'NoNewPrivs:\t1'* ]]
	# cap_sys_module (16), cap_net_admin (12), cap_sys_boot (22), cap_setpcap (8)
	[ $((0x$(awk '/^CapPrm/ { print $2 }' <<<"$status") & (1 << 16 | 1 << 12 | 1 << 22 | 1 << 8))) -eq 0 ]
	[ "$(awk '/^CapBnd/ { print $2 }' <<<"$status")" = "$(awk '/^CapPrm/ { print $2 }' <<<"$status")" ]
	[ $((0x$(awk '/^CapPrm/ { print $2 }' <<<"$status") & 1 << 39)) -ne 0 ]
}

@test "without any right it serves, and says what it cannot" {
	mkdir -m 777 mine
	chmod 777 .
	serve_by=(setpriv --reuid=12345 --regid=12345 --clear-groups --inh-caps=-all --bounding-set=-all)
	cp "$CTRACE" ct
	chmod 755 ct "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" "$BATS_FILE_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" 2>/dev/null || :
	CTRACE=./ct start_service --output-dir mine
	setpriv --reuid=12345 --regid=12345 --clear-groups sleep 1000 3>&- {tell_fd}>&- &
	other_pid=$!
	until_true owned_by 12345 "$other_pid"
	[[ $(rpc_error debug_goTrace "[\"T\",1,{\"pid\":$other_pid}]") == *'not enough privileges'* ]]
	[ ! -e mine/T ]
	stop_service
	[ "$serve_status" -eq 0 ]
}

owned_by() { [ "$(stat -c %u "/proc/$2")" = "$1" ]; }

@test "the flight recorder stands by: snapshots by root alone, whole each" {
	start_service -p "$P" --flight-recorder=10s
	until_true flight_is_on
	rpc debug_snapshotGoTrace '["S1"]' | jq -e 'has("error") == false and .result == null'
	rpc debug_snapshotGoTrace '["S2"]' | jq -e 'has("error") == false'
	sound out/S1 out/S2
	[ "$(stat -c '%u %a' out/S1)" = '0 600' ]
	stop_service
	[ "$serve_status" -eq 0 ]
	nothing_left
}

@test "a trigger of the flight recorder writes to the output directory" {
	start_service -p "$P" --flight-recorder=10s --trigger signal
	until_true flight_is_on
	kill -KILL "$P"
	wait "$prog_pid" || :
	until_true a_snapshot_is_there
	sound out/go-*.trace
	# what it recorded is gone, and it says so
	[[ $(rpc_error debug_snapshotGoTrace '["S"]') == *'the flight recorder has ended'* ]]
	[ ! -e out/S ]
	stop_service
	[ "$serve_status" -eq 0 ]
}
a_snapshot_is_there() { grep -q 'flight recorder has ended' serve.err && compgen -G 'out/go-*.trace'; }
flight_is_on() { rpc ctrace_status | jq -e '.result.flight_recorder | tostring | test("keeps the last 10 s")'; }

@test "the unit files are right, hardened, and leave what recorders need" {
	local caps
	mkdir -p units
	sed "s,/usr/local/bin,$(dirname "$CTRACE")," "$ROOT/scripts/ctrace-bpf.service" >units/ctrace-bpf.service
	cp "$ROOT/scripts/ctrace-bpf.socket" units
	systemd-analyze verify --man=no ./units/ctrace-bpf.service ./units/ctrace-bpf.socket
	systemd-analyze security --offline=yes --threshold=40 --no-pager ./units/ctrace-bpf.service | tail -n 1
	caps=$(sed -n 's/^CapabilityBoundingSet=//p' units/ctrace-bpf.service | tr 'A-Z\n' 'a-z ' | sed 's/cap_/+/g; s/ *$//; s/  */,/g')
	serve_by=(setpriv "--bounding-set=-all,$caps" "--inh-caps=-all" --no-new-privs)
	start_service
	rpc debug_goTrace "[\"T\",1,{\"pid\":$P,\"stacks\":\"all\"}]" | jq -e 'has("error") == false'
	rpc debug_goTrace '["A",1,{"all":true}]' | jq -e 'has("error") == false'
	sound out/T out/A
	stop_service
	[ "$serve_status" -eq 0 ]
}

@test "make install puts the units where systemd looks, with the right path" {
	grep -q '^ExecStart=/usr/local/bin/ctrace-bpf serve' "$ROOT/scripts/ctrace-bpf.service"
	(umask 077 && make -s -C "$ROOT" install-units DESTDIR="$PWD/root" PREFIX=/usr)
	[ "$(stat -c %a root/usr/lib/systemd/system/ctrace-bpf.service)" = 644 ]
	grep -q '^ExecStart=/usr/bin/ctrace-bpf serve' root/usr/lib/systemd/system/ctrace-bpf.service
	cmp "$ROOT/scripts/ctrace-bpf.socket" root/usr/lib/systemd/system/ctrace-bpf.socket
}
