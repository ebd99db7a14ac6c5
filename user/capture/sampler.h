/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock of CPU samples: a perf event on each CPU, which runs ct_sample. It counts cycles where
 * the machine does, for these tick also where interrupts are off, else time on the CPU.
 */
#ifndef CTRACE_CAPTURE_SAMPLER_H
#define CTRACE_CAPTURE_SAMPLER_H

#include <stdbool.h>

struct ctrace;
struct sampler;

bool sampler_has_cycles(void);

struct sampler *sampler__new(unsigned ncpu);
/* hz: ticks a second; online: by CPU, the others have none. ct_cfg.sample_nmi says which clock. 0,
 * or -errno: some CPUs may have one. */
int sampler__attach(struct sampler *s, struct ctrace *skel, unsigned hz, const bool *online);
void sampler__free(struct sampler *s); /* stops; NULL is fine */

#endif
