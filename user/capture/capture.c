// SPDX-License-Identifier: BSD-2-Clause
/* See capture.h. One thread uses it. */
#include "capture/capture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "annot/probes.h"
#include "bpf/config.h"
#include "bpf/launch.h"
#include "bpf/mark.h"
#include "capture/features.h"
#include "capture/iter.h"
#include "capture/members.h"
#include "capture/rings.h"
#include "capture/sampler.h"
#include "ctrace.skel.h"
#include "symbol/ksyms.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/procfs.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "capture"

#define STACK_IDS 65536 /* distinct stacks that the kernel side remembers */

#define USDT_SITES 1024 /* different ways to pass arguments that libbpf has room for */

#define TABLES_MAX (128u << 20) /* bytes of unwinding tables */

#define PLACE_TRIES 20 /* walks over the threads, until all of them have a place */

#define DRAIN_TOTAL (6u << 20) /* bytes that one drain takes out of all rings, at most */

struct ring_ctx {
	struct capture *c;
	unsigned cpu;
	uint64_t last_ts; /* newest record taken out */
	size_t taken;	  /* bytes in this drain */
};

struct capture {
	bool memory_silent;
	struct capture_opts opts;
	struct ctrace *skel;
	unsigned ncpu;
	uint32_t ring_size;
	uint64_t buffer;
	int *ring_fd; /* by CPU, -1 none */
	struct ring_ctx *ring;
	struct ring_buffer *rb;
	size_t drain_max; /* bytes of one ring in one drain */
	struct ev_cpu_stat *stat;
	struct ev_cpu_stat *final; /* as they were when the recording stopped */
	struct ev_cpu_now *now;
	bool *online;
	uint32_t nmodules, nmappings;
	struct sampler *sampler; /* NULL none */
	struct ksyms *ksyms;
	capture_fn fn;
	void *ctx;
};

/* What the verifier says is many lines, of which the last ones matter. */
static int libbpf_says(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char *text = NULL, *line, *save;

	if (vasprintf(&text, fmt, ap) < 0)
		return 0;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		log_line("libbpf", level == LIBBPF_WARN ? LOG_INFO : LOG_DEBUG, "%s", line);
	free(text);
	return 0;
}

/* ---- loading ---- */

static void note_online(void *ctx, unsigned cpu)
{
	struct capture *c = ctx;

	if (cpu < c->ncpu)
		c->online[cpu] = true;
}

static int set_sizes(struct capture *c, struct strbuf *why)
{
	int n = libbpf_num_possible_cpus(), online;
	unsigned i;

	if (n <= 0) {
		strbuf_set_f(why, "cannot tell how many CPUs there are: %s", strerror(-n));
		return -ENOTSUP;
	}
	c->ncpu = (unsigned)n;
	c->online = xcalloc(c->ncpu, sizeof(*c->online));
	online = procfs_cpus("/sys/devices/system/cpu/online", note_online, c);
	if (online <= 0) { /* no /sys: take them all for online */
		online = n;
		memset(c->online, true, c->ncpu);
	}
	c->ring_size = ring_size(c->opts.buffer, (unsigned)online, procfs_ram(), why);
	for (i = 0; i < c->ncpu; i++)
		c->buffer += c->online[i] ? c->ring_size : RING_MIN;
	c->drain_max = DRAIN_TOTAL / (unsigned)online;
	return c->ring_size ? 0 : -EINVAL;
}

/* How much the maps of address spaces hold. */
static void set_space_sizes(struct capture *c)
{
	bool walks = capture__walks_user(c), all = !c->opts.targets || c->opts.follow;
	uint32_t procs = all ? 32768 : (uint32_t)c->opts.targets->cnt * 2 + 64;

	c->nmodules = !walks ? 1 : all ? EV_MODULE_MAX : 8192;
	c->nmappings = !walks ? 1 : all ? 262144 : 32768 + 1024 * (uint32_t)c->opts.targets->cnt;
	bpf_map__set_max_entries(c->skel->maps.ct_rules, walks ? UNW_RULES_MAX : 1);
	bpf_map__set_max_entries(c->skel->maps.ct_modules, c->nmodules);
	bpf_map__set_max_entries(c->skel->maps.ct_mappings, c->nmappings);
	bpf_map__set_max_entries(c->skel->maps.ct_spaces, walks ? procs : 1);
	bpf_map__set_max_entries(c->skel->maps.ct_stack_ids, walks ? STACK_IDS : 1024);
}

