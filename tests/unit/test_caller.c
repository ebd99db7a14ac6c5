// SPDX-License-Identifier: BSD-2-Clause
/* Who is at the other end of a socket, as the kernel knows it; and the token. */
#include "helpers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/capability.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "capture/features.h"
#include "rights/caller.h"
#include "rights/tcpowner.h"
#include "rights/token.h"

#define SOMEBODY 54321 /* in no list of users */

union name {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static union name loopback(int family)
{
	union name n = { 0 };

	n.any.sa_family = (sa_family_t)family;
	if (family == AF_INET)
		n.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		n.in6.sin6_addr = in6addr_loopback;
	return n;
}

static int listen_at(union name *n)
{
	socklen_t len = sizeof(*n);
	int fd = socket(n->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), no = 0;

	assert_true(fd >= 0);
	if (n->any.sa_family == AF_INET6)
		assert_false(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)));
	assert_false(bind(fd, &n->any, len));
	assert_false(listen(fd, 1));
	assert_false(getsockname(fd, &n->any, &len));
	return fd;
}

static int connect_to(const union name *n)
{
	int fd = socket(n->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_false(connect(fd, &n->any, sizeof(*n)));
	return fd;
}

/* Connects over TCP as another user, and stays until the other end is closed. Returns ours. */
static int somebody_connects(union name *n, pid_t *pid)
{
	int lfd = listen_at(n), fd, peer;
	char c;

	*pid = fork();
	if (!*pid) {
		if (setresgid(SOMEBODY, SOMEBODY, SOMEBODY) ||
		    setresuid(SOMEBODY, SOMEBODY, SOMEBODY))
			_exit(1);
		peer = connect_to(n);
		_exit(read(peer, &c, 1) != 0);
	}
	fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	close(lfd);
	return fd;
}

/* Both ways of asking, and the answer that comes of it. */
static void check_owner(int fd, uid_t uid)
{
	uid_t by_diag = 1, by_proc = 2;
	struct tcp_ends e;
	struct caller c;

	assert_int_equal(tcp_ends_of(fd, &e), 0);
	assert_int_equal(tcp_owner_by_diag(&e, &by_diag), 0);
	assert_int_equal(tcp_owner_by_proc(&e, &by_proc), 0);
	assert_int_equal(by_diag, uid);
	assert_int_equal(by_proc, uid);
	c = caller_of(fd);
	assert_int_equal(c.uid, uid);
	if (!uid)
		assert_int_equal(c.rank, CALLER_ALL);
	else
		assert_int_not_equal(c.rank, CALLER_NOBODY);
}

static void we_ourselves(int listening, int connecting)
{
	union name n = loopback(listening);
	int lfd, peer, fd;

	if (listening != connecting)
		n.in6.sin6_addr = in6addr_any;
	lfd = listen_at(&n);
	if (listening != connecting) {
		in_port_t port = n.in6.sin6_port;

		n = loopback(connecting);
		n.in.sin_port = port;
	}
	peer = connect_to(&n);
	fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
	check_owner(fd, geteuid());
	check_owner(peer, geteuid());
	/* half of it closed: he is there, and waits for the answer */
	assert_false(shutdown(peer, SHUT_WR));
	check_owner(fd, geteuid());
	close(peer);
	assert_int_equal(caller_of(fd).rank, CALLER_NOBODY);
	close(fd);
	close(lfd);
}

static void over_ipv4(void **state)
{
	(void)state;
	we_ourselves(AF_INET, AF_INET);
}

static bool has_ipv6(void)
{
	union name n = loopback(AF_INET6);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && !bind(fd, &n.any, sizeof(n));

	if (fd >= 0)
		close(fd);
	return has;
}

static void over_ipv6(void **state)
{
	(void)state;
	if (!has_ipv6())
		skip();
	we_ourselves(AF_INET6, AF_INET6);
}

static void ipv4_at_ipv6(void **state)
{
	(void)state;
	if (!has_ipv6())
		skip();
	we_ourselves(AF_INET6, AF_INET);
}

static void another_user(void **state)
{
	union name n = loopback(AF_INET);
	struct strbuf words = STRBUF_INIT;
	struct caller c;
	int fd, status;
	pid_t pid;

	(void)state;
	if (geteuid())
		skip();
	fd = somebody_connects(&n, &pid);
	check_owner(fd, SOMEBODY);
	c = caller_of(fd);
	assert_int_equal(c.rank, CALLER_USER);
	caller_words(&c, &words);
	assert_string_equal(words.buf, "uid 54321");
	assert_true(caller_sees(&c, pid));
	assert_false(caller_sees(&c, getpid()));
	assert_false(caller_sees(&c, 0x7fffffff));
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* his end is gone: the kernel would say root */
	assert_int_equal(caller_of(fd).rank, CALLER_NOBODY);
	strbuf_free(&words);
}

/* An end whose process has closed it is still in the kernel's lists, as root's. */
static void closed_before_it_was_asked(void **state)
{
	union name n = loopback(AF_INET);
	int lfd, peer, fd;
	struct tcp_ends e;
	uid_t uid;

	(void)state;
	lfd = listen_at(&n);
	peer = connect_to(&n);
	close(peer);
	fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
	assert_int_equal(tcp_ends_of(fd, &e), 0);
	assert_int_equal(tcp_owner_by_diag(&e, &uid), -ENOENT);
	assert_int_equal(tcp_owner_by_proc(&e, &uid), -ENOENT);
	assert_int_equal(caller_of(fd).rank, CALLER_NOBODY);
	/* where nobody is connected a listening socket is found */
	e.near_port = htons(1);
	e.far_port = n.in.sin_port;
	assert_int_equal(tcp_owner_by_diag(&e, &uid), -ENOENT);
	assert_int_equal(tcp_owner_by_proc(&e, &uid), -ENOENT);
	close(fd);
	close(lfd);
}

static void on_a_unix_socket(void **state)
{
	struct strbuf words = STRBUF_INIT;
	struct caller c;
	int fd[2];

	(void)state;
	assert_false(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd));
	c = caller_of(fd[0]);
	assert_int_equal(c.uid, geteuid());
	assert_int_equal(c.gid, getegid());
	assert_int_equal(c.pid, getpid());
	if (!geteuid())
		assert_int_equal(c.rank, CALLER_ALL);
	assert_true(caller_sees(&c, getpid()));
	caller_words(&c, &words);
	assert_non_null(strstr(words.buf, "pid "));
	c = caller_with_token(c);
	assert_int_equal(c.uid, geteuid()); /* files are his own all the same */
	assert_int_equal(c.rank, CALLER_ALL);
	caller_words(&c, &words);
	assert_non_null(strstr(words.buf, ", with the token"));
	close(fd[0]);
	close(fd[1]);
	strbuf_free(&words);
}

