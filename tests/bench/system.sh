#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The whole system recorded under load: a project that is built, pipelines of the shell, pgbench and redis together, then two thousand
# threads. Is each trace sound and whole, each process named, an idle CPU idle, the memory bounded? `system.sh --help` lists the
# options. Needs root.
set -eu

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
O=${O:-$top/build}
export O PATH PYTHONDONTWRITEBYTECODE=1

die() {
	echo "system: $1" >&2
	exit 3
}

case " $* " in
*" --help "* | *" -h "*) exec python3 "$here/system.py" --help ;;
esac
[ "$(id -u)" = 0 ] || die "needs root; try: sudo make bench-system"
for tool in python3 redis-server redis-benchmark pgbench stress-ng; do
	command -v "$tool" >/dev/null || die "$tool is missing: run scripts/setup.sh bench"
done
# shellcheck source=tests/lib/common.bash
. "$top/tests/lib/common.bash"
have_judge || die "the judge cannot be built without Go: run scripts/setup.sh test"

work=$(mktemp -d) # the traces are large
chmod 755 "$work" # the database server is another user
trap 'rm -rf "$work"' EXIT
status=0
python3 "$here/system.py" --work "$work" --judge "$JUDGE" "$@" || status=$?
exit "$status"
