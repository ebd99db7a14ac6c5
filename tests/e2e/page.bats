#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The page of the service at /debug/pprof/, used in a browser as a person does. Pictures: $O/shots/page-*.png

setup() {
	load ../lib/common.bash
	load ../lib/serve.bash
	e2e_setup
	chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || :)}
	[ -n "$chromium" ] || skip "no chromium"
	"$PROG/demo" >demo.said 3>&- &
	prog_pid=$!
	wait_line demo.said 'is running$'
}
teardown() {
	service_teardown
	e2e_teardown
}

@test "a process is found, recorded by a click and saved; another recording is stopped" {
	start_service
	mkdir saved "$O/shots" 2>/dev/null || :
	python3 "$ROOT/tests/judge/shots/page.py" "$chromium" "$serve_url" saved demo "$prog_pid"
	sound saved/by-time.out saved/by-stop.out
	"$JUDGE" samples saved/by-time.out | jq -e 'length > 0'
	sound out/elsewhere.trace
	mv saved/*.png "$O/shots"
}
