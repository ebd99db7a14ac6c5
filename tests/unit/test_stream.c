// SPDX-License-Identifier: BSD-2-Clause
/*
 * The Unix socket, with a real one: what a connection speaks, texts in any pieces, descriptors with
 * the text that they came with, calls that wait beside each other, and all who are too many, too
 * slow or make no sense. Recordings are the test's, as are who speaks HTTP and libctrace.
 */
#include "fake_recordings.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "http/http.h"
#include "rpc/libwire.h"
#include "rpc/stream.h"
#include "rpc/wire.h"
#include "util/clock.h"
#include "util/loop.h"

/* ---- who takes other connections ---- */

static int http_fd = -1, wire_fd = -1;

void __wrap_http__take(struct http *h, int fd);
struct libwire *__wrap_libwire__new(const struct libwire_opts *opts);
void __wrap_libwire__free(struct libwire *w);
void __wrap_libwire__take(struct libwire *w, int fd, const struct caller *c);

void __wrap_http__take(struct http *h, int fd)
{
	(void)h;
	http_fd = fd;
}

struct libwire *__wrap_libwire__new(const struct libwire_opts *opts)
{
	assert_ptr_equal(opts->recordings, NULL);
	return (struct libwire *)&wire_fd;
}

void __wrap_libwire__free(struct libwire *w)
{
	(void)w;
}

void __wrap_libwire__take(struct libwire *w, int fd, const struct caller *c)
{
	(void)w;
	assert_int_equal(c->uid, geteuid());
	wire_fd = fd;
}

static unsigned accepted; /* or tried */

int __real_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);

int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	accepted++;
	return __real_accept4(fd, addr, len, flags);
}

/* ---- the service, and its clients ---- */

struct fixture {
	char dir[TEMP_LEN], path[TEMP_LEN + 8];
	struct loop *loop;
	struct loop_timer *enough;
	struct methods_service service;
	struct stream *stream;
	size_t fds; /* of ours, before */
};

