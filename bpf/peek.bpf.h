/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is kept of a thread, where the kernel refuses to look. Before 6.2 (e8b02296a6b8) it does so
 * to an interrupt in the middle of another look-up on the same CPU, though the place may be there.
 * So its content is read where it lies: a list of what BPF programs keep with the task. What is
 * read is a copy, and what is written to it is lost.
 */
#ifndef CTRACE_BPF_PEEK_H
#define CTRACE_BPF_PEEK_H

#include "bpf/maps.bpf.h"

#define CT_PEEK_MAX 32 /* maps that keep something with one task */

static __always_inline struct bpf_local_storage_elem *ct_peek_elem(struct hlist_node *node)
{
	return (void *)node - bpf_core_field_offset(struct bpf_local_storage_elem, snode);
}

/* Fills *copy. 0: there is nothing, or the thread has no key yet. */
static __noinline int ct_peek(struct task_struct *p, struct ct_thread *copy)
{
	struct bpf_local_storage_elem *e;
	struct hlist_node *node;
	int i;

	node = BPF_CORE_READ(p, bpf_storage, list.first);
	for (i = 0; i < CT_PEEK_MAX && node; i++) {
		e = ct_peek_elem(node);
		if ((void *)BPF_CORE_READ(e, sdata.smap) == (void *)&ct_threads)
			return !bpf_core_read(copy, sizeof(*copy), &e->sdata.data) && copy->key;
		node = BPF_CORE_READ(node, next);
	}
	return 0;
}

#endif
