// SPDX-License-Identifier: BSD-2-Clause
/* See ksyms.h. */
#include "symbol/ksyms.h"

#include <ctype.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/arena.h"
#include "util/xalloc.h"

/*
 * No function is longer. kallsyms tells no sizes: what lies far behind a symbol is not its code,
 * but that of a module or of a BPF program that is not in the list.
 */
#define FUNC_MAX (1u << 20)

struct sym {
	uint64_t addr;
	const char *name;
};

struct ksyms {
	FILE *file;
	pthread_t thread;
	bool loading;
	struct sym *sym; /* by address */
	size_t cnt, cap;
	struct arena names;
};

static int by_addr(const void *a, const void *b)
{
	const struct sym *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* A line of kallsyms: ffffffff81000000 T name [module]; false when it is no function */
static bool parse_line(const char *line, uint64_t *addr, char *name)
{
	char type;

	return sscanf(line, "%" SCNx64 " %c %255s", addr, &type, name) == 3 &&
	       (tolower((unsigned char)type) == 't' || tolower((unsigned char)type) == 'w') &&
	       *addr;
}

static void *load(void *arg)
{
	char line[512], name[256], *copy;
	struct ksyms *k = arg;
	uint64_t addr;
	size_t len;

	while (fgets(line, sizeof(line), k->file)) {
		if (!parse_line(line, &addr, name))
			continue;
		len = strlen(name) + 1;
		copy = arena_alloc(&k->names, len);
		memcpy(copy, name, len);
		k->sym = xgrow(k->sym, k->cnt, &k->cap, sizeof(*k->sym));
		k->sym[k->cnt++] = (struct sym){ addr, copy };
	}
	qsort(k->sym, k->cnt, sizeof(*k->sym), by_addr);
	fclose(k->file);
	return NULL;
}

struct ksyms *ksyms__new(void)
{
	return ksyms__new_from("/proc/kallsyms");
}

struct ksyms *ksyms__new_from(const char *path)
{
	struct ksyms *k = xcalloc(1, sizeof(*k));
	sigset_t all, old;

	k->file = fopen(path, "re");
	if (!k->file)
		return k;
	sigfillset(&all); /* signals are the main loop's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	k->loading = !pthread_create(&k->thread, NULL, load, k);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!k->loading)
		load(k);
	return k;
}

void ksyms__ready(struct ksyms *k)
{
	if (k->loading)
		pthread_join(k->thread, NULL);
	k->loading = false;
}

void ksyms__free(struct ksyms *k)
{
	if (!k)
		return;
	ksyms__ready(k);
	free(k->sym);
	arena_free(&k->names);
	free(k);
}

const char *ksyms__name(struct ksyms *k, uint64_t addr)
{
	size_t lo = 0, hi, mid;

	hi = k->cnt;
	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (k->sym[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr - k->sym[lo - 1].addr <= FUNC_MAX ? k->sym[lo - 1].name : NULL;
}

bool ksyms_visible(void)
{
	char line[512], name[256];
	bool visible = false;
	uint64_t addr;
	FILE *f = fopen("/proc/kallsyms", "re");

	if (!f)
		return false;
	visible = fgets(line, sizeof(line), f) &&
		  sscanf(line, "%" SCNx64 " %*c %255s", &addr, name) == 2;
	while (visible && !addr &&
	       fgets(line, sizeof(line), f)) /* per-CPU symbols may begin at 0 */
		if (sscanf(line, "%" SCNx64, &addr) != 1)
			break;
	fclose(f);
	return visible && addr;
}
