/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this kernel and these privileges give. A row is one question: how to ask it, what we do
 * without it, how to get it. Asking changes nothing and needs no other feature.
 */
#ifndef CTRACE_CAPTURE_FEATURES_H
#define CTRACE_CAPTURE_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

struct strbuf;

enum feature_id {
	FEATURE_BTF,
	FEATURE_CAP_BPF,
	FEATURE_CAP_PERFMON,
	FEATURE_TP_BTF,
	FEATURE_RAW_TP,
	FEATURE_RINGBUF,
	FEATURE_TASK_STORAGE,
	FEATURE_TASK_ITER,
	FEATURE_PT_REGS,
	FEATURE_PERF_EVENT,
	FEATURE_READ_OTHERS,
	FEATURE_SEE_ALL,
	FEATURE_UPROBE_MULTI,
	FEATURE_KALLSYMS,
	FEATURE_NICE,
	FEATURE_MAX,
};

struct feature {
	const char *key;     /* snake_case */
	const char *what;    /* a sentence: what it gives */
	const char *without; /* what is missing without it; NULL: nothing works without it */
	const char *remedy;  /* how to get it */
	bool (*ask)(void);
};

extern const struct feature features[FEATURE_MAX];

/* 0, or -ENOTSUP with the sentence when something is missing without which nothing can be recorded.
 */
int features_require(struct strbuf *why);

/* May probes be set at all, one way or the other? */
bool features_may_probe(void);
/* Does the kernel make a probe on a nop of five bytes a call, as from 6.18 on? Then the probed
 * function must keep nothing below the stack pointer; and a forked child has the call, but not the
 * page that it leads to. */
bool features_probes_call(void);

/* Did we have our ids and capabilities before we were executed? Those of our file are not the
 * caller's, unless he is root. */
bool features_rights_are_callers(void);
/* From now on they are not, root or no: this process acts for a user who has none of them. */
void features_lend_rights(void);

/* enum bpf_attach_type of programs and links of many probes; kernel headers before 6.6 have no name
 * for it. */
#define FEATURES_UPROBE_MULTI_TYPE ((enum bpf_attach_type)48)

/* The BTF file to use: NULL for the running kernel's own. See ENV_BTF. */
const char *features_btf_path(void);

#endif
