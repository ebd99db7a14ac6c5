// SPDX-License-Identifier: BSD-2-Clause
/*
 * See symbolizer.h.
 *
 *	resolve, prefetch ─► cache ─ miss ─► symclient ─► [ worker: symfile, jitcode ]
 *
 * Frames and their texts are made once each and forgotten all at once. The lock guards the table of
 * modules and the sentences; the cache and the client belong to the thread that asks.
 */
#include "symbol/symbolizer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "symbol/jitcode.h"
#include "symbol/strpool.h"
#include "symbol/symclient.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/hash.h"
#include "util/idset.h"
#include "util/procfs.h"
#include "util/strbuf.h"
#include "util/troubles.h"
#include "util/u64map.h"
#include "util/xalloc.h"

#define TIMEOUT_MS 10000
#define FRAMES_MAX 262144
#define BYTES_MAX (64u << 20)

/* A root directory, which many modules share. */
struct root {
	struct root *next;
	int fd;
	unsigned refs;
	struct statx st; /* all 0: not known */
};

struct module {
	unsigned refs; /* the table, and who asks */
	uint32_t turn; /* which one with this number */
	uint32_t number;
	uint8_t type;
	uint32_t pid, ns_pid;
	int fd;
	int pidfd;	   /* EV_MODULE_JIT: the process; -1: it is gone, or nobody's */
	struct root *root; /* NULL: our own */
	char *path;
	uint8_t build_id[32];
	uint8_t nbuild;
	/* of the thread that asks */
	uint32_t told; /* the worker that knows it */
	uint32_t uid;  /* … of this user */
	bool bad;      /* not to be asked about any more */
};

/* What is known of a frame. */
struct entry {
	const struct sym_frame *frame;
	uint32_t cnt;
	uint32_t turn;	   /* of its module */
	uint64_t again_ns; /* 0: settled; else code of a JIT without a name, to be asked then */
};

struct symbolizer {
	struct symclient *client;
	struct symbolizer_opts o;
	pthread_mutex_t lock;
	struct module **module; /* by number; EV_MODULE_MAX of them */
	struct root *roots;
	uint32_t turn;
	struct troubles troubles;
	/* the cache */
	struct u64map map; /* key_of(frame) → index of entry + 1 */
	struct entry *entry;
	size_t nentry, entry_cap;
	struct arena frames;
	struct strpool strings;
	struct idset unique; /* of distinct frames */
	struct sym_frame *distinct;
	size_t distinct_cap;
	uint32_t serial; /* given before the last time that all was forgotten */
	struct sym_packet packet;
};

struct symbolizer *symbolizer__new(void)
{
	return symbolizer__new_with(&(struct symbolizer_opts){ 0 });
}

struct symbolizer *symbolizer__new_with(const struct symbolizer_opts *o)
{
	struct symbolizer *s = xcalloc(1, sizeof(*s));

	s->o = *o;
	if (!s->o.timeout_ms)
		s->o.timeout_ms = TIMEOUT_MS;
	if (!s->o.frames_max)
		s->o.frames_max = FRAMES_MAX;
	if (!s->o.bytes_max)
		s->o.bytes_max = BYTES_MAX;
	s->module = xcalloc(EV_MODULE_MAX, sizeof(*s->module));
	pthread_mutex_init(&s->lock, NULL);
	s->client = symclient__new(s->o.timeout_ms, s->o.hook);
	if (s->client)
		return s;
	symbolizer__free(s);
	return NULL;
}

uint32_t symbolizer__pid(const struct symbolizer *s)
{
	return symclient__pid(s->client);
}

/* ---- modules; the lock is held ---- */

static void put_root(struct symbolizer *s, struct root *r)
{
	struct root **at;

	if (!r || --r->refs)
		return;
	for (at = &s->roots; *at != r; at = &(*at)->next)
		;
	*at = r->next;
	close(r->fd);
	free(r);
}

/* What the kernel knows by itself: nobody asks a file system that may not answer. */
static bool is_known(int fd, struct statx *st)
{
	return !statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO | STATX_MNT_ID, st) &&
	       st->stx_mask & STATX_MNT_ID;
}

static bool is_same(const struct statx *a, const struct statx *b)
{
	return a->stx_mnt_id && a->stx_mnt_id == b->stx_mnt_id && a->stx_ino == b->stx_ino &&
	       a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor;
}

/* The same directory of the same mount is kept once: a process of a thousand has one each. */
static struct root *get_root(struct symbolizer *s, int fd)
{
	struct root *r, now = { .fd = fd, .refs = 1 };

