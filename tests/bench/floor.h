/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The record of the floor, shared by its BPF programs and its consumer. 32 bytes are the least that
 * tells a time, a kind, a CPU, two threads and one argument.
 */
#ifndef CTRACE_BENCH_FLOOR_H
#define CTRACE_BENCH_FLOOR_H

#define FLOOR_CPUS 256

enum floor_kind {
	FLOOR_SWITCH = 1,
	FLOOR_WAKEUP = 2,
	FLOOR_ENTER = 3,
	FLOOR_EXIT = 4,
};

struct floor_rec {
	unsigned long long ts;
	unsigned int kind; /* low byte: enum floor_kind; above: the CPU */
	unsigned int tid;
	unsigned long long arg;
	unsigned int tid2;
	unsigned int state;
};

#endif
