// SPDX-License-Identifier: BSD-2-Clause
/*
 * See rawtext.h. One line is built and written at a time: a stack of a few bytes can stand for 128
 * long names, so the text of a hostile file may be far larger than the file.
 */
#include "gotrace/rawtext.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "event/evword.h"
#include "gotrace/decode.h"
#include "util/fileio.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

struct rawtext {
	FILE *out;
	struct strbuf line;
	struct strbuf *why; /* the first problem */
	int err;	    /* of writing */
};

static void end_line(struct rawtext *t)
{
	strbuf_addch(&t->line, '\n');
	if (!t->err && fwrite(t->line.buf, 1, t->line.len, t->out) != t->line.len)
		t->err = errno ? -errno : -EIO;
	strbuf_reset(&t->line);
}

static void problem(struct rawtext *t, const char *what)
{
	if (!t->why->len)
		strbuf_addstr(t->why, what);
	strbuf_addf(&t->line, "# incomplete: %s", what);
	end_line(t);
}

static void add_name(struct strbuf *sb, const struct go_string *s)
{
	bool plain = s && s->len;

	if (!s) {
		strbuf_addch(sb, '?');
		return;
	}
	for (size_t i = 0; plain && i < s->len; i++)
		plain = isgraph((unsigned char)s->text[i]) && !strchr("\"\\<=?", s->text[i]);
	if (plain && !(s->len == 1 && s->text[0] == '-'))
		strbuf_add(sb, s->text, s->len);
	else
		evword_quote(sb, s->text, s->len);
}

static void add_string(struct strbuf *sb, const struct go_string *s)
{
	if (s)
		evword_quote(sb, s->text, s->len);
	else
		strbuf_addch(sb, '?');
}

static void add_stack(struct strbuf *sb, const struct go_gen *gen, uint64_t id)
{
	const struct go_stack *st = go_gen_stack(gen, id);
	struct go_frame frame[GO_FRAMES_MAX];
	size_t n;

	if (!st) {
		strbuf_addch(sb, '?');
		return;
	}
	n = go_stack_frames(st, frame);
	if (!n)
		strbuf_addch(sb, '-');
	for (size_t i = 0; i < n; i++) {
		if (i)
			strbuf_addstr(sb, " < ");
		add_name(sb, go_gen_string(gen, frame[i].func));
	}
}

static void add_arg(struct strbuf *sb, const struct go_gen *gen, const struct go_arg_spec *spec,
		    uint64_t v)
{
	const char *name = NULL;

	strbuf_addf(sb, "%s=", spec->name);
	switch (spec->type) {
	case GO_ARG_STRING:
		add_string(sb, go_gen_string(gen, v));
		return;
	case GO_ARG_STACK:
		add_stack(sb, gen, v);
		return;
	case GO_ARG_GSTATUS:
		name = go_status_name(v);
		break;
	case GO_ARG_PSTATUS:
		name = proc_status_name(v);
		break;
	case GO_ARG_M:
		name = v == GO_NO_THREAD ? "-" : NULL;
		break;
	default:
		break;
	}
	if (name)
		strbuf_addstr(sb, name);
	else
		strbuf_addf(sb, "%" PRIu64, v);
}

static void write_event(struct rawtext *t, const struct go_gen *gen, const struct go_event *ev)
{
	unsigned arg = 0;

	if (ev->type == GO_EV_CPU_SAMPLE) {
		strbuf_addf(&t->line, "sample t=%" PRIu64, ev->time);
		arg = 1; /* the time */
	} else if (ev->m == GO_NO_THREAD) {
		strbuf_addf(&t->line, "M=- t=%" PRIu64 " %s", ev->time, ev->spec->name);
	} else {
		strbuf_addf(&t->line, "M=%" PRIu64 " t=%" PRIu64 " %s", ev->m, ev->time,
			    ev->spec->name);
	}
	for (; arg < ev->spec->narg; arg++) {
		strbuf_addch(&t->line, ' ');
		add_arg(&t->line, gen, &ev->spec->arg[arg], ev->arg[arg]);
	}
	end_line(t);
}

static void write_batch(struct rawtext *t, const struct go_gen *gen, const struct go_batch *b)
{
	struct go_cursor c;
	struct go_event ev;
	int got = 0;

	go_cursor_init(&c, gen, b);
	while (!t->err && (got = go_cursor_next(&c, &ev)) > 0)
		write_event(t, gen, &ev);
	if (!t->err && got < 0)
		problem(t, c.why);
}

/* ---- frames ---- */

struct frame_line {
	const struct go_string *func, *file; /* NULL: not defined */
	uint64_t line;
};

