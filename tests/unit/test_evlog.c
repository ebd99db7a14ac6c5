// SPDX-License-Identifier: BSD-2-Clause
/* The raw record file: what is written comes back, and what is cut off or wrong is noticed. */
#include "tests/unit/helpers.h"

#include <fcntl.h>

#include "event/evlog.h"
#include "event/evspec.h"

static const struct evlog_head head = { .nstream = 3,
					.start_mono_ns = 12345,
					.wall_offset_ns = -7 };

static int temp_file(void)
{
	FILE *f = tmpfile();
	int fd;

	assert_non_null(f);
	fd = dup(fileno(f));
	assert_true(fd >= 0);
	fclose(f);
	return fd;
}

static int file_of(const void *data, size_t len)
{
	int fd = temp_file();

	assert_int_equal(write(fd, data, len), len);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static size_t content(int fd, unsigned char *buf, size_t cap)
{
	ssize_t n = pread(fd, buf, cap, 0);

	assert_true(n >= 0 && (size_t)n < cap);
	return (size_t)n;
}

static struct ev_sys sys_rec(uint64_t ts)
{
	return (struct ev_sys){ .h = { .ts = ts, .kind = EV_SYSCALL, .arg = 39 },
				.thr = 100 | 1ull << 32,
				.begin = 1 };
}

/* stop, syscall, advance, a path of odd length, end */
static size_t small_file(unsigned char *buf, size_t cap)
{
	struct ev_hdr stop = { .ts = 1, .kind = EV_STOP };
	struct ev_sys sys = sys_rec(2);
	struct ev_proc proc = { .h = { .ts = 3, .kind = EV_PROC, .arg = 100 }, .path = "/x" };
	struct evlog_writer *w;
	int fd = temp_file();
	size_t len;

	w = evlog_writer__new(&FD_SINK(fd), &head);
	assert_non_null(w);
	assert_int_equal(evlog_writer__records(w, 0, &stop, sizeof(stop)), 0);
	assert_int_equal(evlog_writer__records(w, 0, &sys, EV_SYS_PLAIN), 0);
	assert_int_equal(evlog_writer__advance(w, 99), 0);
	assert_int_equal(evlog_writer__records(w, 2, &proc, EV_PROC_SHORT + 3), 0);
	assert_int_equal(evlog_writer__finish(w), 0);
	len = content(fd, buf, cap);
	assert_int_equal(evlog_writer__bytes(w), len);
	evlog_writer__free(w);
	close(fd);
	return len;
}

static void small_file_comes_back(void **state)
{
	unsigned char buf[1024];
	size_t len = small_file(buf, sizeof(buf));
	struct strbuf why = STRBUF_INIT;
	struct evlog_reader *r;
	struct evlog_item it;
	int fd = file_of(buf, len);

	(void)state;
	/* the layout is a promise: head 64, chunk 8, record heads 8, paddings */
	assert_int_equal(len, 64 + (8 + 8 + 16 + 8 + 32) + 16 + (8 + 8 + 40) + 8);
	assert_memory_equal(buf, "ctraceRW\4\0\0\0\3\0\0\0", 16);
	r = evlog_reader__new(fd, &why);
	assert_non_null(r);
	assert_int_equal(evlog_reader__head(r)->nstream, 3);
	assert_int_equal(evlog_reader__head(r)->start_mono_ns, 12345);
	assert_int_equal(evlog_reader__head(r)->wall_offset_ns, -7);

	assert_int_equal(evlog_reader__next(r, &it), 0);
	assert_int_equal(it.what, EVLOG_RECORD);
	assert_int_equal(it.stream, 0);
	assert_int_equal(it.len, sizeof(struct ev_hdr));
	assert_int_equal(((const struct ev_hdr *)it.rec)->kind, EV_STOP);
	assert_int_equal(evlog_reader__next(r, &it), 0);
	assert_int_equal(it.what, EVLOG_RECORD);
	assert_int_equal(((const struct ev_sys *)it.rec)->thr, 100 | 1ull << 32);
	assert_int_equal(evlog_reader__next(r, &it), 0);
	assert_int_equal(it.what, EVLOG_ADVANCE);
	assert_int_equal(it.watermark, 99);
	assert_int_equal(evlog_reader__next(r, &it), 0);
	assert_int_equal(it.stream, 2);
	assert_int_equal(it.len, EV_PROC_SHORT + 3);
	assert_string_equal(((const struct ev_proc *)it.rec)->path, "/x");
	assert_false(evlog_reader__complete(r));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(evlog_reader__next(r, &it), 0);
		assert_int_equal(it.what, EVLOG_END);
		assert_true(evlog_reader__complete(r));
	}
	assert_string_equal(evlog_reader__why(r), "");
	evlog_reader__free(r);
	strbuf_free(&why);
	close(fd);
}

