#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Boots the kernels that we promise to work on and records the demo program on each; with two CPUs in all capture modes.
#
#   scripts/check-kernels.sh [-o DIR]      reads KERNELS ["6.1 6.12"], CPUS ["1 2 16"]
#
# Needs build/ctrace-bpf, build/prog/demo and build/unit/test_probes, made on this machine. Prints TAP, also into $TAP_DIR/kernels.tap.
# What came back from each machine stays in DIR/KERNEL-CPUS [build/check-kernels]: traces, messages, logs.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

kernels=${KERNELS:-6.1 6.12} cpus=${CPUS:-1 2 16}
out=$root/build/check-kernels seconds_each=3
program=$root/build/ctrace-bpf demo=$root/build/prog/demo probes=$root/build/unit/test_probes marks=$root/build/prog/marks chimes=$root/build/prog/chimes

while getopts o:h opt; do
	case $opt in
	o) out=$OPTARG ;;
	*)
		sed -n '/^#   scripts/s/^# *//p' "$0"
		[ "$opt" = h ] || exit 2
		exit 0
		;;
	esac
done
for file in "$program" "$demo" "$probes"; do
	[ -x "$file" ] || die "$file is missing: run make check-kernels"
done

# ---- TAP ----

tests=0 failed=0
tap_file=/dev/null
if [ -n "${TAP_DIR:-}" ]; then
	mkdir -p "$TAP_DIR"
	tap_file=$TAP_DIR/kernels.tap
	: >"$tap_file"
fi
tap() {
	printf '%s\n' "$*" | tee -a "$tap_file"
}
result() { # STATUS TEXT
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		tap "ok $tests - $2"
	else
		failed=$((failed + 1))
		tap "not ok $tests - $2"
	fi
}
explain() { # FILE [LINES]: its end, as diagnostics
	[ ! -s "$1" ] || tail -n "${2:-30}" "$1" | tr -d '\r' | sed 's/^/# /' | tee -a "$tap_file"
}

# ---- the judge of the traces: Go's own parser ----

# shellcheck source=tests/lib/common.bash
. "$root/tests/lib/common.bash"
judge=""
if have_judge; then judge=$JUDGE; fi

check_trace() { # NAME FILE
	if [ ! -s "$2" ]; then
		result 1 "$1: a trace came back"
	elif [ -n "$judge" ]; then
		local status=0
		"$judge" check "$2" >"$2.verdict" 2>&1 || status=$?
		result $status "$1: Go's parser accepts the trace"
		[ $status = 0 ] || explain "$2.verdict"
	elif [ -n "$(find_go)" ]; then
		result 1 "$1: the judge could not be built from tests/judge"
	else
		result 0 "$1: Go's parser accepts the trace # SKIP no Go 1.$go_min_minor or newer"
	fi
}

holds() { # NAME FILE FILTER: what jq says of the JSON that the recording printed
	local status=0
	have jq || return 0
	jq -e "$3" "$2" >/dev/null 2>&1 || status=1
	result $status "$1"
	[ $status = 0 ] || explain "$2"
}

check_summary() { # NAME FILE
	holds "$1: the summary tells of events, of all threads and of no loss" "$2" '.events > 100 and .threads >= 14 and .lost == 0'
	holds "$1: user stacks are walked to their end" "$2" '.stacks.walks | .complete > 100 and .complete >= 0.99 * ([.[]] | add)'
}

check_lost() { # NAME FILE
	holds "$1: nothing is lost" "$2" '.events > 1000 and .lost == 0'
}

# What the demo's threads wait for, and by name: this is what the programs read from the structs of the kernel.
check_waits() { # NAME FILE MODE
	local what missing="" want=('reason="sleep"' 'reason="sync"' 'reason="network"' 'reason="chan receive"'
		'stack=[timer]' 'frame producer ' 'frame echo-server ')

	[ -s "$2" ] || return 0
	case $3 in
	all) want+=('GoSyscallBegin .*stack=sys_write' 'GoSyscallBegin .*stack=sys_fsync' 'pthread_cond_wait < consumer < role_main < ') ;;
	blocking) want+=('stack=sys_futex') ;;
	stopped) want=('reason="wait for debug call" stack=.*get_signal' 'frame producer file="/bin/demo"') ;;
	esac
	"$program" convert --text -o "$2.txt" "$2"
	for what in "${want[@]}"; do
		grep -q -e "${what/[/\\[}" "$2.txt" || missing="$missing, $what"
	done
	if [ "$3" = none ] && grep -q 'stack=sys_' "$2.txt"; then
		missing="$missing, no syscall at all"
	fi
	if [ -n "$missing" ]; then
		result 1 "$1: the waits have their reasons, the threads their names"
		tap "# not found: ${missing#, }"
	else
		result 0 "$1: the waits have their reasons, the threads their names"
	fi
	rm -f "$2.txt"
}

# As many as the program says, and each end is there.
check_marks() { # NAME TRACE WORDS
	local n status=0
	[ -n "$judge" ] && [ -s "$2" ] && have jq || return 0
	n=$(awk '$1 == "regions" { print $2 }' "$3")
	"$judge" marks "$2" >"$2.marks"
	jq -e --argjson n "${n:-0}" '[([.tasks[] | select(.end > .begin)] | length), ([.regions[] | select(.type == "part" and .end > .begin)] | length),
		(.logs | length), ([.regions[] | select(.type == "make" and .end > .begin)] | length)] == [$n, $n, $n, 4] and $n > 0' "$2.marks" >/dev/null || status=1
	result $status "$1: every annotation is in the trace"
	if [ $status = 0 ]; then rm -f "$2.marks"; else explain "$3"; fi
}

