// SPDX-License-Identifier: BSD-2-Clause
/* See summary.h. */
#include "cli/summary.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "event/evspec.h"
#include "model/walkend.h"
#include "output/flight.h"
#include "output/trail.h"
#include "util/json.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strbuf.h"

#define LOG_TAG "summary"

static double seconds(const struct summary *s)
{
	return (double)(s->model->end_ts - s->model->begin_ts) / 1e9;
}

static bool is_stdout(const struct summary *s)
{
	return s->file && !strcmp(s->file, "-");
}

void summary_add_files(struct summary *s, const struct trail *files)
{
	s->file = files->cnt ? files->file[files->cnt - 1].path : NULL;
	s->files = files;
	s->writer.bytes = files->bytes;
}

/* ---- stacks ---- */

static uint64_t sum_of(const uint64_t *by_end, enum walkend_class class)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < EV_END_MAX; i++)
		n += walkend_class(i) == class ? by_end[i] : 0;
	return n;
}

static uint64_t unfinished(const struct model_module *mod)
{
	return sum_of(mod->ends, WALKEND_CUT) + sum_of(mod->ends, WALKEND_BROKEN);
}

#define TOP_MODULES 5

/* The modules in which most stacks ended before they were complete; returns how many. */
static unsigned top_modules(const struct model_stats *ms, const struct model_module **top)
{
	const struct model_module *mod;
	unsigned n = 0, at;

	for (mod = ms->module; mod < ms->module + ms->nmodule; mod++) {
		for (at = n; at && unfinished(top[at - 1]) < unfinished(mod); at--)
			if (at < TOP_MODULES)
				top[at] = top[at - 1];
		if (!unfinished(mod) || at == TOP_MODULES)
			continue;
		top[at] = mod;
		n += n < TOP_MODULES;
	}
	return n;
}

/* ---- JSON: flat, written by hand because we only ever write it ---- */

static void json_repairs(struct strbuf *out, const struct summary *s)
{
	const char *comma = "";
	unsigned i;

	strbuf_addstr(out, ",\"repairs\":{");
	for (i = 0; i < REPAIR_MAX; i++) {
		if (!s->model->repairs[i])
			continue;
		strbuf_addf(out, "%s\"%s\":%" PRIu64, comma, repair_words[i].name,
			    s->model->repairs[i]);
		comma = ",";
	}
	strbuf_addch(out, '}');
}

static void json_marks(struct strbuf *out, const struct summary *s)
{
	unsigned i;

	strbuf_addstr(out, ",\"annotations\":{");
	for (i = 0; i < MARK_COUNT_MAX; i++)
		strbuf_addf(out, "%s\"%s\":%" PRIu64, i ? "," : "", mark_words[i].name,
			    s->model->marks[i]);
	strbuf_addch(out, '}');
}

static void json_lost(struct strbuf *out, const struct summary *s)
{
	const char *comma = "";
	unsigned i;

	strbuf_addstr(out, ",\"lost_by_kind\":{");
	for (i = 1; i < EV_KERNEL_END; i++) {
		if (!s->lost_kind[i])
			continue;
		strbuf_addf(out, "%s\"%s\":%" PRIu64, comma, ev_spec(i)->name, s->lost_kind[i]);
		comma = ",";
	}
	strbuf_addstr(out, "},\"lost_by_cpu\":{");
	comma = "";
	for (i = 0; i < s->ncpu; i++) {
		if (!s->lost_cpu[i])
			continue;
		strbuf_addf(out, "%s\"%u\":%" PRIu64, comma, i, s->lost_cpu[i]);
		comma = ",";
	}
	strbuf_addstr(out, "},\"recursion_misses\":{");
	comma = "";
	for (i = 0; i < SUMMARY_PROGS && s->missed[i].prog; i++) {
		strbuf_addf(out, "%s\"%s\":%" PRIu64, comma, s->missed[i].prog, s->missed[i].cnt);
		comma = ",";
	}
	strbuf_addch(out, '}');
}