	if (fd < 0)
		return NULL;
	if (!is_known(fd, &now.st))
		now.st = (struct statx){ 0 };
	for (r = s->roots; r; r = r->next) {
		if (is_same(&r->st, &now.st)) {
			close(fd);
			r->refs++;
			return r;
		}
	}
	r = xmalloc(sizeof(*r));
	*r = now;
	r->next = s->roots;
	s->roots = r;
	return r;
}

static void put_module(struct symbolizer *s, struct module *m)
{
	if (!m || --m->refs)
		return;
	if (m->fd >= 0)
		close(m->fd);
	if (m->pidfd >= 0)
		close(m->pidfd);
	put_root(s, m->root);
	free(m->path);
	free(m);
}

/* The user of a process; ours where that cannot be told. */
static uint32_t user_of(uint32_t pid)
{
	uint32_t uid;

	return pid && !procfs_uid(pid, &uid) ? uid : geteuid();
}

/* The descriptor was there before the question and is alive after it: its number is no other's. */
static bool has_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return pidfd < 0 || poll(&p, 1, 0) > 0;
}

/* A process may become another user's. True: it has, and the worker has to know. */
static bool user_has_changed(struct module *m)
{
	uint32_t uid;

	if (m->type != EV_MODULE_JIT || has_ended(m->pidfd))
		return false;
	uid = user_of(m->pid);
	if (uid == m->uid || has_ended(m->pidfd))
		return false;
	m->uid = uid;
	return true;
}

