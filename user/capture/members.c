// SPDX-License-Identifier: BSD-2-Clause
/* See members.h. */
#include "capture/members.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/config.h"
#include "bpf/launch.h"
#include "bpf/mark.h"
#include "capture/capture.h"
#include "capture/features.h"
#include "capture/iter.h"
#include "capture/scope.h"
#include "ctrace.skel.h"
#include "util/env.h"

#define MEMBERS_MAX 32768u /* processes that are recorded at once, where that changes by itself */

static bool has_rule(const struct capture_opts *o)
{
	return !o->targets && o->scope && o->scope->rule;
}

bool members_move(const struct capture_opts *o)
{
	return o->follow || has_rule(o);
}

static uint32_t members_max(void)
{
	const char *fewer = secure_getenv(ENV_MEMBERS);
	unsigned long n = fewer ? strtoul(fewer, NULL, 10) : 0;

	return n && n < MEMBERS_MAX ? (uint32_t)n : MEMBERS_MAX;
}

/* ---- before the load ---- */

static void set_targets(struct ctrace *skel, const struct target_set *set, bool follow,
			struct ct_config *cfg)
{
	cfg->see_all = features[FEATURE_SEE_ALL].ask();
	cfg->follow = follow;
	cfg->filter = set->cnt == 1 && cfg->see_all && !follow ? CT_FILTER_ONE : CT_FILTER_SET;
	cfg->tgid = set->t[0].tgid;
	cfg->ns_level = set->ns_level;
	bpf_map__set_max_entries(skel->maps.ct_targets,
				 (uint32_t)set->cnt + (follow ? members_max() : 0));
}

/* The rule, as the kernel side has it. */
static void set_rule(struct ct_config *cfg, const struct scope *s)
{
	cfg->kernel_threads = s->kernel_threads;
	cfg->rule = s->rule;
	cfg->percent = s->percent;
	cfg->nglob = (uint32_t)s->nglob;
	cfg->nuid = (uint32_t)s->nuid;
	memcpy(cfg->uid, s->uid, sizeof(cfg->uid));
	cfg->hierarchy = s->cgroup.hierarchy;
	cfg->cgroup = s->cgroup.id;
	if (s->rule)
		cfg->filter = CT_FILTER_SET;
}

void members_configure(struct ctrace *skel, const struct capture_opts *o, struct ct_config *cfg)
{
	const struct scope *s = o->targets ? NULL : o->scope;
	uint32_t rule = s ? s->rule : 0;

	cfg->filter = CT_FILTER_ALL;
	if (o->targets)
		set_targets(skel, o->targets, o->follow, cfg);
	if (s)
		set_rule(cfg, s);
	bpf_map__set_max_entries(skel->maps.ct_globs, s && s->nglob ? (uint32_t)s->nglob : 1);
	bpf_map__set_max_entries(skel->maps.ct_barred, s && s->nbarred ? (uint32_t)s->nbarred : 1);
	if (rule)
		bpf_map__set_max_entries(skel->maps.ct_targets, members_max());
	bpf_program__set_autoload(skel->progs.ct_free, members_move(o));
	bpf_program__set_autoload(skel->progs.ct_scope_tasks, rule);
	bpf_program__set_autoattach(skel->progs.ct_scope_tasks, false);
	bpf_program__set_autoload(skel->progs.ct_moved, rule & CT_RULE_CGROUP);
}

/* ---- behind it ---- */

static int fill_targets(struct ctrace *skel, const struct target_set *set)
{
	int fd = bpf_map__fd(skel->maps.ct_targets);
	struct ct_member member = { 0 };
	size_t i;

	for (i = 0; i < set->cnt; i++)
		if (bpf_map_update_elem(fd, &set->t[i].tgid, &member, BPF_ANY))
			return -errno;
	skel->bss->ct_living = (uint32_t)set->cnt;
	return 0;
}

static int fill_rule(struct ctrace *skel, const struct scope *s)
{
	int globs = bpf_map__fd(skel->maps.ct_globs), barred = bpf_map__fd(skel->maps.ct_barred);
	uint8_t one = 1;
	uint32_t i;

	for (i = 0; i < s->nglob; i++)
		if (bpf_map_update_elem(globs, &i, &s->glob[i], BPF_ANY))
			return -errno;
	for (i = 0; i < s->nbarred; i++)
		if (bpf_map_update_elem(barred, &s->barred[i], &one, BPF_ANY))
			return -errno;
	return 0;
}

int members_fill(struct ctrace *skel, const struct capture_opts *o)
{
	if (o->targets)
		return fill_targets(skel, o->targets);
	return has_rule(o) ? fill_rule(skel, o->scope) : 0;
}

int members_judge(struct ctrace *skel, const struct capture_opts *o)
{
	struct bpf_link *link;
	int err;

	if (!has_rule(o))
		return 0;
	skel->links.ct_rename = bpf_program__attach(skel->progs.ct_rename);
	skel->links.ct_exec = bpf_program__attach(skel->progs.ct_exec);
	skel->links.ct_exit = bpf_program__attach(skel->progs.ct_exit);
	skel->links.ct_free = bpf_program__attach(skel->progs.ct_free);
	if (o->scope->rule & CT_RULE_CGROUP)
		skel->links.ct_moved = bpf_program__attach(skel->progs.ct_moved);
	link = bpf_program__attach_iter(skel->progs.ct_scope_tasks, NULL);
	err = link ? iter_run(bpf_link__fd(link)) : -errno;
	bpf_link__destroy(link);
	return err;
}
