/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rule by which processes are judged where none are given: control group, user, name, and by
 * chance. It looks at the leader; its threads are recorded with it.
 */
#ifndef CTRACE_BPF_RULE_H
#define CTRACE_BPF_RULE_H

#include "bpf/compat.bpf.h"
#include "bpf/filter.bpf.h"

#define CT_HIERARCHIES_MAX 64 /* that a task can be in */
#define CT_LEVELS_MAX 64      /* of groups in groups */

/* ---- names ---- */

struct ct_naming {
	char comm[EV_COMM_LEN];
	__u32 wanted, unwanted; /* how many patterns match */
};

static long ct_try_glob(__u32 i, void *ctx)
{
	struct ct_naming *n = ctx;
	struct ct_glob *g = bpf_map_lookup_elem(&ct_globs, &i);
	__u32 state = 1, k;

	if (!g)
		return 1;
	for (k = 0; k < EV_COMM_LEN && n->comm[k]; k++)
		state = (state & g->accept[(__u8)n->comm[k]]) << 1 | (state & g->star);
	if (!(state & g->end))
		return 0;
	if (g->exclude)
		n->unwanted++;
	else
		n->wanted++;
	return 0;
}

static __always_inline bool ct_name_passes(const char *comm)
{
	struct ct_naming n = {};

	bpf_probe_read_kernel_str(n.comm, sizeof(n.comm), comm);
	bpf_loop(ct_cfg.nglob, ct_try_glob, &n, 0);
	return !n.unwanted && (n.wanted || !(ct_cfg.rule & CT_RULE_COMM));
}

/* ---- control groups ---- */

static __always_inline struct cgrp_cset_link *ct_link_of(struct list_head *node)
{
	return (void *)node - bpf_core_field_offset(struct cgrp_cset_link, cgrp_link);
}

struct ct_climb {
	struct cgroup *at;
	struct list_head *link, *links;
	__u32 found;
};

static long ct_try_hierarchy(__u32 i, void *ctx)
{
	struct ct_climb *c = ctx;
	struct list_head *node = c->link;
	struct cgrp_cset_link *link = ct_link_of(node);
	struct cgroup *at = BPF_CORE_READ(link, cgrp);

	if (BPF_CORE_READ(at, root, hierarchy_id) == (int)ct_cfg.hierarchy) {
		c->at = at;
		return 1;
	}
	c->link = BPF_CORE_READ(node, next);
	return !c->link || c->link == c->links;
}

static long ct_try_level(__u32 i, void *ctx)
{
	struct ct_climb *c = ctx;
	struct cgroup_subsys_state *up;
	struct cgroup *at = c->at;

	c->found = BPF_CORE_READ(at, kn, id) == ct_cfg.cgroup;
	up = c->found ? NULL : BPF_CORE_READ(at, self.parent);
	c->at = up ? BPF_CORE_READ(up, cgroup) : NULL;
	return !c->at;
}

/* In the group, or in one below it? */
static __always_inline bool ct_in_cgroup(struct task_struct *p)
{
	struct css_set *set = BPF_CORE_READ(p, cgroups);
	struct list_head *links;
	struct ct_climb c = {};

	if (!ct_cfg.hierarchy) {
		c.at = BPF_CORE_READ(set, dfl_cgrp);
	} else {
		links = (void *)set + bpf_core_field_offset(struct css_set, cgrp_links);
		c.links = links;
		c.link = BPF_CORE_READ(links, next);
		bpf_loop(CT_HIERARCHIES_MAX, ct_try_hierarchy, &c, 0);
	}
	if (c.at)
		bpf_loop(CT_LEVELS_MAX, ct_try_level, &c, 0);
	return c.found;
}

/* ---- users ---- */

static __always_inline bool ct_user_passes(struct task_struct *p)
{
	__u32 uid = p->cred->euid.val, i;

	for (i = 0; i < ct_cfg.nuid && i < CT_UIDS_MAX; i++)
		if (ct_cfg.uid[i] == uid)
			return true;
	return false;
}

/* ---- by chance ---- */

/* The same process is chosen, or not, by every recording. */
static __always_inline bool ct_is_chosen(struct task_struct *p)
{
	__u64 h = p->start_time ^ (__u64)p->tgid * 0x9e3779b97f4a7c15ull;

	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ull;
	h ^= h >> 32;
	return (__u32)h % 100 < ct_cfg.percent;
}

/* comm: its name, from now on. */
static __noinline bool ct_rule(struct task_struct *leader, const char *comm)
{
	__u32 tgid = leader->tgid;

	if (!tgid || ct_tgid_ours(tgid))
		return false;
	if (!ct_cfg.kernel_threads && leader->flags & PF_KTHREAD)
		return false;
	if (ct_cfg.rule & CT_RULE_SAMPLE && !ct_is_chosen(leader))
		return false;
	if (ct_cfg.rule & CT_RULE_UID && !ct_user_passes(leader))
		return false;
	if (ct_cfg.rule & CT_RULE_EXCLUDE && bpf_map_lookup_elem(&ct_barred, &tgid))
		return false;
	if (ct_cfg.nglob && !ct_name_passes(comm))
		return false;
	return !(ct_cfg.rule & CT_RULE_CGROUP) || ct_in_cgroup(leader);
}

#endif
