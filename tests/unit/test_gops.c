// SPDX-License-Identifier: BSD-2-Clause
/* What the agent of gops is made of: errands, the port file, the answers. */
#include "helpers.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "rights/errand.h"
#include "gops/gopsanswer.h"
#include "gops/gopsfile.h"
#include "util/procfs.h"
#include "version.h"

/* ---- errands ---- */

static int give_back(void *ctx, int fd)
{
	assert_int_equal(fd, -1);
	return *(int *)ctx;
}

static int sleep_on(void *ctx, int fd)
{
	(void)ctx, (void)fd;
	pause();
	return 0;
}

static int die(void *ctx, int fd)
{
	(void)ctx, (void)fd;
	abort();
}

static void test_errand_result(void **state)
{
	int fine = 0, denied = -EACCES;

	(void)state;
	assert_int_equal(errand_do(ERRAND_US, 0, 10, give_back, &fine), 0);
	assert_int_equal(errand_do(ERRAND_US, 0, 10, give_back, &denied), -EACCES);
	assert_int_equal(errand_do(ERRAND_US, 0, 1, sleep_on, NULL), -ETIMEDOUT);
	assert_int_equal(errand_do(ERRAND_US, 0, 10, die, NULL), -ETIMEDOUT);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* none is left */
	assert_int_equal(errno, ECHILD);
}

/* The only descriptors are those of stdio, and the one that was given. */
static int count_open(void *ctx, int fd)
{
	int i, n = 0;

	(void)ctx;
	for (i = 0; i < 1024; i++)
		n += fcntl(i, F_GETFD) >= 0 && i > STDERR_FILENO;
	return write(fd, &n, sizeof(n)) == sizeof(n) ? 0 : -errno;
}

static void test_errand_descriptors(void **state)
{
	int p[2], n = -1, status, other = open("/dev/null", O_RDONLY);
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(p), 0);
	pid = errand_begin(ERRAND_US, 0, 10, count_open, NULL, p[1]);
	assert_true(pid > 0);
	assert_int_equal(read(p[0], &n, sizeof(n)), sizeof(n));
	assert_int_equal(n, 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(p[0]);
	close(p[1]);
	close(other);
}

static int nothing_is_allowed(void *ctx, int fd)
{
	(void)ctx, (void)fd;
	if (geteuid() != 65534 || getegid() != 65534 || getuid() != 65534)
		return -EINVAL;
	if (!setuid(0) || open("/etc/shadow", O_RDONLY) >= 0)
		return -EEXIST;
	return 0;
}

static void test_errand_as_another(void **state)
{
	(void)state;
	assert_int_equal(errand_do(65534, 65534, 10, nothing_is_allowed, NULL),
			 geteuid() && geteuid() != 65534 ? -EPERM : 0);
}

/* ---- the port file ---- */

struct place {
	char dir[TEMP_LEN], gops[TEMP_LEN + 16], file[TEMP_LEN + 32];
};

static int make_place(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));

	*state = p;
	if (temp_dir(p->dir, "gops"))
		return -1;
	snprintf(p->gops, sizeof(p->gops), "%s/a/gops", p->dir); /* neither is there */
	snprintf(p->file, sizeof(p->file), "%s/%d", p->gops, getpid());
	return setenv("GOPS_CONFIG_DIR", p->gops, 1);
}

static int remove_place(void **state)
{
	struct place *p = *state;
	char cmd[TEMP_LEN + 16];
	int err;

	snprintf(cmd, sizeof(cmd), "rm -rf %s", p->dir);
	err = system(cmd); /* NOLINT: a name of ours */
	free(p);
	return err;
}

