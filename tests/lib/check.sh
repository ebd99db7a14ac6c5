#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What can be tested without root: check.sh UNIT…   (O: the build directory; called by `make check`)
#
# Runs the cmocka programs $O/unit/UNIT, the golden tests, tests/header, the bats files of scripts/test and those of tests/e2e that are
# named cli-*. Prints TAP, one plan a suite, and leaves each suite in $TAP_DIR/NAME.tap where that is set. Exit
# status 1 when a suite failed.
set -eu
# shellcheck source=tests/lib/common.bash
. "$(dirname "$0")/common.bash"
cd "$ROOT"

if ! have_judge; then
	echo "# no Go: golden traces are compared, not judged"
fi
for unit; do
	suite "unit-$unit" env CMOCKA_MESSAGE_OUTPUT=TAP "$O/unit/$unit"
done
suite golden tests/lib/golden.sh
suite scripts bats --tap scripts/test
tests/header/check.sh || suites_failed=1
suite cli bats --tap tests/e2e/cli-*.bats
exit "$suites_failed"
