#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# What `ctrace-bpf markers` lists, of files and of processes, and how it refuses.

setup() {
	load ../lib/common.bash
	e2e_setup
}
teardown() { e2e_teardown; }

# A library with one marker of each kind, and a program that maps it and waits for the end of its input.
build() {
	note_macro >marks.s
	cat >>marks.s <<-'END'
		.section .stapsdt.base,"aG","progbits",.stapsdt.base,comdat
		.weak _.stapsdt.base
		.hidden _.stapsdt.base
		_.stapsdt.base: .space 1
		.size _.stapsdt.base,1
		.text
		.globl work
		.type work,@function
		work:
		.cfi_startproc
		990: nop
		note ctrace log "8@%rdi 8@%rsi 8@%rdx 8@%rcx 8@%r8 8@%r9" gate _.stapsdt.base
		990: nop
		note ctrace task_end "8@%rax" gate _.stapsdt.base
		990: nop
		note shop sold "-4@%edi 8@%rsi" gate _.stapsdt.base
		990: nop
		note shop sold "-4@%edi 8@%rsi" gate _.stapsdt.base
		ret
		.cfi_endproc
		.size work,.-work
		.globl leaf
		.type leaf,@function
		leaf:
		.cfi_startproc
		mov %edi,-4(%rsp)
		990: .byte 0x0f,0x1f,0x44,0,0
		note shop left "" 0 _.stapsdt.base
		990: nop
		note shop both "" 0 _.stapsdt.base
		990: .byte 0x0f,0x1f,0x44,0,0
		note shop both "" 0 _.stapsdt.base
		mov -4(%rsp),%eax
		ret
		.cfi_endproc
		.size leaf,.-leaf
		.globl thunk
		.type thunk,@function
		thunk:
		.cfi_startproc
		jmp leaf
		.cfi_endproc
		.size thunk,.-thunk
		.globl hands_on
		.type hands_on,@function
		hands_on:
		.cfi_startproc
		add $1,%edi
		jmp leaf
		.cfi_endproc
		.size hands_on,.-hands_on
		.globl hands_two
		.type hands_two,@function
		hands_two:
		.cfi_startproc
		test %edi,%edi
		je 1f
		jmp leaf
		1: ret
		.cfi_endproc
		.size hands_two,.-hands_two
	END
	gcc -shared -nostdlib -Wl,-Bsymbolic -o libmarks.so marks.s
	cat >waits.c <<-'END'
		#include <stdio.h>
		int work(void);
		int main(void)
		{
			printf("ready\n");
			fflush(stdout);
			while (getchar() != EOF)
				;
			return work();
		}
	END
	gcc -O2 -o waits waits.c -L. -lmarks -Wl,-rpath,"$PWD"
}

@test "a file's markers, each on a line, with what is in the way" {
	build
	"$CTRACE" markers libmarks.so >out
	cat out
	[ "$(head -n 1 out)" = libmarks.so ]
	grep -qE '^  annotation  log +1 site$' out
	grep -qE '^  annotation  task_end +1 site; cannot be used: its arguments are not' out
	grep -qE '^  usdt +shop:sold +2 sites, semaphore, -4@%edi 8@%rsi$' out
	grep -qE '^  usdt +shop:left +1 site; cannot be used: its nop would be made a call' out
	grep -qE '^  usdt +shop:both +2 sites; cannot be used: its nop would be made a call' out # all or none
	no grep -q '^  function' out
	# aligned: what is behind the names begins in one column
	[ "$(sed -n 's/ [0-9] site.*//p' out | awk '{ print length }' | sort -u | wc -l)" -eq 1 ]
}

@test "functions, those that are refused too" {
	build
	"$CTRACE" markers --region work --region 'l*' --region '*k' libmarks.so >out
	cat out
	[ "$(grep -c '^  function' out)" -eq 3 ] # work matches twice
	grep -qE '^  function +work +1 exit$' out
	grep -qE '^  function +leaf +1 exit$' out
	grep -qE '^  function +thunk +cannot be used: it is nothing but a jump' out
	"$CTRACE" markers --region 'hand*' libmarks.so >out
	grep -qE '^  function +hands_on +1 exit, a call in its place \(its time is not in the region\)$' out
	grep -qE '^  function +hands_two +2 exits, 1 of them a call in its place \(' out
	run "$CTRACE" markers --region nonsense waits
	[ "$status" -eq 0 ]
	[[ $output == *"nothing to listen to"* ]]
	run "$CTRACE" markers --region work waits
	[[ $output == *"work"*"a function of another file"* ]]
}