static void assert_content(const char *path, const char *text)
{
	char buf[64];

	assert_true(procfs_read(path, buf, sizeof(buf)) >= 0);
	assert_string_equal(buf, text);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int listener(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static void test_file_comes_and_goes(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct place *p = *state;
	struct gopsfile *f = gopsfile__new(getpid(), 4711, &why);
	struct stat st;

	assert_non_null(f);
	assert_string_equal(gopsfile__path(f), p->file);
	assert_content(p->file, "4711");
	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	gopsfile__free(f);
	assert_int_equal(access(p->file, F_OK), -1);
	gopsfile__free(NULL);
}

/* An agent that listens has its file; one that was killed has lost it. */
static void test_file_of_another(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct place *p = *state;
	struct gopsfile *f = gopsfile__new(getpid(), 1, &why);
	uint16_t port;
	char text[16];
	int fd = listener(&port);

	gopsfile__free(f); /* the directory stays */
	snprintf(text, sizeof(text), "%u", port);
	put(p->file, text);
	assert_null(gopsfile__new(getpid(), 4711, &why));
	assert_int_equal(errno, EEXIST);
	assert_non_null(strstr(why.buf, "has an agent of gops already"));
	assert_content(p->file, text);
	close(fd);
	f = gopsfile__new(getpid(), 4711, &why);
	assert_non_null(f);
	assert_content(p->file, "4711");
	put(p->file, "99"); /* somebody else's by now: not ours to remove */
	gopsfile__free(f);
	assert_content(p->file, "99");
	strbuf_free(&why);
}

static void test_file_traps(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct place *p = *state;
	char target[TEMP_LEN + 16];
	struct stat st;

	gopsfile__free(gopsfile__new(getpid(), 1, &why));
	snprintf(target, sizeof(target), "%s/target", p->dir);
	assert_int_equal(symlink(target, p->file), 0); /* to nothing: must not come to be */
	assert_null(gopsfile__new(getpid(), 4711, &why));
	assert_int_equal(access(target, F_OK), -1);
	put(target, "17");
	assert_null(gopsfile__new(getpid(), 4711, &why));
	assert_content(target, "17");
	unlink(p->file);
	assert_int_equal(mkfifo(p->file, 0644), 0);
	assert_null(gopsfile__new(getpid(), 4711, &why)); /* and does not wait for a reader */
	assert_int_equal(lstat(p->file, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	unlink(p->file);
	put(p->file, "not a port");
	assert_null(gopsfile__new(getpid(), 4711, &why));
	assert_content(p->file, "not a port");
	strbuf_free(&why);
}

/* Without GOPS_CONFIG_DIR our own processes are told with our own configuration, those of others
 * with theirs. */
static void test_file_of_our_config(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct place *p = *state;
	struct gopsfile *f;
	char path[2 * TEMP_LEN];

	unsetenv("GOPS_CONFIG_DIR");
	setenv("XDG_CONFIG_HOME", p->dir, 1);
	snprintf(path, sizeof(path), "%s/gops/%d", p->dir, getpid());
	f = gopsfile__new(getpid(), 4711, &why);
	assert_non_null(f);
	assert_string_equal(gopsfile__path(f), path);
	gopsfile__free(f);
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", p->dir, 1);
	snprintf(path, sizeof(path), "%s/.config/gops/%d", p->dir, getpid());
	f = gopsfile__new(getpid(), 4711, &why);
	assert_non_null(f);
	assert_content(path, "4711");
	gopsfile__free(f);
	assert_null(gopsfile__new(4194304, 4711, &why));
	assert_int_equal(errno, ESRCH);
	strbuf_free(&why);
}

/* ---- answers ---- */

static char *ask_of(pid_t pid, int verb, size_t *len, int *err)
{
	struct gops_question q = { .pid = pid, .verb = verb };
	FILE *f = tmpfile();
	char *text;

	assert_non_null(f);
	*err = gopsanswer_write(&q, fileno(f));
	*len = (size_t)lseek(fileno(f), 0, SEEK_END);
	text = xcalloc(1, *len + 1);
	assert_int_equal(pread(fileno(f), text, *len, 0), *len);
	fclose(f);
	return text;
}

static void test_answers(void **state)
{
	char expected[128], *text, *own;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t len;
	int err, verb, fd;

	(void)state;
	text = ask_of(getpid(), GOPS_VERSION, &len, &err);
	assert_int_equal(err, 0);
	assert_string_equal(text, "ELF, watched by ctrace-bpf " CTRACE_VERSION "\n");
	free(text);

	text = ask_of(getpid(), GOPS_STATS, &len, &err);
	assert_int_equal(err, 0);
	assert_memory_equal(text, "goroutines: ", 12);
	snprintf(expected, sizeof(expected), "\nnum CPU: %ld\n", cpus);
	assert_non_null(strstr(text, expected));
	free(text);

	text = ask_of(getpid(), GOPS_MEMORY, &len, &err);
	assert_int_equal(err, 0);
	assert_memory_equal(text, "resident: ", 10);
	assert_non_null(strstr(text, "MB ("));
	free(text);

	text = ask_of(getpid(), GOPS_BINARY, &len, &err);
	assert_int_equal(err, 0);
	own = xmalloc(len);
	fd = open("/proc/self/exe", O_RDONLY);
	assert_int_equal(lseek(fd, 0, SEEK_END), len);
	assert_int_equal(pread(fd, own, len, 0), len);
	assert_memory_equal(text, own, len);
	close(fd);
	free(own);
	free(text);

	for (verb = 0; verb < 256; verb++)
		if (!gopsanswer_name(verb)) {
			free(ask_of(getpid(), verb, &len, &err));
			assert_int_equal(err, -ENOTSUP);
			assert_int_equal(len, 0);
		}
	free(ask_of(4194304, GOPS_STATS, &len, &err));
	assert_true(err < 0);
	assert_int_equal(len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errand_result),
		cmocka_unit_test(test_errand_descriptors),
		cmocka_unit_test(test_errand_as_another),
		cmocka_unit_test_setup_teardown(test_file_comes_and_goes, make_place, remove_place),
		cmocka_unit_test_setup_teardown(test_file_of_another, make_place, remove_place),
		cmocka_unit_test_setup_teardown(test_file_traps, make_place, remove_place),
		cmocka_unit_test_setup_teardown(test_file_of_our_config, make_place, remove_place),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
