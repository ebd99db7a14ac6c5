// SPDX-License-Identifier: BSD-2-Clause
/* ctrace-bpf view: opens a trace, as the last step of `trace` does. */
#include <errno.h>

#include "cli/cmd.h"
#include "cli/options.h"
#include "gops/tracefile.h"
#include "gops/viewer.h"
#include "util/strbuf.h"

static enum exit_code view(const struct options *o, struct strbuf *why)
{
	int minor = tracefile_check(o->rest[0], why), err;

	if (minor < 0)
		return EXIT_FAILED;
	err = viewer_execute(o->rest[0], minor, o->http, why);
	return err == -ENOENT || err == -ENOEXEC ? EXIT_MACHINE : EXIT_FAILED;
}

static int check(const struct options *o, struct strbuf *why)
{
	if (o->nrest == 1)
		return 0;
	strbuf_set_f(why, "view takes one file; see ctrace-bpf view --help");
	return -EINVAL;
}

const struct cmd cmd_view = {
	.name = "view",
	.synopsis = "view [--http ADDR:PORT] FILE",
	.summary = "opens a trace in go tool trace",
	.options = FOR_VIEW,
	.words = OFFER_FILES,
	.check = check,
	.run = view,
};
