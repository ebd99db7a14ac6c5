// SPDX-License-Identifier: BSD-2-Clause
/*
 * The raw file of a recording and the worker under it: what is given comes out in its order and
 * whole; a sink that stands still is told and holds nobody; one that fails is left alone; one that
 * never returns can be given up.
 */
#include "tests/unit/helpers.h"

#include <pthread.h>
#include <semaphore.h>

#include "bpf/event.h"
#include "capture/rawlog.h"
#include "event/evlog.h"
#include "util/worker.h"

static const struct evlog_head head = { .nstream = 1, .start_mono_ns = 1, .wall_offset_ns = 2 };

struct slow {
	sem_t go;
	int fd, err;
};

static int slow_write(void *ctx, const void *data, size_t len)
{
	struct slow *s = ctx;

	while (sem_wait(&s->go))
		;
	return s->err ? s->err : sink_to_fd((void *)(intptr_t)s->fd, data, len);
}

static struct slow slow_new(void)
{
	struct slow s = { .err = 0 };
	FILE *f = tmpfile();

	assert_non_null(f);
	s.fd = dup(fileno(f));
	fclose(f);
	sem_init(&s.go, 0, 0);
	return s;
}

static void slow_end(struct slow *s)
{
	close(s->fd);
	sem_destroy(&s->go);
}

static void put(struct rawlog *l, uint64_t ts)
{
	struct ev_hdr rec = { .ts = ts, .kind = EV_STOP };

	rawlog__records(l, 0, &rec, sizeof(rec));
}

/* Gives records until the log says that it is behind; returns how many. */
static uint64_t fill(struct rawlog *l)
{
	uint64_t n = 0;

	while (!rawlog__behind(l))
		put(l, ++n);
	return n;
}

static void everything_in_order(void **state)
{
	struct slow s = slow_new();
	struct rawlog *l = rawlog__new(&(struct sink){ slow_write, &s }, &head);
	struct strbuf why = STRBUF_INIT;
	struct evlog_reader *r;
	struct evlog_item it;
	uint64_t n, seen = 0;

	(void)state;
	assert_non_null(l);
	n = fill(l);
	assert_false(rawlog__done(l));
	rawlog__advance(l, n);
	rawlog__close(l);
	for (int i = 0; i < 1000; i++)
		sem_post(&s.go);
	assert_int_equal(rawlog__finish(l), 0);
	assert_true(rawlog__done(l));
	rawlog__free(l);

	lseek(s.fd, 0, SEEK_SET);
	r = evlog_reader__new(s.fd, &why);
	assert_non_null(r);
	while (!evlog_reader__next(r, &it) && it.what == EVLOG_RECORD)
		assert_int_equal(((const struct ev_hdr *)it.rec)->ts, ++seen);
	assert_int_equal(seen, n);
	assert_int_equal(it.what, EVLOG_ADVANCE);
	assert_int_equal(evlog_reader__next(r, &it), 0);
	assert_int_equal(it.what, EVLOG_END);
	assert_true(evlog_reader__complete(r));
	evlog_reader__free(r);
	strbuf_free(&why);
	slow_end(&s);
}

static void first_error_stays(void **state)
{
	struct slow s = slow_new();
	struct rawlog *l = rawlog__new(&(struct sink){ slow_write, &s }, &head);

	(void)state;
	s.err = -ENOSPC;
	sem_post(&s.go);
	while (!rawlog__error(l))
		;
	s.err = -EIO; /* is not asked again */
	sem_post(&s.go);
	assert_false(rawlog__behind(l));
	for (uint64_t ts = 1; ts < 100000; ts++)
		put(l, ts);
	assert_false(rawlog__behind(l));
	assert_int_equal(rawlog__finish(l), -ENOSPC);
	rawlog__free(l);
	slow_end(&s);
}

static void given_up(void **state)
{
	struct slow s = slow_new();
	struct rawlog *l = rawlog__new(&(struct sink){ slow_write, &s }, &head);

	(void)state;
	fill(l);
	rawlog__close(l);
	rawlog__abandon(l);
	assert_int_equal(rawlog__finish(l), -ECANCELED);
	assert_true(rawlog__done(l));
	rawlog__free(l); /* the sanitizer sees pieces that are left */
	slow_end(&s);
}

static void bad_head(void **state)
{
	struct evlog_head none = { .nstream = 0 };
	struct strbuf out = STRBUF_INIT;

	(void)state;
	assert_null(rawlog__new(&(struct sink){ sink_keep, &out }, &none));
	assert_int_equal(errno, EINVAL);
	assert_int_equal(out.len, 0);
	rawlog__free(NULL);
	strbuf_free(&out);
}

/* ---- the worker itself ---- */

struct job {
	struct work work;
	int nr;
};

struct account {
	int sum, cnt;
};

static int add_up(void *ctx, struct work *work)
{
	struct account *a = ctx;
	int nr = ((struct job *)work)->nr;

	assert_int_equal(nr, a->cnt);
	a->cnt++;
	a->sum += nr;
	return nr == 7 ? -EIO : 0;
}

static void works_in_order_and_hands_back(void **state)
{
	struct account a = { 0 };
	struct job job[10];
	struct worker *w = worker__new(&(struct worker_opts){ add_up, &a, 2 });
	int back = 0;

	(void)state;
	assert_non_null(w);
	assert_true(worker__idle(w));
	for (int i = 0; i < 10; i++) {
		job[i].nr = i;
		worker__wait(w);
		worker__give(w, &job[i].work);
	}
	assert_int_equal(worker__finish(w), -EIO);
	assert_int_equal(a.cnt, 8); /* none behind the error */
	assert_int_equal(a.sum, 28);
	job[0].nr = 8;
	while (worker__take_back(w))
		back++;
	assert_int_equal(back, 10);
	worker__give(w, &job[0].work); /* too late: comes straight back */
	assert_ptr_equal(worker__take_back(w), &job[0].work);
	assert_true(worker__idle(w));
	worker__free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_in_order),
		cmocka_unit_test(first_error_stays),
		cmocka_unit_test(given_up),
		cmocka_unit_test(bad_head),
		cmocka_unit_test(works_in_order_and_hands_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
