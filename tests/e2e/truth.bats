#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The trace against the kernel's own accounting, and against programs that know what they do.

setup() {
	load ../lib/common.bash
	e2e_setup
}

teardown() { e2e_teardown; }

# Both readings are taken inside the recording, with every thread asleep at a gate, and the trace is cut at the marks there.
# A thread begins to wait by a wake-up or a preemption, and the kernel's clock of a
# run queue is as old as the wake-up that preempts: so both kinds have the 15 us; what the wake-ups alone do not cover
# is marked with an asterisk. 0: they agree; 1: they do not; 3: plain percentages cannot be asked for, as others had the
# CPUs: a slice was shorter than a millisecond, and the way in and out of one takes more than a percent of it.
compare_accounts() { # ARG of mixed; "plain" for plain percentages
	local window=${CTRACE_TRUTH_SECONDS:-5} end
	start_prog mixed "$1"
	rec -p "$(ready_word 2)" -o T || return 1
	tell read
	wait_line said '^end' 60 || return 1
	end=$((SECONDS + window))
	until [ $SECONDS -ge $end ]; do pause_shortly; done
	tell read
	until_true -t 60 two_readings || return 1
	rec_stop && [ "$rec_status" -eq 0 ] && sound T || return 1
	jq -e '.lost == 0' sum || return 1
	jq -c '[.repairs, .recursion_misses]' sum
	"$JUDGE" times -between getpgid T >times
	"$JUDGE" times T >all
	awk '/^end/ { block++; next } NF == 6 { print block + 0, $0 }' said >readings
	python3 - readings times all "${2:-}" <<-'PY'
		import json, sys
		was, now = {}, {}
		for line in open(sys.argv[1]):
		    block, tid, name, *v = line.split()
		    (was if block == "0" else now)[int(tid)] = (name, list(map(int, v)))
		plain = sys.argv[4] == "plain"
		bad = crowded = 0
		times = {g["id"]: g for g in json.load(open(sys.argv[2]))["goroutines"]}
		print(f"{'thread':10} {'run kernel':>11} {'trace':>11} {'diff':>10} {'allowed':>9} | {'wait kernel':>11} {'trace':>11} {'diff':>10} {'allowed':>9} | switches, wake-ups")
		for tid, (name, new) in now.items():
		    old, g = was[tid][1], times[tid]
		    run, wait, slices, switches = (b - a for a, b in zip(old, new))
		    trun, twait = g["running_ns"] + g["syscall_ns"], g["runnable_ns"]
		    arun, await_ = run * .01 + 10_000 * g["starts"], wait * .05 + 15_000 * max(g["starts"], 1)
		    short = run * .01 < 10_000 * g["starts"]
		    if plain: arun, await_ = run * .01, wait * .05
		    wrong, excused = [], []
		    if plain and short:
		        crowded += 1
		        excused = ["RUNNING", "RUNNABLE"]
		    if abs(trun - run) > arun: wrong.append("RUNNING")
		    if abs(twait - wait) > await_: wrong.append("RUNNABLE")
		    elif abs(twait - wait) > wait * .05 + 15_000 * g["wakeups"]: wrong.append("*")
		    if abs(g["starts"] - switches) > 1: wrong.append("SWITCHES")
		    bad += any(w != "*" and w not in excused for w in wrong)
		    print(f"{name:10} {run:11} {trun:11} {trun-run:10} {arun:9.0f} | {wait:11} {twait:11} {twait-wait:10} {await_:9.0f} | {switches} {g['starts']} {g['wakeups']} {' '.join(wrong)} {'CROWDED' if excused else ''}")
		for g in json.load(open(sys.argv[3]))["goroutines"]:
		    if g["unknown_ns"] > 1000: # the slivers of the first walk
		        print(g["name"], "unknown", g["unknown_ns"])
		        bad += 1
		sys.exit(1 if bad else 3 if crowded else 0)
	PY
}

# Where a hypervisor's agent is pid 1, the kernel may not run our programs (nor anybody's) in its context: a switch from it
# to a thread of ours has no record, and up to a slice of running looks like waiting. The summary tells such a window
# by its repairs; it proves nothing, so another one is taken, six at most, and all are told. A window without them has to agree.
agree_in_a_whole_window() { # ARGS of compare_accounts
	local try status hidden=0 crowded=0
	for try in 1 2 3 4 5 6; do
		status=0
		compare_accounts "$@" || status=$?
		if [ "$status" = 0 ]; then
			echo "# $*: window $try agrees; before it $hidden with hidden switches, $crowded on crowded CPUs" >&3
			return
		elif [ "$status" = 3 ]; then
			crowded=$((crowded + 1))
		elif [ -s sum ] && jq -e '.repairs.forced_in // 0 > 0' sum >/dev/null; then
			hidden=$((hidden + 1))
		else
			echo "window $try has no hidden switches, and does not agree"
			return 1
		fi
		stop_prog
		rm -f sum
	done
	if [ $crowded -gt 0 ]; then skip "no window with slices of a millisecond: $crowded crowded, $hidden with hidden switches"; fi
	echo "every one of $hidden windows had hidden switches: nothing is proven"
	return 1
}

@test "time running, time runnable and switches agree with schedstat and status" {
	agree_in_a_whole_window mixed
}

@test "a CPU-bound set agrees inside the plain percentages" {
	agree_in_a_whole_window cpu plain
}

two_readings() { [ "$(grep -c '^end' said)" -eq 2 ]; }

