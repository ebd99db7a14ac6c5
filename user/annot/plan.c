// SPDX-License-Identifier: BSD-2-Clause
/* See plan.h. */
#include "annot/plan.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annot/funcs.h"
#include "annot/notes.h"
#include "bpf/event.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define FUNCS_MAX 20000 /* of one wish in one file */

/* A file that is looked at. */
struct look {
	struct plan *plan;
	const struct plan_env *env;
	const char *path;
	int fd;
	bool calls;
	struct notes notes;
	size_t cap_header, cap_func, cap_usdt;
};

/* found: a site of this wish is left out; NULL: it is about no site. */
__attribute__((format(printf, 3, 4))) static void
trouble(const struct look *l, struct plan_found *found, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	l->env->trouble(l->env->ctx, text);
	if (found && !found->refused++)
		found->why = xstrdup(text);
}

/* ---- our own markers ---- */

static void plan_header(struct look *l)
{
	struct plan *p = l->plan;
	const struct note *n;
	size_t i;
	int op;

	for (i = 0; i < l->notes.cnt; i++) {
		n = &l->notes.note[i];
		op = note_is_ours(n);
		if (op < 0)
			trouble(l, NULL,
				"%s: its marker %s:%s has arguments that we do not know (%s); it was built with another ctrace.h",
				l->path, n->provider, n->name, n->args);
		if (op <= 0)
			continue;
		p->header = xgrow(p->header, p->nheader, &l->cap_header, sizeof(*p->header));
		p->header[p->nheader++] = (struct probe_site){
			.offset = n->offset,
			.semaphore = n->semaphore,
			.cookie = CT_COOKIE(op, EV_BY_HEADER, 0, 0, 0),
		};
	}
}

/* ---- functions ---- */

static void add_func_site(struct look *l, uint64_t offset, uint64_t cookie)
{
	struct plan *p = l->plan;

	p->func = xgrow(p->func, p->nfunc, &l->cap_func, sizeof(*p->func));
	p->func[p->nfunc++] = (struct probe_site){ .offset = offset, .cookie = cookie };
}

static bool has_func(const struct plan *p, uint64_t entry)
{
	size_t i;

	for (i = 0; i < p->nfunc; i++)
		if (p->func[i].offset == entry)
			return true;
	return false;
}

static void add_func(struct look *l, const struct func *f)
{
	uint32_t site = l->env->site(l->env->ctx, f->name);
	size_t i;

	add_func_site(l, f->entry,
		      CT_COOKIE(EV_MARK_REGION_BEGIN, EV_BY_FUNC, f->entry_pushed, 0, site));
	for (i = 0; i < f->nexit; i++)
		add_func_site(l, f->exit[i], CT_COOKIE(EV_MARK_REGION_END, EV_BY_FUNC, 0, 0, site));
}

static void plan_funcs(struct look *l, const struct annot_spec *spec, struct plan_found *found)
{
	struct strbuf why = STRBUF_INIT;
	struct funcs funcs;
	size_t i, n = 0;
	int err = funcs_find(&funcs, l->fd, spec->func, &why);

	if (err)
		trouble(l, NULL, "--region %s: the functions of %s cannot be read: %s", spec->text,
			l->path, why.len ? why.buf : strerror(-err));
	for (i = 0; i < funcs.cnt; i++) {
		if (funcs.func[i].refused) {
			trouble(l, found, "--region %s: %s is no region: it %s", spec->text,
				funcs.func[i].name, funcs.func[i].refused);
		} else if (n == FUNCS_MAX) {
			trouble(l, NULL,
				"--region %s: %s has more than %d such functions: the rest is left out",
				spec->text, l->path, FUNCS_MAX);
			break;
		} else {
			n++;
			found->sites++;
			if (!has_func(l->plan, funcs.func[i].entry))
				add_func(l, &funcs.func[i]);
		}
	}
	funcs_free(&funcs);
	strbuf_free(&why);
}

/* ---- somebody else's markers ---- */

