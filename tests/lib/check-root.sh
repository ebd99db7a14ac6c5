#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The end-to-end tests, which need root: check-root.sh [FILE…]   (O: the build directory; called by `make check-root`)
#
# FILE is a name of tests/e2e without .bats; all but cli-* by default, which are run by check.sh. Prints TAP, one plan a file,
# and leaves each in $TAP_DIR/FILE.tap where that is set. Exit status 1 when one failed.
set -eu
# shellcheck source=tests/lib/common.bash
. "$(dirname "$0")/common.bash"
cd "$ROOT"

if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP the end-to-end tests need root"
	exit 0
fi
if ! have_judge; then
	echo "Bail out! the judge cannot be built: where is Go?"
	exit 1
fi
if [ $# = 0 ]; then
	for f in tests/e2e/*.bats; do
		f=${f##*/}
		case $f in cli-*) ;; *) set -- "$@" "${f%.bats}" ;; esac
	done
fi
for name; do
	suite "$name" bats --tap "tests/e2e/$name.bats"
done
exit "$suites_failed"
