// SPDX-License-Identifier: BSD-2-Clause
/* Programs that are started: how they are found, what they are told, how they end. No root. */
#include "capture/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/session.h"
#include "cli/cmd.h"
#include "util/strbuf.h"

#include "helpers.h"

static char *args[8];

static char **argv_of(const char *a, const char *b, const char *c)
{
	args[0] = (char *)a;
	args[1] = (char *)b;
	args[2] = (char *)c;
	args[3] = NULL;
	return args;
}

static struct launch *started(char **argv)
{
	struct strbuf why = STRBUF_INIT;
	struct launch *l = NULL;

	assert_int_equal(launch__new(&l, argv, &why), 0);
	assert_int_equal(why.len, 0);
	return l;
}

/* Its exit status, when it is let go; what was told in why. */
static int run(char **argv, struct strbuf *why)
{
	struct launch *l = started(argv);
	int fd = session_signals(true), status;

	assert_true(fd >= 0);
	launch__go(l);
	status = launch__wait(l, fd, why);
	close(fd);
	launch__free(l);
	return status;
}

static void expect(char **argv, int status, const char *words)
{
	struct strbuf why = STRBUF_INIT;

	assert_int_equal(run(argv, &why), status);
	if (words)
		assert_non_null(strstr(why.buf, words));
	else
		assert_int_equal(why.len, 0);
	strbuf_free(&why);
}

static void status_is_its_own(void **state)
{
	(void)state;
	expect(argv_of("true", NULL, NULL), 0, NULL);
	expect(argv_of("sh", "-c", "exit 3"), 3, NULL);
	expect(argv_of("sh", "-c", "exit 127"), 127, NULL);
	expect(argv_of("sh", "-c", "kill -KILL $$"), 137, NULL);
	expect(argv_of("/bin/sh", "-c", "kill -SEGV $$"), 139, NULL);
}

static void refuse(const char *name, int status, const char *words)
{
	struct strbuf why = STRBUF_INIT;
	struct launch *l = NULL;

	assert_int_equal(launch__new(&l, argv_of(name, NULL, NULL), &why), status);
	assert_null(l);
	assert_non_null(strstr(why.buf, words));
	strbuf_free(&why);
}

static void make_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void what_cannot_be_found(void **state)
{
	char dir[TEMP_LEN], file[TEMP_LEN + 8], old[8192];

	(void)state;
	assert_int_equal(temp_dir(dir, "launch"), 0);
	snprintf(file, sizeof(file), "%s/file", dir);
	snprintf(old, sizeof(old), "%s", getenv("PATH"));
	refuse("no-such-command", EXIT_NO_COMMAND, "no directory of PATH");
	refuse("/no/such/command", EXIT_NO_COMMAND, "No such file");
	refuse("", EXIT_NO_COMMAND, "''");
	refuse(dir, EXIT_CANNOT_RUN, "it is a directory");
	refuse("/dev/null", EXIT_CANNOT_RUN, "Exec format error");
	make_file(file, "exit 0\n", 0644);
	refuse(file, EXIT_CANNOT_RUN, "chmod +x");
	/* in PATH: one that may not be executed is not the last word */
	setenv("PATH", dir, 1);
	refuse("file", EXIT_CANNOT_RUN, "Permission denied");
	refuse("true", EXIT_NO_COMMAND, "no directory of PATH");
	setenv("PATH", old, 1);
	unlink(file);
	rmdir(dir);
}

static void scripts(void **state)
{
	char dir[TEMP_LEN], file[TEMP_LEN + 8];

	(void)state;
	assert_int_equal(temp_dir(dir, "launch"), 0);
	snprintf(file, sizeof(file), "%s/file", dir);
	make_file(file, "exit $1\n", 0755);
	expect(argv_of(file, "9", NULL), 9, NULL);
	unlink(file);
	make_file(file, "#!/no/such/interpreter\n", 0755);
	expect(argv_of(file, NULL, NULL), EXIT_NO_COMMAND, "interpreter");
	unlink(file);
	rmdir(dir);
}