static bool has_marker(const struct notes *notes, const char *provider, const char *name)
{
	size_t i;

	for (i = 0; i < notes->cnt; i++)
		if (!strcmp(notes->note[i].provider, provider) &&
		    !strcmp(notes->note[i].name, name))
			return true;
	return false;
}

/* Has the file such a marker, at places where a probe does no harm? Says so where it does. */
static bool may_probe(struct look *l, const struct annot_spec *spec, const char *provider,
		      const char *name, struct plan_found *found)
{
	const struct note *n;
	bool has = false;
	size_t i;

	for (i = 0; i < l->notes.cnt; i++) {
		n = &l->notes.note[i];
		if (strcmp(n->provider, provider) || strcmp(n->name, name))
			continue;
		has = true;
		if (!n->nop5 || !l->calls)
			continue;
		if (!funcs_uses_red_zone(l->fd, n->addr)) {
			trouble(l, found,
				"%s: the marker %s:%s at %#llx is not probed: it is a nop of five bytes, which this kernel makes a call that a forked child would die of",
				spec->text, provider, name, (unsigned long long)n->addr);
			return false;
		}
		trouble(l, found,
			"%s: the marker %s:%s at %#llx is not probed: its function has no frame of its own, and the kernel would overwrite what it keeps below the stack pointer",
			spec->text, provider, name, (unsigned long long)n->addr);
		return false;
	}
	return has;
}

static void add_usdt(struct look *l, const char *provider, const char *name, uint64_t cookie)
{
	struct plan *p = l->plan;

	p->usdt = xgrow(p->usdt, p->nusdt, &l->cap_usdt, sizeof(*p->usdt));
	p->usdt[p->nusdt++] = (struct plan_usdt){ xstrdup(provider), xstrdup(name), cookie };
}

static uint32_t marker_site(struct look *l, const char *provider, const char *name)
{
	char text[EV_PATH_MAX];

	snprintf(text, sizeof(text), "%s:%s", provider, name);
	return l->env->site(l->env->ctx, text);
}

/* Is note i the first one with its names? A marker may stand at many places. */
static bool is_first(const struct notes *notes, size_t i)
{
	const struct note *n = &notes->note[i];
	size_t k;

	for (k = 0; k < i; k++)
		if (!strcmp(notes->note[k].provider, n->provider) &&
		    !strcmp(notes->note[k].name, n->name))
			return false;
	return true;
}

/* Did an earlier wish ask for it? Two probes would tell it twice. */
static bool has_log(const struct plan *p, const char *provider, const char *name)
{
	size_t i;

	for (i = 0; i < p->nusdt; i++)
		if (CT_COOKIE_OP(p->usdt[i].cookie) == EV_MARK_LOG &&
		    !strcmp(p->usdt[i].provider, provider) && !strcmp(p->usdt[i].name, name))
			return true;
	return false;
}

static void plan_logs(struct look *l, const struct annot_spec *spec, struct plan_found *found)
{
	const struct note *n;
	size_t i;

	for (i = 0; i < l->notes.cnt; i++) {
		n = &l->notes.note[i];
		if (fnmatch(spec->provider, n->provider, 0) || fnmatch(spec->name, n->name, 0) ||
		    !is_first(&l->notes, i))
			continue;
		if (!may_probe(l, spec, n->provider, n->name, found))
			continue;
		found->sites++;
		if (has_log(l->plan, n->provider, n->name))
			continue;
		add_usdt(l, n->provider, n->name,
			 CT_COOKIE(EV_MARK_LOG, EV_BY_USDT, 0, 0,
				   marker_site(l, n->provider, n->name)));
	}
}

/* Are these the same regions, in whichever words the file is named? */
static bool is_same_region(const struct annot_spec *a, const struct annot_spec *b)
{
	size_t i;

	if (a->kind != b->kind || strcmp(a->provider, b->provider) || strcmp(a->name, b->name) ||
	    a->name_arg != b->name_arg || a->nend != b->nend)
		return false;
	for (i = 0; i < a->nend && !strcmp(a->end[i], b->end[i]); i++)
		;
	return i == a->nend;
}