/* An image in memory as a file. */
static int image_fd(const void *image, size_t size)
{
	int fd = memfd_create("vdso", MFD_CLOEXEC);

	if (fd >= 0 && (!image || write(fd, image, size) != (ssize_t)size)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void symbolizer__add(struct symbolizer *s, const struct sym_module *add)
{
	struct module *m;

	if (!add->module || add->module >= EV_MODULE_MAX) {
		if (add->fd >= 0)
			close(add->fd);
		if (add->root_fd >= 0)
			close(add->root_fd);
		return;
	}
	m = xcalloc(1, sizeof(*m));
	m->refs = 1;
	m->number = add->module;
	m->type = add->type;
	m->pid = add->pid;
	m->ns_pid = add->ns_pid;
	m->pidfd = -1;
	if (m->type == EV_MODULE_JIT) {
		m->pidfd = add->pid ? (int)syscall(SYS_pidfd_open, add->pid, 0) : -1;
		m->uid = user_of(add->pid);
	}
	m->fd = add->fd;
	if (m->type == EV_MODULE_VDSO)
		m->fd = image_fd(add->image, add->image_size);
	m->path = xstrdup(add->path ? add->path : "");
	m->nbuild = add->nbuild <= sizeof(m->build_id) ? add->nbuild : 0;
	memcpy(m->build_id, add->build_id, m->nbuild);
	pthread_mutex_lock(&s->lock);
	m->turn = ++s->turn;
	m->root = get_root(s, add->root_fd);
	put_module(s, s->module[m->number]);
	s->module[m->number] = m;
	pthread_mutex_unlock(&s->lock);
}

void symbolizer__drop(struct symbolizer *s, uint32_t module)
{
	pthread_mutex_lock(&s->lock);
	put_module(s, s->module[module]);
	s->module[module] = NULL;
	pthread_mutex_unlock(&s->lock);
}

/* ---- modules, for who asks ---- */

static struct module *get_module(struct symbolizer *s, uint32_t number)
{
	struct module *m = NULL;

	pthread_mutex_lock(&s->lock);
	if (number < EV_MODULE_MAX && (m = s->module[number]))
		m->refs++;
	pthread_mutex_unlock(&s->lock);
	return m;
}

static void release(struct symbolizer *s, struct module *m)
{
	pthread_mutex_lock(&s->lock);
	put_module(s, m);
	pthread_mutex_unlock(&s->lock);
}

void symbolizer__troubles(struct symbolizer *s, void (*fn)(void *ctx, const char *sentence),
			  void *ctx)
{
	troubles_each(&s->troubles, fn, ctx);
}

/* ---- the cache ---- */

/* Frame 0 has a key; the last frame, which no module can have, shares that of its neighbour. */
static uint64_t key_of(uint64_t frame)
{
	return frame == UINT64_MAX ? frame : frame + 1;
}

static const struct entry *cached(const struct symbolizer *s, uint64_t frame,
				  const struct module *m)
{
	const uint64_t *at = u64map_get(&s->map, key_of(frame));
	const struct entry *e = at ? &s->entry[*at - 1] : NULL;

	if (!e || (m && e->turn != m->turn))
		return NULL;
	return e->again_ns && clock_ns(CLOCK_MONOTONIC) >= e->again_ns ? NULL : e;
}

static struct sym_frame distinct(struct symbolizer *s, const char *func, const char *file,
				 uint32_t line)
{
	struct sym_frame f = { .func = strpool_add(&s->strings, func),
			       .file = strpool_add(&s->strings, file),
			       .line = line };
	uint64_t h = hash_u64((uint64_t)(uintptr_t)f.func ^
			      hash_u64((uint64_t)(uintptr_t)f.file + line));
	uint32_t hash = (uint32_t)(h ^ h >> 32), id;
	size_t at = idset_start(&s->unique, hash);

	while ((id = idset_next(&s->unique, hash, &at))) {
		const struct sym_frame *have = &s->distinct[id - 1];

		if (have->func == f.func && have->file == f.file && have->line == f.line)
			return *have;
	}
	s->distinct = xgrow(s->distinct, s->unique.cnt, &s->distinct_cap, sizeof(*s->distinct));
	f.serial = s->serial + idset_add(&s->unique, hash);
	s->distinct[s->unique.cnt - 1] = f;
	return f;
}

static const struct entry *remember(struct symbolizer *s, uint64_t frame, const struct module *m,
				    const struct sym_client_func *func, size_t cnt)
{
	struct sym_frame *f = arena_alloc(&s->frames, cnt * sizeof(*f));
	uint64_t *at = u64map_put(&s->map, key_of(frame), NULL);
	struct entry *e;
	size_t i;

	for (i = 0; i < cnt; i++)
		f[i] = distinct(s, func[i].func, *func[i].file || !m ? func[i].file : m->path,
				func[i].line);
	if (!*at) {
		s->entry = xgrow(s->entry, s->nentry, &s->entry_cap, sizeof(*s->entry));
		*at = ++s->nentry;
	}
	e = &s->entry[*at - 1];
	*e = (struct entry){ .frame = f, .cnt = (uint32_t)cnt, .turn = m ? m->turn : 0 };
	return e;
}

static const struct entry *remember_nameless(struct symbolizer *s, uint64_t frame,
					     const struct module *m)
{
	uint64_t addr = EV_FRAME_ADDR(frame);
	const char *base = m ? strrchr(m->path, '/') : NULL;
	struct sym_client_func f = { .file = "" };
	struct strbuf name = STRBUF_INIT;
	struct entry *e;

	base = !m ? "" : base && base[1] ? base + 1 : *m->path ? m->path : "[file]";
	if (m && m->type == EV_MODULE_JIT)
		base = "[jit]";
	else if (m && m->type == EV_MODULE_VDSO)
		base = "[vdso]";
	strbuf_addf(&name, "%.400s%s0x%" PRIx64, base, m ? "+" : "", addr);
	f.func = name.buf;
	e = (struct entry *)(uintptr_t)remember(s, frame, m, &f, 1);
	if (m && m->type == EV_MODULE_JIT && !m->bad)
		e->again_ns = clock_ns(CLOCK_MONOTONIC) + JIT_AGAIN_NS;
	strbuf_free(&name);
	return e;
}

void symbolizer__forget(struct symbolizer *s)
{
	size_t bytes = strpool_bytes(&s->strings) + s->frames.total +
		       s->nentry * (sizeof(struct entry) + 32) +
		       s->unique.cnt * (sizeof(struct sym_frame) + 12);

	if (s->nentry <= s->o.frames_max && bytes <= s->o.bytes_max)
		return;
	s->serial += (uint32_t)s->unique.cnt;
	u64map_free(&s->map);
	free(s->entry);
	s->entry = NULL;
	s->nentry = s->entry_cap = 0;
	free(s->distinct);
	s->distinct = NULL;
	s->distinct_cap = 0;
	idset_free(&s->unique);
	arena_free(&s->frames);
	strpool_free(&s->strings);
}

void symbolizer__free(struct symbolizer *s)
{
	size_t i;

	if (!s)
		return;
	symclient__free(s->client);
	for (i = 0; i < EV_MODULE_MAX; i++)
		put_module(s, s->module[i]);
	free(s->module);
	s->o.frames_max = s->o.bytes_max = 0;
	s->nentry++; /* so that it does forget */
	symbolizer__forget(s);
	troubles_free(&s->troubles);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- questions ---- */

/* Makes the module known to the worker. False: there is no worker. */
static bool tell_module(struct symbolizer *s, struct module *m)
{
	struct sym_msg_module info = { .type = m->type, .ns_pid = m->ns_pid, .nbuild = m->nbuild };
	struct strbuf why = STRBUF_INIT;
	uint32_t worker = symclient__worker(s->client, &why);
	int fd[2];
	size_t nfd = 0;

	if (!worker) {
		if (why.len)
			troubles_add(&s->troubles, "no names of functions: %s", why.buf);
		strbuf_free(&why);
		return false;
	}
	if (!user_has_changed(m) && m->told == worker)
		return true;
	info.uid = m->uid;
	if (m->fd >= 0) {
		fd[nfd++] = m->fd;
		info.has |= SYM_HAS_FILE;
	}
	if (m->root) {
		fd[nfd++] = m->root->fd;
		info.has |= SYM_HAS_ROOT;
	}
	memcpy(info.build_id, m->build_id, sizeof(info.build_id));
	sym_packet_start(&s->packet, SYM_MODULE, m->number);
	sym_packet_add(&s->packet, &info, sizeof(info));
	sym_packet_add(&s->packet, m->path, strlen(m->path) + 1);
	/* a worker that just died is noticed by the question that follows */
	symclient__module(s->client, &s->packet, fd, nfd);
	m->told = worker;
	return true;
}

struct asked {
	struct symbolizer *s;
	struct module *m;
};

static void on_answer(void *ctx, uint64_t addr, const struct sym_client_func *func, size_t cnt)
{
	struct asked *a = ctx;

	remember(a->s, EV_FRAME(a->m->number, addr), a->m, func, cnt);
}

/* Asks for frames of one module. Those that have no name afterwards are not in the cache. */
static void ask(struct symbolizer *s, struct module *m, const uint64_t *frame, size_t cnt)
{
	struct asked a = { s, m };
	struct strbuf why = STRBUF_INIT;
	uint64_t addr[SYM_ASK_MAX];
	size_t i, n;

	for (; cnt && !m->bad; frame += n, cnt -= n) {
		n = cnt < SYM_ASK_MAX ? cnt : SYM_ASK_MAX;
		for (i = 0; i < n; i++)
			addr[i] = EV_FRAME_ADDR(frame[i]);
		if (!tell_module(s, m))
			break;
		switch (symclient__ask(s->client, m->number, addr, n, on_answer, &a, &why)) {
		case 0:
		case -ECANCELED:
			break;
		default:
			m->bad = true;
		}
	}
	if (why.len)
		troubles_add(&s->troubles, "no names of functions in %s: %s", m->path, why.buf);
	strbuf_free(&why);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Frames of one module, sorted; those that are known already stay out of the question. */
static void fetch(struct symbolizer *s, uint64_t *frame, size_t cnt)
{
	struct module *m = get_module(s, EV_FRAME_MODULE(*frame));
	size_t i, n = 0;

	for (i = 0; i < cnt; i++)
		if (!cached(s, frame[i], m) && (!n || frame[n - 1] != frame[i]))
			frame[n++] = frame[i];
	if (m && n)
		ask(s, m, frame, n);
	for (i = 0; i < n; i++)
		if (!cached(s, frame[i], m))
			remember_nameless(s, frame[i], m);
	if (m)
		release(s, m);
}

void symbolizer__prefetch(struct symbolizer *s, const uint64_t *frame, size_t cnt)
{
	uint64_t *sorted;
	size_t i, n;

	if (!cnt)
		return;
	sorted = xmalloc(cnt * sizeof(*sorted));
	memcpy(sorted, frame, cnt * sizeof(*sorted));
	qsort(sorted, cnt, sizeof(*sorted), by_value);
	for (i = 0; i < cnt; i += n) {
		for (n = 1;
		     i + n < cnt && EV_FRAME_MODULE(sorted[i + n]) == EV_FRAME_MODULE(sorted[i]);
		     n++)
			;
		fetch(s, sorted + i, n);
	}
	free(sorted);
}

size_t symbolizer__resolve(struct symbolizer *s, uint64_t frame, const struct sym_frame **out)
{
	struct module *m = get_module(s, EV_FRAME_MODULE(frame));
	const struct entry *e = cached(s, frame, m);

	if (!e) {
		if (m)
			ask(s, m, &frame, 1);
		e = cached(s, frame, m);
		if (!e)
			e = remember_nameless(s, frame, m);
	}
	if (m)
		release(s, m);
	*out = e->frame;
	return e->cnt;
}

void symbolizer__give_up(struct symbolizer *s)
{
	symclient__give_up(s->client);
}
