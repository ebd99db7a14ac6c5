#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# JSON-RPC through the service, over HTTP and on its socket: what geth's calls do here, geth's own client, and recordings for a
# command line. The words of each answer are the unit tests'; here they are about real recordings.

setup() {
	load ../lib/common.bash
	load ../lib/serve.bash
	e2e_setup
	"$PROG/demo" >said 3>&- &
	prog_pid=$! P=$!
	wait_line said 'is running'
}

teardown() {
	local pid
	for pid in ${asker:-}; do kill -KILL "$pid" 2>/dev/null || :; done
	service_teardown
	e2e_teardown
}

OK='{"jsonrpc":"2.0","id":1,"result":null}'
IDLE='{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"trace not in progress"}}'
BUSY='{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"trace already in progress"}}'

ipc() { "$ROOT/tests/clients/ipc.py" "$serve_socket" "$@"; }
call() { printf '{"jsonrpc":"2.0","id":%s,"method":"%s","params":[%s]}' "$@"; }
records() { [ "$(rpc ctrace_status | jq -r '[.result.recordings[] | select(.state == "recording")] | length')" = "${1:-1}" ]; }

@test "start, and stop when the file is complete" {
	start_service -p "$P"
	[ "$(rpc debug_stopGoTrace)" = "$IDLE" ]
	[ "$(rpc debug_startGoTrace '["one.trace"]')" = "$OK" ]
	records
	[ "$(rpc debug_startGoTrace '["two.trace"]')" = "$BUSY" ]
	[ ! -e out/two.trace ]
	[ "$(rpc debug_stopGoTrace)" = "$OK" ]
	sound out/one.trace # at once: nothing is written any more
	[ "$(stat -c '%u %a' out/one.trace)" = '0 600' ]
	[ "$(rpc debug_stopGoTrace)" = "$IDLE" ]
	# the socket is another door to the same
	[ "$(ipc "$(call 1 debug_startGoTrace '"one.trace"')" answers=1)" = "$OK" ]
	[ "$(rpc debug_startGoTrace '["two.trace"]')" = "$BUSY" ]
	[ "$(ipc "$(call 1 debug_stopGoTrace '')" shut end)" = "$OK" ]
	sound out/one.trace
}

@test "goTrace waits, others are served meanwhile" {
	start_service -p "$P"
	[ "$(rpc debug_goTrace '["go.trace", 1]')" = "$OK" ]
	sound out/go.trace
	[ "$(rpc debug_goTrace '["none.trace", 0]')" = "$OK" ]
	sound out/none.trace
	rpc debug_goTrace '["long.trace", 500]' >long &
	asker=$!
	until_true -t 60 records
	[ "$(rpc debug_goTrace '["two.trace", 1]')" = "$BUSY" ]
	[ "$(rpc debug_stopGoTrace)" = "$OK" ]
	wait "$asker"
	[ "$(cat long)" = "$OK" ]
	sound out/long.trace
	no records 1
}

@test "who asks goes away: the recording goes on" {
	start_service -p "$P"
	curl -sS -H 'Content-Type: application/json' --data "$(call 1 debug_goTrace '"go.trace",500')" "$serve_url" &
	asker=$!
	until_true -t 60 records
	kill -KILL "$asker"
	wait "$asker" || :
	ipc "$(call 1 debug_startGoTrace '"x"')" answers=1 | grep -q already
	records
	[ "$(rpc debug_stopGoTrace)" = "$OK" ]
	sound out/go.trace
}

@test "a trace that ends by itself waits for its stop" {
	start_service -p "$P"
	[ "$(rpc debug_startGoTrace '["go.trace"]')" = "$OK" ]
	kill -KILL "$P"
	until_true -t 60 records 0
	[ "$(rpc debug_stopGoTrace)" = "$OK" ]
	[ "$(rpc debug_stopGoTrace)" = "$IDLE" ]
	sound out/go.trace
}

@test "the service ends: who waits is answered, and his file is complete" {
	start_service -p "$P"
	ipc "$(call 1 debug_goTrace '"go.trace",500')" answers=1 >long &
	asker=$!
	until_true -t 60 records
	stop_service
	[ "$serve_status" -eq 0 ]
	wait "$asker"
	[ "$(cat long)" = "$OK" ]
	sound out/go.trace
}

