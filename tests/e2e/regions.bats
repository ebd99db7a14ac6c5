#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Functions as regions, and somebody else's markers as regions and logs.

bats_require_minimum_version 1.5.0

setup() {
	load ../lib/common.bash
	e2e_setup
}

teardown() { e2e_teardown; }

# begun TYPE, ended TYPE: regions of that type in ./marks
begun() { jq --arg t "$1" '[.regions[] | select(.type == $t and .begin >= 0)] | length' marks; }
ended() { jq --arg t "$1" '[.regions[] | select(.type == $t and .begin >= 0 and .end >= 0)] | length' marks; }

# as_called: every function has been entered and left as often as the program says.
as_called() {
	local word name n _
	while read -r word name n _; do
		[ "$word" = called ] || continue
		echo "$name: called $n, begun $(begun "$name"), ended $(ended "$name")"
		[ "$(begun "$name")" -eq "$n" ]
		[ "$(ended "$name")" -eq "$n" ]
	done <said
}

@test "every call of a function is a region: recursion, tail calls, many returns, longjmp; and the program is right" {
	start_prog calls
	rec_whole --region 'calls:fib' --region 'calls:many_ways' --region 'calls:t*l' --region 'calls:last_call' \
		--region 'calls:jumper' --region 'calls:thrower' --region 'calls:leaf' --region 'calls:naps'
	[ "$rec_status" -eq 0 ]
	grep '^right' said
	sound T
	"$JUDGE" marks T >marks
	as_called
	# the calls of fib lie in one another as they were made: fib(10) has nine more below it, and fib(3), in many_ways, two
	[ "$(jq '[.regions[] | select(.type == "fib") | .depth] | max' marks)" -eq 9 ]
	# a sleep is as long as the program found it
	jq -e --argjson longest "$(awk '$2 == "naps" { print $4 }' said)" '
		[.regions[] | select(.type == "naps") | .end - .begin] | max | debug | . > 2000000 and . < 1.05 * $longest' marks
	# neither the probes nor their syscalls are the program's
	"$JUDGE" times T | jq -e '[.goroutines[].syscall_calls // {} | keys[]] | map(select(. == "335" or . == "336" or test("uprobe|uretprobe"))) == []'
}

@test "a C++ program throws through its probed functions and lives; names are its own" {
	command -v g++ >/dev/null || skip "no g++"
	g++ -O2 -o throws "$ROOT/tests/annot/throws.cpp"
	mkfifo told
	./throws <told >said 3>&- &
	prog_pid=$!
	exec {tell_fd}>told
	wait_line said '^ready'
	rec_whole --region 'throws:shop::Till::*'
	[ "$rec_status" -eq 0 ]
	grep '^right' said
	sound T
	"$JUDGE" marks T >marks
	as_called
}

# coroutines MODE: records that program; its regions are in ./marks
coroutines() {
	start_prog coroutines "$1"
	rec_whole --region coroutines:f --region coroutines:g
	[ "$rec_status" -eq 0 ]
	grep '^right' said
	sound T
	"$JUDGE" marks T >marks
	jq -c '.annotations' sum
	jq -c '[.regions[] | select(.type == "f") | (.end - .begin) / 1e6]' marks
	tell_end
	wait "$prog_pid"
}
naps_of_f() { jq '[.regions[] | select(.type == "f" and .begin >= 0 and .end - .begin >= 3000000)] | length' marks; }

@test "a call that is left out of a large frame ends at the next one, which is not inside of it" {
	coroutines far
	[ "$(ended f)" -eq 20 ]
	[ "$(ended g)" -eq 20 ]
	jq -e '[.regions[].depth] | max == 0' marks
	jq -e '.annotations.unwound == 20 and .annotations.closed_early == 0' sum
}

@test "calls of coroutines are as long as they were; where stacks lie side by side the first one may be too short, and is counted" {
	coroutines apart
	[ "$(naps_of_f)" -eq 20 ]
	jq -e '.annotations.unwound == 0 and .annotations.closed_early == 0' sum
	coroutines shared
	[ "$(ended f)" -eq 20 ]
	[ "$(naps_of_f)" -eq 19 ]
	jq -e '.annotations.unwound == 0 and .annotations.closed_early == 1 and .annotations.unmatched == 0' sum
}

@test "a thread that ends inside of a call is told" {
	coroutines thread
	[ "$(begun f)" -eq 1 ]
	jq -e '.annotations.unended == 1 and .annotations.unwound == 0' sum
}

