#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# ctrace-bpf features: what this kernel and these privileges give.

setup() {
	load ../lib/common.bash
	e2e_setup
}

@test "as root everything that recording needs is there" {
	run "$CTRACE" features
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *BTF* && $output == *"ring buffers"* && $output == *CAP_BPF* ]]
}

@test "as JSON" {
	"$CTRACE" features --json >json
	jq -e . json
	grep -q tp_btf json
	nothing_left
}

@test "a kernel without BTF is told, with the way out, and gives 3" {
	CTRACE_BTF=/nonexistent run "$CTRACE" features
	echo "$output"
	[ "$status" -eq 3 ]
	[[ $output == *CONFIG_DEBUG_INFO_BTF* ]]
}

@test "what annotations need is told" {
	"$CTRACE" features >words
	grep -q 'annotations .*uprobe_multi' words
	jq -e '.features.uprobe_multi != null' <("$CTRACE" features --json)
}

@test "words that it does not take" {
	refused 2 '.' "$CTRACE" features --nonsense
	refused 2 '.' "$CTRACE" features extra
}
