#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# What users read off the stacks: profiles that name who waits by function, file and line; CPU samples in known proportions.
# Whether each frame is right is asked by `make check-stacks`.

setup() {
	load ../lib/common.bash
	e2e_setup
}

teardown() { e2e_teardown; }

# ---- profiles ----

# lines KIND: "DELAY-NS FUNCTION FILE:LINE" of each frame of each stack of a profile of T, the delay being the stack's.
lines() {
	(cd / && go tool trace "-pprof=$1" "$BATS_TEST_TMPDIR/T") >prof || return 1
	[ ! -s prof ] || (cd / && go tool pprof -traces -lines -unit=ns -sample_index=delay "$BATS_TEST_TMPDIR/prof") 2>/dev/null | awk '
		/^-+\+-+$/ { ns = 0; next }
		/^ *[0-9.]+ns / { ns = $1 + 0; $1 = "" }
		NF && ns { sub(/^ +/, ""); printf "%.0f %s\n", ns, $0 }'
}

# delay KIND FUNCTION LINE: how long the profile says that was waited at this line of locks.c.
delay() { lines "$1" | awk -v f="$2" -v at="locks.c:$3" '$2 == f && index($3, at) == length($3) - length(at) + 1 { n += $1 } END { printf "%.0f\n", n }'; }

line_of() { awk -v f="$1" '$1 == "line" && $3 == f { print $4 }' said; }
waited() { awk -v f="$1" '$1 == "waited" && $2 == f { print $3 }' said; }

@test "profiles name the callers of a lock, of a receive and of an fsync by function, file and line" {
	command -v go >/dev/null || skip "no go"
	start_prog locks "$PWD"
	rec_whole
	[ "$rec_status" -eq 0 ]
	sound T
	lines sync | sort -rn | head -n 40
	for f in transfer_money audit_ledger; do
		# what the program measured around the call is more than the wait: after it comes that for a CPU, long where others are busy
		echo "$f: $(delay sync $f "$(line_of $f)") ns in the profile, $(waited $f) ns by the program"
		[ "$(delay sync $f "$(line_of $f)")" -gt $(($(waited $f) * 50 / 100)) ]
		[ "$(delay sync $f "$(line_of $f)")" -le "$(waited $f)" ]
	done
	[ "$(delay net fetch_answer "$(line_of fetch_answer)")" -gt 500000000 ]
	[ "$(delay syscall store_record "$(line_of store_record)")" -gt 0 ]
	lines sync | no grep -q 'unknown'
}

# ---- samples ----

