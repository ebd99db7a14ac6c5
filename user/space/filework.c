// SPDX-License-Identifier: BSD-2-Clause
/* See filework.h. */
#include "space/filework.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "annot/planwire.h"
#include "space/loader.h"
#include "space/mapped.h"
#include "symbol/jitfind.h"
#include "unwind/table.h"
#include "util/xalloc.h"

/* What goes before the rows. */
struct rows_head {
	uint64_t nrow, nrule, nbad;
};

static void add_rows(struct filework_answer *a, const struct unwind_table *t)
{
	struct rows_head h = { t->nrow, t->nrule, t->nbad };

	strbuf_add(&a->body, &h, sizeof(h));
	if (!t->nrow)
		return;
	strbuf_add(&a->body, t->pc, t->nrow * sizeof(*t->pc));
	strbuf_add(&a->body, t->rule, t->nrow * sizeof(*t->rule));
	strbuf_add(&a->body, t->rules, t->nrule * sizeof(*t->rules));
}

static void read_elf(int fd, bool rows, struct filework_answer *a)
{
	struct strbuf why = STRBUF_INIT;
	struct unwind_table t;

	a->told.err = elf_head_read(&a->told.head, fd);
	if (a->told.err || !rows)
		return;
	a->told.rows_err = unwind_table_read(&t, fd, &why);
	strbuf_add(&a->body, why.buf, strlen(why.buf) + 1);
	if (!a->told.rows_err)
		add_rows(a, &t);
	unwind_table_free(&t);
	strbuf_free(&why);
}

static void tell_file(int fd, struct filework_answer *a)
{
	struct stat st;

	if (fstat(fd, &st))
		return;
	a->told.size = st.st_size;
	a->told.mtime_ns = st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec;
}

static void find_hook(int fd, const struct code_mapping *map, struct filework_answer *a)
{
	struct loader_hook hook;

	a->told.err = loader_find(fd, map, &hook);
	if (!a->told.err)
		strbuf_add(&a->body, &hook, sizeof(hook));
}

static int open_dump(uint32_t pid, uint32_t ns_pid)
{
	int root = mapped_root(pid), fd = jitfind_dump(pid, ns_pid, root);

	if (root >= 0)
		close(root);
	return fd;
}

struct filework_ask filework_ask_of(enum filework_what what, uint32_t pid,
				    const struct code_mapping *map)
{
	return (struct filework_ask){
		.what = what,
		.pid = pid,
		.start = map->start,
		.end = map->end,
		.offset = map->offset,
		.dev = map->dev,
		.ino = map->ino,
	};
}

void filework_do(const struct filework_ask *ask, const char *path, const struct plan_wishes *wishes,
		 struct filework_answer *out)
{
	const struct code_mapping map = { ask->start, ask->end, ask->offset,
					  ask->dev,   ask->ino, path };

	*out = (struct filework_answer){ .body = STRBUF_INIT };
	out->fd = ask->what == FILEWORK_DUMP ? open_dump(ask->pid, ask->ns_pid) :
					       mapped_open(ask->pid, &map);
	if (out->fd < 0) {
		out->told.err = -errno;
		return;
	}
	tell_file(out->fd, out);
	if (ask->what == FILEWORK_READ)
		read_elf(out->fd, ask->rows, out);
	else if (ask->what == FILEWORK_PLAN && wishes)
		planwire_make(&out->body, out->fd, path, wishes, ask->calls);
	else if (ask->what == FILEWORK_LOADER)
		find_hook(out->fd, &map, out);
	if (ask->what == FILEWORK_STAT) {
		close(out->fd);
		out->fd = -1;
		return;
	}
	out->fd = mapped_keep(out->fd);
}

static void *take(const char **p, size_t *left, size_t cnt, size_t size)
{
	void *out;

	if (cnt > *left / size)
		return NULL;
	out = xmalloc(cnt * size + 1);
	memcpy(out, *p, cnt * size);
	*p += cnt * size;
	*left -= cnt * size;
	return out;
}

/* In order, and each with a rule that is there. */
static bool is_sound(const struct unwind_table *t)
{
	size_t i;

	for (i = 0; i < t->nrow; i++)
		if (t->rule[i] >= t->nrule || (i && t->pc[i] < t->pc[i - 1]))
			return false;
	return true;
}

int filework_rows(const struct filework_answer *a, struct unwind_table *out, struct strbuf *why)
{
	const char *p = a->body.buf;
	size_t n = strnlen(p, a->body.len), left;
	struct rows_head h;

	*out = (struct unwind_table){ 0 };
	if (n < a->body.len)
		strbuf_set_f(why, "%s", p);
	if (a->told.rows_err)
		return a->told.rows_err;
	if (n == a->body.len || a->body.len - n - 1 < sizeof(h))
		return -EPROTO;
	memcpy(&h, p + n + 1, sizeof(h));
	p += n + 1 + sizeof(h);
	left = a->body.len - n - 1 - sizeof(h);
	out->nbad = h.nbad;
	out->pc = take(&p, &left, h.nrow, sizeof(*out->pc));
	out->rule = out->pc ? take(&p, &left, h.nrow, sizeof(*out->rule)) : NULL;
	out->rules = out->rule ? take(&p, &left, h.nrule, sizeof(*out->rules)) : NULL;
	if (!out->rules)
		return -EPROTO;
	out->nrow = h.nrow;
	out->nrule = h.nrule;
	return is_sound(out) ? 0 : -EPROTO;
}
