// SPDX-License-Identifier: BSD-2-Clause
/*
 * Records of annotations. One is user code of its thread, so it proves that the thread runs, and in
 * no syscall.
 *
 * But the programs that send them can lose the CPU between reading the clock and sending. So one
 * may come when its thread's switch-out, or even more, was told already. Where the thread is off
 * its CPU, and by the time of the annotation has been on no other since, it is kept until the
 * thread runs again. Where it runs, it may be on another CPU than the record says: the record is no
 * proof of the place.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/evspec.h"
#include "model/state.h"
#include "util/strbuf.h"
#include "util/utf8.h"
#include "util/xalloc.h"

#define KEPT_MAX 8 /* for a thread: more would mean that its switch-in was lost */

void marks_count(struct model *m, enum mark_count c)
{
	if (m->live)
		m->stats.marks[c]++;
}

/* ---- texts ---- */

static enum mark_fate fate_of(const struct ev_mark *ev, uint32_t cut, uint32_t bad)
{
	uint32_t flags = EV_MARK_FLAGS(ev->h.arg);

	if (flags & bad)
		return MARK_BAD;
	return flags & cut ? MARK_CUT : MARK_WHOLE;
}

static struct mark_text *site_name(const struct model *m, uint32_t site)
{
	uint64_t *slot = u64map_get(&m->sites, site);

	return slot ? (struct mark_text *)(uintptr_t)*slot : NULL;
}

struct mark_text *marks_name(struct model *m, const struct ev_mark *ev)
{
	/* its own name, where the record brings one, is what it is called */
	struct mark_text *name = ev->site && !ev->nname ? site_name(m, ev->site) : NULL;
	char text[32];
	int n;

	if (name)
		return marktext_hold(name);
	if (ev->site && !ev->nname) { /* the record that tells it was lost */
		n = snprintf(text, sizeof(text), "site %" PRIu32, ev->site);
		return marktext_get(&m->texts, text, (size_t)n, MARK_WHOLE);
	}
	return marktext_get(&m->texts, ev->text, ev->nname,
			    fate_of(ev, EV_MARK_NAME_CUT, EV_MARK_NAME_BAD));
}

static void add_quoted(struct strbuf *out, const char *text, size_t len)
{
	char clean[3 * sizeof(((struct ev_mark *)0)->text)];
	size_t i, n = utf8_clean(clean, sizeof(clean), text, len);

	strbuf_addch(out, '"');
	for (i = 0; i < n; i++) {
		if (clean[i] == '"' || clean[i] == '\\')
			strbuf_addch(out, '\\');
		strbuf_addch(out, clean[i]);
	}
	strbuf_addch(out, '"');
}

#define BIG_NUMBER 0xffffffffull /* unsigned ones above are addresses, most often */

static void add_value(struct strbuf *out, const struct ev_mark_arg *arg, const char *text)
{
	if (arg->nstr)
		add_quoted(out, text, arg->nstr);
	else if (arg->size & EV_ARG_SIGNED)
		strbuf_addf(out, "%" PRId64, (int64_t)arg->value);
	else if (arg->value > BIG_NUMBER)
		strbuf_addf(out, "0x%" PRIx64, (uint64_t)arg->value);
	else
		strbuf_addf(out, "%" PRIu64, (uint64_t)arg->value);
}

/* arg2="SELECT 1", arg3=0x7f0000001000 (unreadable) */
static void add_arg(struct strbuf *out, unsigned nr, const struct ev_mark_arg *arg,
		    const char *text)
{
	bool bad = arg->size & EV_ARG_BAD, known = !bad || arg->value;

	strbuf_addf(out, "arg%u=", nr);
	if (known)
		add_value(out, arg, text);
	if (bad)
		strbuf_addf(out, "%s" MARK_UNREADABLE, known ? " " : "");
}

/* ---- writing ---- */

struct message {
	uint64_t task;
	struct mark_text *name; /* NULL none */
	uint32_t category;
	enum mark_fate fate;
};

