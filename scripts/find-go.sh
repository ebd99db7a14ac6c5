#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Prints the path of a Go that is recent enough for the tests and the viewer; exit 1 when there is none.
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
find_go
