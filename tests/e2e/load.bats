#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Many at once, and the ends that nobody chose: all are served or refused in words, and nothing is left of them.

setup() {
	load ../lib/common.bash
	load ../lib/serve.bash
	e2e_setup
	start_demo
	RUDE=$ROOT/tests/clients/rude.py
}

teardown() {
	local pid
	for pid in ${clients:-}; do kill -KILL "$pid" 2>/dev/null || :; done
	if mountpoint -q small 2>/dev/null; then umount -l small; fi
	service_teardown
	e2e_teardown
}

# rude WHAT…: in the background until rude_end; its words are in ./said.rude.
rude() {
	rm -f hold
	mkfifo hold
	"$RUDE" "$serve_port" "$@" <hold >said.rude 3>&- &
	clients="${clients:-} $!"
	rude_pid=$!
	exec {hold_fd}>hold
	wait_line said.rude .
}
rude_end() {
	exec {hold_fd}>&-
	wait "$rude_pid"
}

# Who has asked nothing yet has opened nothing: the first request is made before anything is counted.
start_and_count() {
	start_service -p "$P"
	get /debug/pprof/ -o index.html
	get '/debug/pprof/trace?seconds=0.1' -o T
	sound T
	until_true -t 20 no_children
	noted=
	before=$(service_holds)
	has_memory=$(awk '/VmRSS/ { print $2 }' "/proc/$serve_pid/status")
}
no_children() { [ -z "$(service_children)" ]; }
nothing_more() {
	until_true -t 60 service_holds_only "$before" || {
		printf 'before:\n%s\nnow:\n%s\n' "$before" "$(service_holds)" >&2
		return 1
	}
	[ -z "$noted" ] || noted_is_gone
}

@test "thousands of requests of the index page: all answered" {
	start_and_count
	ab -q -l -n 4000 -c 50 "$serve_url/debug/pprof/" >ab.out 2>&1
	grep -q '^Complete requests: *4000$' ab.out
	grep -q '^Failed requests: *0$' ab.out
	no grep -q '^Non-2xx' ab.out
	ab -q -l -k -n 4000 -c 50 "$serve_url/debug/pprof/cmdline" >ab.out 2>&1
	grep -q '^Failed requests: *0$' ab.out
	no grep -q '^Non-2xx' ab.out
	nothing_more
	# nothing grows with requests: 4000 of them would show the smallest leak
	[ "$(awk '/VmRSS/ { print $2 }' "/proc/$serve_pid/status")" -lt $((has_memory + 8192)) ]
}

@test "fifty who want a trace at once: each has one, or is told why not" {
	start_and_count
	seq 50 | xargs -P 50 -I{} curl -sS --max-time 120 -D head.{} -o trace.{} -w '{} %{http_code}\n' \
		"$serve_url/debug/pprof/trace?seconds=1" >codes
	[ "$(wc -l <codes)" -eq 50 ]
	[ "$(grep -c ' 200$' codes)" -ge 8 ]
	no grep -v ' 200$\| 503$' codes
	while read -r nr code; do
		if [ "$code" = 200 ]; then
			sound "trace.$nr"
		else
			grep -qi '^x-go-pprof: 1' "head.$nr"
			grep -qi '^retry-after: [0-9]' "head.$nr"
			grep -qi '^content-type: text/plain; charset=utf-8' "head.$nr"
			[ "$(wc -l <"trace.$nr")" -eq 1 ]
			grep -q recording "trace.$nr"
		fi
	done <codes
	nothing_more
}

