// SPDX-License-Identifier: BSD-2-Clause
/* See annot.h. */
#include "annot/annot.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "annot/places.h"
#include "annot/planwire.h"
#include "capture/capture.h"
#include "capture/features.h"
#include "space/files.h"
#include "space/filework.h"
#include "util/clock.h"
#include "util/ending.h"
#include "util/hash.h"
#include "util/log.h"
#include "util/strbuf.h"
#include "util/troubles.h"
#include "util/u64map.h"
#include "util/xalloc.h"

#define LOG_TAG "annot"

/* A file that has something to probe. */
struct file {
	uint32_t module;
	int fd;
	char *path;
	struct plan plan;
};

struct annot {
	struct annot_opts opts;
	struct plan_found *found; /* of each wish */
	struct u64map files;	  /* module → struct file *, 1: nothing in it */
	struct places places;
	struct u64map late; /* pid: it was forked with something that is to be probed */
	bool go_used[CT_GO_MAX];
	bool stopped; /* by another thread */
	struct annot_stats stats;
	struct troubles troubles;

	struct u64map numbers; /* hash of a name → the last site that has it */
	struct site {
		char *name;
		uint32_t next; /* with the same hash, 0 none */
	} * site;	       /* by number; 0 is nobody's */
	size_t nsites, cap_sites;

	pthread_mutex_t lock; /* of what follows */
	struct ev_site *news;
	size_t nnews, cap_news, news_first;
	struct plan_found *told; /* a copy of found, without the reasons */
	size_t nlate;		 /* forked processes whose probes came after their begin */
};

#define USDT_REFUSALS_MAX 8 /* in one file; each costs the kernel a tenth of a second */
#define NOTHING 1

struct annot *annot__new(const struct annot_opts *opts)
{
	struct annot *a = xcalloc(1, sizeof(*a));

	a->opts = *opts;
	a->found = xcalloc(opts->wishes.nspec + 1, sizeof(*a->found));
	a->told = xcalloc(opts->wishes.nspec + 1, sizeof(*a->told));
	pthread_mutex_init(&a->lock, NULL);
	return a;
}

/* ---- names ---- */

static void tell_site(struct annot *a, uint32_t nr, const char *name)
{
	struct ev_site *ev;

	pthread_mutex_lock(&a->lock);
	a->news = xgrow(a->news, a->nnews, &a->cap_news, sizeof(*a->news));
	ev = &a->news[a->nnews++];
	*ev = (struct ev_site){
		.h = { .ts = clock_mono(), .kind = EV_SITE, .cpu = 0xffff, .arg = nr },
	};
	snprintf(ev->name, sizeof(ev->name), "%s", name);
	pthread_mutex_unlock(&a->lock);
}

/* A name has one number, however often a file with it comes and goes. */
static uint32_t site_of(void *ctx, const char *name)
{
	struct annot *a = ctx;
	uint64_t hash = hash_bytes64(HASH_SEED, name, strlen(name)), *slot;
	uint32_t nr;

	slot = u64map_put(&a->numbers, hash ? hash : 1, NULL);
	for (nr = (uint32_t)*slot; nr; nr = a->site[nr].next)
		if (!strcmp(a->site[nr].name, name))
			return nr;
	nr = (uint32_t)(a->nsites ? a->nsites : 1);
	a->site = xgrow(a->site, nr, &a->cap_sites, sizeof(*a->site));
	a->nsites = nr + 1;
	a->site[nr] = (struct site){ xstrdup(name), (uint32_t)*slot };
	*slot = nr;
	tell_site(a, nr, name);
	return nr;
}

size_t annot__take_news(struct annot *a, struct ev_site *out)
{
	size_t len = 0;

	pthread_mutex_lock(&a->lock);
	if (a->news_first < a->nnews) {
		*out = a->news[a->news_first++];
		len = EV_SITE_SHORT + strlen(out->name) + 1;
	} else {
		a->news_first = a->nnews = 0;
	}
	pthread_mutex_unlock(&a->lock);
	return len;
}

static void keep_trouble(void *ctx, const char *sentence)
{
	troubles_keep(&((struct annot *)ctx)->troubles, sentence);
}

/* ---- files ---- */

static void free_file(struct file *f)
{
	plan_free(&f->plan);
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f);
}