/* A program that probes will run, when there are any. */
static void want_probes(struct capture *c, enum probes_prog which, bool wanted)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(c->skel->obj,
								    probes_prog_name(which));

	if (!prog)
		return;
	bpf_program__set_autoload(prog, wanted);
	bpf_program__set_autoattach(prog, false);
	/* of those for usdt libbpf decides by itself, and attaches accordingly */
	if (wanted && which != PROBES_USDT && features[FEATURE_UPROBE_MULTI].ask())
		bpf_program__set_expected_attach_type(prog, FEATURES_UPROBE_MULTI_TYPE);
}

static void configure_probes(struct capture *c)
{
	const struct capture_opts *o = &c->opts;

	want_probes(c, PROBES_HEADER, o->marks);
	want_probes(c, PROBES_FUNC, o->funcs);
	want_probes(c, PROBES_USDT, o->usdt);
	want_probes(c, PROBES_GO, o->go);
	want_probes(c, PROBES_LAUNCH, o->launch);
	bpf_program__set_autoload(c->skel->progs.ct_launch_exec, o->launch);
	if (!o->marks && !o->funcs && !o->usdt && !o->go)
		bpf_map__set_max_entries(c->skel->maps.ct_mark_rooms, 1);
	bpf_map__set_max_entries(c->skel->maps.ct_gos, o->go ? CT_GO_MAX : 1);
	bpf_map__set_max_entries(c->skel->maps.__bpf_usdt_specs, o->usdt ? USDT_SITES : 1);
	bpf_map__set_max_entries(c->skel->maps.__bpf_usdt_ip_to_spec_id, 1);
}

/* Is there a rule that processes are judged by? */
static void configure(struct capture *c)
{
	struct ct_config cfg = {
		.self_tgid = (uint32_t)getpid(),
		.syscalls = c->opts.syscall_hooks,
		.helper_tgid = { c->opts.helper[0], c->opts.helper[1], (uint32_t)getpid() },
		.sample_nmi = c->opts.sample_hz && sampler_has_cycles(),
		.stacks = c->opts.stacks,
		.irq_ns = c->opts.irq_ns,
		.call_graph = capture__walks_user(c) ? c->opts.call_graph : CT_CALL_GRAPH_NONE,
	};

	members_configure(c->skel, &c->opts, &cfg);
	memcpy((void *)&c->skel->rodata->ct_cfg, &cfg, sizeof(cfg));
	bpf_map__set_max_entries(c->skel->maps.ct_rings, c->ncpu);
	bpf_map__set_max_entries(c->skel->maps.ct_stats, c->ncpu);
	bpf_map__set_max_entries(c->skel->maps.ct_now, c->ncpu);
	bpf_program__set_autoload(c->skel->progs.ct_sys_enter, c->opts.syscall_hooks);
	bpf_program__set_autoload(c->skel->progs.ct_sys_exit, c->opts.syscall_hooks);
	bpf_program__set_autoload(c->skel->progs.ct_sample, c->opts.sample_hz);
	bpf_program__set_autoload(c->skel->progs.ct_irq_entry, c->opts.irq_ns);
	bpf_program__set_autoload(c->skel->progs.ct_irq_exit, c->opts.irq_ns);
	bpf_program__set_autoload(c->skel->progs.ct_softirq_entry, c->opts.irq_ns);
	bpf_program__set_autoload(c->skel->progs.ct_softirq_exit, c->opts.irq_ns);
	bpf_program__set_autoattach(c->skel->progs.ct_place_tasks, false);
	configure_probes(c);
	set_space_sizes(c);
}

static int load(struct capture *c, struct strbuf *why)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = features_btf_path());
	int err;

	libbpf_set_print(libbpf_says);
	c->skel = ctrace__open_opts(&opts);
	if (!c->skel) {
		strbuf_set_f(why, "cannot open the BPF programs: %s", strerror(errno));
		return -ENOTSUP;
	}
	configure(c);
	err = ctrace__load(c->skel);
	if (err) {
		strbuf_set_f(
			why,
			"the kernel refused the BPF programs: %s; -vv shows its words, ctrace-bpf features what is missing",
			strerror(-err));
		return -ENOTSUP;
	}
	return 0;
}

static int take_record(void *ctx, void *rec, size_t len)
{
	struct ring_ctx *r = ctx;

	r->last_ts = ((const struct ev_hdr *)rec)->ts;
	r->taken += len;
	r->c->fn(r->c->ctx, r->cpu, rec, len);
	return r->taken < r->c->drain_max ?
		       0 :
		       -ENOBUFS; /* stops the consuming, this record included */
}

