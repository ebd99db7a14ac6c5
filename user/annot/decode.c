// SPDX-License-Identifier: BSD-2-Clause
/* See decode.h. */
#include "annot/decode.h"

#include <Zydis/Zydis.h>
#include <errno.h>
#include <string.h>

static ZydisRegister whole(ZydisRegister reg)
{
	return ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
}

/* A number of our own for a register of any width, 0 none. */
static uint8_t number_of(ZydisRegister reg)
{
	ZydisRegister r = whole(reg);

	return r >= ZYDIS_REGISTER_RAX && r <= ZYDIS_REGISTER_R15 ?
		       (uint8_t)(r - ZYDIS_REGISTER_RAX + 1) :
		       0;
}

static bool is_memory(const ZydisDecodedOperand *op)
{
	return op->type == ZYDIS_OPERAND_TYPE_MEMORY;
}

static bool is_register(const ZydisDecodedOperand *op)
{
	return op->type == ZYDIS_OPERAND_TYPE_REGISTER;
}

static enum insn_flow flow_of(const ZydisDecodedInstruction *zi)
{
	switch (zi->meta.category) {
	case ZYDIS_CATEGORY_CALL:
		return INSN_CALL;
	case ZYDIS_CATEGORY_UNCOND_BR:
		return INSN_JUMP;
	case ZYDIS_CATEGORY_COND_BR:
		return zi->mnemonic == ZYDIS_MNEMONIC_XEND ? INSN_PLAIN : INSN_COND;
	case ZYDIS_CATEGORY_RET:
		return INSN_RET;
	default:
		break;
	}
	switch (zi->mnemonic) {
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_HLT:
	case ZYDIS_MNEMONIC_INT3:
		return INSN_STOP;
	default:
		return INSN_PLAIN;
	}
}

static void read_branch(struct insn *in, const ZydisDecodedInstruction *zi,
			const ZydisDecodedOperand *op)
{
	ZyanU64 target;

	in->notrack = zi->attributes & ZYDIS_ATTRIB_HAS_NOTRACK;
	if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && op->imm.is_relative &&
	    ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(zi, op, in->addr, &target))) {
		in->direct = true;
		in->target = target;
	} else if (is_register(op)) {
		in->reg = number_of(op->reg.value);
	} else if (is_memory(op)) {
		in->got = op->mem.base == ZYDIS_REGISTER_RIP;
		in->table = op->mem.base == ZYDIS_REGISTER_NONE && op->mem.index &&
			    op->mem.scale == 8;
		in->target = in->table ? (uint64_t)op->mem.disp.value : 0;
	}
}

static enum insn_write how_written(struct insn *in, const ZydisDecodedInstruction *zi,
				   const ZydisDecodedOperand *op)
{
	const ZydisDecodedOperand *src = &op[1];
	ZyanU64 target;

	switch (zi->mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
		if (op[0].size == 64 && is_memory(src))
			return INSN_WRITES_LOAD;
		return op[0].size == 64 && is_register(src) ? INSN_WRITES_COPY : INSN_WRITES_OTHER;
	case ZYDIS_MNEMONIC_XOR: /* PTR_DEMANGLE() of libc */
		return is_memory(src) && src->mem.segment == ZYDIS_REGISTER_FS ? INSN_WRITES_LOAD :
										 INSN_WRITES_OTHER;
	case ZYDIS_MNEMONIC_MOVSXD:
		if (!is_memory(src) || src->mem.scale != 4)
			return INSN_WRITES_OTHER;
		in->from = number_of(src->mem.base);
		return INSN_WRITES_LOAD4;
	case ZYDIS_MNEMONIC_LEA:
		if (src->mem.base != ZYDIS_REGISTER_RIP ||
		    !ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(zi, src, in->addr, &target)))
			return INSN_WRITES_OTHER;
		in->target = target;
		return INSN_WRITES_ADDR;
	case ZYDIS_MNEMONIC_ADD:
		if (!is_register(src))
			return INSN_WRITES_OTHER;
		in->from = number_of(src->reg.value);
		return INSN_WRITES_SUM;
	default:
		return INSN_WRITES_OTHER;
	}
}

