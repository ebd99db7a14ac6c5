// SPDX-License-Identifier: BSD-2-Clause
/*
 * The file that a trace goes to: what is kept of one that exists, who else may write, what stays of
 * a write that failed, and what is removed at the end. Each test has a directory of its own.
 */
#include "helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "output/outfile.h"
#include "output/trailname.h"
#include "util/privileges.h"

static char dir[TEMP_LEN], path[96], other[96];

static int setup(void **state)
{
	(void)state;
	unsetenv("SUDO_UID"); /* as who we are */
	if (temp_dir(dir, "outfile"))
		return -1;
	snprintf(path, sizeof(path), "%s/trace", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(other);
	rmdir(path);
	return rmdir(dir);
}

static void put_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void has(const char *name, const char *want)
{
	char buf[256] = "";
	FILE *f = fopen(name, "r");

	assert_non_null(f);
	buf[fread(buf, 1, sizeof(buf) - 1, f)] = 0;
	fclose(f);
	assert_string_equal(buf, want);
}

static struct outfile *opened(const char *name)
{
	struct strbuf why = STRBUF_INIT;
	struct outfile *f = outfile__open(name, &why);

	if (!f)
		fail_msg("%s", why.buf);
	strbuf_free(&why);
	return f;
}

/* As a new one only: what is there, whatever it is, stays as it is. */
static void new_ones_only(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct outfile *f;

	(void)state;
	put_file(path, "old");
	assert_null(outfile__create(path, &why));
	assert_int_equal(errno, EEXIST);
	assert_int_equal(symlink("nowhere", other), 0);
	assert_null(outfile__create(other, &why));
	assert_int_equal(errno, EEXIST);
	has(path, "old");
	assert_int_equal(unlink(path), 0);
	f = outfile__create(path, &why);
	assert_non_null(f);
	assert_int_equal(access(path, F_OK), -1);
	put_file(path, "taken"); /* it has no name before the first write */
	assert_int_equal(outfile__write(f, "x", 1), -EEXIST);
	assert_int_equal(outfile__close(f), 0);
	has(path, "taken");
	strbuf_free(&why);
}

static void refused(const char *name, const char *want)
{
	struct strbuf why = STRBUF_INIT;
	char text[256];

	snprintf(text, sizeof(text), want, name);
	errno = 0;
	assert_null(outfile__open(name, &why));
	assert_true(errno);
	assert_string_equal(why.buf, text);
	strbuf_free(&why);
}

static void new_file(void **state)
{
	struct outfile *f = opened(path);
	struct stat st;

	(void)state;
	assert_string_equal(outfile__path(f), path);
	assert_int_equal(outfile__write(f, "one", 3), 0);
	assert_int_equal(outfile__write(f, "two", 3), 0);
	assert_int_equal(outfile__bytes(f), 6);
	assert_int_equal(fstat(outfile__fd(f), &st), 0);
	assert_true(fcntl(outfile__fd(f), F_GETFD) & FD_CLOEXEC);
	assert_int_equal(outfile__close(f), 0);
	has(path, "onetwo");
}

static void kept_until_the_first_write(void **state)
{
	struct outfile *f;

	(void)state;
	put_file(path, "an old trace that is longer");
	f = opened(path);
	has(path, "an old trace that is longer");
	assert_int_equal(outfile__close(f), 0);
	has(path, "an old trace that is longer");
	f = opened(path);
	assert_int_equal(outfile__write(f, "new", 3), 0);
	has(path, "new");
	assert_int_equal(outfile__close(f), 0);
	has(path, "new");
}

static void empty_file_of_ours_is_removed(void **state)
{
	(void)state;
	assert_int_equal(outfile__close(opened(path)), 0);
	assert_int_equal(access(path, F_OK), -1);
	put_file(path, ""); /* an empty one that was there before is not ours */
	assert_int_equal(outfile__close(opened(path)), 0);
	assert_int_equal(access(path, F_OK), 0);
}

static void no_name_before_the_first_write(void **state)
{
	struct outfile *f = opened(path);
	struct stat st;

	(void)state;
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(outfile__write(f, "one", 3), 0);
	has(path, "one");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777 & ~0022, 0644 & ~0022);
	assert_int_equal(outfile__close(f), 0);
	assert_int_equal(chdir(dir), 0);
	f = opened("other"); /* without a directory in front */
	assert_int_equal(access(other, F_OK), -1);
	assert_int_equal(outfile__write(f, "two", 3), 0);
	assert_int_equal(outfile__close(f), 0);
	has(other, "two");
	assert_int_equal(chdir("/"), 0);
}

