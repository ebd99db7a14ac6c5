// SPDX-License-Identifier: BSD-2-Clause
/* See symworker.h. */
#include "symbol/symworker.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bpf/event.h"
#include "symbol/debugfile.h"
#include "symbol/jitcode.h"
#include "symbol/symfile.h"
#include "symbol/symproto.h"
#include "util/clock.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

/*
 * Parsed files are let go when they take more, but for the one that was asked about last; who needs
 * one again reads it again. That one goes too when it takes the second number by itself.
 */
#define PARSED_MAX (768u << 20)
#define PARSED_ONE_MAX (3072u << 20)

struct module {
	uint8_t type;
	uint32_t ns_pid, uid;
	int fd, root_fd;
	struct build_id id;
	char *path;
	struct symfile *file;
	struct jitcode *jit;
	bool tried;	   /* to open it */
	struct strbuf why; /* what is wrong with it */
};

struct symworker {
	int sock;
	symworker_hook hook;
	struct module *module[EV_MODULE_MAX];
	struct sym_packet in, out;
	uint64_t flushed;
};

/* ---- modules ---- */

static void let_go(struct module *m)
{
	symfile__free(m->file);
	jitcode__free(m->jit);
	m->file = NULL;
	m->jit = NULL;
	m->tried = false;
}

static void free_module(struct module *m)
{
	if (!m)
		return;
	let_go(m);
	if (m->fd >= 0)
		close(m->fd);
	if (m->root_fd >= 0)
		close(m->root_fd);
	strbuf_free(&m->why);
	free(m->path);
	free(m);
}

static void add_module(struct symworker *w, const int *fd, size_t nfd)
{
	uint32_t number = sym_packet_head(&w->in)->module;
	const char *p = w->in.data + sizeof(struct sym_msg);
	size_t left = w->in.len - sizeof(struct sym_msg), at = 0;
	const struct sym_msg_module *info = sym_take(&p, &left, sizeof(*info));
	struct module *m;

	if (!info || number >= EV_MODULE_MAX || info->nbuild > BUILD_ID_MAX || !left ||
	    p[left - 1] != '\0')
		return;
	m = xcalloc(1, sizeof(*m));
	m->type = info->type;
	m->ns_pid = info->ns_pid;
	m->uid = info->uid;
	m->id.len = info->nbuild;
	memcpy(m->id.byte, info->build_id, sizeof(m->id.byte));
	m->path = xstrdup(p);
	m->why = STRBUF_INIT;
	m->fd = info->has & SYM_HAS_FILE && at < nfd ? fd[at++] : -1;
	m->root_fd = info->has & SYM_HAS_ROOT && at < nfd ? fd[at++] : -1;
	free_module(w->module[number]);
	w->module[number] = m;
}

/* A descriptor that only names its file (O_PATH) is opened here, where it may take its time.
 * Another one is as it was; -1 with errno. */
