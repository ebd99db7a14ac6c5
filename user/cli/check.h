/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of a recording that cannot be meant together, or that mean nothing without another one.
 * Nothing is asked of the system here but whether two paths are the same file, and how much memory
 * there is.
 */
#ifndef CTRACE_CLI_CHECK_H
#define CTRACE_CLI_CHECK_H

#include <stdbool.h>

struct options;
struct strbuf;

/* 0, or -EINVAL with the first reason in why: a sentence that says what to leave out, or to add. */
int check_recording(const struct options *o, struct strbuf *why);
/* The same of what is recorded when a service is not told: there need not be a target. */
int check_defaults(const struct options *o, struct strbuf *why);
bool check_has_target(const struct options *o); /* -p, -a or a group */

#endif
