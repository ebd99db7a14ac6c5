// SPDX-License-Identifier: BSD-2-Clause
/*
 * See repair.h. The proof for the last generation before header 1.26 works on sequence numbers:
 * whatever starts, unblocks or takes a goroutine or a processor carries the next number of it, and
 * status or creation count as 0. A batch that is missing shows up in three ways:
 *
 *	- a number is missing that a later one follows (the lost batch had a GoStart, and so on);
 *	- somebody still holds a goroutine at the end of his stream that was used again
 *	  elsewhere (it had a GoBlock);
 *	- nothing refers to it, and the generation is whole without it as far as any reader
 *	  can tell.
 */
#include "gotrace/repair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gotrace/decode.h"
#include "util/fileio.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

enum thing { THING_G, THING_P };

/* One number of one goroutine or processor: its use, or its being held when a stream ends. */
struct turn {
	enum thing thing;
	bool steal; /* takes a processor from whoever holds it */
	uint64_t id, seq;
};

struct turns {
	struct turn *t;
	size_t cnt, cap;
};

struct proof {
	const struct go_gen *gen;
	struct turns used, held;
	size_t nevent;
	const char *wrong;
};

static void add_turn(struct turns *ts, enum thing thing, uint64_t id, uint64_t seq, bool steal)
{
	ts->t = xgrow(ts->t, ts->cnt, &ts->cap, sizeof(*ts->t));
	ts->t[ts->cnt++] = (struct turn){ .thing = thing, .steal = steal, .id = id, .seq = seq };
}

static int compare_turn(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->thing != y->thing)
		return x->thing < y->thing ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

/* ---- one stream ---- */

struct hold {
	bool on;
	uint64_t id, seq;
};

/* What an M has at this point of its stream. */
struct stream {
	struct hold g, p;
};

static void use(struct proof *pf, enum thing thing, struct hold *hold, uint64_t id, uint64_t seq)
{
	add_turn(&pf->used, thing, id, seq, false);
	if (hold)
		*hold = (struct hold){ true, id, seq };
}

static void step(struct proof *pf, struct stream *s, const struct go_event *ev)
{
	const uint64_t *a = ev->arg;

	switch (ev->type) {
	case GO_EV_GO_STATUS:
	case GO_EV_GO_STATUS_STACK:
		use(pf, THING_G,
		    a[2] == GO_RUNNING || (a[2] == GO_SYSCALL && a[1] == ev->m) ? &s->g : NULL,
		    a[0], 0);
		break;
	case GO_EV_GO_CREATE:
	case GO_EV_GO_CREATE_BLOCKED:
		use(pf, THING_G, NULL, a[0], 0);
		break;
	case GO_EV_GO_CREATE_SYSCALL:
		use(pf, THING_G, &s->g, a[0], 0);
		break;
	case GO_EV_GO_UNBLOCK:
		use(pf, THING_G, NULL, a[0], a[1]);
		break;
	case GO_EV_GO_START:
	case GO_EV_GO_SWITCH:
	case GO_EV_GO_SWITCH_DESTROY:
		use(pf, THING_G, &s->g, a[0], a[1]);
		break;
	case GO_EV_GO_STOP:
	case GO_EV_GO_BLOCK:
	case GO_EV_GO_DESTROY:
	case GO_EV_GO_DESTROY_SYSCALL:
	case GO_EV_GO_SYSCALL_END_BLOCKED:
		s->g.on = false;
		break;
	case GO_EV_PROC_STATUS:
		if (s->p.on && s->p.id == a[0])
			break; /* told again at the end of the trace */
		use(pf, THING_P, a[1] == PROC_RUNNING || a[1] == PROC_SYSCALL ? &s->p : NULL, a[0],
		    0);
		break;
	case GO_EV_PROC_START:
		use(pf, THING_P, &s->p, a[0], a[1]);
		break;
	case GO_EV_PROC_STEAL:
		add_turn(&pf->used, THING_P, a[0], a[1], true);
		break;
	case GO_EV_PROC_STOP:
		s->p.on = false;
		break;
	case GO_EV_GO_SYSCALL_BEGIN:
		if (s->p.on)
			use(pf, THING_P, &s->p, s->p.id, a[0]);
		break;
	default:
		break;
	}
}

static const char *args_defined(const struct go_gen *gen, const struct go_event *ev)
{
	for (unsigned i = 0; i < ev->spec->narg; i++) {
		if (ev->spec->arg[i].type == GO_ARG_STRING && !go_gen_string(gen, ev->arg[i]))
			return "an event uses a string that is not defined";
		if (ev->spec->arg[i].type == GO_ARG_STACK && !go_gen_stack(gen, ev->arg[i]))
			return "an event uses a stack that is not defined";
	}
	return NULL;
}

static const char *walk_batch(struct proof *pf, struct stream *s, const struct go_batch *b)
{
	struct go_cursor c;
	struct go_event ev;
	const char *wrong;
	int got;

	go_cursor_init(&c, pf->gen, b);
	while ((got = go_cursor_next(&c, &ev)) > 0) {
		wrong = args_defined(pf->gen, &ev);
		if (wrong)
			return wrong;
		if (b->kind != GO_BATCH_EVENTS)
			continue;
		pf->nevent++;
		step(pf, s, &ev);
	}
	return got < 0 ? c.why : NULL;
}

