#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# Go programs that were built for nothing of this: what they annotate is in the trace, each call, whoever built them.

setup() {
	load ../lib/common.bash
	e2e_setup
	PROG=$PWD
}

teardown() { e2e_teardown; }

# go_build TOOLCHAIN [OPTION…]: ./goheavy, by "local" or a version that can be had.
go_build() {
	command -v go >/dev/null || skip "no go"
	cp "$ROOT/tests/annot/goheavy.go" .
	GOTOOLCHAIN=$1 go version >/dev/null 2>&1 || skip "$1 cannot be had"
	GOTOOLCHAIN=$1 go build "${@:2}" -o goheavy goheavy.go
}

# with_c: the program is C, too
with_c() {
	sed -i 's|^import (|// int three(void) { return 3; }\nimport "C"\n\nimport (|; s|^var sink int|var sink = int(C.three())|' goheavy.go
	CGO_ENABLED=1 GOTOOLCHAIN=$1 go build "${@:2}" -o goheavy goheavy.go
}

# marks FILE: its annotations, into marks.json, but for what the recorder itself logs.
marks() {
	"$JUDGE" marks "$1" | jq '.logs |= map(select(.category != "ctrace"))' >marks.json
}

# counted FILE: the annotations of a trace, as the program counts its calls, into counted
counted() {
	marks "$1" || return 1
	jq -r '(.tasks[] | select(.begin >= 0) | "task \(.type | tojson)"), (.regions[] | "region \(.type | tojson)"),
		(.logs[] | "log \(.category | tojson)")' marks.json | sort | uniq -c | awk '{ n = $1; $1 = ""; print substr($0, 2), n }' | sort >counted
	grep -E '^(task|region|log) ' said | sort >called
	diff called counted
}

is_true() {
	jq -e "$1" marks.json >/dev/null || {
		echo "not true: $1"
		jq -c '.tasks[:5], .regions[:9], .logs[:5]' marks.json
		return 1
	}
}

# seen: all that goheavy did is in T, and where it belongs.
seen() {
	[ "$rec_status" -eq 0 ] && sound T && counted T || return 1
	is_true 'all(.tasks[]; .begin >= 0 and .end > .begin) and all(.regions[]; .begin >= 0 and .end > .begin)' || return 1
	# who is whose
	is_true '(.tasks | map({key: "\(.id)", value: .type}) | from_entries) as $type |
		all(.tasks[] | select(.type == "inner"); $type["\(.parent)"] == "outer") and
		all(.tasks[] | select(.type == "outer"); .parent == 0) and
		all(.regions[] | select(.type == "of-outer"); $type["\(.task)"] == "outer") and
		all(.regions[] | select(.type == "of-none" or .type == "background"); .task == 0) and
		all(.regions[] | select(.type == "deferred"); .task != 0) and
		all(.logs[] | select(.category == "format" or .category == "note"); .task != 0)' || return 1
	# each region has its own end: those of one name that lie in each other, a short one, one that a panic left
	is_true '([.regions[] | select(.type == "same") | .depth] | group_by(.) | map(length)) as $n | ($n | length) == 2 and $n[0] == $n[1]' || return 1
	is_true 'all(.regions[] | select(.type == "inner"); .depth == 1) and all(.regions[] | select(.type == "started"); .depth == 1) and
		all(.regions[] | select(.type != "same" and .type != "inner" and .type != "started"); .depth == 0)' || return 1
	# texts
	is_true 'all(.logs[] | select(.category == "note"); .message | test("^message [0-9]+$")) and
		all(.logs[] | select(.category == "format"); .message == "value %d") and
		all(.logs[] | select(.category == ""); .message == "without a category") and
		all(.logs[] | select(.category == "long"); .message | startswith("long long ") and endswith("…") and length > 1000)' || return 1
	# each worker is a goroutine of its own, and each that was spawned
	is_true '[.regions[] | select(.type == "background") | .goroutine] | unique | length == 24' || return 1
	is_true '[.regions[] | select(.type == "spawned") | .goroutine] | length == (unique | length)' || return 1
}

# named: goroutines are called after the function that they began with
named() {
	is_true '.goroutines as $name | all(.regions[] | select(.type == "background"); $name["\(.goroutine)"] | startswith("main.work")) and
		all(.regions[] | select(.type == "spawned"); $name["\(.goroutine)"] | startswith("main.round"))'
}

heavy() {
	start_prog goheavy 6 "$@"
	rec_whole
	seen
}

