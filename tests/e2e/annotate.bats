#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# What programs with include/ctrace/ctrace.h say is in the trace, all of it, and recording changes nothing in them.

setup() {
	load ../lib/common.bash
	e2e_setup
}

teardown() { e2e_teardown; }

# marks: the annotations of T, into marks.json, once T is sound.
marks() {
	sound T || return 1
	"$JUDGE" marks T >marks.json
}

# is_true FILTER: of the annotations; says what was read where it is not.
is_true() {
	jq -e "$1" marks.json >/dev/null || {
		echo "not true: $1"
		jq -c '.tasks[:5], .regions[:9], .logs[:5]' marks.json
		return 1
	}
}
number() { awk -v n="$1" '$1 == n { print $2 }' said; }

# ---- the cappuccino ----

# served: what the trace says of ten orders is what the program told: kinds, numbers, who belongs to whom, and times to 5 %.
served() {
	[ "$rec_status" -eq 0 ] && marks || return 1
	is_true '.tasks | length == 10 and all(.type == "makeCappuccino" and .parent == 0 and .begin >= 0 and .end > .begin)' || return 1
	is_true '[.logs[] | select(.category == "orderID") | .message] | sort == ([range(1; 11)] | map("order-\(.)") | sort)' || return 1
	is_true '[.regions[].type] | group_by(.) | map([.[0], length]) == [["extractCoffee", 10], ["makeCappuccino", 10], ["mixMilkCoffee", 10], ["steamMilk", 10]]' || return 1
	is_true 'all(.regions[]; .begin >= 0 and .end > .begin)' || return 1
	# each order has its own log and its own three steps; the whole is of no task
	is_true '. as $m | all(.tasks[]; .id as $id | ([$m.logs[] | select(.task == $id)] | length == 1) and
		([$m.regions[] | select(.task == $id) | .type] | sort == ["extractCoffee", "mixMilkCoffee", "steamMilk"]))' || return 1
	is_true 'all(.regions[] | select(.type == "makeCappuccino"); .task == 0)' || return 1
	grep '^{' said >own.json
	jq -n -e --slurpfile m marks.json --slurpfile own own.json '
		def near($a; $b): ($a - $b | fabs) <= 0.05 * $b;
		def sum(s): reduce s as $x (0; . + $x);
		all("steamMilk", "extractCoffee", "mixMilkCoffee", "makeCappuccino"; . as $type |
			near(sum($m[0].regions[] | select(.type == $type) | .end - .begin); sum($own[] | select(.region == $type) | .ns))) and
		near(sum($m[0].tasks[] | .end - .begin); sum($own[] | select(.task) | .ns))' || {
		cat own.json marks.json
		return 1
	}
}

# rec_orders: the recording ends with the program.
rec_orders() {
	rec -p "$(ready_word 2)" -o T || return 1
	tell go
	wait_line said '^done' || return 1
	rec_stop -
}

# three_threads: the steps of an order ran on three threads, none of which is the one that took it.
three_threads() {
	is_true '. as $m | all(.tasks[]; .id as $id | [$m.regions[] | select(.task == $id) | .goroutine] + [.goroutine] | unique | length == 4)'
}

@test "a cappuccino in C: tasks, regions and logs, and times as the program measured them" {
	start_prog cappuccino -w -j -n 10
	rec_orders
	served
	three_threads
}

@test "a cappuccino in C++: the same" {
	start_prog cappuccino-cpp -w -j -n 10
	rec_orders
	served
	three_threads
}

@test "a cappuccino in Go, whose own tracing is off: the same" {
	(cd "$ROOT/docs/examples" && go build -o "$BATS_TEST_TMPDIR/cappuccino-go" cappuccino.go)
	PROG=$PWD start_prog cappuccino-go -w -j -n 10
	rec_orders
	served
}

# ---- many ----

