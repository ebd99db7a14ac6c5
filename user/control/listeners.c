// SPDX-License-Identifier: BSD-2-Clause
/* See listeners.h. */
#include "control/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/options.h"
#include "control/address.h"
#include "control/service.h"
#include "output/claim.h"
#include "util/env.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "serve"
#define FIRST_FD 3 /* of those that are handed over */
#define FDS_MAX 16
#define BACKLOG 128

struct listeners {
	int tcp, local; /* -1: none, or taken */
	int claim;
	char *path; /* of the Unix socket, for words; */
	bool ours;  /* … we have made it */
	dev_t dev;
	ino_t ino;
	union address at; /* of TCP; its family is 0 where there is none */
};

static bool is_none(const char *value)
{
	return value && !strcmp(value, "none");
}

/* ---- TCP ---- */

/* Of one that listens. */
static void note_tcp(struct listeners *l, int fd)
{
	socklen_t len = sizeof(l->at);

	l->tcp = fd;
	getsockname(fd, &l->at.any, &len);
}

static enum exit_code listen_tcp(struct listeners *l, const char *text, struct strbuf *why)
{
	int fd, yes = 1, no = 0, err;
	union address a;

	if (address_parse(text, &a, why))
		return EXIT_USAGE;
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
		if (a.any.sa_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	}
	if (fd >= 0 && !bind(fd, &a.any, address_len(&a)) && !listen(fd, BACKLOG)) {
		note_tcp(l, fd);
		return EXIT_FINE;
	}
	err = errno;
	strbuf_set_f(why, "cannot listen at %s: %s%s", text, strerror(err),
		     err == EADDRINUSE ? "; give another port with --listen" : "");
	if (fd >= 0)
		close(fd);
	return EXIT_FAILED;
}

/* ---- Unix ---- */

static enum exit_code refuse_path(const char *path, const char *reason, struct strbuf *why)
{
	strbuf_set_f(why, "cannot listen at %s: %s; give another path with --socket", path, reason);
	return EXIT_FAILED;
}

/* The directory of the socket, not what that is in. */
static void make_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;

	if (!slash || slash == path)
		return;
	dir = xstrdup(path);
	dir[slash - path] = 0;
	mkdir(dir, 0755); /* bind() says what is wrong */
	free(dir);
}

/* What is at the path goes when it is a socket that nobody listens at. NULL, or why not. */
static const char *clear_path(const struct sockaddr_un *at)
{
	struct stat st;
	int fd, err;

	if (lstat(at->sun_path, &st))
		return NULL; /* bind() will tell */
	if (!S_ISSOCK(st.st_mode))
		return "it is no socket";
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return strerror(errno);
	err = connect(fd, (const struct sockaddr *)at, sizeof(*at)) ? errno : 0;
	close(fd);
	if (err != ECONNREFUSED)
		return err && err != EAGAIN ? strerror(err) : "another service is there";
	log_info("replacing %s, at which nobody listens", at->sun_path);
	return unlink(at->sun_path) ? strerror(errno) : NULL;
}

/* Everybody may connect: who may do what is decided by who he is. */
static int bind_for_all(int fd, const struct sockaddr_un *at)
{
	mode_t was = umask(0111);
	int err = bind(fd, (const struct sockaddr *)at, sizeof(*at)) ? -errno : 0;

	umask(was);
	return err;
}

static enum exit_code listen_local(struct listeners *l, const char *path, struct strbuf *why)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *reason;
	struct stat st;
	int err;

	if (strlen(path) >= sizeof(at.sun_path))
		return refuse_path(path, "the path of a socket has 107 bytes at most", why);
	strcpy(at.sun_path, path);
	make_directory(path);
	l->claim = claim_name(CLAIM_FILE, path);
	if (l->claim == -EWOULDBLOCK)
		return refuse_path(path, "another service is there", why);
	reason = clear_path(&at);
	if (reason)
		return refuse_path(path, reason, why);
	l->local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = l->local < 0 ? -errno : bind_for_all(l->local, &at);
	if (!err && (lstat(path, &st) || listen(l->local, BACKLOG)))
		err = -errno;
	if (err)
		return refuse_path(path, strerror(-err), why);
	l->path = realpath(path, NULL); /* our directory may be another one at the end */
	l->ours = l->path;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return EXIT_FINE;
}

/* ---- handed over ---- */

static unsigned number_of(const char *env)
{
	const char *text = secure_getenv(env);
	uint64_t n = 0;

	return text && !parse_u64(text, &n) && n <= INT_MAX ? (unsigned)n : 0;
}

