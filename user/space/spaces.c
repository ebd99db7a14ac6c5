// SPDX-License-Identifier: BSD-2-Clause
/*
 * See spaces.h. A process that was there before is read from /proc/PID/maps; from then on the
 * kernel's news say what has changed. Where news were lost everybody is read again.
 */
#include "space/spaces.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "annot/annot.h"
#include "bpf/config.h"
#include "space/files.h"
#include "space/mapevents.h"
#include "space/maplist.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/privileges.h"
#include "util/strbuf.h"
#include "util/u64map.h"
#include "util/xalloc.h"

#define LOG_TAG "spaces"

#define FRESH_NS 50000	   /* until news can be put in their order */
#define CHURN_NS 1000000   /* from one look to the next while only threads come and go */
#define RETRY_NS 100000000 /* when there was no room for mappings */
/* between two looks at who ends: a leader may be gone for long before its process is */
#define ENDING_MS 100
#define ENDING_MAX_MS 10000

/* A process. */
struct space {
	uint32_t pid, tgid;
	struct maplist maps;
	bool dirty;	     /* the kernel side has not seen the last changes */
	uint64_t publish_ts; /* not before */
	uint32_t round;	     /* of reading everybody, in which it was there */
};

struct spaces {
	struct spaces_opts opts;
	struct space_target *targets;
	struct tables *tables;
	struct modules *modules;
	struct maplist_hold hold;
	struct mapevents *events;
	struct u64map by_pid; /* struct space * */
	uint32_t *dirty;      /* pids of those that are */
	size_t ndirty, cap_dirty;
	uint32_t *ending; /* pids of those whose first thread has ended, and that have code */
	size_t nending, cap_ending;
	int ending_ms;	       /* from a look at them to the next */
	uint64_t ending_ts;    /* that one */
	struct space *reading; /* the process whose maps are read */
	int no_events;	       /* why there are none */
	bool lost;
	bool of_threads, of_processes; /* what the last news were of */
	uint32_t round;
	int epoll_fd, quit_fd, ask_fd;
	struct question {
		uint32_t pid;
		void (*fn)(void *ctx);
		void *ctx;
	} question; /* handed over by ask_fd */
	pthread_t thread;
	bool running;
	struct spaces_stats stats;
};

enum source { FROM_NEWS = 1, FROM_QUIT, FROM_ASKER };

/* ---- life ---- */

static void use_module(void *ctx, uint32_t module)
{
	modules__use(((struct spaces *)ctx)->modules, module);
}

static void put_module(void *ctx, uint32_t module)
{
	modules__put(((struct spaces *)ctx)->modules, module);
}

static void forget_annotations(void *ctx, uint32_t module)
{
	annot__forgotten(ctx, module);
}

static int set_up(struct spaces *s, struct strbuf *why)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = FROM_QUIT };
	struct epoll_event ask = { .events = EPOLLIN, .data.u64 = FROM_ASKER };
	int err;

	s->tables = s->opts.walks ? tables__new(&s->opts.maps, why) : NULL;
	if (s->opts.walks && !s->tables)
		return -errno;
	s->modules = modules__new(s->tables, s->opts.symbolizer, s->opts.files,
				  s->opts.walks ? s->opts.maps.nmodules : EV_MODULE_MAX);
	if (s->opts.annot)
		modules__on_forget(s->modules, forget_annotations, s->opts.annot);
	s->hold = (struct maplist_hold){ use_module, put_module, s };
	s->events = mapevents__open();
	s->no_events = s->events ? 0 : errno;
	if (!s->events)
		log_notice(
			"the kernel does not tell what is mapped from now on (%s): stacks end at code that is loaded later",
			strerror(errno));
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->quit_fd = eventfd(0, EFD_CLOEXEC);
	s->ask_fd = eventfd(0, EFD_CLOEXEC);
	if (s->epoll_fd < 0 || s->quit_fd < 0 || s->ask_fd < 0)
		return -errno;
	if (s->opts.files)
		files__stop_fd(s->opts.files, s->quit_fd);
	err = s->events ? mapevents__watch(s->events, s->epoll_fd, FROM_NEWS) : 0;
	if (!err && (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->quit_fd, &ev) ||
		     epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->ask_fd, &ask)))
		err = -errno;
	return err;
}