static size_t open_fds(void)
{
	size_t n = 0;
	int fd;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void on_enough(void *ctx)
{
	loop__stop(((struct fixture *)ctx)->loop);
}

static void serve(struct fixture *f, unsigned max, uint64_t patience_ns)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stream_opts o = { .loop = f->loop,
				 .service = &f->service,
				 .max_connections = max,
				 .patience_ns = patience_ns };

	stream__free(f->stream);
	unlink(f->path);
	strcpy(a.sun_path, f->path);
	o.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(o.listen_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(chmod(f->path, 0666), 0);
	assert_int_equal(listen(o.listen_fd, 100), 0);
	f->stream = stream__new(&o);
	assert_non_null(f->stream);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->fds = open_fds();
	temp_dir(f->dir, "stream");
	chmod(f->dir, 0755);
	snprintf(f->path, sizeof(f->path), "%s/sock", f->dir);
	f->loop = loop__new();
	f->enough = loop__timer(f->loop, on_enough, f);
	serve(f, 100, 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	size_t left;

	while (under_way)
		end(under_way, 0, "");
	stream__free(f->stream);
	methods_service_end(&f->service);
	loop_timer__end(f->enough);
	loop__free(f->loop);
	unlink(f->path);
	rmdir(f->dir);
	left = open_fds() - f->fds;
	free(f);
	return left ? -1 : 0; /* what the test opened it has closed, and so has the service */
}

static int client(struct fixture *f)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, f->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* The service works for a moment. */
static void pump(struct fixture *f)
{
	loop_timer__set(f->enough, 2000000);
	loop__run(f->loop);
}

#define LIMIT_NS 20000000000ull

/* Until something is true. */
#define PUMP_UNTIL(f, what)                                        \
	do {                                                       \
		uint64_t pump_end = clock_mono() + LIMIT_NS;       \
		while (!(what)) {                                  \
			if (clock_mono() > pump_end)               \
				fail_msg("waited for: %s", #what); \
			pump(f);                                   \
		}                                                  \
	} while (0)

static void say(int fd, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void say_with(int fd, const char *text, const int *pass, size_t n)
{
	char control[CMSG_SPACE(sizeof(int) * 16)] = { 0 };
	struct iovec iov = { (char *)text, strlen(text) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = CMSG_SPACE(sizeof(int) * n) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int) * n);
	memcpy(CMSG_DATA(h), pass, sizeof(int) * n);
	assert_int_equal(sendmsg(fd, &m, MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Exactly that is what it is told next. */
static void told(struct fixture *f, int fd, const char *text)
{
	size_t len = strlen(text), at = 0;
	char *got = xcalloc(1, len + 1);
	ssize_t n;

	while (at < len) {
		n = recv(fd, got + at, len - at, MSG_DONTWAIT);
		if (n > 0)
			at += (size_t)n;
		else if (!n)
			fail_msg("it was closed after \"%s\"", got);
		else
			pump(f);
	}
	assert_string_equal(got, text);
	free(got);
}

static void told_the_end(struct fixture *f, int fd)
{
	char c;

	PUMP_UNTIL(f, recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) >= 0 || errno != EAGAIN);
	assert_int_equal(recv(fd, &c, 1, MSG_DONTWAIT), 0);
	close(fd);
}

#define CALL(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"method\":\"" method "\",\"params\":[" params "],\"id\":" id "}"
#define OK(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":null}\n"
#define MODULES(id)                       \
	"{\"jsonrpc\":\"2.0\",\"id\":" id \
	",\"result\":{\"ctrace\":\"1.0\",\"debug\":\"1.0\",\"rpc\":\"1.0\"}}\n"
#define ASK(id) CALL(id, "rpc_modules", "")
#define PARSE \
	"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"parse error\"}}\n"
#define RECORD(id) CALL(id, "ctrace_record", "\"-a\"")
#define DONE(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{\"code\":0,\"why\":\"\"}}\n"

/* ---- tests ---- */

static void first_byte(void **state)
{
	struct fixture *f = *state;
	int fd = client(f), pass[2];
	char buf[16], control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };

	say(fd, "GET / HTTP/1.1\r\n");
	PUMP_UNTIL(f, http_fd >= 0);
	assert_int_equal(read(http_fd, buf, 5), 5); /* nothing of it is lost */
	assert_memory_equal(buf, "GET /", 5);
	close(http_fd);
	close(fd);

	fd = client(f);
	assert_int_equal(pipe(pass), 0);
	say_with(fd, "\xc7rest", pass, 1);
	PUMP_UNTIL(f, wire_fd >= 0);
	m.msg_controllen = sizeof(control);
	assert_int_equal(recvmsg(wire_fd, &m, 0), 5); /* nor its descriptor */
	assert_memory_equal(buf, "\xc7rest", 5);
	assert_int_equal(CMSG_FIRSTHDR(&m)->cmsg_type, SCM_RIGHTS);
	memcpy(&http_fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	close(http_fd);
	http_fd = -1;
	close(pass[0]);
	close(pass[1]);
	close(wire_fd);
	close(fd);

	fd = client(f);
	say(fd, "\n \t[" ASK("1") "]");
	told(f, fd, "[");
	close(fd);
	close(client(f)); /* says nothing at all */
	pump(f);
}

static void texts(void **state)
{
	static const char in[] = "[]\n" ASK("1")
		ASK("\"}{\\\"\"") "  {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n"
				  "{}" ASK("2") "[}" ASK("3");
	static const char out[] =
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"empty batch\"}}\n" MODULES(
			"1")
			MODULES("\"}{\\\"\"") "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"invalid request\"}}\n" MODULES(
				"2") PARSE MODULES("3");
	struct fixture *f = *state;
	size_t piece, at, n;
	int fd;

	for (piece = 1; piece < sizeof(in); piece += piece < 10 ? 1 : 17) {
		fd = client(f);
		for (at = 0; at < sizeof(in) - 1; at += n) {
			n = piece < sizeof(in) - 1 - at ? piece : sizeof(in) - 1 - at;
			assert_int_equal(send(fd, in + at, n, 0), (ssize_t)n);
			if (piece > 3 || at % 5 == 0)
				pump(f);
		}
		told(f, fd, out);
		say(fd, ASK("4"));
		told(f, fd, MODULES("4"));
		shutdown(fd, SHUT_WR);
		told_the_end(f, fd);
	}
}

static void beside_each_other(void **state)
{
	struct fixture *f = *state;
	int one = client(f), two = client(f);

	say(one, CALL("1", "debug_goTrace", "\"x\",5") ASK("2"));
	told(f, one, MODULES("2"));
	say(two, ASK("3"));
	told(f, two, MODULES("3"));
	begin(under_way);
	say(two, CALL("4", "debug_stopGoTrace", ""));
	PUMP_UNTIL(f, under_way->stopped);
	shutdown(two, SHUT_WR); /* he waits for his answer nevertheless */
	pump(f);
	end(under_way, 0, "");
	told(f, one, OK("1"));
	told(f, two, OK("4"));
	told_the_end(f, two);
	say(one, ASK("5"));
	told(f, one, MODULES("5"));
	close(one);
	pump(f);
}

/* He has closed both sides: his place is free at once, whatever goes on. */
static void gone(void **state)
{
	struct fixture *f = *state;
	int fd;

	serve(f, 1, 0);
	fd = client(f);
	say(fd, CALL("1", "debug_goTrace", "\"x\",5"));
	PUMP_UNTIL(f, under_way);
	begin(under_way);
	close(fd);
	pump(f);
	fd = client(f);
	say(fd, ASK("2"));
	told(f, fd, MODULES("2"));
	assert_false(under_way->stopped);
	close(fd);
	pump(f);
}

static void commands(void **state)
{
	struct fixture *f = *state;
	int fd = client(f), again = client(f), pass[5], i;
	struct stat st;

	for (i = 0; i < 5; i++) {
		pass[i] = memfd_create("passed", 0);
		assert_int_equal(ftruncate(pass[i], i), 0);
	}
	/* two texts at once, of which the second has the descriptors; more of them than are taken */
	say(fd, ASK("1"));
	say_with(fd, RECORD("2"), pass, 5);
	told(f, fd, MODULES("1"));
	PUMP_UNTIL(f, under_way);
	assert_true(under_way->wish.fd >= 0);
	assert_true(under_way->wish.json_fd >= 0);
	begin(under_way);
	/* they were borrowed */
	assert_int_equal(fcntl(under_way->wish.fd, F_GETFD), -1);
	shutdown(fd, SHUT_WR); /* Ctrl-C */
	PUMP_UNTIL(f, under_way->stopped);
	end(under_way, 0, "");
	told(f, fd, DONE("2"));
	told_the_end(f, fd);

	/* they come with the first byte of a text that is not whole yet */
	say_with(again, "{\"jsonrpc\":\"2.0\",", pass, 1);
	pump(f);
	say(again, "\"method\":\"ctrace_record\",\"params\":[\"-a\"],\"id\":3}" ASK("4"));
	told(f, again, MODULES("4"));
	assert_non_null(under_way);
	close(again); /* killed */
	PUMP_UNTIL(f, under_way->stopped);
	end(under_way, 0, "");

	/* descriptors of others are none of the next text's */
	fd = client(f);
	say_with(fd, ASK("5"), pass, 2);
	say(fd, RECORD("6"));
	told(f, fd, MODULES("5"));
	told(f, fd,
	     "{\"jsonrpc\":\"2.0\",\"id\":6,\"error\":{\"code\":-32000,\"message\":\"ctrace_record needs");
	close(fd);
	/* what ends without a text */
	fd = client(f);
	say_with(fd, "{", pass, 5);
	pump(f);
	say_with(fd, "{", pass, 5);
	pump(f);
	close(fd);
	pump(f);
	assert_int_equal(fstat(pass[0], &st), 0);
	for (i = 0; i < 5; i++)
		close(pass[i]);
}

static void no_sense(void **state)
{
	struct fixture *f = *state;
	char *large = xmalloc(2 << 20);
	int fd = client(f);
	ssize_t n;
	size_t at = 0;

	say(fd, ASK("1") "x" ASK("2"));
	told(f, fd, MODULES("1") PARSE);
	told_the_end(f, fd);

	fd = client(f);
	memset(large, ' ', 2 << 20);
	large[0] = '{';
	while (at < 2 << 20) {
		n = send(fd, large + at, (2 << 20) - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EPIPE)
			break;
		if (n > 0)
			at += (size_t)n;
		pump(f);
	}
	assert_true(at > RPC_TEXT_MAX);
	told(f, fd,
	     "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"request too large\"}}\n");
	close(fd);
	pump(f);
	free(large);
}

/* Asks and asks, and reads nothing: no more is taken than is read, and others are served. In the
 * end he gets all his answers. */
static void does_not_read(void **state)
{
	struct fixture *f = *state;
	int fd = client(f), other = client(f), quiet = 0;
	size_t sent = 0, len = strlen(ASK("1")), answers = 0;
	char buf[4096];
	ssize_t n;

	while (quiet < 20) {
		n = send(fd, ASK("1") + sent % len, len - sent % len, MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		if (sent > 4 << 20)
			fail_msg("all of it is taken");
		quiet = n > 0 ? 0 : quiet + 1;
		if (n <= 0)
			pump(f);
	}
	assert_true(sent > 100000);
	say(other, ASK("2"));
	told(f, other, MODULES("2"));
	close(other);
	while (answers < sent / len) {
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		assert_int_not_equal(n, 0);
		while (n > 0)
			answers += buf[--n] == '\n';
		pump(f);
	}
	assert_int_equal(answers, sent / len);
	close(fd);
	pump(f);
}

static void silent(void **state)
{
	struct fixture *f = *state;
	int says_nothing, half, idle, slow, sent;

	serve(f, 100, 100000000);
	says_nothing = client(f);
	half = client(f);
	idle = client(f);
	slow = client(f);
	say(half, ASK("1") "{\"a\":");
	say(idle, ASK("2"));
	told(f, idle, MODULES("2"));
	for (sent = 0; sent < 100; sent++) {
		struct strbuf calls = STRBUF_INIT;

		while (calls.len < 10000)
			strbuf_addstr(&calls, ASK("1"));
		send(slow, calls.buf, calls.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		strbuf_free(&calls);
		pump(f);
	}
	told_the_end(f, says_nothing);
	told(f, half, MODULES("1"));
	told_the_end(f, half);
	PUMP_UNTIL(f, send(slow, " ", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EPIPE);
	close(slow);
	say(idle, ASK("3")); /* he had said something */
	told(f, idle, MODULES("3"));
	close(idle);
	pump(f);
}

static void too_many(void **state)
{
	struct fixture *f = *state;
	int fd[8], i, status;
	char c;
	pid_t pid;

	serve(f, 8, 0);
	for (i = 0; i < 8; i++) {
		fd[i] = client(f);
		say(fd[i], ASK("1"));
		told(f, fd[i], MODULES("1"));
	}
	told_the_end(f, client(f));
	close(fd[7]);
	pump(f);
	fd[7] = client(f);
	say(fd[7], ASK("2"));
	told(f, fd[7], MODULES("2"));
	for (i = 0; i < 8; i++)
		close(fd[i]);
	pump(f);
	if (geteuid())
		return;
	/* another user than root has a quarter at most, and 8 of them at least */
	serve(f, 40, 0);
	pid = fork();
	if (!pid) {
		int n = 0;

		if (setresuid(65534, 65534, 65534))
			_exit(100);
		for (i = 0; i < 20; i++) {
			int s = client(f);

			send(s, ASK("1"), strlen(ASK("1")), MSG_NOSIGNAL);
			n += recv(s, &c, 1, 0) == 1;
		}
		_exit(n);
	}
	PUMP_UNTIL(f, waitpid(pid, &status, WNOHANG) == pid);
	assert_int_equal(status, 10 << 8);
}

static void no_descriptors(void **state)
{
	struct fixture *f = *state;
	struct rlimit was, none;
	int fd = client(f);

	pump(f);
	say(fd, ASK("1"));
	told(f, fd, MODULES("1"));
	close(fd);
	pump(f);
	fd = client(f);
	getrlimit(RLIMIT_NOFILE, &was);
	none = was;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	accepted = 0;
	loop_timer__set(f->enough, 300000000);
	loop__run(f->loop);
	setrlimit(RLIMIT_NOFILE, &was);
	assert_int_equal(accepted, 1); /* it does not try again and again */
	say(fd, ASK("1"));
	told(f, fd, MODULES("1"));
	close(fd);
	pump(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(first_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(texts, setup, teardown),
		cmocka_unit_test_setup_teardown(beside_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(gone, setup, teardown),
		cmocka_unit_test_setup_teardown(commands, setup, teardown),
		cmocka_unit_test_setup_teardown(no_sense, setup, teardown),
		cmocka_unit_test_setup_teardown(does_not_read, setup, teardown),
		cmocka_unit_test_setup_teardown(silent, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(no_descriptors, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