/* first: that of all wishes. */
static bool has_region(const struct look *l, const struct annot_spec *first,
		       const struct annot_spec *spec)
{
	for (; first < spec; first++)
		if (annot_spec_matches(first, l->path) && is_same_region(first, spec))
			return true;
	return false;
}

static void plan_region(struct look *l, const struct annot_spec *first,
			const struct annot_spec *spec, struct plan_found *found)
{
	uint32_t site;
	size_t i;

	if (!may_probe(l, spec, spec->provider, spec->name, found))
		return;
	site = marker_site(l, spec->provider, spec->name);
	for (i = 0; i < spec->nend; i++) {
		if (!has_marker(&l->notes, spec->provider, spec->end[i])) {
			trouble(l, found,
				"%s: %s has no marker %s:%s: these regions would never end",
				spec->text, l->path, spec->provider, spec->end[i]);
			return;
		}
		if (!may_probe(l, spec, spec->provider, spec->end[i], found))
			return;
	}
	found->sites++;
	if (has_region(l, first, spec))
		return;
	add_usdt(l, spec->provider, spec->name,
		 CT_COOKIE(EV_MARK_REGION_BEGIN, EV_BY_USDT, spec->name_arg, 0, site));
	for (i = 0; i < spec->nend; i++)
		add_usdt(l, spec->provider, spec->end[i],
			 CT_COOKIE(EV_MARK_REGION_END, EV_BY_USDT, 0, 0, site));
}

/* ---- Go ---- */

static void plan_go(struct look *l)
{
	struct strbuf why = STRBUF_INIT;
	int err = go_sites_find(&l->plan->go, l->fd, &why);

	if (err && err != -ENODATA)
		trouble(l, NULL, "%s: the annotations of this Go program cannot be seen: %s",
			l->path, why.len ? why.buf : strerror(-err));
	else if (!err && why.len)
		trouble(l, NULL, "%s: %s", l->path, why.buf);
	if (err) {
		go_sites_free(&l->plan->go);
		l->plan->go = (struct go_sites){ 0 };
	}
	strbuf_free(&why);
}

/* ---- the door ---- */

void plan_make(struct plan *p, int fd, const char *path, const struct plan_wishes *wishes,
	       const struct plan_env *env)
{
	struct look l = { .plan = p, .env = env, .path = path, .fd = fd, .calls = wishes->calls };
	struct strbuf why = STRBUF_INIT;
	size_t i;
	int err;

	*p = (struct plan){ 0 };
	err = notes_read(&l.notes, fd, &why);
	if (err)
		trouble(&l, NULL, "%s: its markers cannot be read: %s", path,
			why.len ? why.buf : strerror(-err));
	if (wishes->header)
		plan_header(&l);
	if (wishes->go)
		plan_go(&l);
	for (i = 0; i < wishes->nspec; i++) {
		if (!annot_spec_matches(&wishes->spec[i], path))
			continue;
		env->found[i].files++;
		if (wishes->spec[i].kind == SPEC_REGION)
			plan_funcs(&l, &wishes->spec[i], &env->found[i]);
		else if (wishes->spec[i].kind == SPEC_USDT)
			plan_logs(&l, &wishes->spec[i], &env->found[i]);
		else
			plan_region(&l, wishes->spec, &wishes->spec[i], &env->found[i]);
	}
	notes_free(&l.notes);
	strbuf_free(&why);
}

bool plan_is_empty(const struct plan *p)
{
	return !p->nheader && !p->nfunc && !p->nusdt && !p->go.cnt;
}

void plan_free(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->nusdt; i++) {
		free(p->usdt[i].provider);
		free(p->usdt[i].name);
	}
	free(p->usdt);
	free(p->header);
	free(p->func);
	go_sites_free(&p->go);
	*p = (struct plan){ 0 };
}