@test "a million markers of eight threads are all in the trace" {
	start_prog marks
	rec_whole
	[ "$rec_status" -eq 0 ]
	marks
	lost=$(from_json .lost sum)
	seen=$(jq '[(.tasks[], .regions[]) | (.begin, .end) | select(. >= 0)] + (.logs | map(select(.category == "state"))) | length' marks.json)
	echo "lost: $lost, seen $seen"
	[ "$lost" -gt 0 ] || [ "$seen" -eq "$(number markers)" ]
	# each that is missing was counted
	[ $(($(number markers) - seen)) -le "$lost" ]
	[ "$lost" -gt 0 ] || is_true 'all(.tasks[], .regions[]; .end > .begin and .begin >= 0)'
}

@test "markers that find no room are counted, and the trace is sound" {
	start_prog marks
	rec_whole --buffer=128K
	[ "$rec_status" -eq 0 ]
	marks
	lost=$(from_json .lost sum)
	seen=$(jq '[(.tasks[], .regions[]) | (.begin, .end) | select(. >= 0)] + (.logs | map(select(.category == "state"))) | length' marks.json)
	echo "lost: $lost, seen $seen"
	[ "$lost" -gt 0 ]
	[ $(($(number markers) - seen)) -le "$lost" ]
}

# ---- no harm ----

# computes COMPILER FLAG ROUNDS: the program's arithmetic comes out right, recorded and not.
computes() {
	mkdir -p p
	"$1" "$2" -D_GNU_SOURCE -I"$ROOT/include" -I"$ROOT" "$ROOT/tests/prog/redzone.c" -o p/redzone || return 1
	[ "$(echo go | p/redzone "$3" | grep wrong)" = "wrong 0" ] || return 1
	PROG=$PWD/p start_prog redzone "$3" && rec_whole --stacks=none || return 1
	echo "$1 $2: $(grep wrong said) of $(($3 * 3))"
	[ "$(number wrong)" -eq 0 ] && [ "$rec_status" -eq 0 ] && marks || return 1
	# it was listened to while it computed
	[ "$(jq '.logs | length' marks.json)" -gt $(($3 / 2)) ] || return 1
	stop_prog
}

@test "a million sums around markers in small functions are right while they are recorded" {
	computes gcc -O2 334000
}

@test "they are right whatever the compiler does" {
	local flag
	for flag in -O0 -O1 -O3; do computes gcc "$flag" 20000; done
}

@test "they are right with clang, too" {
	local flag
	command -v clang >/dev/null || skip "no clang"
	for flag in -O0 -O1 -O2 -O3; do computes clang "$flag" 20000; done
}

@test "exceptions leave regions while they are recorded" {
	start_prog throws 1000
	rec_whole
	[ "$rec_status" -eq 0 ]
	[ "$(number caught)" -eq 1000 ]
	marks
	is_true ".regions | length == $(number regions) and all(.end > .begin and .begin >= 0)"
	is_true '.tasks | length == 1000 and all(.end > .begin and .begin >= 0)'
	# no region outlives the task that it is for
	is_true '(.tasks | map({ key: "\(.id)", value: . }) | from_entries) as $t | all(.regions[]; .end < $t["\(.task)"].end)'
}

@test "whatever a program does wrong, the trace is sound and the rest of it is there" {
	start_prog badmarks
	rec_whole
	[ "$rec_status" -eq 0 ]
	cat err
	marks
	is_true 'any(.logs[]; .category == "end" and .message == "of all")'
	is_true 'any(.logs[]; .category == "edge" and .message == "eeeeee") | not' # half of it is not there
	is_true 'any(.logs[]; .category == "1024" and .message == "k" * 1024)'
	is_true 'any(.logs[]; .category == "4999" and (.message | startswith("m" * 1000) and length < 1100))'
	is_true 'any(.logs[]; .category == "bytes" and (.message | contains("caf") and contains("é")))'
	is_true '[.tasks[] | select(.type == "bad")] | length == 1 and .[0].end > .[0].begin'
	is_true 'any(.logs[]; .category == "late")'
}

