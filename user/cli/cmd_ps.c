// SPDX-License-Identifier: BSD-2-Clause
/* ctrace-bpf ps: what can be recorded, as gops lists Go programs; ctrace-bpf ps PID: one of them in
 * full. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/options.h"
#include "cli/pslist.h"
#include "gops/detail.h"
#include "gops/proclist.h"
#include "gops/pstable.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/procfs.h"
#include "util/strbuf.h"

#define LOG_TAG "ps"
#define PID_MAX_LIMIT 4194304
#define LOOK_MAX_NS (3600ull * 1000000000)

static bool is_pid(const char *word, uint64_t *pid)
{
	return !parse_u64(word, pid);
}

/* The process that is meant by a number, which may be that of a thread. 0, or -errno with the
 * sentence in why. */
static int find_process(uint64_t *pid, struct strbuf *why)
{
	struct proc_info st;
	int err = *pid > PID_MAX_LIMIT ? -ESRCH : procfs_status((uint32_t)*pid, &st);

	if (err == -ESRCH) {
		strbuf_set_f(why, "no process with pid %" PRIu64, *pid);
	} else if (err) {
		strbuf_set_f(why, "cannot look at pid %" PRIu64 ": %s", *pid, strerror(-err));
	} else if (st.kthread) {
		strbuf_set_f(why, "pid %" PRIu64 " (%s) is a kernel thread: it runs no program",
			     *pid, st.comm);
		err = -ESRCH;
	} else if (st.tgid != *pid) {
		log_notice("%" PRIu64 " is a thread of process %u", *pid, st.tgid);
		*pid = st.tgid;
	}
	return err;
}

static enum exit_code tell_one(const struct options *o, struct proclist *pl, uint64_t pid,
			       struct strbuf *why)
{
	struct strbuf out = STRBUF_INIT;
	uint64_t looking_ns = 0;
	struct detail d;
	int err;

	if (find_process(&pid, why))
		return EXIT_FAILED;
	if (o->nrest > 1)
		parse_duration(o->rest[1], &looking_ns);
	err = detail_read(&d, pl, (uint32_t)pid, looking_ns);
	if (err == -ESRCH)
		strbuf_set_f(why, "process %" PRIu64 " has ended", pid);
	else if (err)
		strbuf_set_f(why, "cannot look at process %" PRIu64 ": %s", pid, strerror(-err));
	else if (o->json)
		detail_json(&out, &d);
	else
		detail_print(&out, &d);
	if (o->json && !err)
		strbuf_addch(&out, '\n');
	fputs(out.buf, stdout);
	strbuf_free(&out);
	detail_free(&d);
	return err ? EXIT_FAILED : EXIT_FINE;
}

static enum exit_code tell(const struct options *o, struct strbuf *why)
{
	struct proclist *pl = pslist_open();
	enum exit_code code;
	uint64_t pid;

	if (o->nrest && is_pid(o->rest[0], &pid))
		code = tell_one(o, pl, pid, why);
	else
		code = pslist_tell(o, pl, pstable_print, why);
	proclist__free(pl);
	return code;
}

static int check(const struct options *o, struct strbuf *why)
{
	uint64_t pid, ns;

	if (o->nrest == 2 && is_pid(o->rest[0], &pid)) {
		if (!parse_duration(o->rest[1], &ns) && ns && ns <= LOOK_MAX_NS)
			return 0;
		strbuf_set_f(why, "ps %s %s: not a time to look at it; write 2s", o->rest[0],
			     o->rest[1]);
		return -EINVAL;
	}
	if (o->nrest <= 1)
		return 0;
	strbuf_set_f(why, "ps takes one PID or one word; see ctrace-bpf ps --help");
	return -EINVAL;
}

const struct cmd cmd_ps = {
	.name = "ps",
	.synopsis = "ps [--json] [WORD | PID [TIME]]",
	.summary = "lists processes and what they run on; * has markers",
	.options = FOR_PS,
	.words = OFFER_NAMES_AND_PIDS,
	.check = check,
	.run = tell,
};
