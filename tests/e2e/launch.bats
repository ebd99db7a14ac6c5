#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# ctrace-bpf -- CMD: a program that is started under trace, from its first syscall to its exit status.

setup() {
	load ../lib/common.bash
	e2e_setup
}

teardown() { e2e_teardown; }

# launch STATUS ARG…: a recording that ends with this status; the words of the command are in ./out, all others in ./err.
launch() {
	local want=$1 status=0
	shift
	"$CTRACE" "$@" >out 2>err 3>&- || status=$?
	[ "$status" -eq "$want" ] || {
		echo "status $status"
		cat err
		return 1
	} >&2
}

calls() { "$JUDGE" times "$1" | jq -e "[.goroutines[].syscall_begins // {}] | $2" >/dev/null; }
logs() { "$JUDGE" marks "$1" | jq -r '.logs[] | select(.category == "early") | .message'; }
is_stopped() { grep -q '^State:.*T' "/proc/$1/status"; }

@test "the very first syscalls are in the trace: execve, and what the loader does" {
	launch 0 -o T -- true
	sound T
	calls T 'any(.execve) and any(.brk) and any(.exit_group)'
	[ ! -s out ]
	nothing_left
}

@test "nothing of it is missing where no code has to be known, and nobody stops it" {
	launch 0 -v --stacks=none --annotations=off -o T -- true
	calls T 'any(.execve) and any(.brk) and any(.exit_group)'
	no grep -q 'was held' err
}

@test "its exit status is ours" {
	launch 0 -q -o T -- sh -c 'exit 0'
	launch 3 -q -o T -- sh -c 'exit 3'
	launch 139 -q -o T -- sh -c 'kill -SEGV $$'
	launch 137 -q -o T -- sh -c 'kill -KILL $$'
	[ ! -s err ]
	sound T
}

@test "a command that is not there: 127, and nothing is made" {
	refused 127 'cannot run nosuch: no directory of PATH' "$CTRACE" -o T -- nosuch
	refused 127 'cannot run ./nosuch: No such file' "$CTRACE" -o T -- ./nosuch
	refused 127 "cannot run '': no directory" "$CTRACE" -o T -- ''
}

@test "a command that cannot be run: 126, and why" {
	echo 'exit 0' >plain
	refused 126 'cannot run ./plain: it is not executable' "$CTRACE" -o T -- ./plain
	refused 126 'cannot run /tmp: it is a directory' "$CTRACE" -o T -- /tmp
	printf '#!/no/such/interpreter\n' >bad
	chmod +x bad
	launch 127 -q -o T -- ./bad
	grep -q 'cannot run ./bad: .* interpreter is not there' err
}

@test "a script without #! is run by the shell, with its arguments" {
	echo 'echo "$0:$1:$2"' >script
	chmod +x script
	launch 0 -o T -- ./script 'a b' c
	[ "$(cat out)" = './script:a b:c' ]
}

@test "wrong combinations are refused in words" {
	refused 2 '-- true .* -p cannot be added' "$CTRACE" -p 1 -- true
	refused 2 '-- true .* -a cannot be added' "$CTRACE" -a -- true
	refused 2 '-- true .* --cgroup cannot be added' "$CTRACE" --cgroup / -- true
	refused 2 '-- true .* --comm cannot be added' "$CTRACE" --comm x -- true
	refused 2 '-- true .* --sample-processes cannot be added' "$CTRACE" --sample-processes 5% -- true
	refused 2 'there is no command behind it' "$CTRACE" -o T --
	refused 2 'standard output is what true writes to' "$CTRACE" -o - -- true
}

@test "stdin, stdout and stderr pass through, and the summary is on stderr" {
	printf 'one\ntwo\n' | "$CTRACE" --json -o T -- sh -c 'cat; echo said >&2' >out 2>err
	[ "$(cat out)" = $'one\ntwo' ]
	grep -qx said err
	grep '^{' err | jq -e '.file == "T" and .lost == 0'
}

