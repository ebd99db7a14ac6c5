// SPDX-License-Identifier: BSD-2-Clause
/* See collector.h. */
#include "capture/collector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "annot/annot.h"
#include "bpf/event.h"
#include "capture/capture.h"
#include "capture/cgroup.h"
#include "util/procfs.h"
#include "capture/rawlog.h"
#include "capture/target.h"
#include "event/evspec.h"
#include "pipeline.h"
#include "space/spaces.h"
#include "symlog.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/u64map.h"
#include "util/xalloc.h"

#define LOG_TAG "collector"

#define HOOK_NS 1000000 /* generous: a hook runs with preemption off and takes well under 10 us */
#define PASSES_MAX 8	/* drains in one poll, where the rings fill as fast as they are emptied */
#define SNAPSHOT_TRIES 20
#define LONG_SYSCALL_NS 10000000 /* a syscall that runs longer is told before its end */
#define EPOCH_STACKS 32768	 /* stacks until their ids are given anew */
#define LIMIT_EVERY 10		 /* samples of the memory between two looks at its limit */

struct collector {
	struct collector_opts opts;
	unsigned own; /* our stream, behind those of the CPUs */
	uint64_t watermark, end;
	struct u64map known_ksyms; /* addresses that were told */
	unsigned samples;
	unsigned stacks;  /* of this epoch */
	uint64_t refused; /* records of our own programs that are not legal */
};

struct collector *collector__new(const struct collector_opts *opts)
{
	struct collector *c = xcalloc(1, sizeof(*c));

	c->opts = *opts;
	c->own = capture__ncpu(opts->capture);
	return c;
}

void collector__free(struct collector *c)
{
	if (!c)
		return;
	u64map_free(&c->known_ksyms);
	free(c);
}

uint64_t collector__refused(const struct collector *c)
{
	return c->refused;
}

/* ---- handing on ---- */

static void push(struct collector *c, unsigned stream, const void *rec, size_t len)
{
	pipeline__push(c->opts.pipeline, stream, rec, len);
	if (c->opts.raw)
		rawlog__records(c->opts.raw, stream, rec, len);
}

static struct ev_hdr own_hdr(unsigned kind, uint64_t ts, uint32_t arg)
{
	return (struct ev_hdr){ .ts = ts, .kind = (uint8_t)kind, .cpu = 0xffff, .arg = arg };
}

static void push_own(struct collector *c, unsigned kind, uint64_t ts, uint32_t arg)
{
	struct ev_hdr h = own_hdr(kind, ts, arg);

	push(c, c->own, &h, sizeof(h));
}

static void push_proc(struct collector *c, uint64_t ts, const struct target *t)
{
	struct ev_proc ev = { .h = own_hdr(EV_PROC, ts, t->pid) };
	size_t len = strnlen(t->exe, sizeof(ev.path) - 1);

	memcpy(ev.comm, t->comm, sizeof(ev.comm));
	memcpy(ev.path, t->exe, len);
	push(c, c->own, &ev, EV_PROC_SHORT + (len ? len + 1 : 0));
}

/* The names of a stack's addresses go ahead of it. */
static void push_ksyms(struct collector *c, const struct ev_stack *st)
{
	struct ev_ksym ev = { .h = own_hdr(EV_KSYM, st->h.ts, 0) };
	const char *name;
	bool fresh;
	size_t len;
	int i;

	for (i = 0; i < st->nkernel; i++) {
		u64map_put(&c->known_ksyms, st->pc[i], &fresh);
		name = fresh ? capture__ksym(c->opts.capture, st->pc[i]) : NULL;
		if (!name)
			continue;
		ev.addr = st->pc[i];
		len = strnlen(name, sizeof(ev.name) - 1);
		memcpy(ev.name, name, len);
		ev.name[len] = 0;
		push(c, c->own, &ev, EV_KSYM_SHORT + len + 1);
	}
}