/* Counts what comes; every record must be legal and of a stream that exists. -1: refused by the
 * constructor. */
static int drain(int fd, bool *complete, struct strbuf *why)
{
	struct evlog_reader *r = evlog_reader__new(fd, why);
	struct evlog_item it;
	int cnt = 0;

	if (!r) {
		assert_int_equal(errno, EINVAL);
		assert_true(why->len > 0);
		return -1;
	}
	do {
		assert_int_equal(evlog_reader__next(r, &it), 0);
		if (it.what == EVLOG_RECORD) {
			assert_true(it.stream < evlog_reader__head(r)->nstream);
			assert_int_equal(ev_check(it.rec, it.len), 0);
			cnt++;
		}
	} while (it.what != EVLOG_END);
	*complete = evlog_reader__complete(r);
	strbuf_set_f(why, "%s", evlog_reader__why(r));
	assert_int_equal(why->len == 0, *complete);
	evlog_reader__free(r);
	return cnt;
}

static void cut_anywhere(void **state)
{
	unsigned char buf[1024];
	size_t len = small_file(buf, sizeof(buf));
	/* where the three records are whole */
	const size_t whole[] = { 64 + 8 + 24, 64 + 8 + 24 + 40, 64 + 72 + 16 + 8 + 48 };
	struct strbuf why = STRBUF_INIT;

	(void)state;
	for (size_t n = 0; n < len; n++) {
		int fd = file_of(buf, n), got, want = 0;
		bool complete = true;

		for (size_t i = 0; i < 3; i++)
			want += n >= whole[i];
		got = drain(fd, &complete, &why);
		if (n < EVLOG_HEAD_SZ) {
			assert_int_equal(got, -1);
		} else {
			assert_int_equal(got, want);
			assert_false(complete);
			assert_non_null(strstr(why.buf, "cut off at byte "));
		}
		close(fd);
	}
	strbuf_free(&why);
}

static void any_byte_wrong(void **state)
{
	unsigned char buf[1024];
	size_t len = small_file(buf, sizeof(buf));
	struct strbuf why = STRBUF_INIT;

	(void)state;
	for (size_t at = 0; at < len; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			bool complete;
			int fd;

			buf[at] ^= 1u << bit;
			fd = file_of(buf, len);
			assert_true(drain(fd, &complete, &why) <= 3);
			close(fd);
			buf[at] ^= 1u << bit;
		}
	}
	strbuf_free(&why);
}

static void poke(unsigned char *buf, size_t at, uint32_t v)
{
	memcpy(buf + at, &v, sizeof(v));
}

static void expect_broken(size_t at, uint32_t v, int records, const char *reason)
{
	struct strbuf why = STRBUF_INIT;
	unsigned char buf[1024];
	size_t len = small_file(buf, sizeof(buf));
	bool complete = true;
	int fd;

	poke(buf, at, v);
	fd = file_of(buf, len);
	assert_int_equal(drain(fd, &complete, &why), records);
	if (records >= 0)
		assert_false(complete);
	if (!strstr(why.buf, reason))
		fail_msg("got '%s', not '%s'", why.buf, reason);
	close(fd);
	strbuf_free(&why);
}

