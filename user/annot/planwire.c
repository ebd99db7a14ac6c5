// SPDX-License-Identifier: BSD-2-Clause
/* See planwire.h. */
#include "annot/planwire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/strbuf.h"
#include "util/xalloc.h"

#define SITE_SHIFT 32 /* bpf/mark.h */
#define NO_SITE ((1ull << SITE_SHIFT) - 1)

struct head {
	uint64_t nheader, nfunc, nusdt, ngo, nname, nsentence;
	int64_t minor;
	struct ct_go go;
};

/* Of a wish; why follows. */
struct found {
	uint64_t files, sites, refused;
};

/* ---- there ---- */

struct making {
	struct strbuf names, sentences;
	uint64_t nname, nsentence;
};

static void add_text(struct strbuf *out, const char *s)
{
	strbuf_add(out, s, strlen(s) + 1);
}

static void add_array(struct strbuf *out, const void *array, size_t cnt, size_t size)
{
	if (cnt)
		strbuf_add(out, array, cnt * size);
}

static uint32_t number_of(void *ctx, const char *name)
{
	struct making *m = ctx;

	add_text(&m->names, name);
	return (uint32_t)++m->nname;
}

static void keep_sentence(void *ctx, const char *sentence)
{
	struct making *m = ctx;

	add_text(&m->sentences, sentence);
	m->nsentence++;
}

static void write_plan(struct strbuf *out, const struct plan *p, const struct making *m)
{
	const struct head h = {
		.nheader = p->nheader,
		.nfunc = p->nfunc,
		.nusdt = p->nusdt,
		.ngo = p->go.cnt,
		.nname = m->nname,
		.nsentence = m->nsentence,
		.minor = p->go.minor,
		.go = p->go.go,
	};
	size_t i;

	strbuf_add(out, &h, sizeof(h));
	strbuf_add(out, m->names.buf, m->names.len);
	strbuf_add(out, m->sentences.buf, m->sentences.len);
	add_array(out, p->header, p->nheader, sizeof(*p->header));
	add_array(out, p->func, p->nfunc, sizeof(*p->func));
	add_array(out, p->go.site, p->go.cnt, sizeof(*p->go.site));
	for (i = 0; i < p->nusdt; i++) {
		strbuf_add(out, &p->usdt[i].cookie, sizeof(p->usdt[i].cookie));
		add_text(out, p->usdt[i].provider);
		add_text(out, p->usdt[i].name);
	}
}

void planwire_make(struct strbuf *out, int fd, const char *path, const struct plan_wishes *wishes,
		   bool calls)
{
	struct plan_found *found = xcalloc(wishes->nspec + 1, sizeof(*found));
	struct making m = { .names = STRBUF_INIT, .sentences = STRBUF_INIT };
	struct plan_env env = { number_of, keep_sentence, &m, found };
	struct plan_wishes w = *wishes;
	struct plan p;
	size_t i;

	w.calls = calls;
	plan_make(&p, fd, path, &w, &env);
	write_plan(out, &p, &m);
	for (i = 0; i < wishes->nspec; i++) {
		const struct found f = { found[i].files, found[i].sites, found[i].refused };

		strbuf_add(out, &f, sizeof(f));
		add_text(out, found[i].why ? found[i].why : "");
		free(found[i].why);
	}
	plan_free(&p);
	free(found);
	strbuf_free(&m.names);
	strbuf_free(&m.sentences);
}

/* ---- here ---- */

struct input {
	const char *p;
	size_t left;
};

static const void *take(struct input *in, uint64_t cnt, size_t size)
{
	const void *at = in->p;

	if (cnt > in->left / size)
		return NULL;
	in->p += cnt * size;
	in->left -= cnt * size;
	return at;
}

static const char *take_text(struct input *in)
{
	size_t n = strnlen(in->p, in->left);

	return n < in->left ? take(in, n + 1, 1) : NULL;
}

/* An array of it; false: it is not there. */
static bool take_array(struct input *in, void *array, size_t *out_cnt, uint64_t cnt, size_t size)
{
	const void *at = take(in, cnt, size);

	if (!at)
		return false;
	*(void **)array = xmalloc(cnt * size + 1);
	memcpy(*(void **)array, at, cnt * size);
	*out_cnt = cnt;
	return true;
}

