#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# records.sh [N [SEED [PROGRAM]]]: N invented recordings, most of them damaged, through `convert`. What is accepted must be
# a sound trace, what is refused needs a sentence, and undamaged ones must tell the simulator's truth. Before
# them come the seeds of seeds.txt, each of which found a bug once. Failing inputs stay in build/fuzz.
set -eu

n=${1:-300}
seed=${2:-1}
root=$(cd "$(dirname "$0")/../.." && pwd)
program=${3:-$root/build/ctrace-bpf}
judge=$root/build/tests/judge

mkdir -p "$root/build/tests" "$root/build/fuzz"
(cd "$root/tests/judge" && go build -o "$judge" .)

failed=0
while read -r number damage _; do
	case $number in '' | '#'*) continue ;; esac
	args=()
	if [ "$damage" != any ]; then args=(-damage "$damage"); fi
	"$judge" fuzz -n 1 -seed "$number" "${args[@]}" -ctrace "$program" -keep "$root/build/fuzz" >"$root/build/fuzz/seed.log" || {
		cat "$root/build/fuzz/seed.log"
		failed=1
	}
done <"$root/tests/fuzz/seeds.txt"

# shellcheck disable=SC2086 # FUZZ_ARGS is a list of words
"$judge" fuzz -n "$n" -seed "$seed" -ctrace "$program" -keep "$root/build/fuzz" ${FUZZ_ARGS:-} || failed=1
exit "$failed"
