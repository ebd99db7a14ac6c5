// SPDX-License-Identifier: BSD-2-Clause
/*
 * Parts into files: where one ends and the next begins, what is removed, and the bounds at which
 * the recording ends. A part here is a header and some letters, so a file shows what it is made of.
 */
#include "helpers.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "bpf/event.h"
#include "disk.h"
#include "output/outfile.h"
#include "output/rotation.h"
#include "output/space.h"
#include "output/trail.h"
#include "output/trailname.h"

#define SECOND 1000000000ull
#define WALL 1795278312ull /* 2026-11-21 16:25:12 UTC */
#define HEADER "go 1.23 trace\0\0\0"

static char dir[TEMP_LEN], base[96];

static int setup(void **state)
{
	(void)state;
	unsetenv("SUDO_UID");
	if (temp_dir(dir, "rotation"))
		return -1;
	snprintf(base, sizeof(base), "%s/go.trace", dir);
	return 0;
}

static int teardown(void **state)
{
	char cmd[96];

	(void)state;
	no_disk(dir);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd);
}

static struct rotation *make(struct rotation_opts o)
{
	if (!o.path)
		o.path = base;
	o.wall_offset = WALL * SECOND;
	o.replay = true;
	return rotation__new(&o);
}

/* A generation, or an opening, from second `at` on, with this content. */
static int give(struct rotation *r, uint64_t at, bool opening, uint32_t cut, const char *text)
{
	char data[512] = HEADER;
	struct trace_part part = {
		.data = data,
		.len = TRACE_HEADER_LEN + strlen(text),
		.begin_ts = at * SECOND,
		.end_ts = (at + !opening) * SECOND,
		.opening = opening,
		.cut = cut,
	};

	memcpy(data + TRACE_HEADER_LEN, text, strlen(text));
	return rotation__take(r, &part);
}

static void gen(struct rotation *r, uint64_t at, uint32_t cut, const char *text)
{
	assert_int_equal(give(r, at, false, cut, text), 0);
}

static void opening(struct rotation *r, uint64_t at, const char *text)
{
	assert_int_equal(give(r, at, true, 0, text), 0);
}

static int names_only(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* The files that are there, in the order of their names: "CONTENT CONTENT". */
static void there_are(const char *want)
{
	struct strbuf all = STRBUF_INIT;
	char path[PATH_MAX], text[512];
	struct dirent **names;
	int n = scandir(dir, &names, names_only, alphasort), i;
	FILE *f;

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		f = fopen(path, "r");
		assert_non_null(f);
		text[fread(text, 1, sizeof(text) - 1, f)] = 0;
		fclose(f);
		assert_memory_equal(text, HEADER, TRACE_HEADER_LEN);
		strbuf_addf(&all, "%s%s", i ? " " : "", text + TRACE_HEADER_LEN);
		free(names[i]);
	}
	free(names);
	assert_string_equal(all.buf, want);
	strbuf_free(&all);
}

static void named(size_t i, const struct rotation *r, const char *want)
{
	const struct trail *t = rotation__files(r);

	assert_true(i < t->cnt);
	assert_string_equal(strrchr(t->file[i].path, '/') + 1, want);
}

static void ends_where_it_is_cut(void **state)
{
	struct rotation *r = make((struct rotation_opts){ 0 });

	(void)state;
	gen(r, 0, 0, "a");
	gen(r, 1, EV_CUT_FILE, "b");
	there_are("ab");
	opening(r, 2, "B");
	there_are("ab"); /* nothing of it to tell yet */
	gen(r, 2, 0, "c");
	there_are("ab Bc");
	opening(r, 3, "C"); /* for somebody else */
	gen(r, 3, EV_CUT_SNAPSHOT, "d");
	there_are("ab Bcd");
	assert_int_equal(rotation__finish(r), 0);
	assert_int_equal(rotation__files(r)->written, 2);
	assert_int_equal(rotation__files(r)->bytes, 2 * TRACE_HEADER_LEN + 5);
	named(0, r, "go-20261121T162512.000Z.trace");
	named(1, r, "go-20261121T162514.000Z.trace");
	assert_false(rotation__enough(r));
	rotation__free(r);
}

