// SPDX-License-Identifier: BSD-2-Clause
/*
 * One thread blocked in each kind of wait, named after it. All sleep before and during a recording;
 * at a line on stdin each is woken once and sleeps again, so that the wait is seen both as an
 * initial state and as a transition.
 *
 * Out: "ready PID" and, for each thread, "class NAME REASON SYSCALL"; then "end". Ends at the end
 * of stdin.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "prog.h"

/* The signal wakes whatever it is: the call fails with EINTR and is made again. */
static void on_signal(int sig)
{
	(void)sig;
}

static int fd_new(int kind)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	sigset_t set;
	int fd[2];

	switch (kind) {
	case 'p':
		OK(pipe(fd));
		return fd[0];
	case 'P': /* full */
		OK(pipe2(fd, O_NONBLOCK));
		while (write(fd[1], &any, sizeof(any)) > 0)
			;
		OK(fcntl(fd[1], F_SETFL, 0));
		return fd[1];
	case 's':
		OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
		return fd[0];
	case 'l':
		fd[0] = socket(AF_INET, SOCK_STREAM, 0);
		OK(fd[0]);
		any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		OK(bind(fd[0], (struct sockaddr *)&any, sizeof(any)));
		OK(listen(fd[0], 1));
		return fd[0];
	case 'e':
		return eventfd(0, 0);
	case 't':
		return timerfd_create(CLOCK_MONOTONIC, 0);
	case 'g':
		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		return signalfd(-1, &set, 0);
	case 'i':
		return inotify_init();
	case 'y':
		fd[0] = posix_openpt(O_RDWR | O_NOCTTY);
		OK(fd[0]);
		OK(grantpt(fd[0]));
		OK(unlockpt(fd[0]));
		fd[1] = open(ptsname(fd[0]), O_RDWR | O_NOCTTY);
		OK(fd[1]);
		return fd[1];
	}
	return -1;
}

static char buf[512];

static void w_read(int fd)
{
	(void)!read(fd, buf, sizeof(buf)); /* an inotify event needs room, and an eventfd 8 bytes */
}

static void w_write(int fd)
{
	(void)!write(fd, buf, 64);
}

static void w_recv(int fd)
{
	recv(fd, buf, 1, 0);
}

static void w_accept(int fd)
{
	accept(fd, NULL, NULL);
}

static void w_poll(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	poll(&p, 1, -1);
}

static void w_select(int fd)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	select(fd + 1, &set, NULL, NULL, NULL);
}

static void w_epoll(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	epoll_wait(ep, &ev, 1, -1);
	close(ep);
}

static void w_futex(int fd)
{
	static int word;

	(void)fd;
	syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void w_sleep(int fd)
{
	struct timespec ts = { .tv_sec = 1000 };

	(void)fd;
	syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, NULL);
}

static void w_pause(int fd)
{
	(void)fd;
	pause();
}

static char lock_name[] = "classes.XXXXXX";

static void w_flock(int fd)
{
	(void)fd;
	fd = open(lock_name, O_RDWR);
	flock(fd, LOCK_EX);
	close(fd);
}

static void w_lockf(int fd)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };

	(void)fd;
	fd = open(lock_name, O_RDWR);
	fcntl(fd, F_OFD_SETLKW, &fl);
	close(fd);
}

static pid_t child;

static void w_wait(int fd)
{
	(void)fd;
	waitpid(child, NULL, 0);
}

static int sem_id, msg_id;

static void w_sem(int fd)
{
	struct sembuf op = { .sem_op = -1 };

	(void)fd;
	syscall(SYS_semtimedop, sem_id, &op, 1, NULL); /* what newer libraries make of semop */
}

static void w_msg(int fd)
{
	struct {
		long type;
		char text[8];
	} m;

	(void)fd;
	msgrcv(msg_id, &m, sizeof(m.text), 0, 0);
}

static void w_sigwait(int fd)
{
	sigset_t set;

	(void)fd;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigwaitinfo(&set, NULL);
}

static const struct {
	const char *name, *reason, *sys;
	void (*wait)(int fd);
	int kind;
} classes[] = {
	{ "c-futex", "sync", "futex", w_futex, 0 },
	{ "c-flock", "sync", "flock", w_flock, 0 },
	{ "c-fcntl", "sync", "fcntl", w_lockf, 0 },
	{ "c-wait4", "sync", "wait4", w_wait, 0 },
	{ "c-pause", "sync", "pause", w_pause, 0 },
	{ "c-semop", "sync", "semtimedop", w_sem, 0 },
	{ "c-msgrcv", "sync", "msgrcv", w_msg, 0 },
	{ "c-sigwait", "sync", "rt_sigtimedwait", w_sigwait, 0 },
	{ "c-accept", "network", "accept", w_accept, 'l' },
	{ "c-recv", "network", "recvfrom", w_recv, 's' },
	{ "c-sockread", "network", "read", w_read, 's' },
	{ "c-poll", "select", "poll", w_poll, 'p' },
	{ "c-select", "select", "pselect6", w_select, 'p' },
	{ "c-epoll", "select", "epoll_wait", w_epoll, 'p' },
	{ "c-sleep", "sleep", "clock_nanosleep", w_sleep, 0 },
	{ "c-piperead", "chan receive", "read", w_read, 'p' },
	{ "c-eventfd", "chan receive", "read", w_read, 'e' },
	{ "c-timerfd", "chan receive", "read", w_read, 't' },
	{ "c-signalfd", "chan receive", "read", w_read, 'g' },
	{ "c-inotify", "chan receive", "read", w_read, 'i' },
	{ "c-ttyread", "chan receive", "read", w_read, 'y' },
	{ "c-pipewrite", "chan send", "write", w_write, 'P' },
};

#define N (sizeof(classes) / sizeof(classes[0]))

static pthread_t threads[N];
static atomic_int up;

static void *run(void *arg)
{
	size_t i = (size_t)arg;
	int fd = classes[i].kind ? fd_new(classes[i].kind) : -1;

	prctl(PR_SET_NAME, classes[i].name);
	atomic_fetch_add(&up, 1);
	for (;;)
		classes[i].wait(fd);
	return NULL;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	char line[64];
	int lock;
	size_t i;

	sigaction(SIGUSR1, &sa, NULL);
	lock = mkstemp(lock_name);
	OK(lock);
	OK(flock(lock, LOCK_EX));
	OK(fcntl(lock, F_OFD_SETLKW, &fl));
	sem_id = semget(IPC_PRIVATE, 1, 0600);
	msg_id = msgget(IPC_PRIVATE, 0600);
	OK(sem_id);
	OK(msg_id);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	for (i = 0; i < N; i++)
		pthread_create(&threads[i], NULL, run, (void *)i);
	while (atomic_load(&up) < (int)N)
		sched_yield();
	printf("ready %d\n", getpid());
	for (i = 0; i < N; i++)
		printf("class %s %s %s\n", classes[i].name, classes[i].sys, classes[i].reason);
	printf("end\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		for (i = 0; i < N; i++)
			pthread_kill(threads[i], SIGUSR1);
		printf("woken\n");
		fflush(stdout);
	}
	semctl(sem_id, 0, IPC_RMID);
	msgctl(msg_id, IPC_RMID, NULL);
	unlink(lock_name);
	return 0;
}
