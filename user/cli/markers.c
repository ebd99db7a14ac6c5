// SPDX-License-Identifier: BSD-2-Clause
/* See markers.h. */
#include "cli/markers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "annot/funcs.h"
#include "annot/gofind.h"
#include "annot/notes.h"
#include "capture/features.h"
#include "util/json.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define NAME_WIDTH_MAX 60 /* a longer name moves what is behind it */

static const char not_ours[] = "its arguments are not those of this version's ctrace.h";
static const char red_zone[] = "its nop would be made a call, in a function that may keep data "
			       "below its stack pointer";
static const char forked[] =
	"its nop of five bytes would be made a call, which a forked child dies of";

static struct marker *add(struct markers *out, enum marker_kind kind, const char *name)
{
	out->m = xgrow(out->m, out->cnt, &out->cap, sizeof(*out->m));
	out->m[out->cnt] = (struct marker){ .kind = kind, .name = xstrdup(name) };
	return &out->m[out->cnt++];
}

/* The one with this name among those from `from` on, which is made where there is none. */
static struct marker *find(struct markers *out, size_t from, enum marker_kind kind,
			   const char *name)
{
	size_t i;

	for (i = from; i < out->cnt; i++)
		if (out->m[i].kind == kind && !strcmp(out->m[i].name, name))
			return &out->m[i];
	return add(out, kind, name);
}

static void refuse(struct marker *m, const char *why)
{
	if (!m->why)
		m->why = xstrdup(why);
}

/* ---- notes ---- */

/* harm: what a probe on it would do, NULL none */
static void add_note(struct markers *out, size_t from, const struct note *n, const char *harm)
{
	struct strbuf name = STRBUF_INIT;
	int ours = note_is_ours(n);
	struct marker *m;

	if (!ours)
		strbuf_addf(&name, "%s:", n->provider);
	strbuf_addstr(&name, n->name);
	m = find(out, from, ours ? MARKER_OURS : MARKER_USDT, name.buf);
	strbuf_free(&name);
	m->sites++;
	m->semaphore = m->semaphore || n->semaphore;
	if (!m->args)
		m->args = xstrdup(n->args);
	if (ours < 0)
		refuse(m, not_ours);
	else if (!ours && harm)
		refuse(m, harm);
	else
		m->usable++;
}

/* A recording listens to a marker of somebody else at all of its sites, or not at all. */
static void settle_sites(struct markers *out, size_t from)
{
	size_t i;

	for (i = from; i < out->cnt; i++)
		if (out->m[i].kind == MARKER_USDT && out->m[i].why)
			out->m[i].usable = 0;
}

static int look_notes(struct markers *out, int fd, struct strbuf *why)
{
	size_t i, k = 0, nlong = 0, from = out->cnt;
	bool calls = features_probes_call();
	const char *harm;
	struct notes n;
	int err = notes_read(&n, fd, why);
	uint64_t *addr = xmalloc((n.cnt + 1) * sizeof(*addr));
	bool *uses = xcalloc(n.cnt + 1, sizeof(*uses));

	for (i = 0; i < n.cnt; i++)
		if (n.note[i].nop5 && calls)
			addr[nlong++] = n.note[i].addr;
	funcs_use_red_zone(fd, addr, nlong, uses);
	for (i = 0; i < n.cnt; i++) {
		harm = NULL;
		if (n.note[i].nop5 && calls)
			harm = uses[k++] ? red_zone : forked;
		add_note(out, from, &n.note[i], harm);
	}
	settle_sites(out, from);
	free(addr);
	free(uses);
	if (!err && n.bad)
		strbuf_set_f(why, "%zu of its markers make no sense and are left out", n.bad);
	notes_free(&n);
	return err;
}

/* ---- Go ---- */

