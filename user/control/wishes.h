/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What somebody asks to have recorded, as options: what serve was given, and what he says beside it
 * or in its place. The table of options says what may be asked for, and reads the values; who asks
 * decides about the rest. Nothing is asked of the system.
 */
#ifndef CTRACE_CONTROL_WISHES_H
#define CTRACE_CONTROL_WISHES_H

#include <jansson.h>

#include "cli/options.h"
#include "rights/caller.h"

struct strbuf;

struct wish {
	struct options o;
	char **words; /* that o borrows from */
	size_t nwords, cap_words;
};

/*
 * serve: what the service was given, whose limits hold. object: names of options and their values,
 * {"pid": 42, "region":
 * ["libc.so.6:malloc"], "sample": true}; an array is an option for each of its values, null and
 * false are none. words: of a command line, `--pid=42`, and a NULL. Both may be NULL. 0; -EINVAL it
 * makes no sense, -EPERM this caller may not, with the sentence in why. To be freed with
 * wish_free() in each case.
 */
int wish_read(struct wish *w, const struct options *serve, const json_t *object, char *const *words,
	      const struct caller *c, struct strbuf *why);
void wish_free(struct wish *w);

/* What options have recorded: "process 42 (redis-server)", "processes 42 and 43", "the whole
 * system", "control group X", "container X"; nothing where they name no target. */
void wish_words(const struct options *o, struct strbuf *out);

#endif
