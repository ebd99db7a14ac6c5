// SPDX-License-Identifier: BSD-2-Clause
/* What a recording needs privileges for; see recording.h. */
#include "record/recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "annot/annot.h"
#include "capture/capture.h"
#include "capture/features.h"
#include "capture/halt.h"
#include "capture/launch.h"
#include "space/files.h"
#include "space/spaces.h"
#include "symbol/symbolizer.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/privileges.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "record"

#define IRQ_LONG_NS 1000000 /* with -a, where nothing else is said */

enum exit_code recording_target_code(int err, struct strbuf *why)
{
	if (err == -EPERM && !getuid())
		features_require(why);
	return err == -EPERM ? EXIT_MACHINE : EXIT_FAILED;
}

/* Each file that holds code of somebody is kept open. */
static void allow_many_files(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim))
		return;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
}

static bool wants_header(const struct options *o)
{
	return o->annotations == LISTEN_AUTO;
}

static bool wants_annotations(const struct options *o)
{
	return wants_header(o) || o->nannot;
}

static bool wants_go(const struct options *o)
{
	return wants_header(o) && o->go == LISTEN_AUTO;
}

/*
 * Children come at any time, and speak at once: news of them are too late to set probes by. So
 * where there may be some, a file is probed in whoever maps it, and the kernel side throws away
 * what is not meant. Who records his own processes alone must not burden those of others.
 */
static bool probes_each(const struct options *o)
{
	return !recording_by_rule(o) && !(o->follow && features[FEATURE_SEE_ALL].ask());
}

/* 0; -ENOTSUP with the sentence in why when the user has asked for what these rights do not give.
 * What programs say by themselves is left out then with a notice. */
static int open_annotations(struct recording *r, struct strbuf *why)
{
	if (!features_may_probe()) {
		strbuf_set_f(why, "no annotations: %s", features[FEATURE_UPROBE_MULTI].remedy);
		if (r->o->nannot)
			return -ENOTSUP;
		log_notice("%s", why->buf);
		strbuf_reset(why);
		return 0;
	}
	r->wishes.calls = features_probes_call();
	r->annot = annot__new(&(struct annot_opts){
		.capture = r->capture,
		.wishes = r->wishes,
		.files = r->files,
		.each = probes_each(r->o),
	});
	return 0;
}

/* Whose code is where has to be known before the first stack is walked, and the first probe is set.
 */
static int open_spaces(struct recording *r, struct strbuf *why)
{
	struct space_target *target = xcalloc(r->targets.cnt + 1, sizeof(*target));
	struct spaces_opts opts = {
		.walks = capture__walks_user(r->capture),
		.maps = capture__tables(r->capture),
		.annot = r->annot,
		.targets_fd = capture__targets_fd(r->capture),
		.symbolizer = r->symbolizer,
		.files = r->files,
		/* children are known by the map; inside a container only as their parents */
		.targets = recording_by_rule(r->o) || (r->o->follow && !target_in_container()) ?
				   NULL :
				   target,
		.ntargets = r->targets.cnt,
	};
	size_t i;

	for (i = 0; i < r->targets.cnt; i++)
		target[i] = (struct space_target){ r->targets.t[i].pid, r->targets.t[i].tgid };
	allow_many_files();
	r->spaces = spaces__new(&opts, why);
	free(target);
	if (!r->spaces)
		return -errno;
	if (r->launch) /* what it is now does not matter */
		return 0;
	spaces__read_all(r->spaces);
	capture__helper_has(r->capture, FILES_HELPER, files__worker(r->files));
	return r->annot ? annot__check(r->annot, true, why) : 0;
}

/* Where somebody wants to know its code, the program is held until we know it. */
static int open_halt(struct recording *r, struct strbuf *why)
{
	r->halt = halt__new(&(struct halt_opts){
		.capture = r->capture,
		.launch = r->launch,
		.target = &r->targets.t[0],
		.spaces = r->spaces,
		.files = r->files,
		.annot = r->annot,
	});
	if (r->halt)
		return 0;
	strbuf_set_f(why, "cannot hold %s while it starts: %s", launch__name(r->launch),
		     strerror(errno));
	return -errno;
}

