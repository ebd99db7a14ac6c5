// SPDX-License-Identifier: BSD-2-Clause
/* See record.h. What can be wrong is found, and said, before anything is attached. */
#include "record/record.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "annot/annot.h"
#include "capture/capture.h"
#include "capture/features.h"
#include "pipeline.h"
#include "record/recording.h"
#include "space/files.h"
#include "space/spaces.h"
#include "symbol/symbolizer.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/strbuf.h"

#define LOG_TAG "record"

struct target_set *recording_targets(struct recording *r)
{
	return r->o->all ? NULL : &r->targets;
}

static uint32_t config_of(const struct recording *r)
{
	uint32_t config = 0;

	if (r->o->syscalls == SYSCALLS_ALL)
		config |= EV_CONFIG_SYSCALLS;
	if (r->o->syscalls == SYSCALLS_NONE)
		config |= EV_CONFIG_NONAMES;
	if (r->o->all || r->o->follow || r->targets.cnt > 1)
		config |= EV_CONFIG_MANY;
	return config;
}

static enum exit_code prepare(struct recording *r, struct strbuf *why)
{
	enum exit_code code;
	int err;

	/* at once: what comes while we load stops the recording when it begins, and leaves nothing
	 * behind */
	r->signal_fd = session_signals();
	clock_setup();
	if (!r->o->all) {
		err = target_resolve(&r->targets, r->o->pid, r->o->npid, why);
		if (err)
			return recording_target_code(err, why);
	}
	if (features_require(why))
		return EXIT_MACHINE;
	if (recording_open_readers(r, why))
		return EXIT_FAILED;
	if (r->o->all && target_in_container()) {
		strbuf_set_f(why,
			     "-a does not work inside a container: record on the host, or -p here");
		return EXIT_MACHINE;
	}
	if (r->o->all && !features[FEATURE_SEE_ALL].ask()) {
		strbuf_set_f(why, "-a records the processes of every user: %s",
			     features[FEATURE_SEE_ALL].remedy);
		return EXIT_MACHINE;
	}
	if (outputs_open(r, why))
		return EXIT_FAILED;
	code = recording_attach(r, why);
	if (code == EXIT_FINE && outputs_open_pipeline(r, why))
		code = EXIT_FAILED;
	return code;
}

static enum exit_code record(struct recording *r, struct strbuf *why)
{
	enum exit_code code = prepare(r, why);
	struct session_opts opts;

	if (code != EXIT_FINE)
		return code;
	opts = (struct session_opts){
		.capture = r->capture,
		.pipeline = r->pipeline,
		.raw = r->raw,
		.spaces = r->spaces,
		.annot = r->annot,
		.symbolizer = r->symbolizer,
		.names = r->names,
		.targets = recording_targets(r),
		.procs = r->o->all ? &r->procs : &r->targets,
		.config = config_of(r),
		.duration_ns = r->o->duration_ns,
		.progress = isatty(STDERR_FILENO) && log_wants(LOG_TAG, LOG_NOTICE),
		.signal_fd = r->signal_fd,
	};
	if (session_run(&opts, &r->res, why))
		return EXIT_FAILED;
	outputs_finish(r);
	code = outputs_verdict(r, why);
	sumup_print(r, code == EXIT_FAILED ? why->buf : NULL); /* losses are told in any case */
	return code;
}

static void release(struct recording *r)
{
	pipeline__free(r->pipeline);
	outputs_close(r); /* the file is complete before the programs are taken back */
	spaces__free(r->spaces);
	annot__free(r->annot);
	files__free(r->files);
	capture__free(r->capture);
	symbolizer__free(r->symbolizer);
	target_free(&r->targets);
	target_free(&r->procs);
	if (r->signal_fd >= 0)
		close(r->signal_fd);
}

enum exit_code record_run(const struct options *o, struct strbuf *why)
{
	struct recording r = { .o = o, .signal_fd = -1 };
	enum exit_code code = record(&r, why);

	release(&r);
	return code;
}
