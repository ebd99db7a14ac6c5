#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# shots.sh FILE OUTDIR [NAME…]: pictures of what `go tool trace` shows of FILE: the main page, the timelines by proc and by
# thread (whole, zoomed in, with wake-up arrows), the goroutine pages and the profiles. Needs chromium, python3, go;
# the profile pages need graphviz. Exit 1 when a page does not show what it should, or lacks a thread named NAME.
set -eu

if [ $# -lt 2 ]; then
	echo "usage: $0 FILE OUTDIR [NAME…]" >&2
	exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || true)}
if [ -z "$chromium" ]; then
	echo "shots.sh: chromium is missing (apt-get install chromium)" >&2
	exit 1
fi
# The binary itself, not the go command in front of it: one process to stop.
tool=$(go tool -n trace)
exec python3 "$here/shots.py" "$chromium" "$tool" "$@"
