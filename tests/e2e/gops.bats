#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The commands of gops, for every program: ps, tree, trace, view; and gops itself beside them, on the same processes.

setup() {
	load ../lib/common.bash
	e2e_setup
	more=()
}

teardown() {
	local pid
	for pid in "${more[@]}"; do
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	umount -l mnt 2>/dev/null || :
	rm -rf "${bin:-/nonexistent}"
	e2e_teardown
}

# start COMMAND [ARG…]: waits in the background for the end of the test; its number is in $pid.
start() {
	"$@" <>"$(idle_pipe)" >/dev/null 2>&1 3>&- &
	pid=$!
	more+=("$pid")
}
idle_pipe() {
	[ -p idle ] || mkfifo idle
	echo idle
}

# waiter NAME: starts a C program of that name, without markers, that waits.
waiter() {
	cp "$(readlink -f "$(command -v sleep)")" "$1"
	start "./$1" infinity
	until_true runs "$pid" "$PWD/$1"
}

find_go_or_skip() {
	go=$("$ROOT/scripts/find-go.sh") || skip "no Go"
}

# A Go program that waits, with a region or without.
go_program() {
	local region='' import=''
	if [ "${2:-}" = region ]; then
		import='import ("context"; "runtime/trace")'
		region='trace.WithRegion(context.Background(), "wait", func() {})'
	fi
	cat >"$1.go" <<-END
		package main
		import ("bufio"; "os")
		$import
		func main() {
			$region
			bufio.NewReader(os.Stdin).ReadByte()
		}
	END
	HOME=${HOME:-/} "$go" build -o "$1" "$1.go"
}

# have_gops: google/gops itself, built once; GOPS is where.
have_gops() {
	GOPS=$O/gops
	[ -x "$GOPS" ] || (cd "$ROOT/tests/clients/gops" && HOME=${HOME:-/} "$go" build -o "$GOPS" github.com/google/gops) || skip "google/gops cannot be had"
}

ps_line() { "$CTRACE" ps | awk -v pid="$1" '$1 == pid { $1 = $1; print }'; }
is_listed() { ps_line "$1" | grep -q .; }
runs() { [ "$(readlink "/proc/$1/exe")" = "$2" ]; } # it is that program by now
json_of() { "$CTRACE" ps --json | jq -e ".processes[] | select(.pid == $1)"; }

@test "ps: number, parent, name, what it runs on, path; a * where it has markers" {
	waiter plain
	[ "$(ps_line "$pid")" = "$pid $$ plain ELF $PWD/plain" ]
	start "$PROG/marks"
	until_true runs "$pid" "$(readlink -f "$PROG/marks")"
	[ "$(ps_line "$pid")" = "$pid $$ marks * ELF $(readlink -f "$PROG/marks")" ]
	start "$PROG/throws"
	until_true runs "$pid" "$(readlink -f "$PROG/throws")"
	has_runtime "$pid" c++
	# no thread of the kernel, nothing that has ended, and not ourselves
	"$CTRACE" ps >all 3>&- &
	wait $!
	no grep -q "^$! " all
	no grep -q kthreadd all
	no grep -qE "^[0-9]+ +$! " all
	# left-aligned columns, by pid, no head
	cut -d ' ' -f 1 all >pids
	sort -n pids | cmp - pids
}

