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
	no grep -q 'ctrace-looks' all
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
