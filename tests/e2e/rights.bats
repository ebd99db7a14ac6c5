#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Who may do what: another uid, through the local socket and over TCP. Each refusal is in the log of the service.

bats_require_minimum_version 1.5.0

ANN=12345 BOB=12346 # in no list of users

setup() {
	load ../lib/common.bash
	load ../lib/serve.bash
	e2e_setup
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" "$BATS_FILE_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" 2>/dev/null || :
	anns='' bobs='' member=''
}

teardown() {
	local pid
	for pid in $anns $bobs; do
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	service_teardown
	if [ -n "$member" ]; then userdel "$member"; fi
	if [ -n "${made_group:-}" ]; then groupdel ctrace; fi
	e2e_teardown
}

# run_as UID COMMAND…: in the background; its pid is in $bg.
run_as() {
	setpriv --reuid="$1" --regid="$1" --clear-groups "${@:2}" 3>&- </dev/null &
	bg=$!
	until_true became "$1" "$bg"
}
became() { [ "$(awk '/^Uid:/ { print $2 }' "/proc/$2/status")" = "$1" ]; }
users_programs() {
	run_as $ANN sleep 1000
	anns=$bg
	run_as $BOB sleep 1000
	bobs=$bg
}

# by_door DOOR UID CURL-WORDS…
by_door() {
	local words=()
	if [ "$1" = socket ]; then words=(--unix-socket "$serve_socket"); fi
	as_uid "$2" curl -sS --max-time 60 "${words[@]}" "${@:3}"
}
# ask DOOR UID METHOD PARAMS
ask() {
	local url=$serve_url/
	if [ "$1" = socket ]; then url=http://localhost/; fi
	by_door "$1" "$2" -H 'Content-Type: application/json' \
		--data "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$3\",\"params\":$4}" "$url"
}
fine() { ask "$@" | jq -e 'has("error") == false'; }
# refused_to DOOR UID METHOD PARAMS WORDS: the answer has these words, and the log of the service has them with the uid.
refused_to() {
	local answer
	answer=$(ask "${@:1:4}")
	[[ $answer == *'"error":'*"$5"* ]] || { echo "$answer" && return 1; }
	logged "refused .*uid $2.*${5//[*.]/.}" || return 1
	: >serve.err
}
both_doors() { for door in socket tcp; do "$@" || return 1; done; }

