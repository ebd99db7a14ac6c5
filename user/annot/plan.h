/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is to be probed in a file: our own markers, Go's annotations, and what the user asked for,
 * as sites with their cookies. A descriptor in, a plan out; nothing is attached.
 */
#ifndef CTRACE_ANNOT_PLAN_H
#define CTRACE_ANNOT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "annot/gofind.h"
#include "annot/probes.h"
#include "annot/spec.h"

struct plan_wishes {
	bool header, go;
	bool calls; /* this kernel makes a probe on a nop of five bytes a call */
	const struct annot_spec *spec;
	size_t nspec;
};

/* How many of a wish were found, in all files. */
struct plan_found {
	size_t files; /* that it names */
	size_t sites;
	size_t refused;
	char *why; /* of the first one that was; the caller's to free */
};

struct plan_env {
	/* a number for a name (EV_SITE) */
	uint32_t (*site)(void *ctx, const char *name);
	/* a sentence: what cannot be done, and why */
	void (*trouble)(void *ctx, const char *sentence);
	void *ctx;
	struct plan_found *found; /* one for each wish's spec; counted up */
};

struct plan_usdt {
	char *provider, *name;
	uint64_t cookie;
};

struct plan {
	struct probe_site *header, *func;
	size_t nheader, nfunc;
	struct plan_usdt *usdt;
	size_t nusdt;
	struct go_sites go; /* no site: none */
};

/* path: of the file, as a process sees it. plan_free() afterwards. */
void plan_make(struct plan *p, int fd, const char *path, const struct plan_wishes *wishes,
	       const struct plan_env *env);
bool plan_is_empty(const struct plan *p);
void plan_free(struct plan *p);

#endif
