#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# ctrace-bpf serve over HTTP: /debug/pprof/ as net/http/pprof has it, JSON-RPC by POST, and what is refused.

setup() {
	load ../lib/common.bash
	load ../lib/serve.bash
	e2e_setup
}
teardown() {
	service_teardown
	e2e_teardown
	if [ -n "${holder:-}" ]; then kill "$holder" 2>/dev/null || :; fi
	if [ -n "${group:-}" ]; then until_true rmdir "$group"; fi
}

# target [OPTION…]: a program that is never idle, and a service that records it unless the request says otherwise
target() {
	"$PROG/demo" >demo.said 3>&- &
	prog_pid=$!
	wait_line demo.said 'is running$'
	start_service -p "$prog_pid" "$@"
}
# hold N TEXT [UID]: so many connections on which TEXT was sent, by a process that keeps them until it is killed
hold() {
	local by=()
	if [ -n "${3:-}" ]; then by=(setpriv --reuid="$3" --regid="$3" --clear-groups); fi
	: >held
	"${by[@]}" /usr/bin/python3 - "$serve_port" "$1" "$2" >held 3>&- <<-'END' &
		import socket, sys, time
		port, n, text = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode().decode("unicode_escape").encode()
		held = []
		for _ in range(n):
		    s = socket.create_connection(("127.0.0.1", port))
		    s.sendall(text)
		    held.append(s)
		print("held", flush=True)
		gone = 0
		for s in held:
		    s.settimeout(60)
		    try:
		        while s.recv(65536): pass
		    except ConnectionResetError: pass
		    gone += 1
		print("gone", gone, flush=True)
	END
	holder=$!
	wait_line held '^held'
}
# sent TEXT: the answer to these bytes, with what comes behind it
sent() {
	/usr/bin/python3 - "$serve_port" "$1" <<-'END'
		import socket, sys
		s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
		s.settimeout(30)
		s.sendall(sys.argv[2].encode().decode("unicode_escape").encode())
		while (b := s.recv(65536)): sys.stdout.buffer.write(b)
	END
}
is_whole() { [ "$(head -c 5 "$1" 2>/dev/null)" = 'go 1.' ]; }
status_of() { tr -d '\r' <"$1" | head -n 1; }
header_of() { tr -d '\r' <"$1" | sed -n "s/^$2: //Ip"; }

@test "every request of the list is answered as net/http/pprof answers it" {
	target
	"$JUDGE" pprof "$serve_url" >said.pprof || { cat said.pprof >&2 && return 1; }
	grep -q '^0 of [1-9]' said.pprof
}

@test "a trace is fetched as from a Go program" {
	target
	curl "http://localhost:$serve_port/debug/pprof/trace?seconds=1" --output trace.out
	sound trace.out
	get /debug/pprof/trace -D head -o one.out # of a second, when nothing is said
	[ "$(status_of head)" = 'HTTP/1.1 200 OK' ]
	[ "$(header_of head Content-Type)" = application/octet-stream ]
	[ "$(header_of head Content-Disposition)" = 'attachment; filename="trace"' ]
	[ "$(header_of head X-Content-Type-Options)" = nosniff ]
	[ "$(header_of head Transfer-Encoding)" = chunked ]
	[ -z "$(header_of head X-Go-Pprof)$(header_of head Content-Length)" ]
	sound one.out
	curl -sS --unix-socket "$serve_socket" -o unix.out 'http://d/debug/pprof/trace?seconds=0.2'
	sound unix.out
	until_true no_recording
}
no_recording() { rpc ctrace_status | jq -e '.result.recordings == []'; }

@test "the first bytes come long before the end; a stop completes what was sent" {
	target
	get '/debug/pprof/trace?seconds=300' -N -D head -o trace.out 3>&- &
	other_pid=$!
	until_true is_whole trace.out
	no gone "$other_pid"
	[ "$(rpc ctrace_stop "[$(header_of head Ctrace-Recording)]")" = '{"jsonrpc":"2.0","id":1,"result":null}' ]
	wait "$other_pid"
	other_pid=''
	sound trace.out
}