@test "it has what we were given, and nothing of ours" {
	cat >look <<-'END'
		exec 2>/dev/null
		pwd; umask; ulimit -a; nice; env | grep -v '^_=' | sort
		ls /proc/$$/fd
		grep -E '^(Sig(Blk|Ign|Cgt)|Shd|Cap|Groups|NoNewPrivs|Uid|Gid|Seccomp):?' /proc/self/status
		chrt -p $$ | sed 's/.*: //'
	END
	(
		umask 027
		ulimit -n 512
		trap '' HUP USR2
		exec 7<look
		sh look >want
		"$CTRACE" -q -o T -- sh look >out
	)
	diff want out
}

@test "also signals that are ignored or blocked, and descriptors that are closed" {
	cat >bare.py <<-'END'
		import os, signal, sys
		signal.signal(signal.SIGPIPE, signal.SIG_IGN)
		signal.signal(signal.SIGCHLD, signal.SIG_IGN)
		signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD])
		os.close(0)
		os.execvp(sys.argv[1], sys.argv[1:])
	END
	python3 bare.py "$CTRACE" -q -o T -- grep -E '^Sig(Blk|Ign)' /proc/self/status >out
	python3 bare.py grep -E '^Sig(Blk|Ign)' /proc/self/status >want
	diff want out
	grep -q '^SigBlk:.*14000$' out
	python3 bare.py "$CTRACE" -q -o T -- ls /proc/self/fd >out
	[ "$(tr '\n' ' ' <out)" = "$(python3 bare.py ls /proc/self/fd | tr '\n' ' ')" ]
}

@test "Ctrl-C reaches it once, it decides, and the file is complete" {
	cat >count.py <<-'END'
		import signal, sys
		got = []
		signal.signal(signal.SIGINT, lambda *_: got.append(1))
		print("ready", flush=True)
		while not got:
		    signal.pause()
		signal.setitimer(signal.ITIMER_REAL, 0.2)
		signal.signal(signal.SIGALRM, lambda *_: None)
		signal.pause()
		print("interrupts", len(got), flush=True)
		sys.exit(7)
	END
	local status=0
	python3 "$ROOT/tests/lib/ctty.py" ^C ready "$CTRACE" -o T -- python3 count.py >out || status=$?
	cat out
	[ "$status" -eq 7 ]
	grep -q 'interrupts 1' out
	sound T
	calls T 'any(.exit_group)'
}

@test "a command that Ctrl-C ends: 130" {
	local status=0
	python3 "$ROOT/tests/lib/ctty.py" ^C ready "$CTRACE" -o T -- sh -c 'echo ready; exec sleep 100' >out || status=$?
	[ "$status" -eq 130 ]
	sound T
}

@test "Ctrl-\\ is the command's alone" {
	local status=0
	python3 "$ROOT/tests/lib/ctty.py" "^\\" ready "$CTRACE" -o T -- sh -c 'trap "exit 9" QUIT; echo ready; while :; do sleep 0.1; done' >out || status=$?
	[ "$status" -eq 9 ]
	sound T
}

@test "job control of a shell sees one job, which is stopped by Ctrl-Z alone" {
	# shellcheck disable=SC2016
	python3 "$ROOT/tests/lib/ctty.py" ^Z ready bash -mc '"$0" -q -o T -- true
		echo "first $?"
		"$0" -q -o T -- sh -c "echo ready; while [ ! -e go ]; do sleep 0.01; done; exit 4"
		echo "stopped $?"
		touch go
		fg
		echo "ended $?"' "$CTRACE" >out
	tr -d '\r' <out >said
	grep -qx 'first 0' said
	grep -qx 'stopped 148' said
	grep -qx 'ended 4' said
	[ "$(grep -c Stopped said)" -eq 1 ]
	sound T
}

start_launched() { # ARG…: in the background; returns when the command has said "ready"
	"$CTRACE" "$@" >out 2>err 3>&- &
	rec_pid=$!
	wait_line out ready
}

@test "SIGTERM to us is passed on once" {
	start_launched -o T -- sh -c 'n=0; trap "n=\$((n+1)); echo term \$n" TERM; echo ready; while [ ! -e go ]; do sleep 0.01; done; exit $n'
	kill -TERM "$rec_pid"
	wait_line out 'term 1'
	kill -TERM "$rec_pid"
	until_true no_signal_pending "$rec_pid"
	touch go
	rec_stop -
	[ "$rec_status" -eq 1 ]
	sound T
}
no_signal_pending() { grep -q '^ShdPnd:	0*$' "/proc/$1/status"; }