@test "ps: the versions of Python, Node, Java and Rust, as they tell them themselves" {
	local py any=''
	py=$(command -v python3) && {
		start "$py" -c 'import sys; sys.stdin.read()'
		until_true is_python "$pid"
		[ "$(json_of "$pid" | jq -r '"\(.runtime) \(.version)"')" = "python $("$py" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" ]
		any=1
	}
	if command -v node; then
		start node -e 'process.stdin.resume()'
		until_true has_runtime "$pid" node
		[[ $(json_of "$pid" | jq -r .version) == @($(node -p 'process.versions.node')|null) ]]
	fi
	if command -v java && command -v javac; then
		echo 'class W { public static void main(String[] a) throws Exception { System.in.read(); } }' >W.java
		javac W.java
		start java -cp . W
		until_true has_runtime "$pid" jvm
		[ "$(json_of "$pid" | jq -r .version)" = "$(java -XshowSettings:properties -version 2>&1 | awk '$1 == "java.version" { print $3 }')" ]
	fi
	if command -v rustc && echo 'fn main() { let mut s = String::new(); std::io::stdin().read_line(&mut s).unwrap(); }' >w.rs && rustc -o w w.rs; then
		start ./w
		until_true has_runtime "$pid" rust
		[ "$(json_of "$pid" | jq -r .version)" = "$(rustc --version | awk '{ print $2 }')" ]
	fi
	[ "$any" ] || skip "no Python"
}
is_python() { has_runtime "$1" python; }
has_runtime() { [ "$(json_of "$1" | jq -r .runtime)" = "$2" ]; }

@test "a program that calls itself python, or holds Python beside its own work, is itself" {
	waiter python3.9
	has_runtime "$pid" elf
	waiter bare
	# and one that is gone from the disk
	rm bare
	[ "$(json_of "$pid" | jq -r .path)" = "$PWD/bare" ]
	has_runtime "$pid" elf
}

@test "ps WORD: of names, paths and runtimes; nothing that fits is an error" {
	waiter vaguely-like-this
	[ "$("$CTRACE" ps vaguely-LIKE | cut -d ' ' -f 1)" = "$pid" ]
	[ "$("$CTRACE" ps 'vaguely*this' | cut -d ' ' -f 1)" = "$pid" ]
	"$CTRACE" ps elf | grep -q "^$pid "
	"$CTRACE" tree vaguely | grep -q "── $pid (vaguely-like-this) {ELF}"
	refused 1 "no process has 'no-such-thing' in its name" "$CTRACE" ps no-such-thing
	refused 1 "no process has 'no-such-thing' in its name" "$CTRACE" tree no-such-thing
	refused 2 'ps takes one PID or one word' "$CTRACE" ps a b
	refused 2 'not a time to look at it' "$CTRACE" ps 1 soon
	refused 2 'tree takes one word' "$CTRACE" tree a b
	refused 2 'unknown option -p; see ctrace-bpf ps --help' "$CTRACE" ps -p 1
}

@test "ps PID: what gops says of it, and whether it can be recorded" {
	mkfifo told
	python3 -c 'import socket, sys; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True); sys.stdin.read()' \
		a "b  c" <told >said 3>&- &
	prog_pid=$!
	exec {tell_fd}>told
	until_true test -s said
	"$CTRACE" ps "$prog_pid" | tee out
	grep -qx $'parent PID:\t'"$$" out
	grep -qx $'threads:\t1' out
	grep -qx $'username:\t'"$(id -un)" out
	grep -q $'^cmd+args:\t.*python.* -c import socket.* a b  c$' out
	grep -qxE $'elapsed time:\t[0-9]{2}:[0-9]{2}' out
	grep -qx $'local/remote:\t127.0.0.1:'"$(cat said)"' <-> 0.0.0.0:0 (LISTEN)' out
	grep -qE $'^runtime:\tPython 3' out
	grep -qx $'markers:\tno' out
	grep -qx $'recordable:\tyes' out
	"$CTRACE" ps --json "$prog_pid" | jq -e '.runtime == "python" and .command[-2:] == ["a", "b  c"] and .connections[0].state == "LISTEN" and .recordable'
	"$CTRACE" ps "$prog_pid" 10ms | grep -q '^cpu usage (0.01'
	refused 1 'no process with pid 4194303' "$CTRACE" ps 4194303
	refused 1 'no process with pid 99999999999' "$CTRACE" ps 99999999999
	if [ -e /proc/2/comm ] && [ -z "$(readlink /proc/2/exe)" ]; then refused 1 'is a kernel thread: it runs no program' "$CTRACE" ps 2; fi
}

