// SPDX-License-Identifier: GPL-2.0
/*
 * For a tracer inside a pid namespace: which process does the kernel mean by a pid that we see?
 * Loaded alone, before the rest; each process that the reader's namespace sees is answered to the
 * reader.
 */
#include "bpf/common.bpf.h"
#include "bpf/find.h"

SEC("iter/task")
int ct_find_pids(struct bpf_iter__task *ctx)
{
	struct task_struct *p = ctx->task, *me = bpf_get_current_task_btf();
	struct pid *pid, *own = me->thread_pid;
	struct ct_found found = {};
	struct upid up = {}, mine = {};
	__u32 level;

	if (!p || p->pid != p->tgid || !own)
		return 0;
	level = BPF_CORE_READ(own, level) & 31;
	pid = p->thread_pid;
	if (!pid || BPF_CORE_READ(pid, level) < level)
		return 0;
	bpf_core_read(&up, sizeof(up), &pid->numbers[level]);
	bpf_core_read(&mine, sizeof(mine), &own->numbers[level]);
	if (up.ns != mine.ns)
		return 0;
	found.ns_pid = up.nr;
	found.tgid = p->tgid;
	found.level = level;
	bpf_seq_write(ctx->meta->seq, &found, sizeof(found));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
