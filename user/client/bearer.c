// SPDX-License-Identifier: BSD-2-Clause
/* See bearer.h. */
#include "client/bearer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/invoker.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define TOKEN_MAX 4096

/* All of the file, up to what a token can have. 0 or -errno. */
static int read_file(const char *path, char *out, size_t *len)
{
	int fd = invoker_open(path, O_RDONLY | O_CLOEXEC), err = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	for (*len = 0; n > 0 && *len<TOKEN_MAX - 1; *len += n> 0 ? (size_t)n : 0)
		n = read(fd, out + *len, TOKEN_MAX - 1 - *len);
	if (n < 0)
		err = -errno;
	close(fd);
	return err;
}

/* A header is made of it: nothing else may get in there. */
static bool is_word(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] == 0x7f)
			return false;
	return len > 0;
}

char *bearer_read(const char *path, struct strbuf *why)
{
	char *token = xcalloc(1, TOKEN_MAX);
	struct invoker who = invoker_get();
	size_t len = 0;
	int err = read_file(path, token, &len);

	if (err == -EACCES && who.other)
		strbuf_set_f(why, "cannot read the token in %s as user %u, who called sudo: %s",
			     path, who.uid, strerror(-err));
	else if (err)
		strbuf_set_f(why, "cannot read the token in %s: %s", path, strerror(-err));
	while (!err && len && strchr("\r\n", token[len - 1]))
		token[--len] = 0;
	if (!err && !is_word(token, len)) {
		strbuf_set_f(why, "%s has no token: that is one word on one line", path);
		err = -EINVAL;
	}
	if (!err)
		return token;
	bearer_free(token);
	errno = -err;
	return NULL;
}

void bearer_free(char *token)
{
	if (token)
		explicit_bzero(token, TOKEN_MAX);
	free(token);
}