static void json_ends(struct strbuf *out, const char *key, const uint64_t *by_end)
{
	const char *comma = "";
	unsigned i;

	strbuf_addf(out, ",\"%s\":{", key);
	for (i = EV_END_NONE + 1; i < EV_END_MAX; i++) {
		if (!by_end[i])
			continue;
		strbuf_addf(out, "%s\"%s\":%" PRIu64, comma, ev_end_name(i), by_end[i]);
		comma = ",";
	}
	strbuf_addch(out, '}');
}

static void json_stacks(struct strbuf *out, const struct summary *s)
{
	const struct model_module *top[TOP_MODULES];
	const struct model_stats *ms = s->model;
	unsigned i, n = top_modules(ms, top);

	strbuf_addf(out,
		    ",\"samples\":%" PRIu64 ",\"stacks\":{\"complete\":%" PRIu64 ",\"cut\":%" PRIu64
		    ",\"broken\":%" PRIu64 ",\"frames\":%" PRIu64,
		    ms->samples, sum_of(ms->stacks, WALKEND_COMPLETE),
		    sum_of(ms->stacks, WALKEND_CUT), sum_of(ms->stacks, WALKEND_BROKEN),
		    ms->user_frames);
	json_ends(out, "by_end", ms->stacks);
	if (s->walks) {
		json_ends(out, "walks", s->walks);
		strbuf_addf(out, ",\"walked_frames\":%" PRIu64, s->walked_frames);
	}
	strbuf_addstr(out, ",\"by_module\":[");
	for (i = 0; i < n; i++) {
		strbuf_addf(out,
			    "%s{\"unfinished_different\":%" PRIu64 ",\"module\":", i ? "," : "",
			    unfinished(top[i]));
		json_quote(out, top[i]->name);
		strbuf_addch(out, '}');
	}
	strbuf_addstr(out, "]}");
}

static void json_troubles(struct strbuf *out, const char *key, const struct summary_troubles *t)
{
	size_t i;

	strbuf_addf(out, ",\"%s\":[", key);
	for (i = 0; i < t->cnt; i++) {
		if (i)
			strbuf_addch(out, ',');
		json_quote(out, t->text[i]);
	}
	strbuf_addch(out, ']');
}

void summary_json_files(struct strbuf *out, const struct trail *t, bool shares)
{
	const struct trail_file *f;

	strbuf_addf(out, ",\"files_written\":%" PRIu64 ",\"files\":[", t->written);
	for (f = t->file; f < t->file + t->cnt; f++) {
		strbuf_addstr(out, f > t->file ? ",{\"file\":" : "{\"file\":");
		json_quote(out, f->path);
		strbuf_addf(out, ",\"bytes\":%" PRIu64, f->bytes);
		if (shares)
			strbuf_addf(out,
				    ",\"seconds\":%.6f,\"events\":%" PRIu64 ",\"lost\":%" PRIu64,
				    f->share.seconds, f->share.events, f->share.lost);
		strbuf_addch(out, '}');
	}
	strbuf_addch(out, ']');
}

static void json_text(struct strbuf *out, const char *text)
{
	if (text)
		json_quote(out, text);
	else
		strbuf_addstr(out, "null");
}

static void json_flight(struct strbuf *out, const struct flight_stats *st)
{
	const struct trail *t = st->files;
	const struct trail_file *f;

	strbuf_addf(out,
		    ",\"kept_bytes\":%" PRIu64 ",\"kept_peak_bytes\":%" PRIu64
		    ",\"kept_seconds\":%.6f,\"triggers_left_out\":%" PRIu64
		    ",\"snapshots_written\":%" PRIu64 ",\"snapshots_left_out\":%" PRIu64
		    ",\"snapshots_failed\":%" PRIu64 ",\"snapshot_error\":",
		    st->kept_bytes, st->peak_bytes, (double)st->kept_ns / 1e9, st->left_out,
		    t->written, st->bounded, st->failed);
	json_text(out, st->error);
	strbuf_addstr(out, ",\"snapshots\":[");
	for (f = t->file; f < t->file + t->cnt; f++) {
		strbuf_addstr(out, f == t->file ? "{\"file\":" : ",{\"file\":");
		json_quote(out, f->path);
		strbuf_addstr(out, ",\"reason\":");
		json_quote(out, f->reason);
		strbuf_addf(out, ",\"bytes\":%" PRIu64 ",\"seconds\":%.6f}", f->bytes,
			    f->share.seconds);
	}
	strbuf_addch(out, ']');
}