static int make_ring(struct capture *c, unsigned cpu)
{
	int outer = bpf_map__fd(c->skel->maps.ct_rings);
	uint32_t size = c->online[cpu] ? c->ring_size : RING_MIN;

	c->ring_fd[cpu] = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ct_ring", 0, 0, size, NULL);
	if (c->ring_fd[cpu] < 0 || bpf_map_update_elem(outer, &cpu, &c->ring_fd[cpu], BPF_ANY))
		return -errno;
	c->ring[cpu] = (struct ring_ctx){ .c = c, .cpu = cpu, .last_ts = clock_mono() };
	if (cpu)
		return ring_buffer__add(c->rb, c->ring_fd[cpu], take_record, &c->ring[cpu]);
	c->rb = ring_buffer__new(c->ring_fd[cpu], take_record, &c->ring[cpu], NULL);
	return c->rb ? 0 : -errno;
}

static int map_array(const struct bpf_map *map, size_t sz, void **out)
{
	void *p = mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (p == MAP_FAILED)
		return -errno;
	*out = p;
	return 0;
}

static int make_maps(struct capture *c, struct strbuf *why)
{
	unsigned i;
	int err = 0;

	c->ring_fd = xmalloc(c->ncpu * sizeof(*c->ring_fd));
	c->ring = xcalloc(c->ncpu, sizeof(*c->ring));
	memset(c->ring_fd, -1, c->ncpu * sizeof(*c->ring_fd));
	for (i = 0; !err && i < c->ncpu; i++)
		err = make_ring(c, i);
	if (!err)
		err = members_fill(c->skel, &c->opts);
	if (!err)
		err = map_array(c->skel->maps.ct_stats, c->ncpu * sizeof(*c->stat),
				(void **)&c->stat);
	if (!err)
		err = map_array(c->skel->maps.ct_now, c->ncpu * sizeof(*c->now), (void **)&c->now);
	if (err)
		strbuf_set_f(why, "cannot make the record buffers of %lluM: %s",
			     (unsigned long long)(c->buffer >> 20), strerror(-err));
	return err ? -ENOTSUP : 0; /* whatever it was: -EINVAL is for a wrong option alone */
}

struct capture *capture__open(const struct capture_opts *opts, struct strbuf *why)
{
	struct capture *c = xcalloc(1, sizeof(*c));
	int err;

	c->opts = *opts;
	err = set_sizes(c, why);
	if (!err)
		err = load(c, why);
	if (!err) {
		c->ksyms = ksyms__new(); /* our own programs have names once they are loaded */
		err = make_maps(c, why);
	}
	if (!err)
		return c;
	capture__free(c);
	errno = -err;
	return NULL;
}

void capture__free(struct capture *c)
{
	unsigned i;

	if (!c)
		return;
	if (c->stat)
		munmap(c->stat, c->ncpu * sizeof(*c->stat));
	if (c->now)
		munmap(c->now, c->ncpu * sizeof(*c->now));
	ring_buffer__free(c->rb);
	sampler__free(c->sampler);
	for (i = 0; c->ring_fd && i < c->ncpu; i++)
		if (c->ring_fd[i] >= 0)
			close(c->ring_fd[i]);
	ctrace__destroy(c->skel);
	ksyms__free(c->ksyms);
	free(c->ring_fd);
	free(c->ring);
	free(c->online);
	free(c->final);
	free(c);
}

/* ---- attaching ---- */

/* Over the threads of one process where the kernel can restrict the walk, over all elsewhere. */
static struct bpf_link *attach_iter(struct capture *c, struct bpf_program *prog)
{
	union bpf_iter_link_info info = { 0 };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));
	struct bpf_link *link = NULL;

	if (c->opts.targets && c->opts.targets->cnt == 1 && !c->opts.follow) {
		info.task.pid = c->opts.targets->t[0].pid;
		link = bpf_program__attach_iter(prog, &opts);
	}
	return link ? link : bpf_program__attach_iter(prog, NULL);
}

/*
 * Every thread gets its place in the kernel, before a hook needs it. The hook of the fork is there
 * first: what is born during the last walk, which finds nobody without one, gets it there. A thread
 * that has none all the same gets it from the hook that sees it first, which may fail: then a
 * record is lost, and counted.
 */
static void place_threads(struct capture *c)
{
	struct bpf_link *link = attach_iter(c, c->skel->progs.ct_place_tasks);
	volatile uint32_t *unplaced = &c->skel->bss->ct_unplaced;
	int err = 0, tries = PLACE_TRIES;

	do {
		*unplaced = 0;
		err = link ? iter_run(bpf_link__fd(link)) : 0;
	} while (!err && *unplaced && --tries);
	if (err || *unplaced)
		log_debug("%u threads have no place yet: %s", *unplaced, strerror(-err));
	bpf_link__destroy(link);
}

