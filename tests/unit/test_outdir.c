// SPDX-License-Identifier: BSD-2-Clause
/* Files that callers name are made beneath one directory, for them alone; all else is refused. */
#include "helpers.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "rights/caller.h"
#include "control/ledger.h"
#include "rights/outdir.h"

#define ANN 54321
#define BOB 54322

struct dir {
	char path[TEMP_LEN];
	struct outdir *d;
	struct caller c;
};

static const char *in(const struct dir *t, const char *name)
{
	static char path[4][256];
	static unsigned n;
	char *p = path[n++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", t->path, name);
	return p;
}

static int setup(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct dir *t = xcalloc(1, sizeof(*t));
	uid_t uid = geteuid() ? geteuid() : ANN;

	assert_false(temp_dir(t->path, "outdir")); /* 0700: callers may not even look into it */
	t->d = outdir__new(t->path, &why);
	assert_non_null(t->d);
	t->c = (struct caller){ .rank = CALLER_USER,
				.uid = uid,
				.gid = geteuid() ? getegid() : ANN };
	strbuf_free(&why);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct dir *t = *state;
	char line[128];

	outdir__free(t->d);
	snprintf(line, sizeof(line), "rm -rf %s", t->path);
	assert_false(system(line));
	free(t);
	return 0;
}

static void opens(struct dir *t, const char *name, bool created)
{
	struct strbuf why = STRBUF_INIT;
	struct outdir_file f;
	struct stat st;

	if (outdir__open(t->d, name, &t->c, &f, &why))
		fail_msg("%s", why.buf);
	assert_int_equal(f.created, created);
	assert_false(fstat(f.fd, &st));
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_uid, t->c.uid);
	if (created) {
		assert_int_equal(st.st_gid, t->c.gid);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	assert_int_equal(f.dev, st.st_dev);
	assert_int_equal(f.ino, st.st_ino);
	assert_int_equal(fcntl(f.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(f.fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	assert_int_equal(write(f.fd, "trace", 5), 5);
	close(f.fd);
	strbuf_free(&why);
}

static void refused(struct dir *t, const char *name, int err, const char *words)
{
	struct strbuf why = STRBUF_INIT;
	struct outdir_file f;
	int got = outdir__open(t->d, name, &t->c, &f, &why);

	if (got != err || !strstr(why.buf, words))
		fail_msg("%s: %d, '%s'", name, got, why.buf);
	assert_int_equal(f.fd, -1);
	strbuf_free(&why);
}

static void make_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void check_text(const char *path, const char *want)
{
	char buf[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, buf, sizeof(buf) - 1) >= 0);
	assert_string_equal(buf, want);
	close(fd);
}

static void new_and_old(void **state)
{
	struct dir *t = *state;
	mode_t was = umask(0);

	opens(t, "go.trace", true);
	umask(0777);
	opens(t, in(t, "absolute.trace"), true);
	umask(was);
	opens(t, "./dot.trace", true);
	/* its own is taken as it is, and not cut yet */
	check_text(in(t, "go.trace"), "trace");
	opens(t, "go.trace", false);
	opens(t, " ", true);
	opens(t, "..x", true);
	opens(t, "~x", true);
}

static void beneath(void **state)
{
	struct dir *t = *state;

	assert_false(mkdir(in(t, "sub"), 0700));
	if (!geteuid()) {
		/* by the caller's own rights, and he may not go through the directory */
		assert_false(chown(in(t, "sub"), ANN, ANN));
		refused(t, "sub/x.trace", -EACCES, "open sub/x.trace: permission denied");
		assert_false(chmod(t->path, 0711));
	}
	opens(t, "sub/x.trace", true);
	opens(t, "sub//x.trace", false);
	opens(t, in(t, "sub/y.trace"), true);
	refused(t, "none/x.trace", -ENOENT, "open none/x.trace: no such file or directory");
	refused(t, "go.trace/x", -ENOENT, "no such file");
	refused(t, "sub/x.trace/y", -ENOTDIR, "not a directory");
	if (geteuid())
		return;
	assert_false(chown(in(t, "sub"), BOB, BOB));
	assert_false(chmod(in(t, "sub"), 0755));
	refused(t, "sub/z.trace", -EACCES, "open sub/z.trace: permission denied");
	assert_int_equal(access(in(t, "sub/z.trace"), F_OK), -1);
}

static void outside(void **state)
{
	struct dir *t = *state;
	char long_name[PATH_MAX + 10];
	char beside[80];

	refused(t, "../x", -EACCES,
		"open ../x: permission denied: files are written beneath /tmp/");
	refused(t, "sub/../../x", -EACCES, "permission denied");
	refused(t, "sub/..", -EACCES, "permission denied");
	refused(t, "..", -EACCES, "permission denied");
	refused(t, in(t, "../x"), -EACCES, "permission denied");
	refused(t, "/etc/passwd", -EACCES, "open /etc/passwd: permission denied");
	refused(t, "/", -EACCES, "permission denied");
	snprintf(beside, sizeof(beside), "%s2/x", t->path);
	refused(t, beside, -EACCES, "permission denied");
	refused(t, t->path, -EACCES, "permission denied");
	refused(t, in(t, ""), -EISDIR, "is a directory");
	refused(t, in(t, "//"), -EISDIR, "is a directory");
	refused(t, "~/x", -EACCES, "open ~/x: permission denied");
	refused(t, "~\\x", -EACCES, "permission denied");
	refused(t, "", -ENOENT, "open : no such file or directory");
	refused(t, ".", -EISDIR, "is a directory");
	refused(t, "x/", -EISDIR, "is a directory");
	refused(t, "a\nb", -EINVAL, "control characters");
	memset(long_name, 'a', sizeof(long_name));
	long_name[300] = 0;
	refused(t, long_name, -ENAMETOOLONG, "file name too long");
	long_name[300] = 'a';
	long_name[sizeof(long_name) - 1] = 0;
	refused(t, long_name, -ENAMETOOLONG, "file name too long");
}

static void what_is_there(void **state)
{
	struct dir *t = *state;

	make_file(in(t, "target"), "kept");
	if (!geteuid())
		assert_false(chown(in(t, "target"), ANN, ANN));
	assert_false(symlink("target", in(t, "link")));
	refused(t, "link", -ELOOP, "no symbolic link is followed");
	assert_false(chmod(t->path, 0711));
	assert_false(symlink("/etc", in(t, "etc")));
	refused(t, "etc/x", -ELOOP, "no symbolic link is followed");
	assert_false(symlink("nowhere", in(t, "dangling")));
	refused(t, "dangling", -ELOOP, "no symbolic link is followed");
	assert_int_equal(access(in(t, "nowhere"), F_OK), -1);
	assert_false(symlink(".", in(t, "self")));
	refused(t, "self/new", -ELOOP, "no symbolic link is followed");
	assert_false(link(in(t, "target"), in(t, "hard")));
	refused(t, "hard", -EACCES, "it has another name, too");
	assert_false(mkfifo(in(t, "fifo"), 0666));
	if (!geteuid())
		assert_false(chown(in(t, "fifo"), ANN, ANN));
	refused(t, "fifo", -EACCES, "no regular file");
	assert_false(mkdir(in(t, "dir"), 0755));
	refused(t, "dir", -EISDIR, "open dir: is a directory");
	assert_false(chmod(in(t, "target"), 0400));
	assert_false(unlink(in(t, "hard")));
	if (geteuid())
		refused(t, "target", -EACCES, "open target: permission denied");
	check_text(in(t, "target"), "kept");
}

static void of_somebody_else(void **state)
{
	struct dir *t = *state;

	if (geteuid())
		skip();
	make_file(in(t, "bobs"), "kept");
	assert_false(chmod(in(t, "bobs"), 0666));
	assert_false(chown(in(t, "bobs"), BOB, BOB));
	refused(t, "bobs", -EACCES, "open bobs: permission denied: it belongs to somebody else");
	make_file(in(t, "roots"), "kept");
	refused(t, "roots", -EACCES, "it belongs to somebody else");
	/* root's own alone, too */
	t->c = (struct caller){ .rank = CALLER_ALL };
	refused(t, "bobs", -EACCES, "it belongs to somebody else");
	check_text(in(t, "bobs"), "kept");
	opens(t, "roots", false);
}

static void taken_back(void **state)
{
	struct dir *t = *state;
	struct strbuf why = STRBUF_INIT;
	struct ledger *l = ledger__new(t->d);
	struct outdir_file f;
	uint64_t bytes = 1;

	assert_int_equal(outdir__open(t->d, "x", &t->c, &f, &why), 0);
	assert_int_equal(outdir__bytes(t->d, "x", &f, &bytes), 0);
	assert_int_equal(bytes, 0);
	outdir__undo(t->d, "x", &f);
	assert_int_equal(access(in(t, "x"), F_OK), -1);
	assert_int_equal(outdir__bytes(t->d, "x", &f, &bytes), -ENOENT);
	outdir__undo(t->d, "x", &f);
	close(f.fd);
	/* what has content stays */
	assert_int_equal(outdir__open(t->d, "x", &t->c, &f, &why), 0);
	assert_int_equal(write(f.fd, "12345", 5), 5);
	outdir__undo(t->d, "x", &f);
	ledger__add(l, "x", &f);
	ledger__add(l, "./x", &f);
	assert_int_equal(ledger__count(l), 1);
	assert_int_equal(ledger__bytes(l), 5);
	/* … and another file of that name */
	assert_false(rename(in(t, "x"), in(t, "y")));
	make_file(in(t, "x"), "");
	outdir__undo(t->d, "x", &f);
	assert_int_equal(access(in(t, "x"), F_OK), 0);
	assert_int_equal(ledger__bytes(l), 0);
	assert_int_equal(ledger__count(l), 0);
	close(f.fd);
	/* one that was there before */
	if (!geteuid())
		assert_false(chown(in(t, "x"), ANN, ANN));
	assert_int_equal(outdir__open(t->d, "x", &t->c, &f, &why), 0);
	assert_false(f.created);
	outdir__undo(t->d, "x", &f);
	assert_int_equal(access(in(t, "x"), F_OK), 0);
	close(f.fd);
	ledger__free(l);
	ledger__free(NULL);
	strbuf_free(&why);
}

static void no_directory(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct dir *t = *state;

	assert_null(outdir__new("/nonexistent", &why));
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(why.buf, "--output-dir=/nonexistent: No such file"));
	make_file(in(t, "file"), "");
	assert_null(outdir__new(in(t, "file"), &why));
	assert_int_equal(errno, ENOTDIR);
	strbuf_free(&why);
	outdir__free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(new_and_old),	TEST(beneath),	  TEST(outside),      TEST(what_is_there),
		TEST(of_somebody_else), TEST(taken_back), TEST(no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
