// SPDX-License-Identifier: BSD-2-Clause
/* ctrace-bpf -p PID: records running processes; ctrace-bpf -- CMD: one that it starts. */
#include "cli/check.h"
#include "cli/cmd.h"
#include "cli/options.h"
#include "record/proxy.h"
#include "record/record.h"

static enum exit_code run(const struct options *o, struct strbuf *why)
{
	return proxy_is_due(o) ? proxy_run(o, why) : record_run(o, why);
}

const struct cmd cmd_record = {
	.name = "record",
	.synopsis =
		"-p PID[,PID…] [-d TIME] [-o FILE] [options]\n       ctrace-bpf -a | --cgroup PATH | --container ID …\n       ctrace-bpf [options] -- CMD ARGS…",
	.summary = "records what the threads of programs do, as a Go execution trace",
	.options = FOR_RECORD,
	.check = check_recording,
	.run = run,
};