# Each CPU has a row in which something ran, also when it was away, and threads of the kernel are there with their interrupts.
check_system() { # NAME DIR CPUS
	local status=0
	check_trace "$1" "$2/system.trace"
	[ "$3" -gt 1 ] || return 0
	check_lost "$1" "$2/system.out"
	[ "$(wc -l 2>/dev/null <"$2/system.cpus")" = $(($3 - 1)) ] || status=1
	result $status "$1: each CPU but the first went and came back"
	judged "$1: all CPUs have events" times "$2/system.trace" "[.procs[] | select(.busy_ns > 0)] | length == $3"
	judged "$1: threads of the kernel are there" times "$2/system.trace" '[.goroutines[].name] | any(. == "kernel/cpuhp")'
	judged "$1: interrupts are told" marks "$2/system.trace" '[.logs[].category] | any(. == "softirq")'
}

check_step() { # NAME DIR STEP: it ended as it should
	local status
	status=$(cat "$2/$3.status" 2>/dev/null || echo missing)
	result "$status" "$1: $3"
	if [ "$status" != 0 ]; then
		explain "$2/$3.out" 5
		explain "$2/$3.err" 40
	fi
}

# shellcheck source=scripts/check-modes.sh
. "$root/scripts/check-modes.sh"

check_machine() { # KERNEL CPUS
	local kernel=$1 cpu_cnt=$2
	local dir=$out/$kernel-$cpu_cnt name="$kernel, $cpu_cnt CPUs" status=0 step steps modes="all blocking none" file

	steps="features record-all record-blocking record-none annotate places record-stopped system left"
	[ "$cpu_cnt" = 1 ] || steps="$steps record-hotplug"
	[ "$cpu_cnt" != 2 ] || steps="$steps probes" # of the kernel, not of its CPUs: once is enough

	rm -rf "$dir"
	mkdir -p "$dir"
	set -- -k "$kernel" -c "$cpu_cnt" -o "$dir" -t 900 -i "$program" -i "$demo" -i "$marks" -i "$chimes" -i "$probes" -i "$root/scripts/vm/record-demo"
	if [ "$cpu_cnt" = 2 ]; then
		set -- "$@" -i "$root/scripts/vm/record-modes"
		for file in $modes_programs; do
			set -- "$@" -i "$root/build/prog/$file"
		done
	fi
	for file in /usr/sbin/bpftool /usr/bin/bpftool; do
		if [ -x "$file" ]; then
			set -- "$@" -i "$file"
			break
		fi
	done
	"$root/scripts/vm.sh" "$@" -- "MODES='$modes' CPUS=$cpu_cnt SECONDS_EACH=$seconds_each; . /bin/record-demo" \
		>"$dir/guest.log" 2>&1 || status=$?
	result $status "$name: the machine booted and came to the end"
	if [ $status != 0 ]; then
		explain "$dir/guest.log"
		return 0
	fi
	for step in $steps; do
		if [ "$step" = left ]; then
			[ ! -e "$dir/left.status" ] || result "$(cat "$dir/left.status")" "$name: no program of ours is left in the kernel"
			continue
		fi
		check_step "$name" "$dir" "$step"
		case $step in
		record-*)
			check_trace "$name: $step" "$dir/${step#record-}.trace"
			check_summary "$name: $step" "$dir/$step.out"
			check_waits "$name: $step" "$dir/${step#record-}.trace" "${step#record-}"
			;;
		annotate)
			check_trace "$name: $step" "$dir/annotate.trace"
			check_marks "$name: $step" "$dir/annotate.trace" "$dir/marks.txt"
			;;
		places)
			check_trace "$name: $step" "$dir/places.trace"
			check_lost "$name: $step" "$dir/places.out"
			;;
		system) check_system "$name: $step" "$dir" "$cpu_cnt" ;;
		esac
	done
	[ "$cpu_cnt" != 2 ] || check_modes "$name" "$dir"
	if [[ $steps = *hotplug* ]]; then
		status=0
		[ "$(wc -l 2>/dev/null <"$dir/hotplug.txt")" -ge 2 ] || status=1
		result $status "$name: CPUs went and came back during the recording"
	fi
	status=0
	if grep -E 'WARNING:|BUG:|Oops|soft lockup|detected stalls|Call Trace' "$dir/dmesg.txt" >"$dir/dmesg.bad"; then
		status=1
	fi
	result $status "$name: the kernel complained of nothing"
	[ $status = 0 ] || explain "$dir/dmesg.bad"
}

for kernel in $kernels; do
	"$root/scripts/vm.sh" --fetch-only -k "$kernel" >/dev/null || {
		result 1 "$kernel: the kernel could be fetched"
		continue
	}
	for cpu_cnt in $cpus; do
		check_machine "$kernel" "$cpu_cnt"
	done
done
tap "1..$tests"
[ $failed = 0 ] && [ $tests -gt 0 ]
