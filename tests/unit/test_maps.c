// SPDX-License-Identifier: BSD-2-Clause
/* Lines of /proc/PID/maps, and our own. */
#include "helpers.h"

#include <sys/sysmacros.h>
#include <unistd.h>

#include "space/head.h"
#include "space/maps.h"

static bool parse(const char *text, struct code_mapping *m, char *line, size_t sz)
{
	snprintf(line, sz, "%s", text);
	return maps_parse(line, m);
}

static void a_file(void **state)
{
	struct code_mapping m;
	char line[256];

	(void)state;
	assert_true(parse("7f7e10e28000-7f7e10f7d000 r-xp 00026000 fe:01 264170"
			  "                     /usr/lib/a b/libc.so.6",
			  &m, line, sizeof(line)));
	assert_int_equal(m.start, 0x7f7e10e28000);
	assert_int_equal(m.end, 0x7f7e10f7d000);
	assert_int_equal(m.offset, 0x26000);
	assert_int_equal(m.dev, makedev(0xfe, 1));
	assert_int_equal(m.ino, 264170);
	assert_string_equal(m.path, "/usr/lib/a b/libc.so.6");
}

static void no_file(void **state)
{
	struct code_mapping m;
	char line[256];

	(void)state;
	assert_true(
		parse("7f7e10e28000-7f7e10f7d000 rwxp 00000000 00:00 0 ", &m, line, sizeof(line)));
	assert_int_equal(m.ino, 0);
	assert_string_equal(m.path, "");
	assert_true(parse("7ffd7d5f4000-7ffd7d5f6000 r-xp 00000000 00:00 0      [vdso]", &m, line,
			  sizeof(line)));
	assert_string_equal(m.path, "[vdso]");
}

static void deleted(void **state)
{
	struct code_mapping m;
	char line[256];

	(void)state;
	assert_true(parse("1000-2000 r-xp 00000000 00:01 12 /memfd:jit (deleted)", &m, line,
			  sizeof(line)));
	assert_string_equal(m.path, "/memfd:jit");
}

static void not_code(void **state)
{
	static const char *const lines[] = {
		"7f7e10e28000-7f7e10f7d000 r--p 00026000 fe:01 264170 /usr/lib/libc.so.6",
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]",
		"7fffffffe000-7ffffffff000 --xp 00000000 00:00 0 [uprobes]",
		"2000-1000 r-xp 00000000 00:01 12 /x",
		"1000-1000 r-xp 00000000 00:01 12 /x",
		"1000-2000 r-xp",
		"",
	};
	struct code_mapping m;
	char line[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_false(parse(lines[i], &m, line, sizeof(line)));
}

static void look(void *ctx, const struct code_mapping *m)
{
	uintptr_t here = (uintptr_t)look;

	if (here >= m->start && here < m->end)
		*(bool *)ctx = m->path[0] == '/' && m->ino;
}

static void our_own(void **state)
{
	bool found = false;

	(void)state;
	assert_true(maps_read((uint32_t)getpid(), look, &found) > 2);
	assert_true(found);
	assert_true(maps_has_code((uint32_t)getpid()));
	assert_int_equal(maps_read(4194304 + 1, look, &found), -ESRCH);
	assert_false(maps_has_code(4194304 + 1));
}

static void from_offset_to_address(void **state)
{
	const struct elf_head h = {
		.nseg = 2, .seg = { { 0x1000, 0x2345, 0x401000 }, { 0x5a80, 0x100, 0x606a80 } }
	};

	(void)state;
	assert_int_equal(elf_head_addr(&h, 0x1000), 0x401000);
	assert_int_equal(elf_head_addr(&h, 0x3344), 0x403344);
	assert_int_equal(elf_head_addr(&h, 0x5000), 0x606000); /* the page that it begins in */
	assert_int_equal(elf_head_addr(&h, 0x9000), 0x9000);   /* nobody's */
}

static void note_vdso(void *ctx, const struct code_mapping *m)
{
	if (!strcmp(m->path, "[vdso]"))
		*(struct code_mapping *)ctx = *m;
}

static void heads(void **state)
{
	struct code_mapping m = { 0 };
	struct elf_head h;

	(void)state;
	maps_read((uint32_t)getpid(), note_vdso, &m);
	assert_int_equal(elf_head_image(&h, (const void *)m.start, m.end - m.start), 0);
	assert_int_equal(h.nbuild, 20);
	assert_int_equal(h.nseg, 1);
	assert_int_equal(elf_head_image(&h, "#!/bin/sh\n", 10), -ENOEXEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file),  cmocka_unit_test(no_file),
		cmocka_unit_test(deleted), cmocka_unit_test(not_code),
		cmocka_unit_test(our_own), cmocka_unit_test(from_offset_to_address),
		cmocka_unit_test(heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
