#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Clients that nobody here wrote: curl, net/http of Go, google/gops. (geth's is in rpc.bats, the browser in its own file.)

setup() {
	load ../lib/common.bash
	load ../lib/serve.bash
	e2e_setup
	service_setup
	start_demo
}

teardown() {
	if [ -n "${pull_pid:-}" ]; then kill -KILL "$pull_pid" 2>/dev/null || :; fi
	service_teardown
	e2e_teardown
	if [ -n "${user:-}" ]; then userdel "$user"; fi
}

# gops is built once; a machine without network is a skip.
have_gops() {
	GOPS=$O/gops
	[ -x "$GOPS" ] || go build -C "$ROOT/tests/clients/gops" -o "$GOPS" github.com/google/gops ||
		skip "google/gops cannot be had: no network?"
}
have_pull() { go build -o pull "$ROOT/tests/clients/pull.go"; }

# gops as its user runs it, with a PATH without go, so that it leaves the file where it is.
gops() {
	mkdir -p tmp
	timeout 60 env TMPDIR="$PWD/tmp" PATH=/nowhere GOPS_CONFIG_DIR="$PWD/gops" "$GOPS" "$@"
}

# ---- net/http/pprof ----

@test "curl: the headers of net/http/pprof, and a trace" {
	start_service -p "$P"
	get '/debug/pprof/trace?seconds=0.5' -D head -o T
	sound T
	tr -d '\r' <head >h
	grep -qx 'HTTP/1.1 200 OK' h
	grep -qix 'content-type: application/octet-stream' h
	grep -qix 'content-disposition: attachment; filename="trace"' h
	grep -qix 'x-content-type-options: nosniff' h
	grep -qix 'transfer-encoding: chunked' h
	no grep -qi '^content-length\|^x-go-pprof' h
}

@test "Go's net/http reads the stream as it comes: first bytes before the end" {
	have_pull
	start_service -p "$P"
	./pull "$serve_url/debug/pprof/trace?seconds=3" T >said.pull 3>&- &
	pull_pid=$!
	wait_line said.pull '^first'
	no grep -q '^end' said.pull
	wait_line said.pull '^end'
	wait "$pull_pid"
	grep -qx 'status 200' said.pull
	grep -qx 'Content-Type: application/octet-stream' said.pull
	grep -qx 'Content-Disposition: attachment; filename="trace"' said.pull
	grep -qx 'X-Content-Type-Options: nosniff' said.pull
	grep -qx 'X-Go-Pprof: ' said.pull
	grep -qx 'length -1 \[chunked\]' said.pull
	[ "$(sed -n 's/^end //p' said.pull)" = "$(stat -c %s T)" ]
	sound T
}

@test "Go's net/http goes away in the middle: the recording ends at once" {
	have_pull
	start_service -p "$P"
	get /debug/pprof/cmdline -o first
	before=$(service_holds)
	./pull "$serve_url/debug/pprof/trace?seconds=500" T >said.pull 3>&- &
	pull_pid=$!
	wait_line said.pull '^first'
	note_bpf
	kill -KILL "$pull_pid"
	until_true -t 20 service_holds_only "$before"
	noted_is_gone
}

# ---- google/gops ----

@test "gops trace PID, version, stats of a C program, by google/gops" {
	have_gops
	GOPS_CONFIG_DIR=$PWD/gops start_service -p "$P" --gops
	logged 'any program of this machine may connect'
	[ "$(cat "gops/$P")" -gt 0 ]
	[ "$(stat -c '%a %h' "gops/$P")" = '644 1' ]
	gops trace "$P" >said.gops
	[ "$(sed -n 1p said.gops)" = 'Tracing now, will take 5 secs...' ]
	T=$(sed -n 's/^Trace dump saved to: //p' said.gops)
	sound "$T"
	go tool trace -d=parsed "$T" >events
	[ "$(wc -l <events)" -gt 100 ]
	logged "of process $P .*, for root, by gops"

	gops version "$P" >said.gops
	grep -qx 'ELF, watched by ctrace-bpf .*' said.gops
	gops stats "$P" >said.gops
	[ "$(sed -n 's/^goroutines: //p' said.gops)" = "$(find "/proc/$P/task" -mindepth 1 -maxdepth 1 | wc -l)" ]
	[ "$(sed -n 's/^num CPU: //p' said.gops)" = "$(nproc)" ]
	gops memstats "$P" >said.gops
	grep -q '^resident: [0-9.]*[KM]B ([0-9]* bytes)' said.gops
	gops stack "$P" >said.gops
	grep -q "gops trace $P" said.gops
	gops "$P" >said.gops # asks /proc
	grep -qx "$(printf 'cmd+args:\t')$PROG/demo" said.gops

	# what there is not: a failure in gops' own words
	no gops gc "$P" >said.gops 2>&1
	no gops pprof-heap "$P" >said.gops 2>&1
	logged "process $P: gc for root.*: refused: "
	stop_service
	[ "$serve_status" = 0 ]
	[ ! -e "gops/$P" ]
}