static void take(void *ctx, unsigned cpu, const void *rec, size_t len)
{
	const struct ev_hdr *h = rec;
	struct collector *c = ctx;

	if (ev_check(rec, len)) {
		log_debug("a record of kind %u and %zu bytes is not legal", h->kind, len);
		c->refused++;
		return;
	}
	if (h->kind == EV_STACK) {
		push_ksyms(c, rec);
		c->stacks++;
	}
	push(c, cpu, rec, len);
}

static void take_losses(struct collector *c)
{
	struct ev_lost ev;
	uint64_t lost, since;
	unsigned cpu;

	for (cpu = 0; cpu < capture__ncpu(c->opts.capture); cpu++) {
		lost = capture__take_lost(c->opts.capture, cpu, &since);
		if (!lost)
			continue;
		if (since < c->watermark) /* a hook wrote while we read */
			since = c->watermark;
		ev.h = own_hdr(EV_LOST, since, lost < UINT32_MAX ? (uint32_t)lost : UINT32_MAX);
		ev.h.cpu = (uint16_t)cpu;
		push(c, c->own, &ev, sizeof(ev));
	}
}

static void push_news(struct collector *c, struct ev_hdr *ev, size_t len)
{
	if (ev->ts < c->watermark)
		ev->ts = c->watermark;
	push(c, c->own, ev, len);
}

/* Modules and sites of annotations that were found since the last time. */
static void take_news(struct collector *c)
{
	struct ev_module module;
	struct ev_site site;
	size_t len;

	while (c->opts.spaces && (len = spaces__take_news(c->opts.spaces, &module)))
		push_news(c, &module.h, len);
	while (c->opts.annot && (len = annot__take_news(c->opts.annot, &site)))
		push_news(c, &site.h, len);
}

/* The kernel side keeps a bounded number of stacks; so do those behind us. The clock is read first:
 * what is sent in the new epoch is newer. */
static void change_epoch(struct collector *c)
{
	uint64_t now = clock_mono();

	if (c->stacks < EPOCH_STACKS)
		return;
	c->stacks = 0;
	push_own(c, EV_EPOCH, now, capture__next_epoch(c->opts.capture));
}

static void advance(struct collector *c, uint64_t watermark)
{
	if (watermark <= c->watermark)
		return;
	c->watermark = watermark;
	if (c->opts.raw)
		rawlog__advance(c->opts.raw, watermark);
	pipeline__advance(c->opts.pipeline, watermark);
}

/* A file does not keep up: what the rings cannot hold meanwhile is counted there. */
static bool is_stalled(const struct collector *c)
{
	return pipeline__stalled(c->opts.pipeline) || (c->opts.raw && rawlog__behind(c->opts.raw));
}

unsigned collector__poll(struct collector *c)
{
	unsigned fullest = 0, fill, passes = PASSES_MAX;
	uint64_t now, unseen;
	bool more;

	if (is_stalled(c))
		return 0;

	change_epoch(c);
	do {
		take_news(c);
		now = clock_mono();
		fill = capture__drain(c->opts.capture, take, c, &more, &unseen);
		if (fill > fullest)
			fullest = fill;
		take_losses(c);
		if (unseen < now)
			now = unseen;
		advance(c, now - HOOK_NS);
	} while (more && --passes && !is_stalled(c));
	return fullest;
}

/* ---- begin ---- */

static void push_cpu(void *ctx, unsigned cpu)
{
	struct collector *c = ctx;

	push_own(c, EV_CPU, clock_mono(), cpu);
}

/* The kernel refills its memory for what we keep of a thread a little late: those that were left
 * out are asked again. */
static int snapshot(struct collector *c)
{
	struct timespec moment = { 0, 1000000 };
	uint64_t before, after = capture__snap_missed(c->opts.capture);
	int err, tries = SNAPSHOT_TRIES;

	do {
		before = after;
		err = capture__snapshot(c->opts.capture);
		after = capture__snap_missed(c->opts.capture);
		if (after != before)
			nanosleep(&moment, NULL);
	} while (!err && after != before && --tries);
	return err;
}

