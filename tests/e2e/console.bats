#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The console: lines of a script, and a user at a terminal. What is asked is something that answers JSON-RPC (answerer.py), and
# at the end the service itself, with the lines of geth's documentation.
load ../lib/common.bash
load ../lib/serve.bash

setup() {
	e2e_setup
	export XDG_STATE_HOME=$PWD/state NO_COLOR=1 TERM=xterm
	serve_pid=''
	"$ROOT/tests/lib/answerer.py" "$PWD/sock" >answers 2>&1 3>&- &
	other_pid=$!
	until_true grep -q ready answers
}
teardown() {
	service_teardown
	e2e_teardown
}

console() { timeout 60 "$CTRACE" console "$PWD/sock" "$@"; }
# script [OPTION…] <<LINES: what it says is in ./out and ./err, its status in $status
script() {
	status=0
	console "$@" >out 2>err || status=$?
	cat out err
}
# typed <<STEPS: of tests/lib/typist.py; what was on the terminal is in ./tty
typed() {
	status=0
	"$ROOT/tests/lib/typist.py" "$CTRACE" console "$PWD/sock" >tty 2>tty.err || status=$?
	cat -v tty tty.err
	[ "$status" -ne 200 ]
}
said() { [ "$(cat out)" = "$1" ]; }
calls() { grep -v '^rpc_modules\|^ctrace_status' sock.calls; }

# ---- scripts ----

@test "a call of a script prints its result" {
	script --exec 'debug.goTrace("go.trace", 0)'
	[ $status -eq 0 ]
	said null
	[ ! -s err ]
	[ "$(cat sock.calls)" = 'debug_goTrace ["go.trace", 0]' ]
}

@test "several calls are done one after the other, and the first that fails is the last" {
	script --exec 'debug.startGoTrace("a")' --exec 'echo.echo(1)' --exec 'debug.startGoTrace("b")' --exec 'debug.stopGoTrace()'
	[ $status -eq 1 ]
	said $'null\n[1]'
	[ "$(cat err)" = 'Error: trace already in progress' ]
	[ "$(wc -l <sock.calls)" -eq 3 ]
}

@test "lines of a pipe are calls: no prompt, no welcome" {
	script <<-'END'
		debug.startGoTrace("a") // begin

		echo.echo({pid: 42, region: ['a:b']});
		debug.stopGoTrace()
	END
	[ $status -eq 0 ]
	said $'null\n[{\n    pid: 42,\n    region: ["a:b"]\n}]\nnull'
	[ ! -s err ]
	script <<<'debug.stopGoTrace()'
	[ $status -eq 1 ]
	[ "$(cat err)" = 'Error: trace not in progress' ]
	printf 'echo.echo(1)' | console >out
	said '[1]'
}

@test "what stands behind a failed line of a pipe is not done, nor what stands behind exit" {
	script <<<$'debug.stopGoTrace()\necho.echo(1)'
	[ $status -eq 1 ]
	said ''
	script <<<$'exit\necho.echo(1)'
	[ $status -eq 0 ]
	said ''
	[ "$(calls)" = 'debug_stopGoTrace []' ]
}

@test "a line that is none is shown with the place, and nothing is called" {
	script --exec 'debug.goTrace(go.trace, 5)'
	[ $status -eq 1 ]
	[ "$(sed -n 1p err)" = '  debug.goTrace(go.trace, 5)' ]
	[ "$(sed -n 2p err)" = '                ^' ]
	[[ $(sed -n 3p err) == 'SyntaxError: '*'"go.trace"'* ]]
	script --exec 'echo.echo("ä", ö)'
	[ "$(sed -n 2p err)" = '                 ^' ]
	printf 'echo.echo(1\0)\n' >in
	script <in
	[ $status -eq 1 ]
	[[ $(cat err) == *NUL* ]]
	[ ! -s sock.calls ]
}