own_process() {
	fine "$door" $ANN debug_goTrace "[\"$door.trace\",1,{\"pid\":$anns}]" || return 1
	sound "out/$door.trace" || return 1
	[ "$(stat -c '%u %g %a' "out/$door.trace")" = "$ANN $ANN 600" ]
}
@test "an own process: recorded, and the file is the caller's alone" {
	users_programs
	start_service
	both_doors own_process
	# in a directory that he may not write, and may not even look into
	stop_service
	chmod 700 out
	rm out/*
	start_service --output-dir out
	both_doors own_process
}

others() {
	refused_to "$door" $ANN debug_goTrace "[\"x\",1,{\"pid\":$bobs}]" 'is not yours to look at' || return 1
	refused_to "$door" $ANN debug_goTrace '["x",1,{"pid":1}]' 'process 1 (' || return 1
	refused_to "$door" $ANN debug_goTrace "[\"x\",1,{\"pid\":$serve_pid}]" 'is not yours to look at' || return 1
	refused_to "$door" $ANN debug_goTrace "[\"x\",1,{\"pid\":[$anns,$bobs]}]" 'is not yours to look at' || return 1
	refused_to "$door" $ANN debug_startGoTrace '["x",{"all":true}]' 'only root and members of the group ctrace may record every process' || return 1
	refused_to "$door" $ANN debug_goTrace '["x",1,{"cgroup":"/"}]' 'a control group' || return 1
	refused_to "$door" $ANN debug_goTrace '["x",1,{"container":"0123456789ab"}]' 'a container' || return 1
	refused_to "$door" $ANN debug_goTrace "[\"x\",1,{\"pid\":$anns,\"buffer\":\"1G\"}]" 'how much memory a recording takes' || return 1
	[ ! -e out/x ]
}
@test "somebody else's process, and all of them: refused" {
	users_programs
	start_service
	both_doors others
	[ -z "$(service_children)" ] || no pgrep -P "$serve_pid" -x ctrace-recorder
}

streams() {
	local url=$serve_url code
	if [ "$door" = socket ]; then url=http://localhost; fi
	code=$(by_door "$door" $ANN -D head -o body -w '%{http_code}' "$url/debug/pprof/trace?seconds=1&pid=$bobs")
	[ "$code" = 403 ] || return 1
	grep -qi '^X-Go-Pprof: 1' head || return 1
	logged 'refused .*uid 12345.*is not yours' || return 1
	by_door "$door" $ANN -o T "$url/debug/pprof/trace?seconds=1&pid=$anns" || return 1
	sound T || return 1
	rm -f T head body
}
@test "the same where the trace is streamed" {
	users_programs
	chmod 777 .
	start_service
	both_doors streams
}

defaults() {
	refused_to "$door" $ANN debug_goTrace '["x",1]' "$1"
}
@test "what serve was given is not for everybody" {
	users_programs
	start_service -a
	both_doors defaults 'every process of the machine'
	both_doors own_process # he may name his own
	stop_service
	start_service -p "$bobs"
	both_doors defaults 'is not yours to look at'
}

not_dumpable() {
	refused_to "$door" $ANN debug_goTrace "[\"x\",1,{\"pid\":$anns}]" 'is not yours to look at'
}
@test "an own process that is more than its user: refused" {
	cp "$(command -v sleep)" setuid-sleep
	chown $BOB setuid-sleep
	chmod 4755 setuid-sleep
	setpriv --reuid=$ANN --regid=$ANN --clear-groups ./setuid-sleep 1000 3>&- </dev/null &
	anns=$!
	until_true test_exe "$anns" setuid-sleep
	start_service
	both_doors not_dumpable
	kill -KILL "$anns"
	run_as $ANN /usr/bin/python3 -c 'import ctypes, time; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); time.sleep(1000)'
	anns=$bg
	until_true owned_by_root "$anns"
	both_doors not_dumpable
}
test_exe() { [ "$(basename "$(readlink "/proc/$1/exe")")" = "$2" ]; }
owned_by_root() { [ "$(stat -c %u "/proc/$1/maps")" = 0 ]; }

paths() {
	local name
	for name in ../x sub/../../x /etc/cron.d/x "$PWD/x" \~/x ..; do
		refused_to "$door" $ANN debug_goTrace "[\"$name\",1,{\"pid\":$anns}]" "open $name: permission denied: files are written beneath" || return 1
	done
	refused_to "$door" $ANN debug_goTrace "[\"link\",1,{\"pid\":$anns}]" 'open link: too many levels of symbolic links' || return 1
	refused_to "$door" $ANN debug_goTrace "[\"dangling\",1,{\"pid\":$anns}]" 'symbolic link' || return 1
	refused_to "$door" $ANN debug_goTrace "[\"etc/x\",1,{\"pid\":$anns}]" 'symbolic link' || return 1
	refused_to "$door" $ANN debug_goTrace "[\"hard\",1,{\"pid\":$anns}]" 'open hard: permission denied: it has another name, too' || return 1
	refused_to "$door" $ANN debug_goTrace "[\"bobs\",1,{\"pid\":$anns}]" 'open bobs: permission denied: it belongs to somebody else' || return 1
	refused_to "$door" $ANN debug_goTrace "[\"roots\",1,{\"pid\":$anns}]" 'open roots: permission denied: it belongs to somebody else' || return 1
	refused_to "$door" $ANN debug_goTrace "[\"dir\",1,{\"pid\":$anns}]" 'open dir: is a directory' || return 1
	refused_to "$door" $ANN debug_goTrace "[\"fifo\",1,{\"pid\":$anns}]" 'open fifo: permission denied: it is no regular file' || return 1
	refused_to "$door" $ANN debug_goTrace "[\"private/x\",1,{\"pid\":$anns}]" 'open private/x: permission denied' || return 1
	refused_to "$door" $ANN debug_goTrace "[\"\",1,{\"pid\":$anns}]" 'open : no such file or directory' || return 1
}
@test "files elsewhere, links, other people's, and what is no file: refused, and untouched" {
	users_programs
	start_service
	echo kept >out/own
	chown $ANN out/own
	ln -s own out/link
	ln -s nowhere out/dangling
	ln -s /etc out/etc
	ln out/own out/hard
	echo kept >out/bobs
	chmod 666 out/bobs
	chown $BOB out/bobs
	echo kept >out/roots
	mkdir -m 700 out/private
	mkdir out/dir
	mkfifo -m 666 out/fifo
	chown $ANN out/fifo out/dir
	both_doors paths
	[ "$(cat out/own out/bobs out/roots)" = $'kept\nkept\nkept' ]
	[ ! -e x ]
	[ ! -e out/nowhere ]
	[ -z "$(ls out/private)" ]
	[ ! -e /etc/cron.d/x ]
	# without its second name his own is replaced
	rm out/hard
	fine socket $ANN debug_goTrace "[\"own\",1,{\"pid\":$anns}]"
	sound out/own
}

@test "one user's recording is nobody else's to stop, or to know of" {
	users_programs
	start_service
	fine socket $ANN debug_startGoTrace "[\"a\",{\"pid\":$anns}]"
	[ "$(ask tcp $BOB ctrace_status '[]' | jq '.result.recordings | length')" = 0 ]
	[[ $(ask tcp $BOB debug_stopGoTrace '[]') == *'trace not in progress'* ]]
	[[ $(ask tcp $BOB ctrace_stop '[1]') == *'"error"'* ]]
	[[ $(ask tcp $ANN debug_startGoTrace "[\"b\",{\"pid\":$anns}]") == *'trace already in progress'* ]]
	# each has his own
	fine tcp $BOB debug_startGoTrace "[\"b\",{\"pid\":$bobs}]"
	[ "$(rpc ctrace_status | jq '.result.recordings | length')" = 2 ]
	fine tcp $ANN debug_stopGoTrace '[]'
	fine tcp $BOB debug_stopGoTrace '[]'
	sound out/a out/b
}

@test "a user cannot take all places" {
	users_programs
	start_service --max-recordings 2
	fine socket $ANN debug_startGoTrace "[\"a\",{\"pid\":$anns}]"
	[ "$(by_door tcp $ANN -o body -w '%{http_code}' "$serve_url/debug/pprof/trace?seconds=1&pid=$anns")" = 503 ]
	rpc debug_goTrace "[\"r\",1,{\"pid\":$anns}]" | jq -e 'has("error") == false'
}

@test "the flight recorder's are for root" {
	users_programs
	start_service -p "$anns" --flight-recorder=10s
	refused_to socket $ANN debug_snapshotGoTrace '["x"]' 'only root and members of the group ctrace'
	[ ! -e out/x ]
}

@test "who records for a user has his rights, and is not his to look into" {
	local recorder caps
	users_programs
	start_service
	fine socket $ANN debug_startGoTrace "[\"a\",{\"pid\":$anns}]"
	recorder=$(pgrep -P "$serve_pid" -x ctrace-recorder)
	[ "$(awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$recorder/status")" = "$ANN $ANN $ANN $ANN" ]
	[ "$(awk '/^Groups:/ { print NF }' "/proc/$recorder/status")" -le 2 ]
	caps=$((0x$(awk '/^CapPrm/ { print $2 }' "/proc/$recorder/status")))
	# none but CAP_BPF and CAP_PERFMON
	[ $((caps & ~(1 << 38 | 1 << 39))) -eq 0 ]
	no as_uid $ANN cat "/proc/$recorder/environ"
	no as_uid $ANN ls "/proc/$recorder/fd"
	fine socket $ANN debug_stopGoTrace '[]'
	sound out/a
}

# A group of the machine is made where there is none, and taken away again.
@test "members of the group ctrace may do everything, and the files are theirs" {
	local gid uid
	users_programs
	getent group ctrace >/dev/null || {
		groupadd --system ctrace
		made_group=1
	}
	gid=$(getent group ctrace | cut -d: -f3)
	start_service
	# by the groups that his process has
	setpriv --reuid=$ANN --regid=$ANN --groups="$gid" curl -sS --max-time 60 --unix-socket "$serve_socket" \
		-H 'Content-Type: application/json' --data '{"jsonrpc":"2.0","id":1,"method":"debug_goTrace","params":["a",1,{"all":true}]}' \
		http://localhost/ | jq -e 'has("error") == false'
	[ "$(stat -c '%u %a' out/a)" = "$ANN 600" ]
	sound out/a
	# over TCP by the list of groups
	member=ctr7dm
	useradd -M -G ctrace $member
	uid=$(id -u $member)
	fine tcp "$uid" debug_goTrace "[\"b\",1,{\"pid\":$bobs}]"
	[ "$(stat -c '%U %G %a' out/b)" = "$member $(id -gn $member) 600" ]
	sound out/b
	refused_to tcp $ANN debug_goTrace '["c",1,{"all":true}]' 'every process of the machine'
}

with_token() { # TOKEN URL CURL-WORDS…
	as_uid $ANN curl -sS --max-time 60 -o body -w '%{http_code}' -H "Authorization: Bearer $1" "${@:2}"
}
@test "the token stands for everything, a wrong one for nothing" {
	local token=correct-horse-battery-staple
	users_programs
	chmod 777 .
	(umask 077 && echo $token >token)
	start_service --token-file token
	[ "$(with_token $token "$serve_url/debug/pprof/trace?seconds=1&pid=$bobs")" = 200 ]
	sound body
	rm body
	[ "$(with_token "${token}r" "$serve_url/debug/pprof/trace?seconds=1&pid=$bobs")" = 401 ]
	no grep -q "$token" serve.err
	logged 'refused'
	# the file is his
	[ "$(with_token $token -H 'Content-Type: application/json' "$serve_url/" \
		--data '{"jsonrpc":"2.0","id":1,"method":"debug_goTrace","params":["t",1,{"all":true}]}')" = 200 ]
	[ "$(stat -c '%u %a' out/t)" = "$ANN 600" ]
	logged 'for uid 12345, with the token'
}

@test "from elsewhere nobody is known: the token, or nothing" {
	local token=correct-horse-battery-staple address port
	address=$(ip -o -4 addr show scope global 2>/dev/null | awk '{ sub("/.*", "", $4); print $4; exit }')
	[ -n "$address" ] || address=$(hostname -I | awk '{ print $1 }')
	[ -n "$address" ] || skip "no address but loopback"
	users_programs
	(umask 077 && echo $token >token)
	port=$(free_port)
	refused 2 'others than this machine can reach it; give --token-file' "$CTRACE" serve --listen "$address:$port" --socket s
	start_service --listen "$address:$port" --token-file token
	serve_url=http://$address:$port
	until_true curl -sS -o /dev/null "$serve_url/"
	[ "$(code_of -D head "$serve_url/debug/pprof/trace?seconds=1&pid=$bobs")" = 401 ]
	grep -qi '^WWW-Authenticate: Bearer' head
	logged 'refused.*somebody unknown\|somebody unknown.*refused'
	[ "$(code_of -H "Authorization: Bearer x$token" "$serve_url/debug/pprof/")" = 401 ]
	[ "$(code_of -H "Authorization: Bearer $token" "$serve_url/debug/pprof/trace?seconds=1&pid=$bobs")" = 200 ]
	logged 'for the bearer of the token'
	# the file is of who runs the service
	rpc_by -H "Authorization: Bearer $token" -- debug_goTrace "[\"t\",0,{\"pid\":$bobs}]" | jq -e 'has("error") == false'
	[ "$(stat -c '%u %a' out/t)" = '0 600' ]
}