static void print_json(const struct summary *s)
{
	struct strbuf out = STRBUF_INIT;
	uint64_t records = 0;
	unsigned i;

	for (i = 0; i < EV_KIND_MAX; i++)
		records += s->model->records[i];
	strbuf_addstr(&out, "{\"file\":");
	json_text(&out, s->file);
	strbuf_addf(&out,
		    ",\"bytes\":%" PRIu64 ",\"seconds\":%.6f,\"events\":%" PRIu64
		    ",\"trace_events\":%" PRIu64 ",\"records\":%" PRIu64 ",\"threads\":%" PRIu64
		    ",\"generations\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"late\":%" PRIu64,
		    s->writer.bytes, seconds(s), s->model->events, s->writer.events, records,
		    s->model->threads, s->writer.generations, s->model->lost, s->late);
	strbuf_addf(&out, ",\"triggers\":%" PRIu64, s->model->triggers);
	json_repairs(&out, s);
	json_marks(&out, s);
	json_stacks(&out, s);
	json_troubles(&out, "symbol_troubles", &s->symbol_troubles);
	json_troubles(&out, "annotation_troubles", &s->annot_troubles);
	if (s->recorded) {
		json_lost(&out, s);
		strbuf_addf(&out,
			    ",\"no_storage\":%" PRIu64 ",\"refused\":%" PRIu64
			    ",\"unfollowed\":%" PRIu64
			    ",\"cpu_seconds\":%.4f,\"user_seconds\":%.4f,\"rss_bytes\":%" PRIu64
			    ",\"stop_seconds\":%.4f,\"buffer_bytes\":%" PRIu64,
			    s->no_storage, s->refused, s->unfollowed, s->cpu_seconds,
			    s->user_seconds, s->rss_bytes, s->stop_seconds, s->buffer_bytes);
	}
	if (s->files)
		summary_json_files(&out, s->files, false);
	if (s->ended)
		strbuf_addf(&out, ",\"ended_by\":\"%s\",\"ended_seconds\":%.6f", s->ended,
			    s->ended_seconds);
	if (s->flight)
		json_flight(&out, s->flight);
	if (s->error) {
		strbuf_addstr(&out, ",\"error\":");
		json_quote(&out, s->error);
	}
	strbuf_addstr(&out, "}\n");
	/* stdout is the trace's when it goes there */
	fputs(out.buf, is_stdout(s) || s->stdout_taken ? stderr : stdout);
	strbuf_free(&out);
}

/* ---- for people ---- */

static void say_lost(const struct summary *s)
{
	struct strbuf where = STRBUF_INIT;
	uint64_t kernel = s->model->lost, ring = 0;
	unsigned i;

	for (i = 0; i < s->ncpu; i++) {
		ring += s->lost_cpu[i];
		if (s->lost_cpu[i])
			strbuf_addf(&where, "%sCPU %u: %" PRIu64, where.len ? ", " : "", i,
				    s->lost_cpu[i]);
	}
	for (i = 1; i < EV_KERNEL_END; i++)
		if (s->lost_kind[i])
			strbuf_addf(&where, "; %s %" PRIu64, ev_spec(i)->name, s->lost_kind[i]);
	if (ring > s->no_storage || kernel > ring)
		log_error("%" PRIu64
			  " records were lost (%s); a larger --buffer helps, now %" PRIu64 "K",
			  kernel > ring ? kernel : ring, where.buf, s->buffer_bytes >> 10);
	else if (kernel || ring)
		log_error(
			"%" PRIu64
			" records were lost (%s): the kernel could not give their threads a place in time",
			kernel > ring ? kernel : ring, where.buf);
	if (s->unfollowed)
		log_error(
			"%" PRIu64
			" processes are missing: more were to be recorded at once than there is room for; -a has no such limit",
			s->unfollowed);
	if (s->refused)
		log_error("%" PRIu64 " records were not legal and are left out: please report it",
			  s->refused);
	strbuf_free(&where);
}