# minds HOW: a program that can be harmed by what is done in its name (tests/header/sandbox.c) is not, while it is recorded.
minds() {
	local status=0
	mkdir -p p
	gcc -O2 -std=gnu11 -I"$ROOT/include" "$ROOT/tests/header/sandbox.c" -o p/sandbox || return 1
	PROG=$PWD/p start_prog sandbox "$1" traced
	rec -p "$(ready_word 2)" -o T || return 1
	tell go
	wait "$prog_pid" || status=$?
	prog_pid=''
	rec_stop -
	[ "$status" != 77 ] || skip "there is a sandbox around us"
	echo "$1: $status" && cat said said.err
	[ "$status" -eq 0 ] && [ "$rec_status" -eq 0 ] && grep -qx alive said && marks || return 1
	[ "$(from_json .lost sum)" -gt 0 ] || is_true '(.logs | map(select(.category == "round" or .category == "category")) | length) == 2000'
}

@test "a program in seccomp's strict mode lives while it is recorded" { minds strict; }

@test "a program whose filter allows it nothing lives while it is recorded" { minds filter; }

@test "a program's errno stays while it is recorded, also when no memory is left" { minds errno; }

@test "a coroutine with a small stack lives while it is recorded" { minds stack; }

# ---- who listens ----

# heard PROGRAM LIBRARY: what it says of its two semaphores now.
heard() {
	local n
	n=$(grep -c '^enabled' said) || :
	tell enabled
	until_true answered "$n" || return 1
	[ "$(grep '^enabled' said | tail -n 1)" = "enabled $1 $2" ]
}
answered() { [ "$(grep -c '^enabled' said)" -gt "$1" ]; }

@test "semaphores go up with the recording and down with its end, however it ends" {
	start_prog listening
	heard 0 -1
	rec -p "$(ready_word 2)" -o T
	until_true heard 1 -1
	rec_stop
	[ "$rec_status" -eq 0 ]
	until_true heard 0 -1
	rec -p "$(ready_word 2)" -o T
	until_true heard 1 -1
	kill -KILL "$rec_pid"
	wait "$rec_pid" || :
	rec_pid=''
	until_true heard 0 -1
}

@test "a library that is loaded while the recording runs is listened to, too" {
	gcc -shared -fPIC -O2 -I"$ROOT/include" "$ROOT/tests/header/part.c" -o part.so
	start_prog listening
	rec -p "$(ready_word 2)" -o T
	until_true heard 1 -1
	tell load "$PWD/part.so"
	wait_line said '^loaded'
	until_true heard 1 1
	tell work 100
	wait_line said '^worked'
	rec_stop
	[ "$rec_status" -eq 0 ]
	marks
	is_true '[.regions[] | select(.type == "part")] | length == 100'
	is_true '[.logs[] | select(.category == "own")] | length == 100'
}

@test "a program that starts while the whole system is recorded is listened to" {
	tell_fd=9
	rec -a -o T --stacks=none
	start_prog listening
	until_true heard 1 -1
	tell work 10
	wait_line said '^worked'
	rec_stop
	marks
	is_true '[.regions[] | select(.type == "own" and .end > .begin)] | length == 10'
}

