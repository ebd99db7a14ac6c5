// SPDX-License-Identifier: BSD-2-Clause
/*
 * The flight recorder: what is kept by time and by size, what stands in a snapshot and under which
 * name, who is left out, and what happens where it cannot be written. Parts are made by hand; their
 * bytes are words, so that a file can be read off.
 */
#include "helpers.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>

#include "bpf/event.h"
#include "output/flight.h"

#define SEC 1000000000ull
#define HEADER "go 1.23 trace\0\0"

static char dir[TEMP_LEN], base[96];
static int64_t wall; /* CLOCK_REALTIME - CLOCK_MONOTONIC */

static int setup(void **state)
{
	(void)state;
	unsetenv("SUDO_UID");
	wall = 1000 * (int64_t)SEC;
	if (temp_dir(dir, "flight"))
		return -1;
	snprintf(base, sizeof(base), "%s/go.trace", dir);
	return 0;
}

static int teardown(void **state)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	(void)state;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	return rmdir(dir);
}

static int64_t wall_offset(void)
{
	return wall;
}

static struct flight *new_flight(uint64_t min_ns, uint64_t max_bytes, unsigned keep, uint64_t gap)
{
	struct flight *f = flight__new(&(struct flight_opts){
		.base = base,
		.min_ns = min_ns,
		.max_bytes = max_bytes,
		.keep = keep,
		.gap_ns = gap,
		.wall_offset = wall_offset,
	});

	assert_non_null(f);
	return f;
}

/* Generation n tells of the second that ends at n s; its opening stands ahead of it. */
static void give(struct flight *f, unsigned n, size_t len, uint32_t cut)
{
	char data[4096];
	struct trace_part part = { .data = data, .number = n, .cut = cut };

	assert_true(len < sizeof(data) - 64);
	memset(data, '.', sizeof(data));
	memcpy(data, HEADER, TRACE_HEADER_LEN);
	if (n > 1) {
		part.number = n - 1;
		part.opening = true;
		part.cut = 0;
		part.begin_ts = part.end_ts = (n - 1) * SEC;
		part.len = TRACE_HEADER_LEN +
			   (size_t)sprintf(data + TRACE_HEADER_LEN, "[open %u]", n - 1);
		assert_int_equal(flight__take(f, &part), 0);
	}
	part.number = n;
	part.opening = false;
	part.cut = cut;
	part.begin_ts = (n - 1) * SEC;
	part.end_ts = n * SEC;
	memset(data + TRACE_HEADER_LEN, '.', len);
	part.len = (size_t)sprintf(data + TRACE_HEADER_LEN, "[gen %u]", n);
	data[TRACE_HEADER_LEN + part.len] = '.';
	part.len = TRACE_HEADER_LEN + (part.len > len ? part.len : len);
	assert_int_equal(flight__take(f, &part), 0);
}

/* As the recording does it: asked, told to end the generation, which comes. */
static void snap(struct flight *f, unsigned n, const char *reason)
{
	flight__ask(f, FLIGHT_USER, n * SEC, reason);
	while (!flight__due(f, n * SEC))
		usleep(100); /* the one before is being written */
	give(f, n, 8, EV_CUT_SNAPSHOT);
}

static void read_file(const char *path, char *out, size_t sz)
{
	FILE *in = fopen(path, "r");

	if (!in)
		fail_msg("%s is not there", path);
	out[fread(out, 1, sz - 1, in)] = 0;
	fclose(in);
}

/* The file holds the header, and then this. */
static void holds(const struct flight_file *file, const char *want)
{
	char buf[4096] = "";

	assert_null(file->error);
	read_file(file->path, buf, sizeof(buf));
	assert_memory_equal(buf, HEADER, TRACE_HEADER_LEN);
	assert_string_equal(buf + TRACE_HEADER_LEN, want);
	assert_int_equal(file->bytes, TRACE_HEADER_LEN + strlen(want));
}

static unsigned files(void)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	unsigned n = 0;

	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* The first generation of all stands without an opening; a later one is the first of its file with
 * it. */
static void test_snapshot(void **state)
{
	struct flight *f = new_flight(2 * SEC, 1 << 20, 0, 0);
	struct flight_stats st;

	(void)state;
	give(f, 1, 7, 0);
	snap(f, 2, "first");
	give(f, 3, 7, 0);
	give(f, 4, 7, 0);
	snap(f, 5, "second");
	assert_int_equal(flight__finish(f), 0);
	st = flight__stats(f);
	assert_int_equal(st.nfile, 2);
	holds(&st.file[0], "[gen 1][gen 2].");
	holds(&st.file[1], "[open 3][gen 4][gen 5].");
	assert_string_equal(st.file[1].reason, "second");
	assert_int_equal(st.file[1].ns, 2 * SEC);
	/* 1005 s after 1970 */
	assert_non_null(strstr(st.file[1].path, "/go-19700101T001645.000Z.trace"));
	flight__free(f);
}