static void never_larger_than_it_may(void **state)
{
	struct rotation *r = make((struct rotation_opts){ .file_bytes = TRACE_HEADER_LEN + 5 });

	(void)state;
	gen(r, 0, 0, "aa");
	opening(r, 1, "A");
	gen(r, 1, 0, "bbb");
	there_are("aabbb");
	opening(r, 2, "B");
	gen(r, 2, 0, "c");
	there_are("aabbb Bc");
	opening(r, 3, "C");
	gen(r, 3, 0, "dddddd"); /* alone it is larger than a file: one in any case */
	there_are("aabbb Bc Cdddddd");
	opening(r, 4, "D");
	gen(r, 4, 0, "e");
	there_are("aabbb Bc Cdddddd De");
	rotation__free(r);
}

static void keeps_the_newest(void **state)
{
	struct rotation *r = make((struct rotation_opts){ .keep = 2 });
	char path[PATH_MAX];

	(void)state;
	snprintf(path, sizeof(path), "%s/go-20261121T162511.000Z.trace", dir);
	assert_int_equal(symlink("elsewhere", path), 0); /* somebody's, older: not touched */
	gen(r, 0, EV_CUT_FILE, "a");
	opening(r, 1, "A");
	gen(r, 1, EV_CUT_FILE, "b");
	opening(r, 2, "B");
	gen(r, 2, EV_CUT_FILE, "c");
	opening(r, 3, "C");
	gen(r, 3, 0, "d");
	assert_int_equal(unlink(path), 0);
	there_are("Bc Cd");
	assert_int_equal(rotation__files(r)->cnt, 2);
	assert_int_equal(rotation__files(r)->file[1].bytes, TRACE_HEADER_LEN + 2);
	assert_int_equal(rotation__files(r)->bytes, 2 * TRACE_HEADER_LEN + 4);
	assert_int_equal(rotation__files(r)->written, 4);
	rotation__free(r);
}

/* A file that has taken the place of one of ours is somebody else's. */
static void removes_its_own_only(void **state)
{
	struct rotation *r = make((struct rotation_opts){ .keep = 1 });
	const char *first;
	FILE *other;

	(void)state;
	gen(r, 0, EV_CUT_FILE, "a");
	first = rotation__files(r)->file[0].path;
	/* the first is held, so that its number is not given again */
	assert_int_equal(link(first, base), 0);
	assert_int_equal(unlink(first), 0);
	other = fopen(first, "w");
	fwrite(HEADER "x", 1, TRACE_HEADER_LEN + 1, other);
	fclose(other);
	opening(r, 1, "A");
	gen(r, 1, 0, "b");
	assert_int_equal(unlink(base), 0);
	there_are("x Ab");
	rotation__free(r);
}

static void within_its_size(void **state)
{
	struct rotation *r = make((struct rotation_opts){ .max_size = 4 * TRACE_HEADER_LEN });
	struct strbuf why = STRBUF_INIT;

	(void)state;
	gen(r, 0, EV_CUT_FILE, "aaaaaaaa");
	assert_int_equal(rotation__enough(r), ROTATION_MAX_SIZE); /* two such would not fit */
	opening(r, 1, "A");
	gen(r, 1, 0, "bbb"); /* what is in hand still does */
	there_are("aaaaaaaa Abbb");
	gen(r, 2, 0, "ccccccccccccccccccccc");
	there_are("aaaaaaaa Abbb");
	rotation__explain_end(r, 0, &why);
	assert_string_equal(
		why.buf,
		"stopped before more than 64 B were written (--max-size); what comes behind the first 2.0 s is left out");
	gen(r, 3, 0, "d"); /* it would fit, behind a gap */
	there_are("aaaaaaaa Abbb");
	assert_int_equal(rotation__finish(r), 0);
	rotation__free(r);
	strbuf_free(&why);
}

