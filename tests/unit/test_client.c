// SPDX-License-Identifier: BSD-2-Clause
/* One who calls the service: what is sent, what is made of each kind of answer and of none, over
 * the socket and over HTTP, against a server that says what the test has it say. */
#include "helpers.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "client/client.h"
#include "client/curl.h"
#include "client/text.h"

/* ---- a server: takes connections, of each a text, and says what it is told ---- */

struct server {
	char dir[TEMP_LEN], where[128];
	int listen_fd,
		hold[2]; /* it waits for a byte there before it says anything, where holds is set */
	bool web, holds, closes; /* closes: after each answer */
	unsigned connections;
	atomic_uint heard;	/* texts */
	const char *const *say; /* one after the other, each to a text that came; NULL: closes, and
				   the last one */
	size_t piece;		/* bytes at once; 0: all */
	struct strbuf got;
	size_t nfd;
	pthread_t thread;
};

/* Is the text that was received whole? */
static bool is_whole(const struct server *s)
{
	const char *head = strstr(s->got.buf, "\r\n\r\n"), *len;

	if (!s->web)
		return strchr(s->got.buf, '\n');
	len = head ? strcasestr(s->got.buf, "content-length:") : NULL;
	return len && strlen(head + 4) >= strtoul(len + 15, NULL, 10);
}

/* False: the other side closed. */
static bool hear(struct server *s, int fd)
{
	char buf[4096], control[CMSG_SPACE(4 * sizeof(int))];
	struct iovec iov = { buf, sizeof(buf) };
	struct cmsghdr *cm;
	struct msghdr msg;
	ssize_t n;

	do {
		msg = (struct msghdr){ .msg_iov = &iov,
				       .msg_iovlen = 1,
				       .msg_control = control,
				       .msg_controllen = sizeof(control) };
		n = recvmsg(fd, &msg, 0);
		if (n <= 0)
			return false;
		if (is_whole(s)) /* the test may have looked at the last one until now */
			strbuf_reset(&s->got);
		strbuf_add(&s->got, buf, (size_t)n);
		for (cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm)) {
			s->nfd = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			for (size_t i = 0; i < s->nfd; i++) {
				int got;

				memcpy(&got, CMSG_DATA(cm) + i * sizeof(int), sizeof(int));
				(void)!write(got, "seen", 4);
				close(got);
			}
		}
	} while (!is_whole(s));
	return true;
}

static void *serve(void *ctx)
{
	struct server *s = ctx;
	size_t at, n, len;
	char byte;
	int fd;

	while (*s->say) {
		fd = accept(s->listen_fd, NULL, NULL);
		if (fd < 0)
			break;
		s->connections++;
		while (*s->say && hear(s, fd)) {
			s->heard++;
			if (s->holds && read(s->hold[0], &byte, 1) != 1)
				break;
			len = strlen(*s->say);
			for (at = 0; at < len; at += n) {
				n = s->piece && s->piece < len - at ? s->piece : len - at;
				(void)!send(fd, *s->say + at, n, MSG_NOSIGNAL);
			}
			s->say++;
			if (s->say[-1][0] == 0 || s->web || s->closes)
				break;
		}
		close(fd);
	}
	return NULL;
}

static void server_begin(struct server *s, bool web, const char *const *say)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(in);

	*s = (struct server){ .web = web, .say = say, .got = STRBUF_INIT };
	assert_int_equal(temp_dir(s->dir, "client"), 0);
	assert_int_equal(pipe(s->hold), 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/sock", s->dir);
	s->listen_fd = socket(web ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listen_fd, web ? (void *)&in : (void *)&un,
			      web ? sizeof(in) : sizeof(un)),
			 0);
	assert_int_equal(listen(s->listen_fd, 8), 0);
	getsockname(s->listen_fd, (void *)&in, &len);
	if (web)
		snprintf(s->where, sizeof(s->where), "http://127.0.0.1:%u", ntohs(in.sin_port));
	else
		snprintf(s->where, sizeof(s->where), "%s", un.sun_path);
	pthread_create(&s->thread, NULL, serve, s);
}

