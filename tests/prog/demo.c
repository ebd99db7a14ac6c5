// SPDX-License-Identifier: BSD-2-Clause
/*
 * A program whose trace is worth looking at: a dozen threads, each with one role and a name that
 * says it.
 *
 * In: -d SECONDS (else until SIGINT or SIGTERM), -q. Out: what each thread does, one line each,
 * then a line "demo: pid N is running" once all of them stand; nothing after that. Exit 0.
 *
 * All work is a count of loop rounds, measured once at the start: a role costs the same CPU time in
 * every round, and reading a clock adds no syscalls to the trace. Threads of a fixed period sleep
 * to absolute times from one common start, so that the picture repeats every 100 ms. Together about
 * 60 % of one CPU.
 *
 * Everything lives in the one static struct below and ends with the process: threads are never
 * stopped.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

#define QUEUE_CAP 8

static struct {
	uint64_t start_ns;	 /* CLOCK_MONOTONIC; the periods of all threads count from here */
	double rounds_per_us;	 /* how much work a microsecond is */
	pthread_barrier_t ready; /* all threads have their names */

	/* producer -> queue -> consumers -> ledger */
	pthread_mutex_t queue_lock;
	pthread_cond_t queue_filled;
	int queue_cnt;
	pthread_mutex_t ledger_lock;

	int echo_fd[2];	 /* socket pair: client, server */
	int ping_fd[2];	 /* pipe: ping writes, pong reads */
	int pong_fd[2];	 /* pipe: pong writes, ping reads */
	int log_fd;	 /* nameless file */
	int spinner_cpu; /* both spinners live here */
} demo;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "demo: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void work_rounds(uint64_t cnt)
{
	for (uint64_t i = 0; i < cnt; i++)
		__asm__ volatile("" ::: "memory");
}

/* Burns this much CPU time, without a syscall. */
static void work_us(unsigned int us)
{
	work_rounds((uint64_t)(us * demo.rounds_per_us));
}

/* The shortest of a few runs is the one that nothing interrupted. */
static void calibrate(void)
{
	const uint64_t rounds = 200000;
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 50; i++) {
		uint64_t begin = now_ns(), took;

		work_rounds(rounds);
		took = now_ns() - begin;
		if (took && took < best)
			best = took;
	}
	demo.rounds_per_us = rounds * 1000.0 / best;
}

/*
 * Sleeps until the next multiple of period_ms after the common start. Who is late skips what was
 * missed, so that a slow machine gets fewer rounds and not a growing delay.
 */
