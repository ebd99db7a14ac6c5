// SPDX-License-Identifier: BSD-2-Clause
/* See body.h. */
#include "annot/body.h"

#include "annot/codefile.h"
#include "annot/insns.h"
#include "annot/pieces.h"
#include "annot/refuse.h"
#include "annot/sound.h"

int body_read(struct body *b, struct codefile *f, uint64_t addr, uint64_t size, struct strbuf *why)
{
	struct insns c;
	int err;

	*b = (struct body){ 0 };
	if (f->go && !codefile_span(f, addr))
		return refuse(why, "is written in Go, whose stacks move");
	if (codefile_stack(f, addr) == CODEFILE_FRAME)
		return refuse(why, "is not called as functions are");
	err = pieces_read(&c, f, addr, size, why);
	if (!err)
		err = exits_find(&b->exits, &c, f, why);
	if (!err)
		err = sound_ends(&c, why);
	if (!err)
		err = sound_exits(&c, &b->exits, f->catches, why);
	if (!err)
		err = entry_choose(&b->entry, &c, &b->exits, why);
	insns_free(&c);
	return err;
}

void body_free(struct body *b)
{
	exits_free(&b->exits);
}
