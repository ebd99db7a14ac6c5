// SPDX-License-Identifier: BSD-2-Clause
/*
 * Writes a raw record file that is always the same, so that merge, model and encoder can be timed
 * without root and without the noise of a recording. In: a number of records, and how many stacks
 * there are, 0 by default. Out: the file on stdout, and on stderr `events N` (hook firings: a whole
 * syscall is two).
 *
 * Two CPUs with eight threads each, in two processes. The running thread makes two short syscalls,
 * wakes its neighbour and blocks in read; every 64th time its CPU goes idle and a timer wakes the
 * neighbour. All that can happen in the model's common path is in here, nothing rare.
 *
 * With stacks, all that can carry one does: of 30 frames, one of six in the place that is told and
 * now and then another of all there are. They have no names.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/event.h"
#include "event/evlog.h"

#define CPUS 2
#define THREADS 8
#define START_TS 1000000000000ull
#define CHUNK_NS 10000000ull
#define NR_READ 0
#define NR_FUTEX 202

enum chunk_kind { CHUNK_RECORDS = 1, CHUNK_ADVANCE = 2, CHUNK_END = 3 };

struct cpu_sim {
	unsigned long long ts;
	unsigned int cur, turn;
	unsigned char *buf;
	size_t len, cap;
};

static struct cpu_sim cpus[CPUS + 1]; /* the last one is the collector's stream */
static unsigned long long records, events;
static unsigned int seed = 12345;
static unsigned int nstacks;
static unsigned char *stack_sent;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void put(const void *data, size_t len)
{
	if (fwrite(data, 1, len, stdout) != len)
		die("rawgen: write");
}

static void chunk(unsigned int stream, unsigned int kind, const void *body, size_t len)
{
	struct {
		__u32 len;
		__u16 stream, kind;
	} head = { len, stream, kind };

	put(&head, sizeof(head));
	put(body, len);
}

static void add(unsigned int stream, const void *rec, size_t len)
{
	struct cpu_sim *c = &cpus[stream];
	size_t padded = (len + 7) / 8 * 8;
	__u32 head[2] = { len, 0 };

	if (c->len + 8 + padded > c->cap) {
		c->cap = 2 * c->cap + 65536;
		c->buf = realloc(c->buf, c->cap);
		if (!c->buf)
			die("rawgen");
	}
	memcpy(c->buf + c->len, head, 8);
	memset(c->buf + c->len + 8, 0, padded);
	memcpy(c->buf + c->len + 8, rec, len);
	c->len += 8 + padded;
	records++;
}

static void flush(unsigned long long watermark)
{
	for (unsigned int i = 0; i <= CPUS; i++) {
		if (cpus[i].len)
			chunk(i, CHUNK_RECORDS, cpus[i].buf, cpus[i].len);
		cpus[i].len = 0;
	}
	chunk(CPUS, CHUNK_ADVANCE, &watermark, sizeof(watermark));
}

static struct ev_hdr hdr(unsigned int cpu, unsigned int kind, unsigned int flags, unsigned int arg)
{
	struct ev_hdr h = { .kind = kind, .flags = flags, .cpu = cpu, .arg = arg };

	seed = seed * 1103515245u + 12345u;
	cpus[cpu].ts += 300 + (seed >> 16) % 900;
	h.ts = cpus[cpu].ts;
	return h;
}

static __u64 key(unsigned int cpu, unsigned int n)
{
	return 1ull << 32 | (1000 + 100 * cpu + n);
}

/* The stack of what a thread does in a place; 0: there are none. */
static struct ev_stack_ref stack_in(unsigned int cpu, unsigned int place)
{
	unsigned int id = (cpus[cpu].cur * 16 + place + cpu * 128) % (nstacks ? nstacks : 1);
	struct ev_stack s;

	if (!nstacks)
		return (struct ev_stack_ref){ 0 };
	if (cpus[cpu].turn % 16 == 0)
		id = (cpus[cpu].turn * 7 + place) % nstacks;
	if (!stack_sent[id]) {
		memset(&s, 0, sizeof(s));
		s.h = (struct ev_hdr){
			.ts = cpus[cpu].ts, .kind = EV_STACK, .cpu = cpu, .arg = id + 1
		};
		s.thr = key(cpu, cpus[cpu].cur);
		s.nuser = 30;
		s.end = EV_END_COMPLETE;
		for (unsigned int i = 0; i < s.nuser; i++)
			s.pc[i] = EV_FRAME(1 + i % 5, 0x1000 + (i < 10 ? id : 0) * 64 + i * 4);
		add(cpu, &s, EV_STACK_SHORT + s.nuser * sizeof(s.pc[0]));
		stack_sent[id] = 1;
	}
	return (struct ev_stack_ref){ .id = id + 1 };
}

static void sys(unsigned int cpu, unsigned int kind, unsigned int nr)
{
	struct ev_stack_ref stack = kind == EV_SYS_EXIT ? (struct ev_stack_ref){ 0 } :
							  stack_in(cpu, nr % 13);

	__u64 begin = cpus[cpu].ts + 50;
	struct ev_sys s = { .h = hdr(cpu, kind, 0, nr),
			    .thr = key(cpu, cpus[cpu].cur),
			    .begin = begin,
			    .stack = stack };

	add(cpu, &s, kind == EV_SYS_EXIT ? EV_SYS_SHORT : stack.id ? sizeof(s) : EV_SYS_PLAIN);
	events += kind == EV_SYSCALL ? 2 : 1;
}

