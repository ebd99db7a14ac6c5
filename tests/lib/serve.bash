# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# For tests of `ctrace-bpf serve`. Load it behind common.bash, call e2e_setup first, and service_teardown before e2e_teardown.
#
#   start_service [OPTION…]   on a free port of loopback and on ./control.sock, files into ./out, unless OPTIONs say otherwise;
#                             returns when it answers. Its words are in ./serve.err. It sets
#                             serve_pid, serve_port, serve_url (http://127.0.0.1:PORT), serve_socket, serve_dir
#   stop_service [SIGNAL]     [TERM] and waits for its end; its status is in $serve_status
#   get PATH [CURL-OPTION…]   curl -sS $serve_url$PATH
#   rpc METHOD [PARAMS]       the answer of JSON-RPC, by POST; rpc_by CURL-OPTION… -- METHOD [PARAMS] with more words for curl
#   as_uid UID COMMAND…       by a user without any right; UID needs no name. start_as UID FILE COMMAND… in the background
#   start_demo                tests/prog/demo, which works all the time; its pid is $P
#   logged PATTERN            until the service has written such a line
#   freeze PID                it stands still, whatever signal comes, until thaw
#   code_of CURL-OPTION…      the status of the answer alone, three digits
#
# shellcheck disable=SC2034 # set here for who sources this

# A port that nobody listens on, below those that the kernel gives to clients.
free_port() {
	local port=$((10000 + (BASHPID * 7 + RANDOM) % 20000))
	while ss -Hltn "sport = :$port" | grep -q .; do port=$((port + 1)); done
	echo "$port"
}

# For tests with other users, who must reach the test's directory.
service_setup() {
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" "$BATS_FILE_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" "$BATS_TEST_TMPDIR"
}

start_service() {
	local args=(serve) given=" $* "
	serve_given=$given
	: "${tell_fd:=9}"
	serve_port='' serve_socket=$PWD/control.sock serve_dir=$PWD/out
	if [[ $given != *" --listen"* ]]; then
		serve_port=$(free_port)
		serve_url=http://127.0.0.1:$serve_port
		args+=(--listen "127.0.0.1:$serve_port")
	fi
	if [[ $given != *" --socket"* ]]; then args+=(--socket "$serve_socket"); fi
	if [[ $given != *" --output-dir"* ]]; then
		mkdir -p "$serve_dir"
		chmod 1777 "$serve_dir"
		args+=(--output-dir "$serve_dir")
	fi
	: >serve.err
	# with more descriptors than those of bats the counts of tests would differ
	"${serve_by[@]}" "$CTRACE" "${args[@]}" "$@" >serve.out 2>serve.err 3>&- {tell_fd}>&- </dev/null &
	serve_pid=$!
	until_true -t 20 service_is_up_or_gone
	if gone "$serve_pid" || ! service_is_up; then
		cat serve.err >&2
		return 1
	fi
}
# A program that does something all the time: $P
start_demo() {
	"$PROG/demo" >said 3>&- &
	prog_pid=$!
	P=$prog_pid
	wait_line said 'is running'
}

serve_by=() # words before the program, such as prlimit --nofile=64

service_is_up_or_gone() { service_is_up || gone "$serve_pid"; }
# Its sockets are there before all else is, and what it holds then is less.
service_is_up() {
	grep -q -e 'ctrace-bpf: serving ' serve.err || [[ $serve_given = *" -q "* || $serve_given = *" --quiet "* ]] || return 1
	[ -S "$serve_socket" ] || return 1
	[ -z "$serve_port" ] || ss -Hltn "sport = :$serve_port" | grep -q .
}

stop_service() {
	kill -"${1:-TERM}" "$serve_pid"
	until_true -t 30 gone "$serve_pid" || return 1
	serve_status=0
	wait "$serve_pid" || serve_status=$?
	serve_pid=''
}

