// SPDX-License-Identifier: BSD-2-Clause
/* ctrace-bpf -p PID: records running processes. What can be wrong is found, and said, before
 * anything is attached. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "annot/annot.h"
#include "capture/capture.h"
#include "capture/features.h"
#include "capture/rawlog.h"
#include "capture/session.h"
#include "capture/target.h"
#include "cli/cmd.h"
#include "cli/options.h"
#include "cli/summary.h"
#include "event/evlog.h"
#include "output/outfile.h"
#include "pipeline.h"
#include "space/files.h"
#include "space/spaces.h"
#include "symbol/symbolizer.h"
#include "symlog.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/privileges.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "record"

/* Our processes, as capture_opts has them. */
enum { FILES_HELPER, NAMES_HELPER };

struct recording {
	const struct options *o;
	struct target_set targets, procs; /* procs: with -a, to name them */
	struct outfile *out, *raw_file;
	struct rawlog *raw;
	struct capture *capture;
	struct symbolizer *symbolizer; /* NULL: user stacks are not walked */
	struct plan_wishes wishes;     /* for annotations */
	struct files *files;	       /* NULL: no file is read */
	struct annot *annot;	       /* NULL: no annotations are recorded */
	struct spaces *spaces;	       /* NULL: neither of the two */
	struct symlog *names;	       /* NULL: no raw copy is kept */
	struct pipeline *pipeline;
	struct session_result res;
	int signal_fd;
	uint64_t start_ts;
	int64_t wall_offset;
};

static struct target_set *targets_of(struct recording *r)
{
	return r->o->all ? NULL : &r->targets;
}

/* ---- before ---- */

static const char *output_of(const struct options *o)
{
	return o->output ? o->output : "go.trace";
}

static int open_files(struct recording *r, struct strbuf *why)
{
	r->out = outfile__open(output_of(r->o), why);
	if (r->out && r->o->raw)
		r->raw_file = outfile__open(r->o->raw, why);
	return r->out && (r->raw_file || !r->o->raw) ? 0 : -EIO;
}

/* The symbolizer as the encoder sees it. */
static void prefetch(void *ctx, const uint64_t *frame, size_t cnt)
{
	symbolizer__prefetch(ctx, frame, cnt);
}

static size_t resolve(void *ctx, uint64_t frame, const struct sym_frame **out)
{
	return symbolizer__resolve(ctx, frame, out);
}

static void resolved(void *ctx)
{
	symbolizer__forget(ctx);
}

static struct frame_resolver resolver_of(struct recording *r)
{
	struct frame_resolver own = { r->symbolizer, prefetch, resolve, resolved };

	if (!r->symbolizer)
		return (struct frame_resolver){ 0 };
	if (!r->raw_file)
		return own;
	r->names = symlog__new(&own);
	return symlog__resolver(r->names);
}

static int open_pipeline(struct recording *r, struct strbuf *why)
{
	unsigned nstream = capture__ncpu(r->capture) + 1;
	struct evlog_head head = {
		.nstream = nstream,
		.start_mono_ns = r->start_ts,
		.wall_offset_ns = r->wall_offset,
	};

	r->pipeline = pipeline__new(&(struct pipeline_opts){
		.go_minor = (int)r->o->go_minor,
		.first_proc = r->o->first_proc,
		.group_digits = r->o->group_digits,
		.nstream = nstream,
		.start_ts = r->start_ts,
		.wall_offset = r->wall_offset,
		.resolver = resolver_of(r),
		.sink = { outfile__write, r->out },
	});
	if (!r->pipeline) {
		strbuf_set_f(why, "cannot start a thread: %s", strerror(errno));
		return -errno;
	}
	if (!r->raw_file)
		return 0;
	r->raw = rawlog__new(&(struct sink){ outfile__write, r->raw_file }, &head);
	if (!r->raw) {
		strbuf_set_f(why, "cannot start a thread: %s", strerror(errno));
		return -errno;
	}
	return 0;
}

static uint32_t config_of(const struct recording *r)
{
	uint32_t config = 0;

	if (r->o->syscalls == SYSCALLS_ALL)
		config |= EV_CONFIG_SYSCALLS;
	if (r->o->syscalls == SYSCALLS_NONE)
		config |= EV_CONFIG_NONAMES;
	if (r->o->all || r->targets.cnt > 1)
		config |= EV_CONFIG_MANY;
	return config;
}

/* Root whom a target is denied lacks capabilities, not a user. */
static enum exit_code target_code(int err, struct strbuf *why)
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
		.each = !r->o->all,
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
		.targets = r->o->all ? NULL : target,
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
	spaces__read_all(r->spaces);
	capture__helper_has(r->capture, FILES_HELPER, files__worker(r->files));
	return r->annot ? annot__check(r->annot, why) : 0;
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
 * that have something to probe, and not for what may come: programs that say nothing are many. */
