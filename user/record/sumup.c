// SPDX-License-Identifier: BSD-2-Clause
/* What is said at the end of a recording; see recording.h. */
#include "record/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "annot/annot.h"
#include "capture/capture.h"
#include "cli/summary.h"
#include "output/flight.h"
#include "output/outfile.h"
#include "output/rotation.h"
#include "output/trail.h"
#include "pipeline.h"
#include "space/spaces.h"
#include "symbol/symbolizer.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define LOG_TAG "record"

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

static void add_files(const struct recording *r, struct summary *s)
{
	uint64_t begin = s->model->begin_ts, told = rotation__told(r->rotation);

	s->ended = rotation_end_option(rotation__enough(r->rotation));
	s->ended_seconds = told > begin ? (double)(told - begin) / 1e9 : 0;
	if (r->out)
		s->writer.bytes = rotation__files(r->rotation)->bytes;
	else
		summary_add_files(s, rotation__files(r->rotation));
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

uint64_t sumup_lost(const struct recording *r)
{
	uint64_t lost = 0;
	unsigned i;

	for (i = 0; i < capture__ncpu(r->capture); i++)
		lost += capture__stat(r->capture, i)->lost;
	return lost;
}

static void add_last(struct record_totals *t, const struct trail *files)
{
	const struct trail_file *f = files->cnt ? &files->file[files->cnt - 1] : NULL;
	const char *slash = f ? strrchr(f->path, '/') : NULL;

	if (!f)
		return;
	snprintf(t->file, sizeof(t->file), "%s", slash ? slash + 1 : f->path);
	t->id = f->id;
}

void sumup_totals(const struct recording *r, struct record_totals *t)
{
	struct pipeline_stats st = pipeline__stats(r->pipeline);
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	*t = (struct record_totals){
		.begun = true,
		.seconds = (double)(st.model->end_ts - st.model->begin_ts) / 1e9,
		.events = st.model->events,
		.lost = st.model->lost,
		.bytes = st.writer.bytes,
		.cpu_seconds = tv_seconds(ru.ru_utime) + tv_seconds(ru.ru_stime),
		.rss_bytes = (uint64_t)ru.ru_maxrss * 1024,
	};
	if (r->rotation) {
		add_last(t, rotation__files(r->rotation));
		t->bytes = rotation__files(r->rotation)->bytes;
		t->ended = rotation__enough(r->rotation);
	}
}

/* NULL: there is none. */
static const char *newest(const struct trail *t)
{
	return t && t->cnt ? t->file[t->cnt - 1].path : NULL;
}

void sumup_print(const struct recording *r, const char *error)
{
	struct pipeline_stats st = pipeline__stats(r->pipeline);
	unsigned ncpu = capture__ncpu(r->capture);
	struct flight_stats flight = r->flight ? flight__stats(r->flight) :
						 (struct flight_stats){ 0 };
	uint64_t *lost_cpu = xcalloc(ncpu, sizeof(*lost_cpu));
	struct summary s = {
		.file = r->out ? outfile__path(r->out) : newest(flight.files),
		.flight = r->flight ? &flight : NULL,
		.model = st.model,
		.writer = st.writer,
		.late = st.late,
		.recorded = true,
		.stdout_taken = r->launch,
		.error = error,
		.lost_cpu = lost_cpu,
		.ncpu = ncpu,
		.stop_seconds = (double)(clock_mono() - r->res.stop_ns) / 1e9,
		.buffer_bytes = capture__buffer(r->capture),
		.refused = r->res.refused,
		.unfollowed = capture__unfollowed(r->capture),
	};
	uint64_t walks[EV_END_MAX] = { 0 };
	struct sentences symbols = { 0 }, annots = { 0 };
	struct rusage ru;

	if (r->rotation)
		add_files(r, &s);
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