@test "a program in a container is listened to from outside, with what it loads" {
	local lib inside
	unshare --pid --mount --fork true || skip "no namespaces can be made"
	mkdir -p root/app
	ldd "$PROG/listening" | grep -o '/[^ ]*' | while read -r lib; do
		mkdir -p "root/$(dirname "$lib")"
		cp -L "$lib" "root/$lib"
	done
	cp "$PROG/listening" root/app/
	gcc -shared -fPIC -O2 -I"$ROOT/include" "$ROOT/tests/header/part.c" -o root/app/part.so
	mkfifo told
	unshare --pid --mount --fork --kill-child chroot root /app/listening <told >said 2>said.err 3>&- &
	prog_pid=$!
	exec {tell_fd}>told
	wait_line said '^ready 1$' # as it sees itself
	inside=$(pgrep -P "$prog_pid")
	rec -p "$inside" -o T
	until_true heard 1 -1
	tell load /app/part.so
	wait_line said '^loaded'
	until_true heard 1 1
	tell work 1000
	wait_line said '^worked'
	rec_stop
	[ "$rec_status" -eq 0 ]
	marks
	[ "$(from_json .lost sum)" = 0 ]
	is_true '[.regions[] | select(.type == "own" and .begin >= 0 and .end > .begin)] | length == 1000'
	is_true '[.regions[] | select(.type == "part" and .begin >= 0 and .end > .begin)] | length == 1000'
	until_true heard 0 0
}

# hostile N: a program with N markers of ctrace.h and N others of different names; every second one is no place for a probe.
hostile() {
	local args i
	# as ctrace.h writes them
	args=$(readelf -n "$PROG/listening" | sed -n '/Name: log/,/Arguments:/s/.*Arguments: //p' | head -n 1)
	cat >waits.c <<-'END'
		#include <stdio.h>
		#include <unistd.h>
		int main(void)
		{
			printf("ready %d\n", getpid());
			fflush(stdout);
			while (getchar() != EOF)
				;
			return 0;
		}
	END
	{
		note_macro
		for ((i = 0; i < $1; i++)); do
			printf '990: %s\nnote ctrace log "%s"\nnote other n%d ""\n' "$([ $((i % 2)) = 1 ] && echo hlt || echo nop)" "$args" "$i"
		done
	} >marks.s
	gcc -no-pie -o hostile waits.c marks.s
}

@test "a file full of markers that cannot be probed does not hold the recording up" {
	hostile 300
	PROG=$PWD start_prog hostile
	rec -p "$(ready_word 2)" -o T --usdt 'hostile:other:*'
	rec_stop
	[ "$rec_status" -eq 0 ]
	sound T
	cat err
	grep -q 'its markers: the kernel refused [0-9]* of 300 probes: .*; after 32 refusals [0-9]* of them were given up' err
	grep -q '28[0-9] of its markers were given up without a try' err
}

# ---- others ----

needs() { command -v "$1" >/dev/null || skip "no $1"; }

# each_marker COMMAND…: true of all five names.
each_marker() {
	local name
	for name in log region_begin region_end task_begin task_end; do
		"$@" "$name" || return 1
	done
}
in_bpftrace() { bpftrace -l "usdt:$PROG/marks:*" | grep ":ctrace:$1\$" >/dev/null; }
in_gdb() { gdb -nx -batch -ex 'info probes stap ctrace' "$PROG/marks" | grep "ctrace *$1 " >/dev/null; }
in_perf() { grep -q "sdt_ctrace:$1 " list; }

@test "gdb sees the markers" {
	needs gdb
	each_marker in_gdb
}

@test "perf sees the markers" {
	needs perf
	perf --buildid-dir "$PWD/ids" buildid-cache --add "$PROG/marks"
	perf --buildid-dir "$PWD/ids" list sdt >list
	each_marker in_perf
}

@test "bpftrace sees the markers, and hears a program that it did not start" {
	needs bpftrace
	each_marker in_bpftrace
	# it raises the semaphore and reads the strings
	start_prog listening
	bpftrace -e "usdt:$PROG/listening:ctrace:log { @[str(arg1)] = count(); }" >bt 2>&1 3>&- {tell_fd}>&- &
	other_pid=$!
	until_true -t 20 heard 1 -1
	tell work 1000
	wait_line said '^worked'
	kill -INT "$other_pid"
	wait "$other_pid" || :
	other_pid=''
	grep -q '@\[own\]: 1000' bt
	until_true heard 0 -1
}
