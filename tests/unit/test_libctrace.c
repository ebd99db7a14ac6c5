// SPDX-License-Identifier: BSD-2-Clause
/*
 * libctrace against a service that this test plays: what it says, what it makes of each answer, and
 * of a service that goes, lies or says nothing whole; fork while a thread is inside; descriptors
 * that the program closes or has closed. What is really recorded: tests/e2e/selftrace.bats.
 */
#include "helpers.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "rpc/wire.h"
#include "include/ctrace/control.h"

static char dir[TEMP_LEN], path[96];
static int listener;
static pid_t service;

static int setup(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	(void)state;
	if (temp_dir(dir, "libctrace"))
		return -1;
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	setenv("CTRACE_SOCKET", path, 1);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	service = 0;
	alarm(60);
	return bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 8);
}

static void end_service(void)
{
	int status = 0;

	if (!service)
		return;
	assert_int_equal(waitpid(service, &status, 0), service);
	assert_int_equal(status, 0);
	service = 0;
}

static int teardown(void **state)
{
	(void)state;
	ctrace_stop();
	if (service)
		kill(service, SIGKILL);
	close(listener);
	unlink(path);
	return rmdir(dir);
}

/* ---- the service, in a process of its own: it ends with 0 when all was as it should be ---- */

#define MUST(c)                                                   \
	do {                                                      \
		if (!(c)) {                                       \
			fprintf(stderr, "service: not %s\n", #c); \
			_exit(1);                                 \
		}                                                 \
	} while (0)

/* What is asked; the descriptor that came along, or -1. */
static int heard(int sock, uint8_t verb)
{
	struct wire_ask a;
	struct iovec iov = { &a, sizeof(a) };
	char space[CMSG_SPACE(sizeof(int))];
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = space,
			    .msg_controllen = sizeof(space) };
	int fd = -1;

	MUST(recvmsg(sock, &m, 0) == sizeof(a));
	MUST(a.magic == WIRE_MAGIC && a.version == WIRE_VERSION && a.verb == verb);
	MUST((pid_t)a.pid == getppid());
	if (m.msg_controllen)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* In pieces, as a stream may bring it. */
static void tell(int sock, int err, const char *why)
{
	struct wire_answer a = { WIRE_MAGIC, WIRE_VERSION, WIRE_ANSWER, 0, err, "" };
	size_t at;

	snprintf(a.why, sizeof(a.why), "%s", why);
	for (at = 0; at < sizeof(a); at += 64)
		MUST(send(sock, (char *)&a + at, 64, MSG_NOSIGNAL) == 64);
}

static int met(void)
{
	int sock = accept(listener, NULL, NULL);

	MUST(sock >= 0);
	return sock;
}

static bool service_begins(void)
{
	service = fork();
	assert_true(service >= 0);
	return !service;
}

static int trace_fd(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* ---- tests ---- */

static void fails(int ret, int err, const char *why)
{
	assert_int_equal(ret, -1);
	assert_int_equal(errno, err);
	assert_string_equal(ctrace_error(), why);
}

static void start_and_stop(void **state)
{
	int trace = trace_fd(), i;

	(void)state;
	if (service_begins()) {
		for (i = 0; i < 2; i++) {
			int sock = met(), fd = heard(sock, WIRE_START);
			struct stat a, b;

			MUST(fd >= 0 && !fstat(fd, &a) && !fstat(trace, &b));
			MUST(a.st_rdev == b.st_rdev && a.st_ino == b.st_ino);
			tell(sock, 0, "");
			MUST(heard(sock, WIRE_STOP) == -1);
			tell(sock, 0, "");
			MUST(recv(sock, &a, 1, 0) == 0);
			close(sock);
			close(fd);
		}
		_exit(0);
	}
	for (i = 0; i < 2; i++) {
		assert_int_equal(ctrace_start(trace), 0);
		fails(ctrace_start(trace), EALREADY, "tracing is already enabled");
		assert_int_equal(ctrace_stop(), 0);
		fails(ctrace_stop(), EINVAL, "tracing is not enabled");
	}
	end_service();
	close(trace);
}

static void refusals(void **state)
{
	int trace = trace_fd();

	(void)state;
	fails(ctrace_start(-1), EBADF, "descriptor -1 is not open");
	fails(ctrace_start(1000), EBADF, "descriptor 1000 is not open");
	if (service_begins()) {
		int sock = met();

		heard(sock, WIRE_START);
		tell(sock, EBUSY, "too many");
		close(sock);
		sock = met(); /* it goes without a word */
		heard(sock, WIRE_START);
		close(sock);
		sock = met(); /* half a word */
		heard(sock, WIRE_START);
		MUST(send(sock, "\xc7\x01\x03", 3, 0) == 3);
		close(sock);
		sock = met(); /* another protocol */
		heard(sock, WIRE_START);
		MUST(send(sock, "HTTP/1.1 400 Bad Request\r\n", 26, 0) == 26);
		close(sock);
		sock = met(); /* cannot: its fd was closed by us, nothing is left */
		heard(sock, WIRE_START);
		tell(sock, 0, "");
		heard(sock, WIRE_STOP);
		tell(sock, ENOSPC, "the disk is full");
		_exit(0);
	}
	fails(ctrace_start(trace), EBUSY, "too many");
	fails(ctrace_start(trace), EPIPE, "the service has ended");
	fails(ctrace_start(trace), EPIPE, "the service has ended");
	fails(ctrace_start(trace), EPROTO, "what answers is no service of this version");
	assert_int_equal(ctrace_start(trace), 0);
	fails(ctrace_stop(), ENOSPC, "the disk is full");
	fails(ctrace_stop(), EINVAL, "tracing is not enabled");
	end_service();
	close(listener);
	listener = -1;
	assert_int_equal(ctrace_start(trace), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_non_null(strstr(ctrace_error(), "start it with ctrace-bpf serve"));
	close(trace);
}

/* How it ended is in the socket already, and the service may have gone. */
static void ended_by_itself(void **state)
{
	int trace = trace_fd();

	(void)state;
	if (service_begins()) {
		int sock = met();

		heard(sock, WIRE_START);
		tell(sock, 0, "");
		tell(sock, ETIME, "the service had ended it before");
		_exit(0);
	}
	assert_int_equal(ctrace_start(trace), 0);
	end_service();
	fails(ctrace_start(trace), EALREADY, "tracing is already enabled");
	fails(ctrace_stop(), ETIME, "the service had ended it before");
	fails(ctrace_stop(), EINVAL, "tracing is not enabled");
	close(trace);
}

/* The service dies: it is off, and no signal comes. */
static void service_dies(void **state)
{
	int trace = trace_fd(), i;

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	for (i = 0; i < 2; i++) {
		if (service_begins()) {
			int sock = met();

			heard(sock, WIRE_START);
			tell(sock, 0, "");
			_exit(0);
		}
		assert_int_equal(ctrace_start(trace), 0);
		end_service();
		if (i)
			fails(ctrace_stop(), EPIPE, "the service has ended");
	}
	close(trace);
}

static unsigned open_files(void)
{
	unsigned n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* The connection is not what it was: nothing of the program's is written to or closed. */
static void closed_by_the_program(void **state)
{
	int trace = trace_fd(), pair[2], other, fd;
	unsigned before = open_files();
	char c;

	(void)state;
	if (service_begins()) {
		int sock = met();

		close(heard(sock, WIRE_START));
		tell(sock, 0, "");
		MUST(recv(sock, &c, 1, 0) == 0);
		_exit(0);
	}
	assert_int_equal(ctrace_start(trace), 0);
	assert_int_equal(open_files(), before + 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fd = pair[0] - 1; /* the last one before is the library's */
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	other = dup2(pair[0], fd); /* a socket of the program's has its number now */
	close(pair[0]);
	end_service();
	assert_int_equal(ctrace_stop(), -1);
	assert_int_equal(errno, EPIPE);
	assert_non_null(strstr(ctrace_error(), "the program has closed the connection"));
	assert_int_equal(recv(pair[1], &c, 1, MSG_DONTWAIT), -1); /* nothing came */
	assert_int_equal(errno, EAGAIN);			  /* and it is open */
	close(other);
	close(pair[1]);
	close(trace);
}

/* Not in place of standard input. */
static void standard_input_is_closed(void **state)
{
	int trace = trace_fd(), was = dup(STDIN_FILENO);

	(void)state;
	if (service_begins()) {
		int sock = met();

		heard(sock, WIRE_START);
		tell(sock, 0, "");
		heard(sock, WIRE_STOP);
		tell(sock, 0, "");
		_exit(0);
	}
	close(STDIN_FILENO);
	assert_int_equal(ctrace_start(trace), 0);
	assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), -1);
	assert_int_equal(ctrace_stop(), 0);
	dup2(was, STDIN_FILENO);
	close(was);
	end_service();
	close(trace);
}

static void *start_slowly(void *arg)
{
	return (void *)(intptr_t)ctrace_start(*(int *)arg);
}

/* A child is made while a thread of its parent waits inside: it is not held up by that. */
static void forked_meanwhile(void **state)
{
	int trace = trace_fd(), go[2], status;
	pthread_t thread;
	void *ret;
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(go), 0);
	if (service_begins()) {
		int sock = met();

		heard(sock, WIRE_START);
		MUST(write(go[1], "h", 1) == 1);	 /* it is inside */
		MUST(accept(listener, NULL, NULL) >= 0); /* of the child */
		tell(sock, 0, "");
		heard(sock, WIRE_STOP);
		tell(sock, 0, "");
		_exit(0);
	}
	assert_int_equal(pthread_create(&thread, NULL, start_slowly, &trace), 0);
	assert_int_equal(read(go[0], &c, 1), 1);
	pid = fork();
	if (!pid) {
		struct sockaddr_un at = { .sun_family = AF_UNIX };

		alarm(20);
		snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
		if (ctrace_stop() != -1 || errno != EINVAL)
			_exit(1);
		_exit(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&at, sizeof(at)) ?
			      2 :
			      0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	pthread_join(thread, &ret);
	assert_null(ret);
	assert_int_equal(ctrace_stop(), 0);
	end_service();
	close(go[0]);
	close(go[1]);
	close(trace);
}

/* A child of one that is on. */
static void child_is_not_on(void **state)
{
	int trace = trace_fd(), status;
	pid_t pid;

	(void)state;
	if (service_begins()) {
		int sock = met();

		heard(sock, WIRE_START);
		tell(sock, 0, "");
		heard(sock, WIRE_STOP); /* of the parent: MUST of its pid */
		tell(sock, 0, "");
		_exit(0);
	}
	assert_int_equal(ctrace_start(trace), 0);
	pid = fork();
	if (!pid) {
		if (ctrace_stop() != -1 || errno != EINVAL)
			_exit(1);
		close(listener);
		unlink(path);
		if (ctrace_start(trace) != -1 || errno != ENOENT) /* not EALREADY */
			_exit(2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(ctrace_stop(), 0);
	end_service();
	close(trace);
}

static void *no_error(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)strlen(ctrace_error());
}

static void sentences(void **state)
{
	char name[200];
	pthread_t thread;
	void *len;

	(void)state;
	fails(ctrace_stop(), EINVAL, "tracing is not enabled");
	pthread_create(&thread, NULL, no_error, NULL);
	pthread_join(thread, &len);
	assert_null(len); /* a thread's own */
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	setenv("CTRACE_SOCKET", name, 1);
	assert_int_equal(ctrace_start(0), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_non_null(strstr(ctrace_error(), "xxx...: File name too long"));
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(start_and_stop),
		TEST(refusals),
		TEST(ended_by_itself),
		TEST(service_dies),
		TEST(closed_by_the_program),
		TEST(standard_input_is_closed),
		TEST(forked_meanwhile),
		TEST(child_is_not_on),
		TEST(sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