/* Nobody lets it go: it has executed nothing. */
static void one_that_waits_ends_with_us(void **state)
{
	char file[] = "/tmp/ctrace-launch-XXXXXX";
	struct launch *l;

	(void)state;
	close(mkstemp(file));
	l = started(argv_of("rm", file, NULL));
	assert_string_equal(launch__name(l), "rm");
	launch__free(l);
	assert_int_equal(unlink(file), 0);
}

/* A signal as it comes, sent by somebody or by the terminal. */
static bool give(struct launch *l, int sig, int code)
{
	struct signalfd_siginfo si = { .ssi_signo = (uint32_t)sig, .ssi_code = code };

	return launch__signal(l, &si);
}

/* A program that tells on a pipe how often it got each signal, and ends by the last. */
static struct launch *listener(int out[2])
{
	char script[256];
	struct launch *l;
	char c;

	assert_int_equal(pipe(out), 0);
	snprintf(script, sizeof(script),
		 "trap 'echo t >&%d' TERM; trap 'echo i >&%d' INT; trap 'exit 5' HUP;"
		 "echo r >&%d; while :; do sleep 0.01; done",
		 out[1], out[1], out[1]);
	l = started(argv_of("sh", "-c", script));
	launch__go(l);
	assert_int_equal(read(out[0], &c, 1), 1);
	assert_int_equal(c, 'r');
	assert_int_equal(read(out[0], &c, 1), 1);
	return l;
}

static void hears(int fd, char what)
{
	char got[2];

	assert_int_equal(read(fd, got, 2), 2);
	assert_int_equal(got[0], what);
}

static void signals_are_passed_on(void **state)
{
	int out[2], fd = session_signals(true);
	struct strbuf why = STRBUF_INIT;
	sigset_t none, ours;
	struct launch *l;
	struct pollfd p;

	(void)state;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, &ours); /* the child is to have them */
	l = listener(out);
	sigprocmask(SIG_SETMASK, &ours, NULL);
	assert_true(give(l, SIGINT, SI_KERNEL)); /* the terminal has told it */
	assert_true(give(l, SIGTERM, SI_USER));
	hears(out[0], 't');
	assert_true(give(l, SIGTERM, SI_USER)); /* once */
	assert_true(give(l, SIGINT, SI_USER));
	hears(out[0], 'i');
	p = (struct pollfd){ .fd = out[0], .events = POLLIN };
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_false(give(l, SIGUSR1, SI_USER));
	assert_true(give(l, SIGHUP, SI_USER));
	assert_int_equal(launch__wait(l, fd, &why), 5);
	assert_true(launch__has_ended(l));
	assert_false(give(l, SIGTERM, SI_USER));
	launch__free(l);
	close(out[0]);
	close(out[1]);
	close(fd);
}

static void stops_are_told(void **state)
{
	int fd = session_signals(true);
	struct strbuf why = STRBUF_INIT;
	struct launch *l = started(argv_of("sh", "-c", "kill -STOP $$; exit 4"));
	struct signalfd_siginfo si;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	(void)state;
	launch__go(l);
	while (!launch__has_stopped(l)) {
		assert_true(poll(&p, 1, 10000) > 0);
		assert_int_equal(read(fd, &si, sizeof(si)), sizeof(si));
	}
	assert_false(launch__has_stopped(l)); /* once */
	assert_false(launch__has_ended(l));
	launch__continue(l);
	assert_int_equal(launch__wait(l, fd, &why), 4);
	launch__free(l);

	/* the same when the recording is over, and the stop was to be ours */
	l = started(argv_of("sh", "-c", "kill -STOP $$; exit 6"));
	launch__go(l);
	launch__expect_stop(l, true);
	assert_int_equal(launch__wait(l, fd, &why), 6);
	launch__free(l);
	close(fd);
}

static void one_that_is_killed(void **state)
{
	struct launch *l = started(argv_of("sleep", "100", NULL));

	(void)state;
	launch__go(l);
	assert_false(launch__has_ended(l));
	launch__kill(l);
	assert_true(launch__has_ended(l));
	launch__free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_is_its_own),
		cmocka_unit_test(what_cannot_be_found),
		cmocka_unit_test(scripts),
		cmocka_unit_test(one_that_waits_ends_with_us),
		cmocka_unit_test(signals_are_passed_on),
		cmocka_unit_test(stops_are_told),
		cmocka_unit_test(one_that_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
