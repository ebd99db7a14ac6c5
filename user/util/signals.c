// SPDX-License-Identifier: BSD-2-Clause
/* See signals.h. */
#include "util/signals.h"

#include <stddef.h>

static void let_write_fail(int sig)
{
	(void)sig;
}

void signals_no_sigpipe(void)
{
	struct sigaction quiet = { .sa_handler = let_write_fail, .sa_flags = SA_RESTART }, was;

	if (!sigaction(SIGPIPE, NULL, &was) && was.sa_handler != SIG_IGN)
		sigaction(SIGPIPE, &quiet, NULL);
}

void signals_reset(void)
{
	sigset_t none;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL); /* those that cannot be changed are as they were */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signals_no_sigpipe();
}

void signals_heard(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGUSR2);
}
