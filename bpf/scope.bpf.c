// SPDX-License-Identifier: GPL-2.0
/*
 * Where the set of recorded processes changes by itself: who was there before, who moves to another
 * control group, who is no more. Births and new names are in task.bpf.c, new users in sched.bpf.c.
 */
#include "bpf/scope.bpf.h"

/* The leader is freed last; a thread that executes a program takes its number over before. */
SEC("tp_btf/sched_process_free")
int BPF_PROG(ct_free, struct task_struct *p)
{
	struct ct_member *m;
	__u32 tgid = p->tgid;

	if (p->pid != p->tgid)
		return 0;
	if (ct_cfg.rule & CT_RULE_EXCLUDE)
		bpf_map_delete_elem(&ct_barred, &tgid);
	m = bpf_map_lookup_elem(&ct_targets, &tgid);
	if (m && (!m->start || m->start == p->start_time))
		ct_part(tgid);
	return 0;
}

/* Of a whole process, or of one thread, which then says nothing about it. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(ct_moved, struct cgroup *to, const char *path, struct task_struct *p, bool threadgroup)
{
	if (p->pid == p->tgid)
		ct_judge(p, p->comm);
	return 0;
}

/* One that ends meanwhile either finds itself recorded, or is seen here to have ended. */
SEC("iter.s/task")
int ct_scope_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *p = ctx->task;

	if (!p || p->pid != p->tgid || !ct_rule(p, p->comm))
		return 0;
	ct_join(p);
	if (!BPF_CORE_READ(p, signal, live.counter))
		ct_part(p->tgid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
