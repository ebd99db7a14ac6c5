/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recording by the service, for who has not the rights to record by himself: the words of the
 * command line, the trace's file, and where words go are handed to it, and the end is waited for.
 * All that is printed, and the exit status, are those of a recording that is made here.
 */
#ifndef CTRACE_RECORD_PROXY_H
#define CTRACE_RECORD_PROXY_H

#include <stdbool.h>

#include "util/exitcode.h"

struct options;
struct strbuf;

/* Is that the way? Nobody asks for it: where we lack rights, and there is a service. */
bool proxy_is_due(const struct options *o);
/* As record_run(). */
enum exit_code proxy_run(const struct options *o, struct strbuf *why);

#endif
