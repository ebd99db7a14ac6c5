#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The service and who means it no good: what no client does, and anybody can.

bats_require_minimum_version 1.5.0

setup() {
	load ../lib/common.bash
	load ../lib/serve.bash
	e2e_setup
	start_prog known 5
	P=$(ready_word 2)
}

teardown() {
	service_teardown
	e2e_teardown
}

misuse() { python3 "$ROOT/tests/lib/misuse.py" "$@" 3>&-; }

@test "descriptors that nobody asked for do not stay open" {
	start_service
	before=$(service_holds)
	misuse descriptors "$serve_socket" 30
	until_true service_holds_only "$before"
}

@test "who asks for command lines leaves no process behind" {
	local i
	start_service
	before=$(service_holds)
	for ((i = 0; i < 50; i++)); do get "/debug/pprof/cmdline?pid=$P" >/dev/null; done
	until_true service_holds_only "$before"
}

@test "a recording is not begun for a request whose body is too long to be read" {
	start_service
	before=$(service_holds)
	[[ $(misuse body "$serve_port" "/debug/pprof/trace?seconds=1&pid=$P" 17000000) == "HTTP/1.1 413 "* ]]
	[[ $(misuse body "$serve_port" "/debug/pprof/cmdline?pid=$P" 17000000) == "HTTP/1.1 413 "* ]]
	get / -o /dev/null # what it was busy with before, it has done
	no grep -q '^ctrace-bpf: recording' serve.err
	until_true service_holds_only "$before"
}

@test "a recorder without descriptors enough says so, and has none of the service's" {
	serve_by=(prlimit --nofile=48:48)
	start_service
	[ "$(code_of "$serve_url/debug/pprof/trace?seconds=1&pid=$P")" -eq 500 ]
	logged 'recording 1 of .*: Too many open files\|recording 1 of .*: there are too few descriptors'
	no grep -q 'without a word' serve.err
}

# hold WHERE N UID…: until release
hold() {
	rm -f hold held
	mkfifo hold
	misuse silent "$@" <hold >held &
	holder=$!
	exec {hold_fd}>hold
	wait_line held '^held'
}
release() {
	exec {hold_fd}>&-
	wait "$holder"
}
status_by_socket() { code_of --unix-socket "$serve_socket" http://localhost/debug/pprof/symbol; }

@test "one user's silent connections keep nobody out, and those of many not root" {
	start_service
	hold "$serve_port" 250 54321
	[ "$(as_uid 54322 curl -sS -o /dev/null --max-time 60 -w '%{http_code}' "$serve_url/debug/pprof/symbol")" -eq 200 ]
	release
	hold "$serve_port" 128 54321 54322 54323 54324 54325
	[ "$(code_of "$serve_url/debug/pprof/symbol")" -eq 200 ]
	release
	chmod 755 .
	hold "$serve_socket" 32 54321 54322 54323 54324 54325
	[ "$(status_by_socket)" -eq 200 ]
	release
}