static void nobody(void **state)
{
	struct strbuf words = STRBUF_INIT;
	struct caller c;
	int fd[2];

	(void)state;
	assert_false(pipe2(fd, O_CLOEXEC));
	c = caller_of(fd[0]);
	assert_int_equal(c.rank, CALLER_NOBODY);
	assert_false(caller_sees(&c, getpid()));
	assert_int_equal(caller_become(&c), -EPERM);
	caller_words(&c, &words);
	assert_string_equal(words.buf, "somebody unknown");
	c = caller_with_token(c);
	assert_int_equal(c.rank, CALLER_ALL);
	assert_true(caller_sees(&c, getpid()));
	strbuf_reset(&words);
	caller_words(&c, &words);
	assert_string_equal(words.buf, "the bearer of the token");
	close(fd[0]);
	close(fd[1]);
	strbuf_free(&words);
}

static bool holds(cap_value_t cap)
{
	cap_t now = cap_get_proc();
	cap_flag_value_t held = CAP_CLEAR;

	cap_get_flag(now, cap, CAP_PERMITTED, &held);
	cap_free(now);
	return held == CAP_SET;
}

static int become_somebody(const struct caller *c)
{
	uid_t r, e, s;

	if (caller_become(c))
		return 1;
	if (getresuid(&r, &e, &s) || r != SOMEBODY || e != SOMEBODY || s != SOMEBODY)
		return 2;
	if (holds(CAP_SYS_PTRACE) || holds(CAP_DAC_READ_SEARCH) || holds(CAP_DAC_OVERRIDE) ||
	    holds(CAP_SETUID))
		return 3;
	if (features_rights_are_callers())
		return 4;
	return setresuid(0, 0, 0) ? 0 : 5;
}