/* With keep, what is removed makes room. */
static void its_size_is_of_what_is_there(void **state)
{
	struct rotation *r = make((struct rotation_opts){
		.keep = 2,
		.max_size = 2 * TRACE_HEADER_LEN + 40,
	});
	char text[2] = "a";
	uint64_t i;

	(void)state;
	for (i = 0; i < 20; i++, text[0]++) {
		if (i)
			opening(r, i, "-");
		gen(r, i, EV_CUT_FILE, text);
	}
	there_are("-s -t");
	rotation__free(r);
}

static void room_on_the_disk(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct rotation *r;
	uint64_t room;

	(void)state;
	assert_int_equal(space_beside(base, &room), 0);
	assert_true(room > 0);
	r = make((struct rotation_opts){ .min_free = room / 2 });
	gen(r, 0, 0, "a");
	assert_false(rotation__enough(r));
	rotation__free(r);
	there_are("a");
	r = make((struct rotation_opts){ .min_free = UINT64_MAX / 2 });
	gen(r, 1, 0, "b");
	assert_int_equal(rotation__enough(r), ROTATION_MIN_FREE);
	assert_int_equal(rotation__finish(r), 0);
	rotation__explain_end(r, 0, &why);
	assert_non_null(strstr(why.buf, "were free on the disk (--min-free)"));
	rotation__free(r);
	there_are("a");
	strbuf_free(&why);
}

#define KB 1024ull
#define FILE_KB 100

/* The n-th file, from 0, of FILE_KB. */
static void give_file(struct rotation *r, unsigned n)
{
	static char data[FILE_KB * KB] = HEADER;
	struct trace_part part = {
		.data = data,
		.len = sizeof(data),
		.begin_ts = n * SECOND,
		.end_ts = (n + 1) * SECOND,
		.cut = EV_CUT_FILE,
	};

	assert_int_equal(rotation__take(r, &part), 0);
}

static void others_write(const char *name, unsigned kb)
{
	static const char zeros[KB];
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	while (kb--)
		fwrite(zeros, 1, sizeof(zeros), f);
	assert_int_equal(fclose(f), 0);
}

/* Files go where that makes room, never the newest, and none where it does not. */
static void old_files_make_room(void **state)
{
	struct rotation_opts o = { .keep = 1000, .min_free = 512 * KB };
	struct strbuf why = STRBUF_INIT;
	const struct trail *t;
	struct rotation *r;
	unsigned n;

	(void)state;
	if (!small_disk(dir, 1100 * KB))
		skip();
	r = make(o);
	t = rotation__files(r);
	for (n = 0; n < 8; n++) {
		give_file(r, n);
		assert_false(rotation__enough(r));
		assert_int_equal(t->cnt, n < 5 ? n + 1 : 5);
	}
	others_write("a", 300); /* 288 KB are free */
	give_file(r, 8);
	assert_int_equal(t->cnt, 1 + 1); /* 4 have gone for this one */
	named(0, r, "go-20261121T162519.000Z.trace");
	others_write("b", 250);
	give_file(r, 9); /* the old one is not enough, and stays */
	assert_int_equal(rotation__enough(r), ROTATION_MIN_FREE);
	assert_int_equal(t->cnt, 2);
	assert_int_equal(access(t->file[0].path, F_OK), 0);
	assert_int_equal(access(t->file[1].path, F_OK), 0);
	rotation__explain_end(r, 0, &why);
	assert_string_equal(
		why.buf,
		"stopped before less than 524.3 kB were free on the disk (--min-free); what comes behind the first 9.0 s is left out; 7 older files were removed before to have room");
	assert_int_equal(rotation__finish(r), 0);
	rotation__free(r);
	strbuf_free(&why);
}

