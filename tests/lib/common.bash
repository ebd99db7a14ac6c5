# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What the runners and the bats files share. Source it; it sets
#
#   ROOT    the checkout          O       the build directory (absolute)
#   CTRACE  the program           PROG    the directory of the test programs
#   JUDGE   after have_judge: the trace judge
#
# shellcheck disable=SC2034 # set here for who sources this
# No test sleeps for a time: it waits for a state, and fails when the state does not come (until_true).

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
case ${O:-build} in
/*) ;;
*) O=$ROOT/${O:-build} ;;
esac
CTRACE=${CTRACE:-$O/ctrace-bpf}
PROG=$O/prog
export ROOT O CTRACE PROG

set -o pipefail # a suite that fails is seen through its tee

# ---- the judge ----

# Builds it once; false where there is no Go.
have_judge() {
	local go=go
	if [ -n "${JUDGE:-}" ] && [ -x "$JUDGE" ]; then return 0; fi
	JUDGE=$O/judge
	export JUDGE
	if [ -x "$JUDGE" ] && [ -z "$(find "$ROOT/tests/judge" -name '*.go' -newer "$JUDGE" -print -quit)" ]; then return 0; fi
	if ! command -v go >/dev/null; then
		go=$("$ROOT/scripts/find-go.sh" 2>/dev/null) || return 1
	fi
	mkdir -p "$O"
	(cd "$ROOT/tests/judge" && "$go" build -o "$JUDGE" .) >&2
}

# ---- waiting ----

# until_true [-t SECONDS] COMMAND…: again and again until it is true; 1 after the time [10 s].
until_true() {
	local limit=10 end
	if [ "$1" = -t ]; then
		limit=$2
		shift 2
	fi
	end=$((SECONDS + limit))
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then
			echo "waited $limit s for: $*" >&2
			return 1
		fi
		pause_shortly
	done
}

# A hundredth of a second without a process: nothing ever comes through this pipe.
pause_shortly() {
	if [ -z "${pause_fd:-}" ]; then
		exec {pause_fd}<> <(:)
	fi
	read -r -t 0.01 -u "$pause_fd" _ || :
}

# wait_line FILE PATTERN: until a line of FILE matches.
wait_line() {
	until_true -t "${3:-15}" grep -q -- "$2" "$1" || {
		cat "$1" >&2
		return 1
	}
}

# no COMMAND…: true when it is false. A bare ! does not fail a test of bats.
no() { ! "$@"; }

# A zombie is gone too: bash sometimes forgets to ask for a child ("wait_for: No record of process").
gone() {
	local stat
	kill -0 "$1" 2>/dev/null && read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
	[[ ${stat##*) } == Z* ]]
}

# ---- running suites ----

# shellcheck disable=SC2034 # read by who sources this
suites_failed=0

# suite NAME COMMAND…: its TAP to stdout and to $TAP_DIR/NAME.tap; remembers a failure.
suite() {
	local name=$1 out=/dev/null
	shift
	if [ -n "${TAP_DIR:-}" ]; then
		mkdir -p "$TAP_DIR"
		out=$TAP_DIR/$name.tap
	fi
	echo "# $name"
	if ! "$@" 2>&1 | tee "$out"; then
		suites_failed=1
	fi
}

# ---- for the bats files: programs and recordings ----

# e2e_setup: an own directory to work in, which anybody may write.
e2e_setup() {
	have_judge || return 1
	cd "$BATS_TEST_TMPDIR" || return 1
	chmod 755 .
	prog_pid='' rec_pid=''
}

# e2e_teardown: ends what the test left running, and nothing else.
e2e_teardown() {
	local pid
	for pid in ${rec_pid:-} ${other_rec_pid:-} ${prog_pid:-} ${other_pid:-}; do
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	rm -f mixed.?????? classes.??????
}

# start_prog NAME [ARG…]: a program of tests/prog that says "ready PID …"; its stdin is fed by tell, its words are in ./said.
start_prog() {
	rm -f told said
	mkfifo told
	"$PROG/$1" "${@:2}" <told >said 2>said.err 3>&- &
	prog_pid=$!
	exec {tell_fd}>told
	wait_line said '^ready'
}
stop_prog() {
	exec {tell_fd}>&-
	kill -KILL "$prog_pid" 2>/dev/null || : # the end of its input may have ended it already
	wait "$prog_pid" || :
	prog_pid=''
}
tell() { echo "$*" >&"$tell_fd"; }
tell_end() { exec {tell_fd}>&-; }
ready_word() { awk -v n="$1" '$1 == "ready" { print $n }' said; } # 2: pid

# rec ARG…: a recording in the background; returns when it records. Its words are in ./err, the summary is in ./sum.
rec() {
	: "${tell_fd:=9}"
	: >err # that of an earlier one would say that it records
	# without the program's stdin: it must end when the test closes it
	"$CTRACE" -v --json "$@" >sum 2>err 3>&- {tell_fd}>&- &
	rec_pid=$!
	until_true -t 20 is_recording_or_gone
	is_recording || {
		cat err >&2
		return 1
	}
}
is_recording_or_gone() { is_recording || gone "$rec_pid"; }
is_recording() {
	grep -q 'ctrace-bpf: recording' err
}

# has_open PATTERN: the recorder has such a file of this directory open; one without a name is #NUMBER.
has_open() { find "/proc/$rec_pid/fd" -lname "$PWD/$1" 2>/dev/null | grep -q .; }

# rec_stop [SIGNAL]: stops it, or waits for its end with "-"; its status is in $rec_status.
rec_stop() {
	if [ "${1:-INT}" != - ]; then kill -"${1:-INT}" "$rec_pid"; fi
	until_true -t 20 gone "$rec_pid" || return 1
	rec_status=0
	wait "$rec_pid" || rec_status=$?
	rec_pid=''
}

# rec_whole [OPTION…]: records the program that was started from its first doing to "done", into T.
rec_whole() {
	rec -p "$(ready_word 2)" "$@" -o T || return 1
	tell go
	wait_line said '^done' 60 || return 1
	rec_stop INT
}

# lose_records PID [N]: the tracer stands still until the threads of PID have switched N times, more than its rings hold.
lose_records() {
	local enough
	enough=$(($(switches_of "$1") + ${2:-20000}))
	kill -STOP "$rec_pid"
	until_true -t 60 switched "$1" "$enough" || return 1
	kill -CONT "$rec_pid"
}
switches_of() { awk '/ctxt_switches/ { n += $2 } END { print n }' /proc/"$1"/task/*/status; }
switched() { [ "$(switches_of "$1")" -ge "$2" ]; }