static void tell_found(struct annot *a)
{
	pthread_mutex_lock(&a->lock);
	memcpy(a->told, a->found, a->opts.wishes.nspec * sizeof(*a->told));
	pthread_mutex_unlock(&a->lock);
}

/* The file as it is to be probed. False: it could not be looked at; another process's mapping may
 * lead to it. */
static bool plan_file(struct annot *a, struct file *f, uint32_t pid, const struct code_mapping *map)
{
	struct filework_ask ask = filework_ask_of(FILEWORK_PLAN, pid, map);
	struct plan_env env = { site_of, keep_trouble, a, a->found };
	struct filework_answer ans;
	int err;

	ask.calls = a->opts.wishes.calls;
	err = files__ask(a->opts.files, &ask, f->path, &ans);
	f->fd = ans.fd;
	if (!err && f->fd >= 0)
		err = planwire_take(&f->plan, ans.body.buf, ans.body.len, &a->opts.wishes, &env);
	if (err && err != -ECANCELED)
		troubles_add(&a->troubles, "%s: %s; its annotations are left out", f->path,
			     files_explain(err));
	strbuf_free(&ans.body);
	return !err && f->fd >= 0;
}

/* NULL: there is nothing to probe in it. */
static struct file *file_of(struct annot *a, uint32_t pid, uint32_t module,
			    const struct code_mapping *map)
{
	uint64_t *slot = u64map_get(&a->files, module);
	struct file *f;

	if (slot)
		return *slot == NOTHING ? NULL : (struct file *)(uintptr_t)*slot;
	f = xcalloc(1, sizeof(*f));
	f->module = module;
	f->path = xstrdup(map->path);
	if (!plan_file(a, f, pid, map)) {
		free_file(f);
		return NULL;
	}
	tell_found(a);
	if (plan_is_empty(&f->plan)) {
		free_file(f);
		*u64map_put(&a->files, module, NULL) = NOTHING;
		return NULL;
	}
	*u64map_put(&a->files, module, NULL) = (uintptr_t)f;
	a->stats.files++;
	return f;
}

/* ---- probes ---- */

static void keep_probes(struct annot *a, struct place *at, const struct file *f, const char *what,
			struct probes *p, struct strbuf *why)
{
	if (!p && errno == ESRCH) { /* it has ended already */
		strbuf_reset(why);
		return;
	}
	if (!p) {
		troubles_add(&a->troubles, "%s: %s cannot be probed: %s", f->path, what,
			     why->len ? why->buf : strerror(errno));
		strbuf_reset(why);
		return;
	}
	if (why->len)
		troubles_add(&a->troubles, "%s: %s: %s", f->path, what, why->buf);
	strbuf_reset(why);
	at->probes = xgrow(at->probes, at->cnt, &at->cap, sizeof(struct probes *));
	at->probes[at->cnt++] = p;
	a->stats.links++;
}

static uint32_t new_go(struct annot *a)
{
	uint32_t i;

	for (i = 1; i < CT_GO_MAX; i++) {
		if (!a->go_used[i]) {
			a->go_used[i] = true;
			return i;
		}
	}
	return 0;
}

static void attach_go(struct annot *a, struct place *at, const struct file *f, uint64_t bias)
{
	const struct go_sites *s = &f->plan.go;
	struct strbuf why = STRBUF_INIT;
	struct probe_site *site;
	struct ct_go go;
	size_t i;
	int err;

	at->go = new_go(a);
	if (!at->go) {
		troubles_add(&a->troubles, "%s: more than %d Go programs at a time", f->path,
			     CT_GO_MAX - 1);
		return;
	}
	go = go_placed(&s->go, bias, at->module);
	err = capture__set_go(a->opts.capture, at->go, &go);
	if (err) {
		troubles_add(&a->troubles, "%s: this Go program cannot be probed: %s", f->path,
			     strerror(-err));
		return;
	}
	site = xcalloc(s->cnt, sizeof(*site));
	for (i = 0; i < s->cnt; i++)
		site[i] = (struct probe_site){
			.offset = s->site[i].offset,
			.cookie = CT_COOKIE(0, EV_BY_GO, s->site[i].call, at->go, 0),
		};
	keep_probes(a, at, f, "this Go program",
		    probes__attach(capture__skel(a->opts.capture), PROBES_GO, at->pid, f->fd, site,
				   s->cnt, &why),
		    &why);
	free(site);
	strbuf_free(&why);
}