@test "fifty who want a file at once: one has it, the others are told" {
	start_and_count
	seq 50 | xargs -P 50 -I{} curl -sS --max-time 60 -H 'Content-Type: application/json' -o answer.{} \
		--data '{"jsonrpc":"2.0","id":{},"method":"debug_goTrace","params":["t{}",1]}' "$serve_url/"
	[ "$(cat answer.* | jq -s 'map(select(.result == null and .error == null)) | length')" -ge 1 ]
	[ "$(cat answer.* | jq -s 'map(select(.error.message == "trace already in progress" and .error.code == -32000)) | length')" -ge 1 ]
	[ "$(cat answer.* | jq -rs 'map(.error.message // "trace already in progress") | unique | .[]')" = 'trace already in progress' ]
	[ "$(cat answer.* | jq -s 'map(.id) | sort == [range(1; 51)]')" = true ]
	for f in answer.*; do # who was refused has no file
		nr=${f#answer.}
		if jq -e .error "$f" >unused; then [ ! -e "out/t$nr" ]; else sound "out/t$nr"; fi
	done
	nothing_more
}

@test "hundreds who come and go without a word" {
	start_and_count
	"$RUDE" "$serve_port" visit 500
	get /debug/pprof/cmdline -o unused
	nothing_more
}

@test "who reads nothing of his trace holds nobody up, and nothing when he is gone" {
	start_and_count
	rude deaf '/debug/pprof/trace?seconds=300'
	until_true -t 20 note_bpf
	get '/debug/pprof/trace?seconds=0.3' -o T
	sound T
	rpc debug_goTrace '["t",1]' >answer
	sound out/t
	rude_end
	nothing_more
}

@test "who reads nothing of the index page, and goes" {
	start_and_count
	for _ in 1 2 3 4 5 6 7 8; do
		rude deaf /debug/pprof/
		get /debug/pprof/ -o unused
		rude_end
	done
	nothing_more
}

@test "the service is killed: its recordings complete their files, and nothing is left" {
	start_service -p "$P"
	rpc debug_startGoTrace '["t"]' >answer
	jq -e '.result == null and .error == null' answer
	curl -sS "$serve_url/debug/pprof/trace?seconds=300" -o T 2>unused &
	curl_pid=$!
	until_true -t 20 test -s T
	children=$(service_children)
	[ "$(wc -w <<<"$children")" -ge 2 ]
	note_bpf
	kill -KILL "$serve_pid"
	wait "$serve_pid" || :
	for pid in $children; do until_true -t 30 gone "$pid"; done
	wait "$curl_pid" || : # cut off: that is an error for curl
	sound out/t
	sound T
	noted_is_gone
	# another one takes over the socket that lies there
	start_service -p "$P"
	get '/debug/pprof/trace?seconds=0.2' -o T2
	sound T2
	stop_service
}

@test "SIGTERM and SIGINT: files complete, streams end as they should, the socket goes" {
	for signal in TERM INT; do
		rm -rf out T
		start_service -p "$P"
		rpc debug_startGoTrace '["t"]' >answer
		jq -e '.result == null and .error == null' answer
		curl -sS "$serve_url/debug/pprof/trace?seconds=300" -o T &
		curl_pid=$!
		until_true -t 20 test -s T
		note_bpf
		stop_service "$signal"
		[ "$serve_status" = 0 ]
		wait "$curl_pid"
		sound out/t T
		[ ! -e control.sock ]
		noted_is_gone
	done
}

@test "out of descriptors: refused in words, and served again when there are some" {
	serve_by=(prlimit --nofile=96)
	start_and_count
	rude silent 120
	refused_or_served=$(get '/debug/pprof/trace?seconds=0.1' -o T2 -w '%{http_code}' --max-time 5) || :
	[[ $refused_or_served =~ ^(000|200|500|503)$ ]]
	rude_end
	until_true -t 40 code_is 200 "$serve_url/debug/pprof/trace?seconds=0.1"
	kill -0 "$serve_pid"
	nothing_more
}
code_is() { [ "$(code_of "$2")" = "$1" ]; }

@test "the disk is full: the answer says so, and what is there is a trace" {
	mkdir small
	mount -t tmpfs -o size=200k,mode=1777 none small
	serve_dir=$PWD/small
	start_service -p "$P" --output-dir "$PWD/small"
	rpc debug_goTrace '["t",20,{"stacks":"all","sample":"997"}]' >answer
	jq -r .error.message answer | grep -qi 'no space left on device'
	[ "$(jq .error.code answer)" = -32000 ]
	sound small/t
	until_true -t 20 no_children
	rpc debug_goTrace '["t",1,{"stacks":"none"}]' >answer # in the place of what was there
	jq -e '.error == null' answer
	sound small/t
	get '/debug/pprof/trace?seconds=0.2' -o T
	sound T
}