static int to_read(int fd)
{
	char path[32];

	if (fd < 0 || !(fcntl(fd, F_GETFL) & O_PATH))
		return fcntl(fd, F_DUPFD_CLOEXEC, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/*
 * The file that the process mapped, or the one that has its name now if it is the same: only the
 * build-id tells. Names of another file would be wrong ones, and nobody could see it.
 */
static int module_fd(struct module *m)
{
	struct elf_file f;
	struct build_id id;
	int fd;

	if (m->fd >= 0) {
		fd = to_read(m->fd);
		if (fd < 0)
			strbuf_set_f(&m->why, "it cannot be opened: %s", strerror(errno));
		return fd;
	}
	if (!m->id.len) {
		strbuf_set_f(
			&m->why,
			"it cannot be opened, and nothing tells whether the file of that name is the same");
		return -1;
	}
	fd = open_in_root(m->root_fd, m->path);
	if (fd < 0) {
		strbuf_set_f(&m->why, "it cannot be opened: %s", strerror(errno));
		return -1;
	}
	if (elf_file_open(&f, fcntl(fd, F_DUPFD_CLOEXEC, 0))) {
		strbuf_set_f(&m->why, "there is another file in its place");
		close(fd);
		return -1;
	}
	id = elf_build_id(f.elf);
	elf_file_close(&f);
	if (build_id_equal(&id, &m->id))
		return fd;
	strbuf_set_f(&m->why, "there is another file in its place");
	close(fd);
	return -1;
}

static void open_module(struct module *m)
{
	struct symfile_opts o = { .root_fd = m->root_fd, .path = m->path };

	m->tried = true;
	strbuf_reset(&m->why);
	if (m->type == EV_MODULE_JIT) {
		int fd = to_read(m->fd);

		if (m->fd >= 0)
			close(m->fd);
		m->fd = fd;
		m->jit = jitcode__new(&(struct jitcode_opts){ .root_fd = m->root_fd,
							      .dump_fd = m->fd,
							      .ns_pid = m->ns_pid,
							      .uid = m->uid });
		return;
	}
	o.fd = module_fd(m);
	if (o.fd >= 0)
		m->file = symfile__new(&o, &m->why);
}

static size_t find(struct module *m, uint64_t addr, struct sym_loc *out)
{
	if (!m->tried)
		open_module(m);
	if (m->file)
		return symfile__find(m->file, addr, out, EV_SYM_FRAMES);
	if (m->jit)
		return jitcode__find(m->jit, addr, clock_ns(CLOCK_MONOTONIC), out, &m->why);
	return 0;
}

/* ---- answers ---- */

static int flush(struct symworker *w, uint32_t module)
{
	int err = 0;

	if (sym_packet_head(&w->out)->cnt)
		err = sym_send(w->sock, &w->out, NULL, 0);
	sym_packet_start(&w->out, SYM_ANSWER, module);
	w->flushed = clock_ns(CLOCK_MONOTONIC);
	return err;
}

static void add_func(struct sym_packet *p, const struct sym_loc *l)
{
	size_t nfunc = strlen(l->func), nfile = l->file ? strlen(l->file) + 1 : 0;
	const char *file = l->file;
	struct sym_msg_func f = { .line = l->line };

	if (nfunc > SYM_FUNC_MAX - 1)
		nfunc = SYM_FUNC_MAX - 1;
	if (nfile > SYM_FILE_MAX) {
		file += nfile - SYM_FILE_MAX;
		nfile = SYM_FILE_MAX;
	}
	f.nfunc = (uint16_t)(nfunc + 1);
	f.nfile = (uint16_t)nfile;
	sym_packet_add(p, &f, sizeof(f));
	sym_packet_add(p, l->func, nfunc);
	sym_packet_add(p, "", 1);
	sym_packet_add(p, file, nfile);
}

static void answer(struct symworker *w, struct module *m, uint64_t addr)
{
	struct sym_loc loc[EV_SYM_FRAMES];
	struct sym_msg_addr a = { .addr = addr };
	size_t i;

	a.nfunc = (uint32_t)find(m, addr, loc);
	if (!a.nfunc)
		return;
	sym_packet_add(&w->out, &a, sizeof(a));
	for (i = 0; i < a.nfunc; i++)
		add_func(&w->out, &loc[i]);
	sym_packet_head(&w->out)->cnt++;
}

#define ANSWER_MAX                     \
	(sizeof(struct sym_msg_addr) + \
	 EV_SYM_FRAMES * (sizeof(struct sym_msg_func) + SYM_FUNC_MAX + SYM_FILE_MAX))

static int ask(struct symworker *w)
{
	uint32_t number = sym_packet_head(&w->in)->module, cnt = sym_packet_head(&w->in)->cnt, i;
	struct module *m = number < EV_MODULE_MAX ? w->module[number] : NULL;
	const char *why = "";
	uint64_t addr;
	int err = 0;

	if ((w->in.len - sizeof(struct sym_msg)) / sizeof(addr) < cnt)
		return -EPROTO;
	sym_packet_start(&w->out, SYM_ANSWER, number);
	w->flushed = clock_ns(CLOCK_MONOTONIC);
	for (i = 0; m && i < cnt && !err; i++) {
		memcpy(&addr, w->in.data + sizeof(struct sym_msg) + i * sizeof(addr), sizeof(addr));
		if (w->hook)
			w->hook(number, addr);
		answer(w, m, addr);
		if (sizeof(w->out.data) - w->out.len < ANSWER_MAX ||
		    clock_ns(CLOCK_MONOTONIC) - w->flushed > SYM_FLUSH_NS)
			err = flush(w, number);
	}
	if (!err)
		err = flush(w, number);
	if (err)
		return err;
	sym_packet_start(&w->out, SYM_DONE, number);
	if (m)
		why = m->why.buf;
	sym_packet_add(&w->out, why, strlen(why) + 1);
	return sym_send(w->sock, &w->out, NULL, 0);
}

static size_t parsed(void)
{
	struct mallinfo2 mi = mallinfo2();

	return mi.uordblks + mi.hblkhd;
}

static void bound_memory(struct symworker *w, uint32_t last)
{
	size_t i;

	if (parsed() < PARSED_MAX)
		return;
	for (i = 0; i < EV_MODULE_MAX; i++)
		if (w->module[i] && i != last)
			let_go(w->module[i]);
	if (parsed() > PARSED_ONE_MAX && last < EV_MODULE_MAX && w->module[last])
		let_go(w->module[last]);
	malloc_trim(0);
}

void symworker_run(int sock, symworker_hook hook)
{
	struct symworker *w = xcalloc(1, sizeof(*w));
	size_t nfd, i;
	int fd[2];

	w->sock = sock;
	w->hook = hook;
	while (!sym_recv(sock, &w->in, fd, &nfd)) {
		if (sym_packet_head(&w->in)->type == SYM_MODULE) {
			add_module(w, fd, nfd);
		} else if (sym_packet_head(&w->in)->type == SYM_ASK) {
			if (ask(w))
				break;
			bound_memory(w, sym_packet_head(&w->in)->module);
		}
	}
	for (i = 0; i < EV_MODULE_MAX; i++)
		free_module(w->module[i]);
	free(w);
}