@test "a user sees all processes, and of others what everybody may know" {
	local me
	start setpriv --reuid nobody --regid nogroup --clear-groups sleep infinity
	until_true runs "$pid" "$(readlink -f "$(command -v sleep)")"
	"$CTRACE" ps --json >by_root
	install -m 755 "$CTRACE" ctrace
	me=(setpriv --reuid nobody --regid nogroup --clear-groups)
	"${me[@]}" ./ctrace ps --json >by_nobody
	jq -e ".processes[] | select(.pid == $pid) | .recordable and .runtime == \"elf\" and .uid == $(id -u nobody)" by_nobody
	jq -e ".processes[] | select(.pid == $$) | .recordable == false and .runtime == \"unknown\" and .path == null and .name == \"$(cat /proc/$$/comm)\"" by_nobody
	jq -e ".processes[] | select(.pid == $$) | .recordable" by_root
	[ "$("${me[@]}" ./ctrace ps $$ | grep recordable)" = $'recordable:\tno, not by this user' ]
	"${me[@]}" ./ctrace ps $$ | grep -q $'^cmd+args:\t.'
}

@test "tree: children below their parents" {
	start bash -c 'sleep infinity; true'
	local shell=$pid
	until_true has_child "$shell"
	"$CTRACE" tree | tee out
	[ "$(head -n 1 out)" = ... ]
	grep -A 1 -E "── $shell \(bash\) \{ELF\}" out | grep -qE "└── [0-9]+ \(sleep\) \{ELF\}"
	more+=("$(has_child "$shell")")
}
has_child() { pgrep -P "$1" -x sleep; }

@test "gops and ps say the same of the same Go programs" {
	find_go_or_skip
	have_gops
	go_program quiet
	go_program chatty region
	go_program a-name-longer-than-the-kernel-keeps
	local p n
	for n in quiet chatty a-name-longer-than-the-kernel-keeps; do
		start "./$n"
		until_true runs "$pid" "$PWD/$n"
	done
	"$GOPS" >theirs
	"$CTRACE" ps >ours
	for p in "${more[@]}"; do
		awk -v pid="$p" '$1 == pid { $1 = $1; print }' theirs >a
		awk -v pid="$p" '$1 == pid { sub(/\*/, " "); $1 = $1; print }' ours >b
		test -s a
		diff a b
	done
	# whose markers there are: gops has the star for its agent
	[[ $(ps_line "${more[0]}") != *\** ]]
	[[ $(ps_line "${more[1]}") == *" chatty * go"* ]]
	# in full: all lines but those of time are the same, in the same order
	for p in "${more[@]}" $$; do
		"$GOPS" "$p" | grep -vE '^(elapsed time|cpu usage|memory usage)' >a
		"$CTRACE" ps "$p" | grep -vE '^(elapsed time|cpu usage|memory usage|runtime|path|markers|recordable)' >b
		diff a b
	done
	# as a tree: what is not Go is left out there
	"$GOPS" tree | grep -E "\((quiet|chatty)\)" | sed 's/.*── //' | sort >a
	"$CTRACE" tree | grep -E "\((quiet|chatty)\)" | sed 's/.*── //; s/^\[\*\]  //' | sort >b
	diff a b
}

@test "a program on a file system that does not answer holds nobody up" {
	[ -c /dev/fuse ] || skip "no /dev/fuse"
	local server order_fd
	mkdir mnt
	mkfifo order
	python3 "$ROOT/tests/lib/fuse.py" "$PROG/known" mnt <order >server 2>server.err 3>&- &
	server=$!
	exec {order_fd}>order
	wait_line server '^mounted' || skip "no file systems in user space: $(cat server.err)"
	mkfifo told
	mnt/prog 5 <told >said 3>&- {order_fd}>&- &
	prog_pid=$!
	exec {tell_fd}>told
	wait_line said '^ready'
	local status=0
	echo hang >&"$order_fd"
	wait_line server '^hang'
	timeout 30 "$CTRACE" ps --json >all {order_fd}>&- || status=$?
	timeout 30 "$CTRACE" ps "$prog_pid" >one {order_fd}>&- || status=$?
	echo answer >&"$order_fd"
	kill -KILL "$prog_pid"
	wait "$prog_pid" || :
	umount -l mnt
	exec {order_fd}>&-
	wait "$server" || :
	[ "$status" -eq 0 ]
	jq -e ".processes[] | select(.pid == $prog_pid) | .runtime == \"unknown\"" all
	jq -e ".processes[] | select(.pid == $$) | .runtime == \"elf\"" all
	jq -e '[.processes[] | select(.runtime == "unknown")] | length < 10' all
	grep -q $'^runtime:\t?' one
}