@test "-d ends the recording, and we wait for the command" {
	start_launched -d 300ms -o T -- sh -c 'echo ready; while [ ! -e go ]; do sleep 0.01; done; exit 6'
	wait_line err 'go tool trace T'
	sound T
	no gone "$rec_pid"
	nothing_left
	touch go
	rec_stop -
	[ "$rec_status" -eq 6 ]
}

@test "SIGTERM is passed on after -d, too" {
	start_launched -d 100ms -o T -- sh -c 'trap "exit 8" TERM; echo ready; while :; do sleep 0.01; done'
	wait_line err 'go tool trace T'
	rec_stop TERM
	[ "$rec_status" -eq 8 ]
}

@test "when we fail and the command does not: 1" {
	launch 1 -o /dev/full -- true
	launch 5 -o /dev/full -- sh -c 'exit 5'
	grep -q 'ctrace-bpf: .*/dev/full' err
}

@test "those that it leaves behind are told" {
	launch 0 -o T -- sh -c 'sleep 100 >/dev/null 2>&1 & echo $!'
	other_pid=$(cat out)
	grep -q '1 process that sh has started lives on' err
	no gone "$other_pid"
	sound T
}

@test "two hundred short children are recorded, each with its program" {
	# shellcheck disable=SC2016
	launch 0 --json -o T -- sh -c 'i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i + 1)); done'
	sound T
	"$JUDGE" times T | jq -e '[.goroutines[] | select(.name | test("true")) | select(.syscall_begins.exit_group)] | length == 200'
	grep '^{' err | jq -e '.lost == 0'
}

@test "a command that executes another is recorded on" {
	launch 0 -o T -- sh -c 'exec sh -c "exec ls /nosuch-at-all >/dev/null 2>&1 || :"' || launch 2 -o T -- sh -c 'exec sh -c "exec ls /nosuch-at-all 2>/dev/null"'
	sound T
	calls T '[.[].execve // 0] | add >= 3'
}

@test "annotations of constructors, of main and of functions are there from the first call on" {
	cp "$PROG/early" .
	launch 0 --region ./early:work --region ./early:main -o T -- ./early
	[ "$(logs T)" = $'constructor\nmain' ]
	"$JUDGE" marks T | jq -e '[.regions[].type] | sort == (["constructor", "main", "main"] + [range(10) | "work"])'
	"$JUDGE" marks T | jq -e 'all(.regions[]; .begin >= 0 and .end >= 0)'
}

library() { # CC: a program whose library annotates in its constructor
	cat >lib.c <<-'END'
		#include <ctrace/ctrace.h>
		static void __attribute__((constructor)) begin(void)
		{
			ctrace_log(ctrace_background(), "early", "library");
		}
		int f(void) { return 3; }
	END
	echo 'int f(void); int main(void) { return f(); }' >main.c
	"$1" -shared -fPIC "${@:2}" -I"$ROOT/include" -o lib.so lib.c
	"$1" -o main main.c ./lib.so
}

@test "those of a library's constructor, too" {
	library gcc
	launch 3 -o T -- ./main
	[ "$(logs T)" = library ]
}

@test "… with musl's loader" {
	command -v musl-gcc >/dev/null || skip "no musl-gcc"
	library musl-gcc -idirafter /usr/include
	launch 3 -o T -- ./main
	[ "$(logs T)" = library ]
}

@test "… and of a program without a loader" {
	gcc -static -I"$ROOT/include" -o static "$ROOT/tests/prog/early.c"
	launch 0 -o T -- ./static
	[ "$(logs T)" = $'constructor\nmain' ]
}

@test "an annotation that the program does not have is refused before it runs" {
	cp "$PROG/early" .
	echo old >T
	refused 1 './early:nosuch: ./early has no such function' "$CTRACE" --region ./early:nosuch -o T -- ./early
	[ "$(cat T)" = old ]
}

@test "stacks are right from the beginning: all of them reach main, or the loader" {
	launch 0 --stacks=all --json -o T -- "$PROG/early"
	grep '^{' err | jq -e '.stacks.walks | (.complete > 10) and ((.no_process // 0) == 0)'
}