static const char *name_of_go(enum ct_go_call call)
{
	static const char *const names[] = {
		[CT_GO_USER_TASK_CREATE] = "NewTask",
		[CT_GO_USER_TASK_END] = "(*Task).End",
		[CT_GO_USER_REGION] = "WithRegion",
		[CT_GO_USER_LOG] = "Log",
		[CT_GO_START_REGION] = "StartRegion",
		[CT_GO_REGION_END] = "(*Region).End",
		[CT_GO_LOGF] = "Logf",
	};

	return call < sizeof(names) / sizeof(names[0]) && names[call] ? names[call] : "?";
}

static int look_go(struct markers *out, int fd, struct strbuf *why)
{
	size_t i, from = out->cnt;
	struct go_sites s;
	struct marker *m;
	int err;

	err = go_sites_find(&s, fd, why);
	for (i = 0; !err && i < s.cnt; i++) {
		m = find(out, from, MARKER_GO, name_of_go(s.site[i].call));
		m->sites++;
		m->usable++;
	}
	go_sites_free(&s);
	if (err != -ENODATA)
		return err;
	strbuf_reset(why);
	return 0;
}

/* ---- functions ---- */

/* Did an earlier glob find it? */
static bool has_func(const struct markers *out, size_t from, size_t end, uint64_t addr)
{
	size_t i;

	for (i = from; i < end; i++)
		if (out->m[i].addr == addr)
			return true;
	return false;
}

static void refuse_func(struct marker *m, const char *reason)
{
	struct strbuf why = STRBUF_INIT;

	strbuf_addf(&why, "it %s", reason);
	refuse(m, why.buf);
	strbuf_free(&why);
}

/* from: where the functions begin that other globs have found */
static int look_functions(struct markers *out, size_t from, int fd, const char *glob,
			  struct strbuf *why)
{
	size_t i, before = out->cnt;
	struct marker *m;
	struct funcs f;
	int err;

	err = funcs_find(&f, fd, glob, why);
	for (i = 0; i < f.cnt; i++) {
		if (has_func(out, from, before, f.func[i].addr))
			continue;
		m = add(out, MARKER_FUNC, f.func[i].name);
		m->addr = f.func[i].addr;
		m->sites = 1 + f.func[i].nexit;
		m->tails = f.func[i].tails;
		if (f.func[i].refused)
			refuse_func(m, f.func[i].refused);
		else
			m->usable = m->sites;
	}
	funcs_free(&f);
	return err;
}

/* One reason more, which is used up. */
static void add_words(struct strbuf *why, struct strbuf *more)
{
	if (more->len)
		strbuf_addf(why, "%s%s", why->len ? "; " : "", more->buf);
	strbuf_reset(more);
}

int markers_look(struct markers *out, int fd, const char *const *globs, size_t nglob,
		 struct strbuf *why)
{
	int err = look_notes(out, fd, why), other;
	struct strbuf more = STRBUF_INIT;
	size_t i, from;

	other = look_go(out, fd, &more);
	add_words(why, &more);
	err = err ? err : other;
	from = out->cnt;
	for (i = 0, other = 0; !other && i < nglob; i++) {
		other = look_functions(out, from, fd, globs[i], &more);
		add_words(why, &more);
	}
	strbuf_free(&more);
	return err ? err : other;
}

void markers_free(struct markers *m)
{
	size_t i;

	for (i = 0; i < m->cnt; i++) {
		free(m->m[i].name);
		free(m->m[i].args);
		free(m->m[i].why);
	}
	free(m->m);
	*m = (struct markers){ 0 };
}

/* ---- for people ---- */

static const char *const kinds[] = {
	[MARKER_OURS] = "annotation",
	[MARKER_GO] = "go",
	[MARKER_USDT] = "usdt",
	[MARKER_FUNC] = "function",
};

