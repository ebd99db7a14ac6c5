#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# What is written about geth's debug_*GoTrace, net/http/pprof and the console, done word for word: the commands as they stand
# there, ports and all, the answers byte by byte, and the traces read by every Go that should.

setup() {
	load ../lib/common.bash
	load ../lib/serve.bash
	e2e_setup
	# shellcheck source=tests/lib/readers.sh
	. "$ROOT/tests/lib/readers.sh"
	start_demo
	printf '{"jsonrpc":"2.0","id":1,"result":null}\n' >null_answer
}

teardown() {
	service_teardown
	e2e_teardown
}

# Every Go that can be had reads these whole.
all_readers_accept() (
	ok() { echo "# $*"; }
	skip() { echo "# skip $*"; }
	readers_look
	readers_accept "$@"
)

# The port of the text, or a skip: another program of this machine may have it.
serve_at() { # PORT
	if ss -Hltn "sport = :$1" | grep -q .; then skip "port $1 is taken"; fi
	start_service --listen "127.0.0.1:$1" -p "$P"
	until_true -t 20 curl -s -o first "http://localhost:$1/debug/pprof/cmdline"
}

@test "debug_goTrace by curl: its answer after the five seconds, and the trace" {
	serve_at 8551
	curl -H "Content-Type: application/json" --data '{"jsonrpc":"2.0","method":"debug_goTrace","params":["go.trace",5],"id":1}' http://localhost:8551 >answer
	cmp answer null_answer
	sound out/go.trace
	all_readers_accept out/go.trace
	[ "$("$JUDGE" times out/go.trace | jq '.goroutines | length')" -ge 10 ] # demo's threads
}

@test "debug_startGoTrace and debug_stopGoTrace by curl: the file is whole when the answer comes" {
	serve_at 8551
	curl -H "Content-Type: application/json" --data '{"jsonrpc":"2.0","method":"debug_startGoTrace","params":["go.trace"],"id":1}' http://localhost:8551 >answer
	cmp answer null_answer
	curl -H "Content-Type: application/json" --data '{"jsonrpc":"2.0","method":"debug_stopGoTrace","params":[],"id":1}' http://localhost:8551 >answer
	cp out/go.trace at_once
	cmp answer null_answer
	sound at_once
	all_readers_accept at_once
	cmp at_once out/go.trace
}

@test "the console: what is typed, and null" {
	serve_at 8551
	printf 'null\n' >null_line
	"$CTRACE" console http://localhost:8551 --exec 'debug.goTrace("go.trace", 5)' >answer
	cmp answer null_line
	sound out/go.trace
	"$CTRACE" console http://localhost:8551 --exec 'debug.startGoTrace("go2.trace")' >answer
	cmp answer null_line
	"$CTRACE" console http://localhost:8551 --exec 'debug.stopGoTrace()' >answer
	cmp answer null_line
	sound out/go2.trace
	"$CTRACE" console "$PWD/control.sock" --exec 'debug.goTrace("go3.trace", 1)' >answer
	cmp answer null_line
	sound out/go3.trace
}

@test "/debug/pprof/trace?seconds=30 by curl" {
	serve_at 6060
	# shellcheck disable=SC1001 # as it is written there
	curl http://localhost:6060/debug/pprof/trace\?seconds\=30 --output trace.out
	sound trace.out
	all_readers_accept trace.out
	stop_service
}
