/* SPDX-License-Identifier: BSD-2-Clause */
/* What systemd is told of a service's state, sd_notify(3), where $NOTIFY_SOCKET says where to. */
#ifndef CTRACE_CONTROL_NOTIFY_H
#define CTRACE_CONTROL_NOTIFY_H

struct notify;

/* Takes the variable out of the environment. NULL where nobody wants to hear; the functions take
 * that. */
struct notify *notify__new(void);
void notify__free(struct notify *n);
/* Lines as sd_notify(3) has them: "READY=1\nSTATUS=…". Does not wait, and does not fail. */
__attribute__((format(printf, 2, 3))) void notify__say(struct notify *n, const char *fmt, ...);

#endif
