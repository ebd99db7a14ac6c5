// SPDX-License-Identifier: BSD-2-Clause
/* See evvalue.h. */
#include "event/evvalue.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "event/evtext.h"
#include "event/evword.h"
#include "util/strbuf.h"

static uint64_t load_u64(const unsigned char *rec, size_t off)
{
	uint64_t v;

	memcpy(&v, rec + off, sizeof(v));
	return v;
}

static uint16_t load_u16(const unsigned char *rec, size_t off)
{
	uint16_t v;

	memcpy(&v, rec + off, sizeof(v));
	return v;
}

static uint32_t load_u32(const unsigned char *rec, size_t off)
{
	uint32_t v;

	memcpy(&v, rec + off, sizeof(v));
	return v;
}

static bool is_packed(const struct ev_field *f)
{
	return f->type == EVT_STATE || f->type == EVT_FDCLASS || f->type == EVT_NR;
}

/* ---- to text ---- */

static void format_key(struct strbuf *out, uint64_t key)
{
	strbuf_addf(out, "%u", (uint32_t)key);
	if (key && key >> 32 != 1)
		strbuf_addf(out, ".%u", (uint32_t)(key >> 32));
}

static void format_comm(struct strbuf *out, const char *comm)
{
	size_t len = EV_COMM_LEN;

	/* bytes behind the NUL are kept only when there are any */
	while (len && !comm[len - 1])
		len--;
	evword_quote(out, comm, len);
}

static void format_kernel_frames(struct strbuf *out, const struct ev_stack *st)
{
	for (size_t i = 0; i < st->nkernel; i++)
		strbuf_addf(out, "%s%llx", i ? "," : "", (unsigned long long)st->pc[i]);
}

static void format_frame(struct strbuf *out, uint64_t frame)
{
	strbuf_addf(out, "%u:%llx", EV_FRAME_MODULE(frame),
		    (unsigned long long)EV_FRAME_ADDR(frame));
}

static void format_user_frames(struct strbuf *out, const struct ev_stack *st)
{
	for (size_t i = 0; i < st->nuser; i++) {
		if (i)
			strbuf_addch(out, ',');
		format_frame(out, st->pc[st->nkernel + i]);
	}
}

static void format_build(struct strbuf *out, const struct ev_module *mod)
{
	for (size_t i = 0; i < mod->nbuild; i++)
		strbuf_addf(out, "%02x", mod->build_id[i]);
}

/* Any number comes back, also those that are no syscall. */
static void format_nr(struct strbuf *out, uint32_t nr)
{
	if (nr >= EV_NR_COMPAT && nr < EV_NR_NONE)
		strbuf_addf(out, "ia32_%" PRIu32, nr - EV_NR_COMPAT);
	else
		strbuf_addf(out, "%" PRIu32, nr);
}

bool evvalue_shown(const struct ev_field *f, const unsigned char *rec, size_t len)
{
	const struct ev_hdr *h = (const void *)rec;
	const struct ev_stack *st = (const void *)rec;
	const struct ev_mark *mark = (const void *)rec;

	switch (f->type) {
	case EVT_FLAG:
		return h->flags & f->id;
	case EVT_ARGBIT:
		return h->arg & f->id;
	case EVT_METRIC:
		return h->arg == f->id;
	case EVT_STATE:
		return EV_ST_STATE(load_u32(rec, f->off)) != 0;
	case EVT_FDCLASS:
		return EV_ST_FDCLASS(load_u32(rec, f->off)) != EV_FD_UNKNOWN;
	case EVT_NR:
		return EV_ST_NR(load_u32(rec, f->off)) != EV_NR_NONE;
	case EVT_KFRAMES:
		return st->nkernel;
	case EVT_UFRAMES:
		return st->nuser;
	case EVT_END:
		return st->end;
	case EVT_BUILD:
		return ((const struct ev_module *)rec)->nbuild;
	case EVT_U16:
		return load_u16(rec, f->off);
	case EVT_NAME:
		return mark->nname;
	case EVT_TEXT:
		return mark->ntext;
	case EVT_U64:
	case EVT_FRAME:
		if ((f->need == EVN_FUNC || f->need == EVN_NOTFUNC) &&
		    (f->need == EVN_FUNC) != (EV_MARK_BY(h->arg) == EV_BY_FUNC))
			return false;
		return f->need == EVN_ALWAYS || load_u64(rec, f->off);
	default:
		if (f->off >= len)
			return false;
		return f->need != EVN_NONZERO || load_u32(rec, f->off);
	}
}

