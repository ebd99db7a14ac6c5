#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What recording costs, beside the floor and beside other tracers. Builds the small programs into
# build/bench, then runs bench.py in a mount namespace of its own, so that nothing that is mounted for
# the peers outlives the run. `run.sh --help` lists the options; `run.sh --stacks …` tells what one user
# stack costs (stacks.py), `run.sh --marks …` what annotations cost (marks.py). Needs root, but for --replay.
set -eu

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
O=${O:-$top/build}
export O PATH PYTHONDONTWRITEBYTECODE=1

die() {
	echo "bench: $1" >&2
	exit "${2:-1}"
}

# Where the kernel refuses trace-cmd the files of the function tracer, which it only wants to reset, it
# gets dummies to write to. Seen by this namespace alone.
lend_dummies() {
	local dir=$1 tracing=/sys/kernel/tracing f
	mountpoint -q "$tracing" || mount -t tracefs tracefs "$tracing" || return 0
	if ! (: >>"$tracing/set_ftrace_filter") 2>/dev/null; then
		for f in set_ftrace_pid set_ftrace_notrace_pid set_ftrace_filter set_ftrace_notrace; do
			[ -e "$tracing/$f" ] || continue
			: >"$dir/$f"
			mount --bind "$dir/$f" "$tracing/$f"
		done
	fi
	f=/proc/sys/kernel/ftrace_enabled
	if [ -e "$f" ] && ! (cat "$f" >"$dir/ftrace_enabled" && cat "$dir/ftrace_enabled" >"$f") 2>/dev/null; then
		echo 1 >"$dir/ftrace_enabled"
		mount --bind "$dir/ftrace_enabled" "$f"
	fi
}

if [ "${1:-}" = --in-namespace ]; then
	work=$2
	shift 2
	mkdir -p "$work/dummies"
	lend_dummies "$work/dummies"
	script=bench.py
	if [ "${1:-}" = --stacks ]; then
		script=stacks.py
		shift
	elif [ "${1:-}" = --marks ]; then
		script=marks.py
		shift
	fi
	exec python3 "$here/$script" --work "$work" "$@"
fi

need_root=1
for arg in "$@"; do
	case $arg in
	-h | --help | --replay | --replay=*) need_root=0 ;;
	esac
done
command -v python3 >/dev/null || die "python3 is missing: run scripts/setup.sh bench" 3
case " $* " in
*" --help "* | *" -h "*) exec python3 "$here/bench.py" --help ;;
esac
[ "$need_root" = 0 ] || [ "$(id -u)" = 0 ] || die "needs root; try: sudo make bench (or run.sh --replay, which does not)" 3

# Files go to memory where there is room: what a disk does with a tracer's output is not the tracer's.
scratch=${TMPDIR:-/tmp}
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ] && [ "$(df --output=avail -k /dev/shm | tail -n 1)" -gt 6291456 ]; then
	scratch=/dev/shm
fi
work=$(mktemp -d -p "$scratch")
chmod 755 "$work" # the database server is another user
trap 'rm -rf "$work"' EXIT
# without root only the generator of the replay is built: no clang, no BTF, and no build directory of root's
if [ "$need_root" = 0 ]; then
	if ! { mkdir -p "$O/bench" && [ -w "$O/bench" ]; } 2>/dev/null; then
		export BENCH=$work
	fi
	make -s -C "$here" O="$O" B="${BENCH:-$O/bench}" "${BENCH:-$O/bench}/rawgen"
else
	unset BENCH
	for tool in clang bpftool unshare; do
		command -v "$tool" >/dev/null || die "$tool is missing: run scripts/setup.sh bench" 3
	done
	make -s -C "$here" O="$O" all
	case ${1:-} in --marks) make -s -C "$here" O="$O" marks ;; esac
fi

status=0
if [ "$need_root" = 0 ]; then
	python3 "$here/bench.py" --work "$work" "$@" || status=$?
else
	unshare --mount --propagation private "${BASH_SOURCE[0]}" --in-namespace "$work" "$@" || status=$?
fi
exit "$status"
