#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Invented and damaged recordings through convert, judged by Go's parser: fuzz.sh N   (called by `make fuzz`)
#
# First the seeds of tests/fuzz/seeds.txt, each of which found a bug once, then N from FUZZ_SEED [1] on. What is
# accepted must be a sound trace, what is refused needs a sentence, and undamaged ones must tell the simulator's truth. A quarter of
# N once more with triggers that everything meets. Failing inputs stay in $O/fuzz. Three TAP lines.
set -eu
# shellcheck source=tests/lib/common.bash
. "$(dirname "$0")/common.bash"
cd "$ROOT"

n=${1:-2000} seed=${FUZZ_SEED:-1}
fuzz_once() { # ARG… of judge fuzz
	"$JUDGE" fuzz "$@" -ctrace "${program:-$CTRACE}" -keep "$O/fuzz" >>"$O/fuzz/log" 2>&1
}
# A program that is ctrace-bpf with triggers of each kind.
with_triggers() {
	program=$O/fuzz/with-triggers
	cat >"$program" <<-END
		#!/bin/sh
		case "\$*" in *--text*) exec "$CTRACE" "\$@" ;; esac
		exec "$CTRACE" "\$@" '--trigger=offcpu>1us' '--trigger=runnable>1us' '--trigger=syscall>1us' '--trigger=syscall:*>100us' \\
			'--trigger=region>1us' '--trigger=task>1us' '--trigger=log:*' --trigger=signal --trigger=exit
	END
	chmod +x "$program"
}
result() { # NUMBER STATUS WHAT
	tail -n 40 "$O/fuzz/log" | sed 's/^/# /'
	if [ "$2" = 0 ]; then echo "ok $1 - $3"; else echo "not ok $1 - $3"; fi
}
old_seeds() {
	local number damage failed=0
	while read -r number damage _; do
		case $number in '' | '#'*) continue ;; esac
		if [ "$damage" = any ]; then
			fuzz_once -n 1 -seed "$number" || failed=1
		else
			fuzz_once -n 1 -seed "$number" -damage "$damage" || failed=1
		fi
	done <tests/fuzz/seeds.txt
	return "$failed"
}
invented() {
	local first=0 second=0 third=0 program=
	echo 1..3
	if ! have_judge; then
		echo "not ok 1 - the judge cannot be built: where is Go?"
		return 1
	fi
	mkdir -p "$O/fuzz"
	: >"$O/fuzz/log"
	old_seeds || first=1
	result 1 "$first" "seeds that once failed"
	: >"$O/fuzz/log"
	fuzz_once -n "$n" -seed "$seed" || second=1
	result 2 "$second" "$n invented recordings"
	: >"$O/fuzz/log"
	with_triggers
	fuzz_once -n $(((n + 3) / 4)) -seed "$seed" || third=1
	result 3 "$third" "a quarter of them with triggers"
	[ "$first$second$third" = 000 ]
}
suite fuzz invented
exit "$suites_failed"