/* How long an interrupt takes that is told. */
static uint64_t long_irq(const struct options *o)
{
	if (o->irq_ns != IRQ_UNSAID)
		return o->irq_ns;
	return o->all ? IRQ_LONG_NS : 0;
}

/* Has the user named functions, or markers (usdt)? */
static bool has_spec(const struct options *o, bool usdt)
{
	size_t i;

	for (i = 0; i < o->nannot; i++)
		if ((o->annot[i].kind != SPEC_REGION) == usdt)
			return true;
	return false;
}

/* Without uprobe_multi setting a probe takes nearly all rights there are. They are kept for those
 * that have something to probe, and for a command, whose files are not known yet; not for what may
 * come: programs that say nothing are many. */
static bool probes_take_root(const struct recording *r)
{
	return r->annot && !features[FEATURE_UPROBE_MULTI].ask() &&
	       (r->launch || r->o->nannot || annot__stats(r->annot).files);
}

enum exit_code recording_attach(struct recording *r, struct strbuf *why)
{
	struct capture_opts opts = {
		.targets = recording_targets(r),
		.scope = recording_by_rule(r->o) ? &r->scope : NULL,
		.follow = r->o->follow,
		.syscall_hooks = r->o->syscalls == SYSCALLS_ALL,
		.buffer = r->o->buffer,
		.stacks = r->o->stacks,
		.call_graph = r->o->call_graph,
		.irq_ns = long_irq(r->o),
		.sample_hz = r->o->sample_hz,
		.helper = { [FILES_HELPER] = r->files ? files__pid(r->files) : 0,
			    [NAMES_HELPER] = r->symbolizer ? symbolizer__pid(r->symbolizer) : 0 },
		.marks = wants_header(r->o),
		.go = wants_go(r->o),
		.funcs = has_spec(r->o, false),
		.usdt = has_spec(r->o, true),
		.launch = r->launch,
	};
	int err = 0;

	r->capture = capture__open(&opts, why);
	if (!r->capture)
		return errno == EINVAL ? EXIT_USAGE : EXIT_MACHINE;
	if (recording_by_rule(r->o))
		target_all(&r->procs);
	if (wants_annotations(r->o))
		err = open_annotations(r, why);
	if (!err && (r->annot || capture__walks_user(r->capture)))
		err = open_spaces(r, why);
	if (!err && r->launch && r->spaces)
		err = open_halt(r, why);
	if (err)
		return err == -ENOENT ? EXIT_FAILED : EXIT_MACHINE;
	privileges_raise_priority();
	r->start_ts = clock_mono();
	r->wall_offset = clock_wall_offset();
	if (capture__attach(r->capture, why))
		return EXIT_MACHINE;
	/* from here on the kernel side sees each exec; what a target became before that is seen now
	 */
	err = recording_by_rule(r->o) || r->launch ? 0 : target_check(&r->targets, why);
	if (err)
		return recording_target_code(err, why);
	err = privileges_drop((r->spaces ? PRIVILEGES_READ : 0) |
			      (probes_take_root(r) ? PRIVILEGES_PROBES : 0));
	if (!err && r->spaces)
		err = spaces__start(r->spaces);
	if (!err && r->spaces)
		err = privileges_drop_reading(); /* that thread alone reads what belongs to others */
	if (err) {
		strbuf_set_f(why, "cannot drop privileges: %s", strerror(-err));
		return EXIT_FAILED;
	}
	return EXIT_FINE;
}

int recording_open_readers(struct recording *r, struct strbuf *why)
{
	bool names = r->o->call_graph && (r->o->stacks || r->o->sample_hz);

	r->wishes = (struct plan_wishes){
		.header = wants_header(r->o),
		.go = wants_go(r->o),
		.spec = r->o->annot,
		.nspec = r->o->nannot,
	};
	if (names && !(r->symbolizer = symbolizer__new())) {
		strbuf_set_f(why, "cannot start a process that reads symbols: %s", strerror(errno));
		return -errno;
	}
	if ((names || wants_annotations(r->o)) && !(r->files = files__new(&r->wishes))) {
		strbuf_set_f(why, "cannot start a process that reads files: %s", strerror(errno));
		return -errno;
	}
	return 0;
}