/* Two that begin at once with a new name: the second is told at its first write, and nobody's data
 * are harmed. */
static void name_taken_meanwhile(void **state)
{
	struct outfile *f = opened(path);
	struct strbuf why = STRBUF_INIT;
	char text[160];

	(void)state;
	put_file(path, "somebody's");
	assert_int_equal(outfile__write(f, "ours", 4), -EEXIST);
	outfile__explain(f, -EEXIST, &why);
	snprintf(text, sizeof(text), "somebody else has made %s meanwhile; choose another file",
		 path);
	assert_string_equal(why.buf, text);
	assert_int_equal(outfile__bytes(f), 0);
	assert_int_equal(outfile__close(f), 0);
	has(path, "somebody's");
	strbuf_free(&why);
}

/* A name is another recorder's before there is a file, and free when that gives up. */
static void name_is_due(void **state)
{
	struct outfile *first = opened(path), *second;
	struct strbuf why = STRBUF_INIT;
	char text[160];

	(void)state;
	errno = 0;
	assert_null(outfile__open(path, &why));
	assert_int_equal(errno, EWOULDBLOCK);
	snprintf(text, sizeof(text), "%s is being written by another recorder; choose another file",
		 path);
	assert_string_equal(why.buf, text);
	assert_int_equal(outfile__close(first), 0);
	second = opened(path);
	assert_int_equal(outfile__write(second, "second", 6), 0);
	assert_int_equal(outfile__close(second), 0);
	has(path, "second");
	strbuf_free(&why);
}

static void locked(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct outfile *f;
	char text[160];
	int fd;

	(void)state;
	put_file(path, "old");
	f = opened(path);
	refused(path, "%s is being written by another recorder; choose another file");
	assert_int_equal(errno, EWOULDBLOCK);
	has(path, "old"); /* the refusal took nothing away */
	unlink(path);
	assert_int_equal(outfile__close(f), 0);
	f = opened(path);
	assert_int_equal(outfile__write(f, "first", 5), 0);
	refused(path, "%s is being written by another recorder; choose another file");
	assert_int_equal(outfile_open_in_place(path, &why), -EWOULDBLOCK);
	snprintf(text, sizeof(text), "%s is being written by a recorder; stop that one first",
		 path);
	assert_string_equal(why.buf, text);
	has(path, "first");
	outfile__close(f);
	fd = outfile_open_in_place(path, &why);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4), 0);
	close(fd);
	has(path, "firs");
	put_file(path, "first");
	strbuf_free(&why);
	outfile__close(opened(path)); /* free again */
	has(path, "first");
}