/* The numbers that its names have here. NULL: there are not as many names. */
static uint32_t *take_names(struct input *in, uint64_t cnt, const struct plan_env *env)
{
	const char *text;
	uint32_t *nr;
	uint64_t i;

	if (cnt > in->left)
		return NULL;
	nr = xcalloc(cnt + 1, sizeof(*nr));
	for (i = 1; i <= cnt; i++) {
		text = take_text(in);
		if (!text) {
			free(nr);
			return NULL;
		}
		nr[i] = env->site(env->ctx, text);
	}
	return nr;
}

static bool take_sentences(struct input *in, uint64_t cnt, const struct plan_env *env)
{
	const char *text = "";

	while (cnt-- && (text = take_text(in)))
		env->trouble(env->ctx, text);
	return text;
}

static uint64_t renumber(uint64_t cookie, const uint32_t *nr, uint64_t cnt)
{
	uint64_t site = cookie >> SITE_SHIFT;

	return (cookie & NO_SITE) | (uint64_t)(site <= cnt ? nr[site] : 0) << SITE_SHIFT;
}

static bool take_usdt(struct input *in, struct plan *p, uint64_t cnt)
{
	const char *provider, *name;
	const void *cookie;

	if (cnt > in->left)
		return false;
	p->usdt = xcalloc(cnt + 1, sizeof(*p->usdt));
	while (p->nusdt < cnt) {
		cookie = take(in, 1, sizeof(p->usdt->cookie));
		provider = take_text(in);
		name = take_text(in);
		if (!cookie || !provider || !name)
			return false;
		memcpy(&p->usdt[p->nusdt].cookie, cookie, sizeof(p->usdt->cookie));
		p->usdt[p->nusdt].provider = xstrdup(provider);
		p->usdt[p->nusdt++].name = xstrdup(name);
	}
	return true;
}

static bool take_found(struct input *in, size_t nspec, struct plan_found *found)
{
	const void *at;
	const char *why;
	struct found f;
	size_t i;

	for (i = 0; i < nspec; i++) {
		at = take(in, 1, sizeof(f));
		why = take_text(in);
		if (!at || !why)
			return false;
		memcpy(&f, at, sizeof(f));
		found[i].files += f.files;
		found[i].sites += f.sites;
		found[i].refused += f.refused;
		if (*why && !found[i].why)
			found[i].why = xstrdup(why);
	}
	return true;
}

static bool take_plan(struct input *in, struct plan *p, const struct plan_wishes *wishes,
		      const struct plan_env *env)
{
	const void *at = take(in, 1, sizeof(struct head));
	uint32_t *nr;
	struct head h;
	size_t i;
	bool ok;

	if (!at)
		return false;
	memcpy(&h, at, sizeof(h));
	nr = take_names(in, h.nname, env);
	p->go.minor = (int)h.minor;
	p->go.go = h.go;
	ok = nr && take_sentences(in, h.nsentence, env) &&
	     take_array(in, &p->header, &p->nheader, h.nheader, sizeof(*p->header)) &&
	     take_array(in, &p->func, &p->nfunc, h.nfunc, sizeof(*p->func)) &&
	     take_array(in, &p->go.site, &p->go.cnt, h.ngo, sizeof(*p->go.site)) &&
	     take_usdt(in, p, h.nusdt) && take_found(in, wishes->nspec, env->found);
	for (i = 0; ok && i < p->nfunc; i++)
		p->func[i].cookie = renumber(p->func[i].cookie, nr, h.nname);
	for (i = 0; ok && i < p->nusdt; i++)
		p->usdt[i].cookie = renumber(p->usdt[i].cookie, nr, h.nname);
	free(nr);
	return ok;
}

int planwire_take(struct plan *p, const char *data, size_t len, const struct plan_wishes *wishes,
		  const struct plan_env *env)
{
	struct input in = { data, len };

	*p = (struct plan){ 0 };
	if (take_plan(&in, p, wishes, env) && !in.left)
		return 0;
	plan_free(p);
	return -EPROTO;
}