/* What the recorder takes beside the buffers. A ring is mapped twice, one behind the other,
 * and counted twice. */
static uint64_t own_memory(const struct summary *s)
{
	uint64_t rings = 2 * s->buffer_bytes;

	return s->rss_bytes > rings ? s->rss_bytes - rings : s->rss_bytes;
}

static void say_repairs(const struct summary *s)
{
	uint64_t missed = 0;
	unsigned i;

	for (i = 0; i < SUMMARY_PROGS && s->missed[i].prog; i++)
		missed += s->missed[i].cnt;
	if (missed)
		log_notice("%" PRIu64
			   " events came while their own program ran on the CPU and have no record",
			   missed);
	for (i = 0; i < REPAIR_MAX; i++)
		if (s->model->repairs[i])
			log_info("repaired %" PRIu64 "×: %s (%s)", s->model->repairs[i],
				 repair_words[i].text, repair_words[i].name);
}

/* Nothing where there are none. */
static void say_marks(const struct summary *s)
{
	struct strbuf line = STRBUF_INIT;
	unsigned i;

	for (i = 0; i < MARK_COUNT_MAX; i++)
		if (s->model->marks[i])
			strbuf_addf(&line, "%s%s %" PRIu64, line.len ? ", " : "",
				    mark_words[i].text, s->model->marks[i]);
	if (line.len)
		log_notice("annotations: %s", line.buf);
	strbuf_free(&line);
}

/* "12 cut (too deep 10, no tables 2)"; nothing where there are none */
static void add_class(struct strbuf *out, const uint64_t *by_end, enum walkend_class class,
		      const char *word)
{
	const char *sep = " (";
	unsigned i;

	if (!sum_of(by_end, class))
		return;
	strbuf_addf(out, ", %" PRIu64 " %s", sum_of(by_end, class), word);
	for (i = 0; i < EV_END_MAX; i++) {
		if (walkend_class(i) != class || !by_end[i])
			continue;
		strbuf_addf(out, "%s%s %" PRIu64, sep, walkend_words(i), by_end[i]);
		sep = ", ";
	}
	strbuf_addch(out, ')');
}

/* Every walk where that was counted, else every stack that differs. */
static void say_stacks(const struct summary *s)
{
	const uint64_t *by_end = s->walks ? s->walks : s->model->stacks;
	uint64_t frames = s->walks ? s->walked_frames : s->model->user_frames, all;
	const struct model_module *top[TOP_MODULES];
	struct strbuf line = STRBUF_INIT;
	unsigned i, n;

	all = sum_of(by_end, WALKEND_COMPLETE) + sum_of(by_end, WALKEND_CUT) +
	      sum_of(by_end, WALKEND_BROKEN);
	if (!all)
		return;
	strbuf_addf(&line, "stacks: %" PRIu64 " %s, %.1f frames each, %" PRIu64 " complete", all,
		    s->walks ? "walked" : "that differ", (double)frames / (double)all,
		    sum_of(by_end, WALKEND_COMPLETE));
	add_class(&line, by_end, WALKEND_CUT, "cut");
	add_class(&line, by_end, WALKEND_BROKEN, "broken");
	/* above each walk counts, here each stack that differs */
	n = top_modules(s->model, top);
	if (n)
		strbuf_addf(&line, "; of %" PRIu64 " different ones that ended early: ",
			    sum_of(s->model->stacks, WALKEND_CUT) +
				    sum_of(s->model->stacks, WALKEND_BROKEN));
	for (i = 0; i < n; i++)
		strbuf_addf(&line, "%s%s %" PRIu64, i ? ", " : "", top[i]->name,
			    unfinished(top[i]));
	log_notice("%s", line.buf);
	strbuf_free(&line);
}