void evvalue_format(struct strbuf *out, const struct ev_field *f, const unsigned char *rec,
		    size_t len)
{
	const struct ev_stack *st = (const void *)rec;
	const struct ev_sym *sym = (const void *)rec;
	const struct ev_mark *mark = (const void *)rec;

	switch (f->type) {
	case EVT_KEY:
	case EVT_KEY_ANY:
		format_key(out, load_u64(rec, f->off));
		break;
	case EVT_U64:
	case EVT_METRIC:
		strbuf_addf(out, "%" PRIu64, load_u64(rec, f->off));
		break;
	case EVT_U32:
		strbuf_addf(out, "%" PRIu32, load_u32(rec, f->off));
		break;
	case EVT_HEX64:
		strbuf_addf(out, "%" PRIx64, load_u64(rec, f->off));
		break;
	case EVT_COMM:
		format_comm(out, (const char *)rec + f->off);
		break;
	case EVT_TAIL:
		evword_quote(out, rec + f->off, len - f->off - 1);
		break;
	case EVT_STATE:
		strbuf_addch(out, (char)EV_ST_STATE(load_u32(rec, f->off)));
		break;
	case EVT_FDCLASS:
		strbuf_addstr(out, ev_fdclass_name(EV_ST_FDCLASS(load_u32(rec, f->off))));
		break;
	case EVT_NR:
		format_nr(out, EV_ST_NR(load_u32(rec, f->off)));
		break;
	case EVT_SYSNR:
		format_nr(out, load_u32(rec, f->off));
		break;
	case EVT_KFRAMES:
		format_kernel_frames(out, st);
		break;
	case EVT_UFRAMES:
		format_user_frames(out, st);
		break;
	case EVT_END:
		strbuf_addstr(out, ev_end_name(rec[f->off]));
		break;
	case EVT_U16:
		strbuf_addf(out, "%u", load_u16(rec, f->off));
		break;
	case EVT_FRAME:
		format_frame(out, load_u64(rec, f->off));
		break;
	case EVT_MODULE:
		strbuf_addstr(out, ev_module_name(rec[f->off]));
		break;
	case EVT_BUILD:
		format_build(out, (const void *)rec);
		break;
	case EVT_FUNC:
		evword_quote(out, sym->text, sym->nfunc - 1u);
		break;
	case EVT_FILE:
		evword_quote(out, sym->text + sym->nfunc, len - EV_SYM_SHORT - sym->nfunc - 1);
		break;
	case EVT_OP:
		strbuf_addstr(out, ev_op_name(EV_MARK_OP(mark->h.arg)));
		break;
	case EVT_BY:
		strbuf_addstr(out, ev_by_name(EV_MARK_BY(mark->h.arg)));
		break;
	case EVT_NAME:
		evword_quote(out, mark->text, mark->nname);
		break;
	case EVT_TEXT:
		evword_quote(out, mark->text + mark->nname, mark->ntext);
		break;
	default:
		break;
	}
}

/* ---- from text ---- */

static int parse_nr(const char *s, uint64_t max, uint64_t *out)
{
	if (strncmp(s, "ia32_", 5))
		return evword_number(s, max, out);
	if (evword_number(s + 5, EV_NR_BAD - 1, out))
		return -EINVAL;
	*out |= EV_NR_COMPAT;
	return 0;
}

static int parse_key(char *s, uint64_t *out)
{
	char *dot = strchr(s, '.');
	uint64_t tid, serial;

	if (dot)
		*dot = '\0';
	if (evword_number(s, UINT32_MAX, &tid))
		return -EINVAL;
	serial = tid ? 1 : 0;
	if (dot && evword_number(dot + 1, UINT32_MAX, &serial))
		return -EINVAL;
	*out = tid | serial << 32;
	return 0;
}

