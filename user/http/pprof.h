/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /debug/pprof/ as net/http/pprof has it: what is asked, in which form it is answered, and what is
 * an error. What its query says beside `seconds` are options of a recording, by their long names.
 */
#ifndef CTRACE_HTTP_PPROF_H
#define CTRACE_HTTP_PPROF_H

#include <jansson.h>

struct query;
struct request;
struct strbuf;

/* Answers all beneath /debug/pprof/ but the page itself; name is what stands behind that. */
void pprof_answer(struct request *r, const char *name);
void pprof_trace(struct request *r);
/* serveError() of net/http/pprof. */
void pprof_error(struct request *r, unsigned status, const char *text);

/*
 * The options in a query as an object for served_wish; unknown keys are left out, as they are
 * there. A reference of the caller's; NULL with the sentence in why.
 */
json_t *pprof_wish(const struct query *q, struct strbuf *why);

/* The status for what recordings__start() and served__result() say. */
unsigned pprof_status(int err);

#endif