@test "what is recorded can be said with the call" {
	start_service
	rpc debug_goTrace '["go.trace", 1]' | jq -e '.error.code == -32000'
	[ "$(rpc debug_goTrace "[\"go.trace\", 1, {\"pid\": $P, \"sample\": true}]")" = "$OK" ]
	sound out/go.trace
	"$JUDGE" hist out/go.trace >hist
	grep -qi sample hist
	rpc debug_startGoTrace "[\"go.trace\", {\"pidd\": 1}]" | jq -e '.error.code == -32602 and (.error.message | test("pidd"))'
	rpc debug_startGoTrace '["go.trace", {"pid": 999999999}]' | jq -e '.error.message | test("999999999")'
}

@test "files that cannot be: the system's words" {
	start_service -p "$P"
	[ "$(rpc_error debug_startGoTrace '["no/go.trace"]')" = 'open no/go.trace: no such file or directory' ]
	mkdir out/dir
	[ "$(rpc_error debug_goTrace '["dir", 1]')" = 'open dir: is a directory' ]
	[ "$(rpc debug_stopGoTrace)" = "$IDLE" ]
	[ "$(ls out)" = dir ]
}

@test "the flight recorder's snapshot" {
	start_service -p "$P" --flight-recorder=10s
	until_true -t 60 snapshot_is_had
	sound out/snap.trace
	stop_service
	start_service -p "$P"
	rpc_error debug_snapshotGoTrace '["snap.trace"]' | grep -q 'no flight recorder'
}
snapshot_is_had() { [ "$(rpc debug_snapshotGoTrace '["snap.trace"]')" = "$OK" ]; }

@test "texts without a frame, in pieces, as geth's console sends them" {
	local texts
	start_service -p "$P"
	texts="$(call 1 debug_stopGoTrace '') $(call '"a"' rpc_modules '')[$(call 3 no_such ''),{\"jsonrpc\":\"2.0\",\"method\":\"x\"}]"
	cat >expected <<-END
		$IDLE
		{"jsonrpc":"2.0","id":"a","result":{"ctrace":"1.0","debug":"1.0","rpc":"1.0"}}
		[{"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"the method no_such does not exist/is not available"}}]
	END
	ipc "$texts" shut end | cmp - expected
	ipc piece=1 "$texts" shut end | cmp - expected
	ipc piece=7 "$texts" answers=3 | cmp - expected
	ipc '{"jsonrpc":' shut end | cmp - /dev/null
	ipc 'null' end >answer || : # who begins so speaks HTTP
	no grep -q jsonrpc answer
}

@test "processes: his own, and of root's all" {
	start_service -p "$P"
	rpc ctrace_processes | jq -e --argjson p "$P" '.result | any(.pid == $p)'
	rpc ctrace_processes '["dem*"]' | jq -e --argjson p "$P" '.result | all(.name == "demo") and any(.pid == $p)'
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	as_uid 65534 "$ROOT/tests/clients/ipc.py" "$serve_socket" "$(call 1 ctrace_processes '')" answers=1 >his
	jq -e '.result | all(.uid == 65534)' his
	jq -e --argjson p "$P" '.result | any(.pid == $p) | not' his
}

@test "a recording for a command line: descriptors go along, and its end is the connection's" {
	start_service
	# until it is told to stop
	ipc fd=T fd=words fd=json "$(call 1 ctrace_record "\"--pid=$P\"")" wait=stop shut end >answer &
	asker=$!
	until_true -t 60 grep -q recording words
	touch stop
	wait "$asker"
	[ "$(cat answer)" = '{"jsonrpc":"2.0","id":1,"result":{"code":0,"why":""}}' ]
	sound T
	[ "$(jq -r .events json)" -gt 0 ]
	# until its time is over
	rm T stop
	[ "$(ipc fd=T "$(call 1 ctrace_record "\"--pid=$P\",\"--duration=500ms\"")" answers=1)" = "$(cat answer)" ]
	sound T
	# until who asked is killed
	rm T
	: >words
	"$ROOT/tests/clients/ipc.py" "$serve_socket" fd=T fd=words "$(call 1 ctrace_record "\"--pid=$P\"")" answers=1 &
	asker=$!
	until_true -t 60 grep -q recording words
	kill -KILL "$asker"
	wait "$asker" || :
	until_true -t 60 records_nothing
	sound T
	# until the program ends
	rm T
	: >words
	ipc fd=T fd=words "$(call 1 ctrace_record "\"--pid=$P\"")" answers=1 >answer.2 &
	asker=$!
	until_true -t 60 grep -q recording words
	kill -KILL "$P"
	wait "$asker"
	cmp answer answer.2
	sound T
	# what is wrong with it
	ipc fd=T "$(call 1 ctrace_record '"--nonsense"')" answers=1 | jq -e '.result.code == 2 and (.result.why | test("nonsense"))'
	rpc ctrace_record '["-a"]' | jq -e '.error.message | test("needs the Unix socket")'
}
records_nothing() { records 0; }

# ---- geth's own client ----

geth() { "$O/clients/geth" "$@"; }
geth_or_skip() {
	mkdir -p "$O/clients"
	go build -C "$ROOT/tests/clients/geth" -o "$O/clients/geth" . 2>geth.err || skip "geth's client cannot be built: $(tail -n 1 geth.err)"
	start_service -p "$P"
}

geth_asks() { # WHERE
	[ "$(geth "$1" modules | tr '\n' ,)" = 'ctrace 1.0,debug 1.0,rpc 1.0,' ]
	[ "$(geth "$1" call debug_goTrace '"go.trace"' 1)" = null ]
	sound out/go.trace
	[ "$(geth "$1" call debug_stopGoTrace)" = 'error -32000: trace not in progress' ]
	[ "$(geth "$1" call debug_goTrace '"go.trace"' 2>&1)" = 'error -32602: missing value for required argument 1' ]
	[ "$(geth "$1" call debug_noTrace 2>&1)" = 'error -32601: the method debug_noTrace does not exist/is not available' ]
	geth "$1" batch 'debug_startGoTrace,"a.trace"' 'debug_startGoTrace,"b.trace"' debug_stopGoTrace debug_stopGoTrace >said.geth || :
	printf '%s\n' null 'error -32000: trace already in progress' null 'error -32000: trace not in progress' | cmp - said.geth
	sound out/a.trace
	geth "$1" beside long.trace >said.geth
	printf '%s\n' 'error -32000: trace already in progress' null null | cmp - said.geth
	sound out/long.trace
}

@test "geth's own client, over HTTP" {
	geth_or_skip
	geth_asks "$serve_url"
}

@test "geth's own client, on the socket" {
	geth_or_skip
	geth_asks "$serve_socket"
}