@test "names without () are told of, and some are asked for" {
	script --exec debug --exec debug.stopGoTrace --exec rpc.modules --exec 'rpc.modules()'
	[ $status -eq 0 ]
	grep -qx '  stopGoTrace: function()' out
	grep -qx 'function()' out
	[ "$(grep -cx '  debug: "1.0",' out)" -eq 2 ]
	[ "$(sort -u sock.calls)" = 'rpc_modules []' ]
	script --exec nothing
	[ $status -eq 1 ]
	[[ $(cat err) == 'ReferenceError: nothing is not defined'* ]]
	script --exec 'debug.other()'
	[ "$(cat err)" = 'Error: the method debug_other does not exist/is not available' ]
}

@test "help names each method and the seed's examples" {
	script --exec help
	[ $status -eq 0 ]
	for method in goTrace startGoTrace stopGoTrace snapshotGoTrace; do grep -q "^  debug\.$method(" out; done
	grep -qxF '  > debug.goTrace("go.trace", 5)' out
	[ ! -s sock.calls ]
}

@test "--json prints results as JSON, a line each" {
	script --json --exec 'echo.echo({a: [1, "\n"]})' --exec 'debug.goTrace("x", 0)'
	[ "$(sed -n 1p out | jq -c .)" = '[{"a":[1,"\n"]}]' ]
	[ "$(sed -n 2p out)" = null ]
}

@test "nobody there, and other places that are none, are said in words" {
	refused 1 'no service at /nowhere/at/all: start it with ctrace-bpf serve' "$CTRACE" console /nowhere/at/all
	refused 1 'write http://localhost:7501' "$CTRACE" console localhost:7501
	refused 2 'neither http://' "$CTRACE" console ftp://localhost
	refused 2 'takes one address' "$CTRACE" console a b
	refused 2 'address is empty' "$CTRACE" console ''
	refused 2 'token-file is for a URL' "$CTRACE" console sock --token-file x
	refused 2 'tls-ca is for a URL' "$CTRACE" console --tls-ca x
	refused 1 'cannot read the token in /nowhere' "$CTRACE" console http://localhost:7501 --token-file /nowhere
	CTRACE_SOCKET=/nowhere/of/env refused 1 'no service at /nowhere/of/env' "$CTRACE" console
	[ "$(CTRACE_SOCKET=$PWD/sock "$CTRACE" console --exec 'echo.echo(7)')" = '[7]' ]
	status=0
	"$CTRACE" console http://127.0.0.1:1 --exec 'echo.echo(7)' >out 2>err || status=$?
	[ $status -eq 1 ]
	[[ $(cat err) == 'Error: no service at http://127.0.0.1:1: '* ]]
}

@test "a reader that goes away is an error, and not the end by a signal" {
	status=0
	mkfifo reader
	true <reader &
	console --exec 'echo.echo(1)' 2>err >reader || status=$?
	wait $!
	[ "$status" -le 1 ]
}

# ---- a user at a terminal ----

@test "the prompt, and the seed's line" {
	typed <<-'END'
		wait >\x20
		type debug.goTrace("go.trace", 5)\r
		wait null\r\n>\x20
		type \x04
	END
	[ $status -eq 0 ]
	grep -q '^Welcome to the console of ctrace-bpf 1.2.3 at ' tty
	grep -q 'process 42 (redis-server)' tty
	grep -q 'ann (uid 1000), who may record his own processes' tty
	[ "$(calls)" = 'debug_goTrace ["go.trace", 5]' ]
}

@test "what a service says of itself does nothing to the terminal" {
	typed <<-'END'
		wait >\x20
		type e\t
		wait exit
		type xit\r
	END
	[ $status -eq 0 ]
	grep -qF 'redis-server)?31m' tty
	grep -qF 'echo:1.0?[5m' tty
	no grep -q evil tty
	no grep -qF $'\e[5m' tty
	no grep -q $'\xc2\x9b' tty
}

@test "Tab completes namespaces and methods, and shows what there is to choose" {
	typed <<-'END'
		wait >\x20
		type de\tgo\t'a', 1)\r
		wait null
		wait >\x20
		type debug.st\t
		wait startGoTrace(
		wait stopGoTrace()
		type o\t\r
		wait not in progress
		wait >\x20
		type ec\techo("debug.\t")\r
		wait ["debug."]
		wait >\x20
		type exit\r
	END
	[ $status -eq 0 ]
	[ "$(calls)" = $'debug_goTrace ["a", 1]\ndebug_stopGoTrace []\necho_echo ["debug."]' ]
}

