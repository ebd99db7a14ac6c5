// SPDX-License-Identifier: BSD-2-Clause
/* See modules.h. */
#include "space/modules.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

#include "space/files.h"
#include "space/filework.h"
#include "space/mapped.h"
#include "space/tables.h"
#include "symbol/symbolizer.h"
#include "unwind/table.h"
#include "util/clock.h"
#include "util/hash.h"
#include "util/log.h"
#include "util/procfs.h"
#include "util/strbuf.h"
#include "util/troubles.h"
#include "util/u64map.h"
#include "util/xalloc.h"

#define LOG_TAG "modules"

#define RETRY_NS 2000000000ull
#define REUSE_NS 60000000000ull /* frames of a number that is free may be on their way */

struct module {
	uint8_t type;	       /* enum ev_module_kind; 0: the number is free */
	bool no_elf;	       /* a file, but of something that was made at run time */
	bool told;	       /* there is a record of it */
	bool has_table, again; /* again: it is to be read at the next chance */
	uint32_t next;	       /* with the same hash, 0 none */
	uint32_t users;	       /* mappings */
	bool orphan;	       /* its process has ended, and a child still maps it */
	uint64_t idle;	       /* without users: since when */
	uint64_t retry;	       /* again: not before */
	int64_t changed, size; /* the file, as it was when it was read */
	uint64_t dev, ino;
	char *path;
	struct elf_head head;
};

struct modules {
	struct tables *tables;
	struct symbolizer *symbolizer;
	struct files *files;
	struct module *mod; /* by number; 0 is nobody's */
	uint32_t cnt, max;
	struct u64map by_file; /* hash of dev and ino → the first number */
	struct u64map by_pid;  /* → number of its EV_MODULE_JIT */
	uint32_t vdso;
	struct {
		uint32_t id;
		uint64_t since;
	} * freed; /* a queue */
	size_t nfreed, cap_freed, freed_first;
	uint32_t files_max; /* modules that may be known at a time */
	void (*on_forget)(void *ctx, uint32_t module);
	void *on_forget_ctx;
	struct modules_stats stats;
	struct troubles troubles;

	pthread_mutex_t lock; /* of what follows */
	struct ev_module *news;
	size_t nnews, cap_news, news_first;
};

/* ---- numbers ---- */

/* Each known file is open: half of what is allowed is left for the rest. */
static uint32_t files_max(uint32_t max)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) || lim.rlim_cur / 2 > max)
		return max;
	return (uint32_t)(lim.rlim_cur / 2);
}

struct modules *modules__new(struct tables *tables, struct symbolizer *symbolizer,
			     struct files *files, uint32_t max)
{
	struct modules *m = xcalloc(1, sizeof(*m));

	m->tables = tables;
	m->symbolizer = symbolizer;
	m->files = files;
	m->max = max < EV_MODULE_MAX ? max : EV_MODULE_MAX;
	m->mod = xcalloc(m->max, sizeof(*m->mod));
	m->cnt = 1;
	pthread_mutex_init(&m->lock, NULL);
	m->files_max = files_max(m->max);
	return m;
}

