#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# The make file: what it builds again, and what it says where it cannot.

setup() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	out=$BATS_TEST_TMPDIR/out
	unset MAKEFLAGS MAKELEVEL MFLAGS
}

# built [ARG…]: is there nothing left to do for the program counts?
built() { make -q -C "$root" "O=$out" "$@" "$out/prog/counts"; }

@test "kernel types that are missing are told in words" {
	run make -s -C "$root" "O=$out" VMLINUX_BTF=/nonexistent/vmlinux
	echo "$output"
	[ "$status" -eq 2 ]
	[[ $output == *"/nonexistent/vmlinux is missing"*"VMLINUX_BTF=FILE"* ]]
	[[ $output != *"No rule to make"* ]]
}

@test "a program that is traced is built again when its header changed, and only then" {
	make -s -C "$root" "O=$out" "$out/prog/counts"
	built
	run built -W tests/prog/prog.h
	[ "$status" -eq 1 ]
	built -W tests/prog/demo.c
}
