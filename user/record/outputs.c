// SPDX-License-Identifier: BSD-2-Clause
/* Where the trace and the raw copy of a recording go; see recording.h. */
#include "record/recording.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/rawlog.h"
#include "event/evlog.h"
#include "output/claim.h"
#include "output/flight.h"
#include "output/outfile.h"
#include "output/rotation.h"
#include "output/space.h"
#include "output/trail.h"
#include "pipeline.h"
#include "symbol/symbolizer.h"
#include "symlog.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strbuf.h"

#define LOG_TAG "record"

const char *recording_output(const struct options *o)
{
	return o->output ? o->output : "go.trace";
}

static bool has_many_files(const struct options *o)
{
	return o->rotate_ns || o->rotate_bytes || o->flight_ns;
}

/* Later the recording would end with nothing. */
static int check_space(const struct recording *r, struct strbuf *why)
{
	char is[16], min[16];
	uint64_t room;
	int err;

	if (!r->o->min_free)
		return 0;
	err = r->out ? space_at(outfile__fd(r->out), &room) :
		       space_beside(recording_output(r->o), &room);
	if (err || room >= r->o->min_free)
		return 0; /* a file system that cannot tell is taken to have it */
	strbuf_set_f(why, "the disk of %s has %s left, and --min-free asks for %s",
		     recording_output(r->o), format_size(is, room),
		     format_size(min, r->o->min_free));
	return -ENOSPC;
}

static struct outfile *open_one(const struct recording *r, struct strbuf *why)
{
	const char *name = recording_output(r->o);

	return r->part->out_fd >= 0 ? outfile__adopt(r->part->out_fd, name, why) :
				      outfile__open(name, why);
}