void modules__free(struct modules *m)
{
	uint32_t i;

	if (!m)
		return;
	for (i = 0; i < m->cnt; i++)
		free(m->mod[i].path);
	troubles_free(&m->troubles);
	free(m->mod);
	free(m->freed);
	free(m->news);
	u64map_free(&m->by_file);
	u64map_free(&m->by_pid);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

void modules__on_forget(struct modules *m, void (*fn)(void *ctx, uint32_t module), void *ctx)
{
	m->on_forget = fn;
	m->on_forget_ctx = ctx;
}

static void free_number(struct modules *m, uint32_t id)
{
	if (m->freed_first > 64 && m->freed_first * 2 > m->nfreed) {
		m->nfreed -= m->freed_first;
		memmove(m->freed, m->freed + m->freed_first, m->nfreed * sizeof(*m->freed));
		m->freed_first = 0;
	}
	m->freed = xgrow(m->freed, m->nfreed, &m->cap_freed, sizeof(*m->freed));
	m->freed[m->nfreed].id = id;
	m->freed[m->nfreed++].since = clock_mono();
	free(m->mod[id].path);
	m->mod[id] = (struct module){ 0 };
}

/* ---- tables ---- */

static void drop_table(struct modules *m, uint32_t id)
{
	if (m->tables)
		tables__drop_module(m->tables, id);
}

static void put_plain(struct modules *m, uint32_t id, bool frame_pointers)
{
	if (m->tables)
		tables__put_plain(m->tables, id, frame_pointers);
}

/* ---- files that nobody maps ---- */

static uint64_t hash_file(uint64_t dev, uint64_t ino)
{
	uint64_t h = hash_u64(hash_u64(dev) + ino);

	return h ? h : 1;
}

/* Its number is another's later. */
static void forget_file(struct modules *m, uint32_t id)
{
	struct module *mod = &m->mod[id];
	uint64_t *slot = u64map_get(&m->by_file, hash_file(mod->dev, mod->ino));
	uint32_t at;

	if (slot && *slot == id) {
		*slot = mod->next;
	} else {
		for (at = slot ? (uint32_t)*slot : 0; at && m->mod[at].next != id;)
			at = m->mod[at].next;
		if (at)
			m->mod[at].next = mod->next;
	}
	drop_table(m, id);
	if (m->symbolizer)
		symbolizer__drop(m->symbolizer, id);
	if (m->on_forget)
		m->on_forget(m->on_forget_ctx, id);
	free_number(m, id);
}

/* The longest idle one, when its frames are surely written. */
static void forget_a_file(struct modules *m)
{
	uint64_t now = clock_mono();
	uint32_t i, best = 0;

	for (i = 1; i < m->cnt; i++)
		if (m->mod[i].type == EV_MODULE_FILE && !m->mod[i].users &&
		    now - m->mod[i].idle > REUSE_NS &&
		    (!best || m->mod[i].idle < m->mod[best].idle))
			best = i;
	if (best)
		forget_file(m, best);
}

static uint32_t new_number(struct modules *m)
{
	size_t nfreed = m->nfreed - m->freed_first;

	if (m->cnt - nfreed >= m->files_max)
		forget_a_file(m);
	if (m->freed_first < m->nfreed && clock_mono() - m->freed[m->freed_first].since > REUSE_NS)
		return m->freed[m->freed_first++].id;
	if (m->cnt < m->max)
		return m->cnt++;
	m->stats.no_number++;
	return 0;
}

/* ---- news ---- */

static void tell(struct modules *m, uint32_t id, uint32_t pid)
{
	const struct module *mod = &m->mod[id];
	struct ev_module ev = {
		.h = { .ts = clock_mono(), .kind = EV_MODULE, .cpu = 0xffff, .arg = id },
		.type = mod->type,
		.nbuild = mod->head.nbuild,
		.pid = mod->type == EV_MODULE_JIT ? pid : 0,
	};

	memcpy(ev.build_id, mod->head.build_id, sizeof(ev.build_id));
	snprintf(ev.path, sizeof(ev.path), "%s", mod->path);
	pthread_mutex_lock(&m->lock);
	m->news = xgrow(m->news, m->nnews, &m->cap_news, sizeof(*m->news));
	m->news[m->nnews++] = ev;
	pthread_mutex_unlock(&m->lock);
}

size_t modules__take_news(struct modules *m, struct ev_module *out)
{
	size_t len = 0;

	pthread_mutex_lock(&m->lock);
	if (m->news_first < m->nnews) {
		*out = m->news[m->news_first++];
		len = EV_MODULE_SHORT + strlen(out->path) + 1;
	} else {
		m->news_first = m->nnews = 0;
	}
	pthread_mutex_unlock(&m->lock);
	return len;
}

/* ---- files ---- */

void modules__troubles(struct modules *m, void (*fn)(void *ctx, const char *sentence), void *ctx)
{
	troubles_each(&m->troubles, fn, ctx);
}

/* Makes room by what nobody uses, the longest first. */
static bool forget_idle(struct modules *m)
{
	uint32_t i, best = 0;

	for (i = 1; i < m->cnt; i++)
		if (m->mod[i].has_table && !m->mod[i].users &&
		    (!best || m->mod[i].idle < m->mod[best].idle))
			best = i;
	if (!best)
		return false;
	drop_table(m, best);
	m->mod[best].has_table = false;
	m->mod[best].again = true;
	return true;
}

static void put_rows(struct modules *m, uint32_t id, const struct unwind_table *rows)
{
	int err;

	/* what is thrown out can be used after a while only: then this one is tried again */
	err = tables__put_module(m->tables, id, rows);
	if (err == -ENOSPC) {
		while (tables__buried(m->tables) < rows->nrow * 2 * sizeof(uint32_t) &&
		       forget_idle(m))
			;
		m->stats.no_room++;
		m->mod[id].again = true;
		m->mod[id].retry = clock_mono() + RETRY_NS;
	}
	m->mod[id].has_table = !err;
	if (err)
		put_plain(m, id, false);
}

/* Takes the rules of a file over, or what hinders it. */
static void put_table(struct modules *m, uint32_t id, int err, struct unwind_table *rows,
		      const struct strbuf *why)
{
	if (err || !rows->nrow) {
		if (err && err != -ENODATA)
			troubles_add(
				&m->troubles,
				"%s: its unwinding tables cannot be read (%s): stacks end there",
				m->mod[id].path, why->len ? why->buf : strerror(-err));
		m->stats.no_table++;
		put_plain(m, id, false);
	} else {
		put_rows(m, id, rows);
		m->stats.rows += rows->nrow;
		m->stats.bad += rows->nbad;
	}
	unwind_table_free(rows);
}

static void table_of_file(struct modules *m, uint32_t id, const struct filework_answer *a)
{
	struct strbuf why = STRBUF_INIT;
	struct unwind_table rows;
	int err;

	if (!m->tables)
		return;
	err = filework_rows(a, &rows, &why);
	put_table(m, id, err, &rows, &why);
	strbuf_free(&why);
}

static void table_of_image(struct modules *m, uint32_t id, const void *image, size_t size)
{
	struct strbuf why = STRBUF_INIT;
	struct unwind_table rows;
	int err;

	if (!m->tables)
		return;
	err = unwind_table_image(&rows, image, size, &why);
	put_table(m, id, err, &rows, &why);
	strbuf_free(&why);
}

static void name_module(struct modules *m, uint32_t id, uint32_t pid, int fd, const void *image,
			size_t size)
{
	struct module *mod = &m->mod[id];
	struct sym_module sm = {
		.module = id,
		.type = mod->type,
		.pid = pid,
		.ns_pid = procfs_ns_pid(pid),
		.fd = fd,
		.root_fd = mod->type == EV_MODULE_VDSO ? -1 : mapped_root(pid),
		.image = image,
		.image_size = size,
		.path = mod->path,
		.nbuild = mod->head.nbuild,
	};

	memcpy(sm.build_id, mod->head.build_id, sizeof(sm.build_id));
	if (fd >= 0 && m->cnt - (m->nfreed - m->freed_first) >= m->files_max) {
		close(fd); /* too many are open: it will be looked for by name and build id */
		fd = sm.fd = -1;
	}
	if (m->symbolizer) {
		symbolizer__add(m->symbolizer, &sm);
	} else {
		if (fd >= 0)
			close(fd);
		if (sm.root_fd >= 0)
			close(sm.root_fd);
	}
	if (!mod->told)
		tell(m, id, pid);
	mod->told = true;
}

/* The jitdump that the process has mapped; -1 */
static int dump_of(struct modules *m, uint32_t pid)
{
	const struct filework_ask ask = {
		.what = FILEWORK_DUMP,
		.pid = pid,
		.ns_pid = procfs_ns_pid(pid),
	};
	struct filework_answer a;

	if (files__ask(m->files, &ask, "", &a))
		a.fd = -1;
	strbuf_free(&a.body);
	return a.fd;
}

static uint32_t jit_of(struct modules *m, uint32_t pid)
{
	uint64_t *slot = u64map_get(&m->by_pid, pid);
	uint32_t id;

	if (slot)
		return (uint32_t)*slot;
	id = new_number(m);
	if (!id)
		return 0;
	*u64map_put(&m->by_pid, pid, NULL) = id;
	m->mod[id] = (struct module){ .type = EV_MODULE_JIT, .path = xstrdup("[jit]") };
	m->stats.jits++;
	put_plain(m, id, true);
	name_module(m, id, pid, m->symbolizer ? dump_of(m, pid) : -1, NULL, 0);
	return id;
}

/* err: nobody could look at it; else file_err: it cannot be read. */
static void tell_unread(struct modules *m, const struct module *mod, int err, int file_err)
{
	if (err && err != -ECANCELED)
		troubles_add(&m->troubles, "%s: %s; its stacks are cut", mod->path,
			     files_explain(err));
	else if (!err)
		troubles_add(&m->troubles, "%s: cannot be read (%s): stacks end there", mod->path,
			     strerror(-file_err));
	m->stats.no_file++;
}

/* Reads the file of a module, for the first time or once more: it had to make room while nobody
 * mapped it, or could not be opened because its process was gone. */
static void read_file(struct modules *m, uint32_t id, uint32_t pid, const struct code_mapping *map)
{
	struct filework_ask ask = filework_ask_of(FILEWORK_READ, pid, map);
	struct module *mod = &m->mod[id];
	uint64_t begin = clock_mono();
	struct filework_answer a;
	int err;

	ask.rows = m->tables;
	err = files__ask(m->files, &ask, map->path, &a);
	mod->head = a.told.head;
	mod->changed = a.told.mtime_ns;
	mod->size = a.told.size;
	mod->again = a.fd < 0;
	if (!err && a.told.err == -ENOEXEC) {
		mod->no_elf = true;
		if (mapped_is_jitdump(mod->path))
			name_module(m, jit_of(m, pid), pid, a.fd, NULL, 0);
		else if (a.fd >= 0)
			close(a.fd);
		strbuf_free(&a.body);
		return;
	}
	if (err || a.told.err) {
		tell_unread(m, mod, err, a.told.err);
		put_plain(m, id, false);
	} else {
		table_of_file(m, id, &a);
	}
	strbuf_free(&a.body);
	m->stats.build_ns += clock_mono() - begin;
	name_module(m, id, pid, a.fd, NULL, 0);
}

static uint32_t new_file(struct modules *m, uint32_t pid, const struct code_mapping *map)
{
	uint32_t id = new_number(m);
	uint64_t *slot;

	if (!id)
		return 0;
	slot = u64map_put(&m->by_file, hash_file(map->dev, map->ino), NULL);
	m->mod[id] = (struct module){
		.type = EV_MODULE_FILE,
		.dev = map->dev,
		.ino = map->ino,
		.path = xstrdup(map->path),
		.next = (uint32_t)*slot,
	};
	*slot = id;
	m->stats.files++;
	read_file(m, id, pid, map);
	return id;
}

/* Is the file another one than it was when it was read: written anew, in the same place? */
static bool has_changed(struct modules *m, const struct module *mod, uint32_t pid,
			const struct code_mapping *map)
{
	const struct filework_ask ask = filework_ask_of(FILEWORK_STAT, pid, map);
	struct filework_answer a;
	int err = files__ask(m->files, &ask, map->path, &a);

	strbuf_free(&a.body);
	return !err && !a.told.err && (a.told.size != mod->size || a.told.mtime_ns != mod->changed);
}

static uint32_t file_of(struct modules *m, uint32_t pid, const struct code_mapping *map)
{
	uint64_t *slot = u64map_get(&m->by_file, hash_file(map->dev, map->ino));
	uint32_t id = slot ? (uint32_t)*slot : 0;

	while (id && (m->mod[id].dev != map->dev || m->mod[id].ino != map->ino))
		id = m->mod[id].next;
	if (id && !m->mod[id].users && !m->mod[id].again && has_changed(m, &m->mod[id], pid, map)) {
		forget_file(m, id);
		id = 0;
	}
	return id ? id : new_file(m, pid, map);
}

/* ---- others ---- */

void modules__end_process(struct modules *m, uint32_t pid)
{
	uint64_t *slot = u64map_get(&m->by_pid, pid);
	uint32_t id = slot ? (uint32_t)*slot : 0;

	if (!id)
		return;
	u64map_del(&m->by_pid, pid);
	if (m->mod[id].users) { /* a child has it from its parent */
		m->mod[id].orphan = true;
		return;
	}
	drop_table(m, id);
	free_number(m, id);
}

/* The same in every process; so ours is taken. */
static uint32_t vdso_of(struct modules *m, const struct code_mapping *map)
{
	const void *image = (const void *)getauxval(AT_SYSINFO_EHDR);
	size_t size = map->end - map->start;
	uint32_t id;

	if (m->vdso || !image)
		return m->vdso;
	id = new_number(m);
	if (!id)
		return 0;
	m->mod[id] = (struct module){ .type = EV_MODULE_VDSO, .path = xstrdup("[vdso]") };
	if (elf_head_image(&m->mod[id].head, image, size))
		put_plain(m, id, false);
	else
		table_of_image(m, id, image, size);
	name_module(m, id, 0, -1, image, size);
	m->vdso = id;
	return id;
}

/* ---- the door ---- */

uint32_t modules__get(struct modules *m, uint32_t pid, const struct code_mapping *map,
		      uint64_t *bias)
{
	struct module *mod;
	uint32_t id;

	*bias = 0;
	if (!strcmp(map->path, "[vdso]"))
		id = vdso_of(m, map);
	else if (map->ino && map->path[0] == '/')
		id = file_of(m, pid, map);
	else
		id = jit_of(m, pid);
	if (id && m->mod[id].no_elf)
		id = jit_of(m, pid);
	if (!id)
		return 0;
	mod = &m->mod[id];
	if (mod->again && clock_mono() >= mod->retry)
		read_file(m, id, pid, map);
	mod->users++;
	if (mod->type != EV_MODULE_JIT)
		*bias = map->start - elf_head_addr(&mod->head, map->offset);
	return id;
}

void modules__use(struct modules *m, uint32_t module)
{
	if (module)
		m->mod[module].users++;
}

void modules__put(struct modules *m, uint32_t module)
{
	struct module *mod = &m->mod[module];

	if (!module || !mod->users || --mod->users)
		return;
	mod->idle = clock_mono();
	if (!mod->orphan)
		return;
	drop_table(m, module);
	free_number(m, module);
}

struct modules_stats modules__stats(const struct modules *m)
{
	struct modules_stats st = m->stats;

	st.bytes = m->tables ? tables__bytes(m->tables) : 0;
	return st;
}
