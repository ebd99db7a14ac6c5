// SPDX-License-Identifier: BSD-2-Clause
/*
 * Every row of the table of sleeps: which syscalls, in which state, on which kind of descriptor,
 * are which reason, and that what is in no row stays a syscall that blocks. Rows are tried from the
 * top.
 */
#include "helpers.h"

#include <sys/syscall.h>

#include "bpf/event.h"
#include "model/classify.h"

static void is(enum reason want, uint8_t state, uint32_t nr, uint8_t fd)
{
	enum reason got = classify_sleep(state, nr, fd, 0);

	if (got != want)
		fail_msg("%c in %u (%s) on %u: '%s'", state, nr, syscall_name(nr), fd,
			 reason_text(got));
}

/* S is the reason whatever the descriptor; D blocks in the syscall */
static void all_are(enum reason want, const uint32_t *nr, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (uint8_t fd = 0; fd <= EV_FD_OTHER; fd++)
			is(want, EV_ST_SLEEP, nr[i], fd);
		is(REASON_NONE, EV_ST_DISK, nr[i], EV_FD_UNKNOWN);
	}
}
#define ALL_ARE(want, ...) \
	all_are(want, (uint32_t[]){ __VA_ARGS__ }, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4)

static void locks_and_children(void **state)
{
	(void)state;
	ALL_ARE(REASON_SYNC, SYS_futex, 449 /* futex_waitv */, 455 /* futex_wait */, SYS_wait4,
		SYS_waitid, SYS_flock, SYS_fcntl, SYS_semop, SYS_semtimedop, SYS_msgrcv, SYS_msgsnd,
		SYS_rt_sigsuspend, SYS_rt_sigtimedwait);
#ifdef SYS_pause
	ALL_ARE(REASON_SYNC, SYS_pause);
#endif
}

static void vfork_waits_uninterruptibly(void **state)
{
	static const uint32_t nr[] = {
		SYS_clone,
		SYS_clone3,
#ifdef SYS_vfork
		SYS_vfork,
#endif
	};

	(void)state;
	for (size_t i = 0; i < COUNT(nr); i++) {
		is(REASON_SYNC, EV_ST_DISK, nr[i], 0);
		is(REASON_SYNC, EV_ST_SLEEP, nr[i], 0);
		is(REASON_DEBUG, EV_ST_TRACED, nr[i], 0);
	}
}

static void sockets(void **state)
{
	(void)state;
	ALL_ARE(REASON_NETWORK, SYS_connect, SYS_accept, SYS_accept4, SYS_sendto, SYS_sendmsg,
		SYS_sendmmsg, SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg);
}

static void polls(void **state)
{
	(void)state;
	ALL_ARE(REASON_SELECT, SYS_ppoll, SYS_pselect6, SYS_epoll_pwait, SYS_epoll_pwait2,
		SYS_io_uring_enter);
#ifdef SYS_poll
	ALL_ARE(REASON_SELECT, SYS_poll, SYS_select, SYS_epoll_wait);
#endif
}

static void sleeps(void **state)
{
	(void)state;
	ALL_ARE(REASON_SLEEP, SYS_nanosleep, SYS_clock_nanosleep);
}

static void reads_and_writes(void **state)
{
	static const uint32_t rd[] = { SYS_read, SYS_readv, SYS_pread64, SYS_preadv, SYS_preadv2 };
	static const uint32_t wr[] = { SYS_write, SYS_writev, SYS_pwrite64, SYS_pwritev,
				       SYS_pwritev2 };
	static const struct {
		uint8_t fd;
		enum reason read, write;
	} rows[] = {
		{ EV_FD_UNKNOWN, REASON_NONE, REASON_NONE },
		{ EV_FD_FILE, REASON_NONE, REASON_NONE },
		{ EV_FD_SOCKET, REASON_NETWORK, REASON_NETWORK },
		{ EV_FD_PIPE, REASON_CHAN_RECEIVE, REASON_CHAN_SEND },
		{ EV_FD_TTY, REASON_CHAN_RECEIVE, REASON_CHAN_SEND },
		{ EV_FD_EVENT, REASON_CHAN_RECEIVE, REASON_NONE },
		{ EV_FD_OTHER, REASON_NONE, REASON_NONE },
		{ 255, REASON_NONE, REASON_NONE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rd); i++) {
		for (size_t k = 0; k < COUNT(rows); k++) {
			is(rows[k].read, EV_ST_SLEEP, rd[i], rows[k].fd);
			is(rows[k].write, EV_ST_SLEEP, wr[i], rows[k].fd);
			is(REASON_NONE, EV_ST_DISK, rd[i], rows[k].fd);
			is(REASON_NONE, EV_ST_DISK, wr[i], rows[k].fd);
		}
	}
}

