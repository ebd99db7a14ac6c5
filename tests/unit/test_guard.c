// SPDX-License-Identifier: BSD-2-Clause
/* Who lets a held program go has no privileges, or is not there. Needs root. */
#include "capture/guard.h"

#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "helpers.h"

static pid_t held(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		raise(SIGSTOP);
		_exit(7);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	return pid;
}

static int end_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* The line of /proc/PID/status that begins so. */
static void expect_status(pid_t pid, const char *begin, const char *line)
{
	char path[64], text[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(text, sizeof(text), f))
		if (!strncmp(text, begin, strlen(begin)))
			break;
	fclose(f);
	assert_string_equal(text, line);
}

static void it_is_told_and_does_nothing(void **state)
{
	struct guard g = { 0 };
	pid_t pid = held();

	(void)state;
	assert_int_equal(guard_start(&g, pid), 0);
	expect_status(g.pid, "CapPrm", "CapPrm:\t0000000000000000\n");
	expect_status(g.pid, "Name", "Name:\tctrace-guard\n");
	guard_end(&g);
	assert_int_equal(g.pid, 0);
	guard_end(&g);
	assert_int_equal(waitpid(pid, NULL, WNOHANG | WCONTINUED), 0);
	kill(pid, SIGKILL);
	assert_int_equal(WTERMSIG(end_of(pid)), SIGKILL);
}

/* As when we are killed: the kernel closes what we had. */
static void it_lets_the_program_go(void **state)
{
	struct guard g = { 0 };
	pid_t pid = held();

	(void)state;
	assert_int_equal(guard_start(&g, pid), 0);
	close(g.fd);
	assert_int_equal(WEXITSTATUS(end_of(pid)), 7);
	assert_int_equal(WEXITSTATUS(end_of(g.pid)), 0);
}

/* In a process of its own, since that cannot be taken back: capabilities go with the user, and who
 * wants to become another one first must not keep them. */
static void refuse(void)
{
	struct guard g = { 0 };
	pid_t pid = held();
	int err;

	setenv("SUDO_UID", "12345", 1);
	setenv("SUDO_GID", "12345", 1);
	if (prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED, 0, 0, 0))
		_exit(99);
	err = guard_start(&g, pid);
	kill(pid, SIGKILL);
	_exit(err != -EPERM ? 1 : g.pid ? 2 : waitpid(-1, NULL, 0) != pid ? 3 : 0);
}

static void one_that_keeps_its_privileges_is_none(void **state)
{
	pid_t pid;

	(void)state;
	if (geteuid())
		skip();
	pid = fork();
	if (!pid)
		refuse();
	assert_true(pid > 0);
	assert_int_equal(end_of(pid), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_told_and_does_nothing),
		cmocka_unit_test(it_lets_the_program_go),
		cmocka_unit_test(one_that_keeps_its_privileges_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
