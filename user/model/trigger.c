// SPDX-License-Identifier: BSD-2-Clause
/* See trigger.h. */
#include "model/trigger.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/state.h"
#include "util/strbuf.h"
#include "util/utf8.h"
#include "util/xalloc.h"

#define LOOK_NS 100000000ull
#define MARKED_MAX 256 /* logs in a generation: one that is met all the time is told, not shown */
#define CATEGORY "trigger"
#define TEXT_MAX 200 /* of a name or a message in what is told */

/* ---- which triggers mean it ---- */

void triggers_init(struct model *m)
{
	static const uint32_t waits = 1u << TRIGGER_RUNNABLE | 1u << TRIGGER_OFFCPU,
			      lasting = 1u << TRIGGER_REGION | 1u << TRIGGER_TASK |
					1u << TRIGGER_SYSCALL | 1u << TRIGGER_RUNNABLE;
	struct triggers *t = &m->triggers;
	unsigned i, nr;
	uint32_t kind;
	const char *name;

	for (i = 0; i < t->n; i++) {
		kind = t->spec[i].kind;
		t->of[kind] |= 1u << i;
		if (waits & 1u << kind)
			t->waits |= 1u << i;
		if (lasting & 1u << kind)
			t->lasting |= 1u << i;
	}
	if (!t->of[TRIGGER_SYSCALL])
		return;
	t->calls = xcalloc(TRIGGER_CALLS, sizeof(*t->calls));
	for (nr = 0; nr < TRIGGER_CALLS; nr++) {
		name = syscall_name(nr);
		for (i = 0; i < t->n; i++)
			if (t->spec[i].kind == TRIGGER_SYSCALL &&
			    (!t->spec[i].name || (name && !fnmatch(t->spec[i].name, name, 0))))
				t->calls[nr] |= 1u << i;
	}
}

void triggers_free(struct triggers *t)
{
	free(t->calls);
	t->calls = NULL;
}

static uint32_t bits_of_name(const struct triggers *t, uint32_t bits, const char *name)
{
	uint32_t left, found = 0;
	unsigned i;

	for (left = bits; left; left &= left - 1) {
		i = (unsigned)__builtin_ctz(left);
		if (!t->spec[i].name || !fnmatch(t->spec[i].name, name, 0))
			found |= 1u << i;
	}
	return found;
}

static uint32_t bits_of_text(struct model *m, struct mark_text *mt)
{
	struct triggers *t = &m->triggers;
	char name[GO_STRING_MAX + 1];

	if (!mt->triggers) {
		memcpy(name, mt->text, mt->len);
		name[mt->len] = 0;
		mt->triggers = TRIGGER_KNOWN |
			       bits_of_name(t,
					    t->of[TRIGGER_REGION] | t->of[TRIGGER_TASK] |
						    t->of[TRIGGER_LOG],
					    name);
	}
	return mt->triggers;
}

static uint32_t bits_of_comm(const struct triggers *t, struct trigger_name *n,
			     const char comm[EV_COMM_LEN])
{
	if (!n->bits || memcmp(n->comm, comm, EV_COMM_LEN) != 0) {
		memcpy(n->comm, comm, EV_COMM_LEN);
		n->bits = TRIGGER_KNOWN | bits_of_name(t, t->waits, n->comm);
	}
	return n->bits;
}

static uint32_t bits_of_thread(const struct triggers *t, struct g_state *g)
{
	uint32_t bits = bits_of_comm(t, &g->triggers, g->comm);

	return g->proc ? bits | bits_of_comm(t, &g->proc->triggers, g->proc->comm) : bits;
}

/* Of those, the ones that are for less. */
static uint32_t shorter(const struct triggers *t, uint32_t bits, uint64_t ns)
{
	uint32_t left, found = 0;
	unsigned i;

	for (left = bits; left; left &= left - 1) {
		i = (unsigned)__builtin_ctz(left);
		if (t->spec[i].ns < ns)
			found |= 1u << i;
	}
	return found;
}

/* ---- words ---- */

static void add_time(struct strbuf *out, uint64_t ns)
{
	if (ns >= 1000000000)
		strbuf_addf(out, "%.2fs", (double)ns / 1e9);
	else if (ns >= 1000000)
		strbuf_addf(out, "%.1fms", (double)ns / 1e6);
	else
		strbuf_addf(out, "%.1fus", (double)ns / 1e3);
}