int collector__begin(struct collector *c)
{
	const struct target_set *procs = c->opts.procs;
	uint64_t ts;
	size_t i;
	int err;

	push_own(c, EV_CONFIG, 1, c->opts.config);
	procfs_cpus("/sys/devices/system/cpu/online", push_cpu, c);
	err = snapshot(c);
	if (err)
		return err;
	ts = clock_mono(); /* the threads, and so the processes, are known before this */
	for (i = 0; i < procs->cnt; i++)
		push_proc(c, ts, &procs->t[i]);
	push_own(c, EV_START, clock_mono(), c->opts.may_be_refused ? 0 : EV_START_FLUSH);
	collector__sample(c);
	return 0;
}

/* ---- between ---- */

static void push_metric(struct collector *c, unsigned metric, uint64_t value)
{
	struct ev_metric_rec ev = { .h = own_hdr(EV_METRIC, clock_mono(), metric), .value = value };

	push(c, c->own, &ev, sizeof(ev));
}

static void ask_syscalls(struct collector *c)
{
	struct ev_sys ev;
	unsigned cpu;

	for (cpu = 0; cpu < c->own; cpu++) {
		if (!capture__running_syscall(c->opts.capture, cpu, &ev))
			continue;
		ev.h.ts = clock_mono();
		if (ev.h.ts - ev.begin > LONG_SYSCALL_NS)
			push(c, c->own, &ev, sizeof(ev));
	}
}

void collector__sample(struct collector *c)
{
	const struct target_set *set = c->opts.targets;
	uint64_t rss = 0, limit = 0, one;
	size_t i;

	ask_syscalls(c);
	if (!set)
		return; /* the machine as a whole has no heap */
	for (i = 0; i < set->cnt; i++)
		if (!set->t[i].ended)
			rss += procfs_rss(set->t[i].pid);
	if (rss)
		push_metric(c, EV_METRIC_RSS, rss);
	if (c->samples++ % LIMIT_EVERY)
		return;
	for (i = 0; i < set->cnt; i++) {
		one = set->t[i].ended ? 0 : cgroup_binding_limit(set->t[i].pid);
		if (one && (!limit || one < limit))
			limit = one;
	}
	if (limit)
		push_metric(c, EV_METRIC_LIMIT, limit);
}

/* A syscall that has not ended is told first: no generation ends inside one that is not known. */
void collector__cut(struct collector *c, uint32_t why)
{
	ask_syscalls(c);
	push_own(c, EV_CUT, clock_mono(), why);
}

/* ---- end ---- */

void collector__end(struct collector *c, uint64_t not_after)
{
	struct timespec hook = { 0, HOOK_NS };

	ask_syscalls(c);
	c->end = clock_mono();
	if (not_after && c->end > not_after) /* we come late, and it may be merged already */
		c->end = not_after > c->watermark ? not_after : c->watermark;
	capture__stop_counting(c->opts.capture);
	push_own(c, EV_STOP, c->end, 0);
	nanosleep(&hook, NULL); /* hooks that read the clock before the end have handed over now */
}

/* A ring gives in the order in which it took, so what is older than the end is no more than the
 * rings hold. */
bool collector__drained(struct collector *c)
{
	while (c->watermark <= c->end && !is_stalled(c))
		collector__poll(c);
	return c->watermark > c->end;
}

static int keep_name(void *ctx, const void *rec, size_t len)
{
	struct collector *c = ctx;

	rawlog__records(c->opts.raw, c->own, rec, len);
	return 0;
}

void collector__keep_names(struct collector *c)
{
	if (c->opts.raw && c->opts.names)
		symlog__write(c->opts.names, c->watermark, keep_name, c);
}