static void next_period(unsigned int period_ms)
{
	uint64_t period = period_ms * NS_PER_MS;
	uint64_t at = demo.start_ns + ((now_ns() - demo.start_ns) / period + 1) * period;
	struct timespec ts = { .tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void read_all(int fd, void *buf, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = read(fd, (char *)buf + got, len - got);

		if (n > 0)
			got += n;
		else if (n == 0 || errno != EINTR)
			die("read");
	}
}

static void write_all(int fd, const void *buf, size_t len)
{
	for (size_t put = 0; put < len;) {
		ssize_t n = write(fd, (const char *)buf + put, len - put);

		if (n > 0)
			put += n;
		else if (n < 0 && errno != EINTR)
			die("write");
	}
}

/* ---- the roles ---- */

static void producer(void)
{
	for (;;) {
		next_period(10);
		work_us(200);
		pthread_mutex_lock(&demo.queue_lock);
		demo.queue_cnt = demo.queue_cnt + 2 > QUEUE_CAP ? QUEUE_CAP : demo.queue_cnt + 2;
		pthread_cond_broadcast(&demo.queue_filled);
		pthread_mutex_unlock(&demo.queue_lock);
	}
}

static void consumer(void)
{
	for (;;) {
		pthread_mutex_lock(&demo.queue_lock);
		while (demo.queue_cnt == 0)
			pthread_cond_wait(&demo.queue_filled, &demo.queue_lock);
		demo.queue_cnt--;
		pthread_mutex_unlock(&demo.queue_lock);

		work_us(300);

		/* the other consumer is here at the same time and has to wait */
		pthread_mutex_lock(&demo.ledger_lock);
		work_us(200);
		pthread_mutex_unlock(&demo.ledger_lock);
	}
}

static void echo_client(void)
{
	char buf[64] = "echo";

	for (;;) {
		next_period(20);
		work_us(200);
		write_all(demo.echo_fd[0], buf, sizeof(buf));
		read_all(demo.echo_fd[0], buf, sizeof(buf));
	}
}

static void echo_server(void)
{
	char buf[64];

	for (;;) {
		read_all(demo.echo_fd[1], buf, sizeof(buf));
		work_us(500);
		write_all(demo.echo_fd[1], buf, sizeof(buf));
	}
}

static void logger(void)
{
	static const char line[] = "nothing new\n";

	for (;;) {
		next_period(50);
		if (pwrite(demo.log_fd, line, sizeof(line) - 1, 0) < 0 || fsync(demo.log_fd))
			die("log file");
	}
}

/* The heap row of the viewer: memory that grows for two seconds and is given back. */
static void cache(void)
{
	enum { STEPS = 20, STEP = 1 << 20 };
	char *mem;
	int i;

	for (;;) {
		mem = mmap(NULL, STEPS * STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
		if (mem == MAP_FAILED)
			die("memory");
		for (i = 0; i < STEPS; i++) {
			next_period(100);
			memset(mem + i * STEP, 1, STEP);
		}
		munmap(mem, STEPS * STEP);
	}
}

static void spinner(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(demo.spinner_cpu, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
		fprintf(stderr, "demo: a spinner could not be bound to CPU %d and roams\n",
			demo.spinner_cpu);
	for (;;) {
		next_period(100);
		work_us(20000);
	}
}

static void sleeper(void)
{
	for (;;)
		next_period(100);
}

static void timer(void)
{
	struct itimerspec every = { .it_value.tv_nsec = 20 * NS_PER_MS,
				    .it_interval.tv_nsec = 20 * NS_PER_MS };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	uint64_t cnt;

	if (fd < 0 || timerfd_settime(fd, 0, &every, NULL))
		die("timerfd");
	for (;;) {
		read_all(fd, &cnt, sizeof(cnt));
		work_us(50);
	}
}

static void ping(void)
{
	char ball = 0;

	for (;;) {
		next_period(50);
		for (int i = 0; i < 10; i++) {
			write_all(demo.ping_fd[1], &ball, 1);
			read_all(demo.pong_fd[0], &ball, 1);
		}
	}
}

static void pong(void)
{
	char ball;

	for (;;) {
		read_all(demo.ping_fd[0], &ball, 1);
		write_all(demo.pong_fd[1], &ball, 1);
	}
}

static void *short_lived(void *name)
{
	pthread_setname_np(pthread_self(), name);
	work_us(1000);
	return NULL;
}

static void spawner(void)
{
	static const char *const name[] = { "short-1", "short-2", "short-3" };
	pthread_t thread[3];

	for (;;) {
		next_period(200);
		for (int i = 0; i < 3; i++)
			if ((errno = pthread_create(&thread[i], NULL, short_lived,
						    (void *)name[i])))
				die("pthread_create");
		for (int i = 0; i < 3; i++)
			pthread_join(thread[i], NULL);
	}
}

/* ---- one row per thread ---- */

static const struct role {
	const char *name; /* at most 15 characters */
	void (*run)(void);
	const char *what;
} roles[] = {
	{ "producer", producer, "puts 2 items into a queue every 10 ms and wakes both consumers" },
	{ "consumer-1", consumer,
	  "takes an item, works 0.3 ms, then 0.2 ms under the ledger lock" },
	{ "consumer-2", consumer, "the same: one of the two finds the ledger locked and waits" },
	{ "echo-client", echo_client,
	  "sends a message over a socket every 20 ms, waits for the answer" },
	{ "echo-server", echo_server, "works 0.5 ms for each message and sends it back" },
	{ "logger", logger, "writes a line and waits for the disk (fsync) every 50 ms" },
	{ "cache", cache, "takes 1 MB more every 100 ms, and gives all back after 20" },
	{ "spinner-1", spinner, "burns 20 ms of CPU every 100 ms, on the same CPU as spinner-2" },
	{ "spinner-2", spinner,
	  "the same: the two take turns, one is runnable while the other runs" },
	{ "sleeper", sleeper, "sleeps 100 ms at a time" },
	{ "timer", timer, "waits for a timer that fires every 20 ms, works 0.05 ms" },
	{ "ping", ping, "plays 10 rounds with pong over two pipes every 50 ms" },
	{ "pong", pong, "returns each byte" },
	{ "spawner", spawner,
	  "starts short-1, short-2, short-3 every 200 ms; each works 1 ms and ends" },
};

#define ROLE_CNT (sizeof(roles) / sizeof(roles[0]))

static void *role_main(void *arg)
{
	const struct role *role = arg;

	pthread_setname_np(pthread_self(), role->name);
	pthread_barrier_wait(&demo.ready);
	role->run();
	return NULL;
}

/* A file without a name, on a disk where there is one: fsync on a tmpfs would not wait. */
static int open_log(void)
{
	static const char *const dirs[] = { "/var/tmp", "/tmp", "." };
	char path[64];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/ctrace-demo-XXXXXX", dirs[i]);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0) {
			unlink(path);
			return fd;
		}
	}
	return -1;
}

/* The last CPU that we may use: the first one has the most to do elsewhere. */
static int pick_cpu(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 0;
	for (int cpu = CPU_SETSIZE - 1; cpu > 0; cpu--)
		if (CPU_ISSET(cpu, &set))
			return cpu;
	return 0;
}

static _Noreturn void usage(int status)
{
	fputs("usage: demo [-d SECONDS] [-q]\n", status ? stderr : stdout);
	exit(status);
}

/* Until one of the signals, or the time, 0 none. A stop and a continue end the wait and are no
 * reason to end. */
static void wait_for_end(const sigset_t *stop, double seconds)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * NS_PER_S), now;
	struct timespec ts;
	int sig;

	do {
		now = now_ns();
		if (seconds > 0 && now >= end)
			return;
		ts = (struct timespec){ .tv_sec = (time_t)((end - now) / NS_PER_S),
					.tv_nsec = (long)((end - now) % NS_PER_S) };
		sig = seconds > 0 ? sigtimedwait(stop, NULL, &ts) : sigwaitinfo(stop, NULL);
	} while (sig < 0 && errno == EINTR);
}

