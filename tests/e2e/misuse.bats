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
