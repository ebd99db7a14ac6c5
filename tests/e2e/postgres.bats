#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Transactions and statements of a postgres that knows nothing of us, against what pgbench says of them.

bats_require_minimum_version 1.5.0

setup() {
	load ../lib/common.bash
	load ../lib/programs.sh
	e2e_setup
	program=postgres tmp=$BATS_TEST_TMPDIR
	# one statement, so that a transaction, a statement and what the client waits for are nearly one
	echo 'UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = (random() * 199999)::int + 1;' >"$tmp/one.sql"
	pgbench_options=(-n -f "$tmp/one.sql" -l --log-prefix="$tmp/pg/latency")
}

teardown() {
	programs_end
	e2e_teardown
}

# percentiles: "P50 P90 P99" in us of the numbers that come, one a line
percentiles() {
	sort -n | awk '{ v[NR] = $1 } END { if (NR < 200) exit 1; printf "%d %d %d %d\n", v[int(NR * .5)], v[int(NR * .9)], v[int(NR * .99)], NR }'
}

of_type() { jq -r --arg t "$1" '.regions[] | select(.type == $t and .begin >= 0 and .end >= 0) | (.end - .begin) / 1000' marks | percentiles; }

# near A B: each percentile of A, measured inside, is at most that of the client and not much less: by what the way there and
# back takes, 15 % or 150 us.
near() {
	echo "inside: $1; client: $2"
	awk -v a="$1" -v b="$2" 'BEGIN { split(a, x); split(b, y); for (i = 1; i <= 3; i++) if (x[i] > y[i] * 1.03 + 20 || x[i] < y[i] * 0.85 - 150) exit 1 }'
}

@test "postgres: transactions by its markers, and statements by its function, have pgbench's percentiles" {
	local rc=0 from to
	start_postgres || rc=$?
	[ "$rc" != 2 ] || skip "$lacks"
	[ "$rc" = 0 ]
	from=$(date +%s)
	run -0 "$CTRACE" -p "$target" -d 4 -o T --json --usdt-region 'postgres:postgresql:transaction__start,transaction__commit,transaction__abort' \
		--region postgres:exec_simple_query
	to=$(date +%s)
	sound T
	"$JUDGE" marks T >marks
	# of the same seconds: the log is buffered, and whole when pgbench has ended
	kill "${pids[-1]}"
	until_true gone "${pids[-1]}"
	# client transaction latency file second microsecond
	awk -v a="$from" -v b="$to" '$5 > a && $5 < b { print $3 }' pg/latency.* | percentiles >client
	near "$(of_type postgresql:transaction__start)" "$(cat client)"
	near "$(of_type exec_simple_query)" "$(cat client)"
	# each statement of these is one transaction
	jq -e '[.regions[] | select(.type == "exec_simple_query" and .end >= 0)] as $q | [.regions[] | select(.type == "postgresql:transaction__start" and .end >= 0)] as $t |
		($q | length) as $nq | ($t | length) as $nt | [$nq, $nt] | debug | .[0] > 200 and (.[0] - .[1] | fabs) <= 8' marks
}
