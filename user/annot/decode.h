/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One instruction of x86-64 at a time, reduced to what matters to somebody who sets probes: where
 * it goes on, what it does to the stack pointer, and how a jump through a register got its target.
 * The decoding itself is Zydis's: of those that are packaged it alone knows all instructions of the
 * libraries that are (AVX-512 in libc and libcrypto).
 */
#ifndef CTRACE_ANNOT_DECODE_H
#define CTRACE_ANNOT_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum insn_flow {
	INSN_PLAIN, /* the next one follows */
	INSN_CALL,
	INSN_JUMP,
	INSN_COND, /* a jump that may not be taken */
	INSN_RET,
	INSN_STOP, /* nothing follows: ud2, hlt, int3 */
};

/* What an instruction leaves in the register that it writes. */
enum insn_write {
	INSN_WRITES_NONE,
	INSN_WRITES_LOAD,  /* eight bytes of memory, or a guarded pointer of libc */
	INSN_WRITES_LOAD4, /* four bytes of an array, sign-extended: an entry of a jump table */
	INSN_WRITES_COPY,  /* another register */
	INSN_WRITES_ADDR,  /* an address that the code knows: lea target(%rip) */
	INSN_WRITES_SUM,   /* itself and another register */
	INSN_WRITES_OTHER,
};

struct insn {
	uint64_t addr;
	uint64_t target; /* of what has one: a direct jump or call, INSN_WRITES_ADDR; of a jump
			    by a table of addresses: the table */
	uint8_t len;
	uint8_t flow;  /* enum insn_flow */
	uint8_t write; /* enum insn_write */
	uint8_t reg;   /* which it writes, or of a jump the one that leads it; 0 none */
	uint8_t from;  /* INSN_WRITES_LOAD4, _SUM: base, the other register; 0 none */
	bool direct;   /* a jump or call: to target */
	bool got;      /* a jump through a word that the code knows: jmp *word(%rip) */
	bool table;    /* a jump by a table of addresses: jmp *table(,%reg,8) */
	bool notrack;  /* a jump that needs no endbr64 at its target: through a table */
	bool lock;     /* has a prefix that single-threaded programs jump over */
	bool nop;      /* one of any length, endbr64 is none */
	bool push;     /* of a register */
	bool sp;       /* changes the stack pointer in another way */
	bool below;    /* may use memory below the stack pointer, or hands out its value */
	bool shut;     /* the kernel sets no probe on it */
	bool cheap;    /* the kernel emulates it under a probe, and need not single-step */
};

/* The instruction at p, of which n bytes are there. 0 or -EINVAL. */
int insn_decode(struct insn *in, const uint8_t *p, size_t n, uint64_t addr);

/* May the instruction behind it come next, without a jump that leads there? */
static inline bool insn_runs_on(const struct insn *in)
{
	return in->flow != INSN_JUMP && in->flow != INSN_RET && in->flow != INSN_STOP;
}

#endif
