#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Inside a pid namespace -p is a pid as seen from there.

setup() {
	load ../lib/common.bash
	e2e_setup
	unshare --pid --fork --mount-proc true || skip "no pid namespace can be made"
}

teardown() { e2e_teardown; }

in_namespace() { # SCRIPT: it gets $CTRACE, $PROG
	timeout 60 unshare --pid --fork --mount-proc bash -eu -c "$1"
}

@test "a pid of the namespace is recorded, with its own numbers as names" {
	in_namespace '
		mkfifo told
		"$PROG/known" 5 <told >said & p=$!
		exec 7>told
		until grep -q ready said; do :; done
		"$CTRACE" --json -v -p $p -d 500ms -o T 7>&- >sum 2>err & rec=$!
		until grep -q "ctrace-bpf: recording" err; do :; done
		echo go >&7
		wait $rec
		exec 7>&-
		echo $p >pid'
	sound T
	jq -e '.threads == 2' sum
	"$JUDGE" times T | jq -e '[.goroutines[].name] | sort == ["burner", "waker"]'
	"$JUDGE" times T | jq -e --argjson p "$(cat pid)" '.goroutines | any(.name == "waker" and .id == $p)'
	[ "$(cat pid)" = "$(ready_word 2)" ]
	nothing_left
}

@test "a pid that is none in there is refused, although it is one outside" {
	refused 1 "no process with pid $$" unshare --pid --fork --mount-proc "$CTRACE" -p $$ -d 1 -o T
}

@test "-a in there is refused: the whole system is not to be seen" {
	refused 3 '-a does not work inside a container' unshare --pid --fork --mount-proc "$CTRACE" -a -d 1 -o T
	nothing_left
}

@test "a thread id in there is resolved" {
	in_namespace '
		mkfifo told
		"$PROG/known" 5 <told >said & p=$!
		exec 7>told
		until grep -q ready said; do :; done
		t=$(awk "/ready/ { print \$4 }" said)
		"$CTRACE" --json -p $t -d 300ms -o T 7>&- >sum 2>err'
	grep -q 'is a thread of process' err
	sound T
	jq -e '.threads == 2' sum
}

# The clock of records is the kernel's; ours may be another's here.
@test "inside a time namespace the trace has its whole length, and nothing is late" {
	local offset
	unshare -T true 2>/dev/null || skip "no time namespaces"
	start_prog mixed
	for offset in 50000 -5000; do
		[ $offset -gt 0 ] || [ "$(cut -d. -f1 /proc/uptime)" -gt 5000 ] || continue # no clock begins before 0
		unshare -T --monotonic $offset "$CTRACE" -q --json -p "$(ready_word 2)" -d 500ms -o T >sum
		cat sum
		jq -e '.late == 0 and .events > 100 and .seconds > 0.49 and .seconds < 0.51' sum
		sound T
	done
}
