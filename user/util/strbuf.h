/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A growing string. Invariants: `buf` is never NULL and always ends in a NUL that `len` does not
 * count; the memory belongs to the strbuf until strbuf_free.
 *
 *	struct strbuf sb = STRBUF_INIT;
 *	strbuf_addf(&sb, "%d events", n);
 *	puts(sb.buf);
 *	strbuf_free(&sb);
 */
#ifndef CTRACE_UTIL_STRBUF_H
#define CTRACE_UTIL_STRBUF_H

#include <stdarg.h>
#include <stddef.h>

struct strbuf {
	char *buf;
	size_t len;
	size_t cap; /* 0: buf is the shared empty string */
};

extern char strbuf_empty[];
#define STRBUF_INIT ((struct strbuf){ .buf = strbuf_empty })

/* life cycle */
void strbuf_free(struct strbuf *sb);  /* back to STRBUF_INIT */
void strbuf_reset(struct strbuf *sb); /* empty, memory kept */

/* adding at the end */
void strbuf_add(struct strbuf *sb, const void *data, size_t len);
void strbuf_addstr(struct strbuf *sb, const char *s);
void strbuf_addch(struct strbuf *sb, char c);
__attribute__((format(printf, 2, 3))) void strbuf_addf(struct strbuf *sb, const char *fmt, ...);
void strbuf_addv(struct strbuf *sb, const char *fmt, va_list ap);

/* the whole content anew; for reasons: strbuf_set_f(why, "no process with pid %d", pid) */
__attribute__((format(printf, 2, 3))) void strbuf_set_f(struct strbuf *sb, const char *fmt, ...);
/* … and err, which is returned: return strbuf_refuse(-EINVAL, why, "'%s' is no name", name); */
__attribute__((format(printf, 3, 4))) int strbuf_refuse(int err, struct strbuf *why,
							const char *fmt, ...);

#endif
