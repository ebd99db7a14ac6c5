// SPDX-License-Identifier: BSD-2-Clause
/* The event loop: what is reported is delivered, to what still wants it, and to nothing else. */
#include "helpers.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "util/loop.h"

#define SECOND 1000000000ull

struct heard {
	struct loop *loop;
	struct loop_watch *watch[2];
	struct loop_timer *timer[2];
	unsigned calls, stop_at;
	uint32_t events;
	char order[8];
	size_t norder;
};

static void count(struct heard *s)
{
	if (++s->calls == s->stop_at)
		loop__stop(s->loop);
}

static void on_fd(void *ctx, uint32_t events)
{
	struct heard *s = ctx;

	s->events |= events;
	count(s);
}

static void on_timer(void *ctx)
{
	count(ctx);
}

static void give_up(void *ctx)
{
	(void)ctx;
	fail_msg("nothing happened for 20 s");
}

/* A loop that does not end by what is tested fails. */
static struct loop *new_loop(void)
{
	struct loop *l = loop__new();

	assert_non_null(l);
	loop_timer__set(loop__timer(l, give_up, NULL), 20 * SECOND);
	return l;
}

static void a_descriptor(void **state)
{
	struct heard s = { .loop = new_loop(), .stop_at = 3 };
	int fd[2];

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	s.watch[0] = loop__watch(s.loop, fd[0], EPOLLIN, on_fd, &s);
	assert_non_null(s.watch[0]);
	assert_int_equal(write(fd[1], "x", 1), 1);
	/* what is not read is told again */
	assert_int_equal(loop__run(s.loop), 0);
	assert_int_equal(s.calls, 3);
	assert_int_equal(s.events, EPOLLIN);
	close(fd[1]);
	s.stop_at = 4;
	assert_int_equal(loop__run(s.loop), 0);
	assert_int_equal(s.events, EPOLLIN | EPOLLHUP);
	loop__free(s.loop);
	close(fd[0]);
}

static void not_every_descriptor(void **state)
{
	struct loop *l = new_loop();
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_null(loop__watch(l, fd, EPOLLIN, on_fd, NULL));
	assert_int_equal(errno, EPERM);
	close(fd);
	assert_null(loop__watch(l, fd, EPOLLIN, on_fd, NULL));
	assert_int_equal(errno, EBADF);
	loop_watch__end(NULL);
	loop_timer__end(NULL);
	loop__free(l);
	loop__free(NULL);
}

static void other_events(void **state)
{
	struct heard s = { .loop = new_loop(), .stop_at = 1 };
	struct loop_timer *t = loop__timer(s.loop, on_timer, &s);
	int fd[2];

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	s.watch[0] = loop__watch(s.loop, fd[1], 0, on_fd, &s);
	loop_timer__set(t, 0);
	assert_int_equal(loop__run(s.loop), 0);
	assert_int_equal(s.events, 0); /* it was the timer */
	assert_int_equal(loop_watch__want(s.watch[0], EPOLLOUT), 0);
	s.stop_at = 2;
	assert_int_equal(loop__run(s.loop), 0);
	assert_int_equal(s.events, EPOLLOUT);
	loop__free(s.loop);
	close(fd[0]);
	close(fd[1]);
}

/* Ends both watches and closes the descriptors, one of which was reported, too. */
static void end_both(void *ctx, uint32_t events)
{
	struct heard *s = ctx;

	(void)events;
	loop_watch__end(s->watch[0]);
	loop_watch__end(s->watch[1]);
	s->calls++;
}

