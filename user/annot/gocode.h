/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Go's compiler makes of the beginning of a function, and of a few things that functions of
 * runtime/trace do. Pure: bytes in, offsets and addresses out. Where the bytes are not as known the
 * answer is 0, never a guess.
 */
#ifndef CTRACE_ANNOT_GOCODE_H
#define CTRACE_ANNOT_GOCODE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Behind the check whether the stack is large enough, from where a function is not begun again: the
 * offset of the instruction that saves the frame pointer there. 0: none, or it does not look so.
 */
size_t go_code_body(const uint8_t *code, size_t n);

/*
 * The type of the key that a context is asked for: of the last address that is put into the second
 * register of arguments before the first call through a pointer. The code begins at addr.
 */
uint64_t go_code_key(const uint8_t *code, size_t n, uint64_t addr);

/* What the code first compares a register with (…(%rip)), or first loads into rax. */
uint64_t go_code_compared(const uint8_t *code, size_t n, uint64_t addr);
uint64_t go_code_loaded(const uint8_t *code, size_t n, uint64_t addr);

/*
 * The first instruction that compares a register with the word at `target`, or loads it: its
 * offset; n: none. *place is where to stand for it: at the jump that follows, which the kernel need
 * not single-step, or else there.
 */
size_t go_code_uses(const uint8_t *code, size_t n, uint64_t addr, uint64_t target, size_t *place);

#endif