static void say_troubles(const struct summary_troubles *t)
{
	size_t i;

	for (i = 0; i < t->cnt; i++)
		log_notice("%s", t->text[i]);
}

/* "20 files, go-….trace to go-….trace" */
static void add_files(struct strbuf *out, const struct trail *t)
{
	if (t->cnt == 1)
		strbuf_addstr(out, t->file[0].path);
	else if (t->cnt)
		strbuf_addf(out, "%zu files, %s to %s", t->cnt, t->file[0].path,
			    t->file[t->cnt - 1].path);
	else
		strbuf_addstr(out, "no file");
	if (t->written > t->cnt)
		strbuf_addf(out, ", the newest of %" PRIu64, t->written);
}

/* What was asked for, and is in no file. */
static void say_unwritten(const struct flight_stats *st)
{
	uint64_t cnt = st->bounded + st->failed, soon = st->left_out - st->unwritten;

	if (cnt)
		log_notice("%" PRIu64 " snapshot%s not written: %s", cnt,
			   cnt == 1 ? " was" : "s were", st->error);
	if (st->unwritten)
		log_notice("%" PRIu64 " of %" PRIu64
			   " triggers are in no snapshot: theirs could not be written",
			   st->unwritten, st->asked);
	if (soon)
		log_notice(
			"%" PRIu64 " of %" PRIu64
			" triggers are in no snapshot: they came too soon after the one before; see --trigger-gap",
			soon, st->asked);
}

static void say_flight(const struct summary *s)
{
	const struct flight_stats *st = s->flight;
	char size[16], gone[48] = "";

	if (st->files->written > st->files->cnt)
		snprintf(gone, sizeof(gone), ", the newest %zu are there", st->files->cnt);
	log_notice("flight recorder: %" PRIu64
		   " snapshot%s%s; at the end it had %s, %.1f s, of %" PRIu64
		   " events in %.1f s of %" PRIu64 " thread%s, %" PRIu64 " lost%s",
		   st->files->written, st->files->written == 1 ? "" : "s", gone,
		   format_size(size, st->kept_bytes), (double)st->kept_ns / 1e9, s->model->events,
		   seconds(s), s->model->threads, s->model->threads == 1 ? "" : "s", s->model->lost,
		   s->late ? ", some late" : "");
}

static void say_file(const struct summary *s)
{
	struct strbuf where = STRBUF_INIT;
	char size[16];

	if (s->files)
		add_files(&where, s->files);
	else
		strbuf_addstr(&where, is_stdout(s) ? "standard output" : s->file);
	log_notice("%s: %s, %.1f s, %" PRIu64 " events of %" PRIu64 " thread%s, %" PRIu64 " lost%s",
		   where.buf, format_size(size, s->writer.bytes), seconds(s), s->model->events,
		   s->model->threads, s->model->threads == 1 ? "" : "s", s->model->lost,
		   s->late ? ", some late" : "");
	strbuf_free(&where);
}

static void print_words(const struct summary *s)
{
	char rss[16], buffers[16];

	if (s->recorded)
		say_lost(s);
	say_repairs(s);
	say_marks(s);
	say_stacks(s);
	say_troubles(&s->symbol_troubles);
	say_troubles(&s->annot_troubles);
	if (s->flight)
		say_unwritten(s->flight);
	if (s->error)
		return; /* what is in the file is no part of these numbers */
	if (s->flight)
		say_flight(s);
	else
		say_file(s);
	if (s->model->triggers && !s->flight)
		log_notice("triggers were met %" PRIu64 "×, and are marked by logs: trigger",
			   s->model->triggers);
	if (s->recorded)
		log_notice("cost: %.2f s CPU, %s besides buffers of %s; stopped in %.2f s%s%s",
			   s->cpu_seconds, format_size(rss, own_memory(s)),
			   format_size(buffers, s->buffer_bytes), s->stop_seconds,
			   s->file ? ". Open it with: go tool trace " : "",
			   !s->file	? "" :
			   is_stdout(s) ? "FILE" :
					  s->file);
}

void summary_print(const struct summary *s, bool json)
{
	if (json)
		print_json(s);
	print_words(s);
}