# ---- trace and view ----

# on_terminal COMMAND: its standard streams are a terminal; what it says is in ./term. In the background.
on_terminal() {
	script -qefc "$*" term </dev/null >/dev/null 2>&1 3>&- &
	other_pid=$!
}
# The viewer's address, once it says that it serves there.
viewer_at() {
	until_true -t 60 grep -q 'listening on http://' term || return 1
	grep -o 'http://[0-9.:]*' term | head -n 1
}

@test "trace PID TIME: says what gops says, and the trace is there, nobody else's" {
	start_prog mixed
	"$CTRACE" trace "$(ready_word 2)" 0.3 >out 2>err
	cat out err
	[ "$(sed -n 1p out)" = "Tracing now, will take 0.3 secs..." ]
	[[ $(sed -n 2p out) =~ ^'Trace dump saved to: '(/tmp/trace......)$ ]]
	local file=${BASH_REMATCH[1]}
	[ "$(wc -l <out)" -eq 2 ]
	[ "$(stat -c '%a %u' "$file")" = "600 0" ]
	mv "$file" T
	sound T
	grep -q '0 lost' err
	nothing_left
}

@test "trace takes the options of a recording, and tells in JSON when asked" {
	start_prog mixed
	"$CTRACE" trace "$(ready_word 2)" -d 300ms --sample=997 --json -o T >out
	sound T
	jq -e '.events > 0 and .lost == 0' out
	[ "$(wc -l <out)" -eq 1 ]
	jq -e '.samples > 0' out
	refused 2 'trace takes a PID, and a time' "$CTRACE" trace
	refused 2 'trace takes a PID, and a time' "$CTRACE" trace 1 2 3
	refused 2 "couldn't parse PID: 'me' is not a process id" "$CTRACE" trace me
	refused 2 'not a time; write 5' "$CTRACE" trace 1 soon
	refused 2 'not a time; write 5' "$CTRACE" trace 1 0
	refused 2 'trace takes one time: leave out 5, or -d' "$CTRACE" trace 1 5 -d 3
	refused 2 'unknown option --all; see ctrace-bpf trace --help' "$CTRACE" trace --all
	refused 2 'the viewer needs a file' "$CTRACE" trace 1 -o -
	compgen -G '/tmp/trace??????' >before || :
	refused 1 'no process with pid 4194303' "$CTRACE" trace 4194303 1
	compgen -G '/tmp/trace??????' >after || :
	cmp before after # nothing was left of that
}

@test "trace: Ctrl-C, and a signal to it alone, end the recording, and the trace is there" {
	local sig
	start_prog mixed
	for sig in INT TERM; do
		rm -f T
		: >err
		"$CTRACE" trace "$(ready_word 2)" 10m -o T >out 2>err 3>&- {tell_fd}>&- &
		other_pid=$!
		until_true -t 20 grep -q '^ctrace-bpf: recording' err
		kill -$sig "$other_pid"
		until_true -t 30 gone "$other_pid"
		local status=0
		wait "$other_pid" || status=$?
		cat out err
		[ "$status" -eq 0 ]
		grep -qx 'Trace dump saved to: T' out
		sound T
	done
	# from the terminal it comes to both
	mkfifo keys
	script -qefc "$CTRACE trace $(ready_word 2) 10m -o U --no-view" term <keys >/dev/null 2>&1 3>&- {tell_fd}>&- &
	other_pid=$!
	exec {keys_fd}>keys
	until_true -t 30 grep -q 'ctrace-bpf: recording' term
	printf '\003' >&"$keys_fd"
	until_true -t 30 gone "$other_pid"
	exec {keys_fd}>&-
	cat term
	grep -q 'Trace dump saved to: U' term
	sound U
}