/* A file of markers that the kernel does not take must not hold us up. */
static void attach_usdt(struct annot *a, struct place *at, const struct file *f)
{
	const struct plan *p = &f->plan;
	struct strbuf why = STRBUF_INIT;
	size_t i, refused = 0;
	struct probes *probes;

	for (i = 0; i < p->nusdt && refused < USDT_REFUSALS_MAX; i++) {
		probes = probes__attach_usdt(capture__skel(a->opts.capture), at->pid, f->fd,
					     p->usdt[i].provider, p->usdt[i].name,
					     p->usdt[i].cookie, &why);
		refused += !probes;
		keep_probes(a, at, f, p->usdt[i].name, probes, &why);
	}
	if (i < p->nusdt)
		troubles_add(&a->troubles, "%s: %zu of its markers were given up without a try",
			     f->path, p->nusdt - i);
	strbuf_free(&why);
}

static void attach_rest(struct annot *a, struct place *at, const struct file *f)
{
	const struct plan *p = &f->plan;
	struct strbuf why = STRBUF_INIT;

	if (p->nheader)
		keep_probes(a, at, f, "its markers",
			    probes__attach(capture__skel(a->opts.capture), PROBES_HEADER, at->pid,
					   f->fd, p->header, p->nheader, &why),
			    &why);
	if (p->nfunc)
		keep_probes(a, at, f, "a function of it",
			    probes__attach(capture__skel(a->opts.capture), PROBES_FUNC, at->pid,
					   f->fd, p->func, p->nfunc, &why),
			    &why);
	attach_usdt(a, at, f);
	strbuf_free(&why);
}

static void detach(struct annot *a, struct place *at)
{
	while (at->cnt) {
		probes__free(at->probes[--at->cnt]);
		a->stats.links--;
	}
	if (at->go)
		a->go_used[at->go] = false;
	places_drop(&a->places, at);
}

/* The place of these probes, made where it was not there: then they are to be set. */
static struct place *new_place(struct annot *a, uint32_t pid, uint32_t module, uint64_t bias)
{
	struct place *at = places_make(&a->places, pid, module);

	if (at)
		at->bias = bias;
	return at;
}

/* All that is probed of a file, in a process that maps it. */
static void attach(struct annot *a, uint32_t pid, struct file *f, uint64_t bias)
{
	struct place *at = new_place(a, a->opts.each ? pid : 0, f->module, bias);

	if (at)
		attach_rest(a, at, f);
	if (!f->plan.go.cnt)
		return;
	if (!a->opts.each && bias) /* where its code lies is told to the program for each process */
		at = new_place(a, pid, f->module, bias);
	if (at)
		attach_go(a, at, f, bias);
}

/* ---- the door ---- */

void annot__stop(struct annot *a)
{
	__atomic_store_n(&a->stopped, true, __ATOMIC_RELAXED);
}

static bool is_over(const struct annot *a)
{
	return __atomic_load_n(&a->stopped, __ATOMIC_RELAXED) || ending_asked();
}

void annot__mapped(struct annot *a, uint32_t pid, uint32_t module, uint64_t bias,
		   const struct code_mapping *map)
{
	struct file *f;

	if (!module || !map->ino || map->path[0] != '/' || is_over(a))
		return;
	f = file_of(a, pid, module, map);
	if (f)
		attach(a, pid, f, bias);
}

static void count_late(struct annot *a, int n)
{
	pthread_mutex_lock(&a->lock);
	a->nlate += (size_t)n;
	pthread_mutex_unlock(&a->lock);
}

/* It could be at a site before its own probes were set. */
static void is_late(struct annot *a, uint32_t pid)
{
	bool fresh;

	u64map_put(&a->late, pid, &fresh);
	if (fresh)
		count_late(a, 1);
}

void annot__forked(struct annot *a, uint32_t pid, uint32_t parent)
{
	bool late = u64map_get(&a->late, parent);
	struct place *at;
	uint64_t *slot;

	for (at = places_of(&a->places, parent); at; at = at->sibling) {
		slot = u64map_get(&a->files, at->module);
		if (!slot || *slot == NOTHING)
			continue;
		late = true;
		if (!is_over(a))
			attach(a, pid, (struct file *)(uintptr_t)*slot, at->bias);
	}
	if (a->opts.each && late)
		is_late(a, pid);
}