int main(int argc, char **argv)
{
	double seconds = 0;
	sigset_t stop;
	int quiet = 0, opt;

	while ((opt = getopt(argc, argv, "d:qh")) != -1) {
		char *end = NULL;

		if (opt == 'd') {
			seconds = strtod(optarg, &end);
			if (*end || !(seconds > 0 && seconds < 1e6))
				usage(2);
		} else if (opt == 'q') {
			quiet = 1;
		} else {
			usage(opt == 'h' ? 0 : 2);
		}
	}
	if (optind != argc)
		usage(2);

	/* blocked before the threads inherit the mask: only main takes them */
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);

	calibrate();
	pthread_mutex_init(&demo.queue_lock, NULL);
	pthread_mutex_init(&demo.ledger_lock, NULL);
	pthread_cond_init(&demo.queue_filled, NULL);
	pthread_barrier_init(&demo.ready, NULL, ROLE_CNT + 1);
	demo.spinner_cpu = pick_cpu();
	demo.log_fd = open_log();
	if (demo.log_fd < 0)
		die("no place for the log file in /var/tmp, /tmp or here");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, demo.echo_fd) ||
	    pipe2(demo.ping_fd, O_CLOEXEC) || pipe2(demo.pong_fd, O_CLOEXEC))
		die("sockets and pipes");
	demo.start_ns = now_ns();

	for (size_t i = 0; i < ROLE_CNT; i++) {
		pthread_t thread;

		errno = pthread_create(&thread, NULL, role_main, (void *)&roles[i]);
		if (errno)
			die("pthread_create");
		if (!quiet)
			printf("  %-12s %s\n", roles[i].name, roles[i].what);
	}
	pthread_barrier_wait(&demo.ready);
	printf("demo: pid %d is running\n", (int)getpid());
	fflush(stdout);

	wait_for_end(&stop, seconds);
	/* without the exit handlers: the threads are still at work */
	_exit(0);
}
