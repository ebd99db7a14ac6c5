#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The whole system: who there is, what they are called, and what the CPUs do. tests/bench/system.sh is the long form.

setup() {
	load ../lib/common.bash
	e2e_setup
}

teardown() { e2e_teardown; }

# Each is a program of its own, that ends within a millisecond.
rounds_of_short_programs() { # N
	local i
	for ((i = 0; i < $1; i++)); do
		./brief-true
		./brief-seq 20 | ./brief-sort -n | ./brief-wc -l
	done >/dev/null
}

@test "hundreds of short processes: each has the name of its program, once, and has ended" {
	local rounds=80
	cp /bin/true brief-true
	cp /usr/bin/seq brief-seq
	cp /usr/bin/sort brief-sort
	cp /usr/bin/wc brief-wc
	rec -a -o T
	rounds_of_short_programs $rounds
	rec_stop
	[ "$rec_status" -eq 0 ]
	sound T
	jq -e '.lost == 0' sum
	"$JUDGE" times T | jq '[.goroutines[] | select(.name | startswith("brief-"))]' >brief
	jq -c 'group_by(.name) | map({ key: .[0].name, value: length }) | from_entries' brief | tee counts
	# a thread of sort has its own name behind that of the process
	jq -e --argjson n $rounds '[.["brief-true"], .["brief-seq"], .["brief-sort"], .["brief-wc"]] | all(. == $n)' counts
	jq -e 'all(.state == "NotExist" and .created_ns != null and .running_ns + .syscall_ns > 0)' brief
	# whose stacks are walked is known right after the exec: nearly all of them are whole
	jq -c '.stacks.walks' sum
	jq -e '.stacks.walks | .complete > 0.9 * ([.[]] | add)' sum
	nothing_left
}

@test "three hundred threads are one group of their process, and each is there with its id" {
	start_prog crowd 300
	rec -a -o T
	tell wake
	wait_line said '^woken'
	find "/proc/$prog_pid/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort >tids
	rec_stop
	sound T
	jq -e '.lost == 0' sum
	"$JUDGE" times T | jq '[.goroutines[] | select(.name == "crowd/member" and .wakeups > 0)]' >members
	jq -e 'length == 300' members
	{ jq -r '.[].id' members && echo "$prog_pid"; } | sort | cmp - tids
}

# Time, the idle time of each CPU in ticks, and the CPU time of the threads of pid 1: one line of JSON. What is read at a moment
# when this process had to wait is read again.
look_at_cpus() {
	python3 - <<-'PY'
		import glob, json, os, re, time
		while True:
		    ns = time.time_ns()
		    stat = open("/proc/stat").read()
		    if time.time_ns() - ns < 2_000_000:
		        break
		idle = {}
		for m in re.finditer(r"^cpu(\d+) (.*)$", stat, re.M):
		    v = list(map(int, m[2].split()))
		    idle[m[1]] = (v[3] + v[4]) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
		first = sum(int(open(f).read().split()[0]) for f in glob.glob("/proc/1/task/*/schedstat"))
		print(json.dumps(dict(ns=ns, idle=idle, first=first, names=[open(f).read().strip() for f in glob.glob("/proc/1/task/*/comm")])))
	PY
}

seconds_go_by() {
	local end=$((SECONDS + $1))
	until [ $SECONDS -ge $end ]; do pause_shortly; done
}

# Where pid 1 is an agent of the hypervisor a switch from its threads may be seen by nobody (truth.bats), so they seem to run on
# until the next switch of their CPU. So much idle time more there may be: what they seem to run, less what the kernel says.
@test "a CPU without anybody is an idle CPU: as /proc/stat has it, under load and without" {
	rec -a -o T
	look_at_cpus >before
	timeout 2 sh -c 'yes | cat >/dev/null' || [ $? -eq 124 ]
	seconds_go_by 4
	look_at_cpus >after
	rec_stop
	sound T
	jq -e '.lost == 0' sum
	"$JUDGE" cpus -from "$(jq .ns before)" -to "$(jq .ns after)" T >rows
	python3 - before after rows <<-'PY'
		import json, sys
		a, b, rows = (json.load(open(f)) for f in sys.argv[1:])
		wall = b["ns"] - a["ns"]
		first = lambda row: sum(ns for who, ns in row["by_name"].items() if who in b["names"])
		hidden = max(0, sum(map(first, rows["rows"])) - (b["first"] - a["first"]))
		for row in rows["rows"]:
		    kernel = b["idle"][str(row["id"])] - a["idle"][str(row["id"])]
		    more = min(hidden, first(row))
		    print(f"CPU {row['id']}: idle {kernel / 1e9:.3f} s, in the trace {row['idle_ns'] / 1e9:.3f} s and up to {more / 1e9:.3f} s "
		          f"behind pid 1, of {wall / 1e9:.3f} s; not recorded:", {k: v for k, v in row["by_name"].items() if k[0] == "["})
		    # a hundredth, and a tick at each end
		    assert row["idle_ns"] - wall * .01 - 20e6 <= kernel <= row["idle_ns"] + more + wall * .01 + 20e6
		names = {who for row in rows["rows"] for who in row["by_name"]}
		assert {"[kernel threads]", "[ctrace-bpf]"} <= names, names
	PY
}
