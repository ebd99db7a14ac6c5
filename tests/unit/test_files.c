// SPDX-License-Identifier: BSD-2-Clause
/* Files read by another process: the same as by this one, and no longer than it is at work. */
#include "helpers.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "space/files.h"
#include "unwind/table.h"

static const struct plan_wishes wishes = { .header = true };

/* This program, as if it was mapped by itself. */
static struct filework_ask ask_self(enum filework_what what)
{
	struct code_mapping map = { .start = 0x1000, .end = 0x2000 };
	struct filework_ask ask;
	struct stat st;

	assert_int_equal(stat("/proc/self/exe", &st), 0);
	map.dev = st.st_dev;
	map.ino = st.st_ino;
	ask = filework_ask_of(what, (uint32_t)getpid(), &map);
	ask.rows = true;
	return ask;
}

static void free_answer(struct filework_answer *a)
{
	strbuf_free(&a->body);
	if (a->fd >= 0)
		close(a->fd);
}

static int ask_and_free(struct files *f, const struct filework_ask *ask)
{
	struct filework_answer a;
	int err = files__ask(f, ask, "/proc/self/exe", &a);

	free_answer(&a);
	return err;
}

static void the_answer_is_the_same(void **state)
{
	const struct filework_ask ask = ask_self(FILEWORK_READ);
	struct files *f = files__new(&wishes);
	struct strbuf why = STRBUF_INIT;
	struct filework_answer here, there;
	struct unwind_table t;
	struct stat st;

	(void)state;
	assert_non_null(f);
	assert_int_equal(files__ask(NULL, &ask, "/proc/self/exe", &here), 0);
	assert_int_equal(files__ask(f, &ask, "/proc/self/exe", &there), 0);
	assert_memory_equal(&here.told, &there.told, sizeof(here.told));
	assert_int_equal(here.body.len, there.body.len);
	assert_memory_equal(here.body.buf, there.body.buf, here.body.len);
	assert_int_equal(there.told.err, 0);
	assert_int_equal(fstat(there.fd, &st), 0);
	assert_int_equal(st.st_ino, ask.ino);
	assert_int_equal(filework_rows(&there, &t, &why), 0);
	assert_true(t.nrow > 100);
	unwind_table_free(&t);
	free_answer(&here);
	free_answer(&there);
	files__free(f);
	strbuf_free(&why);
}

/* Rows that another process tells are looked at before they are used. */
static void rows_are_checked(void **state)
{
	const struct filework_ask ask = ask_self(FILEWORK_READ);
	struct strbuf why = STRBUF_INIT;
	struct filework_answer a;
	struct unwind_table t;
	size_t len, cut;

	(void)state;
	assert_int_equal(files__ask(NULL, &ask, "/proc/self/exe", &a), 0);
	len = a.body.len;
	for (cut = 1; cut < len; cut += 1 + len / 100) {
		a.body.len = len - cut;
		assert_int_equal(filework_rows(&a, &t, &why), -EPROTO);
		unwind_table_free(&t);
	}
	a.body.len = len;
	memset(a.body.buf + 1 + 24, 0xff, 8); /* the first address: the second one is below it */
	assert_int_equal(filework_rows(&a, &t, &why), -EPROTO);
	unwind_table_free(&t);
	free_answer(&a);
	strbuf_free(&why);
}

static void no_file(void **state)
{
	struct files *f = files__new(&wishes);
	struct filework_ask ask = ask_self(FILEWORK_READ);
	struct filework_answer a;

	(void)state;
	ask.ino++;
	assert_int_equal(files__ask(f, &ask, "/no/such/file", &a), 0);
	assert_true(a.told.err && a.fd < 0);
	free_answer(&a);
	files__free(f);
}

/* A worker that is stopped takes no time, as one that a file system holds. */
static void a_silent_one_is_given_up(void **state)
{
	struct filework_ask ask = ask_self(FILEWORK_STAT);
	struct files *f = files__new(&wishes);
	uint32_t worker;

	(void)state;
	assert_int_equal(ask_and_free(f, &ask), 0);
	worker = files__worker(f);
	assert_true(worker);
	assert_int_equal(kill((pid_t)worker, SIGSTOP), 0);
	assert_int_equal(ask_and_free(f, &ask), -ETIMEDOUT);
	/* its file system is not asked again, another one is, by another worker */
	assert_int_equal(ask_and_free(f, &ask), -ETIMEDOUT);
	assert_int_equal(files__worker(f), worker);
	ask.dev++;
	assert_int_equal(ask_and_free(f, &ask), 0);
	assert_int_not_equal(files__worker(f), worker);
	files__free(f);
}

static void who_is_to_end_does_not_wait(void **state)
{
	const struct filework_ask ask = ask_self(FILEWORK_STAT);
	struct files *f = files__new(&wishes);
	int stop = eventfd(0, EFD_CLOEXEC);
	uint64_t one = 1;

	(void)state;
	files__stop_fd(f, stop);
	assert_int_equal(ask_and_free(f, &ask), 0);
	assert_int_equal(write(stop, &one, sizeof(one)), sizeof(one));
	assert_int_equal(ask_and_free(f, &ask), -ECANCELED);
	files__free(f);
	close(stop);
}

static void a_killed_one_is_replaced(void **state)
{
	const struct filework_ask ask = ask_self(FILEWORK_STAT);
	struct files *f = files__new(&wishes);

	(void)state;
	assert_int_equal(ask_and_free(f, &ask), 0);
	assert_int_equal(kill((pid_t)files__worker(f), SIGKILL), 0);
	while (ask_and_free(f, &ask)) /* it may not be gone yet */
		;
	files__free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_is_the_same),
		cmocka_unit_test(rows_are_checked),
		cmocka_unit_test(no_file),
		cmocka_unit_test(a_silent_one_is_given_up),
		cmocka_unit_test(who_is_to_end_does_not_wait),
		cmocka_unit_test(a_killed_one_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
