/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel side of a recording: the BPF programs, their rings and counters. Opened, attached,
 * drained as often as wanted, and freed; the kernel takes everything back when the process ends,
 * however it does.
 */
#ifndef CTRACE_CAPTURE_CAPTURE_H
#define CTRACE_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "capture/target.h"
#include "space/tables.h"

struct capture;
struct ct_go;
struct scope;
struct ctrace;
struct strbuf;

struct capture_opts {
	const struct target_set *targets; /* NULL: everything */
	const struct scope *scope;	  /* of everything: who is in; borrowed, NULL: all */
	bool follow;			  /* of targets: what they fork is recorded, too */
	bool syscall_hooks;
	uint64_t buffer;     /* bytes of all rings, 0 default */
	unsigned stacks;     /* enum ct_stacks: which records carry one */
	unsigned call_graph; /* enum ct_call_graph: how its user frames are found */
	uint64_t irq_ns;     /* interrupts that take as long are told; 0 none */
	unsigned sample_hz;  /* CPU samples, each CPU; 0 none */
	/* programs for probes that are set later (annot/probes.h) */
	bool marks;  /* PROBES_HEADER */
	bool funcs;  /* PROBES_FUNC */
	bool usdt;   /* PROBES_USDT */
	bool go;     /* PROBES_GO, and room for CT_GO_MAX programs */
	bool launch; /* PROBES_LAUNCH: the target is stopped at its exec, see halt.h */
	/* processes of ours, not recorded, nor those that they make; 0 none */
	uint32_t helper[2];
};

/* A record out of the ring of `cpu`, valid until it returns. */
typedef void (*capture_fn)(void *ctx, unsigned cpu, const void *rec, size_t len);

/* Loads. NULL with the reason in why and errno: EINVAL for a wrong buffer size and nothing else,
 * ENOTSUP for what the kernel refuses. */
struct capture *capture__open(const struct capture_opts *opts, struct strbuf *why);
int capture__attach(struct capture *c, struct strbuf *why);
void capture__free(struct capture *c); /* detaches; NULL is fine */

unsigned capture__ncpu(const struct capture *c);      /* possible CPUs: rings */
uint64_t capture__buffer(const struct capture *c);    /* bytes of all rings */
uint64_t capture__ring_size(const struct capture *c); /* bytes of the ring of an online CPU */

/* The loaded programs, for who sets probes; borrowed. */
struct ctrace *capture__skel(struct capture *c);
/* What probes of a Go program with this index (bpf/mark.h) have to know; before they are set. 0 or
 * -errno. */
int capture__set_go(struct capture *c, uint32_t at, const struct ct_go *go);

/* Loaded: this helper has made a process already. */
void capture__helper_has(struct capture *c, unsigned helper, uint32_t pid);

/* Are user stacks walked, so that the maps of address spaces are to be filled? */
bool capture__walks_user(const struct capture *c);
/* Those maps; borrowed. */
struct tables_opts capture__tables(const struct capture *c);
/* The map of the processes that are recorded at this moment; -1: it never changes. */
int capture__targets_fd(const struct capture *c);
/*
 * How many recorded processes have not ended; 0 where that is not counted, without follow and where
 * no rule judges. One has when its last thread begins
 * to exit; what that still does is recorded.
 */
uint32_t capture__living(const struct capture *c);
/* Processes that should have been recorded, and for which there was no room. */
uint64_t capture__unfollowed(const struct capture *c);
/* Stack ids are given anew from now on. Returns the epoch that begins. */
uint32_t capture__next_epoch(struct capture *c);
/* Every traced thread tells its state into the rings. 0 or -errno. */
int capture__snapshot(struct capture *c);
/* Was memory of a process held back, so that its threads' user stacks had to be left out of that? A
 * sentence about it. */
bool capture__memory_silent(const struct capture *c);
extern const char capture_memory_silent[];
/*
 * The syscall that is running on a CPU and whose entry was not told yet, as an EV_SYS_ENTER that
 * was asked for; its time is not set. Without this a generation, or the recording, could end inside
 * one without knowing. false: there is none.
 */
bool capture__running_syscall(const struct capture *c, unsigned cpu, struct ev_sys *out);

/*
 * Empties the rings, each up to a bound; *more: something was left. A record of a ring that is not
 * empty then is not older than *unseen_ts. Returns the fullest ring's share before, in percent.
 */
unsigned capture__drain(struct capture *c, capture_fn fn, void *ctx, bool *more,
			uint64_t *unseen_ts);

/* Losses of a CPU since the last call: how many and since when; 0 none. */
uint64_t capture__take_lost(struct capture *c, unsigned cpu, uint64_t *since_ts);

/* The function of a kernel address; NULL when unknown. The string lives as long as c. */
const char *capture__ksym(struct capture *c, uint64_t addr);

/* Counters of the whole recording, up to this call; the programs go on until they are taken back. */
void capture__stop_counting(struct capture *c);
uint64_t capture__snap_missed(const struct capture *c); /* of all CPUs */

/* How many processes the kernel side has left by itself, and whether it still records this target. */
uint64_t capture__left(const struct capture *c);
bool capture__has(const struct capture *c, const struct target *t);

/* Records nothing more of this target: its pid may be another's soon. With follow the kernel side
 * sees to that itself, when the last thread is off its CPU. */
void capture__forget(struct capture *c, const struct target *t);

/* Counters of one CPU. */
const struct ev_cpu_stat *capture__stat(const struct capture *c, unsigned cpu);
/* The i-th loaded program's name and recursion misses; NULL behind the last. */
const char *capture__prog(const struct capture *c, unsigned i, uint64_t *missed);

#endif