/* MODULE:ADDRESS up to `end`. */
static int parse_frame(const char *s, const char *end, uint64_t *out)
{
	const char *colon = memchr(s, ':', (size_t)(end - s));
	uint64_t module, addr;
	char number[8];

	if (!colon || colon - s >= (ptrdiff_t)sizeof(number))
		return -EINVAL;
	memcpy(number, s, (size_t)(colon - s));
	number[colon - s] = '\0';
	if (evword_number(number, UINT16_MAX, &module) || evword_hex(colon + 1, end, &addr) ||
	    addr != EV_FRAME_ADDR(addr))
		return -EINVAL;
	*out = EV_FRAME(module, addr);
	return 0;
}

static int parse_frames(const char *s, struct ev_stack *st, uint16_t *cnt, unsigned max,
			int (*parse)(const char *s, const char *end, uint64_t *out))
{
	for (;;) {
		const char *end = s + strcspn(s, ",");
		uint64_t pc;

		if (*cnt >= max || parse(s, end, &pc))
			return -EINVAL;
		st->pc[(size_t)st->nkernel + st->nuser] = pc;
		++*cnt;
		if (!*end)
			return 0;
		s = end + 1;
	}
}

/* The number of a word in a list of names, such as ev_end_name(); -1 none. */
static int index_of(const char *word, const char *(*name)(unsigned))
{
	for (unsigned i = 0; i <= UINT8_MAX; i++)
		if (name(i) && !strcmp(name(i), word))
			return (int)i;
	return -1;
}

static int parse_build(const char *s, size_t len, struct ev_module *mod)
{
	uint64_t byte;

	if (len % 2 || len / 2 > sizeof(mod->build_id))
		return -EINVAL;
	for (size_t i = 0; i < len / 2; i++) {
		if (evword_hex(s + 2 * i, s + 2 * i + 2, &byte))
			return -EINVAL;
		mod->build_id[i] = (uint8_t)byte;
	}
	mod->nbuild = (uint8_t)(len / 2);
	return 0;
}

static void store(struct evtext_line *l, size_t off, const void *val, size_t len)
{
	memcpy(l->rec + off, val, len);
	if (l->len < off + len)
		l->len = off + len;
}

static void store_u32(struct evtext_line *l, size_t off, uint64_t val)
{
	uint32_t v = (uint32_t)val;

	store(l, off, &v, sizeof(v));
}

void evvalue_default(struct evtext_line *l, const struct ev_field *f)
{
	if (is_packed(f))
		store_u32(l, f->off, EV_ST_PACK(0, 0, EV_NR_NONE));
}

static int parse_packed(struct evtext_line *l, const struct ev_field *f, const struct evword *w)
{
	uint32_t old = load_u32(l->rec, f->off), state = EV_ST_STATE(old), fd = EV_ST_FDCLASS(old);
	uint64_t nr = EV_ST_NR(old);

	if (f->type == EVT_STATE) {
		if (w->len != 1)
			return -EINVAL;
		state = (unsigned char)w->val[0];
	} else if (f->type == EVT_NR) {
		if (parse_nr(w->val, EV_NR_NONE, &nr))
			return -EINVAL;
	} else {
		for (fd = 0; ev_fdclass_name(fd); fd++)
			if (!strcmp(ev_fdclass_name(fd), w->val))
				break;
		if (!ev_fdclass_name(fd))
			return -EINVAL;
	}
	store_u32(l, f->off, EV_ST_PACK(state, fd, nr));
	return 0;
}

static bool is_text(const struct ev_field *f)
{
	return f->type == EVT_COMM || f->type == EVT_TAIL || f->type == EVT_FUNC ||
	       f->type == EVT_FILE || f->type == EVT_NAME || f->type == EVT_TEXT;
}

int evvalue_parse(struct evtext_line *l, const struct ev_spec *s, const struct ev_field *f,
		  struct evword *w)
{
	struct ev_hdr *h = (void *)l->rec;
	struct ev_stack *st = (void *)l->rec;
	struct ev_sym *sym = (void *)l->rec;
	struct ev_mark *mark = (void *)l->rec;
	char comm[EV_COMM_LEN] = "";
	uint64_t v;
	uint16_t u16;
	int word;

