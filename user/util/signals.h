/* SPDX-License-Identifier: BSD-2-Clause */
/* What signals do to a process of ours. */
#ifndef CTRACE_UTIL_SIGNALS_H
#define CTRACE_UTIL_SIGNALS_H

#include <signal.h>

/*
 * A reader that goes away is an error of write(). A handler does that, unlike SIG_IGN, for us
 * alone: a program that we start has the signal as it was.
 */
void signals_no_sigpipe(void);

/* Each as it was before anybody changed it, none blocked, but for the above: for a process that
 * goes another way than the one that it was forked from. */
void signals_reset(void);

/* Those that a recording and the service hear as events: SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2.
 */
void signals_heard(sigset_t *set);

#endif
