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
	if [ -n "${open:-}" ]; then rm -rf "$open"; fi
}

@test "a process is found, recorded by a click and saved; another recording is stopped" {
	start_service
	mkdir saved
	python3 "$ROOT/tests/judge/shots/page.py" "$chromium" "$serve_url" saved "$prog_pid" demo
	sound saved/by-time.out saved/by-stop.out
	"$JUDGE" samples saved/by-time.out | jq -e 'length > 0'
	sound out/elsewhere.trace
	mkdir "$O/shots" 2>/dev/null || :
	mv saved/*.png "$O/shots"
}

@test "who may record his own processes sees those" {
	start_service
	open=$(mktemp -d) # bats' own directories are closed to him
	chmod 777 "$open"
	cp "$ROOT/tests/judge/shots/"{page,shots}.py "$open"
	setpriv --reuid=65534 --regid=65534 --clear-groups env -C "$open" HOME="$open" PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 page.py "$chromium" "$serve_url" "$open" "$prog_pid" >words
	cat words >&2
	grep -q "process $prog_pid (demo) is not yours" words
	logged "refused to record for nobody (uid 65534)"
	mkdir "$O/shots" 2>/dev/null || :
	mv "$open"/*.png "$O/shots"
}