static void wrong_files(void **state)
{
	(void)state;
	expect_broken(0, 0, -1, "not a raw record file");
	expect_broken(8, 1, -1, "version 1");
	expect_broken(40 - 8, 1, -1, "flags 0x1");
	expect_broken(12, 0, -1, "0 streams");
	expect_broken(12, 65537, -1, "65537 streams");
	expect_broken(12, 2, 2, "a stream that the file does not have at byte 152");
	expect_broken(64, 0xfffffff8, 2, "wrong length");
	expect_broken(64, 63, 0, "a records chunk of a wrong length at byte 64");
	expect_broken(64, 4 + 60 - 8, 1, "a record of a wrong length at byte 96");
	expect_broken(68, 9 << 16, 0, "a chunk of an unknown kind at byte 64");
	expect_broken(72, 0, 0, "a record of a wrong length at byte 72");
	expect_broken(72, EV_RECORD_MAX + 1, 0, "a record of a wrong length");
	expect_broken(72, 0xffffffff, 0, "a record of a wrong length");
	expect_broken(76, 1, 0, "a record of a wrong length");
	expect_broken(72, 8, 0, "a record that is not legal");
	expect_broken(88, EV_KIND_MAX, 0, "a record that is not legal at byte 72");
	expect_broken(136, 16, 2, "an advance of a wrong length at byte 136");
	expect_broken(208, 8, 3, "an end of a wrong length at byte 208");
}

#define MANY 50000

static void many_records_through_a_pipe(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct evlog_writer *w;
	struct evlog_reader *r;
	struct evlog_item it;
	uint64_t ts = 0;
	int file = temp_file(), p[2];
	pid_t child;

	(void)state;
	w = evlog_writer__new(&FD_SINK(file), &head);
	assert_non_null(w);
	for (uint64_t i = 1; i <= MANY; i++) {
		struct ev_sys rec = sys_rec(i);

		assert_int_equal(evlog_writer__records(w, i / 7 % 3, &rec, sizeof(rec)), 0);
	}
	assert_int_equal(evlog_writer__finish(w), 0);
	assert_int_equal(evlog_writer__records(w, 0, &head, 16), -EINVAL);
	evlog_writer__free(w);

	assert_int_equal(pipe(p), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		char piece[4093]; /* pieces end in the middle of records */
		ssize_t n;

		close(p[0]);
		lseek(file, 0, SEEK_SET);
		while ((n = read(file, piece, sizeof(piece))) > 0)
			if (write(p[1], piece, (size_t)n) != n)
				break;
		_exit(0);
	}
	close(p[1]);
	r = evlog_reader__new(p[0], &why);
	assert_non_null(r);
	for (;;) {
		assert_int_equal(evlog_reader__next(r, &it), 0);
		if (it.what != EVLOG_RECORD)
			break;
		ts++;
		assert_int_equal(((const struct ev_hdr *)it.rec)->ts, ts);
		assert_int_equal(it.stream, ts / 7 % 3);
		assert_int_equal((uintptr_t)it.rec % 8, 0);
	}
	assert_int_equal(ts, MANY);
	assert_true(evlog_reader__complete(r));
	evlog_reader__free(r);
	strbuf_free(&why);
	close(p[0]);
	close(file);
}

/* One stream alone, out of chunks of all sizes: from a file, and from a pipe, which cannot be
 * passed over. */
