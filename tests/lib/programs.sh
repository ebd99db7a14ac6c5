# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# The programs that are recorded to see what comes of it, each with something to do. Source it behind common.bash; then:
#
#   start_NAME      starts one, by the name in $program, with its load; its files go to $tmp. Sets $target, the pids to record.
#                   2 with the reason in $lacks where the machine can not, 1 where it fails
#   programs_end    kills what was started, by pid
#   programs_suite  the whole of a suite over them: its options, a directory in $tmp, TAP
#
# Servers listen on Unix sockets in $tmp. redis_options, redis_load and pgbench_options can be set to other words; as they are,
# both servers wait for the disk.
# shellcheck disable=SC2034,SC2154 # lacks is read and program is set by the caller

pids=()
tmp='' keep=no count=0 failed=0
redis_options=(--appendonly yes --appendfsync always)
redis_load=(-t "set,get")
pgbench_options=()

programs_end() {
	local pid
	for pid in ${pids[@]+"${pids[@]}"}; do
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	pids=()
	if [ -n "${cluster:-}" ]; then as_postgres "$pgbin/pg_ctl" -D "$cluster" -m immediate -w stop >/dev/null 2>&1 || :; fi
	cluster=''
}

# background LOG COMMAND…: its pid is the last of pids
background() {
	local log=$1
	shift
	"$@" </dev/null >"$log" 2>&1 &
	pids+=($!)
}

ready() {
	background "$tmp/$program.out" "$@"
	target=${pids[-1]}
	until_true -t 60 grep -q '^ready\|is running$' "$tmp/$program.out"
}

need() {
	local c
	for c; do
		if ! command -v "$c" >/dev/null 2>&1; then
			lacks="no $c"
			return 2
		fi
	done
}

start_c() {
	ready "$PROG/demo"
}

start_cpp() {
	need g++ || return
	g++ -O2 -std=c++17 -pthread -o "$tmp/mutex" "$ROOT/tests/programs/mutex.cpp" || return 1
	ready "$tmp/mutex" "$tmp"
}

start_rust() {
	need rustc || return
	rustc -O -o "$tmp/channels" "$ROOT/tests/programs/channels.rs" || return 1
	ready "$tmp/channels"
}

start_python() {
	need python3 || return
	# the interpreter itself: a wrapper's shell would be another image
	ready "$(python3 -c 'import sys; print(sys.executable)')" "$ROOT/tests/programs/workers.py"
}

start_java() {
	need java javac || return
	javac -d "$tmp" "$ROOT/tests/programs/Pool.java" || return 1
	ready java -Xmx128m -cp "$tmp" Pool
}

start_go() {
	need go || return
	(cd "$tmp" && go build -o gopher "$ROOT/tests/programs/gopher.go") || return 1
	ready "$tmp/gopher"
}

start_redis() {
	need redis-server redis-benchmark redis-cli || return
	local sock=$tmp/redis.sock
	mkdir -p "$tmp/redis"
	background "$tmp/redis.out" redis-server --port 0 --unixsocket "$sock" --dir "$tmp/redis" --save '' \
		"${redis_options[@]}"
	target=${pids[-1]}
	until_true -t 20 redis-cli -s "$sock" ping || return 1
	background "$tmp/load.out" redis-benchmark -s "$sock" -c 4 -l -n 1000000 "${redis_load[@]}"
	until_true -t 20 redis_has_keys "$sock"
}

redis_has_keys() {
	[ "$(redis-cli -s "$1" dbsize)" != 0 ]
}

as_postgres() {
	setpriv --reuid=postgres --regid=postgres --init-groups "$@"
}

