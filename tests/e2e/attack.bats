#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Those who want more than is theirs: each is refused, and the service's words tell who it was. Root serves, a stranger asks.

# A user who has a name, and so a group.
setup_file() {
	echo "ctr7g$$" >"$BATS_FILE_TMPDIR/stranger"
	useradd -M "ctr7g$$"
}
teardown_file() { userdel "$(cat "$BATS_FILE_TMPDIR/stranger")"; }

setup() {
	load ../lib/common.bash
	load ../lib/serve.bash
	e2e_setup
	service_setup
	chmod 777 .
	start_demo
	cp "$ROOT/tests/clients/rude.py" rude.py
	RUDE=$PWD/rude.py
	STRANGER=$(id -u "$(cat "$BATS_FILE_TMPDIR/stranger")")
	ANOTHER=12346
	victim=$PWD/victim
	echo 'not a trace' >victim
	cp -p victim victim.was
}

teardown() {
	local pid
	for pid in ${clients:-}; do kill -KILL "$pid" 2>/dev/null || :; done
	if [ -n "${ns:-}" ]; then ip netns del "$ns" 2>/dev/null || :; fi
	service_teardown
	e2e_teardown
}

rude() {
	rm -f hold
	mkfifo hold
	started_in=hold start_as "$STRANGER" said.rude "$RUDE" "$serve_port" "$@"
	rude_pid=$started
	clients="${clients:-} $rude_pid"
	exec {hold_fd}>hold
	wait_line said.rude .
}
rude_end() {
	exec {hold_fd}>&-
	wait "$rude_pid"
}

