// SPDX-License-Identifier: BSD-2-Clause
/* See mapevents.h. The ring is as perf_event_open(2) has it: a page of numbers, then records that
 * may go round its end. */
#include "space/mapevents.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/procfs.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define RING_PAGES 32u
#define ON_ITS_WAY_NS 20000 /* from reading the clock to the ring */

struct cpu_ring {
	int fd;
	uint8_t *base; /* NULL none */
};

/* A record that has come, in a piece of `bytes`. */
struct waiting {
	uint64_t ts;
	size_t at;
	uint32_t order; /* of arrival, among equal times */
};

struct mapevents {
	struct waiting *waiting;
	size_t nwaiting, cap_waiting;
	struct strbuf bytes;
	struct cpu_ring *ring;
	size_t cnt, cap;
	size_t page;
	int err;
};

static int open_event(unsigned cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TIME,
		.sample_id_all = 1, /* its time stands at the end of each record */
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.exclude_kernel = 1,
		.mmap = 1, /* of code only */
		.mmap2 = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.watermark = 1,
		.wakeup_watermark = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static void add_cpu(void *ctx, unsigned cpu)
{
	struct mapevents *m = ctx;
	struct cpu_ring r = { .fd = open_event(cpu) };
	void *p;

	if (r.fd < 0) {
		m->err = -errno;
		return;
	}
	p = mmap(NULL, (RING_PAGES + 1) * m->page, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, 0);
	if (p == MAP_FAILED) {
		m->err = -errno;
		close(r.fd);
		return;
	}
	r.base = p;
	m->ring = xgrow(m->ring, m->cnt, &m->cap, sizeof(*m->ring));
	m->ring[m->cnt++] = r;
}

struct mapevents *mapevents__open(void)
{
	struct mapevents *m = xcalloc(1, sizeof(*m));
	int err;

	m->bytes = STRBUF_INIT;
	m->page = (size_t)sysconf(_SC_PAGESIZE);
	err = procfs_cpus("/sys/devices/system/cpu/online", add_cpu, m);
	if (err >= 0 && !m->err)
		return m;
	err = m->err ? m->err : err;
	mapevents__free(m);
	errno = -err;
	return NULL;
}

void mapevents__free(struct mapevents *m)
{
	size_t i;

	if (!m)
		return;
	for (i = 0; i < m->cnt; i++) {
		munmap(m->ring[i].base, (RING_PAGES + 1) * m->page);
		close(m->ring[i].fd);
	}
	free(m->ring);
	free(m->waiting);
	strbuf_free(&m->bytes);
	free(m);
}

int mapevents__watch(struct mapevents *m, int epoll_fd, uint64_t data)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = data };
	size_t i;

	for (i = 0; i < m->cnt; i++)
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, m->ring[i].fd, &ev))
			return -errno;
	return 0;
}

/* PERF_RECORD_MMAP2, without a build id. */
struct record_mmap2 {
	struct perf_event_header h;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	uint32_t maj, min;
	uint64_t ino, ino_generation;
	uint32_t prot, flags;
	char path[];
};

static void tell_mapped(struct record_mmap2 *r, mapevent_fn fn, void *ctx)
{
	struct mapevent ev = {
		.kind = MAPEVENT_MAPPED,
		.pid = r->pid,
		.map = {
			.start = r->addr,
			.end = r->addr + r->len,
			.offset = r->pgoff,
			.dev = makedev(r->maj, r->min),
			.ino = r->ino,
			.path = r->path,
		},
	};

	if (r->h.size <= sizeof(*r) + sizeof(uint64_t))
		return;
	r->path[r->h.size - sizeof(*r) - sizeof(uint64_t) - 1] = 0;
	if (maps_tidy(r->path))
		fn(ctx, &ev);
}

