// SPDX-License-Identifier: BSD-2-Clause
/* See record.h. What can be wrong is found, and said, before anything is attached. */
#include "record/record.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "annot/annot.h"
#include "capture/capture.h"
#include "capture/features.h"
#include "capture/halt.h"
#include "capture/launch.h"
#include "pipeline.h"
#include "record/recording.h"
#include "space/files.h"
#include "space/spaces.h"
#include "symbol/symbolizer.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/strbuf.h"

#define LOG_TAG "record"

bool recording_by_rule(const struct options *o)
{
	return o->all || o->cgroup || o->container;
}

struct target_set *recording_targets(struct recording *r)
{
	return recording_by_rule(r->o) ? NULL : &r->targets;
}

static uint32_t config_of(const struct recording *r)
{
	uint32_t config = 0;

	if (r->o->syscalls == SYSCALLS_ALL)
		config |= EV_CONFIG_SYSCALLS;
	if (r->o->syscalls == SYSCALLS_NONE)
		config |= EV_CONFIG_NONAMES;
	if (recording_by_rule(r->o) || r->o->follow || r->targets.cnt > 1)
		config |= EV_CONFIG_MANY;
	return config;
}

/* By which option a rule is given. */
static const char *way_of(const struct options *o)
{
	return o->all ? "-a" : o->cgroup ? "--cgroup" : "--container";
}

int recording_scope(const struct options *o, struct scope *scope, struct strbuf *why)
{
	struct scope_wishes w = {
		.cgroup = o->cgroup,
		.container = o->container,
		.comm = o->comm.v,
		.ncomm = o->comm.cnt,
		.exclude = o->exclude.v,
		.nexclude = o->exclude.cnt,
		.uid = o->uid.v,
		.nuid = o->uid.cnt,
		.kernel_threads = o->kernel_threads,
		.percent = o->sample_processes,
	};

	return scope_resolve(scope, &w, why);
}

static int who_is_meant(struct recording *r, struct strbuf *why)
{
	const struct options *o = r->o;

	if (r->launch)
		return target_launched(&r->targets, (uint32_t)launch__pid(r->launch),
				       launch__path(r->launch), why);
	return recording_by_rule(o) ? recording_scope(o, &r->scope, why) :
				      target_resolve(&r->targets, o->pid, o->npid, why);
}

static enum exit_code prepare(struct recording *r, struct strbuf *why)
{
	enum exit_code code;
	int err;

	/* at once: what comes while we load stops the recording when it begins, and leaves nothing
	 * behind */
	r->signal_fd = session_signals(r->launch);
	clock_setup();
	err = who_is_meant(r, why);
	if (err == -EINVAL && recording_by_rule(r->o))
		return EXIT_USAGE;
	if (err)
		return recording_target_code(err, why);
	if (features_require(why))
		return EXIT_MACHINE;
	if (recording_open_readers(r, why))
		return EXIT_FAILED;
	if (recording_by_rule(r->o) && target_in_container()) {
		strbuf_set_f(why,
			     "%s does not work inside a container: record on the host, or -p here",
			     way_of(r->o));
		return EXIT_MACHINE;
	}
	if (recording_by_rule(r->o) && !features[FEATURE_SEE_ALL].ask()) {
		strbuf_set_f(why, "%s records the processes of every user: %s", way_of(r->o),
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
		.rotation = r->rotation,
		.flight = r->flight,
		.spaces = r->spaces,
		.annot = r->annot,
		.symbolizer = r->symbolizer,
		.names = r->names,
		.targets = recording_targets(r),
		.procs = recording_by_rule(r->o) ? &r->procs : &r->targets,
		.config = config_of(r),
		.scope = recording_by_rule(r->o) ? &r->scope : NULL,
		.duration_ns = r->o->duration_ns,
		/* the terminal is the command's */
		.progress = isatty(STDERR_FILENO) && log_wants(LOG_TAG, LOG_NOTICE) && !r->launch,
		.launch = r->launch,
		.halt = r->halt,
		.signal_fd = r->signal_fd,
		.control = r->part->control,
	};
	if (session_run(&opts, &r->res, why))
		return EXIT_FAILED;
	if (r->spaces) /* the summary tells what it has seen */
		spaces__stop(r->spaces);
	outputs_finish(r);
	code = outputs_verdict(r, why);
	sumup_print(r, code == EXIT_FAILED ? why->buf : NULL); /* losses are told in any case */
	if (r->part->totals)
		sumup_totals(r, r->part->totals);
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
	halt__free(r->halt);
	symbolizer__free(r->symbolizer);
	target_free(&r->targets);
	target_free(&r->procs);
	scope_free(&r->scope);
}

/* The recording is over; the command may not be. What went wrong is told now, not when that ends. */
static enum exit_code wait_for_command(struct recording *r, enum exit_code code, struct strbuf *why)
{
	int status;

	if (code != EXIT_FINE && why->len)
		log_error("%s", why->buf);
	strbuf_reset(why);
	status = launch__wait(r->launch, r->signal_fd, why);
	return status ? (enum exit_code)status : code;
}

enum exit_code record_once(const struct options *o, const struct record_part *part,
			   struct strbuf *why)
{
	struct recording r = { .o = o, .part = part, .claim = -1, .signal_fd = -1 };
	enum exit_code code = EXIT_FINE;
	bool begun;

	if (o->command) /* while nothing is open yet */
		code = (enum exit_code)launch__new(&r.launch, o->command, why);
	if (code == EXIT_FINE)
		code = record(&r, why);
	begun = r.res.begin_ns;
	release(&r);
	if (r.launch && begun) /* else it is none yet, and ends as it is */
		code = wait_for_command(&r, code, why);
	launch__free(r.launch);
	if (r.signal_fd >= 0)
		close(r.signal_fd);
	return code;
}

enum exit_code record_run(const struct options *o, struct strbuf *why)
{
	const struct record_part whole = { .out_fd = -1 };

	return o->duty_ns ? duty_run(o, why) : record_once(o, &whole, why);
}
