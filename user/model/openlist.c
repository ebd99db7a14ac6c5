// SPDX-License-Identifier: BSD-2-Clause
/*
 * The regions that are open: those of a G from the outermost to the innermost, and those of all Gs
 * from the oldest to the newest. Programs may begin and never end, so that all of them together,
 * with their names, have so much memory and no more. The oldest is forgotten when there is need.
 *
 * Readers still have it open, as the outermost one of its G, which does no harm: what is begun
 * inside of it ends inside of it. It ends with its G.
 */
#include <stdlib.h>

#include "model/state.h"
#include "util/xalloc.h"

#define OPEN_BYTES_MAX (16u << 20)
#define REGION_BYTES (sizeof(struct region) + 40) /* with what malloc and its number take */

static size_t name_bytes(const struct mark_text *name)
{
	return sizeof(*name) + name->len;
}

/* Many regions may have the same name. */
static void charge(struct open_list *l, struct mark_text *name)
{
	l->bytes += REGION_BYTES;
	if (!name->open++)
		l->bytes += name_bytes(name);
}

static void discharge(struct open_list *l, struct mark_text *name)
{
	l->bytes -= REGION_BYTES;
	if (!--name->open)
		l->bytes -= name_bytes(name);
}

static void link_newest(struct open_list *l, struct region *r)
{
	r->older = l->newest;
	if (l->newest)
		l->newest->newer = r;
	else
		l->oldest = r;
	l->newest = r;
}

static void unlink_age(struct open_list *l, struct region *r)
{
	if (r->older)
		r->older->newer = r->newer;
	else
		l->oldest = r->newer;
	if (r->newer)
		r->newer->older = r->older;
	else
		l->newest = r->older;
}

static void link_innermost(struct regions *rs, struct region *r)
{
	r->of = rs;
	r->outer = rs->innermost;
	if (r->outer)
		r->outer->inner = r;
	rs->innermost = r;
	rs->cnt++;
	rs->known += !r->before;
}

static void unlink_depth(struct regions *rs, struct region *r)
{
	if (r->outer)
		r->outer->inner = r->inner;
	if (r->inner)
		r->inner->outer = r->outer;
	else
		rs->innermost = r->outer;
	rs->cnt--;
	rs->known -= !r->before;
}

static void forget(struct model *m, struct region *r)
{
	struct regions *rs = r->of;

	rs->known += !r->before; /* readers do not forget */
	rs->gone[r->by]++;
	marks_count(m, MARK_COUNT_FORGOTTEN);
	openlist_del(m, r, false);
}

void openlist_add(struct model *m, struct regions *rs, const struct region *region)
{
	struct open_list *l = &m->open;
	struct region *r = xmalloc(sizeof(*r));

	*r = *region;
	link_innermost(rs, r);
	link_newest(l, r);
	charge(l, r->name);
	numbers_open(&m->numbers, r);
	while (l->bytes > OPEN_BYTES_MAX && l->oldest != r)
		forget(m, l->oldest);
}

void openlist_del(struct model *m, struct region *r, bool ended)
{
	numbers_close(&m->numbers, r, ended);
	discharge(&m->open, r->name);
	unlink_age(&m->open, r);
	unlink_depth(r->of, r);
	marktext_put(r->name);
	free(r);
}