/* The newest complete file is not removed for the next one, however little it would help. */
static void the_newest_stays(void **state)
{
	struct rotation_opts o = { .keep = 1000, .min_free = 512 * KB };
	struct rotation *r;

	(void)state;
	if (!small_disk(dir, 1100 * KB))
		skip();
	r = make(o);
	give_file(r, 0);
	others_write("a", 480);
	give_file(r, 1);
	assert_int_equal(rotation__enough(r), ROTATION_MIN_FREE);
	assert_int_equal(rotation__files(r)->written, 1);
	assert_int_equal(rotation__files(r)->cnt, 1);
	assert_int_equal(access(rotation__files(r)->file[0].path, F_OK), 0);
	rotation__free(r);
}

/* A file that somebody reads gives nothing back when it is removed: that is no reason to remove all
 * the others. */
static void room_that_comes_late(void **state)
{
	struct rotation_opts o = { .keep = 1000, .min_free = 512 * KB };
	struct rotation *r;
	const struct trail *t;
	int fd[8];
	unsigned n;

	(void)state;
	if (!small_disk(dir, 1100 * KB))
		skip();
	r = make(o);
	t = rotation__files(r);
	for (n = 0; n < 5; n++) {
		give_file(r, n);
		fd[n] = open(t->file[n].path, O_RDONLY);
		assert_true(fd[n] >= 0);
	}
	for (; n < 7; n++) {
		give_file(r, n);
		assert_int_equal(t->cnt, 5);
	}
	assert_false(rotation__enough(r));
	rotation__free(r);
	for (n = 0; n < 5; n++)
		close(fd[n]);
}

/* The oldest file goes when the next one is there. */
static void the_oldest_waits(void **state)
{
	struct rotation *r = make((struct rotation_opts){ .keep = 1 });
	struct rlimit old, small;

	(void)state;
	gen(r, 0, EV_CUT_FILE, "a");
	opening(r, 1, "A");
	gen(r, 1, EV_CUT_FILE, "b");
	there_are("Ab");
	opening(r, 2, "B");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){ TRACE_HEADER_LEN + 4, old.rlim_max };
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(give(r, 2, false, 0, "ccccc"), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	there_are("Ab");
	rotation__free(r);
}

static void one_file(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct outfile *one = outfile__open(base, &why);
	struct rotation *r = make((struct rotation_opts){
		.one = one,
		.max_size = TRACE_HEADER_LEN + 4,
	});

	(void)state;
	gen(r, 0, EV_CUT_FILE, "a"); /* of a raw recording that was parted */
	opening(r, 1, "A");
	gen(r, 1, 0, "bbb");
	there_are("abbb");
	assert_int_equal(rotation__enough(r), ROTATION_MAX_SIZE);
	gen(r, 2, 0, "c");
	there_are("abbb");
	rotation__free(r);
	assert_int_equal(outfile__close(one), 0);
	strbuf_free(&why);
}

static void full_disk(void **state)
{
	struct rlimit old, small;
	struct strbuf why = STRBUF_INIT;
	struct rotation *r = make((struct rotation_opts){ 0 });

	(void)state;
	gen(r, 0, EV_CUT_FILE, "a");
	opening(r, 1, "A");
	gen(r, 1, 0, "bb");
	opening(r, 2, "B");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){ TRACE_HEADER_LEN + 4, old.rlim_max };
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(give(r, 2, false, 0, "ccccc"), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	there_are("a Abb"); /* the last whole part stays */
	rotation__explain(r, -EFBIG, &why);
	assert_non_null(strstr(why.buf, "T162513.000Z.trace: File too large; it holds what was "));
	assert_non_null(strstr(why.buf, "; 1 file before is complete"));
	assert_int_equal(rotation__finish(r), 0);
	rotation__free(r);
	strbuf_free(&why);
}

static void no_directory(void **state)
{
	char gone[128];
	struct strbuf why = STRBUF_INIT;
	struct rotation *r;

	(void)state;
	snprintf(gone, sizeof(gone), "%s/none/go.trace", dir);
	r = make((struct rotation_opts){ .path = gone });
	assert_int_equal(give(r, 0, false, 0, "a"), -ENOENT);
	rotation__explain(r, -ENOENT, &why);
	assert_non_null(strstr(why.buf, "Z.trace: No such file or directory"));
	rotation__free(r);
	strbuf_free(&why);
}

