#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Inside a pid namespace -p is a pid as seen from there; containers of podman and docker are recorded from outside.

setup() {
	load ../lib/common.bash
	e2e_setup
	unshare --pid --fork --mount-proc true || skip "no pid namespace can be made"
}

teardown() {
	if [ -n "${id:-}" ]; then "${container_by[@]}" rm -f "$id" >/dev/null 2>&1 || :; fi
	if [ -n "${dockerd_pid:-}" ]; then end_dockerd; fi
	e2e_teardown
}

in_namespace() { # SCRIPT: it gets $CTRACE, $PROG
	timeout 60 unshare --pid --fork --mount-proc bash -eu -c "$1"
}

@test "a pid of the namespace is recorded, with its own numbers as names" {
	in_namespace '
		mkfifo told
		"$PROG/known" 5 <told >said & p=$!
		exec 7>told
		until grep -q ready said; do :; done
		"$CTRACE" --json -v -p $p -d 500ms -o T 7>&- >sum 2>err & rec=$!
		until grep -q "ctrace-bpf: recording" err; do :; done
		echo go >&7
		wait $rec
		exec 7>&-
		echo $p >pid'
	sound T
	jq -e '.threads == 2' sum
	"$JUDGE" times T | jq -e '[.goroutines[].name] | sort == ["burner", "waker"]'
	"$JUDGE" times T | jq -e --argjson p "$(cat pid)" '.goroutines | any(.name == "waker" and .id == $p)'
	[ "$(cat pid)" = "$(ready_word 2)" ]
	nothing_left
}

@test "a pid that is none in there is refused, although it is one outside" {
	refused 1 "no process with pid $$" unshare --pid --fork --mount-proc "$CTRACE" -p $$ -d 1 -o T
}

@test "-a in there is refused: the whole system is not to be seen" {
	refused 3 '-a does not work inside a container' unshare --pid --fork --mount-proc "$CTRACE" -a -d 1 -o T
	nothing_left
}

@test "a thread id in there is resolved" {
	in_namespace '
		mkfifo told
		"$PROG/known" 5 <told >said & p=$!
		exec 7>told
		until grep -q ready said; do :; done
		t=$(awk "/ready/ { print \$4 }" said)
		"$CTRACE" --json -p $t -d 300ms -o T 7>&- >sum 2>err'
	grep -q 'is a thread of process' err
	sound T
	jq -e '.threads == 2' sum
}

# The clock of records is the kernel's; ours may be another's here.
@test "inside a time namespace the trace has its whole length, and nothing is late" {
	local offset
	unshare -T true 2>/dev/null || skip "no time namespaces"
	start_prog mixed
	for offset in 50000 -5000; do
		[ $offset -gt 0 ] || [ "$(cut -d. -f1 /proc/uptime)" -gt 5000 ] || continue # no clock begins before 0
		unshare -T --monotonic $offset "$CTRACE" -q --json -p "$(ready_word 2)" -d 500ms -o T >sum
		cat sum
		jq -e '.late == 0 and .events > 100 and .seconds > 0.49 and .seconds < 0.51' sum
		sound T
	done
}

# ---- containers of podman and of docker ----

# an_image: a directory with a shell and nothing else, as a tar file
an_image() {
	local word busybox
	busybox=$(command -v busybox) || skip "no busybox"
	no ldd "$busybox" >/dev/null 2>&1 || skip "$busybox is not a static one"
	mkdir -p image/bin
	cp "$busybox" image/bin/busybox
	for word in sh sleep true; do ln -s busybox "image/bin/$word"; done
	tar -C image -c . >image.tar
}

# podman with a store of its own, and what a machine without systemd and with both kinds of control groups can do
podman_here() {
	podman --root "$PWD/store" --runroot "$PWD/run" --tmpdir "$PWD/tmp" --storage-driver vfs --events-backend none \
		--cgroup-manager cgroupfs ${runtime:+--runtime "$runtime"} "$@"
}
# Which runtime starts a container here? runc does with control groups of both kinds, crun does not.
find_runtime() {
	for runtime in runc crun; do
		command -v $runtime >/dev/null || continue
		podman_here run --rm --network host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 small true >try 2>&1 && return
	done
	skip "podman starts no container here: $(tail -n 1 try)"
}

docker_here() { docker -H "unix://$PWD/docker.sock" "$@"; }
docker_answers() { docker_here version; }
# a daemon with a store and a socket of its own, which touches no network
start_dockerd() {
	dockerd --iptables=false --ip6tables=false --bridge=none --storage-driver=vfs --data-root "$PWD/data" --exec-root "$PWD/exec" \
		--pidfile "$PWD/docker.pid" -H "unix://$PWD/docker.sock" >dockerd.log 2>&1 3>&- &
	dockerd_pid=$!
	until_true -t 30 docker_answers || skip "dockerd does not start: $(tail -n 1 dockerd.log)"
}
end_dockerd() {
	kill "$dockerd_pid"
	until_true -t 30 gone "$dockerd_pid"
	wait "$dockerd_pid" || :
	dockerd_pid=''
	umount "$PWD/exec/netns/default" 2>/dev/null || :
}

# a_container RUN…: starts it by this command; its whole id is in $id
a_container() {
	container_by=("$@")
	# a child every so often, and a word for who waits
	id=$("$@" run -d --network host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 -v "$PWD:/here" small \
		/bin/sh -c 'while :; do /bin/sleep 0.01; echo >>/here/turns; done')
}
so_many_turns() { [ "$(wc -l <turns)" -ge "$1" ]; }
# recorded_whole RUN…: the container by the first digits of its id, somebody who joins it, and its end
recorded_whole() {
	rec --container "${id:0:12}" -o T
	: >turns
	until_true -t 30 so_many_turns 5
	"$@" exec "$id" /bin/sh -c 'exec /bin/busybox nproc' >/dev/null
	until_true -t 30 so_many_turns 10
	"$@" rm -f "$id" >/dev/null
	rec_stop - # by itself
	grep -q "control group .*$id.* was removed" err
	id=''
	cat err
	[ "$rec_status" -eq 0 ]
	sound T
	"$JUDGE" times T >times.json
	jq -e '([.goroutines[].name] | index("busybox") or index("nproc")) and ([.goroutines[] | select(.name == "sleep")] | length >= 5)' times.json
	jq -e '[.goroutines[].name | select(test("conmon|containerd|dockerd|podman|bats|bash"))] == []' times.json # nobody from outside
	jq -e '.lost == 0' sum
}

@test "a container of podman, by its id: all of it, who joins included, until it is removed" {
	command -v podman >/dev/null || skip "no podman"
	an_image
	podman_here import image.tar small >/dev/null 2>try || skip "podman takes no image here: $(tail -n 1 try)"
	find_runtime
	a_container podman_here
	recorded_whole podman_here
	nothing_left
}

@test "a container of docker, by its id: the same" {
	command -v dockerd >/dev/null || skip "no dockerd"
	command -v docker >/dev/null || skip "no docker"
	an_image
	start_dockerd
	docker_here import image.tar small >/dev/null 2>try || skip "docker takes no image here: $(tail -n 1 try)"
	a_container docker_here
	recorded_whole docker_here
	nothing_left
}