	if (w->quoted != is_text(f))
		return -EINVAL;
	switch (f->type) {
	case EVT_FLAG:
		h->flags |= (uint8_t)f->id;
		return 0;
	case EVT_ARGBIT:
		h->arg |= f->id;
		return 0;
	case EVT_KEY:
	case EVT_KEY_ANY:
		if (parse_key(w->val, &v))
			return -EINVAL;
		store(l, f->off, &v, sizeof(v));
		return 0;
	case EVT_U64:
		if (evword_number(w->val, UINT64_MAX, &v))
			return -EINVAL;
		store(l, f->off, &v, sizeof(v));
		return 0;
	case EVT_METRIC:
		if (h->arg || evword_number(w->val, UINT64_MAX, &v))
			return -EINVAL;
		h->arg = f->id;
		store(l, f->off, &v, sizeof(v));
		return 0;
	case EVT_U32:
		if (evword_number(w->val, UINT32_MAX, &v))
			return -EINVAL;
		store_u32(l, f->off, v);
		return 0;
	case EVT_SYSNR:
		if (parse_nr(w->val, UINT32_MAX, &v))
			return -EINVAL;
		store_u32(l, f->off, v);
		return 0;
	case EVT_HEX64:
		if (evword_hex(w->val, w->val + w->len, &v))
			return -EINVAL;
		store(l, f->off, &v, sizeof(v));
		return 0;
	case EVT_COMM:
		if (w->len > sizeof(comm))
			return -EINVAL;
		memcpy(comm, w->val, w->len);
		store(l, f->off, comm, sizeof(comm));
		return 0;
	case EVT_TAIL:
		if (f->off + w->len + 1 > s->max)
			return -EINVAL;
		store(l, f->off, w->val, w->len + 1);
		return 0;
	case EVT_STATE:
	case EVT_FDCLASS:
	case EVT_NR:
		return parse_packed(l, f, w);
	case EVT_KFRAMES:
		if (st->nuser || parse_frames(w->val, st, &st->nkernel, EV_KSTACK_MAX, evword_hex))
			return -EINVAL;
		l->len = EV_STACK_SHORT + 8u * st->nkernel;
		return 0;
	case EVT_UFRAMES:
		if (parse_frames(w->val, st, &st->nuser, EV_USTACK_MAX, parse_frame))
			return -EINVAL;
		l->len = EV_STACK_SHORT + 8u * (st->nkernel + st->nuser);
		return 0;
	case EVT_END:
	case EVT_MODULE:
		word = index_of(w->val, f->type == EVT_END ? ev_end_name : ev_module_name);
		if (word < 0)
			return -EINVAL;
		l->rec[f->off] = (uint8_t)word;
		return 0;
	case EVT_U16:
		if (evword_number(w->val, UINT16_MAX, &v))
			return -EINVAL;
		u16 = (uint16_t)v;
		store(l, f->off, &u16, sizeof(u16));
		return 0;
	case EVT_FRAME:
		if (parse_frame(w->val, w->val + w->len, &v))
			return -EINVAL;
		store(l, f->off, &v, sizeof(v));
		return 0;
	case EVT_BUILD:
		return parse_build(w->val, w->len, (void *)l->rec);
	case EVT_FUNC:
		if (w->len + 2 > sizeof(sym->text))
			return -EINVAL;
		sym->nfunc = (uint16_t)(w->len + 1);
		store(l, EV_SYM_SHORT, w->val, w->len + 1);
		return 0;
	case EVT_FILE:
		if (!sym->nfunc || sym->nfunc + w->len + 1 > sizeof(sym->text))
			return -EINVAL;
		store(l, EV_SYM_SHORT + sym->nfunc, w->val, w->len + 1);
		return 0;
	case EVT_OP:
	case EVT_BY:
		word = index_of(w->val, f->type == EVT_OP ? ev_op_name : ev_by_name);
		if (word < 0)
			return -EINVAL;
		h->arg |= f->type == EVT_OP ? EV_MARK_PACK(word, 0, 0) : EV_MARK_PACK(0, word, 0);
		return 0;
	case EVT_NAME:
		if (mark->ntext || w->len > EV_MARK_STR)
			return -EINVAL;
		mark->nname = (uint16_t)w->len;
		store(l, EV_MARK_SHORT, w->val, w->len);
		return 0;
	case EVT_TEXT:
		if (w->len > sizeof(mark->text) - mark->nname)
			return -EINVAL;
		mark->ntext = (uint16_t)w->len;
		store(l, EV_MARK_SHORT + mark->nname, w->val, w->len);
		return 0;
	default:
		return -EINVAL;
	}
}
