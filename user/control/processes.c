// SPDX-License-Identifier: BSD-2-Clause
/* See processes.h. Of the others a caller learns nothing: where their programs lie is not told by
 * /proc either. */
#include "control/processes.h"

#include <errno.h>
#include <stdlib.h>

#include "gops/proclist.h"
#include "gops/pstable.h"
#include "util/clock.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define FRESH_NS 1000000000ull

struct processes {
	struct proclist *list;
	struct process_set set;
	uint64_t until_ns; /* the set is taken as it is; 0: there is none */
};

struct processes *processes__new(void)
{
	struct processes *p = xcalloc(1, sizeof(*p));
	int err;

	p->list = proclist__new();
	if (!p->list) {
		err = errno;
		free(p);
		errno = err;
		return NULL;
	}
	return p;
}

static void forget(struct processes *p)
{
	if (p->until_ns)
		process_set_free(&p->set);
	p->until_ns = 0;
}

void processes__free(struct processes *p)
{
	if (!p)
		return;
	forget(p);
	proclist__free(p->list);
	free(p);
}

static int refresh(struct processes *p)
{
	uint64_t began = clock_mono(), took;
	int err;

	if (began < p->until_ns)
		return 0;
	forget(p);
	err = proclist__read(p->list, PROCLIST_BUDGET_NS, &p->set);
	if (err)
		return err;
	took = clock_mono() - began;
	p->until_ns = began + took + (took * 10 > FRESH_NS ? took * 10 : FRESH_NS);
	return 0;
}

json_t *processes__list(struct processes *p, const struct caller *c, const char *pattern)
{
	json_t *all = json_array(), *one;
	struct strbuf text = STRBUF_INIT;
	int err = refresh(p);
	size_t i;

	for (i = 0; !err && i < p->set.cnt; i++) {
		if (!process_may_be_recorded(&p->set.p[i], c) ||
		    (pattern && !process_matches(&p->set.p[i], pattern)))
			continue;
		strbuf_reset(&text);
		process_json(&text, &p->set.p[i], c);
		one = json_loadb(text.buf, text.len, 0, NULL);
		if (one)
			json_array_append_new(all, one);
	}
	strbuf_free(&text);
	if (err) {
		json_decref(all);
		errno = -err;
		return NULL;
	}
	return all;
}
