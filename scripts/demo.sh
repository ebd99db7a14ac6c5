#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The main job, from nothing: installs what is missing, builds, records a program of many threads and says
# how to look at the trace.
#
#   sudo scripts/demo.sh [-d SECONDS] [-o FILE]      default: 5 seconds, demo.trace
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
build all build/prog/demo

demo_pid="" demo_log=$(mktemp)
stop_demo() {
	if [ -n "$demo_pid" ]; then
		kill "$demo_pid" 2>/dev/null || :
		wait "$demo_pid" 2>/dev/null || :
	fi
	rm -f "$demo_log"
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

cat <<END

The trace is $out ($(stat -c %s "$out") bytes). To look at it:

END
if go=$(find_go); then
	[ "$go" = "$(command -v go || :)" ] && go=go
	echo "    $go tool trace $out"
else
	cat <<END
    go tool trace $out

  There is no Go 1.$go_min_minor or newer here. It comes from your distribution (Debian 12: apt-get install
  golang-go/bookworm-backports golang-src/bookworm-backports) or from https://go.dev/dl, also on another machine:
  the trace is one file and needs nothing else.
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
Goroutines are threads here: short-1, short-2 and short-3 come and go; logger waits for the disk in sys_fsync.
END
