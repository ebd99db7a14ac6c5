// SPDX-License-Identifier: BSD-2-Clause
/* ctrace-bpf -p PID: records running processes. */
#include <errno.h>

#include "cli/cmd.h"
#include "cli/options.h"
#include "output/outfile.h"
#include "record/record.h"
#include "util/strbuf.h"

static int check(const struct options *o, struct strbuf *why)
{
	if (o->nrest)
		strbuf_set_f(why, "'%s' is no option; see ctrace-bpf --help", o->rest[0]);
	else if (!o->npid && !o->all)
		strbuf_set_f(
			why,
			"what shall be recorded? -p PID, or -a for everything; see ctrace-bpf --help");
	else if (o->npid && o->all)
		strbuf_set_f(why,
			     "-a records everything: -p cannot be added to it; give one of them");
	else if (o->raw && outfile_same(o->raw, recording_output(o)))
		strbuf_set_f(why,
			     "-o and --raw name the same file, %s; choose another for one of them",
			     o->raw);
	else
		return 0;
	return -EINVAL;
}

const struct cmd cmd_record = {
	.name = "record",
	.synopsis = "-p PID[,PID…] [-d TIME] [-o FILE] [options]\n       ctrace-bpf -a …",
	.summary = "records what the threads of running processes do, as a Go execution trace",
	.options = FOR_RECORD,
	.check = check,
	.run = record_run,
};
