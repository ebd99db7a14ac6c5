#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The main job, from nothing: installs what is missing, builds, records a program of many threads and one that
# says what it does (docs/examples/cappuccino.c), and tells how to look at the traces.
#
#   sudo scripts/demo.sh [-d SECONDS] [-o FILE]      default: 5 seconds, demo.trace and demo.cappuccino.trace
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

seconds=5 out=demo.trace
while getopts d:o:h opt; do
	case $opt in
	d) seconds=$OPTARG ;;
	o) out=$OPTARG ;;
	*)
		sed -n '/^#   sudo/s/^# *//p' "$0"
		[ "$opt" = h ] || exit 2
		exit 0
		;;
	esac
done
[ "$(id -u)" = 0 ] || {
	say "recording needs root: run sudo $0"
	exit 3
}

"$root/scripts/setup.sh" build demo
say "building"
build all build/prog/demo build/prog/cappuccino

demo_pid="" demo_log=$(mktemp) orders=$(mktemp -u)
stop_demo() {
	if [ -n "$demo_pid" ]; then
		kill "$demo_pid" 2>/dev/null || :
		wait "$demo_pid" 2>/dev/null || :
	fi
	rm -f "$demo_log" "$orders"
}
trap stop_demo EXIT
trap 'exit 130' INT TERM

# The demo is an ordinary program of an ordinary user. It says "running" when all its threads are there.
${as_user[@]+"${as_user[@]}"} "$root/build/prog/demo" >"$demo_log" &
demo_pid=$!
until grep -q running "$demo_log"; do
	kill -0 "$demo_pid" 2>/dev/null || die "the demo program ended early: $(cat "$demo_log")"
	sleep 0.05
done

say "recording $seconds s of this program (process $demo_pid):"
grep -v running "$demo_log"
"$root/build/ctrace-bpf" -p "$demo_pid" -d "$seconds" -o "$out"
[ -s "$out" ] || die "$out is missing although the recording went well"
kill "$demo_pid"
wait "$demo_pid" 2>/dev/null || :

# The cappuccino waits for a line, and the recording ends with it.
cappuccino=${out%.trace}.cappuccino.trace
mkfifo -m 666 "$orders"
${as_user[@]+"${as_user[@]}"} "$root/build/prog/cappuccino" -w -n 20 <"$orders" >"$demo_log" &
demo_pid=$!
exec 8>"$orders"
until grep -q ready "$demo_log"; do
	kill -0 "$demo_pid" 2>/dev/null || die "the cappuccino ended early: $(cat "$demo_log")"
	sleep 0.05
done
say "recording 20 cappuccinos, of three threads each (docs/examples/cappuccino.c)"
"$root/build/ctrace-bpf" -p "$demo_pid" -o "$cappuccino" 2>"$demo_log" 8>&- &
recorder=$!
until grep -q 'ctrace-bpf: recording' "$demo_log"; do
	kill -0 "$recorder" 2>/dev/null || die "the cappuccino was not recorded: $(cat "$demo_log")"
	sleep 0.05
done
echo go >&8
exec 8>&-
wait "$recorder" || die "the cappuccino was not recorded: $(cat "$demo_log")"
grep 'events of' "$demo_log" || :

cat <<END

The traces are $out ($(stat -c %s "$out") bytes) and $cappuccino. To look at one:

END
if go=$(find_go); then
	[ "$go" = "$(command -v go || :)" ] && go=go
	printf '    %s\n' "$go tool trace $out" "$go tool trace $cappuccino"
else
	cat <<END
    go tool trace $out
    go tool trace $cappuccino

  There is no Go 1.$go_min_minor or newer here. It comes from your distribution (Debian 12: apt-get install
  golang-go/bookworm-backports golang-src/bookworm-backports) or from https://go.dev/dl, also on another machine:
  each trace is one file and needs nothing else.
END
fi
cat <<'END'

Then in the browser:
  "View trace by thread"    one row per thread. spinner-1 and spinner-2 share a CPU and take turns; consumer-1
                            and consumer-2 wake together and one waits for the ledger's lock; arrows lead
                            from the thread that wakes to the one that was woken.
  "View trace by proc"      one row per CPU: who ran where, and the gaps.
  "Goroutine analysis"      how long each thread ran, waited for a CPU, slept or was in a syscall.
  "Network blocking profile", "Synchronization blocking profile", "Syscall profile", "Scheduler latency profile"
                            what the waits were for.
  "User-defined tasks"      of the cappuccino: how long each order took; behind the number, all that happened to it,
  "User-defined regions"    on whichever thread: each step with its time.
Goroutines are threads here: short-1, short-2 and short-3 come and go; logger waits for the disk in sys_fsync.
END
