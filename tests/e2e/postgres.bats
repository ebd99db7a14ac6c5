#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Transactions and statements of a postgres that knows nothing of us, against what pgbench says of them.

bats_require_minimum_version 1.5.0

setup() {
	load ../lib/common.bash
	load ../lib/programs.sh
	e2e_setup
	program=postgres
	tmp=$(mktemp -d -p /var/tmp)
	cd "$tmp"
	chmod 755 "$tmp"
	pgbench_options=(-n -f "$tmp/one.sql" -l --log-prefix="$tmp/pg/latency")
}

teardown() {
	programs_end
	e2e_teardown
	cd / && rm -rf "$tmp"
}

# percentiles: "P50 P90 P99" in us of the numbers that come, one a line
percentiles() {
	sort -n | awk '{ v[NR] = $1 } END { if (NR < 300) exit 1; printf "%d %d %d %d\n", v[int(NR * .5)], v[int(NR * .9)], v[int(NR * .99)], NR }'
}

of_type() { jq -r --arg t "$1" '.regions[] | select(.type == $t and .begin >= 0 and .end >= 0) | (.end - .begin) / 1000' marks | percentiles; }

# near A B: half and nine tenths of A, measured inside, are at most those of the client, and less by no more than what the way there
# and back takes: 15 % or 2 ms. Of the slowest hundredth only the upper bound is sure: the way may be what is slow there.
near() {
	echo "inside: $1; client: $2"
	awk -v a="$1" -v b="$2" 'BEGIN { split(a, x); split(b, y); for (i = 1; i <= 2; i++) if (x[i] <= 0 || x[i] > y[i] * 1.03 + 20 || x[i] < y[i] * 0.85 - 2000) exit 1
		if (x[3] <= 0 || x[3] > y[3] * 1.1 + 2000) exit 1 }'
}

# record_postgres STATEMENT OPTION…: postgres with 4 clients that do nothing but this, until 500 more are done. What they say of
# that time is in ./client, what the trace says in ./marks.
record_postgres() {
	local rc=0 from to
	echo "$1" >one.sql
	start_postgres || rc=$?
	[ "$rc" != 2 ] || skip "$lacks"
	[ "$rc" = 0 ]
	rec -p "$target" -o T "${@:2}"
	from=$(date +%s.%6N)
	until_true -t 60 more_are_done "$(done_of_clients)" 500
	to=$(date +%s.%6N)
	rec_stop
	[ "$rec_status" -eq 0 ]
	sound T
	"$JUDGE" marks T >marks
	kill "${pids[-1]}" # its log is whole when it has ended
	until_true gone "${pids[-1]}"
	# client transaction latency file second microsecond
	awk -v a="$from" -v b="$to" '{ t = $5 + $6 / 1e6 } t > a && t < b { print $3 }' pg/latency.* | percentiles >client
}
done_of_clients() { cat pg/latency.* | wc -l; }
more_are_done() { [ "$(done_of_clients)" -ge $(($1 + $2)) ]; }

# One statement, so that what the client waits for is the transaction and little else.
@test "postgres: transactions, by the markers that it has, have pgbench's percentiles" {
	record_postgres 'UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = (random() * 199999)::int + 1;' \
		--usdt-region 'postgres:postgresql:transaction__start,transaction__commit,transaction__abort'
	near "$(of_type postgresql:transaction__start)" "$(cat client)"
}

@test "postgres: calls of one of its functions have them, too, and are as many" {
	record_postgres 'SELECT pg_sleep(0.01 + random() * 0.04);' --region postgres:PortalRun \
		--usdt-region 'postgres:postgresql:query__start,query__done:arg1'
	near "$(of_type PortalRun)" "$(cat client)"
	jq -e '[.regions[] | select(.type == "PortalRun" and .end >= 0)] as $p |
		[.regions[] | select(.type == "SELECT pg_sleep(0.01 + random() * 0.04);" and .end >= 0)] as $q |
		[($p | length), ($q | length)] | debug | .[0] > 300 and (.[0] - .[1] | fabs) <= 8' marks
}
