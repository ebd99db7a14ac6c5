#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A long recording of the whole system and many short ones: is the memory flat, is the end quick, does
# nothing stay behind? `soak.sh --help` lists the options. `soak.sh --flight` is the same for the flight recorder, with triggers
# that must have their snapshots. Needs root.
set -eu

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
O=${O:-$top/build}
export O PATH PYTHONDONTWRITEBYTECODE=1

for tool in python3 bpftool; do
	command -v "$tool" >/dev/null || {
		echo "soak: $tool is missing: run scripts/setup.sh bench" >&2
		exit 3
	}
done
what=soak.py
if [ "${1:-}" = --flight ]; then
	what=flight.py
	shift
fi
case " $* " in
*" --help "* | *" -h "*) exec python3 "$here/$what" --help ;;
esac
[ "$(id -u)" = 0 ] || {
	echo "soak: needs root; try: sudo make soak" >&2
	exit 3
}
make -s -C "$here" O="$O" "$O/bench/work"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
python3 "$here/$what" --work "$work" "$@" || status=$?
exit "$status"
