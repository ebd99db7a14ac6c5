// SPDX-License-Identifier: BSD-2-Clause
/* The hook of a dynamic loader: in this machine's own, and in files that are none. */
#include "space/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "helpers.h"
#include "space/files.h"

/* The first mapping of code of the loader that runs this test. */
struct own {
	struct code_mapping map;
	char path[4096];
	bool found;
};

static void keep_loader(void *ctx, const struct code_mapping *m)
{
	struct own *own = ctx;
	const char *base = strrchr(m->path, '/');

	if (own->found || !base || (strncmp(base, "/ld-", 4) && !strstr(base, "musl")))
		return;
	own->found = true;
	own->map = *m;
	snprintf(own->path, sizeof(own->path), "%s", m->path);
	own->map.path = own->path;
}

static void own_loader(struct own *own, int *fd)
{
	*own = (struct own){ .found = false };
	assert_true(maps_read((uint32_t)getpid(), keep_loader, own) > 0);
	if (!own->found)
		skip();
	*fd = open(own->path, O_RDONLY | O_CLOEXEC);
	assert_true(*fd >= 0);
}

/* What debuggers go by. Not _r_debug: a program that names it may have a copy of its own. */
static const struct r_debug *for_debuggers(void)
{
	const ElfW(Dyn) * d;

	for (d = _DYNAMIC; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_DEBUG)
			return (const struct r_debug *)d->d_un.d_ptr;
	return NULL;
}

/* What the loader tells debuggers is at the place that was worked out from its file. */
static void own_loader_has_the_hook(void **state)
{
	const struct r_debug *r = for_debuggers();
	struct loader_hook hook;
	struct own own;
	int fd;

	(void)state;
	own_loader(&own, &fd);
	assert_int_equal(loader_find(fd, &own.map, &hook), 0);
	close(fd);
	assert_true(hook.offset > 0);
	assert_non_null(r);
	assert_int_equal(hook.offset - own.map.offset + own.map.start, r->r_brk);
	assert_int_equal(r->r_state, RT_CONSISTENT);
	if (hook.r_state)
		assert_ptr_equal((const void *)(uintptr_t)hook.r_state, &r->r_state);
}

/* Asked of the process that reads files, of the loader and of this program. */
static void another_process_finds_it(void **state)
{
	static const struct plan_wishes wishes;
	struct files *f = files__new(&wishes);
	struct filework_answer ans;
	struct loader_hook hook;
	struct filework_ask ask;
	struct own own;
	int fd;

	(void)state;
	assert_non_null(f);
	own_loader(&own, &fd);
	assert_int_equal(loader_find(fd, &own.map, &hook), 0);
	close(fd);
	ask = filework_ask_of(FILEWORK_LOADER, (uint32_t)getpid(), &own.map);
	assert_int_equal(files__ask(f, &ask, own.path, &ans), 0);
	assert_int_equal(ans.told.err, 0);
	assert_true(ans.fd >= 0);
	assert_int_equal(ans.body.len, sizeof(hook));
	assert_memory_equal(ans.body.buf, &hook, sizeof(hook));
	close(ans.fd);
	strbuf_free(&ans.body);
	ask.start = ask.end = ask.ino = 0;
	assert_int_equal(files__ask(f, &ask, "/nowhere", &ans), 0);
	assert_true(ans.told.err);
	assert_int_equal(ans.body.len, 0);
	if (ans.fd >= 0)
		close(ans.fd);
	strbuf_free(&ans.body);
	files__free(f);
}

/* The same wherever it lies. */
static void moves_with_its_mapping(void **state)
{
	struct loader_hook hook, moved;
	struct own own;
	int fd;

	(void)state;
	own_loader(&own, &fd);
	assert_int_equal(loader_find(fd, &own.map, &hook), 0);
	own.map.start += 0x10000000;
	own.map.end += 0x10000000;
	assert_int_equal(loader_find(fd, &own.map, &moved), 0);
	close(fd);
	assert_int_equal(moved.offset, hook.offset);
	assert_int_equal(moved.r_state, hook.r_state ? hook.r_state + 0x10000000 : 0);
}

static void others_are_none(void **state)
{
	static const char *const paths[] = { "/proc/self/exe", "/etc/passwd", "/dev/null" };
	struct code_mapping map = { .start = 0x1000, .end = 0x2000 };
	struct loader_hook hook;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		fd = open(paths[i], O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(loader_find(fd, &map, &hook), -ENOENT);
		close(fd);
	}
}

/* A mapping that is none of the file's code: nothing can be said of addresses. */
static void wrong_mapping(void **state)
{
	struct loader_hook hook;
	struct own own;
	int fd;

	(void)state;
	own_loader(&own, &fd);
	own.map.offset = 1ull << 40;
	assert_int_equal(loader_find(fd, &own.map, &hook), -ENOENT);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_loader_has_the_hook),
		cmocka_unit_test(another_process_finds_it),
		cmocka_unit_test(moves_with_its_mapping),
		cmocka_unit_test(others_are_none),
		cmocka_unit_test(wrong_mapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
