# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What must have come of the steps of scripts/vm/record-modes. Sourced by check-kernels.sh, whose functions it uses.

modes_steps="launch launch-bare launch-segv launch-kill launch-nosuch launch-directory follow cgroup rule serve duty rotate flight"
# shellcheck disable=SC2034 # read by check-kernels.sh
modes_programs="early roles numbers outliers" # of tests/prog

# judged NAME WHAT TRACE FILTER: what jq says of what the judge tells of a trace (times, marks)
judged() {
	[ -n "$judge" ] && [ -s "$3" ] || return 0
	"$judge" "$2" "$3" >"$3.$2" 2>/dev/null || :
	holds "$1" "$3.$2" "$4"
	rm -f "$3.$2"
}

check_names() { # NAME TRACE OBJECT: its goroutines, and how many there are of each name
	[ -n "$judge" ] && [ -s "$2" ] && have jq || return 0
	{ "$judge" times "$2" | jq -c '[.goroutines[].name] | group_by(.) | map({(.[0]): length}) | add' >"$2.names"; } || :
	holds "$1: who is recorded, and nobody else" "$2.names" ". == $3"
	rm -f "$2.names"
}

check_files() { # NAME DIR STEP N: a trace in parts, N of them or more, is sound in each
	local file n=0 status=0
	for file in "$2/$3"-*.trace; do
		[ -s "$file" ] || continue
		n=$((n + 1))
		check_trace "$1: $3, file $n" "$file"
	done
	[ $n -ge "$4" ] || status=1
	result $status "$1: $3: $4 files or more"
}

# Each number that a thread said it logged, once in all files together.
check_numbers() { # NAME DIR
	local file status=0
	[ -n "$judge" ] && have jq || return 0
	for file in "$2"/rotate-*.trace; do
		{ "$judge" marks "$file" | jq -r '.logs[] | select(.category == "number") | .message'; } || :
	done | sort >"$2/logs.found"
	{ awk '$1 == "last" { for (i = 1; i <= $2; i++) print n + 0, i; n++ }' "$2/numbers.txt" 2>/dev/null | sort >"$2/logs.wanted"; } || :
	diff "$2/logs.wanted" "$2/logs.found" >"$2/logs.diff" || status=1
	[ -s "$2/logs.wanted" ] || status=1
	result $status "$1: rotate: each event is in one file, and in one only"
	if [ $status = 0 ]; then rm -f "$2"/logs.*; else explain "$2/logs.diff" 5; fi
}

check_modes() { # NAME DIR: of a machine, and what came back from it
	local name=$1 dir=$2 step trace

	for step in $modes_steps; do
		check_step "$name" "$dir" "$step"
		trace=$dir/$step.trace
		case $step in
		launch-nosuch | launch-directory | rotate | duty | flight) ;;
		*) check_trace "$name: $step" "$trace" ;;
		esac
		case $step in
		launch)
			judged "$name: $step: its first syscalls" times "$trace" '[.goroutines[].syscall_begins] | any(.execve) and any(.brk) and any(.openat)'
			judged "$name: $step: annotations from the first on" marks "$trace" \
				'([.logs[].message] == ["constructor", "main"]) and ([.regions[].type] | sort == (["constructor", "main"] + [range(10) | "work"]))'
			;;
		launch-bare) judged "$name: $step: its first syscalls" times "$trace" '[.goroutines[].syscall_begins] | any(.execve) and any(.brk) and any(.openat)' ;;
		follow) check_names "$name: $step" "$trace" '{"roles": 3, "roles/ticker": 2}' ;;
		cgroup)
			check_names "$name: $step" "$trace" '{"roles": 1, "roles/ticker": 2}'
			judged "$name: $step: who leaves ends" times "$trace" '[.goroutines[].state] | all(. == "NotExist")'
			;;
		rule) check_names "$name: $step" "$trace" '{"alpha": 1, "alpha/ticker": 2}' ;;
		rotate)
			check_files "$name" "$dir" "$step" 4
			check_numbers "$name" "$dir"
			;;
		duty)
			check_files "$name" "$dir" "$step" 2
			holds "$name: $step: each window has events" "$dir/$step.out" '.windows >= 2 and ([.files[:2][].events | . > 0] | all)'
			;;
		flight)
			check_files "$name" "$dir" "$step" 3
			holds "$name: $step: why each file was written" "$dir/$step.out" \
				'[.snapshots[].reason | sub(" .*"; "")] == ["SIGUSR2", "region", "process"]'
			;;
		esac
		case $step in
		follow | cgroup | rule | rotate | duty | flight) holds "$name: $step: nothing is lost" "$dir/$step.out" '.lost == 0' ;;
		esac
	done
}
