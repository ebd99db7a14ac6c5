// SPDX-License-Identifier: BSD-2-Clause
/* See pslist.h. */
#define LOG_TAG "ps"

#include "cli/pslist.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "gops/proclist.h"
#include "gops/pstable.h"
#include "util/log.h"
#include "util/strbuf.h"

struct proclist *pslist_open(void)
{
	struct proclist *pl = proclist__new();

	if (!pl)
		log_notice("what processes run on cannot be told: %s", strerror(errno));
	return pl;
}

enum exit_code pslist_tell(const struct options *o, struct proclist *pl,
			   void (*print)(struct strbuf *out, const struct process_set *set),
			   struct strbuf *why)
{
	const char *pattern = o->nrest ? o->rest[0] : NULL;
	struct strbuf out = STRBUF_INIT;
	enum exit_code code = EXIT_FINE;
	struct process_set set;
	int err = proclist__read(pl, PROCLIST_BUDGET_ALONE_NS, &set);

	if (err) {
		strbuf_set_f(why, "cannot list processes: %s", strerror(-err));
		return EXIT_FAILED;
	}
	if (pattern)
		process_set_filter(&set, pattern);
	if (pattern && !set.cnt) {
		strbuf_set_f(why,
			     "no process has '%s' in its name, its program's path or its runtime",
			     pattern);
		code = EXIT_FAILED;
	} else if (o->json) {
		strbuf_addstr(&out, "{\"processes\":");
		process_set_json(&out, &set, NULL);
		strbuf_addstr(&out, "}\n");
	} else {
		print(&out, &set);
	}
	fputs(out.buf, stdout);
	strbuf_free(&out);
	process_set_free(&set);
	return code;
}