static void server_end(struct server *s)
{
	char path[TEMP_LEN + 8];

	shutdown(s->listen_fd, SHUT_RDWR);
	close(s->hold[1]);
	pthread_join(s->thread, NULL);
	close(s->hold[0]);
	close(s->listen_fd);
	snprintf(path, sizeof(path), "%s/sock", s->dir);
	unlink(path);
	rmdir(s->dir);
	strbuf_free(&s->got);
}

static struct client *client_to(const char *where, const char *token)
{
	struct strbuf why = STRBUF_INIT;
	struct client *c = client__new(&(struct client_opts){ .where = where, .token_file = token },
				       &why);

	if (!c)
		fail_msg("%s", why.buf);
	strbuf_free(&why);
	return c;
}

/* Calls, and compares: 0 with the result as text, or the error with its sentence, from its begin
 * on. */
static void expect(struct client *c, int err, const char *want)
{
	struct strbuf why = STRBUF_INIT;
	json_t *params = json_pack("[s, i]", "go.trace", 5), *result;
	int code = 0, got;
	char *text;

	got = client__call(c, "debug_goTrace", params, NULL, 0, &result, &code, &why);
	text = got ? strdup(why.buf) : json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY);
	if (got != err || strncmp(text, want, strlen(want)))
		fail_msg("%d '%s' in place of %d '%s'", got, text, err, want);
	if (got == -EPROTO)
		assert_int_equal(code, -32000);
	free(text);
	json_decref(result);
	json_decref(params);
	strbuf_free(&why);
}

static void cannot(const char *where, int err, const char *want)
{
	struct strbuf why = STRBUF_INIT;
	struct client *c;

	c = client__new(&(struct client_opts){ .where = where }, &why);
	assert_null(c);
	if (errno != err || !strstr(why.buf, want))
		fail_msg("%d '%s' in place of %d '%s'", errno, why.buf, err, want);
	strbuf_free(&why);
}

#define BUSY                                                                                       \
	"{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32000,\"message\":\"trace already in " \
	"progress\"}}"

/* ---- the socket ---- */

static void over_the_socket(void **state)
{
	static const char *const say[] = {
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}\n", BUSY "\n",
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"a\":[1,\"\xc3\xa4\"]}}\n",
		"{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":-32000,\"message\":\"a\\u001b[2J\\nb\\u009bm\\u202ec\"}}\n",
		NULL
	};
	struct server s;
	struct client *c;

	(void)state;
	for (size_t piece = 0; piece < 3; piece++) {
		server_begin(&s, false, say);
		s.piece = piece;
		c = client_to(s.where, NULL);
		assert_true(client__is_local(c));
		expect(c, 0, "null");
		assert_string_equal(s.got.buf, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"debug_"
					       "goTrace\",\"params\":[\"go.trace\",5]}\n");
		expect(c, -EPROTO, "trace already in progress");
		expect(c, 0, "{\"a\":[1,\"\xc3\xa4\"]}");
		expect(c, -EPROTO, "a?[2J b?m?c"); /* nothing for the terminal to obey */
		client__free(c);
		server_end(&s);
		assert_int_equal(s.connections, 1);
	}
}

static void bad_answers(void **state)
{
	static const char *const say[] = { "hello\n",
					   "[]\n",
					   "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":null}\n",
					   "{\"jsonrpc\":\"2.0\",\"id\":4}\n",
					   "{\"error\":{}}\n",
					   "",
					   "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":true}\n",
					   NULL };
	struct server s;
	struct client *c;

	(void)state;
	server_begin(&s, false, say);
	c = client_to(s.where, NULL);
	expect(c, -EBADMSG, "what came is not JSON-RPC: hello");
	expect(c, -EBADMSG, "what came is not JSON-RPC: []");
	expect(c, -EBADMSG, "what came is the answer to something else: ");
	expect(c, -EBADMSG, "what came is neither a result nor an error: ");
	{
		struct strbuf why = STRBUF_INIT;
		json_t *result;

		assert_int_equal(client__call(c, "x", NULL, NULL, 0, &result, NULL, &why), -EPROTO);
		assert_string_equal(why.buf, "the service answered an error without a message");
		assert_non_null(strstr(s.got.buf, "\"params\":[]"));
		strbuf_free(&why);
	}
	expect(c, -EPIPE, "the service at /");
	expect(c, 0, "true");		    /* by a new connection */
	assert_int_equal(s.connections, 6); /* as after each of the first four */
	client__free(c);
	server_end(&s);
}