struct spaces *spaces__new(const struct spaces_opts *opts, struct strbuf *why)
{
	struct spaces *s = xcalloc(1, sizeof(*s));
	int err;

	s->opts = *opts;
	s->epoll_fd = s->quit_fd = s->ask_fd = -1;
	if (opts->targets) {
		s->targets = xmalloc(opts->ntargets * sizeof(*s->targets));
		memcpy(s->targets, opts->targets, opts->ntargets * sizeof(*s->targets));
	}
	err = set_up(s, why);
	if (!err)
		return s;
	if (!why->len)
		strbuf_set_f(why, "cannot watch what is mapped where: %s", strerror(-err));
	spaces__free(s);
	errno = -err;
	return NULL;
}

static void free_space(struct spaces *s, struct space *sp)
{
	maplist_free(&sp->maps, &s->hold);
	free(sp);
}

void spaces__stop(struct spaces *s)
{
	uint64_t one = 1;

	if (!s->running)
		return;
	if (s->opts.annot)
		annot__stop(s->opts.annot);
	(void)!write(s->quit_fd, &one, sizeof(one));
	pthread_join(s->thread, NULL);
	s->running = false;
}

void spaces__free(struct spaces *s)
{
	size_t i;

	if (!s)
		return;
	spaces__stop(s);
	for (i = 0; i < s->by_pid.cap; i++)
		if (s->by_pid.slot[i].key)
			free_space(s, (struct space *)(uintptr_t)s->by_pid.slot[i].val);
	u64map_free(&s->by_pid);
	mapevents__free(s->events);
	modules__free(s->modules);
	tables__free(s->tables);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	if (s->quit_fd >= 0)
		close(s->quit_fd);
	if (s->ask_fd >= 0)
		close(s->ask_fd);
	free(s->targets);
	free(s->dirty);
	free(s->ending);
	free(s);
}

/* ---- a process ---- */

static bool is_target(const struct spaces *s, uint32_t tgid)
{
	struct ct_member m;
	int fd = s->opts.targets_fd;

	return fd < 0 || !bpf_map_lookup_elem(fd, &tgid, &m) || errno != ENOENT;
}

/* Is it recorded? Then what the kernel calls it, else 0. */
static uint32_t tgid_of(const struct spaces *s, uint32_t pid)
{
	size_t i;

	if (!s->targets)
		return pid != (uint32_t)getpid() && is_target(s, pid) ? pid : 0;
	for (i = 0; i < s->opts.ntargets; i++)
		if (s->targets[i].pid == pid && is_target(s, s->targets[i].tgid))
			return s->targets[i].tgid;
	return 0;
}

static struct space *find_space(const struct spaces *s, uint32_t pid)
{
	uint64_t *slot = u64map_get(&s->by_pid, pid);

	return slot ? (struct space *)(uintptr_t)*slot : NULL;
}

static struct space *make_space(struct spaces *s, uint32_t pid, uint32_t tgid)
{
	struct space *sp = find_space(s, pid);

	if (sp)
		return sp;
	sp = xcalloc(1, sizeof(*sp));
	sp->pid = pid;
	sp->tgid = tgid;
	*u64map_put(&s->by_pid, pid, NULL) = (uintptr_t)sp;
	s->stats.processes++;
	return sp;
}

static void drop_tables(struct spaces *s, uint32_t tgid)
{
	if (s->tables)
		tables__drop_space(s->tables, tgid);
}

static void forget_process(struct spaces *s, uint32_t pid)
{
	struct space *sp = find_space(s, pid);

	if (!sp)
		return;
	drop_tables(s, sp->tgid);
	u64map_del(&s->by_pid, pid);
	free_space(s, sp);
	if (s->opts.annot)
		annot__ended(s->opts.annot, pid);
	modules__end_process(s->modules, pid);
}

/* The kernel side is to see what has changed, once all news are taken in. */
static void mark(struct spaces *s, struct space *sp)
{
	if (sp->dirty)
		return;
	sp->dirty = true;
	s->dirty = xgrow(s->dirty, s->ndirty, &s->cap_dirty, sizeof(*s->dirty));
	s->dirty[s->ndirty++] = sp->pid;
}

