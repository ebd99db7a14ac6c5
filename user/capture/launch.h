/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program behind --: a child that waits, as what it will be, until somebody records it; then
 * it executes the command. It runs as the user who called us, has what we were given (directory,
 * descriptors, environment, signals, limits), and nothing of ours. Its end is our exit status.
 *
 * The signals of the terminal come to it by the terminal, since it is of our process group. Those
 * that are sent to us alone are passed on.
 */
#ifndef CTRACE_CAPTURE_LAUNCH_H
#define CTRACE_CAPTURE_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct launch;
struct signalfd_siginfo;
struct strbuf;

/*
 * Makes the child and looks for the command, by PATH and with that user's rights. argv ends with
 * NULL and is borrowed. To be called before there are threads, or signals are blocked, or anything
 * is opened. 0 with *out; else the exit status with the reason in why: EXIT_NO_COMMAND,
 * EXIT_CANNOT_RUN, or EXIT_FAILED when it was not the command's fault.
 */
int launch__new(struct launch **out, char **argv, struct strbuf *why);
/* A child that was not let go ends, having executed nothing. NULL is fine. */
void launch__free(struct launch *l);

pid_t launch__pid(const struct launch *l);
const char *launch__path(const struct launch *l); /* of the program, as it was found */
const char *launch__name(const struct launch *l); /* the last part of it */

/* Let it execute the command, from now on. */
void launch__go(struct launch *l);

/* Has it stopped since the last call? It is told once. */
bool launch__has_stopped(struct launch *l);
/* Let it go on. */
void launch__continue(struct launch *l);
/* Ends it, and waits until it has. */
void launch__kill(struct launch *l);
/* Is it to be continued, once, by launch__wait() if it is found stopped there? The stop is ours. */
void launch__expect_stop(struct launch *l, bool expected);
/* Has it ended? Who asks may go on doing so. */
bool launch__has_ended(const struct launch *l);

/*
 * A signal that came to us: passes on what was meant for the command but did not reach it. SIGTERM
 * goes once. false: it is not the command's, or that has ended.
 */
bool launch__signal(struct launch *l, const struct signalfd_siginfo *si);

/*
 * Waits for the end of the command, passing on what comes through signal_fd (of session_signals(),
 * of which SIGCHLD has to be one). The exit status: its own, or EXIT_SIGNAL more than the signal
 * that ended it. Where it could not be executed, EXIT_NO_COMMAND or EXIT_CANNOT_RUN, with the
 * reason in why.
 */
int launch__wait(struct launch *l, int signal_fd, struct strbuf *why);

#endif
