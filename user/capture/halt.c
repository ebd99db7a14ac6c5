// SPDX-License-Identifier: BSD-2-Clause
/* See halt.h. */
#include "capture/halt.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "annot/annot.h"
#include "annot/probes.h"
#include "bpf/config.h"
#include "bpf/launch.h"
#include "bpf/mark.h"
#include "capture/capture.h"
#include "capture/guard.h"
#include "capture/launch.h"
#include "capture/target.h"
#include "ctrace.skel.h"
#include "space/files.h"
#include "space/loader.h"
#include "space/maps.h"
#include "space/spaces.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "halt"

#define PATIENCE_NS 10000000000ull /* a large program with many probes takes a second */

struct halt {
	struct halt_opts opts;
	volatile struct ct_launch *shared; /* with the BPF programs, as the next */
	volatile uint32_t *unborn;
	int fd;

	/* of the main thread */
	uint32_t halted;    /* of shared->halted: seen */
	uint64_t asked_ns;  /* when it stopped; 0: it runs */
	uint64_t went_ns;   /* when it went on last */
	bool done;	    /* it is not stopped again */
	struct guard guard; /* until it is done */
	bool over;	    /* nothing is asked any more */

	/* of the thread of spaces */
	struct probes *probes; /* on the loader's hook; to take them back costs the kernel some ten
				  milliseconds, so they stay */

	pthread_mutex_t lock; /* of what follows */
	int err;
	struct strbuf why;
};

struct halt *halt__new(const struct halt_opts *opts)
{
	struct halt *h = xcalloc(1, sizeof(*h));
	int err;

	h->opts = *opts;
	h->why = STRBUF_INIT;
	pthread_mutex_init(&h->lock, NULL);
	h->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = h->fd < 0 ? -errno : guard_start(&h->guard, launch__pid(opts->launch));
	if (err) {
		if (h->fd >= 0)
			close(h->fd);
		pthread_mutex_destroy(&h->lock);
		free(h);
		errno = -err;
		return NULL;
	}
	h->shared = &capture__skel(opts->capture)->bss->ct_launch;
	h->unborn = &capture__skel(opts->capture)->bss->ct_unborn;
	h->shared->tgid = *h->unborn = opts->target->tgid;
	h->shared->halts = CT_HALT_EXEC;
	launch__expect_stop(opts->launch, true);
	return h;
}

void halt__free(struct halt *h)
{
	if (!h)
		return;
	if (h->asked_ns) {
		launch__expect_stop(h->opts.launch, false);
		launch__continue(h->opts.launch);
	}
	guard_end(&h->guard);
	probes__free(h->probes);
	pthread_mutex_destroy(&h->lock);
	strbuf_free(&h->why);
	close(h->fd);
	free(h);
}

int halt__fd(const struct halt *h)
{
	return h->fd;
}

/* ---- the thread of spaces ---- */

/* Of a file that the program has mapped. False: it is no loader, or nobody can say. fd: of the
 * file, -1 when it could not be opened; the caller's in both cases. */
static bool find_hook(const struct halt *h, const struct code_mapping *map,
		      struct loader_hook *hook, int *fd)
{
	struct filework_ask ask = filework_ask_of(FILEWORK_LOADER, h->opts.target->pid, map);
	struct filework_answer ans;
	bool found = !files__ask(h->opts.files, &ask, map->path, &ans) && !ans.told.err &&
		     ans.body.len == sizeof(*hook);

	if (found)
		memcpy(hook, ans.body.buf, sizeof(*hook));
	strbuf_free(&ans.body);
	*fd = ans.fd;
	return found;
}