@test "syscalls are counted as the program counts them" {
	start_prog counts
	rec_whole
	sound T
	"$JUDGE" times T >times
	awk 'NF == 2 && $1 != "ready"' said | while read -r name n; do
		have=$(jq --arg n "$name" '.goroutines[0].syscall_calls[$n] // 0' times)
		echo "$name $n $have"
		[ "$have" -eq "$n" ] || exit 1
	done
}

@test "A wakes B after 10 ms, B burns 5 ms: every arrow and every duration" {
	start_prog known 30
	rec_whole
	sound T
	"$JUDGE" wakes -json T >wakes
	"$JUDGE" times T >times
	python3 - said wakes times <<-'PY'
		import json, sys
		rounds = [list(map(int, l.split()[1:])) for l in open(sys.argv[1]) if l.startswith("round")]
		waker, burner = [int(x) for x in [l for l in open(sys.argv[1]) if l.startswith("ready")][0].split()[2:4]]
		wakes = json.load(open(sys.argv[2]))
		g = {x["id"]: x for x in json.load(open(sys.argv[3]))["goroutines"]}
		arrows = [w for w in wakes if w["wakee"] == burner and w["reason"] == "sync"]
		answers = [w for w in wakes if w["wakee"] == waker and w["reason"] == "sync"]
		sleeps = [w for w in wakes if w["wakee"] == waker and w["reason"] == "sleep"]
		assert len(rounds) == 30, rounds
		assert len(sleeps) == 30, len(sleeps)
		# pthread_join may be one more; a futex that was posted between the queueing and the sleep is none
		assert abs(len(arrows) - sum(r[3] for r in rounds)) <= 1, (len(arrows), rounds)
		assert abs(len(answers) - sum(r[4] for r in rounds)) <= 1, (len(answers), rounds)
		assert len(arrows) >= 20 and len(answers) >= 20, "too busy a machine"
		assert all(w["waker"] == waker for w in arrows), arrows
		assert all(w["waker"] == burner for w in answers), answers
		for w in sleeps:
		    assert w["waker"] == -1 and w["waker_name"] == "[timer]", w
		# the timer is set before the thread leaves its CPU: what keeps it there is in what the program measures
		for (i, slept, *_), s in zip(rounds, sleeps):
		    assert 10e6 - (slept - 10e6) - 50_000 <= s["duration_ns"] <= slept + 50_000, (i, slept, s)
		for a in arrows: # the arrow starts right behind the end of a sleep
		    assert any(0 <= a["time_ns"] - s["time_ns"] < 20e6 for s in sleeps), a
		# the kernel's count leaves out what interrupts, and a hypervisor's other guests, take of a thread's time, and the
		# trace has it: the program tells how much longer than that the clock went
		burned, ran, kept = (sum(r[i] for r in rounds) for i in (2, 5, 6))
		have = g[burner]["running_ns"] + g[burner]["syscall_ns"]
		print("burned", burned, "ran", ran, "and was kept for", kept, "; in the trace", have)
		assert burned <= ran and ran - 30 * 20_000 - 1e6 < have < ran + kept + 30 * 20_000 + 1e6, (have, burned, ran, kept)
	PY
}

@test "a sleep is ended by its timer, never by the thread that the interrupt hit" {
	start_prog mixed
	rec -p "$(ready_word 2)" -d 1 -o T
	rec_stop -
	sound T
	"$JUDGE" wakes -json T | jq '[.[] | select(.reason == "sleep")] | group_by(.waker_name) | map({ key: .[0].waker_name, value: length }) | from_entries' >ends
	cat ends
	# a wake-up that no hook saw is a repair, and counted as such
	jq -e --argjson missed "$(jq '.repairs.no_wakeup // 0' sum)" '
		.["[timer]"] > 100 and (del(.["[timer]"]) | keys - ["[unknown waker]"] == []) and (.["[unknown waker]"] // 0) <= $missed' ends
}

@test "every kind of wait has its exact reason, as an initial state and as a transition" {
	start_prog classes
	wait_line said '^end'
	until_true all_asleep "$(ready_word 2)"
	rec -p "$(ready_word 2)" -o T
	tell wake
	wait_line said '^woken'
	until_true all_asleep "$(ready_word 2)"
	rec_stop
	sound T
	"$CTRACE" convert --text T >txt
	bad=0
	while read -r _ name sys reason; do
		first=$(grep -m 1 "GoBlock.* < $name\$" txt || echo none)
		n=$(grep -c "GoBlock reason=\"$reason\" stack=sys_$sys < .*$name\$" txt || :)
		all=$(grep -c "Go\(Block\|SyscallBegin\).*sys_$sys < .*$name\$" txt || :)
		case $first in *"reason=\"$reason\" stack=sys_$sys "*) ;; *) n=0 ;; esac
		if [ "$n" -lt 2 ]; then
			echo "$name: $reason in $sys expected, first: $first ($n of $all)"
			bad=1
		fi
	done < <(grep ^class said)
	[ $bad = 0 ]
}
# The threads of the classes are named c-…; each is asleep in the kernel.
all_asleep() {
	local t
	for t in "/proc/$1/task/"*; do
		grep -q '^State:.S' "$t/status" || return 1
	done
}

all_stopped() {
	local t
	for t in "/proc/$1/task/"*; do
		grep -q '^State:.T' "$t/status" || return 1
	done
}

@test "SIGSTOP is a wait for a debug call" {
	start_prog mixed
	rec -p "$(ready_word 2)" -o T
	kill -STOP "$prog_pid"
	until_true all_stopped "$(ready_word 2)"
	kill -CONT "$prog_pid"
	tell read
	wait_line said '^end'
	rec_stop
	sound T
	"$JUDGE" times T | jq -e '[.goroutines[] | select(.waiting_ns["wait for debug call"] > 0)] | length == 9'
}