/* A service closes who says nothing for long: the next call is not lost by that. */
static void closed_meanwhile(void **state)
{
	static const char *const say[] = { "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}\n",
					   "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":2}\n",
					   "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":3}\n", NULL };
	struct pollfd p;
	struct server s;
	struct client *c;

	(void)state;
	server_begin(&s, false, say);
	s.closes = true;
	c = client_to(s.where, NULL);
	for (int i = 0; i < 3; i++) {
		static const char *const want[] = { "1", "2", "3" };

		expect(c, 0, want[i]);
		p = (struct pollfd){ .fd = client__fd(c), .events = POLLRDHUP };
		assert_int_equal(poll(&p, 1, 10000), 1);
	}
	assert_int_equal(s.connections, 3);
	client__free(c);
	server_end(&s);
}

/* More than the socket's buffers hold. */
static void large_ones(void **state)
{
	struct strbuf big = STRBUF_INIT, why = STRBUF_INIT;
	const char *say[] = { NULL, NULL };
	json_t *params, *result;
	struct server s;
	struct client *c;
	size_t i;

	(void)state;
	strbuf_addstr(&big, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"");
	for (i = 0; i < 3000000; i++)
		strbuf_addch(&big, 'x');
	params = json_pack("[s]", big.buf);
	strbuf_addstr(&big, "\"}\n");
	say[0] = big.buf;
	server_begin(&s, false, say);
	c = client_to(s.where, NULL);
	assert_int_equal(client__call(c, "x", params, NULL, 0, &result, NULL, &why), 0);
	assert_int_equal(json_string_length(result), 3000000);
	assert_true(s.got.len > 3000000);
	json_decref(result);
	json_decref(params);
	client__free(c);
	server_end(&s);
	strbuf_free(&big);
}

static void too_large(void **state)
{
	char *endless = xmalloc(CALL_ANSWER_MAX + 200000);
	const char *const say[] = { endless, NULL };
	struct server s;
	struct client *c;

	(void)state;
	memset(endless, 'x', CALL_ANSWER_MAX + 199999);
	endless[CALL_ANSWER_MAX + 199999] = 0;
	server_begin(&s, false, say);
	c = client_to(s.where, NULL);
	expect(c, -EMSGSIZE, "the answer of ");
	client__free(c);
	server_end(&s);
	free(endless);
}

static void descriptors(void **state)
{
	static const char *const say[] = { "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}\n",
					   NULL };
	struct strbuf why = STRBUF_INIT;
	int pipes[2][2], pass[2];
	char got[5] = "";
	struct pollfd p;
	struct server s;
	struct client *c;
	json_t *result;
	int err;

	(void)state;
	server_begin(&s, false, say);
	c = client_to(s.where, NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(pipes[i]), 0);
		pass[i] = pipes[i][1];
	}
	/* as who waits by himself */
	assert_int_equal(client__send(c, "x", NULL, pass, 2, &why), 0);
	p = (struct pollfd){ .fd = client__fd(c), .events = POLLIN };
	do {
		assert_int_equal(poll(&p, 1, 10000), 1);
		err = client__receive(c, &result, NULL, &why);
	} while (err == -EAGAIN);
	assert_int_equal(err, 0);
	assert_true(json_is_null(result));
	assert_int_equal(s.nfd, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(read(pipes[i][0], got, 4), 4);
		assert_string_equal(got, "seen");
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	json_decref(result);
	client__free(c);
	server_end(&s);
}

/* Writes to the pipe when the server has heard the call. */
struct impatience {
	struct server *s;
	int fd;
};

static void *interrupt(void *ctx)
{
	struct impatience *i = ctx;

	while (!i->s->heard)
		sched_yield();
	(void)!write(i->fd, "!", 1);
	return NULL;
}

