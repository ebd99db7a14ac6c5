// SPDX-License-Identifier: BSD-2-Clause
/*
 * See classify.h. Syscalls are named by the numbers of the machine that this was built for, which
 * is the one that it records.
 */
#include "model/classify.h"

#include <stddef.h>
#include <sys/syscall.h>

#include "syscall_names.h" /* generated: { [__NR_read] = "read", … } */

/* newer than the headers of Debian 12; the same on every architecture */
#ifndef __NR_futex_wait
#define __NR_futex_wait 455
#endif

#define COMPAT_RESTART 0 /* restart_syscall of the 32-bit tables, of x86 and of ARM */

enum wait_class {
	WAIT_UNKNOWN = 0,
	WAIT_SYNC,
	WAIT_NET,
	WAIT_SELECT,
	WAIT_SLEEP,
	WAIT_READ, /* by the descriptor */
	WAIT_WRITE,
	WAIT_FORK, /* sync, also uninterruptibly: the child of a vfork ends it */
};

static const uint8_t wait_classes[] = {
	[__NR_futex] = WAIT_SYNC,
	[__NR_futex_waitv] = WAIT_SYNC,
	[__NR_futex_wait] = WAIT_SYNC,
	[__NR_wait4] = WAIT_SYNC,
	[__NR_waitid] = WAIT_SYNC,
	[__NR_flock] = WAIT_SYNC,
	[__NR_fcntl] = WAIT_SYNC,
	[__NR_semop] = WAIT_SYNC,
	[__NR_semtimedop] = WAIT_SYNC,
	[__NR_msgrcv] = WAIT_SYNC,
	[__NR_msgsnd] = WAIT_SYNC,
	[__NR_mq_timedreceive] = WAIT_SYNC,
	[__NR_mq_timedsend] = WAIT_SYNC,
	[__NR_rt_sigsuspend] = WAIT_SYNC,
	[__NR_rt_sigtimedwait] = WAIT_SYNC,
	[__NR_clone] = WAIT_FORK,
	[__NR_clone3] = WAIT_FORK,
	[__NR_connect] = WAIT_NET,
	[__NR_accept] = WAIT_NET,
	[__NR_accept4] = WAIT_NET,
	[__NR_sendto] = WAIT_NET,
	[__NR_sendmsg] = WAIT_NET,
	[__NR_sendmmsg] = WAIT_NET,
	[__NR_recvfrom] = WAIT_NET,
	[__NR_recvmsg] = WAIT_NET,
	[__NR_recvmmsg] = WAIT_NET,
	[__NR_ppoll] = WAIT_SELECT,
	[__NR_pselect6] = WAIT_SELECT,
	[__NR_epoll_pwait] = WAIT_SELECT,
	[__NR_epoll_pwait2] = WAIT_SELECT,
	[__NR_io_uring_enter] = WAIT_SELECT,
	[__NR_io_getevents] = WAIT_SELECT,
	[__NR_io_pgetevents] = WAIT_SELECT,
	[__NR_nanosleep] = WAIT_SLEEP,
	[__NR_clock_nanosleep] = WAIT_SLEEP,
	[__NR_read] = WAIT_READ,
	[__NR_readv] = WAIT_READ,
	[__NR_pread64] = WAIT_READ,
	[__NR_preadv] = WAIT_READ,
	[__NR_preadv2] = WAIT_READ,
	[__NR_write] = WAIT_WRITE,
	[__NR_writev] = WAIT_WRITE,
	[__NR_pwrite64] = WAIT_WRITE,
	[__NR_pwritev] = WAIT_WRITE,
	[__NR_pwritev2] = WAIT_WRITE,
#ifdef __NR_poll /* what newer architectures left out */
	[__NR_poll] = WAIT_SELECT,
	[__NR_select] = WAIT_SELECT,
	[__NR_epoll_wait] = WAIT_SELECT,
	[__NR_pause] = WAIT_SYNC,
	[__NR_vfork] = WAIT_FORK,
#endif
};

static const char *const reason_texts[REASON_MAX] = {
	[REASON_NONE] = "",
	[REASON_SYNC] = "sync",
	[REASON_NETWORK] = "network",
	[REASON_SELECT] = "select",
	[REASON_SLEEP] = "sleep",
	[REASON_CHAN_RECEIVE] = "chan receive",
	[REASON_CHAN_SEND] = "chan send",
	[REASON_DEBUG] = "wait for debug call",
	[REASON_SYSTEM] = "system goroutine wait",
	[REASON_PREEMPTED] = "preempted",
	[REASON_YIELD] = "sched_yield",
};

const char *reason_text(enum reason r)
{
	return reason_texts[r];
}

static enum reason of_descriptor(enum wait_class wait, uint8_t fdclass)
{
	switch (fdclass) {
	case EV_FD_SOCKET:
		return REASON_NETWORK;
	case EV_FD_PIPE:
	case EV_FD_TTY:
		return wait == WAIT_READ ? REASON_CHAN_RECEIVE : REASON_CHAN_SEND;
	case EV_FD_EVENT:
		return wait == WAIT_READ ? REASON_CHAN_RECEIVE : REASON_NONE;
	}
	return REASON_NONE;
}

enum reason classify_sleep(uint8_t state, uint32_t nr, uint8_t fdclass, int kthread)
{
	enum wait_class wait = nr < sizeof(wait_classes) ? wait_classes[nr] : WAIT_UNKNOWN;

	if (state == EV_ST_STOPPED || state == EV_ST_TRACED)
		return REASON_DEBUG;
	if (kthread && (state == EV_ST_SLEEP || state == EV_ST_IDLE || state == EV_ST_PARKED))
		return REASON_SYSTEM;
	if (wait == WAIT_FORK)
		return REASON_SYNC;
	if (state != EV_ST_SLEEP)
		return REASON_NONE;
	switch (wait) {
	case WAIT_SYNC:
		return REASON_SYNC;
	case WAIT_NET:
		return REASON_NETWORK;
	case WAIT_SELECT:
		return REASON_SELECT;
	case WAIT_SLEEP:
		return REASON_SLEEP;
	case WAIT_READ:
	case WAIT_WRITE:
		return of_descriptor(wait, fdclass);
	default:
		return REASON_NONE;
	}
}

enum reason classify_stop(uint32_t nr)
{
	return nr == __NR_sched_yield ? REASON_YIELD : REASON_PREEMPTED;
}

int syscall_is_restart(uint32_t nr)
{
	return nr == __NR_restart_syscall || nr == (EV_NR_COMPAT | COMPAT_RESTART);
}

const char *syscall_name(uint32_t nr)
{
	return nr < sizeof(syscall_names) / sizeof(syscall_names[0]) ? syscall_names[nr] : NULL;
}