@test "gops: the port file of another's process is written as him, and goes with the process" {
	have_gops
	user=ctr7g$$
	useradd -M -d "$PWD/home" "$user"
	uid=$(id -u "$user")
	mkdir home
	chown "$user:" home
	cp "$PROG/demo" demo2
	start_as "$uid" said2 ./demo2
	other_pid=$started
	wait_line said2 'is running'
	start_service -p "$other_pid,$P" --gops
	file=home/.config/gops/$other_pid
	[ "$(stat -c %U "$file" home/.config home/.config/gops | sort -u)" = "$user" ]
	[ "$(stat -c %a home/.config)" = 700 ]
	port=$(cat "$file")
	# as himself, by gops' own way to the file
	as_uid "$uid" env HOME="$PWD/home" "$GOPS" stats "$other_pid" >said.gops
	grep -q '^goroutines: 1' said.gops
	# of root's process, whose port he can know, he gets nothing
	roots=$(sed -n "s/.*process $P: gops finds it at 127.0.0.1:\([0-9]*\),.*/\1/p" serve.err)
	as_uid "$uid" "$GOPS" stats "127.0.0.1:$roots" >said.gops 2>&1 || :
	no grep -q goroutines said.gops
	logged "process $P: stats for $user .*: refused"
	as_uid "$uid" env TMPDIR=/tmp PATH=/nowhere "$GOPS" trace "127.0.0.1:$roots" >said.gops 2>&1 || :
	no grep -q 'saved to' said.gops
	logged "refused to record for $user .*, by gops: process $P "
	kill -KILL "$other_pid"
	wait "$other_pid" || :
	until_true test ! -e "$file"
	no listens "$port"
}

listens() { ss -Hltn "sport = :$1" | grep -q .; }

@test "gops: an agent that is there keeps its file; what it is to publish has to be named" {
	have_gops
	mkdir gops
	mkfifo hold
	"$ROOT/tests/clients/rude.py" 0 listen <hold >port 3>&- &
	other_pid=$!
	exec {hold_fd}>hold
	until_true test -s port
	cp port "gops/$P"
	cp "gops/$P" was
	GOPS_CONFIG_DIR=$PWD/gops start_service -p "$P" --gops
	logged "process $P has an agent of gops already"
	cmp "gops/$P" was
	stop_service
	cmp "gops/$P" was
	refused 2 '--gops' "$CTRACE" serve --gops -a --listen none --socket "$PWD/x"
	refused 2 '--gops' "$CTRACE" serve --gops --listen none --socket "$PWD/x"
}

@test "gops: who connects and says nothing, or reads nothing, holds nothing up" {
	GOPS_CONFIG_DIR=$PWD/gops start_service -p "$P" --gops
	port=$(cat "gops/$P")
	before=$(service_holds)
	exec {silent}<>"/dev/tcp/127.0.0.1/$port"
	exec {greedy}<>"/dev/tcp/127.0.0.1/$port"
	printf '\x08' >&"$greedy" # a trace that is never read
	until_true children_are_there
	for _ in $(seq 300); do
		exec {gone}<>"/dev/tcp/127.0.0.1/$port"
		exec {gone}>&-
	done
	exec {asks}<>"/dev/tcp/127.0.0.1/$port"
	printf '\x07' >&"$asks"
	timeout 20 cat <&"$asks" >stats
	grep -q '^goroutines: ' stats
	exec {asks}>&- {silent}>&- {greedy}>&-
	until_true -t 60 service_holds_only "$before"
}
children_are_there() { [ -n "$(service_children)" ]; }