/* Go's words: as much time is kept at least, in whole generations. */
static void test_kept_by_time(void **state)
{
	struct flight *f = new_flight(2500000000ull, 1 << 20, 0, 0);
	unsigned n;

	(void)state;
	for (n = 1; n <= 20; n++) {
		give(f, n, 7, 0);
		assert_int_equal(flight__stats(f).kept_ns, (n < 3 ? n : 3) * SEC);
	}
	flight__free(f);
}

/* Size wins over time, and the newest one stays whatever its size. */
static void test_kept_by_size(void **state)
{
	struct flight *f = new_flight(100 * SEC, 3000, 0, 0);
	struct flight_stats st;
	unsigned n;

	(void)state;
	for (n = 1; n <= 20; n++) {
		give(f, n, 900, 0);
		assert_true(flight__stats(f).kept_bytes <= 3000);
	}
	assert_int_equal(flight__stats(f).kept_ns, 3 * SEC);
	give(f, 21, 3500, 0);
	st = flight__stats(f);
	assert_int_equal(st.kept_ns, SEC);
	assert_true(st.kept_bytes >= 3500);
	assert_true(st.peak_bytes == st.kept_bytes);
	flight__free(f);
}

/* What is not kept any more while it is written stays what it was. */
static void test_shared(void **state)
{
	struct flight *f = new_flight(1, 1 << 20, 0, 0);
	struct flight_stats st;
	unsigned n;

	(void)state;
	give(f, 1, 8, 0);
	snap(f, 2, "x");
	for (n = 3; n < 200; n++)
		give(f, n, 8, 0);
	flight__finish(f);
	st = flight__stats(f);
	assert_int_equal(st.nfile, 1);
	holds(&st.file[0], "[open 1][gen 2].");
	assert_int_equal(st.kept_ns, SEC);
	flight__free(f);
}

