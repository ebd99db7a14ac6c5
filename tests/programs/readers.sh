#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#
# Real programs, recorded and read by readers that are not ours. As root, from anywhere:
#
#   tests/programs/readers.sh [-k] [PROGRAM…]      default: all of them
#
# In: the built program and those of tests/prog (see common.bash). Out: TAP, one line per program and check, also into
# $TAP_DIR/programs.tap; skips name what the machine lacks; exit 1 when a check failed. -k keeps the directory with the
# traces and says where it is.
#
# Per program: a recording of 3 s that loses nothing, one of 1 s per --go-version, each accepted by every Go release that
# should open it and by `judge check`; threads with their names; no time unaccounted for; and the four profiles, whose
# greatest entry must be what the program does (the table EXPECT).
# Programs run under a temporary directory, servers listen on a Unix socket there; all are killed by pid at the end.
#
# shellcheck disable=SC2317 # functions are called by name
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib/common.bash
. "$here/../lib/common.bash"
# shellcheck source=tests/lib/readers.sh
. "$here/../lib/readers.sh"
# shellcheck source=tests/lib/programs.sh
. "$here/../lib/programs.sh"

# program, what is looked at, regular expression. names: each must be a thread's name. Else a profile: the function with
# the greatest delay (the first expression) and others that must be in it; "-" says that it has to be empty.
#
# Whoever waits in epoll_wait has the reason "select", which Go puts into the sync profile: servers like redis and
# postgres have no network profile, and that is right.
EXPECT='
c        names    producer consumer.* echo-client echo-server logger sleeper timer ping pong
c        net      sys_(read|recvfrom|recvmsg)
c        sync     sys_(futex|read) sys_futex
c        syscall  . sys_fsync
c        sched    .
cpp      names    fighter client server syncer spinner
cpp      net      sys_read
cpp      sync     sys_futex
cpp      syscall  sys_fsync
cpp      sched    spinner
rust     names    producer consumer server client
rust     net      sys_recvfrom
rust     sync     sys_futex
rust     sched    .
python   net      sys_recvfrom
python   sync     sys_futex sys_poll
python   sched    .
java     names    monitor-0 producer consumer server client GC.Thread.* VM.Thread
java     net      sys_(read|recvfrom)
java     sync     sys_futex
java     sched    .
go       names    gopher
go       sync     sys_(futex|epoll_pwait) sys_futex sys_epoll_pwait
go       sched    .
redis    names    redis-server bio_.*
redis    net      -
redis    sync     sys_epoll_wait
redis    syscall  sys_(fdatasync|fsync)
redis    sched    .
postgres names    postgres
postgres net      -
postgres sync     sys_epoll_wait
postgres syscall  sys_(fdatasync|fsync)
postgres sched    .
'

fails() {
	not_ok "$1"
	sed 's/^/# /' "$tmp/why"
}

# check WHAT COMMAND…: COMMAND tells on its outputs why it failed
check() {
	local what=$1
	shift
	if "$@" >"$tmp/why" 2>&1; then ok "$program: $what"; else fails "$program: $what"; fi
}

# ---- checks ----

record() {
	local out=$1
	shift
	if ! "$CTRACE" -p "$target" -o "$out" --json "$@" >"$out.json"; then return 1; fi
	if ! grep -q '"lost": *0[,}]' "$out.json"; then
		cat "$out.json"
		return 1
	fi
}

accounted() {
	"$JUDGE" times "$1" | awk '
		/"name"/ { name = $0 }
		/"unknown_ns"/ { gsub(/[^0-9]/, ""); if ($0 + 0 > 1000) { print name ": " $0 " ns unknown"; bad = 1 } }
		END { exit bad }'
}

# the names of the threads, each one a line
names() {
	"$JUDGE" times "$1" | sed -n 's/^ *"name": "\(.*\)",$/\1/p' | sed 's,.*/,,' | sort -u
}

has_names() {
	local file=$1 want
	shift
	names "$file" >"$tmp/names"
	for want; do
		if ! grep -Eqx "$want" "$tmp/names"; then
			echo "no thread named $want among: $(paste -sd, "$tmp/names")"
			return 1
		fi
	done
}

# profile KIND FILE: "DELAY-SHARE FUNCTION" lines, greatest first
profile() {
	(cd / && go tool trace "-pprof=$1" "$2") >"$tmp/prof" || return 1
	if ! [ -s "$tmp/prof" ]; then return 0; fi
	(cd / && go tool pprof -top -nodecount=200 -sample_index=delay "$tmp/prof") 2>/dev/null |
		awk 'table && $1 !~ /^0(s|ns)?$/ { print $2, $6, $7, $8 } $1 == "flat" { table = 1 }' | sed 's/ *$//'
}

has_profile() {
	local file=$1 kind=$2 top=$3 want
	shift 3
	profile "$kind" "$file" >"$tmp/top" || return 1
	if [ "$top" = - ]; then
		if [ -s "$tmp/top" ]; then
			echo "$kind should be empty:"
			head -n 5 "$tmp/top"
			return 1
		fi
		return 0
	fi
	if ! head -n 1 "$tmp/top" | grep -Eq " $top"; then
		echo "$kind: the greatest should be $top:"
		head -n 8 "$tmp/top"
		return 1
	fi
	for want; do
		if ! grep -Eq " $want" "$tmp/top"; then
			echo "$kind: no $want:"
			head -n 8 "$tmp/top"
			return 1
		fi
	done
}

run_program() {
	local rc=0 minor what words line
	program=$1 target='' lacks=''
	"start_$program" >"$tmp/why" 2>&1 || rc=$?
	if [ "$rc" = 2 ]; then
		skip "$program" "$lacks"
		return 0
	elif [ "$rc" != 0 ]; then
		fails "$program: starts"
		return 0
	fi
	local file=$tmp/$program.trace
	check "recorded without loss" record "$file" -d 3
	for minor in 22 25 26; do
		check "recorded for Go 1.$minor" record "$tmp/$program.$minor.trace" -d 1 --go-version="1.$minor"
	done
	programs_end # the readers need the machine
	echo "# $program: $(sed -n 's/.*"repairs": *\({[^}]*}\).*/repairs \1/p' "$file.json") $(stat -c %s "$file") bytes"
	check "accepted by the readers" readers_accept "$file"
	for minor in 22 25 26; do
		check "1.$minor accepted by the readers" readers_accept "$tmp/$program.$minor.trace"
	done
	check "every time accounted for" accounted "$file"
	while read -r line what words; do
		if [ "$line" != "$program" ]; then continue; fi
		set -f
		# shellcheck disable=SC2086 # words
		if [ "$what" = names ]; then
			check "names" has_names "$file" $words
		else
			check "$what profile" has_profile "$file" "$what" $words
			if [ -s "$tmp/top" ]; then echo "# $what: $(head -n 3 "$tmp/top" | paste -sd';')"; fi
		fi
		set +f
	done <<<"$EXPECT"
}

# ---- main ----

suite_begin() {
	if [ "$(id -u)" != 0 ]; then
		lacks="not root"
		return 1
	fi
	go=$(command -v go || "$ROOT/scripts/find-go.sh") || {
		lacks="no Go"
		return 1
	}
	PATH=${go%/*}:$PATH
	have_judge || {
		lacks="the judge cannot be built"
		return 1
	}
	readers_look
}

suite_end() { :; }

programs_suite programs "c cpp rust python java go redis postgres" "$@"
