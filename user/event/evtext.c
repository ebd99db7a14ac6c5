// SPDX-License-Identifier: BSD-2-Clause
/*
 * Records <-> text, driven by the rows of evspec.c; the language is described in evtext.h.
 *
 * A line is cut into words in place, in a copy. Formatting and parsing of a field stand side by
 * side as two switches over enum ev_ftype; what one leaves out, the other supplies as the default.
 */
#include "event/evtext.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "event/evspec.h"
#include "util/parse.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define ARG_OFF offsetof(struct ev_hdr, arg)

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

/* The bits of h.flags and h.arg that the kind's fields write. */
static void claimed_bits(const struct ev_spec *s, uint32_t *flags, uint32_t *arg)
{
	*flags = *arg = 0;
	for (const struct ev_field *f = s->field; f < s->field + EV_FIELDS_MAX && f->name; f++) {
		if (f->type == EVT_FLAG)
			*flags |= f->id;
		else if (f->type == EVT_ARGBIT)
			*arg |= f->id;
		else if (f->type == EVT_METRIC || f->off == ARG_OFF)
			*arg = UINT32_MAX;
	}
}

/* ---- records to text ---- */

void evtext_quote(struct strbuf *out, const void *text, size_t len)
{
	const unsigned char *p = text;

	strbuf_addch(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '"' || p[i] == '\\')
			strbuf_addf(out, "\\%c", p[i]);
		else if (p[i] < 0x20 || p[i] >= 0x7f)
			strbuf_addf(out, "\\x%02x", p[i]);
		else
			strbuf_addch(out, (char)p[i]);
	}
	strbuf_addch(out, '"');
}

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
	evtext_quote(out, comm, len);
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

static bool field_shown(const struct ev_field *f, const unsigned char *rec, size_t len)
{
	const struct ev_hdr *h = (const void *)rec;
	const struct ev_stack *st = (const void *)rec;

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
	default:
		if (f->off >= len)
			return false;
		return f->need != EVN_NONZERO || load_u32(rec, f->off);
	}
}

static void format_value(struct strbuf *out, const struct ev_field *f, const unsigned char *rec,
			 size_t len)
{
	const struct ev_stack *st = (const void *)rec;
	const struct ev_sym *sym = (const void *)rec;

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
		evtext_quote(out, rec + f->off, len - f->off - 1);
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
		evtext_quote(out, sym->text, sym->nfunc - 1u);
		break;
	case EVT_FILE:
		evtext_quote(out, sym->text + sym->nfunc, len - EV_SYM_SHORT - sym->nfunc - 1);
		break;
	default:
		break;
	}
}

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
		if (!field_shown(f, rec, len))
			continue;
		strbuf_addf(out, " %s", f->name);
		if (f->type == EVT_FLAG || f->type == EVT_ARGBIT)
			continue;
		strbuf_addch(out, '=');
		format_value(out, f, rec, len);
	}
	claimed_bits(s, &flags, &arg);
	if (h->flags & ~flags)
		strbuf_addf(out, " flags=%u", h->flags & ~flags);
	if (h->arg & ~arg)
		strbuf_addf(out, " arg=%u", h->arg & ~arg);
}

/* ---- text to records ---- */

struct word {
	char *key;
	char *val; /* NULL for a bare word; otherwise NUL-terminated, len bytes before it */
	size_t len;
	bool quoted;
};

static int unquote(char **p, struct word *w, struct strbuf *why)
{
	char *in = *p, *out = *p;

	w->val = out;
	w->quoted = true;
	while (*in != '"') {
		if (!*in) {
			strbuf_set_f(why, "the text of '%s' does not end", w->key);
			return -EINVAL;
		}
		if (*in != '\\') {
			*out++ = *in++;
		} else if (in[1] == '"' || in[1] == '\\') {
			*out++ = in[1];
			in += 2;
		} else if (in[1] == 'x' && isxdigit((unsigned char)in[2]) &&
			   isxdigit((unsigned char)in[3])) {
			char hex[3] = { in[2], in[3], '\0' };

			*out++ = (char)strtoul(hex, NULL, 16);
			in += 4;
		} else {
			strbuf_set_f(why,
				     "the text of '%s' has an escape other than \\\" \\\\ \\xNN",
				     w->key);
			return -EINVAL;
		}
	}
	in++;
	if (*in && !isspace((unsigned char)*in)) {
		strbuf_set_f(why, "something follows the text of '%s' without a space", w->key);
		return -EINVAL;
	}
	w->len = (size_t)(out - w->val);
	*p = *in ? in + 1 : in;
	*out = '\0';
	return 0;
}

