/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a thread sleeps, in the words of Go's runtime: viewers and profiles know these and no others.
 * A sleep for which Go has no word is no reason but a syscall that blocks.
 */
#ifndef CTRACE_MODEL_CLASSIFY_H
#define CTRACE_MODEL_CLASSIFY_H

#include <stdint.h>

#include "bpf/event.h"

enum reason {
	REASON_NONE = 0, /* blocked in the syscall (or the page fault) itself */
	REASON_SYNC,
	REASON_NETWORK,
	REASON_SELECT,
	REASON_SLEEP,
	REASON_CHAN_RECEIVE,
	REASON_CHAN_SEND,
	REASON_DEBUG,
	REASON_SYSTEM,
	REASON_PREEMPTED, /* these two stop a thread that could run */
	REASON_YIELD,
	REASON_MAX,
};

const char *reason_text(enum reason r);

/* state, fdclass: of bpf/event.h */
enum reason classify_sleep(uint8_t state, uint32_t nr, uint8_t fdclass, int kthread);
/* Of a thread that stays runnable. */
enum reason classify_stop(uint32_t nr);

/* The kernel's way to go on with a sleep that a stop or a debugger interrupted: it is the syscall
 * before it. */
int syscall_is_restart(uint32_t nr);

/* "futex" for 202; NULL when unknown. */
const char *syscall_name(uint32_t nr);

#endif