static void one_stream_alone(void **state)
{
	enum { N = 6000 };
	int fd = temp_file(), ends[2];
	struct strbuf why = STRBUF_INIT;
	struct evlog_writer *w = evlog_writer__new(&FD_SINK(fd), &head);
	struct evlog_reader *r;
	struct evlog_item it;
	uint64_t size;

	(void)state;
	for (uint64_t i = 0; i < N; i++) {
		struct ev_sys rec = sys_rec(i + 1);

		assert_int_equal(evlog_writer__records(w, i % 1000 < 900 ? i / 1000 % 2 : 2, &rec,
						       EV_SYS_PLAIN),
				 0);
		if (i % 500 == 0)
			assert_int_equal(evlog_writer__advance(w, i), 0);
	}
	assert_int_equal(evlog_writer__finish(w), 0);
	size = evlog_writer__bytes(w);
	evlog_writer__free(w);
	for (int pass = 0; pass < 3; pass++) { /* file, pipe, a file that was cut off */
		uint64_t seen = 0;

		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		assert_int_equal(pipe(ends), 0);
		if (pass == 1 && !fork()) {
			static char all[1 << 20];
			ssize_t n = read(fd, all, sizeof(all));

			_exit(write(ends[1], all, (size_t)n) != n);
		}
		close(ends[1]);
		if (pass == 2)
			assert_int_equal(ftruncate(fd, (off_t)(size / 2)), 0);
		r = evlog_reader__new(pass == 1 ? ends[0] : fd, &why);
		assert_non_null(r);
		evlog_reader__only(r, 2);
		for (;;) {
			assert_int_equal(evlog_reader__next(r, &it), 0);
			if (it.what == EVLOG_END)
				break;
			if (it.what != EVLOG_RECORD)
				continue;
			assert_int_equal(it.stream, 2);
			assert_int_equal(((const struct ev_sys *)it.rec)->h.ts,
					 seen / 100 * 1000 + 900 + seen % 100 + 1);
			seen++;
		}
		if (pass == 2) {
			assert_true(seen < N / 10);
			assert_false(evlog_reader__complete(r));
		} else {
			assert_int_equal(seen, N / 10);
			assert_true(evlog_reader__complete(r));
		}
		evlog_reader__free(r);
		close(ends[0]);
	}
	close(fd);
	strbuf_free(&why);
}

static void writer_refuses(void **state)
{
	struct evlog_head none = { .nstream = 0 };
	struct ev_sys rec = sys_rec(5);
	unsigned char buf[1024];
	struct evlog_writer *w;
	int fd = temp_file();

	(void)state;
	assert_null(evlog_writer__new(&FD_SINK(fd), &none));
	assert_int_equal(errno, EINVAL);
	w = evlog_writer__new(&FD_SINK(fd), &head);
	assert_non_null(w);
	assert_int_equal(evlog_writer__records(w, 3, &rec, sizeof(rec)), -EINVAL);
	assert_int_equal(evlog_writer__records(w, 0, &rec, 0), -EINVAL);
	assert_int_equal(evlog_writer__records(w, 0, buf, EV_RECORD_MAX + 1), -EINVAL);
	assert_int_equal(evlog_writer__flush(w), 0);
	assert_int_equal(content(fd, buf, sizeof(buf)), EVLOG_HEAD_SZ);
	evlog_writer__free(w);
	close(fd);
}

static void errors_of_write_stay(void **state)
{
	struct ev_sys rec = sys_rec(5);
	struct evlog_writer *w;
	int fd = temp_file(), full;

	(void)state;
	full = open("/dev/full", O_WRONLY);
	if (full < 0)
		skip();
	assert_null(evlog_writer__new(&FD_SINK(full), &head));
	assert_int_equal(errno, ENOSPC);
	w = evlog_writer__new(&FD_SINK(fd), &head);
	assert_non_null(w);
	assert_int_equal(evlog_writer__records(w, 0, &rec, sizeof(rec)), 0);
	assert_int_equal(dup2(full, fd), fd);
	assert_int_equal(evlog_writer__flush(w), -ENOSPC);
	assert_int_equal(evlog_writer__bytes(w), EVLOG_HEAD_SZ);
	assert_int_equal(evlog_writer__records(w, 0, &rec, sizeof(rec)), -ENOSPC);
	assert_int_equal(evlog_writer__advance(w, 1), -ENOSPC);
	assert_int_equal(evlog_writer__finish(w), -ENOSPC);
	evlog_writer__free(w);
	close(full);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_file_comes_back),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(any_byte_wrong),
		cmocka_unit_test(wrong_files),
		cmocka_unit_test(many_records_through_a_pipe),
		cmocka_unit_test(one_stream_alone),
		cmocka_unit_test(writer_refuses),
		cmocka_unit_test(errors_of_write_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
