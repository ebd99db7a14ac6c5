// SPDX-License-Identifier: BSD-2-Clause
/*
 * See gen.h. The order inside a generation is sync, strings, stacks, samples, event batches: what a
 * cut-off file lacks is then at its end, and a generation whose last batch is there is whole.
 */
#include "gotrace/gen.h"

#include <stdbool.h>
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

void gen_reset(struct trace_gen *g, uint64_t id, uint64_t number)
{
	arena_reset(&g->arena);
	strtab_reset(&g->strings);
	stacktab_reset(&g->stacks);
	g->id = id;
	g->number = number;
	g->begin_ts = g->end_ts = 0;
	g->cut = 0;
	g->opening = false;
	g->first_tick = 0;
	g->first = g->last = NULL;
	g->batch_bytes = g->state_bytes = 0;
	idset_reset(&g->local_ids);
	addrtab_reset(&g->addrs);
	g->nsample = 0;
	g->nlate = 0;
}

void gen_free(struct trace_gen *g)
{
	arena_free(&g->arena);
	strtab_free(&g->strings);
	stacktab_free(&g->stacks);
	free(g->local);
	idset_free(&g->local_ids);
	addrtab_free(&g->addrs);
	free(g->sample);
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

uint32_t gen_local_frame(struct trace_gen *g, const char *func, const char *file, uint32_t line)
{
	struct local_frame f = { strtab_text(&g->strings, &g->arena, func),
				 strtab_text(&g->strings, &g->arena, file), line };
	uint32_t hash = (uint32_t)hash_u64(hash_u64((uint64_t)f.func << 32 | f.file) + line), id;
	size_t at;

	for (at = idset_start(&g->local_ids, hash); (id = idset_next(&g->local_ids, hash, &at));)
		if (!memcmp(&g->local[id - 1], &f, sizeof(f)))
			return FRAME_LOCAL | (id - 1);
	g->local = xgrow(g->local, g->local_ids.cnt, &g->cap_local, sizeof(*g->local));
	g->local[g->local_ids.cnt] = f;
	return FRAME_LOCAL | (idset_add(&g->local_ids, hash) - 1);
}

/* ---- samples ---- */

#define SAMPLE_BYTES 24 /* about */

void gen_add_sample(struct trace_gen *g, const struct gen_sample *s)
{
	g->sample = xgrow(g->sample, g->nsample, &g->cap_sample, sizeof(*g->sample));
	g->sample[g->nsample++] = *s;
	g->batch_bytes += SAMPLE_BYTES;
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

/* Frames of the trace, and those of the generation, as they are written; made at their first use. */
struct memo {
	struct trace_gen *gen;
	struct frametab *frames;
	struct addr_frame *of_trace; /* by handle; pc 0: not made yet */
	size_t ntrace;
	struct addr_frame *of_gen; /* by index */
	struct addr_frame name;	   /* what as_name() made last */
};

static struct memo memo_new(struct trace_gen *g, struct frametab *frames)
{
	return (struct memo){
		.gen = g,
		.frames = frames,
		.of_gen = xcalloc(g->local_ids.cnt + 1, sizeof(struct addr_frame)),
	};
}

static void memo_free(struct memo *m)
{
	free(m->of_trace);
	free(m->of_gen);
}

static const struct addr_frame *frame_of_trace(struct memo *m, uint32_t id)
{
	struct trace_gen *g = m->gen;
	size_t old = m->ntrace;
	struct frame f;

	if (id >= m->ntrace) {
		m->ntrace = 2 * (size_t)id + 64;
		m->of_trace = xrealloc(m->of_trace, m->ntrace * sizeof(*m->of_trace));
		memset(m->of_trace + old, 0, (m->ntrace - old) * sizeof(*m->of_trace));
	}
	if (!m->of_trace[id].pc) {
		f = frametab__get(m->frames, id);
		m->of_trace[id] = (struct addr_frame){
			.pc = frame_pc(id),
			.func = strtab_text(&g->strings, &g->arena, f.func),
			.file = strtab_text(&g->strings, &g->arena, f.file),
			.line = f.line,
		};
	}
	return &m->of_trace[id];
}

static const struct addr_frame *frame_of_gen(struct memo *m, uint32_t index)
{
	const struct local_frame *lf = &m->gen->local[index];

	if (!m->of_gen[index].pc)
		m->of_gen[index] = (struct addr_frame){
			.pc = frame_pc_text(&m->gen->strings, lf->func, lf->file, lf->line),
			.func = lf->func,
			.file = lf->file,
			.line = lf->line,
		};
	return &m->of_gen[index];
}

/*
 * The same frames, for a goroutine that they name. Of functions of Go's runtime viewers show one
 * alone, and take the goroutines of all others for the runtime's own: they are called otherwise.
 */
static const struct addr_frame *as_name(struct memo *m, const struct addr_frame *f, size_t *n)
{
	static const char prefix[] = "goroutine ", runtime[] = "runtime.", shown[] = "runtime.main";
	const struct addr_frame *root = &f[*n - 1];
	const struct strtab_entry *e = &m->gen->strings.ent[root->func - 1];
	struct strbuf text = STRBUF_INIT;

	if (e->len < strlen(runtime) || memcmp(e->text, runtime, strlen(runtime)) != 0 ||
	    (e->len == strlen(shown) && !memcmp(e->text, shown, e->len)))
		return f;
	strbuf_addstr(&text, prefix);
	strbuf_add(&text, e->text, e->len);
	m->name = *root;
	m->name.func = strtab_id(&m->gen->strings, &m->gen->arena, text.buf, text.len);
	m->name.pc = frame_pc_text(&m->gen->strings, m->name.func, m->name.file, m->name.line);
	strbuf_free(&text);
	*n = 1;
	return &m->name;
}

/* The frames of a handle, innermost first; the number of them. */
static size_t expand(struct memo *m, uint32_t id, const struct addr_frame **out)
{
	size_t n = 1;

	id = settled(m->gen, id);
	if (id & FRAME_ADDR)
		*out = addrtab_frames(&m->gen->addrs, id & ~(FRAME_ADDR | FRAME_NAME), &n);
	else if (id & FRAME_LOCAL)
		*out = frame_of_gen(m, id & ~FRAME_LOCAL);
	else
		*out = frame_of_trace(m, id);
	if ((id & (FRAME_ADDR | FRAME_NAME)) == (FRAME_ADDR | FRAME_NAME))
		*out = as_name(m, *out, &n);
	return n;
}

/* The frames of a stack; of one that is too deep, the leaf side and the root. */
static size_t expand_stack(struct memo *m, const struct stacktab_entry *e, struct addr_frame *out)
{
	const struct addr_frame *from;
	size_t n = 0, cnt, k;
	bool cut = false;
	uint32_t i;

	for (i = 0; i < e->cnt && !cut; i++) {
		cnt = expand(m, e->frame[i], &from);
		for (k = 0; k < cnt && n < GO_FRAMES_MAX; k++)
			out[n++] = from[k];
		cut = k < cnt;
	}
	if (cut) {
		cnt = expand(m, e->frame[e->cnt - 1], &from);
		out[n - 1] = from[cnt - 1];
	}
	return n;
}

static void encode_stacks(struct trace_gen *g, struct frametab *frames, struct table *t)
{
	struct memo memo = memo_new(g, frames);
	struct addr_frame f[GO_FRAMES_MAX];
	size_t i, k, n;
	uint8_t *p;

	t->kind = GO_EV_STACKS;
	for (i = 0; i < g->stacks.ids.cnt; i++) {
		n = expand_stack(&memo, &g->stacks.ent[i], f);
		p = table_room(t, 1 + (2 + 4 * n) * WIRE_UVARINT_MAX);
		*p++ = GO_EV_STACK;
		p = put_uvarint(p, i + 1);
		p = put_uvarint(p, n);
		for (k = 0; k < n; k++) {
			p = put_uvarint(p, f[k].pc);
			p = put_uvarint(p, f[k].func);
			p = put_uvarint(p, f[k].file);
			p = put_uvarint(p, f[k].line);
		}
		table_end_item(t, p);
	}
	table_flush(t);
	memo_free(&memo);
}

static void encode_samples(const struct trace_gen *g, struct table *t)
{
	const struct gen_sample *s;
	uint8_t *p;

	t->kind = GO_EV_CPU_SAMPLES;
	for (s = g->sample; s < g->sample + g->nsample; s++) {
		p = table_room(t, 1 + 5 * WIRE_UVARINT_MAX);
		*p++ = GO_EV_CPU_SAMPLE;
		p = put_uvarint(p, s->tick);
		p = put_uvarint(p, s->m);
		p = put_uvarint(p, s->p);
		p = put_uvarint(p, s->g);
		p = put_uvarint(p, s->stack);
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
	addrtab_resolve(&g->addrs, fmt->resolver, fmt->pcs, &g->strings, &g->arena);
	encode_stacks(g, frames, t);
	encode_sync(g, fmt, out);
	t->out = out;
	encode_strings(g, t);
	strbuf_add(out, stacks.buf, stacks.len);
	encode_samples(g, t);
	encode_batches(g, out);
	if (fmt->go_minor >= 26)
		strbuf_addch(out, GO_EV_END_OF_GENERATION);
	strbuf_free(&stacks);
	free(t);
}