static void end_stream(struct proof *pf, struct stream *s)
{
	if (s->g.on)
		add_turn(&pf->held, THING_G, s->g.id, s->g.seq, false);
	if (s->p.on)
		add_turn(&pf->held, THING_P, s->p.id, s->p.seq, false);
	*s = (struct stream){ 0 };
}

/* ---- one generation ---- */

static int compare_batch(const void *a, const void *b)
{
	const struct go_batch *x = *(struct go_batch *const *)a, *y = *(struct go_batch *const *)b;

	if (x->m != y->m)
		return x->m < y->m ? -1 : 1;
	return (x > y) - (x < y);
}

static const char *walk_streams(struct proof *pf)
{
	const struct go_gen *gen = pf->gen;
	const struct go_batch **order = xmalloc(gen->nbatch * sizeof(*order));
	struct stream s = { 0 };
	const char *wrong = NULL;

	for (size_t i = 0; i < gen->nbatch; i++)
		order[i] = &gen->batch[i];
	qsort(order, gen->nbatch, sizeof(*order), compare_batch);
	for (size_t i = 0; i < gen->nbatch && !wrong; i++) {
		if (i && order[i]->m != order[i - 1]->m)
			end_stream(pf, &s);
		wrong = walk_batch(pf, &s, order[i]);
	}
	end_stream(pf, &s);
	free(order);
	return wrong;
}

static const char *frames_defined(const struct go_gen *gen)
{
	struct go_frame frame[GO_FRAMES_MAX];

	for (size_t i = 0; i < gen->nstack; i++) {
		size_t n = go_stack_frames(&gen->stack[i], frame);

		for (size_t k = 0; k < n; k++)
			if (!go_gen_string(gen, frame[k].func) ||
			    !go_gen_string(gen, frame[k].file))
				return "a stack uses a string that is not defined";
	}
	return NULL;
}

static const char *turns_whole(struct proof *pf)
{
	const struct turn *u = pf->used.t;

	if (!pf->nevent)
		return "no events";
	if (!pf->used.cnt)
		return NULL;
	qsort(pf->used.t, pf->used.cnt, sizeof(*u), compare_turn);
	for (size_t i = 0; i < pf->used.cnt; i++) {
		bool same = i && u[i].thing == u[i - 1].thing && u[i].id == u[i - 1].id;

		if (same && !u[i].seq)
			continue; /* an idle one, told again */
		if (u[i].seq != (same ? u[i - 1].seq + 1 : 0))
			return "events are missing";
	}
	for (size_t i = 0; i < pf->held.cnt; i++) {
		struct turn next = pf->held.t[i], *found;

		next.seq++;
		found = bsearch(&next, u, pf->used.cnt, sizeof(*u), compare_turn);
		if (found && !found->steal)
			return "events are missing";
	}
	return NULL;
}

/* Is the reader's present generation, which nothing closes, whole? NULL, or why not. */
static const char *last_is_whole(struct go_reader *r, const struct go_gen *gen, struct strbuf *why)
{
	struct proof pf = { .gen = gen };
	const char *wrong;

	if (go_gen_tables(r, why))
		return why->buf;
	wrong = frames_defined(gen);
	if (!wrong)
		wrong = walk_streams(&pf);
	if (!wrong)
		wrong = turns_whole(&pf);
	if (wrong)
		strbuf_set_f(why, "generation %llu: %s", (unsigned long long)gen->number, wrong);
	free(pf.used.t);
	free(pf.held.t);
	return wrong;
}

/* ---- the file ---- */

int go_repair_scan(const void *data, size_t len, struct go_repair *res, struct strbuf *why)
{
	struct go_reader *r;
	struct go_gen *gen;
	int got;

	*res = (struct go_repair){ .size = len };
	strbuf_reset(why);
	r = go_reader__new(data, len, why);
	if (!r)
		return -errno;
	res->minor = go_reader__minor(r);
	res->end = GO_HEADER_LEN;
	while ((got = go_reader__next(r, &gen)) > 0) {
		if (!gen->whole && last_is_whole(r, gen, why))
			break;
		res->end = gen->end;
		res->ngen++;
	}
	if (got < 0)
		strbuf_set_f(why, "%s", go_reader__why(r));
	go_reader__free(r);
	return 0;
}

/* out NULL: in place */
static int repair(int fd, const struct sink *out, struct go_repair *res, struct strbuf *why)
{
	struct file_bytes f;
	int err;

	*res = (struct go_repair){ 0 };
	err = file_load(&f, fd, why);
	if (!err)
		err = go_repair_scan(f.data, f.len, res, why);
	if (!err && !res->ngen) {
		err = -ENODATA;
		if (why->len)
			strbuf_addstr(why, "; ");
		strbuf_addstr(why, "no generation is whole");
	} else if (!err && out) {
		err = out->write(out->ctx, f.data, (size_t)res->end);
		if (err)
			strbuf_reset(why);
	}
	file_unload(&f);
	if (!err && !out && res->end < res->size && ftruncate(fd, (off_t)res->end)) {
		err = -errno;
		strbuf_set_f(why, "cannot cut: %s", strerror(-err));
	}
	return err;
}

int go_repair_in_place(int fd, struct go_repair *res, struct strbuf *why)
{
	return repair(fd, NULL, res, why);
}

int go_repair_copy(int fd, const struct sink *out, struct go_repair *res, struct strbuf *why)
{
	return repair(fd, out, res, why);
}