static void becomes_him(void **state)
{
	struct caller c = { .rank = CALLER_USER, .uid = SOMEBODY, .gid = SOMEBODY };
	int status;
	pid_t pid;

	(void)state;
	if (geteuid())
		skip();
	pid = fork();
	if (!pid)
		_exit(become_somebody(&c));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void not_as_somebody_else(void **state)
{
	struct caller c = { .rank = CALLER_USER, .uid = SOMEBODY, .gid = SOMEBODY };
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid)
		_exit((!geteuid() && setresuid(SOMEBODY + 1, SOMEBODY + 1, SOMEBODY + 1)) ||
		      caller_become(&c) != -EPERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- the token ---- */

static char *token_file(const char *text, size_t len, mode_t mode)
{
	char *path = xstrdup("/tmp/ctrace-token-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_false(fchmod(fd, mode));
	close(fd);
	return path;
}

static void refused(const char *text, size_t len, mode_t mode, const char *reason)
{
	struct strbuf why = STRBUF_INIT;
	char *path = token_file(text, len, mode);

	assert_null(token__read(path, &why));
	assert_non_null(strstr(why.buf, reason));
	assert_non_null(strstr(why.buf, path));
	unlink(path);
	free(path);
	strbuf_free(&why);
}

static void a_token(void **state)
{
	static const char text[] = "correct-horse-battery\n";
	struct strbuf why = STRBUF_INIT;
	char *path = token_file(text, strlen(text), 0600), longer[2000];
	struct token *t = token__read(path, &why);

	(void)state;
	assert_non_null(t);
	assert_true(token__is(t, "Bearer correct-horse-battery"));
	assert_true(token__is(t, "bearer correct-horse-battery"));
	assert_false(token__is(t, NULL));
	assert_false(token__is(t, ""));
	assert_false(token__is(t, "Bearer "));
	assert_false(token__is(t, "Bearer correct-horse-batter"));
	assert_false(token__is(t, "Bearer correct-horse-battery\n"));
	assert_false(token__is(t, "Bearer correct-horse-battery2"));
	assert_false(token__is(t, "Basic correct-horse-battery"));
	memset(longer, 'a', sizeof(longer));
	memcpy(longer, "Bearer ", 7);
	longer[sizeof(longer) - 1] = 0;
	assert_false(token__is(t, longer));
	token__free(t);
	token__free(NULL);
	unlink(path);
	free(path);
	strbuf_free(&why);
}

/* Nor is an empty one right there. */
static void a_token_is_not_for_children(void **state)
{
	static const char text[] = "correct-horse-battery\n";
	struct strbuf why = STRBUF_INIT;
	char *path = token_file(text, strlen(text), 0600);
	struct token *t = token__read(path, &why);
	int status = 0;
	pid_t pid;

	(void)state;
	assert_non_null(t);
	pid = fork();
	if (!pid)
		_exit(token__is(t, "Bearer correct-horse-battery") || token__is(t, "Bearer "));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(token__is(t, "Bearer correct-horse-battery"));
	token__free(t);
	unlink(path);
	free(path);
	strbuf_free(&why);
}

static void no_token(void **state)
{
	struct strbuf why = STRBUF_INIT;
	char longer[600];

	(void)state;
	memset(longer, 'a', sizeof(longer));
	refused("", 0, 0600, "16 characters");
	refused("short\n", 6, 0600, "16 characters");
	refused("0123456789abcdef", 16, 0640, "chmod 600");
	refused("0123456789abcdef", 16, 0602, "chmod 600");
	refused("0123456789abcdef\nagain\n", 23, 0600, "more than one line");
	refused("0123456789 abcdef", 17, 0600, "no blank");
	refused("0123456789abcdef\0more", 21, 0600, "no text");
	refused(longer, sizeof(longer), 0600, "longer");
	assert_null(token__read("/tmp", &why));
	assert_int_equal(errno, EINVAL);
	assert_null(token__read("/nonexistent/token", &why));
	assert_int_equal(errno, ENOENT);
	strbuf_free(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_ipv4),
		cmocka_unit_test(over_ipv6),
		cmocka_unit_test(ipv4_at_ipv6),
		cmocka_unit_test(another_user),
		cmocka_unit_test(closed_before_it_was_asked),
		cmocka_unit_test(on_a_unix_socket),
		cmocka_unit_test(nobody),
		cmocka_unit_test(becomes_him),
		cmocka_unit_test(not_as_somebody_else),
		cmocka_unit_test(a_token),
		cmocka_unit_test(a_token_is_not_for_children),
		cmocka_unit_test(no_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