static void add_text(struct strbuf *out, const char *text, size_t len)
{
	char clean[TEXT_MAX];

	strbuf_add(out, clean, utf8_clean(clean, sizeof(clean), text, len));
}

/* " on worker (4242)" */
static void add_thread(struct strbuf *out, const struct g_state *g)
{
	if (!g)
		return;
	strbuf_addstr(out, " on ");
	add_text(out, g->comm, strnlen(g->comm, EV_COMM_LEN));
	strbuf_addf(out, " (%" PRIu32 ")", g->tid);
}

/* ---- met ---- */

/* Where it is said: on a goroutine that runs, or nowhere. */
struct place {
	uint64_t ts;
	struct trace_stream *stream; /* NULL: nobody who could say it runs */
	uint32_t stack;
};

static struct place on_thread_place(struct model *m, uint64_t ts, struct g_state *g)
{
	return (struct place){ ts, g->p ? &g->stream : NULL, stacks_root(m, g) };
}

static bool may_mark(struct model *m)
{
	struct triggers *t = &m->triggers;
	uint64_t gen = trace_writer__gen(m->w);

	if (t->gen != gen)
		t->marked = 0;
	t->gen = gen;
	return t->marked++ < MARKED_MAX;
}

/* What happened, and the first of the triggers that wait for it. Frees the text. */
static void met(struct model *m, const struct place *at, uint32_t bits, struct strbuf *what)
{
	struct triggers *t = &m->triggers;

	strbuf_addf(what, ", %s", t->spec[__builtin_ctz(bits)].text);
	m->stats.triggers++;
	if (may_mark(m) && at->stream)
		wire_ev(m, at->ts, at->stream, GO_EV_USER_LOG, 0, wire_string(m, CATEGORY),
			marktext_once(m, what->buf, what->len, MARK_WHOLE), at->stack);
	else if (!at->stream && t->marked <= MARKED_MAX)
		goroutines_say(m, at->ts, CATEGORY, what->buf);
	if (t->sink.fn)
		t->sink.fn(t->sink.ctx, at->ts, what->buf);
	strbuf_free(what);
}

/* "region query took 31.2ms on worker (4242), region:query>10ms" */
static void met_long(struct model *m, const struct place *at, uint32_t bits, const char *kind,
		     const struct mark_text *name, const char *verb, uint64_t ns,
		     const struct g_state *g)
{
	struct strbuf what = STRBUF_INIT;

	strbuf_addf(&what, "%s ", kind);
	add_text(&what, name->text, name->len);
	strbuf_addf(&what, " %s ", verb);
	add_time(&what, ns);
	add_thread(&what, g);
	met(m, at, bits, &what);
}

/* ---- annotations ---- */

static struct place annotation_place(const struct mark_at *at)
{
	return (struct place){ at->ts, at->stream, at->stack };
}

static uint64_t lasted(uint64_t begin, uint64_t end)
{
	return end > begin ? end - begin : 0;
}

void triggers_region(struct model *m, const struct mark_at *at, const struct region *r)
{
	const struct triggers *t = &m->triggers;
	struct place place = annotation_place(at);
	uint64_t ns = lasted(r->begin_ts, at->said_ts);
	uint32_t bits;

	if (!m->live || r->told)
		return;
	bits = shorter(t, t->of[TRIGGER_REGION] & bits_of_text(m, r->name), ns);
	if (bits)
		met_long(m, &place, bits, "region", r->name, "took", ns, at->thread);
}

void triggers_open_region(struct model *m, uint64_t ts, const struct g_state *g, struct region *r)
{
	const struct triggers *t = &m->triggers;
	uint64_t ns = lasted(r->begin_ts, ts);
	uint32_t bits = shorter(t, t->of[TRIGGER_REGION], ns);

	if (!bits || r->told)
		return;
	bits &= bits_of_text(m, r->name);
	if (!bits)
		return;
	r->told = true;
	met_long(m, &(struct place){ .ts = ts }, bits, "region", r->name, "is open for", ns, g);
}

uint32_t triggers_of_task(struct model *m, struct mark_text *name)
{
	uint32_t bits = m->triggers.of[TRIGGER_TASK];

	return bits ? bits & bits_of_text(m, name) : 0;
}

void triggers_task(struct model *m, const struct mark_at *at, uint32_t bits,
		   const struct mark_text *name, uint64_t begin)
{
	struct place place = annotation_place(at);
	uint64_t ns = lasted(begin, at->said_ts);

	bits = m->live ? shorter(&m->triggers, bits, ns) : 0;
	if (bits)
		met_long(m, &place, bits, "task", name, "took", ns, at->thread);
}

