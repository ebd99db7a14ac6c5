/* SPDX-License-Identifier: BSD-2-Clause */
/* What a file has that a recording can listen to, and how that is printed. */
#ifndef CTRACE_CLI_MARKERS_H
#define CTRACE_CLI_MARKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf;

enum marker_kind {
	MARKER_OURS, /* of ctrace.h */
	MARKER_GO,   /* of runtime/trace */
	MARKER_USDT, /* somebody else's */
	MARKER_FUNC,
	MARKER_KIND_MAX,
};

/* What has one name in a file. */
struct marker {
	enum marker_kind kind;
	char *name;    /* provider:name of a USDT marker */
	char *args;    /* MARKER_USDT: those of its first site */
	size_t sites;  /* places at which a probe would be set; exits included */
	uint64_t addr; /* MARKER_FUNC: as the file counts */
	size_t usable; /* sites that can be listened to, the others cannot for the reason in why */
	size_t tails;  /* MARKER_FUNC: exits that are jumps to other functions */
	bool semaphore;
	char *why; /* NULL: nothing is in the way */
};

struct markers {
	struct marker *m;
	size_t cnt, cap;
};

/*
 * Adds all of the file fd, functions that match one of the globs included. 0 or -errno with the
 * reason in why; what could be had is there all the same.
 */
int markers_look(struct markers *out, int fd, const char *const *globs, size_t nglob,
		 struct strbuf *why);
void markers_free(struct markers *m);

/* Lines for people; a member of a JSON array. why: what could not be had of the file, NULL nothing.
 */
void markers_print(struct strbuf *out, const char *path, const struct markers *m, const char *why);
void markers_json(struct strbuf *out, const char *path, const struct markers *m, const char *why);

#endif