static void more_files(void **state)
{
	struct strbuf why = STRBUF_INIT;
	char sub[160], text[256], longer[512];

	(void)state;
	assert_int_equal(outfile_check_more(path, &why), 0);
	put_file(path, "old"); /* its name is a pattern all the same */
	assert_int_equal(outfile_check_more(path, &why), 0);
	has(path, "old");
	snprintf(sub, sizeof(sub), "%s/", dir);
	assert_true(outfile_check_more(sub, &why) < 0);
	snprintf(text, sizeof(text),
		 "%s is no regular file, so its name is no pattern for files; choose another one",
		 sub);
	assert_string_equal(why.buf, text);
	assert_true(outfile_check_more("/dev/null", &why) < 0);
	snprintf(sub, sizeof(sub), "%s/none/x", dir);
	assert_int_equal(outfile_check_more(sub, &why), -ENOENT);
	snprintf(text, sizeof(text), "cannot write %s: No such file or directory", sub);
	assert_string_equal(why.buf, text);
	/* room for a time behind the name: 255 bytes are what file systems take */
	snprintf(longer, sizeof(longer), "%s/%0*d", dir, 255 - TRAILNAME_ADDS, 0);
	assert_int_equal(outfile_check_more(longer, &why), 0);
	snprintf(longer, sizeof(longer), "%s/%0*d", dir, 256 - TRAILNAME_ADDS, 0);
	assert_int_equal(outfile_check_more(longer, &why), -ENAMETOOLONG);
	assert_non_null(strstr(why.buf, "File name too long"));
	if (!geteuid() && !chown(dir, 12345, 12345)) {
		assert_int_equal(outfile_check_more(path, &why), -EACCES);
		assert_non_null(strstr(why.buf, "later, when root's rights are given up"));
		setenv("SUDO_UID", "12345", 1);
		setenv("SUDO_GID", "12345", 1);
		assert_int_equal(outfile_check_more(path, &why), 0);
		unsetenv("SUDO_UID");
		unsetenv("SUDO_GID");
	}
	strbuf_free(&why);
}

static void only_that_file_is_removed(void **state)
{
	struct outfile *f = opened(path);
	struct outfile_id id;

	(void)state;
	assert_int_equal(outfile__write(f, "one", 3), 0);
	assert_int_equal(outfile__id(f, &id), 0);
	assert_int_equal(rename(path, other), 0);
	put_file(path, "two");
	assert_int_equal(outfile_remove(path, &id), 0);
	has(path, "two");
	unlink(path);
	assert_int_equal(symlink(other, path), 0); /* leads there, and is another one */
	assert_int_equal(outfile_remove(path, &id), 0);
	has(path, "one");
	assert_int_equal(outfile_remove(other, &id), 0);
	assert_int_equal(access(other, F_OK), -1);
	assert_int_equal(outfile_remove(other, &id), 0); /* gone already */
	assert_int_equal(outfile__close(f), 0);
}

static void limit(rlim_t bytes)
{
	struct rlimit r;

	getrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

/* the disk takes a part of the second write only */
static void partial_write_is_cut_back(void **state)
{
	struct outfile *f = opened(path);
	int err;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(outfile__write(f, "0123456789", 10), 0);
	limit(15);
	err = outfile__write(f, "abcdefghij", 10);
	limit(RLIM_INFINITY);
	assert_int_equal(err, -EFBIG);
	has(path, "0123456789");
	assert_int_equal(outfile__bytes(f), 10);
	assert_int_equal(outfile__write(f, "KL", 2), 0); /* and in the right place */
	has(path, "0123456789KL");
	assert_int_equal(outfile__close(f), 0);
}

static void first_write_fails(void **state)
{
	struct outfile *f = opened(path);
	int err;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	limit(5);
	err = outfile__write(f, "0123456789", 10);
	limit(RLIM_INFINITY);
	assert_int_equal(err, -EFBIG);
	assert_int_equal(outfile__bytes(f), 0);
	assert_int_equal(outfile__close(f), 0);
	assert_int_equal(access(path, F_OK), -1);
}

/* In a child, whose status it is: from here on fallocate(2) is answered with err. */
static int with_fallocate_failing(int err, int want)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), /* the number of the call */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { COUNT(filter), filter };
	struct strbuf why = STRBUF_INIT;
	struct outfile *f = outfile__open(path, &why);

	if (!f || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return 77;
	if (outfile__write(f, "new", 3) != want)
		return 1;
	return outfile__close(f) ? 2 : 0;
}

static void no_room_for_the_first_write(void **state)
{
	static const struct {
		int err, want;
		const char *holds;
	} cases[] = {
		{ EDQUOT, -EDQUOT, "old" }, { ENOSPC, -ENOSPC, "old" }, { EFBIG, -EFBIG, "old" },
		{ EIO, -EIO, "old" },	    { EOPNOTSUPP, 0, "new" },	{ ENOSYS, 0, "new" },
		{ EINVAL, 0, "new" },
	};
	int status;
	size_t i;
	pid_t pid;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		put_file(path, "old");
		pid = fork();
		if (!pid)
			_exit(with_fallocate_failing(cases[i].err, cases[i].want));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WEXITSTATUS(status) == 77)
			skip();
		assert_int_equal(status, 0);
		has(path, cases[i].holds);
	}
}

