// SPDX-License-Identifier: BSD-2-Clause
/*
 * The flight recorder: what is kept by time and by size, what stands in a snapshot and under which
 * name, who is left out, and what happens where it cannot be written. Parts are made by hand; their
 * bytes are words, so that a file can be read off.
 */
#include "helpers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/event.h"
#include "disk.h"
#include "output/flight.h"
#include "output/trail.h"
#include "util/log.h"

#define SEC 1000000000ull
#define HEADER "go 1.23 trace\0\0"

static char dir[TEMP_LEN], base[96];
static int64_t wall; /* CLOCK_REALTIME - CLOCK_MONOTONIC */

static int setup(void **state)
{
	(void)state;
	unsetenv("SUDO_UID");
	log_set_level(LOG_ERROR); /* no line for each snapshot */
	wall = 1000 * (int64_t)SEC;
	if (temp_dir(dir, "flight"))
		return -1;
	snprintf(base, sizeof(base), "%s/go.trace", dir);
	return 0;
}

static int teardown(void **state)
{
	struct dirent *e;
	DIR *d;

	(void)state;
	no_disk(dir);
	d = opendir(dir);
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
	static char data[512 << 10];
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

static void wait_written(struct flight *f)
{
	while (!flight__written(f))
		usleep(100);
}

/* The file holds the header, and then this. */
static void holds(const struct trail_file *file, const char *want)
{
	char buf[4096] = "";

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
	assert_int_equal(st.files->written, 2);
	holds(&st.files->file[0], "[gen 1][gen 2].");
	holds(&st.files->file[1], "[open 3][gen 4][gen 5].");
	assert_string_equal(st.files->file[1].reason, "second");
	assert_true(st.files->file[1].share.seconds == 2);
	/* 1005 s after 1970 */
	assert_non_null(strstr(st.files->file[1].path, "/go-19700101T001645.000Z.trace"));
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
	assert_int_equal(st.files->written, 1);
	holds(&st.files->file[0], "[open 1][gen 2].");
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
	assert_int_equal(st.files->written, 10);
	assert_int_equal(files(), 4); /* that of somebody else stays */
	assert_int_equal(access(other, F_OK), 0);
	assert_int_equal(st.files->cnt, 3); /* what is told is there */
	for (n = 0; n < 3; n++)
		assert_int_equal(access(st.files->file[n].path, F_OK), 0);
	assert_non_null(strstr(st.files->file[0].path, "T001648.000Z")); /* the 8th */
	flight__free(f);
}

/* One that was replaced is somebody else's; one that is gone is no trouble. */
static void test_keep_replaced(void **state)
{
	struct flight *f = new_flight(SEC, 1 << 20, 1, 0);
	char moved[128], first[96];

	(void)state;
	snap(f, 1, "x");
	wait_written(f);
	snprintf(first, sizeof(first), "%s", flight__stats(f).files->file[0].path);
	snprintf(moved, sizeof(moved), "%s/moved", dir);
	assert_int_equal(rename(first, moved), 0);
	close(open(first, O_CREAT | O_WRONLY, 0600));
	snap(f, 2, "x");
	wait_written(f);
	assert_int_equal(access(first, F_OK), 0);
	assert_int_equal(access(moved, F_OK), 0);
	unlink(flight__stats(f).files->file[0].path);
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
	assert_string_not_equal(flight__stats(a).files->file[0].path,
				flight__stats(b).files->file[0].path);
	flight__free(a);
	flight__free(b);
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
	assert_int_equal(st.files->written, 3);
	assert_string_equal(st.files->file[0].reason, "one");
	assert_string_equal(st.files->file[2].reason, "three");
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
	assert_int_equal(st.files->written, 2);
	assert_string_equal(st.files->file[1].reason, "last");
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
	assert_int_equal(flight__stats(f).files->written, 0);
	give(f, 3, 8, EV_CUT_SNAPSHOT);
	flight__finish(f);
	holds(&flight__stats(f).files->file[0], "[gen 1].[gen 2].[gen 3].");
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
		holds(&flight__stats(f).files->file[0], "[gen 1].[gen 2].");
		flight__free(f);
		if (due)
			break;
	}
	f = new_flight(9 * SEC, 1 << 20, 0, 0); /* there is nothing */
	flight__ask(f, FLIGHT_USER, SEC, "x");
	assert_int_equal(flight__finish(f), 0);
	assert_int_equal(flight__stats(f).files->written, 0);
	flight__free(f);
}

/* Files of no more bytes than this, until it is called again with what it returns. */
static rlim_t limit_files(rlim_t bytes)
{
	struct rlimit lim;
	rlim_t old;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &lim);
	old = lim.rlim_cur;
	lim.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &lim);
	return old;
}

