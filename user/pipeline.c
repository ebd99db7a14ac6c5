// SPDX-License-Identifier: BSD-2-Clause
/* See pipeline.h. */
#include "pipeline.h"

#include <errno.h>
#include <stdlib.h>

#include "event/merge.h"
#include "util/xalloc.h"

struct pipeline {
	struct merge *merge;
	struct model *model;
	struct trace_writer *writer;
	bool closed;
};

static void feed(void *ctx, const struct ev_hdr *rec, size_t len)
{
	struct pipeline *p = ctx;

	model__feed(p->model, rec, len);
}

struct pipeline *pipeline__new(const struct pipeline_opts *o)
{
	struct pipeline *p = xcalloc(1, sizeof(*p));

	p->writer = trace_writer__new(&(struct trace_writer_opts){
		.go_minor = o->go_minor,
		.start_ts = o->start_ts,
		.wall_offset = o->wall_offset,
		.resolver = o->resolver,
		.sink = o->sink,
		.parts = o->parts,
		.gen_bytes = o->gen_bytes,
	});
	if (!p->writer) {
		free(p);
		return NULL;
	}
	p->model = model__new(&(struct model_opts){
		.writer = p->writer,
		.go_minor = o->go_minor,
		.first_proc = o->first_proc,
		.group_digits = o->group_digits,
		.openings = o->openings,
		.trigger = o->trigger,
		.ntrigger = o->ntrigger,
		.triggered = o->triggered,
		.start_ts = o->start_ts,
		.wall_offset = o->wall_offset,
	});
	p->merge = merge__new(o->nstream, feed, p);
	return p;
}

void pipeline__free(struct pipeline *p)
{
	if (!p)
		return;
	merge__free(p->merge);
	model__free(p->model);
	trace_writer__free(p->writer);
	free(p);
}

void pipeline__push(struct pipeline *p, unsigned stream, const void *rec, size_t len)
{
	if (((const struct ev_hdr *)rec)->kind != EV_SYM) /* means nothing here, see recorded.h */
		merge__push(p->merge, stream, rec, len);
}

void pipeline__advance(struct pipeline *p, uint64_t watermark)
{
	merge__advance(p->merge, watermark);
	model__advance(p->model, watermark);
}

bool pipeline__stalled(struct pipeline *p)
{
	return trace_writer__stalled(p->writer);
}

void pipeline__wait(struct pipeline *p)
{
	trace_writer__wait(p->writer);
}

void pipeline__close(struct pipeline *p)
{
	if (p->closed)
		return;
	p->closed = true;
	merge__flush(p->merge);
	model__finish(p->model);
	trace_writer__close(p->writer);
}

bool pipeline__written(struct pipeline *p)
{
	return trace_writer__done(p->writer);
}

void pipeline__abandon(struct pipeline *p)
{
	trace_writer__abandon(p->writer);
}

int pipeline__finish(struct pipeline *p)
{
	pipeline__close(p);
	return trace_writer__finish(p->writer);
}

bool pipeline__has_threads(const struct pipeline *p)
{
	return model__has_threads(p->model);
}

struct pipeline_stats pipeline__stats(struct pipeline *p)
{
	return (struct pipeline_stats){
		.model = model__stats(p->model),
		.writer = trace_writer__stats(p->writer),
		.late = merge__late(p->merge),
	};
}
