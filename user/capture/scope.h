/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is recorded where no processes are given: what the user wrote, turned into the rule that the
 * kernel side judges each process by (bpf/rule.bpf.h).
 */
#ifndef CTRACE_CAPTURE_SCOPE_H
#define CTRACE_CAPTURE_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/config.h"
#include "capture/cgroup_find.h"

struct strbuf;

/* As the user wrote it; NULL and 0: nothing. */
struct scope_wishes {
	const char *cgroup, *container; /* at most one of them */
	const char *const *comm, *const *exclude, *const *uid;
	size_t ncomm, nexclude, nuid;
	bool kernel_threads;
	unsigned percent; /* of the processes; 0: all of them */
};

struct scope {
	uint32_t rule; /* enum ct_rule; 0: everybody is recorded, and nobody is judged */
	bool kernel_threads;
	unsigned percent;
	struct cgroup_place cgroup;
	uint32_t uid[CT_UIDS_MAX];
	size_t nuid;
	struct ct_glob *glob;
	size_t nglob;
	uint32_t barred[CT_BARRED_MAX]; /* processes */
	size_t nbarred;
};

/*
 * Fills scope; to be freed in each case. 0; -EINVAL for what cannot be meant, -ENOENT for what is
 * not there, with the sentence in why.
 */
int scope_resolve(struct scope *scope, const struct scope_wishes *w, struct strbuf *why);
void scope_free(struct scope *scope);

/* Has its control group been removed? */
bool scope_vanished(const struct scope *scope);

#endif