/* A disk that takes no more: the sentence is kept, nothing half stays, what was whole stays too,
 * and the triggers of the snapshot are in none. The next one works. */
static void test_cannot_write(void **state)
{
	struct flight *f = new_flight(99 * SEC, 1 << 20, 1, 0);
	struct flight_stats st;
	rlim_t old;

	(void)state;
	snap(f, 1, "whole");
	wait_written(f);
	give(f, 2, 600, 0);
	flight__ask(f, FLIGHT_TRIGGER, 2 * SEC + 1, "a trigger");
	flight__ask(f, FLIGHT_TRIGGER, 2 * SEC + 2, "another");
	give(f, 3, 600, 0);
	old = limit_files(1000);
	snap(f, 4, "x");
	wait_written(f);
	limit_files(old);
	assert_int_equal(files(), 1);
	assert_int_equal(flight__stats(f).files->cnt, 1);
	assert_string_equal(flight__stats(f).files->file[0].reason, "whole");
	holds(&flight__stats(f).files->file[0], "[gen 1].");
	snap(f, 5, "y");
	assert_int_equal(flight__finish(f), -EFBIG);
	st = flight__stats(f);
	assert_int_equal(st.files->written, 2);
	assert_int_equal(st.failed, 1);
	assert_int_equal(st.asked, 2);
	assert_int_equal(st.left_out, 2);
	assert_int_equal(st.unwritten, 2);
	assert_non_null(strstr(st.error, "File too large"));
	assert_int_equal(files(), 1);
	assert_string_equal(st.files->file[0].reason, "y");
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
	assert_int_equal(st.files->written, 2);
	assert_string_equal(st.files->file[1].reason, "stays");
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
	assert_non_null(strstr(st.files->file[0].path, "/go-19700101T001641.000Z.trace"));
	assert_non_null(strstr(st.files->file[1].path, "/go-19700101T011642.000Z.trace"));
	flight__free(f);
}

static struct flight *bounded(unsigned keep, uint64_t max_size, uint64_t min_free)
{
	struct flight *f = flight__new(&(struct flight_opts){
		.base = base,
		.min_ns = 1,
		.max_bytes = 1 << 20,
		.keep = keep,
		.max_size = max_size,
		.min_free = min_free,
		.wall_offset = wall_offset,
	});

	assert_non_null(f);
	return f;
}

/* A snapshot of generation n alone, of so many bytes. */
static void snap_of(struct flight *f, unsigned n, size_t len)
{
	flight__ask(f, FLIGHT_USER, n * SEC, "x");
	while (!flight__due(f, n * SEC))
		usleep(100);
	give(f, n, len, EV_CUT_SNAPSHOT);
	wait_written(f);
}

static void test_max_size(void **state)
{
	struct flight *f = bounded(0, 2500, 0);
	struct flight_stats st;

	(void)state;
	snap_of(f, 1, 1000);
	snap_of(f, 2, 1000);
	snap_of(f, 3, 1000);
	assert_int_equal(files(), 2);
	assert_int_equal(flight__finish(f), 0); /* as was asked for */
	st = flight__stats(f);
	assert_int_equal(st.bounded, 1);
	assert_int_equal(st.files->written, 2);
	assert_string_equal(
		st.error,
		"with one more snapshot all would have more than 2.5 kB (--max-size); --keep=N lets the oldest go");
	flight__free(f);

	f = bounded(9, 2500, 0);
	snap_of(f, 1, 1000);
	snap_of(f, 2, 1000);
	snap_of(f, 3, 1000);
	snap_of(f, 4, 3000); /* alone it is more: nothing goes for it */
	assert_int_equal(flight__finish(f), 0);
	st = flight__stats(f);
	assert_int_equal(st.files->cnt, 2);
	assert_int_equal(st.files->written, 3);
	assert_int_equal(files(), 4); /* two of the first recording */
	assert_string_equal(st.error, "a snapshot has more than 2.5 kB (--max-size)");
	flight__free(f);
}

static void test_min_free(void **state)
{
	struct flight *f = bounded(0, 0, UINT64_MAX / 2);
	struct flight_stats st;

	(void)state;
	snap_of(f, 1, 1000);
	snap_of(f, 2, 1000);
	assert_int_equal(flight__finish(f), 0);
	st = flight__stats(f);
	assert_int_equal(st.bounded, 2);
	assert_int_equal(st.files->written, 0);
	assert_non_null(strstr(st.error, "left (--min-free); --keep=N lets the oldest go"));
	assert_int_equal(files(), 0);
	flight__free(f);
}

/* Where there is no room for one more the oldest goes first, and nothing goes when that would not
 * help. What is kept free stays so. */