# fake_go: a Go in $bin, where other users find it, that tells how it was called in $bin/seen and ends with 7.
fake_go() {
	bin=$(mktemp -d)
	chmod 777 "$bin"
	cat >"$bin/go" <<-END
		#!/bin/sh
		{
			printf '<%s>' "\$@"
			echo
			echo "as \$(id -u):\$(id -g) in \$PWD, nice \$(ps -o nice=,cls= -p \$\$ | tr -s ' ')"
			env
			cat /proc/self/status
			ls -l /proc/\$\$/fd
		} >"$bin/seen.tmp"
		mv "$bin/seen.tmp" "$bin/seen"
		exit 7
	END
	chmod 755 "$bin/go"
}

@test "under sudo the trace and the viewer are of the user who called it, with no right of ours" {
	local uid gid file
	uid=$(id -u nobody) gid=$(id -g nobody)
	fake_go
	start_prog mixed
	on_terminal env "PATH=$bin:$PATH" SUDO_USER=nobody "SUDO_UID=$uid" "SUDO_GID=$gid" "$CTRACE" trace "$(ready_word 2)" 0.3 --http :7610
	until_true -t 30 test -e "$bin/seen" || { cat term && return 1; }
	file=$(sed -n 's/^Trace dump saved to: \([^\r]*\)\r*$/\1/p' term)
	[[ $file == /tmp/trace?????? ]]
	[ "$(stat -c '%a %u' "$file")" = "600 $uid" ]
	rm "$file"
	cp "$bin/seen" .
	cat seen
	[ "$(sed -n 1p seen)" = "<tool><trace><-http=:7610><$file>" ]
	grep -qE "^as $uid:$gid in /, nice *$(nice) TS$" seen
	[ "$(awk '/^CapPrm/ { print $2 }' seen)" = 0000000000000000 ]
	[ "$(awk '/^SigBlk/ { print $2 }' seen)" = 0000000000000000 ]
	grep -qx "HOME=$(getent passwd nobody | cut -d: -f6)" seen
	no grep -q ^SUDO_ seen
	no grep -q anon_inode seen
	# and view; what Go says of its end is said
	"$CTRACE" convert -o "$bin/T" "$ROOT/tests/golden/exit.ev"
	local status=0
	env "PATH=$bin:$PATH" "SUDO_UID=$uid" "SUDO_GID=$gid" "$CTRACE" view "$bin/T" || status=$?
	[ "$status" -eq 7 ]
	cp "$bin/seen" .
	[ "$(sed -n 1p seen)" = "<tool><trace><$bin/T>" ]
	grep -qE "^as $uid:$gid in /, nice *$(nice) TS$" seen
	# a file that the user may not read is not opened for him
	chmod 600 "$bin/T"
	SUDO_UID=$uid SUDO_GID=$gid refused 1 'cannot open .*/T: Permission denied' "$CTRACE" view "$bin/T"
}