static int sockopt(int fd, int name)
{
	socklen_t len = sizeof(int);
	int v = -1;

	return getsockopt(fd, SOL_SOCKET, name, &v, &len) ? -1 : v;
}

static enum exit_code take_fd(struct listeners *l, int fd, const struct options *o,
			      struct strbuf *why)
{
	int domain = sockopt(fd, SO_DOMAIN);
	struct sockaddr_un at = { 0 };
	socklen_t len = sizeof(at) - 1;

	if (sockopt(fd, SO_TYPE) != SOCK_STREAM || sockopt(fd, SO_ACCEPTCONN) != 1 ||
	    (domain != AF_UNIX && domain != AF_INET && domain != AF_INET6)) {
		strbuf_set_f(
			why,
			"descriptor %d, which was handed over (LISTEN_FDS), is no socket that listens; a socket unit has ListenStream=",
			fd);
		return EXIT_USAGE;
	}
	if (domain == AF_UNIX ? l->local >= 0 : l->tcp >= 0) {
		strbuf_set_f(
			why,
			"two %s sockets were handed over (LISTEN_FDS): one is all that is served",
			domain == AF_UNIX ? "Unix" : "TCP");
		return EXIT_USAGE;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (domain == AF_UNIX) {
		l->local = fd;
		getsockname(fd, (struct sockaddr *)&at, &len);
		l->path = xstrdup(at.sun_path[0] ? at.sun_path : "a socket without a name");
		return EXIT_FINE;
	}
	note_tcp(l, fd);
	if (address_is_loopback(&l->at) || o->token_file)
		return EXIT_FINE;
	strbuf_set_f(
		why,
		"others than this machine can reach the TCP socket that was handed over (LISTEN_FDS); give --token-file=FILE with it");
	return EXIT_USAGE;
}

/* How many there are for us; 0: none. They are not for who comes after us. */
static unsigned handed_over(void)
{
	unsigned n = number_of(ENV_LISTEN_PID) == (unsigned)getpid() ? number_of(ENV_LISTEN_FDS) :
								       0;

	unsetenv(ENV_LISTEN_PID);
	unsetenv(ENV_LISTEN_FDS);
	unsetenv(ENV_LISTEN_FDNAMES);
	return n < FDS_MAX ? n : FDS_MAX;
}

/* ---- both ---- */

static enum exit_code open_all(struct listeners *l, const struct options *o, struct strbuf *why)
{
	unsigned n = handed_over(), i;
	enum exit_code code = EXIT_FINE;
	const char *tcp = o->listen, *local = o->socket;

	for (i = 0; i < n && code == EXIT_FINE; i++)
		code = take_fd(l, (int)(FIRST_FD + i), o, why);
	/* the usual ones, where nobody has said otherwise */
	if (!n && !tcp && !local)
		tcp = LISTENERS_TCP;
	if (!n && !local)
		local = CONTROL_SOCKET;
	if (code == EXIT_FINE && tcp && !is_none(tcp) && l->tcp < 0)
		code = listen_tcp(l, tcp, why);
	if (code == EXIT_FINE && local && !is_none(local) && l->local < 0)
		code = listen_local(l, local, why);
	return code;
}

struct listeners *listeners__new(const struct options *o, enum exit_code *code, struct strbuf *why)
{
	struct listeners *l = xcalloc(1, sizeof(*l));

	l->tcp = l->local = l->claim = -1;
	*code = open_all(l, o, why);
	if (*code == EXIT_FINE)
		return l;
	listeners__free(l);
	return NULL;
}

void listeners__free(struct listeners *l)
{
	struct stat st;

	if (!l)
		return;
	if (l->ours && !lstat(l->path, &st) && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->path);
	if (l->tcp >= 0)
		close(l->tcp);
	if (l->local >= 0)
		close(l->local);
	if (l->claim >= 0)
		close(l->claim);
	free(l->path);
	free(l);
}

static int take(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

int listeners__take_tcp(struct listeners *l)
{
	return take(&l->tcp);
}

int listeners__take_unix(struct listeners *l)
{
	return take(&l->local);
}

void listeners__words(const struct listeners *l, bool tls, struct strbuf *out)
{
	if (l->at.any.sa_family) {
		strbuf_addf(out, "http%s://", tls ? "s" : "");
		address_words(&l->at, out);
		strbuf_addstr(out, "/debug/pprof/");
	}
	if (l->path)
		strbuf_addf(out, "%s%s", out->len ? " and " : "", l->path);
}