@test "a client that goes away ends its recording" {
	local before
	target
	get /debug/pprof/symbol
	before=$(service_holds)
	curl -sSN -o trace.out "$serve_url/debug/pprof/trace?seconds=300" 3>&- &
	other_pid=$!
	until_true is_whole trace.out
	kill -KILL "$other_pid"
	until_true no_recording
	until_true service_holds_only "$before"
	nothing_left
	# also one that only closes its side, as for net/http
	/usr/bin/python3 - "$serve_port" <<-'END'
		import socket, sys
		s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
		s.sendall(b"GET /debug/pprof/trace?seconds=300 HTTP/1.1\r\nHost: localhost\r\n\r\n")
		assert s.recv(9) == b"HTTP/1.1 "
		s.shutdown(socket.SHUT_WR)
		s.settimeout(30)
		while s.recv(65536): pass
	END
	until_true no_recording
	until_true service_holds_only "$before"
}

@test "a trace that could not be completed is seen to be none" {
	local status=0
	target
	curl -sSN -o trace.out "$serve_url/debug/pprof/trace?seconds=300" 2>curl.err 3>&- &
	other_pid=$!
	until_true is_whole trace.out
	kill -KILL "$(recorders)"
	wait "$other_pid" || status=$?
	other_pid=''
	[ "$status" -eq 18 ] # the last chunk is missing
	until_true no_recording
	[ "$(code_of "$serve_url/debug/pprof/trace?seconds=0.2")" = 200 ]
}
# its processes that record: others are there for other things
recorders() { pgrep -P "$serve_pid" -x ctrace-recorder; }

@test "a client that takes nothing is cut off, and holds nobody else" {
	target
	hold 1 'GET /debug/pprof/trace?seconds=500&all=1&sample=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n'
	kill -STOP "$holder"
	get '/debug/pprof/trace?seconds=0.3' -o trace.out
	sound trace.out
	until_true -t 120 grep -q 'the client took nothing for 30 s' serve.err
	until_true no_recording
	kill -CONT "$holder"
}

@test "options of a recording stand in the query" {
	local other
	target
	sleep 300 3>&- &
	other_pid=$!
	get "/debug/pprof/trace?seconds=0.3&pid=$other_pid&unknown=x&debug=1" -o other.out
	sound other.out
	logged "recording . of process $other_pid"
	get '/debug/pprof/trace?seconds=1&sample=200&stacks=all&syscalls=none' -o sampled.out
	sound sampled.out
	"$JUDGE" samples sampled.out | jq -e 'length > 0'
	get '/debug/pprof/trace?seconds=0.2&all=1' -o all.out
	sound all.out
	[ "$(code_of "$serve_url/debug/pprof/trace?seconds=0.1&all=0")" = 200 ] # as if it was not there
	other=$other_pid
	kill "$other_pid"
	wait "$other_pid" || :
	other_pid=''
	pprof_refuses 404 "no process with pid $other" "pid=$other"
	pprof_refuses 400 raw 'raw=x.raw'
	pprof_refuses 400 "'all' is a switch" 'all=perhaps'
	pprof_refuses 400 sample 'sample=fast'
	pprof_refuses 400 'exceeds server' 'seconds=1e9'
	pprof_refuses 400 'exceeds server' 'seconds=inf'
}
# pprof_refuses STATUS PATTERN QUERY: in the form of net/http/pprof
pprof_refuses() {
	get "/debug/pprof/trace?$3&seconds=0.1" -D head -o body
	head -c 400 head body | tr -d "\000" >&2
	[ "$(header_of head X-Go-Pprof)" = 1 ]
	[ "$(header_of head Content-Type)" = 'text/plain; charset=utf-8' ]
	[ -z "$(header_of head Content-Disposition)" ]
	[[ $(status_of head) == "HTTP/1.1 $1 "* && $(<body) == *"$2"* ]]
}