static void test_small_disk(void **state)
{
	struct flight_stats st;
	struct flight *f;
	unsigned n;

	(void)state;
	if (!small_disk(dir, 240 << 10))
		skip();
	f = bounded(1, 0, 0);
	for (n = 1; n <= 4; n++) {
		snap_of(f, n, 120 << 10);
		assert_int_equal(files(), 1);
	}
	snap_of(f, 5, 300 << 10); /* never */
	assert_int_equal(files(), 1);
	assert_int_equal(flight__finish(f), -ENOSPC);
	st = flight__stats(f);
	assert_int_equal(st.files->written, 4);
	assert_int_equal(st.files->cnt, 1);
	assert_int_equal(st.failed, 1);
	assert_int_equal(access(st.files->file[0].path, F_OK), 0);
	unlink(st.files->file[0].path);
	flight__free(f);

	f = bounded(9, 0, 100 << 10);
	for (n = 1; n <= 9; n++)
		snap_of(f, n, 40 << 10); /* room for two of them, and what is to stay free */
	snap_of(f, 10, 150 << 10);
	assert_int_equal(files(), 2);
	assert_int_equal(flight__finish(f), 0);
	st = flight__stats(f);
	assert_int_equal(st.files->written, 9);
	assert_int_equal(st.bounded, 1);
	assert_string_equal(
		st.error,
		"with one more snapshot the disk would have less than 102.4 kB left (--min-free)");
	flight__free(f);
}

/* Where nobody can tell that there is no room before it is used up. In a child, whose status it is.
 */
static int without_fallocate(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), /* the number of the call */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { COUNT(filter), filter };
	struct flight *f;
	unsigned n;

	if (!small_disk(dir, 240 << 10) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		return 77;
	f = new_flight(99 * SEC, 1 << 20, 0, 0);
	for (n = 1; n <= 5; n++)
		give(f, n, 60 << 10, 0);
	snap(f, 6, "x");
	if (flight__finish(f) != -ENOSPC || flight__stats(f).files->written)
		return 1;
	return files() ? 2 : 0;
}

static void test_half_is_removed(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(without_fallocate());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

/* Two recordings with one name, whose snapshots come at one moment: each has all of its own. */
static void test_two_at_once(void **state)
{
	struct flight *a = new_flight(SEC, 1 << 20, 0, 0), *b = new_flight(SEC, 1 << 20, 0, 0);
	unsigned n;

	(void)state;
	for (n = 1; n <= 50; n++) {
		flight__ask(a, FLIGHT_USER, n * SEC, "a");
		flight__ask(b, FLIGHT_USER, n * SEC, "b");
		while (!flight__due(a, n * SEC))
			usleep(100);
		while (!flight__due(b, n * SEC))
			usleep(100);
		give(a, n, 8, EV_CUT_SNAPSHOT);
		give(b, n, 8, EV_CUT_SNAPSHOT);
	}
	assert_int_equal(flight__finish(a), 0);
	assert_int_equal(flight__finish(b), 0);
	assert_int_equal(flight__stats(a).files->cnt, 50);
	assert_int_equal(flight__stats(b).files->cnt, 50);
	assert_int_equal(files(), 100);
	flight__free(a);
	flight__free(b);
}

static void test_no_directory(void **state)
{
	struct flight *f = new_flight(SEC, 1 << 20, 0, 0);

	(void)state;
	flight__free(f);
	snprintf(base, sizeof(base), "%s/none/go.trace", dir);
	f = new_flight(SEC, 1 << 20, 0, 0);
	snap(f, 1, "x");
	assert_int_equal(flight__finish(f), -ENOENT);
	assert_non_null(strstr(flight__stats(f).error, "No such file or directory"));
	flight__free(f);
}

/* ---- to somebody's file ---- */

struct told {
	unsigned times;
	int err;
	char why[256];
};

static void note_told(void *ctx, int err, const char *why)
{
	struct told *t = ctx;

	t->err = err;
	snprintf(t->why, sizeof(t->why), "%s", why);
	t->times++;
}

static struct flight_to to_file(const char *path, struct told *t)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return (struct flight_to){ fd, "the file", note_told, t };
}

/* It has what a snapshot has, and what it was before only until then; no file of ours is made, and
 * triggers go to one as if nobody had asked. */
