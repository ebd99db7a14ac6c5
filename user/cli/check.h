/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of a recording that cannot be meant together, or that mean nothing without another one.
 * Nothing is asked of the system here but whether two paths are the same file, and how much memory
 * there is.
 */
#ifndef CTRACE_CLI_CHECK_H
#define CTRACE_CLI_CHECK_H

struct options;
struct strbuf;

/* 0, or -EINVAL with the first reason in why: a sentence that says what to leave out, or to add. */
int check_recording(const struct options *o, struct strbuf *why);

#endif