@test "more recordings than there may be are told to come again" {
	target --max-recordings 2
	get '/debug/pprof/trace?seconds=300' -N -o a.out 3>&- &
	other_pid=$!
	get '/debug/pprof/trace?seconds=300' -N -o b.out 3>&- &
	holder=$!
	until_true is_whole a.out
	until_true is_whole b.out
	pprof_refuses 503 'Could not enable tracing: 2 recordings are under way' ''
	[ "$(header_of head Retry-After)" -gt 0 ]
	logged 'refused to record'
}

@test "command lines, with a NUL between words" {
	target
	get /debug/pprof/cmdline >line
	cmp line <(head -c -1 "/proc/$serve_pid/cmdline")
	get "/debug/pprof/cmdline?pid=$prog_pid" >line
	cmp line <(head -c -1 "/proc/$prog_pid/cmdline")
	[ "$(code_of "$serve_url/debug/pprof/cmdline?pid=x")" = 400 ]
	[ "$(code_of "$serve_url/debug/pprof/cmdline?pid=4194303")" = 404 ]
}

@test "another user has his own processes, and is told so" {
	local own
	target
	setpriv --reuid=65534 --regid=65534 --clear-groups sleep 300 3>&- &
	other_pid=$!
	own=$other_pid
	until_true grep -q sleep "/proc/$own/comm"
	as_uid 65534 curl -sS "$serve_url/debug/pprof/trace?seconds=0.3&pid=$own" >own.out
	sound own.out
	[ "$(as_uid 65534 curl -sS -o /dev/null -w '%{http_code}' "$serve_url/debug/pprof/trace?seconds=0.3&pid=$prog_pid")" = 403 ]
	logged "refused to record for .*uid 65534\|refused to record for nobody"
	[ "$(as_uid 65534 curl -sS -o /dev/null -w '%{http_code}' "$serve_url/debug/pprof/trace?seconds=0.3&all=1")" = 403 ]
	[ "$(as_uid 65534 curl -sS -o /dev/null -w '%{http_code}' "$serve_url/debug/pprof/cmdline?pid=$prog_pid")" = 403 ]
	as_uid 65534 curl -sS "$serve_url/debug/pprof/cmdline?pid=$own" | tr '\0' ' ' >line
	[ "$(<line)" = 'sleep 300' ]
	[ "$(as_uid 65534 curl -sS -H 'Content-Type: application/json' --data '{"jsonrpc":"2.0","id":1,"method":"ctrace_status"}' "$serve_url" | jq -r .result.rights)" = own ]
	[ "$(rpc ctrace_status | jq -r .result.rights)" = all ]
}

@test "nobody comes in by another name, or from another site's page" {
	target
	local header words=(-sS -o body -w '%{http_code}' "$serve_url/debug/pprof/trace?seconds=0.1")
	for header in 'Host: evil.example' "Host: evil.example:$serve_port" 'Host:' 'Origin: http://evil.example' 'Origin: null' \
		"Origin: http://127.0.0.1:$((serve_port + 1))" 'Sec-Fetch-Site: cross-site' 'Sec-Fetch-Site: same-site'; do
		: >serve.err
		case $(curl -H "$header" "${words[@]}") in
		403) logged ': GET /debug/pprof/trace?seconds=0.1: refused: ' ;;
		400) [ "$header" = Host: ] ;; # by libmicrohttpd
		*) echo "$header is served" && return 1 ;;
		esac
	done
	for header in "Host: localhost:$serve_port" 'Host: localhost' "Host: [::1]:$serve_port" "Origin: $serve_url" 'Sec-Fetch-Site: same-origin' \
		'Sec-Fetch-Site: none'; do
		[ "$(curl -H "$header" "${words[@]}")" = 200 ]
	done
	# not even what changes nothing
	[ "$(code_of -H 'Origin: http://evil.example' "$serve_url/debug/pprof/")" = 403 ]
	[ "$(code_of -H 'Origin: http://evil.example' -X OPTIONS "$serve_url/")" = 403 ]
}