/* Files that went with their directory are not told to be there. */
static void removed_directory(void **state)
{
	char sub[80], path[96], cmd[128];
	struct strbuf why = STRBUF_INIT;
	struct rotation *r;

	(void)state;
	snprintf(sub, sizeof(sub), "%s/d", dir);
	snprintf(path, sizeof(path), "%s/go.trace", sub);
	assert_int_equal(mkdir(sub, 0700), 0);
	r = make((struct rotation_opts){ .path = path });
	gen(r, 0, EV_CUT_FILE, "a");
	opening(r, 1, "A");
	snprintf(cmd, sizeof(cmd), "rm -r '%s'", sub);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(give(r, 1, false, 0, "bb"), -ENOENT);
	rotation__explain(r, -ENOENT, &why);
	assert_non_null(strstr(why.buf, "Z.trace: No such file or directory"));
	assert_null(strstr(why.buf, "complete"));
	rotation__free(r);
	strbuf_free(&why);
}

/* Names that come within a millisecond, or that another recorder has, are put off. */
static void each_its_own_name(void **state)
{
	struct rotation *r;
	char path[PATH_MAX];
	struct outfile *other;
	struct strbuf why = STRBUF_INIT;

	(void)state;
	assert_int_equal(trailname(path, sizeof(path), base, WALL * SECOND, 1), 0);
	other = outfile__open(path, &why);
	assert_int_equal(outfile__write(other, HEADER "x", TRACE_HEADER_LEN + 1), 0);
	r = make((struct rotation_opts){ 0 });
	gen(r, 0, EV_CUT_FILE, "a");
	opening(r, 0, "A");
	gen(r, 0, EV_CUT_FILE, "b");
	opening(r, 0, "B");
	gen(r, 0, 0, "c");
	there_are("a x Ab Bc");
	named(2, r, "go-20261121T162512.003Z.trace");
	rotation__free(r);
	outfile__close(other);
	strbuf_free(&why);
}

static void due(void **state)
{
	struct rotation *r = make((struct rotation_opts){ .period_ns = 10 });

	(void)state;
	assert_false(rotation__due(r, 1000)); /* the first period begins */
	assert_false(rotation__due(r, 1009));
	assert_true(rotation__due(r, 1010));
	assert_false(rotation__due(r, 1010));
	assert_true(rotation__due(r, 1024)); /* late, and the next is in time all the same */
	assert_false(rotation__due(r, 1029));
	assert_true(rotation__due(r, 1030));
	assert_true(rotation__due(r, 1075)); /* those that were missed are one */
	assert_false(rotation__due(r, 1079));
	assert_true(rotation__due(r, 1080));
	assert_true(rotation__due(r, UINT64_MAX - 1));
	assert_false(rotation__due(r, UINT64_MAX - 1));
	rotation__free(r);
	r = make((struct rotation_opts){ 0 });
	assert_false(rotation__due(r, UINT64_MAX));
	rotation__free(r);
}

static void sizes_of_generations(void **state)
{
	(void)state;
	assert_int_equal(rotation_gen_bytes(0), 0);
	assert_int_equal(rotation_gen_bytes(1), 4096);
	assert_int_equal(rotation_gen_bytes(1 << 20), 1 << 17);
	assert_int_equal(rotation_gen_bytes(1ull << 40), 0);
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(ends_where_it_is_cut),
		test(never_larger_than_it_may),
		test(keeps_the_newest),
		test(removes_its_own_only),
		test(within_its_size),
		test(its_size_is_of_what_is_there),
		test(room_on_the_disk),
		test(old_files_make_room),
		test(the_newest_stays),
		test(room_that_comes_late),
		test(the_oldest_waits),
		test(one_file),
		test(full_disk),
		test(no_directory),
		test(removed_directory),
		test(each_its_own_name),
		test(due),
		test(sizes_of_generations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