/* What is watched ends the wait; the answer that comes late is not taken for the next one's. */
static void interrupted(void **state)
{
	static const char *const socket_says[] = { "late\n",
						   "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":2}\n",
						   NULL };
	static const char *const web_says[] = {
		"HTTP/1.1 200 OK\r\n\r\nlate",
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":2}",
		NULL
	};
	struct impatience who;
	int wake[2];
	pthread_t t;
	struct server s;
	struct client *c;
	char byte;

	(void)state;
	assert_int_equal(pipe(wake), 0);
	for (int web = 0; web < 2; web++) {
		server_begin(&s, web, web ? web_says : socket_says);
		s.holds = true;
		c = client_to(s.where, NULL);
		client__watch(c, wake[0]);
		who = (struct impatience){ &s, wake[1] };
		pthread_create(&t, NULL, interrupt, &who);
		expect(c, -EINTR, "no longer waited for; ");
		pthread_join(t, NULL);
		(void)!write(s.hold[1], "..", 2);
		(void)!read(wake[0], &byte, 1);
		expect(c, 0, "2");
		client__free(c);
		server_end(&s);
	}
	close(wake[0]);
	close(wake[1]);
}

static void nobody_there(void **state)
{
	char path[TEMP_LEN + 8], dir[TEMP_LEN], longer[200];
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	(void)state;
	assert_int_equal(temp_dir(dir, "client"), 0);
	snprintf(path, sizeof(path), "%s/sock", dir);
	cannot(path, ENOENT, "start it with ctrace-bpf serve");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	assert_int_equal(bind(fd, (void *)&un, sizeof(un)), 0);
	close(fd);
	cannot(path, ECONNREFUSED, "the one that made this socket is gone");
	unlink(path);
	fclose(fopen(path, "w"));
	cannot(path, ECONNREFUSED, "is no socket");
	unlink(path);
	rmdir(dir);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	cannot(longer, ENAMETOOLONG, "longer than");
	cannot("localhost:6060", ENOENT, "write http://localhost:6060");
	cannot("ftp://localhost", EINVAL, "neither http://");
	cannot("http://", EINVAL, "is no URL");
	cannot("http://a b/", EINVAL, "is no URL");
	setenv("CTRACE_SOCKET", "/nowhere/of/mine", 1);
	cannot(NULL, ENOENT, "/nowhere/of/mine");
	setenv("CTRACE_SOCKET", "", 1);
	{
		struct strbuf why = STRBUF_INIT;
		struct client *c = client__new(&(struct client_opts){ 0 }, &why);

		/* is one there? */
		assert_string_equal(c			    ? client__where(c) :
				    strstr(why.buf, "/run") ? "" :
							      why.buf,
				    c ? "/run/ctrace/control.sock" : "");
		client__free(c);
		strbuf_free(&why);
	}
	unsetenv("CTRACE_SOCKET");
}

/* ---- HTTP ---- */

#define OK "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
static bool have_curl(void)
{
	struct strbuf why = STRBUF_INIT;
	struct curl_lib lib;
	int err = curl_load(&lib, &why);

	strbuf_free(&why);
	return !err;
}