@test "a recorder that is killed while it holds the command lets it go" {
	"$CTRACE" --region 'libc.so.6:*' -o T -- sh -c 'echo started; while [ ! -e go ]; do sleep 0.01; done; echo went on' >out 2>err 3>&- &
	rec_pid=$!
	until_true has_held_child
	other_pid=$(pgrep -P "$rec_pid" -x sh)
	kill -KILL "$rec_pid"
	touch go
	wait_line out 'went on'
	until_true gone "$other_pid"
	other_pid=''
	until_true no_guard
	nothing_left
}
has_held_child() {
	local pid
	pid=$(pgrep -P "$rec_pid" -x sh) && is_stopped "$pid"
}
no_guard() { ! pgrep -P 1 -x ctrace-guard; }

@test "SIGSTOP that the user means works as ever" {
	start_launched -o T -- sh -c 'echo ready $$; while [ ! -e go ]; do sleep 0.01; done'
	other_pid=$(awk '/ready/ { print $2 }' out)
	kill -STOP "$other_pid"
	until_true is_stopped "$other_pid"
	kill -USR1 "$rec_pid" # it says so when it has taken all signals of before
	wait_line err ' events '
	is_stopped "$other_pid"
	kill -CONT "$other_pid"
	touch go
	rec_stop -
	[ "$rec_status" -eq 0 ]
}

@test "under sudo the command and the files are the caller's" {
	chmod 777 .
	SUDO_UID=12345 SUDO_GID=12345 SUDO_USER=nobody-at-all SUDO_HOME=/root SUDO_TTY=/dev/pts/0 SUDO_PROMPT='password: ' SUDO_ASKPASS='' \
		launch 0 -o T -- sh -c 'id -u; id -g; id -G; grep CapEff /proc/$$/status; env | grep ^SUDO_ || :; printenv PATH'
	[ "$(cat out)" = $'12345\n12345\n12345\nCapEff:\t0000000000000000\n'"$PATH" ]
	[ "$(stat -c %u T)" = 12345 ]
	sound T
	local name uid home
	IFS=: read -r name _ uid _ _ home _ < <(getent passwd nobody)
	# shellcheck disable=SC2016
	SUDO_UID=$uid SUDO_GID=$(id -g "$name") launch 0 -o T2 -- sh -c 'echo $HOME $USER $LOGNAME'
	[ "$(cat out)" = "$home $name $name" ]
	echo 'exit 0' >hers
	chmod 700 hers
	refused 126 'not executable by its user' env SUDO_UID=12345 SUDO_GID=12345 "$CTRACE" -o T3 -- ./hers
}

@test "a set-uid program of a user without root runs, and what is not recorded is told" {
	chmod 777 .
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" "$BATS_FILE_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" 2>/dev/null || :
	cp "$CTRACE" ct
	cp "$(command -v id)" rootid
	chmod 4755 rootid
	local u=(setpriv --reuid=12345 --regid=12345 --clear-groups "--inh-caps=-all,+bpf,+perfmon" "--ambient-caps=-all,+bpf,+perfmon")
	"${u[@]}" ./ct -o T -- ./rootid >out 2>err
	grep -q 'euid=0(root)' out
	grep -q 'has executed a program with more rights (set-uid)' err
	cp "$PROG/early" .
	"${u[@]}" ./ct -o T2 -- ./early
	[ "$(logs T2)" = $'constructor\nmain' ]
}

@test "the test binary of a Go package, as go test -trace would" {
	local go=go
	command -v go >/dev/null || go=$("$ROOT/scripts/find-go.sh")
	mkdir pkg
	printf 'module pkg\n\ngo 1.22\n' >pkg/go.mod
	cat >pkg/one_test.go <<-'END'
		package pkg

		import (
			"context"
			"runtime/trace"
			"testing"
		)

		func TestOne(t *testing.T) {
			trace.WithRegion(context.Background(), "one", func() { trace.Log(context.Background(), "early", "go") })
		}
	END
	(cd pkg && GOFLAGS=-mod=mod GOTOOLCHAIN=local "$go" test -c -o ../unit_tests .)
	launch 0 -o test.trace -- ./unit_tests -test.run One -test.v
	grep -q '^--- PASS: TestOne' out
	sound test.trace
	[ "$(logs test.trace)" = go ]
}

