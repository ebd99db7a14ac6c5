// SPDX-License-Identifier: BSD-2-Clause
/* ctrace-bpf tree: the processes of `ps`, children below their parents. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/options.h"
#include "gops/proclist.h"
#include "gops/pstable.h"
#include "util/log.h"
#include "util/strbuf.h"

#define LOG_TAG "tree"

static enum exit_code tell(const struct options *o, struct strbuf *why)
{
	struct proclist *pl = proclist__new();
	struct strbuf out = STRBUF_INIT;
	enum exit_code code = EXIT_FINE;
	struct process_set set;
	int err;

	if (!pl)
		log_notice("what processes run on cannot be told: %s", strerror(errno));
	err = proclist__read(pl, PROCLIST_BUDGET_ALONE_NS, &set);
	if (!err && o->nrest)
		process_set_filter(&set, o->rest[0]);
	if (err) {
		strbuf_set_f(why, "cannot list processes: %s", strerror(-err));
		code = EXIT_FAILED;
	} else if (o->nrest && !set.cnt) {
		strbuf_set_f(why,
			     "no process has '%s' in its name, its program's path or its runtime",
			     o->rest[0]);
		code = EXIT_FAILED;
	} else if (o->json) {
		strbuf_addstr(&out, "{\"processes\":");
		process_set_json(&out, &set, NULL);
		strbuf_addstr(&out, "}\n");
	} else {
		pstree_print(&out, &set);
	}
	fputs(out.buf, stdout);
	strbuf_free(&out);
	process_set_free(&set);
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