bool triggers_open_task(struct model *m, uint64_t ts, uint32_t bits, const struct mark_text *name,
			uint64_t begin)
{
	uint64_t ns = lasted(begin, ts);

	bits = shorter(&m->triggers, bits, ns);
	if (!bits)
		return false;
	met_long(m, &(struct place){ .ts = ts }, bits, "task", name, "is open for", ns, NULL);
	return true;
}

static uint32_t with_message(const struct triggers *t, uint32_t bits, const char *text, size_t len)
{
	char *copy = strndup(text, len);
	uint32_t left, found = 0;
	const char *glob;
	unsigned i;

	for (left = bits; left && copy; left &= left - 1) {
		i = (unsigned)__builtin_ctz(left);
		glob = t->spec[i].message;
		if (!glob || !fnmatch(glob, copy, 0))
			found |= 1u << i;
	}
	free(copy);
	return found;
}

void triggers_log(struct model *m, const struct mark_at *at, struct mark_text *category,
		  const char *text, size_t len)
{
	const struct triggers *t = &m->triggers;
	struct place place = annotation_place(at);
	struct strbuf what = STRBUF_INIT;
	uint32_t bits;

	if (!m->live || !category)
		return;
	bits = t->of[TRIGGER_LOG] & bits_of_text(m, category);
	if (bits)
		bits = with_message(t, bits, text, len);
	if (!bits)
		return;
	strbuf_addstr(&what, "log ");
	add_text(&what, category->text, category->len);
	strbuf_addstr(&what, ": ");
	add_text(&what, text, len);
	add_thread(&what, at->thread);
	met(m, &place, bits, &what);
}

/* ---- threads ---- */

static void met_wait(struct model *m, uint64_t ts, struct g_state *g, uint32_t bits,
		     const char *words, uint64_t ns)
{
	struct place place = on_thread_place(m, ts, g);
	struct strbuf what = STRBUF_INIT;

	strbuf_addf(&what, "%s ", words);
	add_time(&what, ns);
	add_thread(&what, g);
	met(m, &place, bits, &what);
}

void triggers_wait(struct model *m, uint64_t ts, struct g_state *g, uint64_t out_ts,
		   uint64_t ready_ts)
{
	const struct triggers *t = &m->triggers;
	uint64_t off = out_ts ? lasted(out_ts, ts) : 0;
	uint64_t ready = ready_ts ? lasted(ready_ts, ts) : 0;
	uint32_t long_off, long_ready, bits;

	if (!m->live)
		return;
	long_ready = g->wait_told ? 0 : shorter(t, t->of[TRIGGER_RUNNABLE], ready);
	long_off = shorter(t, t->of[TRIGGER_OFFCPU], off);
	if (!(long_ready | long_off))
		return;
	bits = bits_of_thread(t, g);
	if (long_ready & bits)
		met_wait(m, ts, g, long_ready & bits, "runnable for", ready);
	if (long_off & bits)
		met_wait(m, ts, g, long_off & bits, "off its CPU for", off);
}

/* ---- syscalls ---- */

/* Without a name, one that waits for somebody else is not meant. */
static uint32_t bits_of_call(const struct triggers *t, uint32_t nr, bool waited)
{
	uint32_t bits = nr < TRIGGER_CALLS ? t->calls[nr] : 0, left;
	unsigned i;

	for (left = waited ? bits : 0; left; left &= left - 1) {
		i = (unsigned)__builtin_ctz(left);
		if (!t->spec[i].name)
			bits &= ~(1u << i);
	}
	return bits;
}

static void met_call(struct model *m, const struct place *at, uint32_t bits,
		     const struct g_state *g, uint32_t nr, const char *verb, uint64_t ns)
{
	const char *name = syscall_name(nr);
	struct strbuf what = STRBUF_INIT;

	if (name)
		strbuf_addf(&what, "syscall %s %s ", name, verb);
	else
		strbuf_addf(&what, "syscall %" PRIu32 " %s ", nr, verb);
	add_time(&what, ns);
	add_thread(&what, g);
	met(m, at, bits, &what);
}