static void test_to_somebody(void **state)
{
	struct flight *f = new_flight(60 * SEC, 1 << 20, 0, 0);
	struct told told = { 0 };
	char path[128], got[256];
	struct flight_to to;

	(void)state;
	snprintf(path, sizeof(path), "%s/mine", dir);
	give(f, 1, 8, 0);
	flight__ask(f, FLIGHT_TRIGGER, SEC, "slow");
	to = to_file(path, &told);
	assert_int_equal(flight__ask_to(f, &to), 0);
	assert_int_equal(flight__ask_to(f, &to), -EALREADY);
	assert_true(flight__due(f, 2 * SEC));
	assert_false(flight__due(f, 2 * SEC)); /* told once */
	give(f, 2, 8, EV_CUT_SNAPSHOT);
	while (!flight__written(f))
		usleep(100);
	assert_int_equal(told.times, 1);
	assert_int_equal(told.err, 0);
	read_file(path, got, sizeof(got));
	assert_memory_equal(got, HEADER, TRACE_HEADER_LEN);
	assert_non_null(strstr(got + TRACE_HEADER_LEN, "[gen 1]"));
	assert_non_null(strstr(got + TRACE_HEADER_LEN, "[gen 2]"));
	assert_int_equal(flight__finish(f), 0);
	assert_int_equal(flight__stats(f).files->written, 1); /* of the trigger */
	assert_int_equal(flight__stats(f).left_out, 0);
	flight__free(f);
	assert_int_equal(told.times, 1);
}

static void test_to_somebody_at_the_end(void **state)
{
	struct flight *f = new_flight(60 * SEC, 1 << 20, 0, 0);
	struct told told = { 0 };
	char path[128], got[256];
	struct flight_to to;

	(void)state;
	snprintf(path, sizeof(path), "%s/mine", dir);
	to = to_file(path, &told);
	give(f, 1, 8, 0);
	assert_int_equal(flight__ask_to(f, &to), 0);
	assert_int_equal(flight__finish(f), 0);
	assert_int_equal(told.times, 1);
	assert_int_equal(told.err, 0);
	read_file(path, got, sizeof(got));
	assert_non_null(strstr(got + TRACE_HEADER_LEN, "[gen 1]"));
	flight__free(f);

	f = new_flight(60 * SEC, 1 << 20, 0, 0); /* nothing to write */
	to = to_file(path, &told);
	assert_int_equal(flight__ask_to(f, &to), 0);
	assert_int_equal(flight__finish(f), 0);
	flight__free(f);
	assert_int_equal(told.times, 2);
	assert_int_equal(told.err, -ECANCELED);
	assert_int_equal(fcntl(to.fd, F_GETFD), -1);
}

/* Who asked is told; the recording has not failed, and writes the next one. */
static void test_to_nobody(void **state)
{
	struct flight *f = new_flight(60 * SEC, 1 << 20, 0, 0);
	struct told told = { 0 };
	struct flight_to to;
	int pair[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(pair), 0);
	close(pair[0]);
	to = (struct flight_to){ pair[1], "the pipe", note_told, &told };
	give(f, 1, 8, 0);
	assert_int_equal(flight__ask_to(f, &to), 0);
	assert_true(flight__due(f, 2 * SEC));
	give(f, 2, 8, EV_CUT_SNAPSHOT);
	while (!flight__written(f))
		usleep(100);
	assert_int_equal(told.times, 1);
	assert_int_equal(told.err, -EPIPE);
	assert_string_equal(told.why, "cannot write the pipe: Broken pipe");
	snap(f, 3, "next");
	assert_int_equal(flight__finish(f), 0);
	assert_int_equal(flight__stats(f).files->written, 1);
	flight__free(f);
}

/* A write that does not come to an end is given up, and that is told. */
static void test_to_one_who_sleeps(void **state)
{
	struct flight *f = new_flight(60 * SEC, 4 << 20, 0, 0);
	struct told told = { 0 };
	struct flight_to to;
	int pair[2];

	(void)state;
	assert_int_equal(pipe(pair), 0);
	to = (struct flight_to){ pair[1], "the pipe", note_told, &told };
	give(f, 1, 256 << 10, 0);
	assert_int_equal(flight__ask_to(f, &to), 0);
	assert_true(flight__due(f, 2 * SEC));
	give(f, 2, 8, EV_CUT_SNAPSHOT);
	assert_false(flight__written(f));
	flight__abandon(f);
	assert_int_equal(flight__finish(f), -ECANCELED);
	flight__free(f);
	assert_int_equal(told.times, 1);
	assert_int_equal(told.err, -ECANCELED);
	close(pair[0]);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_snapshot),
		TEST(test_kept_by_time),
		TEST(test_kept_by_size),
		TEST(test_shared),
		TEST(test_keep_newest),
		TEST(test_same_time),
		TEST(test_keep_replaced),
		TEST(test_triggers),
		TEST(test_left_out),
		TEST(test_other_cut),
		TEST(test_end),
		TEST(test_cannot_write),
		TEST(test_no_directory),
		TEST(test_small_disk),
		TEST(test_half_is_removed),
		TEST(test_two_at_once),
		TEST(test_later_one_waits),
		TEST(test_clock_is_set),
		TEST(test_max_size),
		TEST(test_min_free),
		TEST(test_to_somebody),
		TEST(test_to_somebody_at_the_end),
		TEST(test_to_nobody),
		TEST(test_to_one_who_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