void annot__ended(struct annot *a, uint32_t pid)
{
	struct place *at, *next;

	for (at = places_of(&a->places, pid); at; at = next) {
		next = at->sibling;
		detach(a, at);
	}
	u64map_del(&a->late, pid);
}

/* Those that still follow it stay, so that nothing is missed; those of a Go program know where that
 * was. */
static bool stays(const struct place *at)
{
	size_t i;

	for (i = 0; !at->go && i < at->cnt; i++)
		if (!probes__follow(at->probes[i]))
			return false;
	return !at->go;
}

void annot__executes(struct annot *a, uint32_t pid)
{
	struct place *at, *next;

	for (at = places_of(&a->places, pid); at; at = next) {
		next = at->sibling;
		if (!stays(at))
			detach(a, at);
	}
	if (u64map_get(&a->late, pid)) { /* it was made for this, and has had nothing to say */
		u64map_del(&a->late, pid);
		count_late(a, -1);
	}
}

void annot__forgotten(struct annot *a, uint32_t module)
{
	uint64_t *slot = u64map_get(&a->files, module);
	struct place *at, *next;

	if (!slot)
		return;
	for (at = a->places.first; at; at = next) {
		next = at->next;
		if (at->module == module)
			detach(a, at);
	}
	if (*slot != NOTHING)
		free_file((struct file *)(uintptr_t)*slot);
	u64map_del(&a->files, module);
}

int annot__check(const struct annot *a, bool say_absent, struct strbuf *why)
{
	const struct annot_spec *spec;
	size_t i;

	for (i = 0; i < a->opts.wishes.nspec; i++) {
		spec = &a->opts.wishes.spec[i];
		if (!a->found[i].files && say_absent)
			log_notice("%s: no recorded process has mapped a file %s yet", spec->text,
				   spec->bin);
		if (a->found[i].sites || !a->found[i].files)
			continue;
		if (a->found[i].why)
			strbuf_set_f(why, "%s", a->found[i].why);
		else
			strbuf_set_f(
				why,
				"%s: %s has no such %s; ctrace-bpf markers lists what there is",
				spec->text, spec->bin,
				spec->kind == SPEC_REGION ? "function" : "marker");
		return -ENOENT;
	}
	return 0;
}

void annot__troubles(struct annot *a, void (*fn)(void *ctx, const char *sentence), void *ctx)
{
	const struct annot_spec *spec;
	char text[512];
	size_t i, late;

	troubles_each(&a->troubles, fn, ctx);
	pthread_mutex_lock(&a->lock);
	for (i = 0; i < a->opts.wishes.nspec; i++) {
		spec = &a->opts.wishes.spec[i];
		if (!a->told[i].files)
			snprintf(text, sizeof(text), "%s: no process has mapped a file %s",
				 spec->text, spec->bin);
		else if (a->told[i].refused)
			snprintf(
				text, sizeof(text),
				"%s: %zu are probed, and %zu cannot be; ctrace-bpf markers says why",
				spec->text, a->told[i].sites, a->told[i].refused);
		else
			continue;
		fn(ctx, text);
	}
	late = a->nlate;
	pthread_mutex_unlock(&a->lock);
	if (!late)
		return;
	snprintf(text, sizeof(text),
		 "what %zu forked processes annotated before their probes were set is missing: %s",
		 late, features[FEATURE_SEE_ALL].remedy);
	fn(ctx, text);
}

struct annot_stats annot__stats(const struct annot *a)
{
	return a->stats;
}

void annot__free(struct annot *a)
{
	size_t i;

	if (!a)
		return;
	while (a->places.first)
		detach(a, a->places.first);
	for (i = 0; i < a->files.cap; i++)
		if (a->files.slot[i].key && a->files.slot[i].val != NOTHING)
			free_file((struct file *)(uintptr_t)a->files.slot[i].val);
	for (i = 1; i < a->nsites; i++)
		free(a->site[i].name);
	free(a->site);
	u64map_free(&a->numbers);
	u64map_free(&a->files);
	places_free(&a->places);
	u64map_free(&a->late);
	troubles_free(&a->troubles);
	pthread_mutex_destroy(&a->lock);
	for (i = 0; i < a->opts.wishes.nspec; i++)
		free(a->found[i].why);
	free(a->found);
	free(a->told);
	free(a->news);
	free(a);
}
