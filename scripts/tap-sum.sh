#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Adds up test results in TAP, the format that cmocka, bats and our own scripts print.
#
#   scripts/tap-sum.sh FILE.tap…     prints "N passed, N failed[, N skipped]"
#
# What is not told counts as failed: a test that the plan promised and that never came, a file without a
# plan (the suite died before its first word), "Bail out!". A failed test marked "# TODO" is a skipped one. Indented
# lines (subtests, diagnostics) are not counted; "1..0 # SKIP" is one skipped suite.
# Exit status: 0 when something passed and nothing failed, 1 otherwise. -v names what failed on stderr.
set -eu

verbose=0
if [ "${1:-}" = -v ]; then
	verbose=1
	shift
fi

awk -v verbose="$verbose" '
function complain(text) {
	if (verbose)
		print file ": " text >"/dev/stderr"
}
function close_file() {
	if (file == "")
		return
	if (!plans) {
		failed++
		complain("no plan: the suite did not start, or did not end")
	} else if (planned > seen) {
		failed += planned - seen
		complain(planned - seen " of " planned " tests never reported")
	}
}
FNR == 1 {
	close_file()
	file = FILENAME
	planned = seen = plans = 0
}
{ sub(/\r$/, "") }
/^1\.\.[0-9]+/ {
	n = substr($1, 4) + 0
	plans++
	planned += n
	if (n == 0)
		skipped++
	next
}
/^Bail out!/ {
	failed++
	complain($0)
	next
}
/^(not )?ok([ \t]|$)/ {
	seen++
	if (toupper($0) ~ /#[ \t]*SKIP/)
		skipped++
	else if (/^ok/)
		passed++
	else if (toupper($0) ~ /#[ \t]*TODO/)
		skipped++
	else {
		failed++
		complain($0)
	}
}
END {
	close_file()
	# an empty file has no first line
	for (i = 1; i < ARGC; i++)
		if ((getline line <ARGV[i]) <= 0) {
			failed++
			file = ARGV[i]
			complain("empty")
		}
	printf "%d passed, %d failed", passed, failed
	if (skipped)
		printf ", %d skipped", skipped
	print ""
	exit !(passed > 0 && failed == 0)
}' ${@+"$@"} </dev/null