@test "the arrows bring back lines, also those of an earlier console; the file is the user's alone" {
	typed <<-'END'
		wait >\x20
		type echo.echo("one")\r
		wait ["one"]
		wait >\x20
		type echo.echo("two")\r
		wait ["two"]
		wait >\x20
		type echo.echo("two")\r
		wait ["two"]
		wait >\x20
		type \x1b[A\x1b[A\r
		wait ["one"]
		wait >\x20
		type \x04
	END
	[ "$(stat -c %a state/ctrace-bpf/history)" = 600 ]
	[ "$(cat state/ctrace-bpf/history)" = $'echo.echo("one")\necho.echo("two")\necho.echo("one")' ]
	typed <<-'END'
		wait >\x20
		type \x1b[A\x1b[A\x7f, 2)\r
		wait ["two", 2]
		wait >\x20
		type quit\r
	END
	[ $status -eq 0 ]
}

@test "under sudo the history is that of the user who called it" {
	useradd -m ctr7ehist || skip "no user can be made"
	home=$(getent passwd ctr7ehist | cut -d: -f6)
	export SUDO_UID SUDO_GID
	SUDO_UID=$(id -u ctr7ehist) SUDO_GID=$(id -g ctr7ehist)
	typed <<-'END' || failed=1
		wait >\x20
		type echo.echo(1)\r
		wait [1]
		type exit\r
	END
	unset SUDO_UID SUDO_GID
	owner=$(stat -c %U "$home/.local/state/ctrace-bpf/history" "$home/.local" || :)
	userdel -r ctr7ehist 2>/dev/null
	[ -z "${failed:-}" ]
	[ "$owner" = $'ctr7ehist\nctr7ehist' ]
	[ ! -e state ]
}

@test "Ctrl-C clears the line" {
	typed <<-'END'
		wait >\x20
		type echo.echo("never")
		wait never")
		type \x03
		wait ^C\r\n>\x20
		type echo.echo("then")\r
		wait ["then"]
		wait >\x20
		type exit\r
	END
	[ $status -eq 0 ]
	[ "$(calls)" = 'echo_echo ["then"]' ]
}

@test "Ctrl-C no longer waits for a call, which goes on, and the next answer is its own" {
	touch held
	typed <<-'END'
		wait >\x20
		type echo.late("held")\r
		until grep -q late sock.calls
		type \x03
		wait goes on with it
		wait >\x20
		type echo.echo("next")\r
		wait ["next"]
		until rm held
		type echo.echo("last")\r
		wait ["last"]
		wait >\x20
		type exit\r
	END
	[ $status -eq 0 ]
}

@test "a window that changes its size, a stop and a go leave the line as it was" {
	cat >steps <<-'END'
		type PS1='ready''> '\r
		wait ready>
		type "$CTRACE" console "$PWD/sock"\r
		wait >\x20
		type echo.echo("aaaaaaaaaa
		wait aaaaaaaaaa
		size 20 30
		type bbbbbbbbbb
		wait \x20\x08bbb
		type \x1a
		wait Stopped
		wait ready>
		type fg\r
		wait >\x20echo
		until grep -q '^State:.S' /proc/$(pgrep -P $PID)/status
		type d\x1b[Dc\x1b[C")\r
		wait ["aaaaaaaaaabbbbbbbbbbcd"]
		wait >\x20
		type exit\r
		wait ready>
		type exit\r
	END
	"$ROOT/tests/lib/typist.py" env -u PROMPT_COMMAND bash --norc -i <steps >tty 2>tty.err || { cat -v tty tty.err && false; }
	[ "$(calls)" = 'echo_echo ["aaaaaaaaaabbbbbbbbbbcd"]' ]
	no grep -qF '^[' tty # the terminal itself has shown no key
}

@test "a terminal that goes away, and SIGTERM, end it" {
	for signal in HUP TERM; do
		typed <<-END
			wait >\x20
			type echo.echo("x
			wait "x
			until kill -$signal \$PID
		END
		[ $status -eq 0 ]
	done
	touch held
	typed <<-'END'
		wait >\x20
		type echo.late("held")\r
		until grep -q late sock.calls
		until kill -TERM $PID
	END
	rm held
	[ $status -eq 0 ]
}

@test "letters beyond ASCII are edited as letters" {
	LC_ALL=C typed <<-'END'
		wait >\x20
		type echo.echo("\xc3\xa4\xf0\x9f\x98\x80x\x7f\x7f!")\r
		wait ["\xc3\xa4!"]
		wait >\x20
		type exit\r
	END
	[ $status -eq 0 ]
}

@test "colors, where they are wanted" {
	unset NO_COLOR
	steps=$'wait > \ntype echo.echo("x", 1)\\r\nwait ]\ntype exit\\r'
	typed <<<"$steps"
	grep -qF $'[\e[32m"x"\e[0m, \e[31m1\e[0m]' tty
	TERM=dumb typed <<<"$steps"
	grep -qF '["x", 1]' tty
	console --exec 'echo.echo("x", 1)' >out
	said '["x", 1]'
}

# ---- the service ----

@test "geth's documentation, word for word: the console's three examples" {
	start_prog mixed
	start_service -p "$(ready_word 2)"
	status=0
	"$ROOT/tests/lib/typist.py" "$CTRACE" console "$serve_socket" >tty <<-'END' || status=$?
		wait >\x20
		type debug.goTrace("go.trace", 5)\r
		wait debug.goTrace("go.trace", 5)\r\nnull\r\n>\x20
		until test -s out/go.trace && mv out/go.trace first.trace
		type debug.startGoTrace("go.trace")\r
		wait debug.startGoTrace("go.trace")\r\nnull\r\n>\x20
		type debug.startGoTrace("other.trace")\r
		wait Error: trace already in progress\r\n>\x20
		type debug.stopGoTrace()\r
		wait debug.stopGoTrace()\r\nnull\r\n>\x20
		type debug.stopGoTrace()\r
		wait Error: trace not in progress\r\n>\x20
		type exit\r
	END
	cat -v tty
	[ $status -eq 0 ]
	sound first.trace out/go.trace
	[ ! -e out/other.trace ]
}

@test "by the URL, with a token, and with a certificate that nobody else knows" {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 1 -subj /CN=localhost \
		-addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' 2>/dev/null
	echo 0123456789abcdef0123456789abcdef >token
	echo fedcba9876543210fedcba9876543210 >wrong
	chmod 600 token wrong
	start_prog mixed
	start_service -p "$(ready_word 2)" --token-file token --tls-cert cert.pem --tls-key key.pem
	url=https://127.0.0.1:$serve_port
	[ "$("$CTRACE" console "$url" --token-file token --tls-ca cert.pem --exec 'debug.goTrace("a.trace", 1)')" = null ]
	sound out/a.trace
	fails 'is not trusted: .*--tls-ca' "$url" --token-file token
	fails 'refused with 401: .*--token-file' "$url" --token-file wrong --tls-ca cert.pem
	fails 'is no file with certificates|not trusted|cannot reach' "$url" --token-file token --tls-ca token
	fails 'cannot reach|closed the connection' "http://127.0.0.1:$serve_port" --token-file token
}
# fails PATTERN WHERE…: a call there fails with such a sentence
fails() {
	local pattern=$1
	status=0
	"$CTRACE" console "${@:2}" --exec rpc.modules >answer 2>err || status=$?
	cat err
	[ $status -eq 1 ] && [ ! -s answer ] && grep -qE "^Error: .*($pattern)" err
}

@test "an ordinary user is told so, and his recordings are his own" {
	start_service
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" .
	status=0
	as_uid 65534 "$CTRACE" console "$serve_socket" --exec 'ctrace.status' --exec 'debug.startGoTrace("x", {pid: 1})' >answer 2>err || status=$?
	cat answer err
	[ $status -eq 1 ]
	grep -qx '  rights: "own",' answer
	grep -q '^Error: ' err
	[ ! -e out/x ]
}