/* The directory is somebody else's, and what root may there is given up before the first write. */
static int without_capabilities(bool write)
{
	struct strbuf why = STRBUF_INIT;
	struct outfile *f = outfile__open(path, &why);

	if (!f)
		return 1;
	if (privileges_drop(0))
		return 2;
	if (write && outfile__write(f, "abc", 3))
		return 3;
	return outfile__close(f) ? 4 : 0;
}

static void in_somebody_elses_directory(void **state)
{
	char said[512] = "", text[256];
	int i, p[2], status;
	pid_t pid;

	(void)state;
	if (geteuid() || chown(dir, 12345, 12345))
		skip();
	outfile__close(opened(path)); /* with its rights, root leaves nothing */
	assert_int_equal(access(path, F_OK), -1);
	for (i = 0; i < 2; i++) {
		assert_int_equal(pipe(p), 0);
		pid = fork();
		if (!pid) {
			dup2(p[1], STDERR_FILENO);
			_exit(without_capabilities(i));
		}
		close(p[1]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		memset(said, 0, sizeof(said));
		assert_true(read(p[0], said, sizeof(said) - 1) >= 0);
		close(p[0]);
		snprintf(text, sizeof(text),
			 "%s is left empty, it cannot be removed: Permission denied", path);
		if (i)
			assert_string_equal(said, "");
		else
			assert_non_null(strstr(said, text));
		has(path, i ? "abc" : "");
		unlink(path);
	}
}

/* Where /proc is not to be seen, a file is made with its name at once. Runs in a child, whose
 * status it is. */
static int without_proc(void)
{
	struct strbuf why = STRBUF_INIT;
	struct outfile *f;

	if (chroot(dir) || chdir("/"))
		return 77;
	f = outfile__open("/trace", &why);
	if (!f || access("/trace", F_OK))
		return 1;
	if (outfile__open("/trace", &why)) /* locked from the begin */
		return 2;
	if (outfile__close(f) || !access("/trace", F_OK))
		return 3;
	f = outfile__open("/trace", &why);
	if (!f || outfile__write(f, "abc", 3) || outfile__close(f) || access("/trace", F_OK))
		return 4;
	if (outfile__create("/trace", &why) || errno != EEXIST)
		return 5;
	return 0;
}

static void file_system_without_nameless_files(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(without_proc());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
	has(path, "abc");
}

static void text(void **state)
{
	struct outfile *f;
	FILE *s;

	(void)state;
	put_file(path, "old");
	f = opened(path);
	s = outfile__stream(f);
	assert_non_null(s);
	fprintf(s, "%d lines\n", 2);
	has(path, "old");
	assert_int_equal(fflush(s), 0);
	fputs("done\n", s);
	assert_int_equal(fclose(s), 0);
	assert_int_equal(outfile__close(f), 0);
	has(path, "2 lines\ndone\n");
	f = opened("/dev/full");
	s = outfile__stream(f);
	fputs("x", s);
	errno = 0;
	assert_int_equal(fflush(s), EOF);
	assert_int_equal(errno, ENOSPC);
	fclose(s);
	outfile__close(f);
}

static void through_a_symlink(void **state)
{
	struct stat st;
	struct outfile *f;

	(void)state;
	put_file(other, "old");
	assert_int_equal(symlink(other, path), 0);
	f = opened(path);
	assert_int_equal(outfile__write(f, "new", 3), 0);
	assert_int_equal(outfile__close(f), 0);
	has(other, "new");
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	unlink(other); /* now it leads nowhere */
	refused(path, "cannot write %s: No such file or directory");
}

/* Each link of a chain has an owner, and leads on from its own directory. */
static void through_a_chain(void **state)
{
	char sub[128], link[160], text[160];
	struct outfile *f;
	int p[2];

	(void)state;
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	snprintf(link, sizeof(link), "%s/link", sub);
	assert_int_equal(mkdir(sub, 0755), 0);
	assert_int_equal(symlink("sub/link", path), 0);
	assert_int_equal(symlink("../other", link), 0);
	put_file(other, "old");
	f = opened(path);
	assert_int_equal(outfile__write(f, "new", 3), 0);
	assert_int_equal(outfile__close(f), 0);
	has(other, "new");
	if (!geteuid()) {
		assert_int_equal(lchown(link, 12345, 12345), 0);
		refused(path, "%s is a symbolic link of somebody else's; name the file itself");
	}
	unlink(link);
	assert_int_equal(symlink("../trace", link), 0); /* round and round */
	refused(path, "cannot write %s: Too many levels of symbolic links");
	unlink(link);
	assert_int_equal(pipe(p), 0);
	snprintf(text, sizeof(text), "/dev/fd/%d", p[1]); /* this one leads to no path */
	assert_int_equal(symlink(text, link), 0);
	f = opened(path);
	assert_int_equal(outfile__write(f, "abc", 3), 0);
	assert_int_equal(outfile__close(f), 0);
	assert_int_equal(read(p[0], text, sizeof(text)), 3);
	close(p[0]);
	close(p[1]);
	unlink(link);
	rmdir(sub);
}

static void into_a_fifo(void **state)
{
	struct outfile *f;
	char buf[8];
	int fd;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(path, "cannot write %s: nobody reads that FIFO");
	fd = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(fd >= 0);
	f = opened(path);
	assert_false(fcntl(outfile__fd(f), F_GETFL) & O_NONBLOCK);
	assert_int_equal(outfile__write(f, "hello", 5), 0);
	assert_int_equal(read(fd, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(outfile__close(f), 0);
	assert_int_equal(access(path, F_OK), 0);
	close(fd);
}

static void reader_goes_away(void **state)
{
	struct outfile *f;
	int fd;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	f = opened(path);
	close(fd);
	assert_int_equal(outfile__write(f, "hello", 5), -EPIPE);
	assert_int_equal(outfile__close(f), 0);
}

static void no_file_at_all(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	refused(path, "cannot write %s: Is a directory");
	strcat(other, "/deeper");
	refused(other, "cannot write %s: No such file or directory");
	other[strlen(other) - strlen("/deeper")] = 0;
	refused("", "cannot write %s: No such file or directory");
}

static void standard_output(void **state)
{
	struct outfile *f;
	int saved = dup(1), fd = open(path, O_RDWR | O_CREAT, 0600);

	(void)state;
	fflush(stdout);
	dup2(fd, 1);
	f = opened("-");
	assert_int_equal(outfile__write(f, "abc", 3), 0);
	assert_int_equal(outfile__close(f), 0);
	assert_int_equal(fcntl(1, F_GETFD), 0); /* still open */
	dup2(saved, 1);
	close(saved);
	close(fd);
	has(path, "abc");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* ---- what others have opened ---- */

static struct outfile *adopted(int fd)
{
	struct strbuf why = STRBUF_INIT;
	struct outfile *f = outfile__adopt(fd, "the file", &why);

	if (!f)
		fail_msg("%s", why.buf);
	strbuf_free(&why);
	return f;
}

/* Wherever it stood, and also where each write goes to the end: from its begin, and cut by the
 * first. */
static void adopted_file_is_cut(void **state)
{
	const int flags[] = { O_WRONLY, O_RDWR, O_WRONLY | O_APPEND };
	struct outfile *f;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < 3; i++) {
		put_file(path, "what was there before, and is longer");
		fd = open(path, flags[i]);
		lseek(fd, 9, SEEK_SET);
		f = adopted(fd);
		has(path, "what was there before, and is longer");
		assert_int_equal(outfile__write(f, "one,", 4), 0);
		has(path, "one,");
		assert_int_equal(outfile__write(f, "two", 3), 0);
		assert_int_equal(outfile__close(f), 0);
		has(path, "one,two");
	}
}

/* A write that is not whole is taken back. */
static void adopted_file_is_cut_back(void **state)
{
	const struct rlimit small = { 10, RLIM_INFINITY };
	struct rlimit was;
	struct outfile *f;

	(void)state;
	put_file(path, "");
	f = adopted(open(path, O_WRONLY | O_APPEND));
	assert_int_equal(outfile__write(f, "12345678", 8), 0);
	getrlimit(RLIMIT_FSIZE, &was);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(outfile__write(f, "12345678", 8), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &was);
	assert_int_equal(outfile__close(f), 0);
	has(path, "12345678");
}

static void adopted_file_has_one_writer(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct outfile *f;

	(void)state;
	put_file(path, "");
	f = adopted(open(path, O_WRONLY));
	assert_null(outfile__adopt(open(path, O_WRONLY), "the file", &why));
	assert_int_equal(errno, EWOULDBLOCK);
	assert_non_null(strstr(why.buf, "another recorder"));
	strbuf_free(&why);
	outfile__close(f);
}

static void not_adopted(void **state)
{
	struct strbuf why = STRBUF_INIT;
	int fd;

	(void)state;
	put_file(path, "stays");
	fd = open(path, O_RDONLY);
	assert_null(outfile__adopt(fd, "the file", &why));
	assert_int_equal(errno, EBADF);
	assert_string_equal(why.buf, "cannot write the file: it is not open for writing");
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_null(outfile__adopt(open(path, O_PATH), "the file", &why));
	assert_null(outfile__adopt(open(dir, O_RDONLY), "the file", &why));
	assert_null(outfile__adopt(eventfd(0, 0), "the file", &why));
	has(path, "stays");
	strbuf_free(&why);
}

#define MUCH (1u << 20)

/* A socket that does not block, and a reader that is slow: all comes, in order. */
static void adopted_socket_does_not_block(void **state)
{
	static unsigned char data[MUCH];
	unsigned char got[4096];
	struct outfile *f;
	size_t i, sum = 0;
	int pair[2], status;
	ssize_t n, k;
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	for (i = 0; i < MUCH; i++)
		data[i] = (unsigned char)(i % 251);
	pid = fork();
	if (!pid) {
		close(pair[0]);
		f = adopted(pair[1]);
		_exit(outfile__write(f, data, MUCH) || outfile__close(f));
	}
	close(pair[1]);
	fcntl(pair[0], F_SETFL, 0);
	while ((n = read(pair[0], got, sizeof(got))) > 0)
		for (k = 0; k < n; k++)
			assert_int_equal(got[k], sum++ % 251);
	assert_int_equal(sum, MUCH);
	close(pair[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void adopted_pipe_without_a_reader(void **state)
{
	struct outfile *f;
	int pair[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(pair), 0);
	f = adopted(pair[1]);
	close(pair[0]);
	assert_int_equal(outfile__write(f, "x", 1), -EPIPE);
	outfile__close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(new_file),
		TEST(kept_until_the_first_write),
		TEST(empty_file_of_ours_is_removed),
		TEST(no_name_before_the_first_write),
		TEST(name_taken_meanwhile),
		TEST(name_is_due),
		TEST(new_ones_only),
		TEST(locked),
		TEST(more_files),
		TEST(only_that_file_is_removed),
		TEST(partial_write_is_cut_back),
		TEST(first_write_fails),
		TEST(no_room_for_the_first_write),
		TEST(in_somebody_elses_directory),
		TEST(file_system_without_nameless_files),
		TEST(text),
		TEST(through_a_symlink),
		TEST(through_a_chain),
		TEST(into_a_fifo),
		TEST(reader_goes_away),
		TEST(no_file_at_all),
		TEST(standard_output),
		TEST(adopted_file_is_cut),
		TEST(adopted_file_is_cut_back),
		TEST(adopted_file_has_one_writer),
		TEST(not_adopted),
		TEST(adopted_socket_does_not_block),
		TEST(adopted_pipe_without_a_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
