/* SPDX-License-Identifier: BSD-2-Clause */
/* How the parts that take a function apart say that they do not. */
#ifndef CTRACE_ANNOT_REFUSE_H
#define CTRACE_ANNOT_REFUSE_H

#include <errno.h>

#include "util/strbuf.h"

/* what: the reason, behind "it": "has no instructions". Returns -ENOTSUP. */
static inline int refuse(struct strbuf *why, const char *what)
{
	strbuf_set_f(why, "%s", what);
	return -ENOTSUP;
}

#endif