/* The loader is the only one of a program's files that has the hook. */
static void probe_loader(void *ctx, const struct code_mapping *map)
{
	struct strbuf why = STRBUF_INIT;
	struct loader_hook hook;
	struct probe_site site;
	struct halt *h = ctx;
	int fd;

	if (h->probes || !map->ino || map->path[0] != '/')
		return;
	if (find_hook(h, map, &hook, &fd)) {
		site = (struct probe_site){ .offset = hook.offset };
		h->shared->r_state = hook.r_state;
		h->probes = probes__attach(capture__skel(h->opts.capture), PROBES_LAUNCH,
					   h->opts.target->pid, fd, &site, 1, &why);
		if (h->probes)
			h->shared->halts |= CT_HALT_LOADED;
		else
			log_info("%s: what is loaded is not waited for: %s", map->path, why.buf);
	}
	if (fd >= 0)
		close(fd);
	strbuf_free(&why);
}

/* What the user has named must be there; what may still be mapped is waited for. */
static void check_wishes(struct halt *h, bool last)
{
	struct strbuf why = STRBUF_INIT;
	int err = h->opts.annot ? annot__check(h->opts.annot, last, &why) : 0;

	pthread_mutex_lock(&h->lock);
	h->err = err;
	strbuf_set_f(&h->why, "%s", why.buf);
	pthread_mutex_unlock(&h->lock);
	strbuf_free(&why);
}

static void say_done(struct halt *h)
{
	uint64_t one = 1;

	(void)!write(h->fd, &one, sizeof(one));
}

/* All that the program has mapped is known, and probed. */
static void settled(void *ctx)
{
	struct halt *h = ctx;
	bool loaded = h->probes;

	if (!loaded)
		maps_read(h->opts.target->pid, probe_loader, h);
	check_wishes(h, loaded || !h->probes);
	say_done(h);
}

/* ---- the main thread ---- */

static void go_on(struct halt *h)
{
	/* a bit that is still there is of a stop to come */
	h->done = !h->shared->halts;
	*h->unborn = 0;
	h->asked_ns = 0;
	h->went_ns = clock_mono();
	launch__expect_stop(h->opts.launch, !h->done);
	launch__continue(h->opts.launch);
	if (h->done)
		guard_end(&h->guard);
}

/* Nothing more is waited for; a stop that comes all the same is ended at once. */
static void give_up(struct halt *h)
{
	h->over = true;
	h->shared->halts = 0;
}

/* The thread of spaces may be at work at the next stop: that is for launch__wait() then. */
void halt__over(struct halt *h)
{
	bool more = !h->done;

	give_up(h);
	if (h->asked_ns)
		go_on(h);
	launch__expect_stop(h->opts.launch, more);
}

void halt__stopped(struct halt *h)
{
	if (h->shared->halted == h->halted)
		return; /* that was somebody else */
	h->halted = h->shared->halted;
	if (h->over) { /* the thread of spaces did not know that yet */
		give_up(h);
		go_on(h);
		return;
	}
	h->asked_ns = clock_mono();
	spaces__settle(h->opts.spaces, h->opts.target->pid, settled, h);
}

int halt__answer(struct halt *h, struct strbuf *why)
{
	uint64_t n;
	int err;

	if (read(h->fd, &n, sizeof(n)) != sizeof(n) || !h->asked_ns)
		return 0;
	pthread_mutex_lock(&h->lock);
	err = h->err;
	if (err)
		strbuf_set_f(why, "%s", h->why.buf);
	pthread_mutex_unlock(&h->lock);
	log_info("%s was held for %.1f ms", launch__name(h->opts.launch),
		 (double)(clock_mono() - h->asked_ns) / 1e6);
	if (!err)
		go_on(h);
	return err;
}

void halt__tick(struct halt *h, uint64_t now_ns)
{
	if (h->asked_ns && now_ns - h->asked_ns > PATIENCE_NS) {
		log_notice("%s goes on before all of its code is known: that takes more than 10 s",
			   launch__name(h->opts.launch));
		give_up(h);
		go_on(h);
	} else if (!h->asked_ns && !h->done && h->went_ns && now_ns - h->went_ns > PATIENCE_NS) {
		give_up(h); /* its loader does not call the hook */
		h->done = true;
		launch__expect_stop(h->opts.launch, false);
		guard_end(&h->guard);
	}
}