@test "what cannot be a region is refused in words, and nothing is recorded" {
	start_prog calls
	run -1 "$CTRACE" -p "$(ready_word 2)" -d 1 -o T --region calls:no_such_function
	[[ "$output" == *"calls:no_such_function: calls has no such function; ctrace-bpf markers lists what there is"* ]]
	[ ! -e T ]
	run -2 "$CTRACE" -p "$(ready_word 2)" -d 1 -o T --region calls
	[ ! -e T ]
}

@test "what was asked for and never came stands in the summary, with the annotations and not with the symbols" {
	start_prog calls
	rec_whole --region 'calls:fib' --region 'nowhere.so:work'
	[ "$rec_status" -eq 0 ]
	jq -e '.annotation_troubles == ["nowhere.so:work: no process has mapped a file nowhere.so"]' sum
	jq -e '.symbol_troubles | any(test("nowhere")) | not' sum
	grep -q 'nowhere.so:work: no process has mapped a file nowhere.so' err
}

# A program with markers as systemtap's header makes them: one byte, no semaphore.
usdt_program() {
	cat >usdt.c <<-'C'
		#include <stdio.h>
		#include <unistd.h>
		#define NOTE(name, site, args) \
			".pushsection .note.stapsdt,\"\",\"note\"\n.balign 4\n.4byte 992f-991f, 994f-993f, 3\n991: .asciz \"stapsdt\"\n992: .balign 4\n" \
			"993: .8byte " site "\n.8byte _.stapsdt.base\n.8byte 0\n.asciz \"shop\"\n.asciz \"" name "\"\n.asciz \"" args "\"\n994: .balign 4\n.popsection\n"
		__asm__(".ifndef _.stapsdt.base\n.pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n.weak _.stapsdt.base\n.hidden _.stapsdt.base\n_.stapsdt.base: .space 1\n.size _.stapsdt.base, 1\n.popsection\n.endif");
		__attribute__((noinline)) static void begin(long order, const char *drink) { __asm__ volatile("990: nop\n" NOTE("order__begin", "990b", "-8@%%rdi 8@%%rsi") :: "D"(order), "S"(drink)); usleep(500); }
		__attribute__((noinline)) static void end(int how) { __asm__ volatile("990: nop\n" NOTE("order__end", "990b", "-4@%%edi") :: "D"(how)); }
		__attribute__((noinline)) static void cancel(int how) { __asm__ volatile("990: nop\n" NOTE("order__cancel", "990b", "-4@%%edi") :: "D"(how)); }
		__attribute__((noinline)) static long below(long n) { volatile long a[4] = { n, 1, 2, 3 }; __asm__ volatile("990: .byte 0x0f,0x1f,0x44,0,0\n" NOTE("below__sp", "990b", "-8@%%rdi") :: "D"(n)); return a[0] + a[1] + a[2] + a[3] - n; }
		int main(void)
		{
			const char *drink[] = { "cappuccino", "espresso", "h\303\244lf" };
			char line[64];
			long i, sum = 0;
			printf("ready %d\n", getpid());
			fflush(stdout);
			if (!fgets(line, sizeof(line), stdin))
				return 0;
			for (i = 0; i < 30; i++) {
				begin(i - 5, drink[i % 3]);
				sum += below(i);
				if (i % 10)
					end(-(int)i);
				else
					cancel(7);
			}
			printf("%s\ndone\n", sum == 30 * 6 ? "right" : "wrong");
			fflush(stdout);
			while (fgets(line, sizeof(line), stdin))
				;
			return 0;
		}
	C
	gcc -O2 -Wall -o usdt usdt.c
	mkfifo told
	./usdt <told >said 3>&- &
	prog_pid=$!
	exec {tell_fd}>told
	wait_line said '^ready'
}

@test "somebody else's markers are logs with their arguments" {
	usdt_program
	rec_whole --usdt 'usdt:shop:order__*'
	[ "$rec_status" -eq 0 ]
	grep '^right' said
	sound T
	"$JUDGE" marks T >marks
	[ "$(jq '[.logs[] | select(.category == "shop:order__begin")] | length' marks)" -eq 30 ]
	[ "$(jq '[.logs[] | select(.category == "shop:order__end")] | length' marks)" -eq 27 ]
	[ "$(jq '[.logs[] | select(.category == "shop:order__cancel")] | length' marks)" -eq 3 ]
	jq -e '[.logs[] | select(.category == "shop:order__begin") | .message] | .[0] == "arg1=-5 arg2=\"cappuccino\"" and .[2] == "arg1=-3 arg2=\"hälf\""' marks
	jq -e '[.logs[] | select(.category == "shop:order__end") | .message] | .[0] == "arg1=-1"' marks
}

