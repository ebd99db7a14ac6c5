#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# scripts/test.sh on a checkout with a make file of ours: what it adds up, and that nothing passes by silence.

setup() {
	tree="$BATS_TEST_TMPDIR/tree"
	mkdir -p "$tree/scripts"
	cp "$BATS_TEST_DIRNAME"/../{lib,test,tap-sum}.sh "$tree/scripts/"
	printf '#!/bin/sh\nexit 0\n' >"$tree/scripts/setup.sh"
	chmod +x "$tree/scripts/setup.sh"
	unset MAKEFLAGS MAKELEVEL MFLAGS TAP_DIR SUDO_UID SUDO_GID SUDO_USER
}

makefile() { # lines of the form "target: command"; a tab is put where make wants one
	printf '%s\n' "$@" | sed 's/^\([a-z-]*\): /\1:\n\t/' >"$tree/Makefile"
}

last_line_is() {
	echo "$output"
	[ "${lines[-1]}" = "$1" ]
}

@test "results of all parts are added; a part without TAP is one test" {
	makefile 'all: true' \
		"check: printf '%s\n' 1..3 'ok 1' 'ok 2' 'ok 3 # SKIP x' >\$(TAP_DIR)/a.tap; printf '%s\n' 1..1 'ok 1' >\$(TAP_DIR)/b.tap" \
		'lint: true'
	run "$tree/scripts/test.sh" build check lint
	last_line_is "5 passed, 0 failed, 1 skipped"
	[ "$status" -eq 0 ]
	[ "$(grep -cE '^[0-9]+ passed' <<<"$output")" -eq 1 ]
}

@test "a failed test fails the run, the other parts still run" {
	makefile "check: printf '%s\n' 1..2 'ok 1' 'not ok 2' >\$(TAP_DIR)/a.tap; exit 1" 'lint: true'
	run "$tree/scripts/test.sh" check lint
	last_line_is "2 passed, 1 failed"
	[ "$status" -eq 1 ]
}

@test "a part that fails without a failed test counts as one" {
	makefile "check: printf '%s\n' 1..1 'ok 1' >\$(TAP_DIR)/a.tap; exit 1"
	run "$tree/scripts/test.sh" check
	last_line_is "1 passed, 1 failed"
	[ "$status" -eq 1 ]
}

@test "a failed build and a target that does not exist count" {
	makefile 'all: false'
	run "$tree/scripts/test.sh" build fuzz
	last_line_is "0 passed, 2 failed"
	[ "$status" -eq 1 ]
}

@test "a check that runs no test has failed" {
	makefile 'check: true'
	run "$tree/scripts/test.sh" check
	last_line_is "0 passed, 1 failed"
	[ "$status" -eq 1 ]
}

@test "results of an earlier run are not counted" {
	mkdir -p "$tree/build/tap/check"
	printf '%s\n' 1..1 'ok 1' >"$tree/build/tap/check/old.tap"
	makefile "check: printf '%s\n' 1..1 'ok 1' >\$(TAP_DIR)/a.tap"
	run "$tree/scripts/test.sh" check
	last_line_is "1 passed, 0 failed"
}

@test "a part that hangs is ended when the time is up" {
	makefile 'check: exec sleep 1000' 'lint: true'
	CTRACE_TEST_MINUTES=0 run "$tree/scripts/test.sh" check lint
	last_line_is "0 passed, 2 failed"
	[ "$status" -eq 1 ]
}

@test "a machine that cannot be set up is a failure" {
	printf '#!/bin/sh\nexit 1\n' >"$tree/scripts/setup.sh"
	makefile 'check: true'
	run "$tree/scripts/test.sh" check
	last_line_is "0 passed, 1 failed"
	[ "$status" -eq 1 ]
}

@test "under sudo the build belongs to the user, also what root left" {
	[ "$(id -u)" = 0 ] || skip "not root"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/*/ "$BATS_TEST_TMPDIR" 2>/dev/null || :
	chown -R 65534 "$tree"
	makefile 'all: id -u >build/who' "check-root: id -u >build/root; printf '%s\n' 1..1 'ok 1' >\$(TAP_DIR)/a.tap"
	SUDO_UID=65534 SUDO_GID=65534 SUDO_USER=nobody run "$tree/scripts/test.sh" build check-root
	last_line_is "2 passed, 0 failed"
	[ "$(cat "$tree/build/who")" = 65534 ]
	[ "$(cat "$tree/build/root")" = 0 ]
	[ -z "$(find "$tree/build" ! -user 65534)" ]
}
