// SPDX-License-Identifier: BSD-2-Clause
/* See gopcln.h. */
#include "unwind/gopcln.h"

#include <errno.h>
#include <stdlib.h>

#include "unwind/gotab.h"
#include "util/xalloc.h"

#define FLAG_AT_1_18 37 /* in a function's record */
#define FLAG_AT_1_20 41
#define FUNC_PCSP 16
/* Behind the end of a function's table; functions begin at multiples of 32. */
#define PADDING_MAX 32

/* Flags of functions. */
enum {
	TOP_FRAME = 1, /* nobody called it */
	SP_WRITE = 2,  /* it goes to another stack, or aligns it */
};

/* Code, a piece at a time: functions are visited in order. */
struct window {
	const struct unw_elf *elf;
	uint64_t addr;
	size_t size;
	uint8_t data[64 << 10];
};

struct gopcln {
	struct gotab tab;
	struct window code;
	struct unw_spans *out;
};

bool unw_go_is(const struct unw_elf *e)
{
	return unw_elf_section(e, ".gopclntab") || unw_elf_section(e, ".data.rel.ro.gopclntab") ||
	       unw_elf_section(e, ".go.buildinfo");
}

/* Up to n bytes of code at an address; how many there are. */
static size_t code_at(struct window *w, uint64_t addr, uint8_t *buf, size_t n)
{
	const struct unw_seg *s;
	uint64_t room;

	if (addr < w->addr || addr - w->addr > w->size || w->size - (addr - w->addr) < n) {
		s = unw_elf_seg(w->elf, addr);
		w->addr = addr;
		w->size = 0;
		if (!s)
			return 0;
		room = s->size - (addr - s->addr);
		if (room > sizeof(w->data))
			room = sizeof(w->data);
		if (unw_elf_read(w->elf, s->off + (addr - s->addr), w->data, room))
			return 0;
		w->size = room;
	}
	if (n > w->size - (addr - w->addr))
		n = w->size - (addr - w->addr);
	memcpy(buf, w->data + (addr - w->addr), n);
	return n;
}

/*
 * Does the instruction that first moves the stack pointer, right before pc, come with one that
 * saves rbp below the return address? push %rbp (1.21 and newer), or sub …,%rsp; mov %rbp,N(%rsp).
 */
static bool saves_rbp(struct gopcln *g, const struct gotab_func *f, uint64_t pc, int64_t depth)
{
	uint8_t b[9];
	int32_t at;

	if (pc <= f->start || code_at(&g->code, pc - 1, b, sizeof(b)) < sizeof(b))
		return false;
	if (depth == 8)
		return b[0] == 0x55;
	if (b[1] != 0x48 || b[2] != 0x89)
		return false;
	if (b[3] == 0x6c && b[4] == 0x24)
		return (int8_t)b[5] == depth - 8;
	memcpy(&at, b + 5, sizeof(at));
	return b[3] == 0xac && b[4] == 0x24 && at == depth - 8;
}

static struct unw_rule depth_rule(int64_t depth, bool saved)
{
	struct unw_rule r = { .cfa = UNW_RSP, .cfa_off = (int32_t)depth + 8 };

	if (saved && depth >= 8) {
		r.bp = UNW_BP_CFA;
		r.bp_off = -16;
	}
	return r;
}

/* One span with a row for each depth; where the table ends early, or makes no sense, it goes on by
 * frame pointer. */
static int add_depths(struct gopcln *g, const struct gotab_func *f)
{
	const struct unw_rule fp = { .cfa = UNW_FP };
	bool saved = false, moved = false;
	struct gotab_runs d;
	uint64_t pc = f->start;
	int err = unw_spans_begin(g->out, f->start, f->end, UNW_FROM_GO, fp);

	if (err || !gotab_runs(&g->tab, f, gotab_word(f, FUNC_PCSP), &d))
		return err;
	while (!err && pc < f->end && gotab_step(&d) && d.value >= 0 && d.value < INT32_MAX / 2) {
		if (d.value && !moved) {
			moved = true;
			saved = saves_rbp(g, f, pc, d.value);
		}
		err = unw_spans_row(g->out, pc, depth_rule(d.value, saved));
		pc = d.pc;
	}
	if (!err && f->end - pc >= PADDING_MAX)
		err = unw_spans_row(g->out, pc, fp);
	return err;
}

static bool named(const struct gopcln *g, const struct gotab_func *f, const char *name)
{
	const char *s = gotab_name(&g->tab, gotab_word(f, GOTAB_FUNC_NAME));

	return s && !strcmp(s, name);
}

/* Functions of the runtime that are not what their flags say, to us. */
static bool special(const struct gopcln *g, const struct gotab_func *f, uint8_t flag,
		    struct unw_rule *r)
{
	/* what it would return to is not what is being done: the goroutine was left */
	if (flag & SP_WRITE && (named(g, f, "runtime.mcall") || named(g, f, "runtime.morestack")))
		*r = (struct unw_rule){ .cfa = UNW_STOP };
	/* where a signal's handler returns to: a ucontext is on the stack, 40 bytes before its
	 * sigcontext */
	else if (named(g, f, "runtime.sigreturn__sigaction") || named(g, f, "runtime.sigreturn"))
		*r = (struct unw_rule){ .cfa = UNW_SIGNAL, .cfa_off = 40 };
	/* called by a signal, which is somebody */
	else if (flag & TOP_FRAME && !named(g, f, "runtime.sigtramp") &&
		 !named(g, f, "runtime.cgoSigtramp"))
		*r = (struct unw_rule){ .cfa = UNW_STOP };
	else if (flag & SP_WRITE)
		*r = (struct unw_rule){ .cfa = UNW_FP };
	else
		return false;
	return true;
}

static int add_function(struct gopcln *g, const struct gotab_func *f)
{
	size_t flag_at = g->tab.old ? FLAG_AT_1_18 : FLAG_AT_1_20;
	struct unw_rule r;
	uint8_t flag;

	if (f->room <= flag_at)
		return 0;
	flag = f->record[flag_at];
	if (flag && special(g, f, flag, &r))
		return unw_spans_begin(g->out, f->start, f->end, UNW_FROM_GO, r);
	return add_depths(g, f);
}

static int add_functions(struct gopcln *g)
{
	const struct unw_seg *seg = NULL;
	struct gotab_func f;
	uint64_t i;
	int err = 0;

	for (i = 0; !err && i < g->tab.nfunc; i++) {
		if (!gotab_func(&g->tab, i, &f))
			continue;
		if (!seg || f.start < seg->addr || f.start - seg->addr >= seg->size)
			seg = unw_elf_seg(g->code.elf, f.start);
		if (seg && seg->exec && f.end - seg->addr <= seg->size)
			err = add_function(g, &f);
	}
	return err;
}

int unw_go_read(const struct unw_elf *e, struct unw_spans *out)
{
	struct gopcln *g = xcalloc(1, sizeof(*g));
	size_t before = out->nspan;
	int err;

	g->code.elf = e;
	g->out = out;
	err = gotab_open(&g->tab, e);
	if (!err)
		err = add_functions(g);
	if (!err && out->nspan == before)
		err = -ENODATA;
	gotab_close(&g->tab);
	free(g);
	return err;
}
