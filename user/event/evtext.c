// SPDX-License-Identifier: BSD-2-Clause
/*
 * Lines <-> records, driven by the rows of evspec.c; the language is described in evtext.h. A line
 * is cut into words in place, in a copy; the values of fields are evvalue.c's.
 */
#include "event/evtext.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event/evspec.h"
#include "event/evvalue.h"
#include "event/evword.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define ARG_OFF offsetof(struct ev_hdr, arg)

/* The bits of h.flags and h.arg that the kind's fields write. */
static void claimed_bits(const struct ev_spec *s, uint32_t *flags, uint32_t *arg)
{
	*flags = *arg = 0;
	for (const struct ev_field *f = s->field; f < s->field + EV_FIELDS_MAX && f->name; f++) {
		if (f->type == EVT_FLAG)
			*flags |= f->id;
		else if (f->type == EVT_ARGBIT)
			*arg |= f->id;
		else if (f->type == EVT_OP)
			*arg |= EV_MARK_PACK(0xff, 0, 0);
		else if (f->type == EVT_BY)
			*arg |= EV_MARK_PACK(0, 0xff, 0);
		else if (f->type == EVT_METRIC || f->off == ARG_OFF)
			*arg = UINT32_MAX;
	}
}

/* ---- records to text ---- */

void evtext_format(struct strbuf *out, const void *rec, size_t len)
{
	const struct ev_hdr *h = rec;
	const struct ev_spec *s;
	uint32_t flags, arg;

	if (ev_check(rec, len)) {
		strbuf_addstr(out, "# not a legal record:");
		for (size_t i = 0; i < len; i++)
			strbuf_addf(out, " %02x", ((const unsigned char *)rec)[i]);
		return;
	}
	s = ev_spec(h->kind);
	strbuf_addf(out, "%llu ", (unsigned long long)h->ts);
	if (h->cpu == EVTEXT_CPU_NONE)
		strbuf_addch(out, '-');
	else
		strbuf_addf(out, "%u", h->cpu);
	strbuf_addf(out, " %s", s->name);
	for (const struct ev_field *f = s->field; f < s->field + EV_FIELDS_MAX && f->name; f++) {
		if (!evvalue_shown(f, rec, len))
			continue;
		strbuf_addf(out, " %s", f->name);
		if (evvalue_is_bare(f))
			continue;
		strbuf_addch(out, '=');
		evvalue_format(out, f, rec, len);
	}
	claimed_bits(s, &flags, &arg);
	if (h->flags & ~flags)
		strbuf_addf(out, " flags=%u", h->flags & ~flags);
	if (h->arg & ~arg)
		strbuf_addf(out, " arg=%u", h->arg & ~arg);
}

/* ---- text to records ---- */

/* Bits without a word of their own. 1 when the word is one of the two. */
static int parse_bits(struct evtext_line *l, const struct evword *w)
{
	struct ev_hdr *h = (void *)l->rec;
	uint64_t v;

	if (!w->val || w->quoted)
		return 0;
	if (!strcmp(w->key, "flags") && !evword_number(w->val, UINT8_MAX, &v))
		h->flags |= (uint8_t)v;
	else if (!strcmp(w->key, "arg") && !evword_number(w->val, UINT32_MAX, &v))
		h->arg |= (uint32_t)v;
	else
		return 0;
	return 1;
}

static int parse_field(struct evtext_line *l, const struct ev_spec *s, struct evword *w,
		       uint32_t *seen, struct strbuf *why)
{
	const struct ev_field *f;
	bool bare;

	for (f = s->field; f < s->field + EV_FIELDS_MAX && f->name; f++)
		if (!strcmp(f->name, w->key))
			break;
	if (f == s->field + EV_FIELDS_MAX || !f->name) {
		if (parse_bits(l, w))
			return 0;
		strbuf_set_f(why, "%s has no '%s'", s->name, w->key);
		return -EINVAL;
	}
	if (*seen & 1u << (f - s->field)) {
		strbuf_set_f(why, "'%s' stands there twice", w->key);
		return -EINVAL;
	}
	*seen |= 1u << (f - s->field);
	bare = evvalue_is_bare(f);
	if (bare != !w->val) {
		strbuf_set_f(why, bare ? "'%s' takes no value" : "'%s' needs a value", w->key);
		return -EINVAL;
	}
	if (evvalue_parse(l, s, f, w)) {
		strbuf_set_f(why, "the value of '%s' is not right", w->key);
		return -EINVAL;
	}
	return 0;
}

