// SPDX-License-Identifier: BSD-2-Clause
/* See jitcode.h. */
#include "symbol/jitcode.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbol/debugfile.h"
#include "symbol/jitdump.h"
#include "symbol/perfmap.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

/* What is read of a file; a dump holds the code as well. */
#define MAP_MAX (256u << 20)
#define DUMP_MAX (1u << 30)

/* A file as it was when it was read. */
struct seen {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};

struct jitcode {
	struct jitcode_opts o;
	struct perfmap *map;
	struct jitdump *dump;
	struct seen map_seen, dump_seen;
	bool looked;
	uint64_t looked_ns;
};

struct jitcode *jitcode__new(const struct jitcode_opts *o)
{
	struct jitcode *j = xcalloc(1, sizeof(*j));

	j->o = *o;
	return j;
}

void jitcode__free(struct jitcode *j)
{
	if (!j)
		return;
	perfmap__free(j->map);
	jitdump__free(j->dump);
	free(j);
}

/* Is the file to be believed, and another one than was seen, or not what it was? */
static bool changed(const struct jitcode *j, const char *name, int fd, struct seen *s,
		    struct strbuf *why)
{
	struct seen now;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return false;
	if (st.st_uid && st.st_uid != j->o.uid) {
		strbuf_addf(why,
			    "%s%s belongs to user %u, neither to the process's (%u) nor to root",
			    why->len ? "; " : "", name, (unsigned)st.st_uid, j->o.uid);
		return false;
	}
	now = (struct seen){ st.st_dev, st.st_ino, st.st_size, st.st_mtim };
	if (now.dev == s->dev && now.ino == s->ino && now.size == s->size &&
	    now.mtime.tv_sec == s->mtime.tv_sec && now.mtime.tv_nsec == s->mtime.tv_nsec)
		return false;
	*s = now;
	return true;
}

/* Read and not mapped: the program may cut it off at any time. */
static char *read_file(int fd, size_t size, size_t max, size_t *len)
{
	char *data;
	ssize_t n;

	if (size > max)
		size = max;
	data = malloc(size + 1);
	for (*len = 0; data && *len < size; *len += (size_t)n) {
		n = pread(fd, data + *len, size - *len, (off_t)*len);
		if (n <= 0)
			break;
	}
	return data;
}

static bool look_at_map(struct jitcode *j, struct strbuf *why)
{
	struct strbuf path = STRBUF_INIT;
	bool fresh = false;
	char *text;
	size_t len;
	int fd;

	strbuf_addf(&path, "/tmp/perf-%u.map", j->o.ns_pid);
	fd = open_in_root(j->o.root_fd, path.buf);
	if (changed(j, path.buf, fd, &j->map_seen, why) &&
	    (text = read_file(fd, (size_t)j->map_seen.size, MAP_MAX, &len))) {
		perfmap__free(j->map);
		j->map = perfmap__new(text, len);
		free(text);
		fresh = true;
	}
	if (fd >= 0)
		close(fd);
	strbuf_free(&path);
	return fresh;
}

static bool look_at_dump(struct jitcode *j, struct strbuf *why)
{
	size_t len;
	char *data;

	if (!changed(j, "its jitdump", j->o.dump_fd, &j->dump_seen, why))
		return false;
	data = read_file(j->o.dump_fd, (size_t)j->dump_seen.size, DUMP_MAX, &len);
	if (!data)
		return false;
	jitdump__free(j->dump);
	j->dump = jitdump__new((const uint8_t *)data, len);
	free(data);
	return true;
}

static size_t find(const struct jitcode *j, uint64_t addr, struct sym_loc *out)
{
	if (j->dump && jitdump__find(j->dump, addr, out))
		return 1;
	*out = (struct sym_loc){ .func = j->map ? perfmap__find(j->map, addr) : NULL };
	return out->func != NULL;
}

size_t jitcode__find(struct jitcode *j, uint64_t addr, uint64_t now_ns, struct sym_loc *out,
		     struct strbuf *why)
{
	size_t n = find(j, addr, out);
	bool fresh;

	if (n || (j->looked && now_ns - j->looked_ns < JIT_AGAIN_NS))
		return n;
	j->looked = true;
	j->looked_ns = now_ns;
	strbuf_reset(why);
	fresh = look_at_map(j, why);
	fresh |= look_at_dump(j, why);
	return fresh ? find(j, addr, out) : 0;
}