static bool probes_take_root(const struct recording *r)
{
	return r->annot && !features[FEATURE_UPROBE_MULTI].ask() &&
	       (r->o->nannot || annot__stats(r->annot).files);
}

/* Everything that needs privileges; they are gone afterwards. */
static enum exit_code attach(struct recording *r, struct strbuf *why)
{
	struct capture_opts opts = {
		.targets = targets_of(r),
		.syscall_hooks = r->o->syscalls == SYSCALLS_ALL,
		.buffer = r->o->buffer,
		.stacks = r->o->stacks,
		.call_graph = r->o->call_graph,
		.sample_hz = r->o->sample_hz,
		.helper = { [FILES_HELPER] = r->files ? files__pid(r->files) : 0,
			    [NAMES_HELPER] = r->symbolizer ? symbolizer__pid(r->symbolizer) : 0 },
		.marks = wants_header(r->o),
		.go = wants_go(r->o),
		.funcs = has_spec(r->o, false),
		.usdt = has_spec(r->o, true),
	};
	int err = 0;

	r->capture = capture__open(&opts, why);
	if (!r->capture)
		return errno == EINVAL ? EXIT_USAGE : EXIT_MACHINE;
	if (r->o->all)
		target_all(&r->procs);
	if (wants_annotations(r->o))
		err = open_annotations(r, why);
	if (!err && (r->annot || capture__walks_user(r->capture)))
		err = open_spaces(r, why);
	if (err)
		return err == -ENOENT ? EXIT_FAILED : EXIT_MACHINE;
	privileges_raise_priority();
	r->start_ts = clock_mono();
	r->wall_offset = clock_wall_offset();
	if (capture__attach(r->capture, why))
		return EXIT_MACHINE;
	/* from here on the kernel side sees each exec; what a target became before that is seen now
	 */
	err = r->o->all ? 0 : target_check(&r->targets, why);
	if (err)
		return target_code(err, why);
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

/* The processes that read what others have written. Forked, so while there is no thread yet. */
static int open_readers(struct recording *r, struct strbuf *why)
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
			return target_code(err, why);
	}
	if (features_require(why))
		return EXIT_MACHINE;
	if (open_readers(r, why))
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
	if (open_files(r, why))
		return EXIT_FAILED;
	code = attach(r, why);
	if (code == EXIT_FINE && open_pipeline(r, why))
		code = EXIT_FAILED;
	return code;
}

/* ---- after ---- */