static void ends_others(void **state)
{
	struct heard s = { .loop = new_loop() };
	int fd[2][2], i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_int_equal(pipe2(fd[i], O_CLOEXEC), 0);
		assert_int_equal(write(fd[i][1], "x", 1), 1);
		s.watch[i] = loop__watch(s.loop, fd[i][0], EPOLLIN, end_both, &s);
	}
	s.stop_at = 2;
	s.timer[0] = loop__timer(s.loop, on_timer, &s);
	loop_timer__set(s.timer[0], SECOND / 50);
	assert_int_equal(loop__run(s.loop), 0);
	assert_int_equal(s.calls, 2); /* one of the two, and the timer */
	/* the descriptor can be watched anew */
	s.watch[0] = loop__watch(s.loop, fd[0][0], EPOLLIN, on_fd, &s);
	assert_non_null(s.watch[0]);
	s.stop_at = 3;
	assert_int_equal(loop__run(s.loop), 0);
	assert_int_equal(s.events, EPOLLIN);
	loop__free(s.loop);
	for (i = 0; i < 2; i++) {
		close(fd[i][0]);
		close(fd[i][1]);
	}
}

static void note(struct heard *s, char c)
{
	s->order[s->norder++] = c;
	count(s);
}

static void on_a(void *ctx)
{
	note(ctx, 'a');
}

static void on_b(void *ctx)
{
	note(ctx, 'b');
}

static void in_their_order(void **state)
{
	struct heard s = { .loop = new_loop(), .stop_at = 2 };
	struct loop_timer *b = loop__timer(s.loop, on_b, &s);
	struct loop_timer *a = loop__timer(s.loop, on_a, &s); /* is looked at first */

	(void)state;
	loop_timer__set(b, 1000);
	loop_timer__set(a, 2000);
	assert_int_equal(loop__run(s.loop), 0);
	assert_string_equal(s.order, "ba");
	/* once; anew in place of what was set; not any more */
	loop_timer__set(a, 1000);
	loop_timer__set(a, 2000);
	loop_timer__set(b, 1500);
	loop_timer__unset(b);
	s.stop_at = 3;
	assert_int_equal(loop__run(s.loop), 0);
	assert_string_equal(s.order, "baa");
	loop_timer__set(b, UINT64_MAX);
	loop_timer__set(a, 0);
	s.stop_at = 4;
	assert_int_equal(loop__run(s.loop), 0);
	assert_string_equal(s.order, "baaa");
	loop__free(s.loop);
}

/* A timer that ends itself and the other one, which is due as well. */
static void end_timers(void *ctx)
{
	struct heard *s = ctx;

	loop_timer__end(s->timer[0]);
	loop_timer__end(s->timer[1]);
	s->calls++;
	loop__stop(s->loop);
}

static void timers_end_each_other(void **state)
{
	struct heard s = { .loop = new_loop() };
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		s.timer[i] = loop__timer(s.loop, end_timers, &s);
		loop_timer__set(s.timer[i], 0);
	}
	assert_int_equal(loop__run(s.loop), 0);
	assert_int_equal(s.calls, 1);
	loop__free(s.loop);
}

static void again(void *ctx)
{
	struct heard *s = ctx;

	loop_timer__set(s->timer[0], 0);
	s->calls++;
}

static void stop_it(void *ctx, uint32_t events)
{
	struct heard *s = ctx;

	s->events = events;
	if (s->calls >= 3)
		loop__stop(s->loop);
}

/* A timer that is always due leaves descriptors their turn. */
static void nobody_starves(void **state)
{
	struct heard s = { .loop = new_loop() };
	int fd[2];

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	s.watch[0] = loop__watch(s.loop, fd[1], EPOLLOUT, stop_it, &s);
	s.timer[0] = loop__timer(s.loop, again, &s);
	loop_timer__set(s.timer[0], 0);
	assert_int_equal(loop__run(s.loop), 0);
	assert_true(s.calls >= 3);
	loop__free(s.loop);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descriptor),	  cmocka_unit_test(not_every_descriptor),
		cmocka_unit_test(other_events),	  cmocka_unit_test(ends_others),
		cmocka_unit_test(in_their_order), cmocka_unit_test(timers_end_each_other),
		cmocka_unit_test(nobody_starves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
