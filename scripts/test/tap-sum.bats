#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The adding up of test results: what is not told must never count as passed.

setup() {
	sum="$BATS_TEST_DIRNAME/../tap-sum.sh"
	tap="$BATS_TEST_TMPDIR/a.tap"
}

expect() { # STATUS LINE, of what stands in $tap
	run "$sum" "$tap"
	echo "$output"
	[ "$status" -eq "$1" ] && [ "$output" = "$2" ]
}

@test "passed and failed tests are counted" {
	printf '%s\n' 1..3 'ok 1 - a' 'not ok 2 - b' 'ok 3' >"$tap"
	expect 1 "2 passed, 1 failed"
}

@test "all passed is success, and skipped is only told when there is some" {
	printf '%s\n' 1..1 'ok 1 - a' >"$tap"
	expect 0 "1 passed, 0 failed"
}

@test "a skip is no pass, in the words of bats and of cmocka" {
	printf '%s\n' 1..3 'ok 1 a # skip no root' 'not ok 2 # SKIP' 'ok 3 b' >"$tap"
	expect 0 "1 passed, 0 failed, 2 skipped"
}

@test "a failure that is marked as known is skipped" {
	printf '%s\n' 1..2 'ok 1' 'not ok 2 - b # TODO later' >"$tap"
	expect 0 "1 passed, 0 failed, 1 skipped"
}

@test "tests that the plan promised and that never came have failed" {
	printf '%s\n' 1..4 'ok 1' >"$tap"
	expect 1 "1 passed, 3 failed"
}

@test "a plan at the end, and several plans in one file" {
	printf '%s\n' 'ok 1' 'ok 2' 1..2 1..1 'ok 1' >"$tap"
	expect 0 "3 passed, 0 failed"
}

@test "a file without a plan has failed, whatever it says" {
	printf '%s\n' 'ok 1' >"$tap"
	expect 1 "1 passed, 1 failed"
}

@test "an empty file has failed" {
	: >"$tap"
	expect 1 "0 passed, 1 failed"
}

@test "a missing file has failed" {
	run "$sum" "$BATS_TEST_TMPDIR/none.tap"
	[ "$status" -ne 0 ]
}

@test "only skipped is no success" {
	echo '1..0 # SKIP no kernel' >"$tap"
	expect 1 "0 passed, 0 failed, 1 skipped"
}

@test "nothing at all is no success" {
	run "$sum"
	[ "$status" -ne 0 ]
	[ "$output" = "0 passed, 0 failed" ]
}

@test "a bail out is a failure" {
	printf '%s\n' 1..1 'ok 1' 'Bail out! no compiler' >"$tap"
	expect 1 "1 passed, 1 failed"
}

@test "diagnostics and subtests are not counted" {
	printf '%s\n' 1..1 '# not ok in words' '    ok 1 - inner' '    1..1' 'okay' 'ok 1' >"$tap"
	expect 0 "1 passed, 0 failed"
}

@test "files add up, an empty one between them too" {
	printf '%s\n' 1..1 'ok 1' >"$tap"
	: >"$BATS_TEST_TMPDIR/b.tap"
	printf '1..1\r\nok 1\r\n' >"$BATS_TEST_TMPDIR/c.tap"
	run "$sum" -v "$tap" "$BATS_TEST_TMPDIR/b.tap" "$BATS_TEST_TMPDIR/c.tap"
	[ "$status" -eq 1 ]
	[[ "$output" == *"b.tap: empty"*"2 passed, 1 failed" ]]
}
