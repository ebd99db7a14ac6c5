// SPDX-License-Identifier: BSD-2-Clause
/* See ledger.h. */
#include "control/ledger.h"

#include <stdbool.h>
#include <stdlib.h>

#include "rights/outdir.h"
#include "util/xalloc.h"

struct entry {
	char *name;
	struct outdir_file file;
};

struct ledger {
	const struct outdir *dir;
	struct entry *entry;
	size_t cnt, cap;
};

struct ledger *ledger__new(const struct outdir *d)
{
	struct ledger *l = xcalloc(1, sizeof(*l));

	l->dir = d;
	return l;
}

void ledger__free(struct ledger *l)
{
	size_t i;

	if (!l)
		return;
	for (i = 0; i < l->cnt; i++)
		free(l->entry[i].name);
	free(l->entry);
	free(l);
}

void ledger__add(struct ledger *l, const char *name, const struct outdir_file *f)
{
	size_t i;

	for (i = 0; i < l->cnt; i++)
		if (l->entry[i].file.dev == f->dev && l->entry[i].file.ino == f->ino)
			break;
	if (i == l->cnt) {
		l->entry = xgrow(l->entry, l->cnt, &l->cap, sizeof(*l->entry));
		l->entry[l->cnt++] = (struct entry){ 0 };
	}
	free(l->entry[i].name);
	l->entry[i] = (struct entry){ xstrdup(name), *f };
}

uint64_t ledger__bytes(struct ledger *l)
{
	uint64_t sum = 0, bytes;
	size_t i, kept = 0;

	for (i = 0; i < l->cnt; i++) {
		if (outdir__bytes(l->dir, l->entry[i].name, &l->entry[i].file, &bytes)) {
			free(l->entry[i].name);
			continue;
		}
		sum += bytes;
		l->entry[kept++] = l->entry[i];
	}
	l->cnt = kept;
	return sum;
}

size_t ledger__count(const struct ledger *l)
{
	return l->cnt;
}