@test "JSON-RPC by POST, byte for byte" {
	target
	local ask='{"jsonrpc":"2.0","method":"debug_goTrace","params":["go.trace",1],"id":1}'
	curl -sS -H "Content-Type: application/json" --data "$ask" "http://localhost:$serve_port" -D head >answer
	printf '{"jsonrpc":"2.0","id":1,"result":null}\n' | cmp - answer
	[ "$(header_of head Content-Type)" = application/json ]
	sound out/go.trace
	[ "$(code_of --data "$ask" "$serve_url")" = 415 ]
	[ "$(code_of -H 'Content-Type: text/plain' --data "$ask" "$serve_url")" = 415 ]
	[ "$(code_of -H 'Content-Type: application/json; charset=utf-8' --data '{"jsonrpc":"2.0","method":"rpc_modules","id":1}' "$serve_url")" = 200 ]
	[ "$(code_of -X PUT --data "$ask" "$serve_url")" = 405 ]
	[ "$(code_of -X DELETE "$serve_url")" = 405 ]
	[ "$(code_of -H 'Content-Type: application/json' --data "$ask" "$serve_url/debug/")" = 404 ]
	[ "$(code_of "$serve_url")" = 307 ]
	# a notification has no answer
	curl -sS -D head -H 'Content-Type: application/json' --data '{"jsonrpc":"2.0","method":"rpc_modules"}' "$serve_url" >answer
	[ ! -s answer ]
	[ "$(status_of head)" = 'HTTP/1.1 200 OK' ]
}

@test "what was asked for by JSON-RPC goes on when who asked is gone" {
	target
	rpc debug_goTrace '["gone.trace", 2]' 3>&- &
	other_pid=$!
	until_true rpc_is_recording
	kill -KILL "$(pgrep -P "$other_pid" -x curl)"
	wait "$other_pid" || :
	other_pid=''
	until_true no_recording
	sound out/gone.trace
}
rpc_is_recording() { rpc ctrace_status | jq -e '.result.recordings[0].state == "recording"'; }

@test "heads, addresses and bodies have an end" {
	target
	local big
	head -c 10000000 /dev/zero | tr '\0' ' ' >big
	[ "$(code_of -H 'Content-Type: application/json' --data-binary @big -H 'Expect:' "$serve_url")" = 413 ]
	logged 'content length too large (10000000>1048576)'
	[ "$(code_of -H 'Content-Type: application/json' --data-binary @big "$serve_url")" = 413 ]
	[ "$(code_of -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' --data-binary @big "$serve_url")" = 413 ]
	head -c 1048577 big >over
	head -c 1048500 big >under
	echo '{"jsonrpc":"2.0","method":"rpc_modules","id":1}' >>under
	[ "$(code_of -H 'Content-Type: application/json' --data-binary @over "$serve_url")" = 413 ]
	[ "$(code_of -H 'Content-Type: application/json' --data-binary @under "$serve_url")" = 200 ]
	big=$(head -c 33000 big | tr ' ' a)
	[ "$(code_of -H "X: $big" "$serve_url/debug/pprof/symbol")" = 431 ]
	logged 'the header is longer than'
	[ "$(code_of "$serve_url/debug/pprof/${big:0:9000}")" = 414 ]
	logged 'the address is longer than'
	printf 'X: ' >header
	head -c 1000000 big | tr ' ' a >>header
	[ "$(code_of -H @header "$serve_url/debug/pprof/symbol")" = 431 ]
	logged 'cannot be read: .*431'
	[ "$(code_of "$serve_url/debug/pprof/symbol")" = 200 ]
}