/* Every other record that we ask for begins with the pid. */
static void tell(struct perf_event_header *h, mapevent_fn fn, void *ctx)
{
	const uint32_t *w = (const uint32_t *)(h + 1);
	struct mapevent ev = { .pid = w[0] };

	switch (h->type) {
	case PERF_RECORD_MMAP2:
		tell_mapped((struct record_mmap2 *)h, fn, ctx);
		return;
	case PERF_RECORD_COMM: /* pid, tid */
		if (!(h->misc & PERF_RECORD_MISC_COMM_EXEC))
			return;
		ev.kind = MAPEVENT_EXEC;
		break;
	case PERF_RECORD_FORK: /* pid, ppid, tid, ptid */
		ev.kind = w[0] == w[1] ? MAPEVENT_THREAD : MAPEVENT_FORKED;
		ev.parent = w[1];
		break;
	case PERF_RECORD_EXIT:
		ev.kind = w[0] == w[2] ? MAPEVENT_EXITED : MAPEVENT_THREAD;
		break;
	case PERF_RECORD_LOST:
		ev = (struct mapevent){ .kind = MAPEVENT_LOST };
		break;
	default:
		return;
	}
	fn(ctx, &ev);
}

/* Keeps a record that lies at `tail`, perhaps round the end of the ring. */
static void keep(struct mapevents *m, const uint8_t *data, size_t ring, uint64_t tail, size_t size)
{
	size_t at = tail & (ring - 1), first = ring - at < size ? ring - at : size;
	struct waiting *w;
	size_t begin = m->bytes.len;

	strbuf_add(&m->bytes, data + at, first);
	strbuf_add(&m->bytes, data, size - first);
	m->waiting = xgrow(m->waiting, m->nwaiting, &m->cap_waiting, sizeof(*m->waiting));
	w = &m->waiting[m->nwaiting];
	w->at = begin;
	w->order = (uint32_t)m->nwaiting++;
	memcpy(&w->ts, m->bytes.buf + begin + size - sizeof(w->ts), sizeof(w->ts));
}

static void take_ring(struct mapevents *m, struct cpu_ring *r)
{
	struct perf_event_mmap_page *meta = (void *)r->base;
	const uint8_t *data = r->base + m->page;
	size_t size = RING_PAGES * m->page;
	uint64_t head = __atomic_load_n(&meta->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = meta->data_tail;
	const struct perf_event_header *h;

	while (tail + sizeof(*h) <= head) {
		h = (const void *)(data + (tail & (size - 1))); /* records are of 8 bytes each */
		if (h->size < sizeof(*h) + sizeof(uint64_t) || tail + h->size > head)
			break;
		keep(m, data, size, tail, h->size);
		tail += h->size;
	}
	__atomic_store_n(&meta->data_tail, head, __ATOMIC_RELEASE);
}

static int by_time(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	if (x->ts != y->ts)
		return x->ts < y->ts ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* What is left, at the front. */
static void drop_told(struct mapevents *m, size_t told)
{
	struct strbuf rest = STRBUF_INIT;
	const struct perf_event_header *h;
	size_t i, at;

	for (i = told; i < m->nwaiting; i++) {
		at = m->waiting[i].at;
		h = (const void *)(m->bytes.buf + at);
		m->waiting[i - told] = m->waiting[i];
		m->waiting[i - told].at = rest.len;
		m->waiting[i - told].order = (uint32_t)(i - told);
		strbuf_add(&rest, m->bytes.buf + at, h->size);
	}
	m->nwaiting -= told;
	strbuf_free(&m->bytes);
	m->bytes = rest;
}

bool mapevents__take(struct mapevents *m, mapevent_fn fn, void *ctx)
{
	uint64_t now = clock_mono(); /* what is older than this is in a ring, or will be at once */
	size_t i;

	for (i = 0; i < m->cnt; i++)
		take_ring(m, &m->ring[i]);
	qsort(m->waiting, m->nwaiting, sizeof(*m->waiting), by_time);
	for (i = 0; i < m->nwaiting && m->waiting[i].ts + ON_ITS_WAY_NS < now; i++)
		tell((void *)(m->bytes.buf + m->waiting[i].at), fn, ctx);
	if (i)
		drop_told(m, i);
	return m->nwaiting;
}