static void add_mapping(struct spaces *s, struct space *sp, const struct code_mapping *map)
{
	struct unw_mapping m = { .start = map->start, .end = map->end };
	uint64_t bias;

	m.module = modules__get(s->modules, sp->pid, map, &bias);
	m.bias = bias;
	if (s->opts.annot)
		annot__mapped(s->opts.annot, sp->pid, m.module, bias, map);
	maplist_add(&sp->maps, m, &s->hold);
	mark(s, sp);
}

static void found_mapping(void *ctx, const struct code_mapping *map)
{
	struct spaces *s = ctx;

	add_mapping(s, s->reading, map);
}

/* A process whose past is not known. What it has is held until what was known is put back: a module
 * that stays is never without a user. */
static void read_process(struct spaces *s, uint32_t pid)
{
	uint32_t tgid = tgid_of(s, pid);
	struct maplist old;
	struct space *sp;

	if (!tgid)
		return;
	sp = make_space(s, pid, tgid);
	old = sp->maps;
	sp->maps = (struct maplist){ 0 };
	s->reading = sp;
	s->stats.reads++;
	maps_read(pid, found_mapping, s);
	maplist_free(&old, &s->hold);
	sp->round = s->round;
	if (sp->maps.cnt)
		mark(s, sp);
	else
		forget_process(s, pid); /* gone; or a kernel thread, which has none */
}

/* Those whose end was among the news that were lost. */
static void forget_missing(struct spaces *s)
{
	struct space *sp;
	size_t i, n = 0;
	uint32_t *gone;

	gone = xcalloc(s->by_pid.cnt + 1, sizeof(*gone));
	for (i = 0; i < s->by_pid.cap; i++) {
		if (!s->by_pid.slot[i].key)
			continue;
		sp = (struct space *)(uintptr_t)s->by_pid.slot[i].val;
		if (sp->round != s->round)
			gone[n++] = sp->pid;
	}
	for (i = 0; i < n; i++)
		forget_process(s, gone[i]);
	free(gone);
}

static void read_everybody(struct spaces *s)
{
	struct dirent *de;
	uint32_t pid;
	size_t i;
	DIR *d;

	s->round++;
	for (i = 0; s->targets && i < s->opts.ntargets; i++)
		read_process(s, s->targets[i].pid);
	d = s->targets ? NULL : opendir("/proc");
	while (d && (de = readdir(d))) {
		pid = (uint32_t)strtoul(de->d_name, NULL, 10);
		if (pid)
			read_process(s, pid);
	}
	if (d)
		closedir(d);
	forget_missing(s);
}

/* ---- news ---- */

/*
 * The child of who is recorded is recorded. The map is not asked: this news may be here before the
 * hook of the fork has put the child there, and after it was taken out again.
 */
static uint32_t tgid_of_child(const struct spaces *s, uint32_t pid, const struct space *parent)
{
	return parent && !s->targets ? pid : tgid_of(s, pid);
}

static void on_fork(struct spaces *s, uint32_t pid, uint32_t parent)
{
	struct space *from = find_space(s, parent), *sp;
	uint32_t tgid = tgid_of_child(s, pid, from);

	if (!tgid || pid == parent)
		return;
	if (!from) { /* the kernel side may have given it what is nobody's any more */
		drop_tables(s, tgid);
		return;
	}
	sp = make_space(s, pid, tgid);
	maplist_copy(&sp->maps, &from->maps, &s->hold);
	if (s->opts.annot)
		annot__forked(s->opts.annot, pid, parent);
	mark(s, sp);
}

/* Who executes a set-uid program may be recorded no more. */
static void on_exec(struct spaces *s, uint32_t pid)
{
	struct space *sp = find_space(s, pid);

	if (sp)
		maplist_clear(&sp->maps, &s->hold);
	if (s->opts.annot)
		annot__executes(s->opts.annot, pid);
	if (sp && !is_target(s, sp->tgid))
		forget_process(s, pid);
}

/* False: it has code, which other threads may go on with. */
static bool has_ended(struct spaces *s, uint32_t pid)
{
	if (maps_has_code(pid))
		return false;
	if (find_space(s, pid))
		forget_process(s, pid);
	else if (!s->targets) /* the hook of the fork may have given it its parent's */
		drop_tables(s, pid);
	return true;
}