static int compare_string(const struct go_string *a, const struct go_string *b)
{
	size_t len;
	int c;

	if (!a || !b)
		return !!a - !!b;
	len = a->len < b->len ? a->len : b->len;
	c = len ? memcmp(a->text, b->text, len) : 0;
	return c ? c : (a->len > b->len) - (a->len < b->len);
}

static int compare_frame(const void *a, const void *b)
{
	const struct frame_line *x = a, *y = b;
	int c = compare_string(x->func, y->func);

	if (!c)
		c = compare_string(x->file, y->file);
	return c ? c : (x->line > y->line) - (x->line < y->line);
}

static void write_frames(struct rawtext *t, const struct go_gen *gen)
{
	struct go_frame frame[GO_FRAMES_MAX];
	struct frame_line *all = NULL;
	size_t cnt = 0, cap = 0;

	for (size_t i = 0; i < gen->nstack; i++) {
		size_t n = go_stack_frames(&gen->stack[i], frame);

		for (size_t k = 0; k < n; k++) {
			all = xgrow(all, cnt, &cap, sizeof(*all));
			all[cnt++] = (struct frame_line){ go_gen_string(gen, frame[k].func),
							  go_gen_string(gen, frame[k].file),
							  frame[k].line };
		}
	}
	if (cnt)
		qsort(all, cnt, sizeof(*all), compare_frame);
	for (size_t i = 0; i < cnt && !t->err; i++) {
		if (i && !compare_frame(&all[i], &all[i - 1]))
			continue;
		strbuf_addstr(&t->line, "frame ");
		add_name(&t->line, all[i].func);
		strbuf_addstr(&t->line, " file=");
		add_string(&t->line, all[i].file);
		strbuf_addf(&t->line, " line=%" PRIu64, all[i].line);
		end_line(t);
	}
	free(all);
}

/* ---- the whole ---- */

/* By M, then by place in the file: batches point into one array of bytes. */
static int compare_batch(const void *a, const void *b)
{
	const struct go_batch *x = *(struct go_batch *const *)a, *y = *(struct go_batch *const *)b;

	if (x->m != y->m)
		return x->m < y->m ? -1 : 1;
	return (x > y) - (x < y);
}

static void write_gen(struct rawtext *t, struct go_reader *r, const struct go_gen *gen,
		      unsigned flags)
{
	const struct go_batch **order = xmalloc(gen->nbatch * sizeof(*order));
	struct strbuf wrong = STRBUF_INIT;

	strbuf_addf(&t->line, "generation %" PRIu64, gen->number);
	end_line(t);
	if (go_gen_tables(r, &wrong))
		problem(t, wrong.buf);
	if (gen->sync.found) {
		strbuf_addf(&t->line, "sync freq=%" PRIu64, gen->sync.freq);
		if (gen->sync.clock)
			strbuf_addf(&t->line,
				    " t=%" PRIu64 " mono=%" PRIu64 " sec=%" PRIu64 " nsec=%" PRIu64,
				    gen->sync.time, gen->sync.mono, gen->sync.sec, gen->sync.nsec);
		end_line(t);
	}
	for (size_t i = 0; i < gen->nbatch; i++) {
		order[i] = &gen->batch[i];
		if (gen->batch[i].kind == GO_BATCH_SAMPLES)
			write_batch(t, gen, &gen->batch[i]);
	}
	qsort(order, gen->nbatch, sizeof(*order), compare_batch);
	for (size_t i = 0; i < gen->nbatch && !t->err; i++)
		if (order[i]->kind == GO_BATCH_EVENTS)
			write_batch(t, gen, order[i]);
	if (flags & RAWTEXT_FRAMES)
		write_frames(t, gen);
	strbuf_free(&wrong);
	free(order);
}

int rawtext_write(const void *data, size_t len, unsigned flags, FILE *out, struct strbuf *why)
{
	struct rawtext t = { .out = out, .line = STRBUF_INIT, .why = why };
	struct go_reader *r;
	struct go_gen *gen;
	int got;

	strbuf_reset(why);
	r = go_reader__new(data, len, why);
	if (!r)
		return -errno;
	strbuf_addf(&t.line, "trace go 1.%u", go_reader__minor(r));
	end_line(&t);
	do {
		got = go_reader__next(r, &gen);
		if (gen->nbatch)
			write_gen(&t, r, gen, flags);
	} while (got > 0 && !t.err);
	if (got < 0 && !t.err)
		problem(&t, go_reader__why(r));
	if (t.err)
		strbuf_set_f(why, "cannot write: %s", strerror(-t.err));
	go_reader__free(r);
	strbuf_free(&t.line);
	return t.err;
}

int rawtext_dump(int fd, unsigned flags, FILE *out, struct strbuf *why)
{
	struct file_bytes f;
	int err = file_load(&f, fd, why);

	if (!err)
		err = rawtext_write(f.data, f.len, flags, out, why);
	file_unload(&f);
	return err;
}