static void over_http(void **state)
{
	static const char *const say[] = {
		OK "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}\n",
		OK BUSY,
		"HTTP/1.1 401 Unauthorized\r\nContent-Length: 14\r\nContent-Type: text/plain\r\n\r\nwho are you?\n\n",
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\nConnection: close\r\n\r\ngo away!\n",
		"HTTP/1.1 415 No\r\nContent-Length: 12\r\nConnection: close\r\n\r\nwant JSON ok",
		"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>",
		"HTTP/1.1 503 Busy\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 78\r\n\r\n"
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,\"message\":\"too many calls\"}}",
		OK "<html>",
		"",
		NULL
	};
	char token[TEMP_LEN + 8], dir[TEMP_LEN];
	struct server s;
	struct client *c;
	FILE *f;

	(void)state;
	if (!have_curl())
		skip();
	assert_int_equal(temp_dir(dir, "client"), 0);
	snprintf(token, sizeof(token), "%s/token", dir);
	f = fopen(token, "w");
	fputs("open-sesame-open-sesame\n", f);
	fclose(f);
	setenv("http_proxy", "http://127.0.0.1:1", 1); /* nobody asks there */
	server_begin(&s, true, say);
	c = client_to(s.where, token);
	assert_false(client__is_local(c));
	expect(c, 0, "null");
	assert_non_null(strstr(s.got.buf, "POST / HTTP/1.1\r\n"));
	assert_non_null(strstr(s.got.buf, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(s.got.buf, "\r\nAuthorization: Bearer open-sesame-open-sesame\r\n"));
	assert_null(strstr(s.got.buf, "Expect"));
	assert_non_null(strstr(s.got.buf,
			       "\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"debug_"
			       "goTrace\",\"params\":[\"go.trace\",5]}"));
	expect(c, -EPROTO, "trace already in progress");
	expect(c, -EACCES, "http://");
	expect(c, -EACCES, "http://");
	expect(c, -EBADMSG, "http://");
	expect(c, -EBADMSG, "http://");
	expect(c, -EBADMSG, "http://");
	expect(c, -EPROTO, "too many calls");
	expect(c, -EBADMSG, "what came is not JSON-RPC: <html>");
	expect(c, -EPIPE, "the service at http://");
	server_end(&s);
	expect(c, -ECONNREFUSED, "no service at http://");
	client__free(c);
	unsetenv("http_proxy");
	unlink(token);
	rmdir(dir);
}

/* The sentences of refusals, whole. */
static void refusals(void **state)
{
	static const struct {
		const char *say, *want;
	} row[] = {
		{ "HTTP/1.1 401 Unauthorized\r\nContent-Length: 14\r\n\r\nwho are you?\n\n",
		  " refused with 401: who are you?; give the token with --token-file" },
		{ "HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\ngo \x1b[31m!\n",
		  " refused with 403: go " },
		{ "HTTP/1.1 415 No\r\nContent-Length: 9\r\n\r\nwant JSON",
		  " refused with 415: want JSON" },
		{ "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
		  " refused with 302; it points elsewhere, and redirects are not followed" },
		{ "HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>",
		  " refused with 404; is it ctrace-bpf serve?" },
	};
	struct strbuf why = STRBUF_INIT;
	struct server s;
	struct client *c;
	json_t *result;
	size_t i;

	(void)state;
	if (!have_curl())
		skip();
	for (i = 0; i < COUNT(row); i++) {
		const char *const say[] = { row[i].say, NULL };

		server_begin(&s, true, say);
		c = client_to(s.where, NULL);
		assert_true(client__call(c, "x", NULL, NULL, 0, &result, NULL, &why) < 0);
		assert_null(strstr(s.got.buf, "Authorization"));
		assert_int_equal(strncmp(why.buf, s.where, strlen(s.where)), 0);
		assert_string_equal(why.buf + strlen(s.where), row[i].want);
		client__free(c);
		server_end(&s);
	}
	strbuf_free(&why);
}

static void bad_tokens(void **state)
{
	static const char *const text[] = { "", "\n", "two words\n", "two\nlines\n", "a\x01" };
	struct strbuf why = STRBUF_INIT;
	char token[TEMP_LEN + 8], dir[TEMP_LEN];
	size_t i;
	FILE *f;

	(void)state;
	assert_int_equal(temp_dir(dir, "client"), 0);
	snprintf(token, sizeof(token), "%s/token", dir);
	for (i = 0; i <= COUNT(text); i++) {
		assert_null(client__new(&(struct client_opts){ .where = "http://127.0.0.1:1",
							       .token_file = token },
					&why));
		assert_int_equal(errno, i ? EINVAL : ENOENT);
		assert_non_null(strstr(why.buf, token));
		if (i < COUNT(text)) {
			f = fopen(token, "w");
			fputs(text[i], f);
			fclose(f);
		}
	}
	unlink(token);
	rmdir(dir);
	strbuf_free(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_the_socket),  cmocka_unit_test(bad_answers),
		cmocka_unit_test(closed_meanwhile), cmocka_unit_test(large_ones),
		cmocka_unit_test(too_large),	    cmocka_unit_test(descriptors),
		cmocka_unit_test(interrupted),	    cmocka_unit_test(nobody_there),
		cmocka_unit_test(over_http),	    cmocka_unit_test(refusals),
		cmocka_unit_test(bad_tokens),
	};

	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
