#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Invented and damaged recordings through convert, judged by Go's parser: fuzz.sh N   (called by `make fuzz`)
#
# FUZZ_SEED is the first seed [1]; failing inputs stay in $O/fuzz. One TAP line.
set -eu
# shellcheck source=tests/lib/common.bash
. "$(dirname "$0")/common.bash"
cd "$ROOT"

n=${1:-2000} seed=${FUZZ_SEED:-1}
invented() {
	echo 1..1
	if ! have_judge; then
		echo "not ok 1 - the judge cannot be built: where is Go?"
		return 1
	fi
	mkdir -p "$O/fuzz"
	if "$JUDGE" fuzz -n "$n" -seed "$seed" -ctrace "$CTRACE" -keep "$O/fuzz" >"$O/fuzz/log" 2>&1; then
		tail -n 3 "$O/fuzz/log" | sed 's/^/# /'
		echo "ok 1 - $n invented recordings"
	else
		tail -n 60 "$O/fuzz/log" | sed 's/^/# /'
		echo "not ok 1 - $n invented recordings"
		return 1
	fi
}
suite fuzz invented
exit "$suites_failed"
