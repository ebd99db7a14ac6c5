/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is recorded, as the kernel side has it: everybody, the processes in ct_targets, or those that
 * a rule brings there and takes out again. Called by capture.c, in this order.
 */
#ifndef CTRACE_CAPTURE_MEMBERS_H
#define CTRACE_CAPTURE_MEMBERS_H

#include <stdbool.h>

struct capture_opts;
struct ct_config;
struct ctrace;

/* Does ct_targets change by itself, by a rule or because children are followed? */
bool members_move(const struct capture_opts *o);
/* Before the load: the filter in cfg, room in the maps, and which programs there are. */
void members_configure(struct ctrace *skel, const struct capture_opts *o, struct ct_config *cfg);
/* Behind it: the processes that are given, the patterns of the rule. 0 or -errno. */
int members_fill(struct ctrace *skel, const struct capture_opts *o);
/* Those that are there already are judged by the rule, if there is one, once the hooks that judge
 * anew are attached, which is done here. 0 or -errno. */
int members_judge(struct ctrace *skel, const struct capture_opts *o);

#endif