int outputs_open(struct recording *r, struct strbuf *why)
{
	if (has_many_files(r->o)) {
		if (outfile_check_more(recording_output(r->o), why))
			return -EIO;
		if (!r->part->claimed && claim_series(recording_output(r->o), &r->claim, why))
			return -EIO;
	} else {
		r->out = open_one(r, why);
		if (!r->out)
			return -EIO;
	}
	if (check_space(r, why))
		return -ENOSPC;
	if (r->o->raw)
		r->raw_file = outfile__open(r->o->raw, why);
	return r->raw_file || !r->o->raw ? 0 : -EIO;
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

/* The smallest of what is bounded. */
static size_t gen_bytes(const struct options *o)
{
	uint64_t bytes = o->rotate_bytes;

	if (o->max_size && (!bytes || o->max_size < bytes))
		bytes = o->max_size;
	return rotation_gen_bytes(bytes);
}

static void set_rotation(struct recording *r, struct pipeline_opts *opts)
{
	const struct options *o = r->o;

	if (!o->rotate_ns && !o->rotate_bytes && !o->max_size && !o->min_free)
		return;
	r->rotation = rotation__new(&(struct rotation_opts){
		.one = r->out,
		.path = recording_output(o),
		.file_bytes = o->rotate_bytes,
		.period_ns = o->rotate_ns,
		.keep = o->keep,
		.max_size = o->max_size,
		.min_free = o->min_free,
		.wall_offset = r->wall_offset,
	});
	opts->parts = (struct part_sink){ rotation__take, r->rotation };
	opts->openings = o->rotate_bytes;
	opts->gen_bytes = gen_bytes(o);
}

/* So that the bytes that are kept are several generations, and can be close to what was asked for. */
#define FLIGHT_GENERATIONS 8
#define GEN_BYTES_MIN (64u << 10)
#define GEN_BYTES_MAX (4u << 20)

static size_t flight_gen_bytes(const struct options *o)
{
	uint64_t bytes = o->flight_bytes / FLIGHT_GENERATIONS;

	return bytes < GEN_BYTES_MIN ? GEN_BYTES_MIN :
	       bytes < GEN_BYTES_MAX ? bytes :
				       GEN_BYTES_MAX;
}

static bool wants_end(const struct options *o)
{
	size_t i;

	for (i = 0; i < o->ntrigger; i++)
		if (o->trigger[i].kind == TRIGGER_END)
			return true;
	return false;
}

static void triggered(void *ctx, uint64_t ts, const char *text)
{
	flight__ask(ctx, FLIGHT_TRIGGER, ts, text);
}

static int open_flight(struct recording *r, struct strbuf *why)
{
	r->flight = flight__new(&(struct flight_opts){
		.base = recording_output(r->o),
		.min_ns = r->o->flight_ns,
		.max_bytes = r->o->flight_bytes,
		.keep = r->o->keep,
		.max_size = r->o->max_size,
		.min_free = r->o->min_free,
		.gap_ns = r->o->trigger_gap_ns == TRIGGER_GAP_UNSAID ? TRIGGER_GAP_NS :
								       r->o->trigger_gap_ns,
		.at_end = wants_end(r->o),
	});
	if (r->flight)
		return 0;
	strbuf_set_f(why, "cannot start a thread: %s", strerror(errno));
	return -EAGAIN;
}

int outputs_open_pipeline(struct recording *r, struct strbuf *why)
{
	unsigned nstream = capture__ncpu(r->capture) + 1;
	struct evlog_head head = {
		.nstream = nstream,
		.start_mono_ns = r->start_ts,
		.wall_offset_ns = r->wall_offset,
	};

	struct pipeline_opts opts = {
		.go_minor = (int)r->o->go_minor,
		.first_proc = r->o->first_proc,
		.group_digits = r->o->group_digits,
		.nstream = nstream,
		.start_ts = r->start_ts,
		.wall_offset = r->wall_offset,
		.resolver = resolver_of(r),
		.sink = { outfile__write, r->out },
	};

	if (!r->o->flight_ns) {
		set_rotation(r, &opts);
	} else {
		if (open_flight(r, why))
			return -EAGAIN;
		opts.parts = (struct part_sink){ flight__take, r->flight };
		opts.openings = true;
		opts.trigger = r->o->trigger;
		opts.ntrigger = r->o->ntrigger;
		opts.triggered = (struct trigger_sink){ triggered, r->flight };
		opts.gen_bytes = flight_gen_bytes(r->o);
	}
	r->pipeline = pipeline__new(&opts);
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

void outputs_finish(struct recording *r)
{
	if (!r->res.err && r->rotation)
		r->res.err = rotation__finish(r->rotation);
	if (!r->res.err && r->out)
		r->res.err = outfile__finish(r->out);
	if (!r->res.raw_err && r->raw_file)
		r->res.raw_err = outfile__finish(r->raw_file);
}

/* What the newest one that failed has to say. */
static void explain_flight(const struct recording *r, struct strbuf *why)
{
	struct flight_stats st = flight__stats(r->flight);

	if (r->res.err)
		strbuf_set_f(why, "the flight recorder was given up: %s", strerror(-r->res.err));
	else if (st.error)
		strbuf_set_f(why, "%s", st.error);
	if (r->res.flight_err == -ECANCELED)
		strbuf_set_f(why, "a snapshot was given up: the disk does not take it");
}

enum exit_code outputs_verdict(const struct recording *r, struct strbuf *why)
{
	if (r->res.raw_err)
		outfile__explain(r->raw_file, r->res.raw_err, why);
	if (r->res.raw_err && r->res.err)
		log_error("%s", why->buf);
	if (r->res.err && r->rotation)
		rotation__explain(r->rotation, r->res.err, why);
	else if (r->res.err && r->out)
		outfile__explain(r->out, r->res.err, why);
	if (r->flight && (r->res.err || r->res.flight_err))
		explain_flight(r, why);
	if (r->res.err || r->res.raw_err || r->res.flight_err)
		return EXIT_FAILED;
	if (r->rotation && rotation__enough(r->rotation)) {
		rotation__explain_end(r->rotation, pipeline__stats(r->pipeline).model->begin_ts,
				      why);
		if (!rotation__files(r->rotation)->written)
			return EXIT_FAILED;
		log_notice("%s", why->buf);
		strbuf_reset(why);
	}
	if (r->o->strict && (sumup_lost(r) || r->res.refused)) {
		strbuf_set_f(why, "records were lost, and --strict was given");
		return EXIT_LOST;
	}
	if (r->o->strict && capture__unfollowed(r->capture)) {
		strbuf_set_f(why, "processes were left out, and --strict was given");
		return EXIT_LOST;
	}
	return EXIT_FINE;
}

void outputs_close(struct recording *r)
{
	rawlog__free(r->raw);
	rotation__free(r->rotation);
	flight__free(r->flight);
	if (r->out)
		outfile__close(r->out);
	if (r->raw_file)
		outfile__close(r->raw_file);
	if (r->claim >= 0)
		close(r->claim);
	symlog__free(r->names);
}
