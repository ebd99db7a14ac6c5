// SPDX-License-Identifier: BSD-2-Clause
/* See token.h. It has memory of its own, which no process that is forked gets: recorders are their
 * users', and read what these give them. */
#include "rights/token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/strbuf.h"

#define TOKEN_MIN 16
#define TOKEN_MAX 512

struct token {
	char text[TOKEN_MAX]; /* zeros behind it */
};

/* Only its owner, who is we or root, may know it. */
static int check_file(int fd, const char *path, struct strbuf *why)
{
	struct stat st;

	if (fstat(fd, &st))
		return strbuf_refuse(-errno, why, "cannot look at %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return strbuf_refuse(-EINVAL, why, "--token-file=%s: it is no file", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return strbuf_refuse(
			-EACCES, why,
			"--token-file=%s: others may read or change it; write chmod 600 %s", path,
			path);
	if (st.st_uid && st.st_uid != geteuid())
		return strbuf_refuse(
			-EACCES, why,
			"--token-file=%s: it belongs to another user, who knows the token", path);
	return 0;
}

static int take_line(struct token *t, const char *path, struct strbuf *why)
{
	size_t len = strcspn(t->text, "\r\n"), i;

	if (t->text[len + strspn(t->text + len, "\r\n")])
		return strbuf_refuse(-EINVAL, why,
				     "--token-file=%s: there is more than one line in it", path);
	memset(t->text + len, 0, sizeof(t->text) - len);
	for (i = 0; i < len; i++)
		if (t->text[i] <= ' ' || t->text[i] > '~')
			return strbuf_refuse(
				-EINVAL, why,
				"--token-file=%s: a token has letters, digits and signs of ASCII, and no blank",
				path);
	if (len < TOKEN_MIN)
		return strbuf_refuse(
			-EINVAL, why,
			"--token-file=%s: so short a token can be guessed; give %d characters or more, as openssl rand -hex 32 does",
			path, TOKEN_MIN);
	return 0;
}

static int read_from(int fd, struct token *t, const char *path, struct strbuf *why)
{
	int err = check_file(fd, path, why);
	ssize_t n;

	if (err)
		return err;
	n = read(fd, t->text, sizeof(t->text));
	if (n < 0)
		return strbuf_refuse(-errno, why, "cannot read %s: %s", path, strerror(errno));
	if (n == sizeof(t->text))
		return strbuf_refuse(-EINVAL, why,
				     "--token-file=%s: it is longer than a token of %d characters",
				     path, TOKEN_MAX - 1);
	if (strnlen(t->text, (size_t)n) != (size_t)n)
		return strbuf_refuse(-EINVAL, why, "--token-file=%s: it is no text", path);
	return take_line(t, path, why);
}

static struct token *make(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	/* cppcheck-suppress invalidFunctionArg */
	struct token *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, flags, -1, 0);

	if (t == MAP_FAILED)
		return NULL;
	if (!madvise(t, sizeof(*t), MADV_WIPEONFORK))
		return t;
	munmap(t, sizeof(*t));
	return NULL;
}

struct token *token__read(const char *path, struct strbuf *why)
{
	struct token *t;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err;

	if (fd < 0) {
		err = errno;
		strbuf_refuse(0, why, "cannot open %s: %s", path, strerror(err));
		errno = err;
		return NULL;
	}
	t = make();
	err = t ? read_from(fd, t, path, why) :
		  strbuf_refuse(-ENOMEM, why, "there is no memory for the token of %s", path);
	close(fd);
	if (!err)
		return t;
	token__free(t);
	errno = -err;
	return NULL;
}

void token__free(struct token *t)
{
	if (!t)
		return;
	explicit_bzero(t, sizeof(*t));
	munmap(t, sizeof(*t));
}

/* All of the longest token is compared, whatever was given. */
bool token__is(const struct token *t, const char *given)
{
	static const char scheme[] = "Bearer ";
	char text[TOKEN_MAX] = "";
	unsigned char differ = 0;
	size_t i, len;

	if (!given || strncasecmp(given, scheme, sizeof(scheme) - 1))
		return false;
	given += sizeof(scheme) - 1;
	len = strlen(given);
	memcpy(text, given, len < sizeof(text) ? len : 0);
	for (i = 0; i < sizeof(text); i++)
		differ |= (unsigned char)(text[i] ^ t->text[i]);
	explicit_bzero(text, sizeof(text));
	return !differ && t->text[0]; /* wiped, it is nobody's */
}
