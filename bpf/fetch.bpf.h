/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of the current process that is not resident. Where it is known that a text lies there, it
 * may simply be asked for. But what looks like an address can be a number as well, and to ask for
 * memory is not without effect: below the stack it makes that grow, and where the process itself
 * serves its faults (userfaultfd), who asks waits for it, perhaps in the very thread that serves.
 * So here is asked first what lies at an address.
 */
#ifndef CTRACE_BPF_FETCH_BPF_H
#define CTRACE_BPF_FETCH_BPF_H

#include <linux/errno.h>

#include "bpf/compat.bpf.h"

#define CT_PAGE 4096u

#define CT_VM_READ 1u /* linux/mm.h: VM_READ */

/* How often a look is tried; somebody else changes the mappings meanwhile. */
#define CT_LOOKS 4

enum ct_lies {
	CT_LIES_NOWHERE =
		0, /* in no mapping that can be read: it is a number, or leads to nothing */
	CT_LIES_THERE = 1,
	CT_LIES_SERVED = 2, /* in memory whose faults the process serves */
	CT_LIES_UNKNOWN = 3,
};

static long ct_look_at(struct task_struct *task, struct vm_area_struct *vma, void *lies)
{
	__u32 *l = lies;

	/* a sanitizer's, a heap's or Java's reserve covers terabytes of numbers with such mappings */
	if (!(vma->vm_flags & CT_VM_READ))
		*l = CT_LIES_NOWHERE;
	else
		*l = ct_serves_faults(vma) ? CT_LIES_SERVED : CT_LIES_THERE;
	return 0;
}

/* What lies at an address; never sleeps. Returns enum ct_lies. */
static __noinline __u32 ct_look(__u64 at)
{
	__u32 lies = CT_LIES_UNKNOWN;

	/* the other answer is that the mappings are being changed */
	if (bpf_find_vma(bpf_get_current_task_btf(), at, ct_look_at, &lies, 0) == -ENOENT)
		return CT_LIES_NOWHERE;
	return lies;
}

/* Has the page that an address lies in fetched, if it may be. Returns enum ct_lies. */
static __noinline __u32 ct_fetch_page(__u64 at)
{
	__u32 lies = CT_LIES_UNKNOWN, i;
	char byte;

	for (i = 0; i < CT_LOOKS; i++) {
		lies = ct_look(at);
		if (lies != CT_LIES_UNKNOWN)
			break;
		/* nothing is there, but a fault waits for who changes the mappings */
		bpf_copy_from_user(&byte, 1, NULL);
	}
	if (lies == CT_LIES_THERE)
		bpf_copy_from_user(&byte, 1, (void *)at);
	return lies;
}

/* The same for so many bytes, which are less than a page. What is returned is of the first one. */
static __always_inline __u32 ct_fetch(__u64 at, __u32 size)
{
	__u32 lies = ct_fetch_page(at);

	if ((at & (CT_PAGE - 1)) + size > CT_PAGE)
		ct_fetch_page((at | (CT_PAGE - 1)) + 1);
	return lies;
}

#endif
