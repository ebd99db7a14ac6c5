// SPDX-License-Identifier: BSD-2-Clause
/*
 * Eight threads of different habits, and what the kernel accounts to each at two moments.
 *
 * With the argument "cpu" all eight are CPU-bound. In: a line "read" on stdin. Out: "ready PID"; at
 * each "read" a block of lines "TID COMM run_ns wait_ns slices switches", taken by the thread
 * "reader" which makes a mark (see prog.h) right before and right after, then "end". Ends at the
 * end of stdin.
 *
 * schedstat of a running thread is as old as its last tick, so all threads are made to stop at a
 * gate while the reader reads: what it reads is exact, and the gate is a sleep in the trace as in
 * the kernel.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "prog.h"

#define NTHREAD 8

static struct {
	pthread_mutex_t gate, fought;
	pthread_cond_t arrive, open;
	atomic_int closed;
	int inside;
	double rounds_per_us;
	int ping[2], pong[2], sock[2], file;
	pid_t tid[NTHREAD];
	atomic_int up;
} s = { .gate = PTHREAD_MUTEX_INITIALIZER,
	.fought = PTHREAD_MUTEX_INITIALIZER,
	.arrive = PTHREAD_COND_INITIALIZER,
	.open = PTHREAD_COND_INITIALIZER };

static void gate(void)
{
	if (!atomic_load(&s.closed))
		return;
	pthread_mutex_lock(&s.gate);
	s.inside++;
	pthread_cond_signal(&s.arrive);
	while (atomic_load(&s.closed))
		pthread_cond_wait(&s.open, &s.gate);
	s.inside--;
	pthread_mutex_unlock(&s.gate);
}

static void us(double n)
{
	burn(s.rounds_per_us * n);
}

static void sleep_us(long n)
{
	struct timespec ts = { .tv_nsec = n * 1000 };

	nanosleep(&ts, NULL);
}

static void cpu(void)
{
	us(2000);
}

static void sleeper(void)
{
	us(50);
	sleep_us(1000);
}

/* Tells the partner before it goes to the gate itself: else one would wait for the other who stands
 * there. */
static void pinger(void)
{
	char c = 'p';

	OK(write(s.ping[1], &c, 1));
	OK(read(s.pong[0], &c, 1));
	us(20);
}

static void ponger(void)
{
	char c;

	OK(read(s.ping[0], &c, 1));
	if (c == 'q')
		gate();
	else
		OK(write(s.pong[1], &c, 1));
}

static void fighter(void)
{
	pthread_mutex_lock(&s.fought);
	us(200);
	pthread_mutex_unlock(&s.fought);
	us(20);
	sleep_us(150);
}

static void filer(void)
{
	char buf[4096] = { 0 };

	OK(pwrite(s.file, buf, sizeof(buf), 0));
	OK(fdatasync(s.file));
	sleep_us(500);
}

static void talker(void)
{
	char buf[64] = { 0 };

	OK(send(s.sock[0], buf, sizeof(buf), 0));
	OK(recv(s.sock[1], buf, sizeof(buf), 0));
	us(30);
	sleep_us(200);
}

struct role {
	const char *name;
	void (*round)(void);
};

static const struct role mixed[NTHREAD] = { { "cpu", cpu },	      { "sleeper", sleeper },
					    { "pinger", pinger },     { "ponger", ponger },
					    { "fighter-1", fighter }, { "fighter-2", fighter },
					    { "filer", filer },	      { "talker", talker } };

static const struct role all_cpu[NTHREAD] = { { "cpu-1", cpu }, { "cpu-2", cpu }, { "cpu-3", cpu },
					      { "cpu-4", cpu }, { "cpu-5", cpu }, { "cpu-6", cpu },
					      { "cpu-7", cpu }, { "cpu-8", cpu } };
static const struct role *roles = mixed;

static void *run(void *arg)
{
	size_t i = (size_t)arg;

	prctl(PR_SET_NAME, roles[i].name);
	s.tid[i] = (pid_t)syscall(SYS_gettid);
	atomic_fetch_add(&s.up, 1);
	for (;;) {
		if (roles[i].round == pinger && atomic_load(&s.closed))
			OK(write(s.ping[1], "q", 1));
		if (roles[i].round != ponger)
			gate();
		roles[i].round();
	}
	return NULL;
}

static unsigned long long number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void account(int i)
{
	char path[64], stat[128] = "", status[4096] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", s.tid[i]);
	fd = open(path, O_RDONLY);
	OK(fd);
	OK(read(fd, stat, sizeof(stat) - 1));
	close(fd);
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", s.tid[i]);
	fd = open(path, O_RDONLY);
	OK(fd);
	OK(read(fd, status, sizeof(status) - 1));
	close(fd);
	stat[strcspn(stat, "\n")] = 0;
	printf("%d %s %s %llu\n", s.tid[i], roles[i].name, stat,
	       number_after(status, "\nvoluntary_ctxt_switches:") +
		       number_after(status, "nonvoluntary_ctxt_switches:"));
}

static void read_all(void)
{
	int i;

	pthread_mutex_lock(&s.gate);
	atomic_store(&s.closed, 1);
	while (s.inside < NTHREAD)
		pthread_cond_wait(&s.arrive, &s.gate);
	pthread_mutex_unlock(&s.gate);
	sleep_us(20000); /* the last ones that arrived are asleep by then, not only counted */
	mark();
	for (i = 0; i < NTHREAD; i++)
		account(i);
	printf("end\n");
	fflush(stdout);
	pthread_mutex_lock(&s.gate);
	atomic_store(&s.closed, 0);
	pthread_cond_broadcast(&s.open);
	pthread_mutex_unlock(&s.gate);
}

int main(int argc, char **argv)
{
	char line[64], name[] = "mixed.XXXXXX";
	pthread_t th;
	size_t i;

	if (argc > 1 && !strcmp(argv[1], "cpu"))
		roles = all_cpu;
	s.rounds_per_us = rounds_per_ns() * 1000;
	OK(pipe(s.ping));
	OK(pipe(s.pong));
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s.sock));
	s.file = mkstemp(name);
	OK(s.file);
	OK(unlink(name));
	prctl(PR_SET_NAME, "reader");
	for (i = 0; i < NTHREAD; i++)
		pthread_create(&th, NULL, run, (void *)i);
	while (atomic_load(&s.up) < NTHREAD)
		sched_yield();
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		read_all();
	return 0;
}
