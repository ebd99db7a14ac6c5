// SPDX-License-Identifier: GPL-2.0
/*
 * What a probe costs without anything in it: the least that the recording of a marker can cost.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("uprobe.multi")
int bare_hit(struct pt_regs *ctx)
{
	return 0;
}