start_postgres() {
	local pgbin_glob pgbin_last=''
	for pgbin_glob in /usr/lib/postgresql/*/bin /usr/local/pgsql/bin; do
		if [ -x "$pgbin_glob/initdb" ]; then pgbin_last=$pgbin_glob; fi
	done
	pgbin=${pgbin_last:-$(dirname "$(command -v initdb || echo /nonexistent/initdb)")}
	if ! [ -x "$pgbin/initdb" ] || ! [ -x "$pgbin/pgbench" ] && ! command -v pgbench >/dev/null; then
		lacks='no postgres with pgbench'
		return 2
	fi
	if ! id postgres >/dev/null 2>&1; then
		lacks='no user postgres'
		return 2
	fi
	local dir=$tmp/pg
	mkdir -p "$dir"
	chmod 711 "$tmp"
	chown postgres "$dir"
	cluster=$dir/data
	local env=(env PGHOST="$dir" PGDATABASE=postgres PGUSER=postgres)
	as_postgres "$pgbin/initdb" -D "$cluster" -A trust --no-sync >"$tmp/initdb.out" 2>&1 || return 1
	as_postgres "$pgbin/pg_ctl" -D "$cluster" -w -l "$dir/log" -o "-c listen_addresses= -k $dir" start >/dev/null || return 1
	as_postgres "${env[@]}" pgbench -i -s 2 -q >"$tmp/init.out" 2>&1 || return 1
	background "$tmp/load.out" setpriv --reuid=postgres --regid=postgres --init-groups "${env[@]}" \
		pgbench -c 4 -T 600 "${pgbench_options[@]}"
	until_true -t 20 backends_are 4 "${env[@]}" || return 1
	target=$(head -n 1 "$cluster/postmaster.pid")
	target=$target,$(pgrep -P "$target" | paste -sd,)
}

backends_are() {
	local n=$1
	shift
	[ "$(as_postgres "$@" psql -Atc "select count(*) from pg_stat_activity where application_name = 'pgbench'")" = "$n" ]
}

start_nginx() {
	need nginx python3 || return
	local dir=$tmp/nginx
	mkdir -p "$dir"
	seq 20000 >"$dir/page.txt"
	cat >"$dir/conf" <<-END
		daemon off; user root; worker_processes 2; pid $dir/pid; error_log $dir/errors;
		events { worker_connections 64; }
		http {
			access_log $dir/access; gzip on; gzip_min_length 100; gzip_types *;
			client_body_temp_path $dir/body; proxy_temp_path $dir/proxy; fastcgi_temp_path $dir/fastcgi;
			uwsgi_temp_path $dir/uwsgi; scgi_temp_path $dir/scgi;
			server { listen unix:$dir/sock; root $dir; rewrite ^/(\d+)/(.*)\$ /\$2; autoindex on; }
		}
	END
	background "$tmp/nginx.out" nginx -p "$dir" -c "$dir/conf"
	target=${pids[-1]}
	until_true -t 20 test -S "$dir/sock" || return 1
	background "$tmp/load.out" python3 "$ROOT/tests/programs/http.py" "$dir/sock" 4
	until_true -t 20 grep -q '^ready' "$tmp/load.out" || return 1
	target=$(pgrep -P "$target" | paste -sd,)
}

# ---- a suite ----

ok() {
	count=$((count + 1))
	echo "ok $count - $*"
}

not_ok() {
	count=$((count + 1))
	failed=1
	echo "not ok $count - $*"
}

skip() { ok "$1 # SKIP $2"; } # WHAT WHY

programs_bye() {
	programs_end
	if [ "$keep" = yes ]; then echo "# kept: $tmp"; else rm -rf "$tmp"; fi
}

# programs_run NAME…: each with the caller's run_program, between its suite_begin and suite_end. Where suite_begin is false,
# $lacks is why nothing is run.
programs_run() {
	tmp=$(mktemp -d -p /var/tmp)
	trap programs_bye EXIT
	if ! suite_begin; then
		echo "1..0 # SKIP $lacks"
		return 0
	fi
	for program; do
		run_program "$program"
		programs_end
	done
	suite_end
	echo "1..$count"
	return "$failed"
}

# programs_suite NAME "PROGRAM…" [-k] [PROGRAM…]: the first list is the default
programs_suite() {
	local name=$1 all=$2
	shift 2
	while [ $# -gt 0 ] && [ "${1#-}" != "$1" ]; do
		case $1 in
		-k) keep=yes ;;
		*)
			sed -n '/^#   tests/s/^# *//p' "$0" >&2
			exit 2
			;;
		esac
		shift
	done
	# shellcheck disable=SC2086 # words
	if [ $# -eq 0 ]; then set -- $all; fi
	suite "$name" programs_run "$@"
	exit "$suites_failed"
}