/* 1 with the next word of *p, which moves behind it; 0 at the end; -EINVAL */
static int next_word(char **p, struct word *w, struct strbuf *why)
{
	char *s = *p + strspn(*p, " \t\r\n"), *end;

	if (!*s) {
		*p = s;
		return 0;
	}
	*w = (struct word){ .key = s };
	end = s + strcspn(s, "= \t\r\n");
	if (*end == '=') {
		*end++ = '\0';
		if (*end == '"') {
			*p = end + 1;
			return unquote(p, w, why) ? -EINVAL : 1;
		}
		w->val = end;
		end += strcspn(end, " \t\r\n");
		w->len = (size_t)(end - w->val);
	}
	*p = *end ? end + 1 : end;
	*end = '\0';
	return 1;
}

static int parse_max(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v;

	if (parse_u64(s, &v) || v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

static int parse_nr(const char *s, uint64_t max, uint64_t *out)
{
	if (strncmp(s, "ia32_", 5))
		return parse_max(s, max, out);
	if (parse_max(s + 5, EV_NR_BAD - 1, out))
		return -EINVAL;
	*out |= EV_NR_COMPAT;
	return 0;
}

/* Hex digits without a prefix up to `end`. */
static int parse_hex(const char *s, const char *end, uint64_t *out)
{
	uint64_t v = 0;

	if (s == end || end - s > 16)
		return -EINVAL;
	for (; s < end; s++) {
		if (!isxdigit((unsigned char)*s))
			return -EINVAL;
		v = v << 4 |
		    (uint64_t)(isdigit((unsigned char)*s) ? *s - '0' : (*s | 0x20) - 'a' + 10);
	}
	*out = v;
	return 0;
}

static int parse_key(char *s, uint64_t *out)
{
	char *dot = strchr(s, '.');
	uint64_t tid, serial;

	if (dot)
		*dot = '\0';
	if (parse_max(s, UINT32_MAX, &tid))
		return -EINVAL;
	serial = tid ? 1 : 0;
	if (dot && parse_max(dot + 1, UINT32_MAX, &serial))
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
	if (parse_max(number, UINT16_MAX, &module) || parse_hex(colon + 1, end, &addr) ||
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
		if (parse_hex(s + 2 * i, s + 2 * i + 2, &byte))
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

static int parse_packed(struct evtext_line *l, const struct ev_field *f, const struct word *w)
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
	       f->type == EVT_FILE;
}

static int parse_value(struct evtext_line *l, const struct ev_spec *s, const struct ev_field *f,
		       struct word *w)
{
	struct ev_hdr *h = (void *)l->rec;
	struct ev_stack *st = (void *)l->rec;
	struct ev_sym *sym = (void *)l->rec;
	char comm[EV_COMM_LEN] = "";
	uint64_t v;
	uint16_t u16;
	int word;

	if (w->quoted != is_text(f))
		return -EINVAL;
	switch (f->type) {
	case EVT_KEY:
	case EVT_KEY_ANY:
		if (parse_key(w->val, &v))
			return -EINVAL;
		store(l, f->off, &v, sizeof(v));
		return 0;
	case EVT_U64:
		if (parse_max(w->val, UINT64_MAX, &v))
			return -EINVAL;
		store(l, f->off, &v, sizeof(v));
		return 0;
	case EVT_METRIC:
		if (h->arg || parse_max(w->val, UINT64_MAX, &v))
			return -EINVAL;
		h->arg = f->id;
		store(l, f->off, &v, sizeof(v));
		return 0;
	case EVT_U32:
		if (parse_max(w->val, UINT32_MAX, &v))
			return -EINVAL;
		store_u32(l, f->off, v);
		return 0;
	case EVT_SYSNR:
		if (parse_nr(w->val, UINT32_MAX, &v))
			return -EINVAL;
		store_u32(l, f->off, v);
		return 0;
	case EVT_HEX64:
		if (parse_hex(w->val, w->val + w->len, &v))
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
		if (st->nuser || parse_frames(w->val, st, &st->nkernel, EV_KSTACK_MAX, parse_hex))
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
		if (parse_max(w->val, UINT16_MAX, &v))
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
	default:
		return -EINVAL;
	}
}

/* Bits without a word of their own. 1 when the word is one of the two. */
static int parse_bits(struct evtext_line *l, const struct word *w)
{
	struct ev_hdr *h = (void *)l->rec;
	uint64_t v;

	if (!w->val || w->quoted)
		return 0;
	if (!strcmp(w->key, "flags") && !parse_max(w->val, UINT8_MAX, &v))
		h->flags |= (uint8_t)v;
	else if (!strcmp(w->key, "arg") && !parse_max(w->val, UINT32_MAX, &v))
		h->arg |= (uint32_t)v;
	else
		return 0;
	return 1;
}

static int parse_field(struct evtext_line *l, const struct ev_spec *s, struct word *w,
		       uint32_t *seen, struct strbuf *why)
{
	struct ev_hdr *h = (void *)l->rec;
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
	bare = f->type == EVT_FLAG || f->type == EVT_ARGBIT;
	if (bare != !w->val) {
		strbuf_set_f(why, bare ? "'%s' takes no value" : "'%s' needs a value", w->key);
		return -EINVAL;
	}
	if (f->type == EVT_FLAG) {
		h->flags |= (uint8_t)f->id;
	} else if (f->type == EVT_ARGBIT) {
		h->arg |= f->id;
	} else if (parse_value(l, s, f, w)) {
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
	struct word w;
	uint64_t cpu;
	int err;

	err = next_word(&p, &w, why);
	if (err < 0)
		return err;
	if (err && !w.val && !strcmp(w.key, "-")) {
		cpu = EVTEXT_CPU_NONE;
	} else if (!err || w.val || parse_max(w.key, EVTEXT_CPU_NONE, &cpu)) {
		strbuf_set_f(why, "the time is followed by no CPU");
		return -EINVAL;
	}
	err = next_word(&p, &w, why);
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
		if (is_packed(f))
			store_u32(out, f->off, EV_ST_PACK(0, 0, EV_NR_NONE));

	while ((err = next_word(&p, &w, why)) > 0) {
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
	struct word w, arg = { 0 }, rest;
	uint64_t v = 0;
	int err, has_arg;

	err = next_word(&p, &w, why);
	if (err < 0)
		return err;
	has_arg = next_word(&p, &arg, why);
	if (has_arg < 0)
		return has_arg;
	if (!err || w.val || arg.val || next_word(&p, &rest, why)) {
		strbuf_set_f(why, "a directive is !advance TIME or !stream [N|-]");
		return -EINVAL;
	}
	if (!strcmp(w.key, "advance") && has_arg && !parse_max(arg.key, UINT64_MAX, &v)) {
		out->what = EVTEXT_ADVANCE;
		out->watermark = v;
	} else if (!strcmp(w.key, "stream") && !has_arg) {
		out->what = EVTEXT_STREAM;
		out->stream = EVTEXT_STREAM_BY_CPU;
	} else if (!strcmp(w.key, "stream") && has_arg && !strcmp(arg.key, "-")) {
		out->what = EVTEXT_STREAM;
		out->stream = EVTEXT_STREAM_LAST;
	} else if (!strcmp(w.key, "stream") && has_arg &&
		   !parse_max(arg.key, EVLOG_STREAM_MAX - 1, &v)) {
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
	struct word w;
	uint64_t v;
	int err;

	out->what = EVTEXT_HEAD;
	out->head = (struct evlog_head){ 0 };
	err = next_word(&p, &w, why);
	if (err <= 0 || w.val || strcmp(w.key, "1") != 0) {
		strbuf_set_f(why, "a text of records whose version is not 1");
		return -EINVAL;
	}
	while ((err = next_word(&p, &w, why)) > 0) {
		bool minus = w.val && !w.quoted && w.val[0] == '-';

		if (!w.val || w.quoted)
			break;
		if (!strcmp(w.key, "cpus") && !parse_max(w.val, EVLOG_STREAM_MAX - 1, &v))
			out->head.nstream = (uint32_t)v + 1;
		else if (!strcmp(w.key, "mono") && !parse_max(w.val, UINT64_MAX, &v))
			out->head.start_mono_ns = v;
		else if (!strcmp(w.key, "wall") &&
			 !parse_max(w.val + minus, (uint64_t)INT64_MAX + minus, &v))
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
	struct word w;
	uint64_t ts;
	int err = 0;

	out->what = EVTEXT_NOTHING;
	p += strspn(p, " \t\r\n");
	if (!strncmp(copy, EVTEXT_MAGIC, strlen(EVTEXT_MAGIC))) {
		err = parse_head(copy + strlen(EVTEXT_MAGIC), out, why);
	} else if (*p == '!') {
		err = parse_directive(p + 1, out, why);
	} else if (*p && *p != '#') {
		err = next_word(&p, &w, why);
		if (err > 0 && !w.val && !parse_max(w.key, UINT64_MAX, &ts)) {
			err = parse_record(p, ts, out, why);
		} else {
			strbuf_set_f(why, "a line begins with a time, with # or with !");
			err = -EINVAL;
		}
	}
	free(copy);
	return err;
}