@test "… and regions, from one to whichever comes of some others; named by an argument" {
	usdt_program
	rec_whole --usdt-region 'usdt:shop:order__begin,order__end,order__cancel:arg2'
	[ "$rec_status" -eq 0 ]
	sound T
	"$JUDGE" marks T >marks
	[ "$(ended cappuccino)" -eq 10 ]
	[ "$(ended espresso)" -eq 10 ]
	[ "$(ended hälf)" -eq 10 ]
	jq -e '[.regions[] | select(.depth > 0 or .begin < 0)] == [] and ([.regions[] | .end - .begin] | min > 500000)' marks
}

@test "arguments of somebody else's markers are read where nothing is resident yet; what cannot be read is told" {
	local bad text='a text in a page that is not there yet'
	start_prog pointers
	rec_whole --usdt 'pointers:pointers:text' --usdt 'pointers:pointers:held' --usdt 'pointers:pointers:number' \
		--usdt-region 'pointers:pointers:named,named__end:arg1'
	[ "$rec_status" -eq 0 ]
	sound T
	"$JUDGE" marks T >marks
	says() { jq -r --arg c "pointers:$1" '.logs[] | select(.category == $c) | .message' marks; }
	says text | sort | uniq -c
	[ "$(says text | grep -cxF "arg1=\"$text\"")" -eq 40 ]
	[ "$(says held | grep -cxF "arg1=\"$text\" arg2=7")" -eq 40 ]
	[ "$(ended "$text")" -eq 40 ]
	# what cannot be read stands there as an address, and is counted; so is an argument that is nowhere
	diff <(says text | grep -vF "$text") <(awk '$1 == "text" { print "arg1=" $2 " (unreadable)" }' said)
	[ "$(says held | grep -vF "$text")" = 'arg1=(unreadable) arg2=7' ]
	bad=$(($(grep -c '^text' said) + 1))
	[ "$bad" -ge 3 ]
	[ "$(from_json .annotations.unreadable sum)" -eq "$bad" ]
	# an address of nothing is a number, and to ask what it is does nothing to the program
	[ "$(says number | wc -l)" -eq 7 ]
	no grep -F unreadable <(says number)
	says number | grep -x 'arg1=123456789'
	says number | grep -x 'arg1=0x10000000000'
	grep -x 'stack grew 0' said
}

@test "a marker of five bytes in a function without a frame is refused in words, and the program stays right" {
	usdt_program
	run -1 "$CTRACE" -p "$prog_pid" -d 1 -o T --usdt 'usdt:shop:below__sp'
	[[ "$output" == *"below__sp"* ]]
	[[ "$(cat "$BATS_TEST_TMPDIR/err" 2>/dev/null)$output" == *"frame"* ]]
	tell go
	wait_line said '^done'
	grep '^right' said
}

# ---- children ----

# all_lived N: N rounds, and nobody died in any
all_lived() {
	until_true rounds_are "$1"
	cat said
	[ "$(grep -c '^lived 30 of 30$' said)" -eq "$1" ]
	[ "$(grep -c '^alive$' said)" -eq "$1" ]
}
rounds_are() { [ "$(grep -c '^done' said)" -eq "$1" ]; }

@test "children that annotate live: while their parent is recorded, after it, and when the recorder was killed" {
	start_prog forks
	rec -p "$(ready_word 2)" -o T
	tell go
	all_lived 1
	rec_stop
	sound T
	"$JUDGE" marks T | jq -e '[.logs[] | select(.category == "parent")] | length == 3'
	tell go
	all_lived 2
	rec -p "$(ready_word 2)" -o T
	tell go
	all_lived 3
	kill -KILL "$rec_pid"
	until_true gone "$rec_pid"
	tell go
	all_lived 4
	tell_end
	wait "$prog_pid"
}

@test "with -a what children annotate is in the trace" {
	start_prog forks
	rec -a -o T
	tell go
	all_lived 1
	rec_stop
	sound T
	"$JUDGE" marks T >marks
	jq -e '[.logs[].category] | map(select(. == "fork" or . == "clone" or . == "stays")) | length == 21' marks
	jq -e '[.regions[] | select(.type == "life" and .begin >= 0 and .end > .begin)] | length == 24' marks
	tell_end
	wait "$prog_pid"
}

@test "a program that executes itself is listened to again, whichever thread did it" {
	local by
	for by in main thread; do
		start_prog reexec "$by"
		rec_whole
		[ "$rec_status" -eq 0 ]
		grep '^listened 1' said
		sound T
		"$JUDGE" marks T | jq -e '[.logs[].category] | [map(select(. == "before")), map(select(. == "after"))] | map(length) | debug == [50, 50]'
		tell_end
		wait "$prog_pid"
	done
}