static void look_later(struct spaces *s, int ms)
{
	s->ending_ms = ms;
	s->ending_ts = clock_mono() + (uint64_t)ms * 1000000;
}

/* Newer kernels tell this before the memory is given up. */
static void on_exit_of(struct spaces *s, uint32_t pid)
{
	if (has_ended(s, pid))
		return;
	if (!s->nending || s->ending_ms > ENDING_MS)
		look_later(s, ENDING_MS);
	s->ending = xgrow(s->ending, s->nending, &s->cap_ending, sizeof(*s->ending));
	s->ending[s->nending++] = pid;
}

/* Returns whether some have not ended yet. */
static bool look_at_ending(struct spaces *s)
{
	size_t i, n = 0;

	if (!s->nending || clock_mono() < s->ending_ts)
		return s->nending;
	for (i = 0; i < s->nending; i++)
		if (!has_ended(s, s->ending[i]))
			s->ending[n++] = s->ending[i];
	s->nending = n;
	look_later(s, s->ending_ms < ENDING_MAX_MS / 2 ? s->ending_ms * 2 : ENDING_MAX_MS);
	return n;
}

static void on_news(void *ctx, const struct mapevent *ev)
{
	struct spaces *s = ctx;

	s->of_threads |= ev->kind == MAPEVENT_THREAD;
	s->of_processes |= ev->kind != MAPEVENT_THREAD;
	switch (ev->kind) {
	case MAPEVENT_THREAD:
		break;
	case MAPEVENT_LOST:
		s->lost = true;
		break;
	case MAPEVENT_FORKED:
		on_fork(s, ev->pid, ev->parent);
		break;
	case MAPEVENT_EXITED:
		on_exit_of(s, ev->pid);
		break;
	case MAPEVENT_EXEC:
		on_exec(s, ev->pid);
		break;
	case MAPEVENT_MAPPED:
		if (tgid_of(s, ev->pid))
			add_mapping(s, make_space(s, ev->pid, tgid_of(s, ev->pid)), &ev->map);
		break;
	}
}

/* The recording is over: who has forked whom is still of interest to the summary. */
static void on_last_news(void *ctx, const struct mapevent *ev)
{
	if (ev->kind == MAPEVENT_FORKED || ev->kind == MAPEVENT_EXEC)
		on_news(ctx, ev);
}

/*
 * What was before stays in its place for a while, so room is for so many a second: who has many
 * mappings and changes them all the time is published at longer and longer intervals.
 */
static void publish(struct spaces *s, struct space *sp)
{
	size_t cnt = sp->maps.cnt < UNW_MAPPINGS_MAX ? sp->maps.cnt : UNW_MAPPINGS_MAX;
	uint64_t now = clock_mono(), pause = cnt * 8000000000ull / s->opts.maps.nmappings;
	int err = tables__put_space(s->tables, sp->tgid, sp->maps.m, cnt);

	sp->dirty = err == -ENOSPC; /* again, when there is room */
	sp->publish_ts = now + (err ? RETRY_NS : pause);
	if (sp->maps.cnt > cnt)
		s->stats.cut++;
	if (err)
		s->stats.no_room++;
}

/* Returns whether some have to wait. */
static bool publish_marked(struct spaces *s)
{
	uint64_t now = clock_mono();
	struct space *sp;
	size_t i, n = 0;

	for (i = 0; i < s->ndirty; i++) {
		sp = find_space(s, s->dirty[i]);
		if (sp && sp->dirty && !s->tables)
			sp->dirty = false; /* nobody walks by it */
		if (sp && sp->dirty && now >= sp->publish_ts)
			publish(s, sp);
		if (sp && sp->dirty)
			s->dirty[n++] = sp->pid;
	}
	s->ndirty = n;
	return n;
}

/* What it has mapped is at its place at once, however little ago it was told last. */
static void answer(struct spaces *s, const struct question *q)
{
	struct space *sp;

	if (!s->events) /* else its news have been taken in */
		read_process(s, q->pid);
	sp = find_space(s, q->pid);
	if (sp && sp->dirty && s->tables)
		publish(s, sp);
	q->fn(q->ctx);
}

