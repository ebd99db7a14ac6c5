/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON as bytes (RFC 8259): is this a text of it, and where in it a value begins and ends. For what
 * is lost in values: an id goes back as it was written, however large a number it is. Nothing is
 * allocated, and spans point into the text.
 */
#ifndef CTRACE_RPC_JSONTEXT_H
#define CTRACE_RPC_JSONTEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Of a value, without the blanks around it. */
struct jsontext {
	const char *s;
	size_t len;
};

/* One value with blanks around it, well-formed, in UTF-8, of arrays and objects at most depth in
 * each other? 0, -EINVAL, or -E2BIG: it is deeper. *value is the value where it is given. Halves of
 * surrogates pass, as in Go. */
int jsontext_check(const char *s, size_t len, unsigned depth, struct jsontext *value);

/* Through the elements of an array, or the members of an object, that was checked. Of another value
 * there are none. */
struct jsontext_walk {
	const char *p, *end;
	bool object;
};

struct jsontext_walk jsontext_walk(struct jsontext of);
/* False: there are no more. name is NULL, or gets the name of a member with its quotes; of an
 * element s is NULL. */
bool jsontext_next(struct jsontext_walk *w, struct jsontext *name, struct jsontext *value);

/* The string that it is, as C has it; the caller's to free. NULL: it is none, or has a NUL or half
 * a surrogate in it. */
char *jsontext_string(struct jsontext t);

/*
 * Where texts end that come one behind the other with nothing between them, in pieces of any size:
 * only brackets and quotes are looked at. An array or an object each.
 */
struct jsontext_split {
	size_t len;  /* so many bytes of the text have come; 0: it has not begun */
	size_t open; /* brackets */
	bool quoted, escaped;
};

enum jsontext_found { JSONTEXT_MORE, JSONTEXT_WHOLE, JSONTEXT_NONE };

/*
 * Looks on. *used bytes were taken, blanks before a text too, and *from of these were such blanks.
 * WHOLE: the text ended with the last of them, and the next one can begin. NONE: what begins there
 * is neither array nor object.
 */
enum jsontext_found jsontext_split(struct jsontext_split *sp, const char *s, size_t len,
				   size_t *from, size_t *used);

#endif
