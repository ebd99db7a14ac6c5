// SPDX-License-Identifier: BSD-2-Clause
/* What is kept is what was asked for, and goes with the next step. Needs root. */
#include "helpers.h"

#include <sys/capability.h>
#include <sys/wait.h>

#include "util/privileges.h"

static bool holds(cap_value_t cap)
{
	cap_flag_value_t v = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	cap_get_flag(caps, cap, CAP_EFFECTIVE, &v);
	cap_free(caps);
	return v == CAP_SET;
}

#define HAS_BPF 1
#define HAS_PTRACE 2
#define HAS_ADMIN 4
#define HAS_CHOWN 8

static int held(void)
{
	return (holds(CAP_BPF) ? HAS_BPF : 0) | (holds(CAP_SYS_PTRACE) ? HAS_PTRACE : 0) |
	       (holds(CAP_SYS_ADMIN) ? HAS_ADMIN : 0) | (holds(CAP_CHOWN) ? HAS_CHOWN : 0);
}

/* In a process of its own: what is given up does not come back. */
static int after(unsigned keep, bool drop_reading)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (privileges_drop(keep) || (drop_reading && privileges_drop_reading()))
			_exit(99);
		_exit(held());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void what_is_kept_was_asked_for(void **state)
{
	(void)state;
	if (held() != (HAS_BPF | HAS_PTRACE | HAS_ADMIN | HAS_CHOWN))
		skip();
	assert_int_equal(after(0, false), HAS_BPF);
	assert_int_equal(after(PRIVILEGES_READ, false), HAS_BPF | HAS_PTRACE);
	assert_int_equal(after(PRIVILEGES_PROBES, false), HAS_BPF | HAS_ADMIN);
	assert_int_equal(after(PRIVILEGES_READ | PRIVILEGES_PROBES, false),
			 HAS_BPF | HAS_PTRACE | HAS_ADMIN);
	assert_int_equal(after(PRIVILEGES_READ | PRIVILEGES_PROBES, true), HAS_BPF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