static void test_keep_newest(void **state)
{
	struct flight *f = new_flight(SEC, 1 << 20, 3, 0);
	struct flight_stats st;
	char other[128];
	unsigned n;
	int fd;

	(void)state;
	snprintf(other, sizeof(other), "%s/go-20200101T000000.000Z.trace", dir);
	fd = open(other, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	for (n = 1; n <= 10; n++)
		snap(f, n, "x");
	flight__finish(f);
	st = flight__stats(f);
	assert_int_equal(st.nfile, 10);
	assert_int_equal(files(), 4); /* that of somebody else stays */
	assert_int_equal(access(other, F_OK), 0);
	assert_int_equal(access(st.file[9].path, F_OK), 0);
	assert_int_equal(access(st.file[7].path, F_OK), 0);
	assert_int_equal(access(st.file[6].path, F_OK), -1);
	flight__free(f);
}

/* One that was replaced is somebody else's; one that is gone is no trouble. */
static void test_keep_replaced(void **state)
{
	struct flight *f = new_flight(SEC, 1 << 20, 1, 0);
	char moved[128], first[96];

	(void)state;
	snap(f, 1, "x");
	while (!flight__written(f))
		usleep(100);
	snprintf(first, sizeof(first), "%s", flight__stats(f).file[0].path);
	snprintf(moved, sizeof(moved), "%s/moved", dir);
	assert_int_equal(rename(first, moved), 0);
	close(open(first, O_CREAT | O_WRONLY, 0600));
	snap(f, 2, "x");
	while (!flight__written(f))
		usleep(100);
	assert_int_equal(access(first, F_OK), 0);
	assert_int_equal(access(moved, F_OK), 0);
	unlink(flight__stats(f).file[1].path);
	snap(f, 3, "x");
	assert_int_equal(flight__finish(f), 0);
	assert_int_equal(files(), 3);
	flight__free(f);
}

/* Names of one millisecond differ. */
static void test_same_time(void **state)
{
	struct flight *a = new_flight(SEC, 1 << 20, 0, 0), *b = new_flight(SEC, 1 << 20, 0, 0);

	(void)state;
	snap(a, 1, "a");
	flight__finish(a);
	snap(b, 1, "b");
	flight__finish(b);
	assert_int_equal(files(), 2);
	assert_string_not_equal(flight__stats(a).file[0].path, flight__stats(b).file[0].path);
	flight__free(a);
	flight__free(b);
}

static void wait_written(struct flight *f)
{
	while (!flight__written(f))
		usleep(100);
}

/* A trigger waits for the end of the gap, a user does not; one snapshot is enough for many. */
static void test_triggers(void **state)
{
	struct flight *f = new_flight(9 * SEC, 1 << 20, 0, 5 * SEC);
	struct flight_stats st;

	(void)state;
	give(f, 1, 8, 0);
	flight__ask(f, FLIGHT_TRIGGER, 2 * SEC - 10, "one");
	flight__ask(f, FLIGHT_TRIGGER, 2 * SEC - 8, "is in it too");
	assert_true(flight__due(f, 2 * SEC));
	assert_false(flight__due(f, 2 * SEC));
	flight__ask(f, FLIGHT_TRIGGER, 2 * SEC - 5, "is in it too");
	assert_false(flight__due(f, 2 * SEC));
	give(f, 2, 8, EV_CUT_SNAPSHOT);
	wait_written(f);
	assert_false(flight__due(f, 9 * SEC)); /* nothing is asked for any more */
	flight__ask(f, FLIGHT_TRIGGER, 3 * SEC, "two");
	assert_false(flight__due(f, 3 * SEC));
	flight__ask(f, FLIGHT_USER, 3 * SEC, "the user");
	assert_true(flight__due(f, 3 * SEC));
	give(f, 3, 8, EV_CUT_SNAPSHOT);
	wait_written(f);
	flight__ask(f, FLIGHT_TRIGGER, 4 * SEC, "three");
	assert_false(flight__due(f, 7 * SEC - 1));
	assert_true(flight__due(f, 7 * SEC));
	give(f, 7, 8, EV_CUT_SNAPSHOT);
	flight__finish(f);
	st = flight__stats(f);
	assert_int_equal(st.asked, 5);
	assert_int_equal(st.left_out, 0);
	assert_int_equal(st.nfile, 3);
	assert_string_equal(st.file[0].reason, "one");
	assert_string_equal(st.file[2].reason, "three");
	flight__free(f);
}

/* What is not kept any more when the gap ends is left out, and counted. */
static void test_left_out(void **state)
{
	struct flight *f = new_flight(2 * SEC, 1 << 20, 0, 100 * SEC);
	struct flight_stats st;
	unsigned n;

	(void)state;
	flight__ask(f, FLIGHT_TRIGGER, 1, "one");
	assert_true(flight__due(f, SEC));
	give(f, 1, 8, EV_CUT_SNAPSHOT);
	wait_written(f);
	for (n = 2; n < 10; n++) {
		flight__ask(f, FLIGHT_TRIGGER, n * SEC, "too soon");
		assert_false(flight__due(f, n * SEC));
		give(f, n, 8, 0);
	}
	assert_int_equal(flight__stats(f).left_out, 6); /* two may come to one yet */
	for (n = 10; n < 110; n++)
		give(f, n, 8, 0);
	assert_int_equal(flight__stats(f).left_out, 8);
	assert_false(flight__due(f, 110 * SEC));
	flight__ask(f, FLIGHT_TRIGGER, 110 * SEC, "last");
	give(f, 110, 8, 0);
	flight__finish(f); /* the end waits for no gap */
	st = flight__stats(f);
	assert_int_equal(st.nfile, 2);
	assert_string_equal(st.file[1].reason, "last");
	assert_int_equal(st.asked, 10);
	assert_int_equal(st.left_out, 8);
	flight__free(f);
}

/* Another generation that ends is not the one that was told to. */
static void test_other_cut(void **state)
{
	struct flight *f = new_flight(9 * SEC, 1 << 20, 0, 0);

	(void)state;
	flight__ask(f, FLIGHT_USER, SEC, "x");
	assert_true(flight__due(f, SEC));
	give(f, 1, 8, 0);
	give(f, 2, 8, EV_CUT_FILE);
	assert_int_equal(flight__stats(f).nfile, 0);
	give(f, 3, 8, EV_CUT_SNAPSHOT);
	flight__finish(f);
	holds(&flight__stats(f).file[0], "[gen 1].[gen 2].[gen 3].");
	flight__free(f);
}

/* Asked for, and the recording ends before its generation does, or before it was told to. */
static void test_end(void **state)
{
	struct flight *f;
	bool due;

	(void)state;
	for (due = false;; due = true) {
		f = new_flight(9 * SEC, 1 << 20, 0, 0);
		give(f, 1, 8, 0);
		flight__ask(f, FLIGHT_TRIGGER, SEC, "exit");
		if (due)
			assert_true(flight__due(f, SEC));
		give(f, 2, 8, 0);
		flight__close(f);
		assert_int_equal(flight__finish(f), 0);
		holds(&flight__stats(f).file[0], "[gen 1].[gen 2].");
		flight__free(f);
		if (due)
			break;
	}
	f = new_flight(9 * SEC, 1 << 20, 0, 0); /* there is nothing */
	flight__ask(f, FLIGHT_USER, SEC, "x");
	assert_int_equal(flight__finish(f), 0);
	assert_int_equal(flight__stats(f).nfile, 0);
	flight__free(f);
}

/* A disk that takes no more: the sentence is kept, and so is what is whole; the next one works. */
static void test_cannot_write(void **state)
{
	struct rlimit old, small;
	struct flight *f = new_flight(99 * SEC, 1 << 20, 0, 0);
	struct flight_stats st;
	struct stat sb;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	give(f, 1, 600, 0);
	give(f, 2, 600, 0);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 1000;
	setrlimit(RLIMIT_FSIZE, &small);
	snap(f, 3, "x");
	while (!flight__written(f))
		usleep(100);
	setrlimit(RLIMIT_FSIZE, &old);
	snap(f, 4, "y");
	assert_int_equal(flight__finish(f), -EFBIG);
	st = flight__stats(f);
	assert_int_equal(st.nfile, 2);
	assert_non_null(strstr(st.file[0].error, "File too large"));
	assert_int_equal(st.file[0].bytes, 0);
	assert_int_equal(stat(st.file[0].path, &sb), 0);
	assert_int_equal(sb.st_size, TRACE_HEADER_LEN + 600);
	assert_null(st.file[1].error);
	flight__free(f);
}

/* A trigger that waits is not forgotten with an older one, which has gone. */
static void test_later_one_waits(void **state)
{
	struct flight *f = new_flight(10 * SEC, 1 << 20, 0, 12 * SEC);
	struct flight_stats st;
	unsigned n;

	(void)state;
	flight__ask(f, FLIGHT_TRIGGER, 1, "first");
	assert_true(flight__due(f, SEC));
	give(f, 1, 8, EV_CUT_SNAPSHOT);
	wait_written(f);
	for (n = 2; n <= 13; n++) {
		if (n == 2)
			flight__ask(f, FLIGHT_TRIGGER, SEC + SEC / 2, "goes");
		if (n == 12)
			flight__ask(f, FLIGHT_TRIGGER, 11 * SEC + SEC / 2, "stays");
		assert_false(flight__due(f, n * SEC - 1));
		give(f, n, 8, 0);
	}
	assert_true(flight__due(f, 13 * SEC));
	give(f, 14, 8, EV_CUT_SNAPSHOT);
	assert_int_equal(flight__finish(f), 0);
	st = flight__stats(f);
	assert_int_equal(st.nfile, 2);
	assert_string_equal(st.file[1].reason, "stays");
	assert_int_equal(st.asked, 3);
	assert_int_equal(st.left_out, 1);
	flight__free(f);
}

/* The machine was asleep, or its clock was set: names follow. */
static void test_clock_is_set(void **state)
{
	struct flight *f = new_flight(SEC, 1 << 20, 0, 0);
	struct flight_stats st;

	(void)state;
	snap(f, 1, "x");
	wait_written(f);
	wall += 3600 * (int64_t)SEC;
	snap(f, 2, "y");
	flight__finish(f);
	st = flight__stats(f);
	assert_non_null(strstr(st.file[0].path, "/go-19700101T001641.000Z.trace"));
	assert_non_null(strstr(st.file[1].path, "/go-19700101T011642.000Z.trace"));
	flight__free(f);
}

static void test_no_directory(void **state)
{
	struct flight *f = new_flight(SEC, 1 << 20, 0, 0);

	(void)state;
	flight__free(f);
	snprintf(base, sizeof(base), "%s/none/go.trace", dir);
	f = new_flight(SEC, 1 << 20, 0, 0);
	snap(f, 1, "x");
	assert_int_equal(flight__finish(f), -EIO);
	assert_non_null(strstr(flight__stats(f).file[0].error, "No such file or directory"));
	flight__free(f);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_snapshot),	  TEST(test_kept_by_time),
		TEST(test_kept_by_size),  TEST(test_shared),
		TEST(test_keep_newest),	  TEST(test_same_time),
		TEST(test_keep_replaced), TEST(test_triggers),
		TEST(test_left_out),	  TEST(test_other_cut),
		TEST(test_end),		  TEST(test_cannot_write),
		TEST(test_no_directory),  TEST(test_later_one_waits),
		TEST(test_clock_is_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