@test "trace by an ordinary user, of his own process, through the service" {
	local me file
	bin=$(mktemp -d)
	chmod 777 "$bin"
	install -m 755 "$CTRACE" "$bin/ctrace-bpf"
	"$CTRACE" serve --listen none --socket "$bin/socket" --output-dir "$bin" 2>serve.err 3>&- &
	other_pid=$!
	wait_line serve.err 'serving'
	me=(setpriv --reuid nobody --regid nogroup --clear-groups env "CTRACE_SOCKET=$bin/socket" "$bin/ctrace-bpf")
	start setpriv --reuid nobody --regid nogroup --clear-groups sleep infinity
	until_true runs "$pid" "$(readlink -f "$(command -v sleep)")"
	"${me[@]}" trace "$pid" 0.3 >out 2>err
	cat out err
	[ "$(sed -n 1p out)" = "Tracing now, will take 0.3 secs..." ]
	file=$(sed -n 's/^Trace dump saved to: //p' out)
	[ "$(stat -c '%a %U' "$file")" = "600 nobody" ]
	mv "$file" T
	sound T
	refused 3 'is not yours to look at' "${me[@]}" trace $$ 0.3
	kill -TERM "$other_pid"
	until_true -t 20 gone "$other_pid"
}

@test "trace opens the viewer on a terminal, and view does" {
	find_go_or_skip
	local url
	start_prog mixed
	tell read
	on_terminal "$CTRACE" trace "$(ready_word 2)" 0.3 -o "$PWD/T" --http 127.0.0.1:7611
	url=$(viewer_at)
	[ "$url" = http://127.0.0.1:7611 ]
	until_true -t 30 curl -sf -o page "$url/"
	grep -q 'View trace' page
	pkill -KILL -f "trace.*$PWD/T" || :
	wait "$other_pid" || :
	# --no-view, and no terminal
	"$CTRACE" trace "$(ready_word 2)" 0.1 -o U >out 2>err
	on_terminal "$CTRACE" trace "$(ready_word 2)" 0.1 -o V --no-view
	until_true -t 20 gone "$other_pid"
	no grep -q listening out err term
	sound U V
	# view alone, of a file whose name looks like an option, in a directory that asks for a Go that nobody has
	cp T ./-x.trace
	printf 'module m\n\ngo 1.99\n' >go.mod
	rm term
	on_terminal "$CTRACE" view --http=127.0.0.1:7612 -- -x.trace
	url=$(viewer_at)
	until_true -t 30 curl -sf -o page "$url/"
	grep -q 'View trace' page
	pkill -KILL -f "trace.*$PWD/-x.trace" || :
}

@test "view: what is no trace is told in words, and where there is no Go how to get a viewer" {
	local empty=$PWD/empty
	mkdir d empty
	echo hello >text
	: >nothing
	printf 'go 1.21 trace\0\0\0' >old
	"$CTRACE" convert -o T "$ROOT/tests/golden/exit.ev"
	gzip -k T
	mkfifo pipe
	refused 1 'text is no Go execution trace' "$CTRACE" view text
	refused 1 'nothing is empty' "$CTRACE" view nothing
	refused 1 'old is a trace of Go 1.21' "$CTRACE" view old
	refused 1 'd is a directory' "$CTRACE" view d
	refused 1 'pipe is no file that a viewer could read twice' "$CTRACE" view pipe
	refused 1 'T.gz is compressed; unpack it with gunzip' "$CTRACE" view T.gz
	refused 1 'is a recording as text; make a trace of it with ctrace-bpf convert' "$CTRACE" view "$ROOT/tests/golden/exit.ev"
	refused 1 'cannot open none: No such file' "$CTRACE" view none
	refused 2 'view takes one file' "$CTRACE" view
	refused 2 'view takes one file' "$CTRACE" view T T
	if [ -e /usr/local/go/bin/go ] || compgen -G '/usr/lib/go-*/bin/go' || [ -e /snap/bin/go ] || [ -e /usr/lib/golang/bin/go ]; then
		refused 3 'no Go is here: go tool trace comes with Go 1.23 or newer' unshare -m bash -c \
			"for d in /usr/local/go/bin /usr/lib/go-*/bin /snap/bin /usr/lib/golang/bin; do [ ! -d \$d ] || mount --bind '$empty' \$d; done; PATH=/usr/bin:/bin exec '$CTRACE' view T"
	else
		PATH=/usr/bin:/bin refused 3 'no Go is here: go tool trace comes with Go 1.23 or newer' "$CTRACE" view T
	fi
}
