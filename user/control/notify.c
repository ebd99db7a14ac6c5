// SPDX-License-Identifier: BSD-2-Clause
/* See notify.h. */
#include "control/notify.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/env.h"
#include "util/log.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "notify"

struct notify {
	int fd;
	struct sockaddr_un to;
	socklen_t len;
};

/* A path, or @ and a name that is no file. */
static bool take_name(struct notify *n, const char *name)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(n->to.sun_path))
		return false;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, name, len);
	if (name[0] == '@')
		n->to.sun_path[0] = 0;
	n->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

struct notify *notify__new(void)
{
	const char *name = secure_getenv(ENV_NOTIFY_SOCKET);
	struct notify *n;

	if (!name)
		return NULL;
	n = xcalloc(1, sizeof(*n));
	if (take_name(n, name))
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	else
		n->fd = -1;
	if (n->fd < 0)
		log_notice("cannot tell %s=%s anything", ENV_NOTIFY_SOCKET, name);
	unsetenv(ENV_NOTIFY_SOCKET);
	return n;
}

void notify__free(struct notify *n)
{
	if (n && n->fd >= 0)
		close(n->fd);
	free(n);
}

void notify__say(struct notify *n, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	if (!n || n->fd < 0)
		return;
	va_start(ap, fmt);
	strbuf_addv(&text, fmt, ap);
	va_end(ap);
	if (sendto(n->fd, text.buf, text.len, MSG_NOSIGNAL, (struct sockaddr *)&n->to, n->len) < 0)
		log_debug("cannot tell systemd: %m");
	strbuf_free(&text);
}
