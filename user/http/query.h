/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands behind the method in a request, read as Go's net/url and net/http read it. Pure.
 */
#ifndef CTRACE_HTTP_QUERY_H
#define CTRACE_HTTP_QUERY_H

#include <stddef.h>

struct strbuf;

struct query_pair {
	char *key, *value;
};

/* In the order of the text; a key may come again. */
struct query {
	struct query_pair *v;
	size_t cnt, cap;
};

/* a=1&b=2: pairs with a semicolon, with a bad %XX or with a NUL are left out. */
void query_parse(struct query *q, const char *text);
void query_free(struct query *q);
/* The first value; "" where there is none. */
const char *query_get(const struct query *q, const char *key);

/*
 * How long, by `seconds`: a number as strconv.ParseFloat takes it. 1 where it is missing, is none,
 * or is not above 0; may be infinite.
 */
double query_seconds(const struct query *q);

/*
 * "/path?query", also with "http://host" before it: the path decoded. clean: where Go's mux would
 * lead from there, encoded, without "//", "." and ".."; empty where that is the same. Returns the
 * query's text, "" where there is none; NULL: it is no such thing.
 */
const char *target_split(const char *target, struct strbuf *path, struct strbuf *clean);

#endif