# The stranger's own program: $his
start_his() { # [PROGRAM ARG…]
	cp -n "$PROG/demo" his_demo
	if [ $# = 0 ]; then set -- ./his_demo; fi
	start_as "$STRANGER" said.his "$@"
	other_pid=$started
	his=$other_pid
	wait_line said.his 'is running'
}

# His call by TCP, or with by=socket over the socket.
his_rpc() { # METHOD [PARAMS]
	local way=("$serve_url/")
	if [ "${by:-tcp}" = socket ]; then way=(--unix-socket "$serve_socket" http://localhost/); fi
	as_uid "${as:-$STRANGER}" curl -sS --max-time 60 -H 'Content-Type: application/json' \
		--data "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$1\",\"params\":${2:-[]}}" "${way[@]}"
}
his_get() { as_uid "${as:-$STRANGER}" curl -sS --max-time 60 "$serve_url$1" "${@:2}"; }

# denied PATTERN METHOD [PARAMS]: by either way an error whose message matches, a line in the log that has his number, and no
# new file.
denied() {
	local pattern=$1 lines files way message
	shift
	for way in tcp socket; do
		lines=$(wc -l <serve.err)
		files=$(list_out)
		by=$way his_rpc "$@" >answer
		message=$(jq -r '.error.message // "no error"' answer)
		echo "$way: $* -> $message"
		[[ $message =~ $pattern ]] || return 1
		[ "$(jq .error.code answer)" -lt 0 ] || return 1
		until_true log_has_since "$lines" "uid ${as:-$STRANGER}" || return 1
		[ "$files" = "$(list_out)" ] || return 1
	done
	unharmed
}
list_out() { find out -printf '%p %y %u %m %n\n'; }
log_has_since() { tail -n "+$(($1 + 1))" serve.err | grep -q -- "$2"; }
# get_denied CODES PATH [CURL-OPTION…]
get_denied() {
	local codes=$1 lines code
	shift
	lines=$(wc -l <serve.err)
	code=$(his_get "$1" -o his.answer -D his.head -w '%{http_code}' "${@:2}")
	echo "$* -> $code $(head -c 200 his.answer)"
	[[ $code =~ ^($codes)$ ]] || return 1
	grep -qi '^content-type: text/plain' his.head || return 1
	until_true log_has_since "$lines" "uid ${as:-$STRANGER}"
}
unharmed() { cmp victim victim.was && [ "$(stat -c '%u %h %Y %a' victim)" = "$(stat -c '%u %h %Y %a' victim.was)" ]; }
still_serves() {
	get '/debug/pprof/trace?seconds=0.1' -o T
	sound T
}

# ---- whom ----

@test "somebody else's process: refused by every door" {
	start_service -p "$P"
	denied 'not permitted|not yours|may not|privileges|belongs' debug_goTrace "[\"t\",1,{\"pid\":$P}]"
	denied 'not permitted|not yours|may not|privileges|belongs' debug_startGoTrace "[\"t\",{\"pid\":$P}]"
	denied 'not permitted|not yours|may not|privileges|belongs' debug_goTrace '["t",1]' # what serve was given is root's
	denied 'not permitted|not yours|may not|privileges|belongs' debug_goTrace '["t",1,{"pid":1}]'
	get_denied 403 "/debug/pprof/trace?seconds=1&pid=$P"
	get_denied 403 '/debug/pprof/trace?seconds=1'
	his_get /debug/pprof/ -o index.html
	no grep -q "pid=$P\b" index.html
	by=socket his_rpc ctrace_processes >answer
	[ "$(jq "[.. | .pid? // empty] | index($P)" answer)" = null ]
	still_serves
}

@test "his own process: recorded, and the file is his alone" {
	start_his
	start_service -p "$P"
	his_rpc debug_goTrace "[\"t\",1,{\"pid\":$his}]" >answer
	jq -e '.result == null and .error == null' answer
	[ "$(stat -c '%u %a' out/t)" = "$STRANGER 600" ]
	sound out/t
	his_get "/debug/pprof/trace?seconds=0.3&pid=$his" -o T
	sound T
	"$JUDGE" times T | jq -r '.. | .name? // empty' >names
	[ -s T ]
}

@test "the whole machine, a control group, other users: not for him" {
	start_his
	start_service -p "$P"
	for what in '{"all":true}' '{"cgroup":"/"}' "{\"all\":true,\"uid\":\"$STRANGER\"}" '{"container":"abcdef"}' '{"all":true,"comm":"demo"}' \
		"{\"pid\":$his,\"kernel-threads\":true}"; do
		denied . debug_goTrace "[\"t\",1,$what]"
	done
	get_denied '400|403' '/debug/pprof/trace?seconds=1&all=1'
	get_denied '400|403' '/debug/pprof/trace?seconds=1&cgroup=/'
	denied . debug_snapshotGoTrace '["t"]'
}

@test "setuid, not dumpable, and what becomes so: not for him" {
	start_service -p "$P"
	cp "$PROG/demo" demo_suid
	chmod 4755 demo_suid
	start_his ./demo_suid
	denied 'not permitted|not yours|may not|privileges' debug_goTrace "[\"t\",1,{\"pid\":$his}]"
	get_denied 403 "/debug/pprof/trace?seconds=1&pid=$his"
	kill -KILL "$his"
	wait "$his" || :
	start_his /usr/bin/python3 -u -c 'import ctypes, signal
ctypes.CDLL(None).prctl(4, 0) # PR_SET_DUMPABLE
print("is running")
signal.pause()'
	denied 'not permitted|not yours|may not|privileges' debug_goTrace "[\"t\",1,{\"pid\":$his}]"
	kill -KILL "$his"
	wait "$his" || :

	# one that is his, until it is not
	mkfifo told.his
	chmod 666 told.his
	started_in=told.his start_as "$STRANGER" said.his bash -c 'read -r _; exec ./demo_suid'
	other_pid=$started
	exec {his_fd}>told.his
	until_true test "$(cat "/proc/$other_pid/comm")" = bash
	his_rpc debug_startGoTrace "[\"t\",{\"pid\":$other_pid}]" >answer
	jq -e '.result == null and .error == null' answer
	echo go >&"$his_fd"
	wait_line said.his 'is running'
	his_rpc debug_stopGoTrace >answer
	sound out/t
	"$JUDGE" hist out/t >hist
	strings -n 4 out/t >words
	no grep -q 'producer\|consumer' words # the threads of demo
	exec {his_fd}>&-
}

@test "options that write elsewhere, run something, or speak for the service" {
	start_his
	start_service -p "$P"
	for what in "\"output\":\"$PWD/out/o\"" "\"raw\":\"$victim\"" '"json":true' '"completion":"bash"' '"rotate":"1s"' '"token-file":"x"' \
		'"listen":"0.0.0.0:1"' '"help":true' '"version":true' '"output-dir":"/"' '"max-time":"9h"' '"nonsense":1' '"":1' '"--":"x"' \
		'"flight-recorder":"5s"' '"trigger":"end"' '"duration":"99h"' '"keep":3'; do
		denied . debug_goTrace "[\"t\",1,{\"pid\":$his,$what}]"
	done
	get_denied '400|403' "/debug/pprof/trace?seconds=1&pid=$his&raw=$victim" || # or what it does not know is ignored, as net/http/pprof does
		sound his.answer
	unharmed
	still_serves
}

@test "what is somebody else's: stopping it, its place" {
	start_his
	start_service -p "$P"
	rpc debug_startGoTrace '["roots"]' >answer
	jq -e '.error == null' answer
	not_in_progress
	id=$(rpc ctrace_status | jq '.result.recordings[0].id')
	denied . ctrace_stop "[$id]"
	as=$ANOTHER not_in_progress
	his_rpc debug_startGoTrace "[\"his\",{\"pid\":$his}]" >answer
	jq -e '.error == null' answer
	as=$ANOTHER not_in_progress
	as=$ANOTHER denied . ctrace_stop "[$((id + 1))]"
	rpc debug_stopGoTrace >answer
	jq -e '.error == null' answer
	sound out/roots
	his_rpc debug_stopGoTrace >answer
	jq -e '.error == null' answer
	sound out/his
	his_rpc ctrace_status >answer
	no grep -q roots answer
}

not_in_progress() { # he has none
	his_rpc debug_stopGoTrace >answer
	jq -e '.error.message == "trace not in progress"' answer
}

@test "he fills all places: there is one for root, and for others" {
	start_his
	start_service -p "$P"
	for n in $(seq 12); do
		his_get "/debug/pprof/trace?seconds=300&pid=$his" -o "his.$n" -w '%{http_code}\n' >"code.$n" 3>&- &
		clients="${clients:-} $!"
	done
	until_true -t 30 grep -q 503 code.1 code.2 code.3 code.4 code.5 code.6 code.7 code.8 code.9 code.10 code.11 code.12
	still_serves
	rpc debug_goTrace '["t",1]' >answer
	jq -e '.error == null' answer
	sound out/t
}

@test "the recorder that works for him: its memory and files are not his, and when he stops it that is his loss" {
	start_his
	printf 'correct-horse-battery-staple\n' >token # is in the memory of the service
	chmod 600 token
	start_service -p "$P" --token-file "$PWD/token"
	his_rpc debug_startGoTrace "[\"t\",{\"pid\":$his}]" >answer
	jq -e '.error == null' answer
	recorder=$(service_children)
	note_bpf
	[ "$(awk '/^Uid/ { print $3 }' "/proc/$recorder/status")" = "$STRANGER" ]
	for file in environ maps mem auxv fd/3 exe; do
		no as_uid "$STRANGER" head -c 1 "/proc/$recorder/$file"
	done
	no as_uid "$STRANGER" ls "/proc/$recorder/fd"
	no as_uid "$STRANGER" /usr/bin/python3 -c 'import ctypes, sys
sys.exit(ctypes.CDLL(None).ptrace(16, int(sys.argv[1]), 0, 0) != 0)' "$recorder"
	as_uid "$STRANGER" kill -STOP "$recorder"
	still_serves
	rpc debug_goTrace '["roots",1]' >answer
	jq -e '.error == null' answer
	# the service does not wait for it for ever
	kill -TERM "$serve_pid"
	until_true -t 60 gone "$serve_pid"
	wait "$serve_pid" || :
	serve_pid=''
	as_uid "$STRANGER" kill -CONT "$recorder" || : # perhaps it was ended
	until_true -t 30 gone "$recorder"
	noted_is_gone
}

# ---- where ----

@test "paths that lead out, and files that are no place for a trace" {
	start_his
	start_service -p "$P"
	echo 'of root' >out/roots
	chmod 666 out/roots
	mkdir out/dir out/roots_dir
	chmod 755 out/roots_dir
	chmod 777 out/dir
	mkfifo -m 666 out/fifo
	mknod -m 666 out/null c 1 3
	ln -s ../victim out/link
	ln -s .. out/up
	ln -s nothing out/dangling
	ln -s roots out/link_inside
	chmod 666 victim victim.was
	cp -p victim.was out/his
	chown "$STRANGER" out/his
	ln out/his out/his_second
	ln victim out/hard
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("out/sock")'
	chmod 666 out/sock
	cp -p --attributes-only victim victim.was # with two links now
	ln victim.was victim.was2
	for name in ../t ../victim dir/../../victim "$victim" /etc/ctrace-was-here "$PWD/t" "$PWD/out/../t" \~/t \~root/t '~\\\\t' \
		up/t up/victim link dangling link_inside hard his_second roots roots_dir/t dir . .. '' / dir/ fifo null sock /dev/null \
		/dev/stdout /proc/self/fd/1 /proc/self/mem nothing/t "$(printf 'x%.0s' {1..300})" \
		"$(printf 'd/%.0s' {1..3000})t"; do
		denied . debug_goTrace "[\"$name\",1,{\"pid\":$his}]"
		jq -e '.error.code == -32000 or .error.code == -32602' answer
	done
	for name in '["t"]' 5 null '{"a":1}' true '"a\u0000b"'; do # no name at all: nothing to log
		his_rpc debug_goTrace "[$name,1,{\"pid\":$his}]" >answer
		jq -e '.error.code == -32602' answer
	done
	[ "$(cat out/roots)" = 'of root' ]
	[ ! -e out/nothing ]
	[ ! -e /etc/ctrace-was-here ]
	# and what he may: his own, by either name, and beneath a directory
	by=socket his_rpc debug_goTrace "[\"dir/t\",1,{\"pid\":$his}]" >answer
	jq -e '.error == null' answer
	sound out/dir/t
	his_rpc debug_goTrace "[\"$PWD/out/mine\",1,{\"pid\":$his}]" >answer
	jq -e '.error == null' answer
	sound out/mine
}

@test "a race: the name is a file of his, and a link to root's, in turns" {
	start_his
	start_service -p "$P"
	mkdir out/his
	chown "$STRANGER" out/his
	cat >swap.py <<-'END'
		import ctypes, os, sys
		libc = ctypes.CDLL(None, use_errno=True)
		os.chdir(sys.argv[1])
		open("t", "w").close()
		os.mkdir("d")
		os.symlink(sys.argv[2], "l")
		os.symlink(os.path.dirname(sys.argv[2]), "m")
		n = 0
		while not os.path.exists("stop"):
		    n += 1
		    assert libc.renameat2(-100, b"t", -100, b"l", 2) == 0  # RENAME_EXCHANGE
		    assert libc.renameat2(-100, b"d", -100, b"m", 2) == 0
		    if n == 1000:
		        print("swaps", flush=True)
	END
	chmod 666 victim # what only who opens it as root, or as him, would need
	cp -p victim victim.was
	start_as "$STRANGER" said.swap /usr/bin/python3 swap.py "$PWD/out/his" "$victim"
	swap_pid=$started
	clients="${clients:-} $swap_pid"
	wait_line said.swap swaps
	opened=0 refused=0
	for n in $(seq 10); do
		for name in his/t his/d/victim; do
			his_rpc debug_goTrace "[\"$name\",0,{\"pid\":$his}]" >answer
			if jq -e .error answer >unused; then refused=$((refused + 1)); else opened=$((opened + 1)); fi
		done
		unharmed
	done
	echo "opened $opened, refused $refused"
	kill -0 "$swap_pid" # it swapped to the end
	as_uid "$STRANGER" touch out/his/stop
	wait "$swap_pid"
	unharmed
	[ "$refused" -gt 0 ]
	[ "$(find . -maxdepth 1 -user "$STRANGER" | grep -c .)" -eq 0 ]
}

# ---- how ----

@test "requests of other sites' pages: refused, whoever's browser it is" {
	start_service -p "$P"
	for words in 'Host: evil.example' 'Host: evil.example:80' 'Origin: http://evil.example' 'Origin: null' 'Sec-Fetch-Site: cross-site' \
		"Host: evil.example@127.0.0.1:$serve_port" "Host: 127.0.0.1.evil.example:$serve_port" "Origin: http://127.0.0.1:1" 'Host:'; do
		for path in /debug/pprof/ '/debug/pprof/trace?seconds=0.1' /debug/pprof/cmdline; do
			code=$(get "$path" -H "$words" -o answer -w '%{http_code}')
			echo "$words $path $code"
			[[ $code = 403 || ($words = Host: && $code = 400) ]]
			no grep -q 'go 1' answer
		done
		code=$(rpc_by -H "$words" -o answer -w '%{http_code}' -- debug_goTrace '["t",1]')
		[[ $code = 403 || ($words = Host: && $code = 400) ]]
		[ ! -e out/t ]
	done
	logged evil.example
	# a form, or a script without leave, of another site
	for type in text/plain application/x-www-form-urlencoded multipart/form-data ''; do
		code=$(curl -sS -o answer -w '%{http_code}' -H "Content-Type: $type" --data '{"jsonrpc":"2.0","id":1,"method":"debug_startGoTrace","params":["t"]}' "$serve_url/")
		[ "$code" = 415 ]
	done
	[ ! -e out/t ]
	code=$(get '/debug/pprof/trace?seconds=0.1' -X POST -o answer -w '%{http_code}')
	[ "$code" = 405 ]
	# its own page
	[ "$(get /debug/pprof/ -H "Origin: $serve_url" -H 'Sec-Fetch-Site: same-origin' -o answer -w '%{http_code}')" = 200 ]
	[ "$(get /debug/pprof/ -H "Host: localhost:$serve_port" -o answer -w '%{http_code}')" = 200 ]
}

@test "bodies and headers without end" {
	start_service -p "$P"
	get /debug/pprof/cmdline -o unused
	before=$(service_holds)
	memory=$(awk '/VmHWM/ { print $2 }' "/proc/$serve_pid/status")
	[[ $("$RUDE" "$serve_port" body 10485760) =~ \ 413\ |closed ]]
	[[ $("$RUDE" "$serve_port" chunked 10485760) =~ \ 413\ |closed ]]
	[[ $("$RUDE" "$serve_port" head 1048576) =~ \ (400|413|414|431)\ |closed ]]
	# to who sends a body as he should, in words
	head -c 10485760 /dev/zero | tr '\0' ' ' >big
	code=$(curl -sS -H 'Content-Type: application/json' --data-binary @big -o answer -w '%{http_code}' "$serve_url/")
	[ "$code" = 413 ]
	head -c 1000000 big >fits
	echo '{"jsonrpc":"2.0","id":1,"method":"ctrace_status","params":[]}' >>fits
	[ "$(curl -sS -H 'Content-Type: application/json' --data-binary @fits -o answer -w '%{http_code}' "$serve_url/")" = 200 ]
	jq -e .result answer
	[ "$(get "/debug/pprof/?$(head -c 20000 big | tr ' ' x)" -o answer -w '%{http_code}')" -gt 0 ]
	until_true -t 40 service_holds_only "$before"
	[ "$(awk '/VmHWM/ { print $2 }' "/proc/$serve_pid/status")" -lt $((memory + 32768)) ]
	still_serves
}

@test "half-open connections, and letters one by one: others are served meanwhile, and they are closed" {
	start_service -p "$P"
	get /debug/pprof/cmdline -o unused
	before=$(service_holds)
	for what in silent half slow; do
		rude "$what" 100
		still_serves
		rpc debug_goTrace '["t",0]' >answer
		jq -e '.error == null' answer
		# they are closed, although they stay
		until_true -t 80 service_holds_only "$before"
		rude_end
	done
}

@test "more connections than are taken: there is room again when the silent ones are closed" {
	start_service -p "$P"
	rude silent 300
	until_true -t 80 served_now
	rude_end
	still_serves
}
served_now() { [ "$(code_of --max-time 5 "$serve_url/debug/pprof/cmdline")" = 200 ]; }

@test "JSON that is none, and too deep" {
	start_service -p "$P"
	printf '%100000s' '' | tr ' ' '[' >deep
	printf '{"a":%.0s' {1..20000} >deep2
	{
		printf '{"jsonrpc":"2.0","id":1,"method":"ctrace_status","params":'
		printf '%5000s' '' | tr ' ' '['
		printf '%5000s' '' | tr ' ' ']'
		printf '}'
	} >deep3
	printf '{"jsonrpc":"2.0","id":1,"method":"\xff\xfe","params":[]}' >utf8
	printf '{"jsonrpc":"2.0","id":1,"method":"ctrace_status","method":"debug_stopGoTrace"' >cut
	printf '\0\0\0' >zeros
	: >empty
	for f in deep deep2 deep3 utf8 cut zeros empty; do
		code=$(curl -sS -H 'Content-Type: application/json' --data-binary "@$f" -o answer -w '%{http_code}' "$serve_url/")
		echo "$f $code $(head -c 300 answer)"
		[[ $code = 200 || $code = 400 ]]
		[ ! -s answer ] || jq -e '.error.code == -32700 or .error.code == -32600' answer
		timeout 5 python3 - "$serve_socket" "$f" <<-'END' || :
			import socket, sys
			s = socket.socket(socket.AF_UNIX)
			s.connect(sys.argv[1])
			s.sendall(open(sys.argv[2], "rb").read())
			s.shutdown(socket.SHUT_WR)
			s.recv(65536)
		END
		kill -0 "$serve_pid"
	done
	# what is no HTTP
	head -c 100000 /dev/urandom >noise
	"$RUDE" "$serve_port" raw <noise >unused
	printf 'GET / HTTP/9.9\r\n\r\n' | "$RUDE" "$serve_port" raw >unused
	printf 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n' | "$RUDE" "$serve_port" raw >unused
	printf 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' |
		"$RUDE" "$serve_port" raw >unused
	still_serves
}

@test "a token that is wrong" {
	start_his
	printf 'correct-horse-battery-staple\n' >token
	chmod 600 token
	start_service -p "$P" --token-file "$PWD/token"
	for given in wrong '' correct-horse-battery-stapl correct-horse-battery-staplee 'correct-horse-battery-staple x'; do
		get_denied 401 '/debug/pprof/trace?seconds=0.1' -H "Authorization: Bearer $given"
		grep -qi '^www-authenticate: bearer' his.head
	done
	get_denied 401 '/debug/pprof/trace?seconds=0.1' -H 'Authorization: Basic eDp5'
	his_get '/debug/pprof/trace?seconds=0.1' -H 'Authorization: Bearer correct-horse-battery-staple' -o T
	sound T
	no grep -q battery serve.err
	no grep -q battery "/proc/$serve_pid/cmdline"
}

@test "what does not go together is refused before anything listens" {
	refused 2 'token' "$CTRACE" serve --listen "0.0.0.0:$(free_port)" --socket "$PWD/x.sock" -p "$P"
	printf 'short\n' >token
	chmod 600 token
	refused '[1-3]' 'token' "$CTRACE" serve --listen "127.0.0.1:$(free_port)" --socket "$PWD/x.sock" --token-file token || refused 1 'token' "$CTRACE" serve --listen "127.0.0.1:$(free_port)" --socket "$PWD/x.sock" --token-file token
	printf 'correct-horse-battery-staple\n' >token
	chmod 644 token
	refused 1 'token' "$CTRACE" serve --listen "127.0.0.1:$(free_port)" --socket "$PWD/x.sock" --token-file token
}

@test "from another machine: nobody without the token, whatever he says" {
	ns=ctr7g$$ near=c7g$$a far=c7g$$b
	ip netns add "$ns" || skip "no network namespaces here"
	ip link add "$near" type veth peer name "$far"
	ip link set "$far" netns "$ns"
	ip addr add 10.77.7.1/24 dev "$near"
	ip link set "$near" up
	ip -n "$ns" addr add 10.77.7.2/24 dev "$far"
	ip -n "$ns" link set "$far" up
	printf 'correct-horse-battery-staple\n' >token
	chmod 600 token
	port=$(free_port)
	start_service -p "$P" --listen "10.77.7.1:$port" --token-file "$PWD/token"
	serve_url=http://10.77.7.1:$port
	far() { ip netns exec "$ns" curl -sS --max-time 60 -D head -o answer -w '%{http_code}' "$@"; }
	for words in 'X-Nothing: 1' 'Authorization: Bearer wrong' 'Authorization: Bearer ' 'X-Forwarded-For: 127.0.0.1' 'Forwarded: for=127.0.0.1'; do
		for path in /debug/pprof/ '/debug/pprof/trace?seconds=0.1' /debug/pprof/cmdline; do
			[ "$(far -H "$words" "$serve_url$path")" = 401 ]
			grep -qi '^www-authenticate: bearer' head
		done
		[ "$(far -H "$words" -H 'Content-Type: application/json' --data '{"jsonrpc":"2.0","id":1,"method":"debug_startGoTrace","params":["t"]}' "$serve_url/")" = 401 ]
	done
	logged 'somebody unknown'
	[ ! -e out/t ]
	[ "$(far -H 'Authorization: Bearer correct-horse-battery-staple' "$serve_url/debug/pprof/trace?seconds=0.3")" = 200 ]
	sound answer
	# root of this machine by that address is nobody known either
	[ "$(code_of "$serve_url/debug/pprof/")" = 401 ]
	ip netns del "$ns"
}