static void write_message(struct model *m, const struct mark_at *at, const struct message *msg,
			  const char *text, size_t len, enum mark_fate fate)
{
	wire_ev(m, at->ts, at->stream, GO_EV_USER_LOG, msg->task, msg->category,
		marktext_once(m, text, len, fate), at->stack);
	if (m->triggers.of[TRIGGER_LOG])
		triggers_log(m, at, msg->name, text, len);
}

/* A string of a trace holds less than a record: arguments that do not fit are in another msg. */
static void write_args(struct model *m, const struct mark_at *at, const struct message *msg,
		       const char *p, size_t len)
{
	struct strbuf line = STRBUF_INIT, word = STRBUF_INIT;
	struct ev_mark_arg arg;
	unsigned nr;

	for (nr = 1; len; nr++) {
		memcpy(&arg, p, sizeof(arg));
		p += sizeof(arg);
		strbuf_reset(&word);
		add_arg(&word, nr, &arg, p);
		if (line.len && line.len + 1 + word.len > GO_STRING_MAX) {
			write_message(m, at, msg, line.buf, line.len, MARK_WHOLE);
			strbuf_reset(&line);
		}
		strbuf_add(&line, " ", line.len > 0);
		strbuf_add(&line, word.buf, word.len);
		p += arg.nstr;
		len -= sizeof(arg) + arg.nstr;
	}
	write_message(m, at, msg, line.buf, line.len, msg->fate);
	strbuf_free(&line);
	strbuf_free(&word);
}

static void write_log(struct model *m, const struct mark_at *at, const struct ev_mark *ev)
{
	bool args = EV_MARK_BY(ev->h.arg) == EV_BY_USDT; /* they say themselves what is bad */
	struct message msg = { .fate = fate_of(ev, EV_MARK_TEXT_CUT, args ? 0 : EV_MARK_TEXT_BAD) };
	const char *text = ev->text + ev->nname;
	struct mark_text *name = NULL;

	msg.task = tasks_id(m, at, ev, ev->task);
	if (ev->site || ev->nname || EV_MARK_FLAGS(ev->h.arg) & EV_MARK_NAME_BAD)
		name = marks_name(m, ev);
	msg.name = name;
	msg.category = name ? marktext_string(m, name) : 0;
	marks_count(m, MARK_COUNT_LOGS);
	if (args)
		write_args(m, at, &msg, text, ev->ntext);
	else
		write_message(m, at, &msg, text, ev->ntext, msg.fate);
	marktext_put(name);
}

void marks_write(struct model *m, const struct mark_at *at, const struct ev_mark *ev)
{
	uint32_t flags = EV_MARK_FLAGS(ev->h.arg);

	if (flags & (EV_MARK_NAME_CUT | EV_MARK_TEXT_CUT))
		marks_count(m, MARK_COUNT_CUT);
	if (flags & (EV_MARK_NAME_BAD | EV_MARK_TEXT_BAD))
		marks_count(m, MARK_COUNT_UNREADABLE);
	switch (EV_MARK_OP(ev->h.arg)) {
	case EV_MARK_TASK_BEGIN:
		tasks_begin(m, at, ev);
		break;
	case EV_MARK_TASK_END:
		tasks_end(m, at, ev);
		break;
	case EV_MARK_REGION_BEGIN:
		regions_begin(m, at, ev);
		break;
	case EV_MARK_REGION_END:
		regions_end(m, at, ev);
		break;
	case EV_MARK_LOG:
		write_log(m, at, ev);
		break;
	}
}

/* g is on a CPU. */
static void write_on_thread(struct model *m, uint64_t ts, struct g_state *g,
			    const struct ev_mark *ev, struct kept_stack *st)
{
	struct mark_at at = {
		.ts = ts,
		.said_ts = ev->h.ts,
		.stream = &g->stream,
		.stack = stacks_of(m, g, EV_NR_NONE, st, STACK_FULL),
		.proc = g->proc,
		.thread = g,
		.regions = &g->regions,
	};

	marks_write(m, &at, ev);
}

/* ---- those that come late ---- */

