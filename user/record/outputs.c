// SPDX-License-Identifier: BSD-2-Clause
/* Where the trace and the raw copy of a recording go; see recording.h. */
#include "record/recording.h"

#include <errno.h>
#include <string.h>

#include "capture/capture.h"
#include "capture/rawlog.h"
#include "event/evlog.h"
#include "output/outfile.h"
#include "pipeline.h"
#include "symbol/symbolizer.h"
#include "symlog.h"
#include "util/log.h"
#include "util/strbuf.h"

#define LOG_TAG "record"

const char *recording_output(const struct options *o)
{
	return o->output ? o->output : "go.trace";
}

int outputs_open(struct recording *r, struct strbuf *why)
{
	r->out = outfile__open(recording_output(r->o), why);
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

int outputs_open_pipeline(struct recording *r, struct strbuf *why)
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

void outputs_finish(struct recording *r)
{
	if (!r->res.err)
		r->res.err = outfile__finish(r->out);
	if (!r->res.raw_err && r->raw_file)
		r->res.raw_err = outfile__finish(r->raw_file);
}

enum exit_code outputs_verdict(const struct recording *r, struct strbuf *why)
{
	if (r->res.raw_err)
		outfile__explain(r->raw_file, r->res.raw_err, why);
	if (r->res.raw_err && r->res.err)
		log_error("%s", why->buf);
	if (r->res.err)
		outfile__explain(r->out, r->res.err, why);
	if (r->res.err || r->res.raw_err)
		return EXIT_FAILED;
	if (r->o->strict && (sumup_lost(r) || r->res.refused)) {
		strbuf_set_f(why, "records were lost, and --strict was given");
		return EXIT_LOST;
	}
	return EXIT_FINE;
}

void outputs_close(struct recording *r)
{
	rawlog__free(r->raw);
	if (r->out)
		outfile__close(r->out);
	if (r->raw_file)
		outfile__close(r->raw_file);
	symlog__free(r->names);
}