static void switch_to(unsigned int cpu, __u64 prev, __u64 next, unsigned int st)
{
	struct ev_stack_ref stack = prev ? stack_in(cpu, NR_READ) : (struct ev_stack_ref){ 0 };
	struct ev_switch s = {
		.h = hdr(cpu, EV_SWITCH, 0, st), .prev = prev, .next = next, .stack = stack
	};

	add(cpu, &s, stack.id ? sizeof(s) : EV_SWITCH_SHORT);
	events++;
}

static void wake(unsigned int cpu, unsigned int flags, __u64 wakee, __u64 waker)
{
	struct ev_stack_ref stack = waker ? stack_in(cpu, NR_FUTEX % 13) :
					    (struct ev_stack_ref){ 0 };
	struct ev_wake w = {
		.h = hdr(cpu, EV_WAKING, flags, cpu), .wakee = wakee, .waker = waker, .stack = stack
	};

	add(cpu, &w, stack.id ? sizeof(w) : EV_WAKE_SHORT);
	events++;
}

static void turn(unsigned int cpu)
{
	static const unsigned short short_nrs[] = { 1, 39, 228, 232, 257, 3 };
	struct cpu_sim *c = &cpus[cpu];
	unsigned int next = (c->cur + 1) % THREADS;
	unsigned int st = EV_ST_PACK(EV_ST_SLEEP, EV_FD_PIPE, NR_READ);

	for (int i = 0; i < 2; i++)
		sys(cpu, EV_SYSCALL, short_nrs[(c->turn + i) % 6]);
	if (++c->turn % 64) {
		sys(cpu, EV_SYS_ENTER, NR_FUTEX);
		wake(cpu, 0, key(cpu, next), key(cpu, c->cur));
		sys(cpu, EV_SYS_EXIT, NR_FUTEX);
		sys(cpu, EV_SYS_ENTER, NR_READ);
		switch_to(cpu, key(cpu, c->cur), key(cpu, next), st);
	} else {
		sys(cpu, EV_SYS_ENTER, NR_READ);
		switch_to(cpu, key(cpu, c->cur), 0, st);
		c->ts += 50000;
		wake(cpu, EVF_IRQ, key(cpu, next), 0);
		switch_to(cpu, 0, key(cpu, next), EV_ST_PACK(EV_ST_RUNNABLE, 0, EV_NR_NONE));
	}
	c->cur = next;
	sys(cpu, EV_SYS_EXIT, NR_READ);
}

static void prologue(void)
{
	struct ev_proc proc = { .comm = "bench" };

	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		struct ev_hdr online = { .ts = START_TS, .kind = EV_CPU, .cpu = 0xffff, .arg = cpu };

		add(CPUS, &online, sizeof(online));
		proc.h = online;
		proc.h.kind = EV_PROC;
		proc.h.arg = 1000 + 100 * cpu;
		strcpy(proc.path, "/usr/bin/bench");
		add(CPUS, &proc, EV_PROC_SHORT + strlen(proc.path) + 1);
		for (unsigned int n = 0; n < THREADS; n++) {
			struct ev_snap snap = { .t.h = hdr(cpu, EV_SNAP, n ? 0 : EVF_ONCPU,
							   proc.h.arg) };

			snap.t.thr = key(cpu, n);
			snprintf(snap.t.comm, sizeof(snap.t.comm), "worker-%u", n);
			snap.st = n ? EV_ST_PACK(EV_ST_SLEEP, EV_FD_PIPE, NR_READ) :
				      EV_ST_PACK(EV_ST_RUNNABLE, 0, EV_NR_NONE);
			add(cpu, &snap, sizeof(snap));
		}
	}
}

int main(int argc, char **argv)
{
	unsigned long long want = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;
	unsigned long long due = START_TS + CHUNK_NS;
	struct {
		char magic[8];
		__u32 version, nstream;
		__u64 start_mono;
		long long wall_offset;
		__u32 flags;
		unsigned char zero[28];
	} head = { .magic = "ctraceRW",
		   .version = EVLOG_VERSION,
		   .nstream = CPUS + 1,
		   .start_mono = START_TS,
		   .wall_offset = 1700000000000000000ll };
	struct ev_hdr mark = { .kind = EV_START, .cpu = 0xffff };

	nstacks = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 0;
	stack_sent = calloc(1, nstacks + 1);
	if (!stack_sent)
		die("rawgen");
	_Static_assert(sizeof(head) == 64, "the header of a raw file");
	put(&head, sizeof(head));
	for (unsigned int i = 0; i <= CPUS; i++)
		cpus[i].ts = START_TS;
	prologue();
	mark.ts = START_TS + 50000;
	add(CPUS, &mark, sizeof(mark));
	for (unsigned int i = 0; i < CPUS; i++)
		cpus[i].ts = mark.ts;
	while (records < want) {
		/* always the CPU that is behind, so that no stream is older than the watermark */
		unsigned int cpu = cpus[0].ts <= cpus[1].ts ? 0 : 1;

		turn(cpu);
		if (cpus[0].ts > due && cpus[1].ts > due) {
			flush(due);
			due += CHUNK_NS;
		}
	}
	mark.kind = EV_STOP;
	mark.ts = (cpus[0].ts > cpus[1].ts ? cpus[0].ts : cpus[1].ts) + 1000;
	add(CPUS, &mark, sizeof(mark));
	flush(mark.ts + 1);
	chunk(CPUS, CHUNK_END, NULL, 0);
	if (fflush(stdout))
		die("rawgen: write");
	fprintf(stderr, "records %llu\nevents %llu\n", records, events);
	return 0;
}