static bool is_kept(const struct g_state *g, uint64_t ts)
{
	return !g->p && g->life != G_NEW && ts <= g->out_ts && g->nmarks < KEPT_MAX;
}

static void keep(struct g_state *g, const struct ev_mark *ev, size_t len, struct kept_stack *st)
{
	struct kept_mark *k = xcalloc(1, offsetof(struct kept_mark, ev) + len), **at = &g->marks;

	memcpy(&k->ev, ev, len);
	kept_hold(&k->stack, st);
	while (*at)
		at = &(*at)->next;
	*at = k;
	g->nmarks++;
}

static void drop_first(struct g_state *g)
{
	struct kept_mark *k = g->marks;

	g->marks = k->next;
	g->nmarks--;
	kept_hold(&k->stack, NULL);
	free(k);
}

void marks_flush(struct model *m, uint64_t ts, struct g_state *g)
{
	while (g->marks) {
		write_on_thread(m, ts, g, &g->marks->ev, g->marks->stack);
		drop_first(g);
	}
}

void marks_forget(struct model *m, struct g_state *g)
{
	while (g->marks) {
		marks_count(m, MARK_COUNT_UNPLACED);
		drop_first(g);
	}
	regions_over(m, &g->regions);
}

void marks_start(struct model *m)
{
	struct g_state *g;

	for (g = m->threads; g; g = g->next) {
		g->early = true;
		if (g->proc)
			g->proc->scope.early = !g->proc->scope.forked;
	}
}

/* Threads that did not run again are brought on a CPU to tell. */
void marks_finish(struct model *m, uint64_t ts)
{
	struct p_state *p = table_idle_cpu(m);
	struct g_state *g;

	for (g = m->threads; g && p; g = g->next) {
		if (!g->marks)
			continue;
		sched_in(m, ts, g, p);
		sched_out_runnable(m, ts, g, NULL);
	}
	for (g = m->threads; g; g = g->next) {
		regions_free(m, &g->regions); /* it has not ended */
		marks_forget(m, g);
	}
}

void marks_free(struct model *m)
{
	size_t i;

	for (i = 0; i < m->sites.cap; i++)
		if (m->sites.slot[i].key)
			marktext_put((struct mark_text *)(uintptr_t)m->sites.slot[i].val);
	u64map_free(&m->sites);
	tasks_free(&m->tasks);
	goroutines_free(m);
	numbers_free(&m->numbers);
	marktexts_free(&m->texts);
}

/* ---- records ---- */

void on_mark(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_mark *ev = (const struct ev_mark *)h;
	struct kept_stack *st = kept_find(&m->kept, ev_stack_id(h, len));
	bool late = h->ts < m->last_ts, kept;
	struct g_state *g;
	struct p_state *p;

	if (EV_MARK_BY(h->arg) == EV_BY_GO) {
		if (late)
			marks_count(m, MARK_COUNT_MOVED);
		goroutines_mark(m, ev, st);
		return;
	}
	p = table_cpu(m, h->ts, h->cpu);
	if (!p)
		return;
	g = thread_get(m, h->ts, ev->thr);
	kept = is_kept(g, h->ts);
	if (late || kept)
		marks_count(m, MARK_COUNT_MOVED);
	if (kept) {
		keep(g, ev, len, st);
		return;
	}
	if (!g->p)
		sched_prove(m, h->ts, g, p);
	if (g->life == G_SYSCALL && h->ts > g->sys_begin) {
		model_fix(m, REPAIR_LOST_EXIT);
		syscall_end(m, h->ts, g);
	}
	notes_flush(m, h->ts, g);
	write_on_thread(m, h->ts, g, ev, st);
}

void on_site(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_site *ev = (const struct ev_site *)h;
	uint64_t *slot = u64map_put(&m->sites, h->arg, NULL);
	size_t n = strnlen(ev->name, len - EV_SITE_SHORT);

	marktext_put((struct mark_text *)(uintptr_t)*slot);
	*slot = (uintptr_t)marktext_get(&m->texts, ev->name, n, MARK_WHOLE);
}