/* What a file says of itself must not steer the terminal. */
static void add_plain(struct strbuf *out, const char *s)
{
	for (; *s; s++)
		strbuf_addch(out, (unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s);
}

/* Those that are calls in its place; the callee is at work when the region has ended. */
static void add_exits(struct strbuf *out, size_t exits, size_t tails)
{
	if (!exits) {
		strbuf_addstr(out, "never returns");
		return;
	}
	strbuf_addf(out, "%zu %s", exits, exits == 1 ? "exit" : "exits");
	if (!tails)
		return;
	strbuf_addstr(out, ", ");
	if (exits > 1)
		strbuf_addf(out, "%zu of them ", tails);
	strbuf_addstr(out, tails == 1 ? "a call in its place (its time is not in the region)" :
					"calls in its place (their time is not in the region)");
}

/* How much there is of it, and what is in its way. */
static void add_state(struct strbuf *out, const struct marker *m)
{
	if (m->kind == MARKER_FUNC && m->usable) {
		add_exits(out, m->sites - 1, m->tails);
	} else if (m->kind != MARKER_FUNC) {
		strbuf_addf(out, "%zu %s", m->sites, m->sites == 1 ? "site" : "sites");
	}
	if (m->kind == MARKER_USDT && m->semaphore)
		strbuf_addstr(out, ", semaphore");
	if (m->kind == MARKER_USDT && m->args && *m->args) {
		strbuf_addstr(out, ", ");
		add_plain(out, m->args);
	}
	if (!m->why)
		return;
	if (m->usable)
		strbuf_addf(out, "; %zu cannot be used: %s", m->sites - m->usable, m->why);
	else
		strbuf_addf(out, "%scannot be used: %s", m->kind == MARKER_FUNC ? "" : "; ",
			    m->why);
}

void markers_print(struct strbuf *out, const char *path, const struct markers *m, const char *why)
{
	size_t i, k, len, width = 0;

	for (i = 0; i < m->cnt; i++) {
		len = strlen(m->m[i].name);
		if (len > width)
			width = len < NAME_WIDTH_MAX ? len : NAME_WIDTH_MAX;
	}
	add_plain(out, path);
	strbuf_addch(out, '\n');
	for (k = 0; k < MARKER_KIND_MAX; k++) {
		for (i = 0; i < m->cnt; i++) {
			if (m->m[i].kind != k)
				continue;
			strbuf_addf(out, "  %-10s  ", kinds[k]);
			add_plain(out, m->m[i].name);
			strbuf_addf(out, "%*s  ",
				    (int)(width - (strlen(m->m[i].name) < width ?
							   strlen(m->m[i].name) :
							   width)),
				    "");
			add_state(out, &m->m[i]);
			strbuf_addch(out, '\n');
		}
	}
	if (why)
		strbuf_addf(out, "  (%s)\n", why);
}

/* ---- for programs ---- */

static void add_member(struct strbuf *out, const char *name, const char *value)
{
	strbuf_addf(out, ",\"%s\":", name);
	if (value)
		json_quote(out, value);
	else
		strbuf_addstr(out, "null");
}

void markers_json(struct strbuf *out, const char *path, const struct markers *m, const char *why)
{
	size_t i;

	strbuf_addstr(out, "{\"path\":");
	json_quote(out, path);
	add_member(out, "trouble", why);
	strbuf_addstr(out, ",\"markers\":[");
	for (i = 0; i < m->cnt; i++) {
		strbuf_addf(out, "%s{\"kind\":\"%s\"", i ? "," : "", kinds[m->m[i].kind]);
		add_member(out, "name", m->m[i].name);
		strbuf_addf(out, ",\"sites\":%zu,\"usable\":%zu", m->m[i].sites, m->m[i].usable);
		if (m->m[i].kind == MARKER_FUNC)
			strbuf_addf(out, ",\"addr\":%llu,\"tails\":%zu",
				    (unsigned long long)m->m[i].addr, m->m[i].tails);
		if (m->m[i].kind == MARKER_USDT) {
			strbuf_addf(out, ",\"semaphore\":%s", m->m[i].semaphore ? "true" : "false");
			add_member(out, "args", m->m[i].args);
		}
		add_member(out, "why_not", m->m[i].why);
		strbuf_addch(out, '}');
	}
	strbuf_addstr(out, "]}");
}
