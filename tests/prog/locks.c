// SPDX-License-Identifier: BSD-2-Clause
/*
 * Waits whose callers are known by function, file and line, for the profiles: two callers of one
 * lock, held asleep most of the time; one who reads an answer from a socket; one who waits for the
 * disk.
 *
 * In: locks [DIR], where a file is made and unlinked [.]. Out: "ready PID", then a line "line WHAT
 * FUNCTION LINE" for each known place: two of `sync`, one each of `net` and `syscall`. After a line
 * on stdin it works for a second, then "waited FUNCTION NS" for the two callers of the lock, as
 * measured by themselves, and "done". Ends with stdin.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "prog.h"

#define NOINLINE __attribute__((noinline, noclone))
#define SECOND 1000000000ull

static pthread_mutex_t ledger = PTHREAD_MUTEX_INITIALIZER;
static atomic_int go, stop;
static int pair[2], file;
static uint64_t waited_transfer, waited_audit;
static int line_transfer, line_audit, line_answer, line_record;
static volatile uint64_t total;

static void doze(long us)
{
	nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

/* Each stores the line of its call, and does something after it, so that it is no tail call. */
static NOINLINE void transfer_money(void)
{
	uint64_t begin = now_ns(CLOCK_MONOTONIC);

	line_transfer = __LINE__ + 1;
	pthread_mutex_lock(&ledger);
	waited_transfer += now_ns(CLOCK_MONOTONIC) - begin;
	total++;
	doze(3000);
	pthread_mutex_unlock(&ledger);
	total++;
}

static NOINLINE void audit_ledger(void)
{
	uint64_t begin = now_ns(CLOCK_MONOTONIC);

	line_audit = __LINE__ + 1;
	pthread_mutex_lock(&ledger);
	waited_audit += now_ns(CLOCK_MONOTONIC) - begin;
	total++;
	doze(1000);
	pthread_mutex_unlock(&ledger);
	total++;
}

static NOINLINE void fetch_answer(void)
{
	char c;

	line_answer = __LINE__ + 1;
	OK(recv(pair[0], &c, 1, 0));
	total++;
}

static NOINLINE void store_record(void)
{
	OK(pwrite(file, "record", 6, 0));
	line_record = __LINE__ + 1;
	OK(fsync(file));
	total++;
}

static void *teller(void *arg)
{
	prctl(PR_SET_NAME, "teller");
	while (!go)
		doze(1000);
	while (!stop) {
		transfer_money();
		doze(200);
	}
	return arg;
}

static void *auditor(void *arg)
{
	prctl(PR_SET_NAME, "auditor");
	while (!go)
		doze(1000);
	while (!stop) {
		audit_ledger();
		doze(200);
	}
	return arg;
}

static void *asker(void *arg)
{
	prctl(PR_SET_NAME, "asker");
	while (!stop)
		fetch_answer();
	return arg;
}

static void *writer(void *arg)
{
	prctl(PR_SET_NAME, "writer");
	while (!go)
		doze(1000);
	while (!stop) {
		store_record();
		doze(2000);
	}
	return arg;
}

int main(int argc, char **argv)
{
	void *(*role[])(void *) = { teller, auditor, asker, writer };
	uint64_t begin;
	pthread_t th[4];
	char line[64];
	int i;

	OK(file = open(argc > 1 ? argv[1] : ".", O_TMPFILE | O_WRONLY, 0600));
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	/* once each alone, so that the lines are known; not recorded yet */
	transfer_money();
	audit_ledger();
	OK(send(pair[1], "x", 1, 0));
	fetch_answer();
	store_record();
	waited_transfer = waited_audit = 0;
	for (i = 0; i < 4; i++)
		OK(-pthread_create(&th[i], NULL, role[i], NULL));
	printf("ready %d\n", getpid());
	printf("line sync transfer_money %d\nline sync audit_ledger %d\n", line_transfer,
	       line_audit);
	printf("line net fetch_answer %d\nline syscall store_record %d\n", line_answer,
	       line_record);
	fflush(stdout);
	if (read(0, line, sizeof(line)) <= 0)
		return 0;
	go = 1;
	for (begin = now_ns(CLOCK_MONOTONIC); now_ns(CLOCK_MONOTONIC) < begin + SECOND;) {
		doze(5000);
		OK(send(pair[1], "x", 1, 0));
	}
	stop = 1;
	OK(send(pair[1], "x", 1, 0));
	for (i = 0; i < 4; i++)
		pthread_join(th[i], NULL);
	printf("waited transfer_money %llu\nwaited audit_ledger %llu\ndone\n",
	       (unsigned long long)waited_transfer, (unsigned long long)waited_audit);
	fflush(stdout);
	while (read(0, line, sizeof(line)) > 0)
		;
	return 0;
}