static int start_sampling(struct capture *c, struct strbuf *why)
{
	int err;

	c->sampler = sampler__new(c->ncpu);
	err = sampler__attach(c->sampler, c->skel, c->opts.sample_hz, c->online);
	if (err)
		strbuf_set_f(why, "no CPU samples: the kernel refused the clock: %s",
			     strerror(-err));
	return err;
}

int capture__attach(struct capture *c, struct strbuf *why)
{
	int err;

	ksyms__ready(c->ksyms);
	c->skel->links.ct_fork = bpf_program__attach(c->skel->progs.ct_fork);
	err = members_judge(c->skel, &c->opts);
	if (err) {
		strbuf_set_f(why, "the kernel refused to walk the processes of this machine: %s",
			     strerror(-err));
		return err;
	}
	place_threads(c);
	c->skel->links.ct_snap_tasks = attach_iter(c, c->skel->progs.ct_snap_tasks);
	err = ctrace__attach(
		c->skel); /* the rest; what has a link or was not loaded is passed over */
	if (err)
		strbuf_set_f(why, "the kernel refused to attach the BPF programs: %s",
			     strerror(-err));
	if (!err && c->opts.sample_hz)
		err = start_sampling(c, why);
	c->skel->bss->ct_hooked = !err;
	return err;
}

const char capture_memory_silent[] =
	"a recorded process has memory that does not answer: threads that sleep when the recording begins have no user stacks until they run";

/* Where user stacks are walked, memory of the processes is read. */
int capture__snapshot(struct capture *c)
{
	int fd, err = 0;

	if (!c->skel->links.ct_snap_tasks)
		return 0;
	fd = bpf_link__fd(c->skel->links.ct_snap_tasks);
	if (capture__walks_user(c) && !c->memory_silent) {
		err = iter_run_apart(fd);
		if (err != -ETIMEDOUT)
			return err;
		c->memory_silent = true;
		c->skel->bss->ct_snap_plain = 1;
		log_notice("%s", capture_memory_silent);
	}
	return iter_run(fd);
}

bool capture__memory_silent(const struct capture *c)
{
	return c->memory_silent;
}

bool capture__running_syscall(const struct capture *c, unsigned cpu, struct ev_sys *out)
{
	const volatile struct ev_cpu_now *now = &c->now[cpu];
	uint64_t begin = now->sys_begin, key = now->key;
	uint32_t nr = now->sys_nr;

	/* the CPU goes on meanwhile: what changed under our eyes is no answer */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (!begin || !key || now->sys_begin != begin || now->key != key)
		return false;
	*out = (struct ev_sys){
		.h = { .kind = EV_SYS_ENTER, .cpu = (uint16_t)cpu, .flags = EVF_ASKED, .arg = nr },
		.thr = key,
		.begin = begin,
	};
	return true;
}

/* ---- draining ---- */

unsigned capture__drain(struct capture *c, capture_fn fn, void *ctx, bool *more,
			uint64_t *unseen_ts)
{
	unsigned i, fill, fullest = 0;
	struct ring *ring;
	uint64_t first;

	c->fn = fn;
	c->ctx = ctx;
	*more = false;
	*unseen_ts = UINT64_MAX;
	for (i = 0; i < c->ncpu; i++) {
		ring = ring_buffer__ring(c->rb, i);
		fill = (unsigned)(ring__avail_data_size(ring) * 100 / ring__size(ring));
		if (fill > fullest)
			fullest = fill;
		c->ring[i].taken = 0;
		ring__consume(ring);
		if (c->ring[i].taken >= c->drain_max)
			*more = true;
		/* what is left, or held back by a record that is being filled, is newer than the
		 * last one seen */
		first = c->ring[i].last_ts;
		if (ring__avail_data_size(ring) && first < *unseen_ts)
			*unseen_ts = first;
	}
	return fullest;
}

uint64_t capture__take_lost(struct capture *c, unsigned cpu, uint64_t *since_ts)
{
	struct ev_cpu_stat *st = &c->stat[cpu];
	uint64_t lost = __atomic_load_n(&st->lost, __ATOMIC_ACQUIRE), n;

	if (c->final) /* what was lost since is no part of the recording */
		lost = c->final[cpu].lost;
	if (lost <= st->lost_ack)
		return 0;
	n = lost - st->lost_ack;
	*since_ts = __atomic_load_n(&st->lost_since, __ATOMIC_RELAXED);
	__atomic_store_n(&st->lost_ack, lost, __ATOMIC_RELEASE);
	return n;
}

