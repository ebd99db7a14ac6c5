/* SPDX-License-Identifier: GPL-2.0 */
/* The headers that every program file needs, in the order they need each other. */
#ifndef CTRACE_BPF_COMMON_H
#define CTRACE_BPF_COMMON_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif

#include "bpf/config.h"
#include "bpf/event.h"

#ifndef __maybe_unused
#define __maybe_unused __attribute__((unused))
#endif

#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000

#endif