static double tv_seconds(struct timeval tv)
{
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

/* Walks of user stacks, of all CPUs together; walks has EV_END_MAX of them. */
static void add_walks(const struct recording *r, struct summary *s, uint64_t *walks)
{
	const struct ev_cpu_stat *st;
	unsigned i, k;

	for (i = 0; i < s->ncpu; i++) {
		st = capture__stat(r->capture, i);
		s->walked_frames += st->frames;
		for (k = 0; k < EV_END_MAX; k++)
			walks[k] += st->stacks[k];
	}
	s->walks = walks;
}

/* Sentences, as they come. */
struct sentences {
	char **text;
	size_t cnt, cap;
};

static void keep_sentence(void *ctx, const char *text)
{
	struct sentences *s = ctx;

	s->text = xgrow(s->text, s->cnt, &s->cap, sizeof(*s->text));
	s->text[s->cnt++] = xstrdup(text);
}

static struct summary_troubles troubles_of(const struct sentences *s)
{
	return (struct summary_troubles){ (const char *const *)s->text, s->cnt };
}

static void free_sentences(struct sentences *s)
{
	while (s->cnt)
		free(s->text[--s->cnt]);
	free(s->text);
}

static void add_kernel_counts(const struct recording *r, struct summary *s, uint64_t *lost_cpu)
{
	const struct ev_cpu_stat *st;
	uint64_t missed;
	unsigned i, k, n;

	for (i = 0; i < s->ncpu; i++) {
		st = capture__stat(r->capture, i);
		lost_cpu[i] = st->lost;
		s->no_storage += st->no_storage;
		for (k = 0; k < EV_KERNEL_MAX; k++)
			s->lost_kind[k] += st->lost_kind[k];
	}
	for (i = n = 0; n < SUMMARY_PROGS; i++) {
		s->missed[n].prog = capture__prog(r->capture, i, &missed);
		if (!s->missed[n].prog)
			break;
		s->missed[n].cnt = missed;
		n += missed > 0;
	}
	if (n < SUMMARY_PROGS)
		s->missed[n].prog = NULL;
}

static uint64_t lost_records(const struct recording *r)
{
	uint64_t lost = 0;
	unsigned i;

	for (i = 0; i < capture__ncpu(r->capture); i++)
		lost += capture__stat(r->capture, i)->lost;
	return lost;
}

static void sum_up(const struct recording *r, const char *error)
{
	struct pipeline_stats st = pipeline__stats(r->pipeline);
	unsigned ncpu = capture__ncpu(r->capture);
	uint64_t *lost_cpu = xcalloc(ncpu, sizeof(*lost_cpu));
	struct summary s = {
		.file = outfile__path(r->out),
		.model = st.model,
		.writer = st.writer,
		.late = st.late,
		.recorded = true,
		.error = error,
		.lost_cpu = lost_cpu,
		.ncpu = ncpu,
		.stop_seconds = (double)(clock_mono() - r->res.stop_ns) / 1e9,
		.buffer_bytes = capture__buffer(r->capture),
		.refused = r->res.refused,
	};
	uint64_t walks[EV_END_MAX] = { 0 };
	struct sentences symbols = { 0 }, annots = { 0 };
	struct rusage ru;

	if (capture__walks_user(r->capture))
		add_walks(r, &s, walks);
	if (r->spaces)
		spaces__troubles(r->spaces, keep_sentence, &symbols);
	if (capture__memory_silent(r->capture))
		keep_sentence(&symbols, capture_memory_silent);
	if (r->symbolizer)
		symbolizer__troubles(r->symbolizer, keep_sentence, &symbols);
	if (r->annot)
		annot__troubles(r->annot, keep_sentence, &annots);
	s.symbol_troubles = troubles_of(&symbols);
	s.annot_troubles = troubles_of(&annots);
	getrusage(RUSAGE_SELF, &ru);
	s.user_seconds = tv_seconds(ru.ru_utime);
	s.cpu_seconds = s.user_seconds + tv_seconds(ru.ru_stime);
	s.rss_bytes = (uint64_t)ru.ru_maxrss * 1024;
	add_kernel_counts(r, &s, lost_cpu);
	summary_print(&s, r->o->json);
	free_sentences(&symbols);
	free_sentences(&annots);
	free(lost_cpu);
}

/* What is left to say when the recording itself worked: did the files take it? */
static enum exit_code verdict(const struct recording *r, struct strbuf *why)
{
	if (r->res.raw_err)
		outfile__explain(r->raw_file, r->res.raw_err, why);
	if (r->res.raw_err && r->res.err)
		log_error("%s", why->buf);
	if (r->res.err)
		outfile__explain(r->out, r->res.err, why);
	if (r->res.err || r->res.raw_err)
		return EXIT_FAILED;
	if (r->o->strict && (lost_records(r) || r->res.refused)) {
		strbuf_set_f(why, "records were lost, and --strict was given");
		return EXIT_LOST;
	}
	return EXIT_FINE;
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
		.targets = targets_of(r),
		.procs = r->o->all ? &r->procs : &r->targets,
		.config = config_of(r),
		.duration_ns = r->o->duration_ns,
		.progress = isatty(STDERR_FILENO) && log_wants(LOG_TAG, LOG_NOTICE),
		.signal_fd = r->signal_fd,
	};
	if (session_run(&opts, &r->res, why))
		return EXIT_FAILED;
	if (!r->res.err)
		r->res.err = outfile__finish(r->out);
	if (!r->res.raw_err && r->raw_file)
		r->res.raw_err = outfile__finish(r->raw_file);
	code = verdict(r, why);
	sum_up(r, code == EXIT_FAILED ? why->buf : NULL); /* losses are told in any case */
	return code;
}

static void release(struct recording *r)
{
	pipeline__free(r->pipeline);
	rawlog__free(r->raw);
	if (r->out)
		outfile__close(
			r->out); /* the file is complete before the programs are taken back */
	if (r->raw_file)
		outfile__close(r->raw_file);
	spaces__free(r->spaces);
	annot__free(r->annot);
	files__free(r->files);
	capture__free(r->capture);
	symlog__free(r->names);
	symbolizer__free(r->symbolizer);
	target_free(&r->targets);
	target_free(&r->procs);
	if (r->signal_fd >= 0)
		close(r->signal_fd);
}

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
	else if (o->raw && outfile_same(o->raw, output_of(o)))
		strbuf_set_f(why,
			     "-o and --raw name the same file, %s; choose another for one of them",
			     o->raw);
	else
		return 0;
	return -EINVAL;
}

static enum exit_code run(const struct options *o, struct strbuf *why)
{
	struct recording r = { .o = o, .signal_fd = -1 };
	enum exit_code code = record(&r, why);

	release(&r);
	return code;
}

const struct cmd cmd_record = {
	.name = "record",
	.synopsis = "-p PID[,PID…] [-d TIME] [-o FILE] [options]\n       ctrace-bpf -a …",
	.summary = "records what the threads of running processes do, as a Go execution trace",
	.options = FOR_RECORD,
	.check = check,
	.run = run,
};
