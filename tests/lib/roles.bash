# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# For tests of who is recorded: tests/prog/roles does what it is told, and the trace T is asked who is in it. Sourced behind common.bash.

does() { # COMMAND: and it is done
	local n
	n=$(grep -c "^did ${1%% *}" said || :)
	tell "$1"
	until_true did_more "${1%% *}" "$n"
}
did_more() { [ "$(grep -c "^did $1" said)" -gt "$2" ]; }
names() { "$JUDGE" times T >times.json && jq -r '.goroutines[].name' times.json | sort | uniq -c | awk '{ print $2 "=" $1 }'; }
has() { # NAME=N…: so many goroutines are called so
	local one
	for one; do
		names | grep -qx -- "$one" || { names && return 1; }
	done
}
