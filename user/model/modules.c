// SPDX-License-Identifier: BSD-2-Clause
/*
 * How the walks of user stacks ended, and in whose code: the module of the outermost frame that was
 * found is the one that did not lead on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/state.h"
#include "util/xalloc.h"

#define MODULES_MAX 8192 /* of which we count by name */

static struct model_module *module(struct model *m, uint32_t number)
{
	struct model_stats *st = &m->stats;
	uint64_t *slot;

	if (st->nmodule >= MODULES_MAX && !u64map_get(&m->modules, number + 1ull))
		return NULL;
	slot = u64map_put(&m->modules, number + 1ull, NULL);
	if (!*slot) {
		st->module = xgrow(st->module, st->nmodule, &m->cap_module, sizeof(*st->module));
		memset(&st->module[st->nmodule], 0, sizeof(*st->module));
		snprintf(st->module[st->nmodule].name, sizeof(st->module->name),
			 number ? "module %u" : "[unmapped]", number);
		*slot = ++st->nmodule;
	}
	return &st->module[*slot - 1];
}

void modules_walk_ended(struct model *m, const struct ev_stack *ev)
{
	struct model_module *mod;

	if (ev->end == EV_END_NONE)
		return;
	m->stats.stacks[ev->end]++;
	m->stats.user_frames += ev->nuser;
	if (ev->end == EV_END_COMPLETE || !ev->nuser)
		return;
	mod = module(m, EV_FRAME_MODULE(ev->pc[ev->nkernel + ev->nuser - 1]));
	if (mod)
		mod->ends[ev->end]++;
}

/* Of the path the last part; of one that is too long the end. */
void on_module(struct model *m, const struct ev_hdr *h, size_t len)
{
	const struct ev_module *ev = (const struct ev_module *)h;
	struct model_module *mod = h->arg ? module(m, h->arg) : NULL;
	size_t n = strnlen(ev->path, len - EV_MODULE_SHORT), i;

	if (!mod)
		return;
	for (i = n; i && ev->path[i - 1] != '/'; i--)
		;
	if (n - i >= sizeof(mod->name))
		i = n - sizeof(mod->name) + 1;
	memcpy(mod->name, ev->path + i, n - i);
	mod->name[n - i] = '\0';
}
