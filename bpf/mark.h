/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The contract between who sets probes (user/annot) and the programs that run at them (mark.bpf.c,
 * gomark.bpf.c): the cookie of a probe says what a hit of it means.
 *
 * Bits 0-3, op: enum ev_mark_op.
 *
 * Bits 4-7, by: enum ev_mark_by.
 *
 * Bits 8-15, extra. EV_BY_FUNC: words pushed since the first instruction of the function.
 * EV_BY_USDT: which argument is the name, counted from 1, 0 none. EV_BY_GO: enum ct_go_call.
 *
 * Bits 16-31, go. EV_BY_GO: index into ct_gos.
 *
 * Bits 32-63, site: EV_SITE, 0 none.
 */
#ifndef CTRACE_BPF_MARK_H
#define CTRACE_BPF_MARK_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define CT_COOKIE(op, by, extra, go, site)                                          \
	((__u64)(op) | (__u64)(by) << 4 | (__u64)(extra) << 8 | (__u64)(go) << 16 | \
	 (__u64)(site) << 32)
#define CT_COOKIE_OP(c) ((__u32)(c)&0xf)
#define CT_COOKIE_BY(c) ((__u32)(c) >> 4 & 0xf)
#define CT_COOKIE_EXTRA(c) ((__u32)(c) >> 8 & 0xff)
#define CT_COOKIE_GO(c) ((__u32)(c) >> 16)
#define CT_COOKIE_SITE(c) ((__u32)((c) >> 32))

/*
 * The markers of include/ctrace/ctrace.h: provider "ctrace", arguments always in the registers of
 * the parameters of a C function.
 *
 *     task_begin(u64 task, u64 parent, const char *type, words)
 *     task_end(u64 task, 0, 0, words)
 *     region_begin(u64 task, u64 region, const char *type, words)
 *     region_end(u64 task, u64 region, const char *type, words); region 0: began while nobody
 *         listened
 *     log(u64 task, const char *category, const char *message, words)
 *
 * words, three of 64 bits, are all 0, or have what else would have to be read from the memory of
 * the program, or asked for: the texts, one behind the other, their lengths, and which marker this
 * is. include/ctrace/seen.h packs them.
 */
#define CT_SEEN_MAX 22					    /* bytes of texts */
#define CT_SEEN_NAME(word2) ((__u32)((word2) >> 48) & 0x1f) /* bytes and 1, 0: to be read */
#define CT_SEEN_OP(word2) ((__u32)((word2) >> 53) & 0x7)    /* enum ev_mark_op */
#define CT_SEEN_TEXT(word2) ((__u32)((word2) >> 56))

/* Which function of Go's runtime a probe is in; see user/annot/gofind.h. */
enum ct_go_call {
	CT_GO_USER_TASK_CREATE = 1,
	CT_GO_USER_TASK_END = 2,
	CT_GO_USER_REGION = 3, /* both ends: the op of the cookie is of no meaning */
	CT_GO_USER_LOG = 4,
	CT_GO_START_REGION = 5,
	CT_GO_REGION_END = 6,
	CT_GO_LOGF = 7,
};

/* Addresses of code: from, and to which not. */
struct ct_go_code {
	__u64 from, to;
};

/*
 * A Go program, or one mapping of it: what its probes have to know.
 *
 * While Go's own tracer is on, userRegion and userLog are also called by what has a probe of its
 * own: StartRegion, (*Region).End, Logf. So who called them decides, and each annotation is told
 * once.
 */
struct ct_go {
	__u64 key_type;	   /* address of the type of the context's key, 0 unknown */
	__u64 text, etext; /* its code, as addresses of the process */
	__u64 bias;	   /* what addresses are more than the file's own */
	__u32 module;	   /* EV_MODULE, 0 unknown */
	__u32 g_goid;	   /* offset of goid in g */
	__u32 g_startpc;
	__u32 m_curg;			  /* of curg in m */
	struct ct_go_code with_region[2]; /* whose calls of userRegion count: WithRegion, its end */
	struct ct_go_code logf;		  /* whose calls of userLog do not */
};

#define CT_GO_G_M 48 /* offset of m in g, in every version that is known */

#define CT_GO_MAX 1024

#endif