/* ---- questions ---- */

unsigned capture__ncpu(const struct capture *c)
{
	return c->ncpu;
}

uint64_t capture__buffer(const struct capture *c)
{
	return c->buffer;
}

uint64_t capture__left(const struct capture *c)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < c->ncpu; i++)
		n += capture__stat(c, i)->left;
	return n;
}

bool capture__has(const struct capture *c, const struct target *t)
{
	struct ct_member m;

	return !bpf_map_lookup_elem(bpf_map__fd(c->skel->maps.ct_targets), &t->tgid, &m) ||
	       errno != ENOENT;
}

struct ctrace *capture__skel(struct capture *c)
{
	return c->skel;
}

int capture__set_go(struct capture *c, uint32_t at, const struct ct_go *go)
{
	return bpf_map_update_elem(bpf_map__fd(c->skel->maps.ct_gos), &at, go, BPF_ANY) ? -errno :
											  0;
}

void capture__helper_has(struct capture *c, unsigned helper, uint32_t pid)
{
	c->skel->bss->ct_helpers_child[helper] = pid;
}

bool capture__walks_user(const struct capture *c)
{
	return c->opts.call_graph && (c->opts.stacks & ~CT_STACK_KERNEL || c->opts.sample_hz);
}

struct tables_opts capture__tables(const struct capture *c)
{
	return (struct tables_opts){
		.slabs_fd = bpf_map__fd(c->skel->maps.ct_slabs),
		.rules_fd = bpf_map__fd(c->skel->maps.ct_rules),
		.modules_fd = bpf_map__fd(c->skel->maps.ct_modules),
		.mappings_fd = bpf_map__fd(c->skel->maps.ct_mappings),
		.spaces_fd = bpf_map__fd(c->skel->maps.ct_spaces),
		.nmodules = c->nmodules,
		.nmappings = c->nmappings,
		.ahead = c->opts.targets && !c->opts.follow ? 1 :
							      4, /* a compiler's library has 3 */
		.bytes_max = TABLES_MAX,
	};
}

int capture__targets_fd(const struct capture *c)
{
	return c->opts.targets && (c->opts.follow || !features[FEATURE_SEE_ALL].ask()) ?
		       bpf_map__fd(c->skel->maps.ct_targets) :
		       -1;
}

uint32_t capture__living(const struct capture *c)
{
	return members_move(&c->opts) ?
		       __atomic_load_n(&c->skel->bss->ct_living, __ATOMIC_RELAXED) :
		       0;
}

uint64_t capture__unfollowed(const struct capture *c)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < c->ncpu; i++)
		n += capture__stat(c, i)->unfollowed;
	return n;
}

uint32_t capture__next_epoch(struct capture *c)
{
	return ++c->skel->bss->ct_epoch;
}

uint64_t capture__ring_size(const struct capture *c)
{
	return c->ring_size;
}

const char *capture__ksym(struct capture *c, uint64_t addr)
{
	return ksyms__name(c->ksyms, addr);
}

void capture__stop_counting(struct capture *c)
{
	if (c->final)
		return;
	c->final = xcalloc(c->ncpu, sizeof(*c->final));
	memcpy(c->final, c->stat, c->ncpu * sizeof(*c->final));
}

const struct ev_cpu_stat *capture__stat(const struct capture *c, unsigned cpu)
{
	return c->final ? &c->final[cpu] : &c->stat[cpu];
}

uint64_t capture__snap_missed(const struct capture *c)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < c->ncpu; i++)
		n += capture__stat(c, i)->snap_missed;
	return n;
}

void capture__forget(struct capture *c, const struct target *t)
{
	if (!c->opts.follow)
		bpf_map_delete_elem(bpf_map__fd(c->skel->maps.ct_targets), &t->tgid);
}

const char *capture__prog(const struct capture *c, unsigned i, uint64_t *missed)
{
	struct bpf_program *prog = NULL;
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	do {
		prog = bpf_object__next_program(c->skel->obj, prog);
		if (prog && bpf_program__fd(prog) < 0)
			continue;
	} while (prog && i--);
	if (!prog)
		return NULL;
	*missed = bpf_prog_get_info_by_fd(bpf_program__fd(prog), &info, &len) ?
			  0 :
			  info.recursion_misses;
	return bpf_program__name(prog);
}
