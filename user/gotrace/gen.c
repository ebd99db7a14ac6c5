// SPDX-License-Identifier: BSD-2-Clause
/*
 * See gen.h. The order inside a generation is sync, strings, stacks, event batches: what a cut-off
 * file lacks is then at its end, and a generation whose last batch is there is whole.
 */
#include "gotrace/gen.h"

#include <stdlib.h>
#include <string.h>

#include "gotrace/frametab.h"
#include "gotrace/spec.h"
#include "gotrace/ticks.h"
#include "gotrace/wire.h"
#include "util/hash.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define CHUNK_MIN 112u /* with its header 128 */
#define CHUNK_MAX 8192u

void gen_reset(struct trace_gen *g, uint64_t number)
{
	arena_reset(&g->arena);
	strtab_reset(&g->strings);
	stacktab_reset(&g->stacks);
	g->number = number;
	g->first_tick = 0;
	g->first = g->last = NULL;
	g->batch_bytes = 0;
	idset_reset(&g->local_ids);
	g->nlate = 0;
}

void gen_free(struct trace_gen *g)
{
	arena_free(&g->arena);
	strtab_free(&g->strings);
	stacktab_free(&g->stacks);
	free(g->local);
	idset_free(&g->local_ids);
	free(g->late);
	free(g);
}

void gen_grow_batch(struct trace_gen *g, struct batch *b)
{
	uint32_t cap = b->last ? b->last->cap * 2 : CHUNK_MIN;
	struct chunk *c;

	if (cap > CHUNK_MAX)
		cap = CHUNK_MAX;
	c = arena_alloc(&g->arena, sizeof(*c) + cap);
	c->next = NULL;
	c->used = 0;
	c->cap = cap;
	if (b->last)
		b->last->next = c;
	else
		b->first = c;
	b->last = c;
}

struct batch *gen_open_batch(struct trace_gen *g, uint64_t m, uint64_t tick)
{
	struct batch *b = arena_alloc(&g->arena, sizeof(*b));

	*b = (struct batch){ .m = m, .tick = tick };
	if (!g->first_tick || tick < g->first_tick)
		g->first_tick = tick;
	if (g->last)
		g->last->next = b;
	else
		g->first = b;
	g->last = b;
	gen_grow_batch(g, b);
	return b;
}

/* ---- local frames ---- */

static uint32_t text_id(struct trace_gen *g, const char *text)
{
	return strtab_id(&g->strings, &g->arena, text[0] ? text : "?", text[0] ? strlen(text) : 1);
}

uint32_t gen_local_frame(struct trace_gen *g, const char *func, const char *file, uint32_t line)
{
	struct local_frame f = { text_id(g, func), text_id(g, file), line };
	uint32_t hash = hash_bytes(&f, sizeof(f)), id;
	size_t at;

	for (at = idset_start(&g->local_ids, hash); (id = idset_next(&g->local_ids, hash, &at));)
		if (!memcmp(&g->local[id - 1], &f, sizeof(f)))
			return FRAME_LOCAL | (id - 1);
	g->local = xgrow(g->local, g->local_ids.cnt, &g->cap_local, sizeof(*g->local));
	g->local[g->local_ids.cnt] = f;
	return FRAME_LOCAL | (idset_add(&g->local_ids, hash) - 1);
}

/*
 * Readers take a pc for the same frame in all generations, and nobody remembers a local one from
 * one to the next: its pc comes from its texts, beyond those of the frametab. Two of a million
 * differing frames meet with a chance of 10^-5.
 */
static uint64_t local_pc(const struct trace_gen *g, const struct local_frame *f)
{
	const struct strtab_entry *func = &g->strings.ent[f->func - 1];
	const struct strtab_entry *file = &g->strings.ent[f->file - 1];
	uint64_t h = hash_bytes64(HASH_SEED, func->text, func->len);

	h = hash_bytes64(h, "", 1);
	h = hash_bytes64(h, file->text, file->len);
	h = hash_u64(h + f->line);
	return FRAME_PC_LOCAL | (h & (FRAME_PC_LOCAL - 1));
}

/* ---- tables: items are gathered in batches of a fixed size ---- */

struct table {
	struct strbuf *out;
	const struct trace_gen *gen;
	uint8_t kind; /* the byte that opens such a batch */
	uint32_t len;
	uint8_t data[GO_BATCH_MAX];
};

static void add_batch_header(struct strbuf *out, uint64_t gen, uint64_t m, uint64_t tick,
			     uint64_t size)
{
	uint8_t buf[1 + 4 * WIRE_UVARINT_MAX], *p = buf;

	*p++ = GO_EV_EVENT_BATCH;
	p = put_uvarint(p, gen);
	p = put_uvarint(p, m);
	p = put_uvarint(p, tick);
	p = put_uvarint(p, size);
	strbuf_add(out, buf, (size_t)(p - buf));
}

