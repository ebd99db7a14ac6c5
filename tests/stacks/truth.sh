#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# User stacks against eu-stack, for programs without frame pointers. As root, from anywhere:
#
#   tests/stacks/truth.sh [-k] [PROGRAM…]      default: all of them
#
# In: N, stacks to compare each [60]; FP=1 to measure frame pointers as well [0]; LEAST, per cent that must be identical [99].
# Out: TAP, also into $TAP_DIR/stacks.tap, and a table; exit 1 when a check failed. -k keeps the directory with recordings and
# results, in which NAME.result has examples of what differs, and says where it is. How: see truth.py.
#
# shellcheck disable=SC2317 # functions are called by name
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib/common.bash
. "$here/../lib/common.bash"
# shellcheck source=tests/lib/programs.sh
. "$here/../lib/programs.sh"

: "${N:=60}" "${FP:=0}" "${LEAST:=99}"

result() { # STATUS TEXT
	if [ "$1" = 0 ]; then ok "$2"; else not_ok "$2"; fi
}

# ---- programs of this test, compiled as a distribution does: optimised, without frame pointers ----

plain="-O2 -g -fomit-frame-pointer -pthread"

# shellcheck disable=SC2086 # words
start_corners() {
	gcc -D_GNU_SOURCE $plain -shared -fPIC -o "$tmp/plug.so" "$here/plug.c" || return 1
	gcc -D_GNU_SOURCE $plain -o "$tmp/corners" "$here/corners.c" || return 1
	ready "$tmp/corners" "$tmp/plug.so"
}

# shellcheck disable=SC2086
start_static() {
	gcc -D_GNU_SOURCE $plain -static -o "$tmp/static" "$here/corners.c" 2>/dev/null || return 1
	ready "$tmp/static"
}

# shellcheck disable=SC2086
start_nopie() {
	gcc -D_GNU_SOURCE $plain -no-pie -Wl,-z,norelro -o "$tmp/nopie" "$here/corners.c" || return 1
	ready "$tmp/nopie"
}

# shellcheck disable=SC2086
start_cpp() {
	need g++ || return
	g++ $plain -std=c++17 -o "$tmp/cpp" "$here/deep.cpp" || return 1
	ready "$tmp/cpp"
}

start_rust() {
	need rustc || return
	rustc -O -C force-frame-pointers=no -o "$tmp/rust" "$here/deep.rs" || return 1
	ready "$tmp/rust"
}

# The distribution's, where there is one: it is built without frame pointers, and what somebody put before it may not be.
start_python() {
	local python=/usr/bin/python3
	[ -x "$python" ] || python=$(python3 -c 'import sys; print(sys.executable)')
	ready "$python" "$here/deep.py"
}

# Compiled Java uses rbp for what it likes, unless told not to: then not even eu-stack finds its way.
start_java() {
	need java javac || return
	javac -d "$tmp" "$here/Deep.java" || return 1
	ready java -Xmx128m -XX:+PreserveFramePointer -cp "$tmp" Deep
}

# Work in many places: who only waits is always found waiting, and a wait for the disk holds back a stop.
redis_options=(--appendonly no)
redis_load=(-r 1000 eval 'local t = {} for i = 1, 500 do t[i] = tostring(i * 7 % 13) end table.sort(t)
	redis.call("set", KEYS[1], table.concat(t)) return cjson.encode(t)' 1 key:__rand_int__)
queries() {
	cp "$here/queries.sql" "$tmp"
	chmod 711 "$tmp"
	pgbench_options=(-f "$tmp/queries.sql@5" -b tpcb-like@1)
}

# ---- one of them ----

# truth CALL-GRAPH LEAST
truth() {
	"$here/truth.py" --ctrace "$CTRACE" --dir "$tmp" --name "$program" --pids "$target" --count "$N" --least "$2" \
		${1:+"--call-graph=$1"} >"$tmp/out" 2>&1
}

field() { # JQ FILE
	jq -r "$1" "$tmp/$2.result" 2>/dev/null || echo '?'
}

run_program() {
	local rc=0 fp=
	program=$1 target='' lacks=''
	"start_$program" >"$tmp/why" 2>&1 || rc=$?
	if [ "$rc" = 2 ]; then
		skip "$program" "$lacks"
		return 0
	elif [ "$rc" != 0 ]; then
		result 1 "$program starts"
		sed 's/^/# /' "$tmp/why"
		return 0
	fi
	rc=0
	truth "" "$LEAST" || rc=$?
	result "$rc" "$program: $(field .identical_percent "$program") % of $(field .compared "$program") stacks are eu-stack's"
	sed 's/^/# /' "$tmp/out"
	if [ "$rc" != 0 ]; then
		# shellcheck disable=SC2016 # jq's
		field '.examples[0:3][] | (if .at > 1 then .at - 2 else 0 end) as $i | "differs at \(.at), end \(.end)",
			"  ours: … \(.ours[$i:$i + 6] | join(" < "))", "  true: … \(.true[$i:$i + 6] | join(" < "))"' "$program" | sed 's/^/# /'
	fi
	[ -e "$tmp/$program.result" ] || return 0
	if [ "$FP" = 1 ]; then
		truth fp 0 || :
		sed 's/^/# /' "$tmp/out"
		fp=$(field '"\(.identical_percent) (\(.frames_found_percent) found, \(.frames_wrong_percent) wrong)"' "$program-fp")
	fi
	field '"| '"$program"' | \(.compared) | \(.distinct) | \(.frames_each) | \(.identical_percent) | '"${fp:--}"' | ''\(.["truth ended early"] // 0) | \(.why | to_entries | map("\(.key) \(.value)") | join(", ")) |"' "$program" >>"$tmp/table"
}

suite_begin() {
	local name
	if [ "$(id -u)" != 0 ]; then
		lacks="not root"
		return 1
	fi
	for name in eu-stack jq python3 gcc; do
		command -v "$name" >/dev/null || {
			lacks="no $name"
			return 1
		}
	done
	queries
	{
		echo '| program | stacks | distinct | frames each | identical % | by frame pointers % (frames) | eu-stack ended early | differ behind a frame in |'
		echo '|---|---|---|---|---|---|---|---|'
	} >"$tmp/table"
}

suite_end() { sed 's/^/# /' "$tmp/table"; }

programs_suite stacks "corners static nopie cpp rust python java postgres nginx redis" "$@"