/* `p` stands behind the time. */
static int parse_record(char *p, uint64_t ts, struct evtext_line *out, struct strbuf *why)
{
	struct ev_hdr *h = (void *)out->rec;
	const struct ev_spec *s;
	const struct ev_field *f;
	uint32_t seen = 0;
	struct evword w;
	uint64_t cpu;
	int err;

	err = evword_next(&p, &w, why);
	if (err < 0)
		return err;
	if (err && !w.val && !strcmp(w.key, "-")) {
		cpu = EVTEXT_CPU_NONE;
	} else if (!err || w.val || evword_number(w.key, EVTEXT_CPU_NONE, &cpu)) {
		strbuf_set_f(why, "the time is followed by no CPU");
		return -EINVAL;
	}
	err = evword_next(&p, &w, why);
	if (err < 0)
		return err;
	s = err && !w.val ? ev_spec(ev_kind_by_name(w.key, strlen(w.key))) : NULL;
	if (!s) {
		strbuf_set_f(why, "'%s' is no kind of record", err ? w.key : "");
		return -EINVAL;
	}

	memset(out->rec, 0, s->max);
	out->what = EVTEXT_RECORD;
	out->stream = cpu == EVTEXT_CPU_NONE ? EVTEXT_STREAM_LAST : (uint32_t)cpu;
	out->len = s->min;
	h->ts = ts;
	h->cpu = (uint16_t)cpu;
	h->kind = (uint8_t)ev_kind_by_name(s->name, strlen(s->name));
	for (f = s->field; f < s->field + EV_FIELDS_MAX && f->name; f++)
		evvalue_default(out, f);

	while ((err = evword_next(&p, &w, why)) > 0) {
		err = parse_field(out, s, &w, &seen, why);
		if (err)
			return err;
	}
	if (err)
		return err;
	for (f = s->field; f < s->field + EV_FIELDS_MAX && f->name; f++) {
		if (f->need == EVN_ALWAYS && !(seen & 1u << (f - s->field))) {
			strbuf_set_f(why, "%s needs '%s'", s->name, f->name);
			return -EINVAL;
		}
	}
	if (s->step)
		out->len = s->min + (out->len - s->min + s->step - 1) / s->step * s->step;
	if (ev_check(out->rec, out->len)) {
		strbuf_set_f(why, "%s with a value that is not legal there", s->name);
		return -EINVAL;
	}
	return 0;
}

/* `p` stands behind "!". */
static int parse_directive(char *p, struct evtext_line *out, struct strbuf *why)
{
	struct evword w, arg = { 0 }, rest;
	uint64_t v = 0;
	int err, has_arg;

	err = evword_next(&p, &w, why);
	if (err < 0)
		return err;
	has_arg = evword_next(&p, &arg, why);
	if (has_arg < 0)
		return has_arg;
	if (!err || w.val || arg.val || evword_next(&p, &rest, why)) {
		strbuf_set_f(why, "a directive is !advance TIME or !stream [N|-]");
		return -EINVAL;
	}
	if (!strcmp(w.key, "advance") && has_arg && !evword_number(arg.key, UINT64_MAX, &v)) {
		out->what = EVTEXT_ADVANCE;
		out->watermark = v;
	} else if (!strcmp(w.key, "stream") && !has_arg) {
		out->what = EVTEXT_STREAM;
		out->stream = EVTEXT_STREAM_BY_CPU;
	} else if (!strcmp(w.key, "stream") && has_arg && !strcmp(arg.key, "-")) {
		out->what = EVTEXT_STREAM;
		out->stream = EVTEXT_STREAM_LAST;
	} else if (!strcmp(w.key, "stream") && has_arg &&
		   !evword_number(arg.key, EVLOG_STREAM_MAX - 1, &v)) {
		out->what = EVTEXT_STREAM;
		out->stream = (uint32_t)v;
	} else {
		strbuf_set_f(why, "a directive is !advance TIME or !stream [N|-]");
		return -EINVAL;
	}
	return 0;
}

/* `p` stands behind the magic. */
static int parse_head(char *p, struct evtext_line *out, struct strbuf *why)
{
	struct evword w;
	uint64_t v;
	int err;

	out->what = EVTEXT_HEAD;
	out->head = (struct evlog_head){ 0 };
	err = evword_next(&p, &w, why);
	if (err <= 0 || w.val || strcmp(w.key, "1") != 0) {
		strbuf_set_f(why, "a text of records whose version is not 1");
		return -EINVAL;
	}
	while ((err = evword_next(&p, &w, why)) > 0) {
		bool minus = w.val && !w.quoted && w.val[0] == '-';

		if (!w.val || w.quoted)
			break;
		if (!strcmp(w.key, "cpus") && !evword_number(w.val, EVLOG_STREAM_MAX - 1, &v))
			out->head.nstream = (uint32_t)v + 1;
		else if (!strcmp(w.key, "mono") && !evword_number(w.val, UINT64_MAX, &v))
			out->head.start_mono_ns = v;
		else if (!strcmp(w.key, "wall") &&
			 !evword_number(w.val + minus, (uint64_t)INT64_MAX + minus, &v))
			out->head.wall_offset_ns = (int64_t)(minus ? -v : v);
		else
			break;
	}
	if (err || !out->head.nstream) {
		strbuf_set_f(why, "the first line is not `" EVTEXT_MAGIC
				  "1 cpus=N [mono=NS] [wall=NS]`");
		return -EINVAL;
	}
	return 0;
}

int evtext_parse_line(const char *line, struct evtext_line *out, struct strbuf *why)
{
	char *copy = xstrdup(line), *p = copy;
	struct evword w;
	uint64_t ts;
	int err = 0;

	out->what = EVTEXT_NOTHING;
	p += strspn(p, " \t\r\n");
	if (!strncmp(copy, EVTEXT_MAGIC, strlen(EVTEXT_MAGIC))) {
		err = parse_head(copy + strlen(EVTEXT_MAGIC), out, why);
	} else if (*p == '!') {
		err = parse_directive(p + 1, out, why);
	} else if (*p && *p != '#') {
		err = evword_next(&p, &w, why);
		if (err > 0 && !w.val && !evword_number(w.key, UINT64_MAX, &ts)) {
			err = parse_record(p, ts, out, why);
		} else {
			strbuf_set_f(why, "a line begins with a time, with # or with !");
			err = -EINVAL;
		}
	}
	free(copy);
	return err;
}