static void stopped_and_traced(void **state)
{
	static const uint32_t nr[] = { SYS_read, SYS_futex, SYS_clone, SYS_fsync, EV_NR_NONE };

	(void)state;
	for (size_t i = 0; i < COUNT(nr); i++) {
		is(REASON_DEBUG, EV_ST_STOPPED, nr[i], EV_FD_SOCKET);
		is(REASON_DEBUG, EV_ST_TRACED, nr[i], EV_FD_SOCKET);
	}
	assert_int_equal(classify_sleep(EV_ST_STOPPED, EV_NR_NONE, 0, 1), REASON_DEBUG);
}

static void kernel_threads(void **state)
{
	(void)state;
	assert_int_equal(classify_sleep(EV_ST_SLEEP, EV_NR_NONE, 0, 1), REASON_SYSTEM);
	assert_int_equal(classify_sleep(EV_ST_IDLE, EV_NR_NONE, 0, 1), REASON_SYSTEM);
	assert_int_equal(classify_sleep(EV_ST_PARKED, EV_NR_NONE, 0, 1), REASON_SYSTEM);
	assert_int_equal(classify_sleep(EV_ST_DISK, EV_NR_NONE, 0, 1), REASON_NONE);
	is(REASON_NONE, EV_ST_IDLE, EV_NR_NONE, 0); /* another thread in these is nothing we know */
	is(REASON_NONE, EV_ST_PARKED, SYS_futex, 0);
}

static void all_others_block(void **state)
{
	(void)state;
	ALL_ARE(REASON_NONE, SYS_ioctl, SYS_fsync, SYS_openat, SYS_mmap, SYS_sched_yield,
		SYS_getpid, SYS_sendfile, 2000, 0xffff, EV_NR_BAD, SYS_futex | EV_NR_COMPAT,
		EV_NR_NONE);
}

static void stops(void **state)
{
	(void)state;
	assert_int_equal(classify_stop(SYS_sched_yield), REASON_YIELD);
	assert_int_equal(classify_stop(SYS_read), REASON_PREEMPTED);
	assert_int_equal(classify_stop(SYS_sched_yield | EV_NR_COMPAT), REASON_PREEMPTED);
	assert_int_equal(classify_stop(EV_NR_NONE), REASON_PREEMPTED);
}

/* exactly the words that Go's runtime has; profiles look for parts of them */
static void words(void **state)
{
	static const char *const text[REASON_MAX] = {
		"",
		"sync",
		"network",
		"select",
		"sleep",
		"chan receive",
		"chan send",
		"wait for debug call",
		"system goroutine wait",
		"preempted",
		"sched_yield",
	};

	(void)state;
	for (int r = 0; r < REASON_MAX; r++)
		assert_string_equal(reason_text((enum reason)r), text[r]);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(syscall_name(SYS_futex), "futex");
	assert_string_equal(syscall_name(SYS_read), "read");
	assert_null(syscall_name(EV_NR_NONE));
	assert_null(syscall_name(EV_NR_COMPAT | 3));
	assert_null(syscall_name(0xffff));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(locks_and_children),
		cmocka_unit_test(vfork_waits_uninterruptibly),
		cmocka_unit_test(sockets),
		cmocka_unit_test(polls),
		cmocka_unit_test(sleeps),
		cmocka_unit_test(reads_and_writes),
		cmocka_unit_test(stopped_and_traced),
		cmocka_unit_test(kernel_threads),
		cmocka_unit_test(all_others_block),
		cmocka_unit_test(stops),
		cmocka_unit_test(words),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