@test "annotations and stacks of children that execute nothing" {
	mkfifo told
	cp "$PROG/early" .
	"$CTRACE" --json --stacks=all --region ./early:work -o T -- ./early fork <told >out 2>err 3>&- &
	rec_pid=$!
	exec {tell_fd}>told
	tell fork
	wait_line out '^child'
	tell go
	rec_stop -
	[ "$rec_status" -eq 0 ]
	sound T
	[ "$(logs T)" = $'constructor\nmain\nchild' ]
	"$JUDGE" marks T | jq -e '[.regions[] | select(.type == "work")] | (length == 11) and ([.[].goroutine] | unique | length == 2)'
	grep '^{' err | jq -e '(.stacks.walks.no_process // 0) == 0'
}

# kids FILE: of "early kids": how many children logged, and how many calls of work() are there from begin to end.
kids() { "$JUDGE" marks "$1" | jq -c '[([.logs[] | select(.message == "kid") | .goroutine] | unique | length), ([.regions[] | select(.type == "work" and .begin >= 0 and .end >= 0)] | length)]'; }

@test "children that annotate at once are all heard, however many there are" {
	cp "$PROG/early" .
	launch 0 --json --region ./early:work -o T -- ./early kids 300 <<<go
	sound T
	kids T
	[ "$(kids T)" = '[300,310]' ]
	grep '^{' err | jq -e '.lost == 0 and .annotation_troubles == []'
}

@test "with -f, too" {
	start_prog early kids 300
	rec -f -p "$(ready_word 2)" --region 'early:work' -o T
	tell go
	wait_line said '^done'
	tell_end
	rec_stop -
	sound T
	kids T
	[ "$(kids T)" = '[300,300]' ]
	jq -e '.lost == 0 and .annotation_troubles == []' sum
}

@test "a recorder without root tells of children that it could not listen to from the beginning" {
	chmod 777 .
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" "$BATS_FILE_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" 2>/dev/null || :
	cp "$CTRACE" ct
	cp "$PROG/early" .
	setpriv --reuid=12345 --regid=12345 --clear-groups --inh-caps=-all,+bpf,+perfmon --ambient-caps=-all,+bpf,+perfmon \
		./ct --json -o T -- ./early kids 100 <<<go >out 2>err
	sound T
	cat err
	grep -q 'what 100 forked processes annotated before their probes were set is missing: run as root' err
	grep '^{' err | jq -e '.lost == 0 and (.annotation_troubles | length == 1)'
	# those that execute a program at once say nothing before
	setpriv --reuid=12345 --regid=12345 --clear-groups --inh-caps=-all,+bpf,+perfmon --ambient-caps=-all,+bpf,+perfmon \
		./ct --json -o T2 -- "$PROG/early" execs 20 <<<go >out 2>err
	grep '^{' err | jq -e '.annotation_troubles == []'
}

@test "of children that have ended nothing is kept" {
	start_prog forks 1000 # each way, one after the other; and one that stays
	rec -f -p "$(ready_word 2)" -o T
	tell go
	wait_line said '^made' 100
	until_true -t 20 has_entries ct_spaces 2
	tell_end
	rec_stop -
	sound T
}
has_entries() { # MAP N: that the recorder holds
	local id ids
	mapfile -t ids < <(sed -n 's/^map_id:[[:space:]]*//p' "/proc/$rec_pid"/fdinfo/* | sort -un)
	for id in "${ids[@]}"; do
		[ "$(bpftool -j map show id "$id" | jq -r .name)" = "$1" ] || continue
		[ "$(bpftool -j map dump id "$id" | jq length)" = "$2" ] || return 1
		return 0
	done
	return 1
}

@test "-f records the children that a running process makes" {
	mkfifo told
	sh -c 'echo ready; read x; /bin/true; exec 3>&1; "$1"; read x' sh "$PROG/early" <told >said 3>&- &
	prog_pid=$!
	exec {tell_fd}>told
	wait_line said ready
	rec -f -p "$prog_pid" -o T
	tell go
	tell_end
	rec_stop -
	sound T
	"$JUDGE" times T | jq -e '[.goroutines[].name] | any(test("true")) and any(test("early"))'
}