@test "the same as JSON" {
	build
	"$CTRACE" markers --json --region '*' "$PWD/libmarks.so" >out
	jq -e --arg p "$PWD/libmarks.so" '.files | length == 1 and .[0].path == $p and .[0].trouble == null' out
	jq -e '.files[0].markers | map(select(.name == "shop:sold")) | .[0] | .kind == "usdt" and .sites == 2 and .usable == 2 and .semaphore and .args == "-4@%edi 8@%rsi"' out
	jq -e '.files[0].markers | map(select(.kind == "annotation" and .name == "task_end")) | .[0] | .usable == 0 and (.why_not | length > 0)' out
	jq -e '[.files[0].markers[] | select(.kind == "function").name] | sort == ["hands_on", "hands_two", "leaf", "thunk", "work"]' out
	jq -e '[.files[0].markers[] | select(.kind == "function" and .usable > 0) | [.name, .tails]] | sort == [["hands_on", 1], ["hands_two", 1], ["leaf", 0], ["work", 0]]' out
	jq -e '.files[0].markers[] | select(.name == "thunk") | .why_not | startswith("it is nothing but a jump")' out
}

@test "the files of a process, also when they were deleted" {
	build
	mkfifo in
	./waits <in >said &
	prog_pid=$!
	exec {hold}>in
	wait_line said ready
	"$CTRACE" markers -p "$prog_pid" >out
	grep -qx "$PWD/libmarks.so" out
	grep -qE '^  usdt +shop:sold +2 sites' out
	[ "$(grep -c libmarks.so out)" -eq 1 ]
	rm libmarks.so
	"$CTRACE" markers -p "$prog_pid" --json --region work >out
	jq -e --arg p "$PWD/libmarks.so" '.files | map(select(.path == $p)) | .[0].markers | map(select(.name == "work" and .usable == 2)) | length == 1' out
	exec {hold}>&-
	wait "$prog_pid" || :
	prog_pid=
}

@test "a process in a root of its own" {
	command -v unshare >/dev/null || skip "no unshare"
	build
	mkdir -p root/lib64 root/app root/proc
	ldd waits | grep -o '/[^ ]*' | while read -r lib; do
		mkdir -p "root/$(dirname "$lib")"
		cp -L "$lib" "root/$lib"
	done
	cp waits root/app/
	mkfifo in
	chroot root /app/waits <in >said &
	prog_pid=$!
	exec {hold}>in
	wait_line said ready
	"$CTRACE" markers -p "$prog_pid" >out
	grep -qE '^  usdt +shop:sold +2 sites' out
	exec {hold}>&-
	wait "$prog_pid" || :
	prog_pid=
}

@test "what cannot be looked at is refused in words" {
	echo text >text
	mkdir dir
	refused 1 'cannot open missing: No such file' "$CTRACE" markers missing
	refused 1 'text: it is no ELF file of x86-64' "$CTRACE" markers text
	printf '#!/bin/sh\n' >script
	refused 1 'script: it is a script; its markers are those of the program' "$CTRACE" markers script
	refused 1 'dir is a directory' "$CTRACE" markers dir
	refused 1 'no process with pid 4194304' "$CTRACE" markers -p 4194304
	refused 1 'is a kernel thread' "$CTRACE" markers -p 2
	refused 2 'is not a process id' "$CTRACE" markers -p x
	head -c 100 "$CTRACE" >cut
	refused 1 'cut: its program headers' "$CTRACE" markers cut
}

@test "another user's process is not looked at without the right" {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	cp "$CTRACE" ctrace-bpf
	chmod 755 ctrace-bpf
	refused 3 'is not yours to look at' setpriv --reuid=65534 --regid=65534 --clear-groups "$PWD/ctrace-bpf" markers -p 1
}