void triggers_syscall(struct model *m, uint64_t ts, struct g_state *g, uint32_t nr, uint64_t begin,
		      bool waited)
{
	const struct triggers *t = &m->triggers;
	uint64_t ns = lasted(begin, ts);
	uint32_t bits = shorter(t, t->of[TRIGGER_SYSCALL], ns);
	struct place place;

	if (!bits || !m->live)
		return;
	bits &= bits_of_call(t, nr, waited);
	if (!bits)
		return;
	place = on_thread_place(m, ts, g);
	met_call(m, &place, bits, g, nr, "took", ns);
}

/* ---- ends of processes ---- */

static bool is_code(const struct trigger_spec *s, int sig, int status)
{
	if (s->kind == TRIGGER_SIGNAL)
		return sig && (s->code < 0 || s->code == sig);
	return !sig && (s->code < 0 ? status != 0 : s->code == status);
}

void triggers_exit(struct model *m, uint64_t ts, struct g_state *g, uint32_t code)
{
	const struct triggers *t = &m->triggers;
	int sig = code & 0x7f, status = code >> 8 & 0xff;
	uint32_t left, bits = 0;
	struct strbuf what = STRBUF_INIT;
	struct place place;
	const char *name;

	if (!m->live)
		return;
	for (left = t->of[TRIGGER_SIGNAL] | t->of[TRIGGER_EXIT]; left; left &= left - 1)
		if (is_code(&t->spec[__builtin_ctz(left)], sig, status))
			bits |= left & -left;
	if (!bits)
		return;
	strbuf_addstr(&what, "process ");
	add_text(&what, g->proc->comm, strnlen(g->proc->comm, EV_COMM_LEN));
	strbuf_addf(&what, " (%" PRIu32 ") ", g->proc->pid);
	name = sig ? sigabbrev_np(sig) : NULL;
	if (name)
		strbuf_addf(&what, "is ended by SIG%s", name);
	else if (sig)
		strbuf_addf(&what, "is ended by signal %d", sig);
	else
		strbuf_addf(&what, "exits with %d", status);
	place = on_thread_place(m, ts, g);
	met(m, &place, bits, &what);
}

/* ---- what lasts ---- */

static void look_at_call(struct model *m, uint64_t ts, struct g_state *g)
{
	const struct triggers *t = &m->triggers;
	uint64_t begin = call_begin(m, g);
	uint32_t bits, nr = g->life == G_SYSCALL || g_is_asleep(g) ? g->nr : g->pend;
	uint64_t ns;

	if (g->call_told || !begin || nr == EV_NR_NONE || g->life == G_RUNNING)
		return;
	ns = lasted(begin, ts);
	bits = shorter(t, t->of[TRIGGER_SYSCALL], ns);
	if (bits)
		bits &= bits_of_call(t, nr, g->call_waited);
	if (!bits)
		return;
	g->call_told = true;
	met_call(m, &(struct place){ .ts = ts }, bits, g, nr, "lasts for", ns);
}

/* A thread that starves need not ever be on a CPU again. */
static void look_at_wait(struct model *m, uint64_t ts, struct g_state *g)
{
	const struct triggers *t = &m->triggers;
	uint64_t ns = g->life == G_RUNNABLE && g->ready_ts ? lasted(g->ready_ts, ts) : 0;
	uint32_t bits = shorter(t, t->of[TRIGGER_RUNNABLE], ns);
	struct strbuf what = STRBUF_INIT;

	if (!bits || g->wait_told)
		return;
	bits &= bits_of_thread(t, g);
	if (!bits)
		return;
	g->wait_told = true;
	strbuf_addstr(&what, "no CPU for ");
	add_time(&what, ns);
	add_thread(&what, g);
	met(m, &(struct place){ .ts = ts }, bits, &what);
}

void triggers_look(struct model *m, uint64_t ts)
{
	struct triggers *t = &m->triggers;
	struct region *r;
	struct g_state *g;

	if (!t->lasting || !m->live || ts < t->looked + LOOK_NS)
		return;
	t->looked = ts;
	for (g = m->threads; g; g = g->next) {
		for (r = t->of[TRIGGER_REGION] ? g->regions.innermost : NULL; r; r = r->outer)
			triggers_open_region(m, ts, g, r);
		if (t->of[TRIGGER_SYSCALL])
			look_at_call(m, ts, g);
		if (t->of[TRIGGER_RUNNABLE])
			look_at_wait(m, ts, g);
	}
	if (t->of[TRIGGER_REGION])
		goroutines_look(m, ts);
	if (t->of[TRIGGER_TASK])
		tasks_look(m, ts);
}
