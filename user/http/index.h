/* SPDX-License-Identifier: BSD-2-Clause */
/* The page at /debug/pprof/, which is index.html: it asks by the same doors as everybody, and may
 * no more. */
#ifndef CTRACE_HTTP_INDEX_H
#define CTRACE_HTTP_INDEX_H

struct request;

void index_answer(struct request *r);

#endif