# each_call TOOLCHAIN [OPTION…]: built so, and recorded
each_call() {
	go_build "$@"
	heavy
	named
}

each_call_with_c() { # the same, whose names are not asked for
	go_build "$1"
	with_c "$@"
	heavy
}

@test "Go 1.22: each task, region and log" { each_call go1.22.12; }
@test "Go 1.22, stripped" { each_call go1.22.12 -ldflags='-s -w'; }
@test "Go 1.22, stripped and position independent" { each_call go1.22.12 -ldflags='-s -w' -buildmode=pie; }
@test "Go 1.22, linked with C by another linker" { each_call_with_c go1.22.12 -ldflags='-linkmode=external -s -w'; }
@test "Go 1.26: each task, region and log" { each_call go1.26.8; }
@test "Go 1.26, stripped" { each_call go1.26.8 -ldflags='-s -w'; }
@test "Go 1.26, stripped and position independent" { each_call go1.26.8 -ldflags='-s -w' -buildmode=pie; }
@test "Go 1.26, linked with C by another linker" { each_call_with_c go1.26.8 -ldflags='-linkmode=external -s -w'; }

@test "the Go that is here, without any optimisation" { each_call local -gcflags='all=-N -l'; }

@test "a Go program whose own tracing is on: neither disturbs the other, each call is once in both" {
	go_build local
	heavy own
	counted own
	is_true 'all(.logs[] | select(.category == "format"); .message | test("^value [0-9]+$"))'
}

@test "annotations with their stacks" {
	go_build local -ldflags='-s -w'
	start_prog goheavy 2
	rec_whole --stacks=mark
	seen
	is_true 'all(.regions[] | select(.type == "deferred"); .stack[:4] == ["runtime/trace.StartRegion", "main.deferred", "main.regions", "main.round"])'
	is_true 'all(.regions[] | select(.type == "background"); .stack[:3] == ["runtime/trace.userRegion", "runtime/trace.WithRegion", "main.work.func1"])'
}

@test "two processes of one program, each at its own address" {
	go_build local -buildmode=pie
	start_prog goheavy 3
	mkfifo other
	./goheavy 4 <other >other.said 2>&1 3>&- {tell_fd}>&- &
	other_pid=$!
	exec {other_fd}>other
	wait_line other.said '^ready'
	rec -p "$prog_pid,$other_pid" -o T
	tell go
	echo go >&"$other_fd"
	wait_line said '^done' 60
	wait_line other.said '^done' 60
	rec_stop
	exec {other_fd}>&-
	grep -hE '^(task|region|log) ' said other.said | awk '{ n = $NF; NF--; sum[$0] += n } END { for (k in sum) print k, sum[k] }' >both
	mv both said
	sound T
	counted T
	is_true '[.regions[] | select(.type == "background") | .goroutine] | unique | length == 48'
}

# are_gone ID…: none of these BPF programs is loaded. Others may be at work here, whose are.
are_gone() {
	local id
	for id; do
		no bpftool prog show id "$id" || return 1
	done
}

@test "a Go program goes on as it was when the recorder is killed" {
	go_build local
	start_prog goheavy 200
	rec -p "$prog_pid" -o T
	tell go
	until_true -t 20 [ -s T ]
	mapfile -t programs < <(awk '$1 == "prog_id:" { print $2 }' "/proc/$rec_pid/fdinfo"/* 2>/dev/null | sort -u)
	[ "${#programs[@]}" -gt 3 ]
	kill -KILL "$rec_pid"
	wait "$rec_pid" || :
	rec_pid=''
	wait_line said '^done' 60
	grep -qx 'region "one-line" 9600' said # 24 workers, twice 200 each
	tell_end
	wait "$prog_pid"
	prog_pid=''
	until_true -t 60 are_gone "${programs[@]}"
}

@test "a Go that is not known is recorded without, and told in words" {
	go_build local -ldflags='-s -w'
	LC_ALL=C sed -i 's/go1\.\(2[0-9]\)\(\.[0-9]*[^[:print:]]\)/go1.97\2/g' goheavy
	start_prog goheavy 1
	rec_whole
	[ "$rec_status" -eq 0 ]
	sound T
	grep -q 'Go 1\.97 is not known' err
	marks T
	is_true '.tasks == [] and .regions == [] and .logs == []'
}

@test "--go=off looks into no Go program" {
	go_build local
	start_prog goheavy 1
	rec_whole --go=off
	[ "$rec_status" -eq 0 ]
	sound T
	marks T
	is_true '.tasks == [] and .regions == [] and .logs == []'
}
