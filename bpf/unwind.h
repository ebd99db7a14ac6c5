/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Unwinding tables: what the collector writes and the BPF programs read.
 *
 * A rule says how to get from a frame to its caller's: where the CFA (the stack pointer before the
 * call) is, and where the caller's rbp is. The return address lies right below the CFA. A row says
 * from which address on a rule holds, up to the next row. Rows of a file lie in one run of words,
 * sorted, behind an index that has a word for each page of the file's addresses:
 *
 *	word[page0 + i]   the first row at or behind the begin of page i (as a word's number)
 *	word[…]           low 16 bits of the address << 16 | number of the rule
 *
 * with one more index word at the end. A search that ends before the first row of its page means
 * the last one of an earlier page, which is the word before: right by construction, and the first
 * row of a file stands at its first page's begin.
 *
 * Words lie in chunks (array elements are padded to 8 bytes; so they are packed), chunks in slabs,
 * which are made as they are needed. So does one number name a word: slab, chunk, place.
 */
#ifndef CTRACE_BPF_UNWIND_H
#define CTRACE_BPF_UNWIND_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* Where the CFA is. */
enum unw_cfa {
	UNW_BAD = 0,	   /* not known, or not to be told by a rule */
	UNW_STOP = 1,	   /* there is no caller: the outermost function */
	UNW_RSP = 2,	   /* rsp + cfa_off */
	UNW_RBP = 3,	   /* rbp + cfa_off */
	UNW_RSP_DEREF = 4, /* *(rsp + cfa_off) + 8: where OpenSSL's assembly keeps the stack pointer
			      of before it made room for its locals */
	UNW_RBP_DEREF = 5, /* *(rbp + cfa_off); a function that aligns its stack */
	UNW_PLT = 6,	   /* rsp + 8, and 8 more where (rip & 15) >= cfa_off: behind the push of a
			      PLT entry */
	UNW_SIGNAL = 7,	   /* the frame of a signal: rip, rsp and rbp lie at rsp + cfa_off, as in a
			      struct sigcontext (REG_R8 first) */
	UNW_FP = 8,	   /* code that keeps frame pointers and has no better rule: Go, JITs */
};

/* Where the caller's rbp is. */
enum unw_bp {
	UNW_BP_SAME = 0,  /* untouched */
	UNW_BP_CFA = 1,	  /* saved at CFA + bp_off */
	UNW_BP_RBP = 2,	  /* saved at rbp + bp_off (with UNW_RBP_DEREF) */
	UNW_BP_UNDEF = 3, /* lost; frames that need it end the walk */
};

struct unw_rule {
	__u8 cfa; /* enum unw_cfa */
	__u8 bp;  /* enum unw_bp */
	__s16 bp_off;
	__s32 cfa_off;
};

#define UNW_PAGE_SHIFT 12
#define UNW_ROW(addr, rule) ((__u32)((addr)&0xffff) << 16 | (rule))
#define UNW_ROW_LOW(row) ((row) >> 16)
#define UNW_ROW_RULE(row) ((row)&0xffff)
#define UNW_RULES_MAX 65536

#define UNW_CHUNK_SHIFT 10 /* words of a chunk */
#define UNW_SLAB_SHIFT 18  /* words of a slab: 1 MiB */
#define UNW_SLABS_MAX 256
#define UNW_CHUNKS_PER_SLAB (1u << (UNW_SLAB_SHIFT - UNW_CHUNK_SHIFT))

struct unw_chunk {
	__u32 word[1u << UNW_CHUNK_SHIFT];
};

/* What a module number stands for, in an array by that number. */
enum unw_module_flags {
	UNW_MODULE_TABLE = 1, /* it has rows */
	UNW_MODULE_FP = 2,    /* it has none, and may be walked by frame pointer */
};

struct unw_module {
	__u64 base;   /* address of the first page of the index */
	__u32 page0;  /* word number of the index */
	__u32 npages; /* pages with an index word of their own */
	__u32 flags;
	__u32 pad;
};

/* A mapping that holds code. Those of a process lie side by side, sorted. */
struct unw_mapping {
	__u64 start, end; /* addresses of the process */
	__u64 bias;	  /* what they are more than the module's own */
	__u32 module;
	__u32 pad;
};
#define UNW_MAPPINGS_MAX 8192 /* of a process */

/* Of a process: the run of its mappings. */
struct unw_space {
	__u32 first, cnt;
	__u32 version; /* another one whenever anything has changed that an address leads to */
	__u32 pad;
};

_Static_assert(sizeof(struct unw_rule) == 8 && sizeof(struct unw_mapping) == 32, "as in the maps");

#endif