static void table_flush(struct table *t)
{
	if (t->len > 1) {
		add_batch_header(t->out, t->gen->number, GO_NO_THREAD, t->gen->first_tick, t->len);
		strbuf_add(t->out, t->data, t->len);
	}
	t->len = 0;
}

static uint8_t *table_room(struct table *t, size_t need)
{
	if (t->len + need > sizeof(t->data))
		table_flush(t);
	if (!t->len)
		t->data[t->len++] = t->kind;
	return t->data + t->len;
}

static void table_end_item(struct table *t, const uint8_t *end)
{
	t->len = (uint32_t)(end - t->data);
}

static void encode_sync(const struct trace_gen *g, const struct gen_format *fmt, struct strbuf *out)
{
	uint64_t mono = g->first_tick - TICK_START + fmt->start_ts;
	uint64_t wall = mono + (uint64_t)fmt->wall_offset;
	uint8_t buf[64], *p = buf;

	if (fmt->go_minor >= 25)
		*p++ = GO_EV_SYNC;
	*p++ = GO_EV_FREQUENCY;
	p = put_uvarint(p, 1000000000);
	if (fmt->go_minor >= 25) {
		*p++ = GO_EV_CLOCK_SNAPSHOT;
		p = put_uvarint(p, 0);
		p = put_uvarint(p, mono);
		p = put_uvarint(p, wall / 1000000000);
		p = put_uvarint(p, wall % 1000000000);
	}
	add_batch_header(out, g->number, GO_NO_THREAD, g->first_tick, (uint64_t)(p - buf));
	strbuf_add(out, buf, (size_t)(p - buf));
}

static void encode_strings(struct trace_gen *g, struct table *t)
{
	const struct strtab_entry *e;
	uint8_t *p;
	size_t i;

	t->kind = GO_EV_STRINGS;
	for (i = 0; i < g->strings.ids.cnt; i++) {
		e = &g->strings.ent[i];
		p = table_room(t, 1 + 2 * WIRE_UVARINT_MAX + e->len);
		*p++ = GO_EV_STRING;
		p = put_uvarint(p, i + 1);
		p = put_uvarint(p, e->len);
		memcpy(p, e->text, e->len);
		table_end_item(t, p + e->len);
	}
	table_flush(t);
}

static uint32_t settled(const struct trace_gen *g, uint32_t frame)
{
	return frame & FRAME_LATE ? g->late[frame & ~FRAME_LATE] : frame;
}

/* The texts of a frame as strings of this generation, and its pc. */
static struct local_frame resolve(struct trace_gen *g, struct frametab *frames, uint32_t id,
				  uint64_t *pc)
{
	struct local_frame lf;
	struct frame f;

	if (id & FRAME_LOCAL) {
		lf = g->local[id & ~FRAME_LOCAL];
		*pc = local_pc(g, &lf);
		return lf;
	}
	f = frametab__get(frames, id);
	*pc = frame_pc(id);
	return (struct local_frame){ text_id(g, f.func), text_id(g, f.file), f.line };
}

static void encode_stacks(struct trace_gen *g, struct frametab *frames, struct table *t)
{
	const struct stacktab_entry *e;
	struct local_frame f;
	uint64_t pc;
	uint32_t k;
	uint8_t *p;
	size_t i;

	t->kind = GO_EV_STACKS;
	for (i = 0; i < g->stacks.ids.cnt; i++) {
		e = &g->stacks.ent[i];
		p = table_room(t, 1 + (2 + 4 * e->cnt) * WIRE_UVARINT_MAX);
		*p++ = GO_EV_STACK;
		p = put_uvarint(p, i + 1);
		p = put_uvarint(p, e->cnt);
		for (k = 0; k < e->cnt; k++) {
			f = resolve(g, frames, settled(g, e->frame[k]), &pc);
			p = put_uvarint(p, pc);
			p = put_uvarint(p, f.func);
			p = put_uvarint(p, f.file);
			p = put_uvarint(p, f.line);
		}
		table_end_item(t, p);
	}
	table_flush(t);
}

static void encode_batches(const struct trace_gen *g, struct strbuf *out)
{
	const struct batch *b;
	const struct chunk *c;

	for (b = g->first; b; b = b->next) {
		add_batch_header(out, g->number, b->m, b->tick, b->size);
		for (c = b->first; c; c = c->next)
			strbuf_add(out, c->data, c->used);
	}
}

void gen_encode(struct trace_gen *g, struct frametab *frames, const struct gen_format *fmt,
		struct strbuf *out)
{
	struct strbuf stacks = STRBUF_INIT;
	struct table *t = xmalloc(sizeof(*t));

	t->gen = g;
	t->len = 0;
	t->out = &stacks; /* stacks add strings, yet stand behind them */
	encode_stacks(g, frames, t);
	encode_sync(g, fmt, out);
	t->out = out;
	encode_strings(g, t);
	strbuf_add(out, stacks.buf, stacks.len);
	encode_batches(g, out);
	if (fmt->go_minor >= 26)
		strbuf_addch(out, GO_EV_END_OF_GENERATION);
	strbuf_free(&stacks);
	free(t);
}