# in_proportion MARGIN [TID]: heavy, middle and light have what they spent, by the program or by this thread of it, in points of
# a hundred, and all of it is theirs.
in_proportion() {
	local of=. spent
	[ -z "${2:-}" ] || of=".goroutines[] | select(.id == $2)"
	spent=$(awk -v tid="${2:-}" '
		tid == "" && $1 == "spent" { printf "[%.0f, %.0f, %.0f]", $2, $3, $4 }
		tid != "" && $1 == "thread" && $2 == tid { printf "[%.0f, %.0f, %.0f]", $3, $4, $5 }' said)
	jq -c "$of"' | [.samples, .functions.heavy, .functions.middle, .functions.light, .functions.spin]' samples
	jq -e --argjson spent "$spent" --argjson margin "$1" "$of"' |
		[.functions.heavy, .functions.middle, .functions.light] as $hit |
		($hit | add) as $all | ($spent | add) as $time |
		([range(3) | 100 * $hit[.] / $all - 100 * $spent[.] / $time | fabs] | debug | max) <= $margin
		and $all >= 0.98 * .samples and .functions.spin >= 0.97 * .samples' samples
}

# as_many HZ: one for each tick in which the program was on a CPU; some more, since the ticks also count what
# interrupts and the host of a virtual machine take.
as_many() {
	local ns
	ns=$(awk '/^spent/ { printf "%.0f\n", $2 + $3 + $4 }' said)
	jq -e --argjson want "$((ns * $1 / 1000000000))" '.samples as $n | [$n, $want] | debug | $n > 0.95 * $want and $n < 1.1 * $want + 5' samples
}

@test "CPU samples of a program come in the proportions of its CPU time, on its threads" {
	start_prog proportions 5
	rec_whole --sample=997
	[ "$rec_status" -eq 0 ]
	sound T
	"$JUDGE" samples T >samples
	jq -c 'del(.functions, .goroutines)' samples
	in_proportion 3
	as_many 997
	jq -e '.misplaced <= 0.01 * .samples and .no_goroutine == 0 and .no_stack <= 0.01 * .samples' samples
}

@test "the default is 99 samples a second of CPU" {
	start_prog proportions 3 2
	rec_whole --sample
	"$JUDGE" samples T >samples
	as_many 99
}

@test "CPU samples of several processes, some with more than one thread" {
	local i p word
	for i in 1 2 3; do
		mkfifo "told.$i"
		"$PROG/proportions" 2 $((i == 3 ? 2 : 1)) <"told.$i" >"said.$i" 3>&- &
		pids[i]=$!
		exec {fd}>"told.$i"
		fds[i]=$fd
		wait_line "said.$i" '^ready'
	done
	prog_pid=${pids[1]} other_pid=${pids[2]} other_rec_pid=${pids[3]}
	rec -p "${pids[1]},${pids[2]},${pids[3]}" --sample=997 -o T
	for i in 1 2 3; do echo go >&"${fds[i]}"; done
	for i in 1 2 3; do wait_line "said.$i" '^done' 60; done
	rec_stop
	[ "$rec_status" -eq 0 ]
	sound T
	"$JUDGE" samples T >samples
	jq -c 'del(.functions, .goroutines)' samples
	awk '
		$1 == "thread"
		$1 == "spent" { for (i = 2; i <= 4; i++) n[i] += $i }
		END { printf "spent %.0f %.0f %.0f\n", n[2], n[3], n[4] }' said.1 said.2 said.3 >said
	in_proportion 3
	as_many 997
	[ "$(grep -c '^thread' said)" -eq 4 ]
	while read -r word p _; do
		[ "$word" != thread ] || in_proportion 3 "$p"
	done <said
	for i in 1 2 3; do
		fd=${fds[i]}
		exec {fd}>&-
	done
}

# ---- which code is where ----

@test "an exec on one CPU and a library that is loaded on another are seen in their order" {
	cat >lib.c <<-'C'
		#include <time.h>
		void nap_in_library(void) { struct timespec t = { 0, 5000000 }; nanosleep(&t, 0); __asm__ volatile("" ::: "memory"); }
	C
	cat >relay.c <<-'C'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <sched.h>
		#include <unistd.h>
		static void on(int cpu) { cpu_set_t s; CPU_ZERO(&s); CPU_SET(cpu, &s); sched_setaffinity(0, sizeof(s), &s); }
		int main(int argc, char **argv) {
			void (*nap)(void);
			if (argc > 1) { on(1); execl("./relay", "relay", (char *)0); return 1; }
			on(0);
			nap = (void (*)(void))dlsym(dlopen("./lib.so", RTLD_NOW), "nap_in_library");
			for (int i = 0; i < 400; i++) nap();
			return 0;
		}
	C
	[ "$(nproc)" -gt 1 ] || skip "one CPU only"
	gcc -O2 -shared -fPIC -o lib.so lib.c
	gcc -O2 -o relay relay.c
	rec -a -o T
	clang --version >/dev/null 3>&- & # the tables of its library take so long that the news of the others come together
	relays=()
	for _ in $(seq 20); do
		./relay go 3>&- &
		relays+=($!)
	done
	wait "${relays[@]}"
	rec_stop
	sound T
	"$CTRACE" convert --text T >txt
	# the last nap of each: by then its library is known, or never
	grep 'GoBlock reason="sleep" .* < relay$' txt | awk '{ last[$1] = $0 } END { for (m in last) print last[m] }' >last
	[ "$(wc -l <last)" -eq 20 ]
	echo "$(grep -c ' < nap_in_library < main < ' last) of 20 end with their whole stack"
	[ "$(grep -c ' < nap_in_library < main < ' last)" -eq 20 ]
}

@test "a process whose first thread has ended has stacks, before and after" {
	cat >leader.c <<-'C'
		#include <pthread.h>
		#include <stdio.h>
		#include <time.h>
		static void *worker(void *arg) { for (;;) { struct timespec t = { 0, 2000000 }; nanosleep(&t, 0); } return arg; }
		int main(void) { pthread_t t; pthread_create(&t, 0, worker, 0); puts("ready"); fflush(stdout); pthread_exit(0); }
	C
	gcc -O2 -pthread -o leader leader.c
	./leader >ready 3>&- &
	leader=$!
	until_true grep -q ready ready
	rec -p "$leader" -o T
	until_true test -s T
	kill "$leader"
	rec_stop -
	sound T
	jq -e '.stacks.walks.complete > 0 and .stacks.walks.complete >= 0.9 * ([.stacks.walks[]] | add)' sum
}