/*
 * Takes in what has come; returns how long to wait before the next look when there is more, or soon
 * will be. Threads change nothing here, and may come and go by thousands a second: after news of
 * them alone one look a millisecond is enough.
 */
static uint64_t take_news(struct spaces *s)
{
	bool more;

	s->of_threads = s->of_processes = false;
	more = mapevents__take(s->events, on_news, s);
	if (s->of_threads && !s->of_processes)
		return CHURN_NS;
	return more ? FRESH_NS : 0;
}

static void *keep_up(void *arg)
{
	struct epoll_event ev[4];
	struct spaces *s = arg;
	struct timespec moment = { 0, FRESH_NS };
	bool late = false, asked = false, ending = false;
	uint64_t asks, again = 0;
	int n, i;

	privileges_no_real_time();
	for (;;) {
		if (again)
			nanosleep(&(struct timespec){ .tv_nsec = (long)again }, NULL);
		n = epoll_wait(s->epoll_fd, ev, 4,
			       again  ? 0 :
			       late   ? 1 :
			       ending ? s->ending_ms :
					-1);
		asked = false;
		for (i = 0; i < n; i++) {
			if (ev[i].data.u64 == FROM_QUIT)
				goto over;
			if (ev[i].data.u64 == FROM_ASKER)
				asked = read(s->ask_fd, &asks, sizeof(asks)) == sizeof(asks);
		}
		if (asked) /* what came before the question can be put in order */
			nanosleep(&moment, NULL);
		again = s->events ? take_news(s) : 0;
		if (s->lost) {
			s->lost = false;
			s->stats.news_lost++;
			read_everybody(s);
		}
		ending = look_at_ending(s);
		late = publish_marked(s);
		if (asked)
			answer(s, &s->question);
		if (s->tables)
			tables__reserve(s->tables);
	}
over:
	if (s->events)
		mapevents__take(s->events, on_last_news, s);
	return NULL;
}

void spaces__read_all(struct spaces *s)
{
	read_everybody(s);
	publish_marked(s);
	if (s->tables)
		tables__reserve(s->tables);
}

int spaces__start(struct spaces *s)
{
	sigset_t all, old;
	int err;

	if (s->tables) /* the first program waits for nothing that can be done before */
		tables__reserve(s->tables);
	sigfillset(&all); /* signals are the main loop's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&s->thread, NULL, keep_up, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	s->running = !err;
	return -err;
}

void spaces__settle(struct spaces *s, uint32_t pid, void (*fn)(void *ctx), void *ctx)
{
	uint64_t one = 1;

	s->question = (struct question){ pid, fn, ctx };
	(void)!write(s->ask_fd, &one, sizeof(one)); /* orders the two threads, too */
}

size_t spaces__take_news(struct spaces *s, struct ev_module *out)
{
	return modules__take_news(s->modules, out);
}

struct spaces_stats spaces__stats(const struct spaces *s)
{
	struct spaces_stats st = s->stats;

	st.modules = modules__stats(s->modules);
	return st;
}

void spaces__troubles(const struct spaces *s, void (*fn)(void *ctx, const char *sentence),
		      void *ctx)
{
	struct spaces_stats st = spaces__stats(s);
	const struct {
		uint64_t cnt;
		const char *what;
	} counted[] = {
		{ st.cut, "a process has more code mappings than are walked: %" PRIu64 " times" },
		{ st.no_room,
		  "there was no room for the mappings of a process: %" PRIu64 " times" },
		{ st.news_lost,
		  "news of what is mapped came too fast, and all was read again: %" PRIu64
		  " times" },
		{ st.modules.no_room,
		  "there was no room for the unwinding tables of a file: %" PRIu64 " times" },
		{ st.modules.no_number, "there were too many files with code: %" PRIu64 " times" },
	};
	char text[256];
	size_t i;

	if (s->no_events) {
		snprintf(text, sizeof(text),
			 "the kernel does not tell what is mapped later (%s): stacks end there",
			 strerror(s->no_events));
		fn(ctx, text);
	}
	for (i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
		if (!counted[i].cnt)
			continue;
		snprintf(text, sizeof(text), counted[i].what, counted[i].cnt);
		fn(ctx, text);
	}
	modules__troubles(s->modules, fn, ctx);
}
