// SPDX-License-Identifier: BSD-2-Clause
/* See pstable.h. */
#include "gops/pstable.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/harmless.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define WORDS_MAX (FACTS_VERSION_MAX + 16)
#define DEEPEST 64 /* whose children are not shown: who makes them has all of our stack else */

/* ---- the table ---- */

struct widths {
	int pid, ppid, name, version;
};

static void widen(int *width, int n)
{
	if (n > *width)
		*width = n;
}

static struct widths measure(const struct process_set *set)
{
	struct widths w = { 0 };
	char words[WORDS_MAX];
	size_t i;

	for (i = 0; i < set->cnt; i++) {
		const struct process *p = &set->p[i];

		runtime_words(p->runtime, p->version, words, sizeof(words));
		widen(&w.pid, snprintf(NULL, 0, "%u", p->pid));
		widen(&w.ppid, snprintf(NULL, 0, "%u", p->ppid));
		widen(&w.name, (int)strlen(p->name));
		widen(&w.version, (int)strlen(words));
	}
	return w;
}

void pstable_print(struct strbuf *out, const struct process_set *set)
{
	const struct widths w = measure(set);
	char words[WORDS_MAX];
	size_t i, begin;

	for (i = 0; i < set->cnt; i++) {
		const struct process *p = &set->p[i];

		runtime_words(p->runtime, p->version, words, sizeof(words));
		strbuf_addf(out, "%-*u %-*u ", w.pid, p->pid, w.ppid, p->ppid);
		begin = out->len;
		add_harmless(out, p->name);
		strbuf_addf(out, "%*s%c %-*s ", w.name - (int)(out->len - begin), "",
			    p->marked ? '*' : ' ', w.version, words);
		add_harmless(out, p->path);
		strbuf_addch(out, '\n');
	}
}

/* ---- the tree ---- */

struct tree {
	struct strbuf *out, indent;
	const struct process_set *set;
	size_t *child; /* indices, by parent */
	bool *told;
	unsigned depth;
};

static int by_parent(const void *a, const void *b, void *ctx)
{
	const struct process *p = ((const struct process_set *)ctx)->p;
	const struct process *x = &p[*(const size_t *)a], *y = &p[*(const size_t *)b];

	if (x->ppid != y->ppid)
		return x->ppid < y->ppid ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* The first child of a process, as an index into .child. */
static size_t first_child(const struct tree *t, uint32_t pid)
{
	size_t lo = 0, hi = t->set->cnt, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (t->set->p[t->child[mid]].ppid < pid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool is_child(const struct tree *t, size_t nth, uint32_t pid)
{
	return nth < t->set->cnt && t->set->p[t->child[nth]].ppid == pid;
}

static bool is_in(const struct process_set *set, uint32_t pid)
{
	const struct process key = { .pid = pid };
	size_t lo = 0, hi = set->cnt, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (set->p[mid].pid < key.pid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < set->cnt && set->p[lo].pid == pid;
}

static void add_branch(struct tree *t, bool last)
{
	strbuf_addf(t->out, "%s%s ", t->indent.buf, last ? "└──" : "├──");
}

/* Returns how long the indent was. */
static size_t go_below(struct tree *t, bool last)
{
	size_t was = t->indent.len;

	/* treeprint puts a no-break space behind the line */
	strbuf_addstr(&t->indent, last ? "    " : "│\u00a0\u00a0 ");
	return was;
}

static void come_back(struct tree *t, size_t was)
{
	t->indent.len = was;
	t->indent.buf[was] = 0;
}

static void add_children(struct tree *t, uint32_t pid);

static void add_process(struct tree *t, size_t at, bool last)
{
	const struct process *p = &t->set->p[at];
	char words[WORDS_MAX];
	size_t was;

	t->told[at] = true;
	runtime_words(p->runtime, p->version, words, sizeof(words));
	add_branch(t, last);
	strbuf_addf(t->out, "%s%u (", p->marked ? "[*]  " : "", p->pid);
	add_harmless(t->out, p->name);
	strbuf_addf(t->out, ") {%s}\n", words);
	was = go_below(t, last);
	add_children(t, p->pid);
	come_back(t, was);
}

static void add_children(struct tree *t, uint32_t pid)
{
	size_t nth = first_child(t, pid);

	if (t->depth == DEEPEST && is_child(t, nth, pid)) {
		add_branch(t, true);
		strbuf_addstr(t->out, "…\n");
		return;
	}
	t->depth++;
	for (; is_child(t, nth, pid); nth++)
		if (!t->told[t->child[nth]])
			add_process(t, t->child[nth], !is_child(t, nth + 1, pid));
	t->depth--;
}

static bool more_roots(const struct tree *t, size_t nth)
{
	for (; nth < t->set->cnt; nth++)
		if (!is_in(t->set, t->set->p[t->child[nth]].ppid))
			return true;
	return false;
}

void pstree_print(struct strbuf *out, const struct process_set *set)
{
	struct tree t = { .out = out, .indent = STRBUF_INIT, .set = set };
	size_t i, next, was;
	uint32_t ppid;
	bool last;

	t.child = xcalloc(set->cnt + 1, sizeof(*t.child));
	t.told = xcalloc(set->cnt + 1, sizeof(*t.told));
	for (i = 0; i < set->cnt; i++)
		t.child[i] = i;
	qsort_r(t.child, set->cnt, sizeof(*t.child), by_parent, (void *)(uintptr_t)set);
	strbuf_addstr(out, "...\n");
	for (i = 0; i < set->cnt; i = next) {
		ppid = set->p[t.child[i]].ppid;
		for (next = i; is_child(&t, next, ppid); next++)
			;
		if (is_in(set, ppid))
			continue;
		last = !more_roots(&t, next);
		add_branch(&t, last);
		strbuf_addf(out, "%u\n", ppid);
		was = go_below(&t, last);
		add_children(&t, ppid);
		come_back(&t, was);
	}
	strbuf_addch(out, '\n');
	strbuf_free(&t.indent);
	free(t.child);
	free(t.told);
}

/* ---- a choice ---- */

bool process_matches(const struct process *p, const char *pattern)
{
	char words[WORDS_MAX];

	if (strpbrk(pattern, "*?["))
		return !fnmatch(pattern, p->name, FNM_CASEFOLD);
	runtime_words(p->runtime, p->version, words, sizeof(words));
	return strcasestr(p->name, pattern) || strcasestr(p->path, pattern) ||
	       strcasestr(words, pattern) || !strcasecmp(runtime_key(p->runtime), pattern);
}

void process_set_filter(struct process_set *set, const char *pattern)
{
	size_t i, kept = 0;

	for (i = 0; i < set->cnt; i++) {
		if (process_matches(&set->p[i], pattern))
			set->p[kept++] = set->p[i];
		else
			process_free(&set->p[i]);
	}
	set->cnt = kept;
}
