// SPDX-License-Identifier: BSD-2-Clause
/* ctrace-bpf tree: the processes of `ps`, children below their parents. */
#include <errno.h>

#include "cli/cmd.h"
#include "cli/options.h"
#include "cli/pslist.h"
#include "gops/proclist.h"
#include "gops/pstable.h"
#include "util/strbuf.h"

static enum exit_code tell(const struct options *o, struct strbuf *why)
{
	struct proclist *pl = pslist_open();
	enum exit_code code = pslist_tell(o, pl, pstree_print, why);

	proclist__free(pl);
	return code;
}

static int check(const struct options *o, struct strbuf *why)
{
	if (o->nrest <= 1)
		return 0;
	strbuf_set_f(why, "tree takes one word; see ctrace-bpf tree --help");
	return -EINVAL;
}

const struct cmd cmd_tree = {
	.name = "tree",
	.synopsis = "tree [--json] [WORD]",
	.summary = "the same, children below their parents",
	.options = FOR_TREE,
	.words = OFFER_NAMES,
	.check = check,
	.run = tell,
};