@test "half a request is closed in time, and others are served meanwhile" {
	target
	hold 60 'GET /debug/pprof/symbol HTTP/1.1\r\nHost: localh' 65534
	[ "$(code_of "$serve_url/debug/pprof/symbol")" = 200 ]
	until_true -t 30 grep -q '^gone 60' held
	logged 'no request came in time'
	hold 3 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{' 65534
	[ "$(code_of "$serve_url/debug/pprof/symbol")" = 200 ]
}

@test "another user cannot take all connections" {
	target
	hold 120 'GET /debug/pprof/symbol HTTP/1.1\r\nHost: localhost\r\n\r\n' 65534
	logged 'there are too many connections'
	[ "$(as_uid 65534 curl -sS -o /dev/null -w '%{http_code}' "$serve_url/debug/pprof/symbol")" = 503 ]
	[ "$(code_of "$serve_url/debug/pprof/symbol")" = 200 ]
	kill "$holder"
	until_true is_served_again
}
is_served_again() { [ "$(as_uid 65534 curl -sS -o /dev/null -w '%{http_code}' "$serve_url/debug/pprof/symbol")" = 200 ]; }

@test "what is no HTTP is refused" {
	target
	sent '\x16\x03\x01\x02\r\n\r\n' >answer
	[[ $(sent 'GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n') == 'HTTP/1.1 403 '* ]]
	[[ $(sent 'GET / HTTP/1.0\r\n\r\n') == 'HTTP/1.1 403 '* ]]
	[[ $(sent 'GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n') == 'HTTP/1.1 400 '* ]]
	[[ $(sent 'GET * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n') == 'HTTP/1.1 400 '* ]]
	[[ $(sent 'GET http://localhost/debug/pprof/symbol HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n') == 'HTTP/1.1 200 '* ]]
	# a redirect leads nowhere else
	[[ $(sent 'GET //\\evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n') == *$'\nLocation: /%5Cevil.example/\r'* ]]
	[[ $(sent 'GET //evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n') == *$'\nLocation: /evil.example/\r'* ]]
	[ "$(code_of "$serve_url/debug/pprof/symbol")" = 200 ]
}

@test "the token counts for those who are not known, and alone where it is shown" {
	umask 077
	echo 0123456789abcdef0123456789abcdef >token
	target --token-file token
	local word='0123456789abcdef0123456789abcdef'
	as_uid 65534 curl -sS -H "Authorization: Bearer $word" -H 'Content-Type: application/json' \
		--data '{"jsonrpc":"2.0","id":1,"method":"ctrace_status"}' "$serve_url" >answer
	[ "$(from_json .result.rights answer)" = all ]
	get /debug/pprof/ -H 'Authorization: Bearer 0123456789abcdef0123456789abcdeF' -D head -o body
	[[ $(status_of head) == 'HTTP/1.1 401 '* ]]
	[ "$(header_of head WWW-Authenticate | head -n 1)" = Bearer ]
	logged 'refused: that is not the token'
	# a browser asks for it as a password
	header_of head WWW-Authenticate | grep -q '^Basic '
	[ "$(code_of -u "anybody:$word" "$serve_url/debug/pprof/")" = 200 ]
	[ "$(code_of -u "$word:x" "$serve_url/debug/pprof/")" = 401 ]
	[ "$(code_of -u 'anybody:' "$serve_url/debug/pprof/")" = 401 ]
	[ "$(code_of -H 'Authorization: Basic !' "$serve_url/debug/pprof/")" = 401 ]
	[ "$(code_of -H 'Authorization:  ' -H 'Authorization: x' "$serve_url/debug/pprof/")" = 401 ]
	[ "$(code_of "$serve_url/debug/pprof/symbol")" = 200 ] # root is known
}

@test "over TLS" {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
		-addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' 2>openssl.err
	target --tls-cert cert.pem --tls-key key.pem
	serve_url=https://127.0.0.1:$serve_port
	curl -sS --cacert cert.pem -o trace.out "$serve_url/debug/pprof/trace?seconds=0.5"
	sound trace.out
	[ "$(code_of --cacert cert.pem -H "Origin: $serve_url" "$serve_url/debug/pprof/")" = 200 ]
	[ "$(code_of --cacert cert.pem -H "Origin: http://127.0.0.1:$serve_port" "$serve_url/debug/pprof/")" = 403 ]
	curl -sS --unix-socket "$serve_socket" http://d/debug/pprof/symbol # not there
	no curl -sS "http://127.0.0.1:$serve_port/debug/pprof/symbol"
	refused 1 'key' "$CTRACE" serve --listen 127.0.0.1:0 --socket none --tls-cert cert.pem --tls-key cert.pem
}

@test "the page is one file, and runs nothing but its own" {
	target
	local nonce
	get /debug/pprof/ -D head -o page
	[ "$(header_of head Content-Type)" = 'text/html; charset=utf-8' ]
	[ "$(header_of head X-Frame-Options)" = DENY ]
	nonce=$(header_of head Content-Security-Policy | sed -n "s/.*script-src 'nonce-\([0-9a-f]\{32\}\)'.*/\1/p")
	[ -n "$nonce" ]
	[[ $(header_of head Content-Security-Policy) == "default-src 'none'; "* ]]
	[ "$(grep -c "<script nonce=\"$nonce\">" page)" = 1 ]
	[ "$(grep -c '<script' page)" = 1 ]
	no grep -qE 'https?://|//[a-z]+\.[a-z]|@NONCE@| style=| on[a-z]+="' page
	get /debug/pprof/ -o again
	no grep -q "$nonce" again
	for name in cmdline symbol trace; do grep -q "href=\"$name" page; done
}

@test "a control group by the query, over IPv6: its processes, and nobody else" {
	local v2 port
	v2=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
	[ -n "$v2" ] || skip "no v2"
	[ -e /proc/net/if_inet6 ] || skip "no IPv6"
	start_demo
	group=$v2/ctrace-http-$$
	mkdir "$group" || skip "no group can be made in $v2"
	echo "$P" >"$group/cgroup.procs"
	port=$(free_port)
	start_service --listen "[::1]:$port"
	curl -sSg --max-time 60 -o T "http://[::1]:$port/debug/pprof/trace?seconds=0.5&cgroup=$group"
	sound T
	logged "recording 1 of control group $group, for root, over HTTP"
	"$JUDGE" times T | jq -e --argjson main "$P" '[.goroutines[].id] | index($main)'
	[ "$(curl -sSg -o /dev/null -w '%{http_code}' -H "Host: [::2]:$port" "http://[::1]:$port/debug/pprof/")" = 403 ]
}

@test "an address that others can reach: only with a token, and then for who has it" {
	local ip port
	ip=$(ip -4 -o addr show scope global | awk '{ sub(/\/.*/, "", $4); print $4; exit }')
	[ -n "$ip" ] || skip "no address but loopback"
	port=$(free_port)
	refused 2 'others than this machine can reach it' "$CTRACE" serve --listen "$ip:$port" --socket none
	head -c 24 /dev/urandom | base64 >token
	chmod 600 token
	start_demo
	start_service -p "$P" --listen "$ip:$port" --token-file token
	[ "$(code_of "http://$ip:$port/debug/pprof/trace?seconds=0.1")" = 401 ]
	[ "$(code_of -H 'Authorization: Bearer wrong' "http://$ip:$port/debug/pprof/trace?seconds=0.1")" = 401 ]
	curl -sS --max-time 60 -H "Authorization: Bearer $(cat token)" -o T "http://$ip:$port/debug/pprof/trace?seconds=0.2"
	sound T
	logged 'recording 1 of .* for the bearer of the token, over HTTP'
}
