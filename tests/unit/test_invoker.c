// SPDX-License-Identifier: BSD-2-Clause
/*
 * Becoming the user before sudo for files, and back; and that it is told when the kernel refuses a
 * part of it. Needs root.
 */
#include "helpers.h"

#include <errno.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/invoker.h"

#define SOMEBODY 12345

static struct invoker under_sudo(void)
{
	setenv("SUDO_UID", "12345", 1);
	setenv("SUDO_GID", "12345", 1);
	return invoker_get();
}

static void there_and_back(void **state)
{
	struct invoker who;
	gid_t group[2];

	(void)state;
	if (geteuid())
		skip();
	who = under_sudo();
	assert_true(who.other);
	assert_int_equal(invoker_enter(&who), 0);
	assert_int_equal(setfsuid((uid_t)-1), SOMEBODY);
	assert_int_equal(setfsgid((gid_t)-1), SOMEBODY);
	assert_int_equal(getgroups(2, group), 1);
	assert_int_equal(group[0], SOMEBODY);
	invoker_leave(&who);
	assert_int_equal(setfsuid((uid_t)-1), 0);
	assert_int_equal(setfsgid((gid_t)-1), 0);
}

/* In a process of its own: what is given up here does not come back. */
static int enter_without(cap_value_t cap)
{
	struct invoker who = under_sudo();
	cap_t caps;
	int status;
	pid_t pid = fork();

	if (!pid) {
		caps = cap_get_proc();
		if (!caps || cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, CAP_CLEAR) ||
		    cap_set_proc(caps))
			_exit(99);
		_exit(-invoker_enter(&who));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void refusals_are_told(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(enter_without(CAP_SETGID), EPERM);
	assert_int_equal(enter_without(CAP_SETUID), EPERM);
	assert_int_equal(enter_without(CAP_CHOWN), 0);
}

static void nothing_without_sudo(void **state)
{
	struct invoker who;

	(void)state;
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
	who = invoker_get();
	assert_false(who.other);
	assert_int_equal(who.uid, geteuid());
	assert_int_equal(invoker_enter(&who), 0);
	invoker_leave(&who);
}

/* Whom a service acts for, whatever it has from sudo itself. In a process of its own: it is for
 * good. */
static void one_that_is_set(void **state)
{
	struct invoker who;
	int status;
	pid_t pid;

	(void)state;
	if (geteuid())
		skip();
	pid = fork();
	if (!pid) {
		under_sudo();
		invoker_set(SOMEBODY + 1, SOMEBODY + 2);
		who = invoker_get();
		if (!who.other || who.uid != SOMEBODY + 1 || who.gid != SOMEBODY + 2)
			_exit(1);
		invoker_set(0, 0);
		_exit(invoker_get().other ? 2 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(refusals_are_told),
		cmocka_unit_test(nothing_without_sudo),
		cmocka_unit_test(one_that_is_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