# freeze PID: it stands still until thaw. A stop of the service ends a SIGSTOP of its recorders, not this.
freeze() {
	local v2
	v2=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
	frozen=$v2/ctrace-frozen-$BASHPID
	{ [ -n "$v2" ] && mkdir "$frozen"; } || skip "no control group of version 2 can be made"
	echo "$1" >"$frozen/cgroup.procs"
	echo 1 >"$frozen/cgroup.freeze"
	until_true grep -q 'frozen 1' "$frozen/cgroup.events"
}
thaw() {
	[ -n "${frozen:-}" ] || return 0
	echo 0 >"$frozen/cgroup.freeze"
	until_true rmdir "$frozen"
	frozen=''
}

service_teardown() {
	thaw
	[ -n "${serve_pid:-}" ] || return 0
	if [ -z "${BATS_TEST_COMPLETED:-}" ]; then sed 's/^/serve: /' serve.err | tail -n 40 >&2; fi
	kill -KILL "$serve_pid" 2>/dev/null || :
	wait "$serve_pid" 2>/dev/null || :
	serve_pid=''
}

get() {
	local path=$1
	shift
	curl -sS --max-time 60 "$@" "$serve_url$path"
}
code_of() { curl -sS -o /dev/null --max-time 60 -w '%{http_code}' "$@"; }
rpc() { rpc_by -- "$@"; }
rpc_by() {
	local words=()
	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	curl -sS --max-time 60 -H 'Content-Type: application/json' "${words[@]}" \
		--data "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$2\",\"params\":${3:-[]}}" "$serve_url/"
}
rpc_error() { rpc "$@" | jq -r '.error.message // "no error"'; }

as_uid() { setpriv --reuid="$1" --regid="$1" --clear-groups --inh-caps=-all --bounding-set=-all "${@:2}"; }
# start_as UID FILE COMMAND…: in the background, its words to FILE, stdin from $started_in; its own pid in $started
start_as() {
	setpriv --reuid="$1" --regid="$1" --clear-groups --inh-caps=-all --bounding-set=-all "${@:3}" \
		<"${started_in:-/dev/null}" >"$2" 3>&- &
	started=$!
}

logged() { until_true grep -q -- "$1" serve.err || { cat serve.err >&2 && return 1; }; }

# What the service holds: descriptors, processes of its own, and the BPF objects of all of them.
service_holds() {
	local pids
	pids="$serve_pid $(service_children)"
	echo "fd $(find "/proc/$serve_pid/fd" -mindepth 1 | wc -l)"
	echo "recorders $(($(wc -w <<<"$pids") - 1))"
	# shellcheck disable=SC2086 # several
	echo "bpf $(bpf_held_by $pids | wc -l)"
}
# Those that record; the one that looks at processes for it is always there.
service_children() { ps -o pid=,comm= --ppid "$serve_pid" 2>/dev/null | awk '$2 != "ctrace-looks" { print $1 }'; }
# PID…: "prog_id: 12", "map_id: 13", "link_id: 14". The kernel tells it of each descriptor; bpftool, not everywhere, of each object.
bpf_held_by() {
	local pid
	for pid; do cat /proc/"$pid"/fdinfo/* 2>/dev/null; done | grep -E '^(prog|map|link)_id:' | sort -u
}

# note_bpf: the BPF objects that the service's recorders hold now; noted_is_gone: waits until none of them is there any more. Other
# recorders of this machine are not counted.
note_bpf() {
	# shellcheck disable=SC2046 # several
	noted=$(bpf_held_by $(service_children))
	[[ $noted == *prog_id* ]]
}
noted_is_there() {
	local kind
	for kind in prog map link; do
		bpftool -j "$kind" show | jq -r --arg kind "$kind" '.[] | "\($kind)_id:\t\(.id)"'
	done | grep -qxFf <(echo "$noted")
}
noted_is_gone() { until_true -t 60 no noted_is_there; } # a program that may sleep goes a grace period of the kernel later
service_holds_only() { [ "$(service_holds)" = "$1" ]; } # until_true service_holds_only "$before"