# sound FILE…: the judge takes it.
sound() { "$JUDGE" check "$@"; }
from_json() { jq -r "$1" "$2"; }

# nothing_left: no BPF program or map of ours without a process that holds it. Other recorders may be at work here.
nothing_left() { until_true -t 60 no_orphans; } # a program that may sleep goes a grace period of the kernel later
no_orphans() {
	local orphans
	orphans=$(bpftool -j prog show | jq -r '.[] | select((.name // "") | startswith("ct_")) | select((.pids // []) | length == 0) | .name')
	orphans+=$(bpftool -j map show | jq -r '.[] | select((.name // "") | test("^(ct_|ctrace)")) | select((.pids // []) | length == 0) | .name')
	[ -z "$orphans" ] || {
		echo "left behind: $orphans" >&2
		return 1
	}
}

# refused CODE PATTERN COMMAND…: ends with this code and one line on stderr that matches, and leaves nothing behind.
refused() {
	local code=$1 pattern=$2 status=0 before limit=(timeout 20)
	shift 2
	if declare -F "$1" >/dev/null; then limit=(); fi
	before=$(ls -A)
	"${limit[@]}" "$@" >"$BATS_TEST_TMPDIR/../refused.out.$$" 2>"$BATS_TEST_TMPDIR/../refused.err.$$" </dev/null || status=$?
	refused_err=$(cat "$BATS_TEST_TMPDIR/../refused.err.$$")
	rm -f "$BATS_TEST_TMPDIR/../refused".*.$$
	echo "status $status: $refused_err"
	[ "$status" -eq "$code" ] || return 1
	[ "$(wc -l <<<"$refused_err")" -eq 1 ] || return 1
	[[ $refused_err =~ ^ctrace-bpf:\ .*$pattern ]] || return 1
	[ "$(ls -A)" = "$before" ] || { ls -A && return 1; }
}

# note_macro: for an assembler source, the macro that writes a marker's note, as <sys/sdt.h> does: `990: nop` stands before it, and
# `gate` is a semaphore.
note_macro() {
	cat <<-'END'
		.macro note provider name args sema=gate base=0
		.pushsection .note.stapsdt,"","note"
		.balign 4
		.4byte 8, 2f-1f, 3
		.asciz "stapsdt"
		1: .8byte 990b, \base, \sema
		.asciz "\provider"
		.asciz "\name"
		.asciz "\args"
		.balign 4
		2: .popsection
		.endm
		.section .probes,"aw"
		gate: .2byte 0
		.section .note.GNU-stack,"",@progbits
		.text
	END
}
