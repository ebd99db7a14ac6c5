/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the user wants annotated beyond what programs say themselves.
 *
 *	--region BIN:FUNC				each call is a region; globs
 *	--usdt BIN:PROVIDER:NAME			each hit is a log with its arguments; globs
 *	--usdt-region BIN:PROVIDER:BEGIN,END[,END…][:argN]
 *		from BEGIN to the next END of the thread
 *
 * BIN is a path as the process sees it (with a slash), or the name of a file; globs. Versions may
 * be left out behind ".so": "libpq.so" and "libpq.so.5" are libpq.so.5.15. /lib and /usr/lib are
 * the same, and so are /bin and /usr/bin. A path, or a name in PATH, that is a symbolic link is
 * also the file that it leads to, as we see it.
 */
#ifndef CTRACE_ANNOT_SPEC_H
#define CTRACE_ANNOT_SPEC_H

#include <stdbool.h>
#include <stddef.h>

struct strbuf;

enum annot_spec_kind { SPEC_REGION = 1, SPEC_USDT, SPEC_USDT_REGION };

struct annot_spec {
	enum annot_spec_kind kind;
	char *text; /* as it was given */
	char *bin;
	char *leads_to; /* the file behind it, if BIN is a symbolic link; NULL */
	char *func;	/* SPEC_REGION */
	char *provider; /* the others */
	char *name;	/* the marker; of a region the one that begins it */
	char **end;	/* those that end it */
	size_t nend;
	unsigned name_arg; /* the argument that names a region, counted from 1; 0: the marker does */
};

/* 0, or -EINVAL with the sentence in why. annot_spec_free() in both cases. */
int annot_spec_parse(struct annot_spec *s, enum annot_spec_kind kind, const char *text,
		     struct strbuf *why);
void annot_spec_free(struct annot_spec *s);

/* Is this file, as a process sees its path, the BIN of the spec? */
bool annot_spec_matches(const struct annot_spec *s, const char *path);

#endif