static void read_writes(struct insn *in, const ZydisDecodedInstruction *zi,
			const ZydisDecodedOperand *op)
{
	size_t i;

	in->push = zi->mnemonic == ZYDIS_MNEMONIC_PUSH && is_register(&op[0]) && op[0].size == 64;
	for (i = 0; i < zi->operand_count; i++) {
		if (!is_register(&op[i]) || !(op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		if (whole(op[i].reg.value) == ZYDIS_REGISTER_RSP && !in->push)
			in->sp = true;
	}
	/* a compare has its flags alone */
	if (zi->operand_count_visible && is_register(&op[0]) &&
	    op[0].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) {
		in->reg = number_of(op[0].reg.value);
		if (in->reg)
			in->write = how_written(in, zi, op);
	}
}

static bool is_frame_register(ZydisRegister reg)
{
	return reg == ZYDIS_REGISTER_RSP || reg == ZYDIS_REGISTER_RBP;
}

/* Locals below the stack pointer are reached from it, from the frame pointer, or from a copy. */
static bool reaches_below(const ZydisDecodedInstruction *zi, const ZydisDecodedOperand *op)
{
	size_t i;

	for (i = 0; i < zi->operand_count_visible; i++)
		if (is_memory(&op[i]) && is_frame_register(op[i].mem.base) &&
		    (op[i].mem.disp.value < 0 || op[i].mem.index))
			return true;
	if (zi->mnemonic == ZYDIS_MNEMONIC_LEA)
		return is_frame_register(op[1].mem.base) && op[0].reg.value != ZYDIS_REGISTER_RSP;
	return zi->mnemonic == ZYDIS_MNEMONIC_MOV && is_register(&op[1]) &&
	       op[1].reg.value == ZYDIS_REGISTER_RSP &&
	       !(is_register(&op[0]) && op[0].reg.value == ZYDIS_REGISTER_RBP);
}

/*
 * arch/x86/kernel/uprobes.c: is_prefix_bad(), good_insns_64: prefixes of a lock and of segments
 * that are none in 64 bits, interrupts, ports. AVX-512 is taken by new kernels only.
 */
static bool is_shut(const ZydisDecodedInstruction *zi)
{
	size_t i;

	for (i = 0; i < zi->raw.prefix_count; i++)
		if (strchr("\x26\x2e\x36\x3e\xf0", zi->raw.prefixes[i].value))
			return true;
	return zi->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX ||
	       zi->mnemonic == ZYDIS_MNEMONIC_HLT ||
	       zi->meta.category == ZYDIS_CATEGORY_INTERRUPT ||
	       zi->meta.category == ZYDIS_CATEGORY_IO ||
	       zi->meta.category == ZYDIS_CATEGORY_IOSTRINGOP;
}

/* arch/x86/kernel/uprobes.c: branch_setup_xol_ops(), push_setup_xol_ops() */
static bool is_emulated(const struct insn *in, const ZydisDecodedInstruction *zi)
{
	if (in->flow == INSN_CALL || in->flow == INSN_JUMP || in->flow == INSN_COND)
		return in->direct && zi->mnemonic != ZYDIS_MNEMONIC_JRCXZ &&
		       zi->mnemonic != ZYDIS_MNEMONIC_JECXZ &&
		       zi->mnemonic != ZYDIS_MNEMONIC_LOOP &&
		       zi->mnemonic != ZYDIS_MNEMONIC_LOOPE &&
		       zi->mnemonic != ZYDIS_MNEMONIC_LOOPNE;
	return in->push || (in->nop && in->len == 1);
}

int insn_decode(struct insn *in, const uint8_t *p, size_t n, uint64_t addr)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecoderContext context;
	ZydisDecodedInstruction zi;
	ZydisDecoder decoder;

	*in = (struct insn){ .addr = addr };
	if (ZYAN_FAILED(
		    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
	    ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoder, &context, p, n, &zi)) ||
	    ZYAN_FAILED(ZydisDecoderDecodeOperands(&decoder, &context, &zi, op, zi.operand_count)))
		return -EINVAL;
	in->len = zi.length;
	in->flow = flow_of(&zi);
	in->lock = p[0] == 0xf0;
	in->nop = zi.mnemonic == ZYDIS_MNEMONIC_NOP;
	if (in->flow == INSN_CALL || in->flow == INSN_JUMP || in->flow == INSN_COND)
		read_branch(in, &zi, op);
	else
		read_writes(in, &zi, op);
	in->below = reaches_below(&zi, op);
	in->shut = is_shut(&zi);
	in->cheap = !in->shut && is_emulated(in, &zi);
	return 0;
}
