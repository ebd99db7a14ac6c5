// SPDX-License-Identifier: BSD-2-Clause
/*
 * Files that are small and claim to be large: holes, and headers that name the same bytes again and
 * again. What they cost is counted in bytes, and in memory, never in time.
 */
#include "unwind_make.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "unwind/elf.h"
#include "unwind/gotab.h"
#include "unwind/table.h"

#define HOLE_AT (1u << 20)
#define HOLE_SIZE (480ull << 20)
#define TRIES 16 /* tables that are tried: gotab.c */
#define RSS_MAX_KB (64u << 10)

/* What was made, and behind it a hole, of which the first `data` bytes are none. */
static int sparse_fd(struct elf_make *m, uint64_t size, size_t data)
{
	int fd = memfd_create("sparse", MFD_CLOEXEC);
	struct strbuf file = STRBUF_INIT;
	char *some = data ? xcalloc(1, data) : NULL;

	elf_write(m, &file);
	assert_true(fd >= 0 && file.len < HOLE_AT);
	assert_int_equal(write(fd, file.buf, file.len), file.len);
	if (data) {
		memset(some, 0x5a, data);
		assert_int_equal(pwrite(fd, some, data, HOLE_AT), data);
	}
	assert_int_equal(ftruncate(fd, (off_t)(HOLE_AT + size)), 0);
	strbuf_free(&file);
	free(some);
	return fd;
}

static void add_hole(struct elf_make *m, const char *name, uint64_t size)
{
	m->part[m->npart++] = (struct elf_part){ name, "", size, SHF_ALLOC, HOLE_AT };
}

/* Sixteen beginnings of a table of Go, none of which says where the text is. */
static void add_headers(struct elf_make *m)
{
	static uint8_t header[TRIES][72];
	size_t i;

	for (i = 0; i < TRIES; i++)
		memcpy(header[i], "\xf1\xff\xff\xff\0\0\1\x08", 8);
	elf_add(m, ".data.rel.ro", header, sizeof(header), SHF_ALLOC);
	elf_add(m, ".go.buildinfo", "x", 1, SHF_ALLOC);
}

static void add_places(struct elf_make *m, uint64_t size)
{
	static const char *const name[] = { ".go.module", ".noptrdata", ".data", ".rela.dyn" };
	size_t i;

	for (i = 0; i < COUNT(name); i++)
		add_hole(m, name[i], size);
}

/* What it spent to find no table of Go. */
static uint64_t spent_on_go(int fd)
{
	struct strbuf why = STRBUF_INIT;
	struct unw_elf e;
	struct gotab g;
	uint64_t spent;

	assert_int_equal(unw_elf_open(&e, fd, NULL, 0, &why), 0);
	assert_int_equal(gotab_open(&g, &e), -ENODATA);
	spent = UNW_ELF_WORK_MAX - *e.left;
	gotab_close(&g);
	unw_elf_close(&e);
	strbuf_free(&why);
	return spent;
}

static void holes_are_not_searched(void **state)
{
	struct elf_make m = { 0 };
	int fd;

	(void)state;
	add_headers(&m);
	add_places(&m, HOLE_SIZE);
	fd = sparse_fd(&m, HOLE_SIZE, 4096);
	/* the windows that hold the data, and the section of headers */
	assert_true(spent_on_go(fd) < (TRIES * 4 + 4) * 65536);
	close(fd);
}

static void a_search_has_an_end(void **state)
{
	const uint64_t size = 20u << 20;
	struct elf_make m = { 0 };
	int fd;

	(void)state;
	add_headers(&m);
	add_places(&m, size);
	fd = sparse_fd(&m, size, size);
	assert_int_equal(spent_on_go(fd), UNW_ELF_WORK_MAX);
	close(fd);
}

/* In a process of its own, so that it is this that the memory went to. */
static long rss_of_table(int fd)
{
	struct strbuf why = STRBUF_INIT;
	struct unwind_table t;
	struct rusage ru;
	int out[2], err;
	long kb = -1;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		err = unwind_table_read(&t, fd, &why);
		getrusage(RUSAGE_SELF, &ru);
		(void)!write(out[1], &ru.ru_maxrss, sizeof(ru.ru_maxrss));
		_exit(err && err != -ENODATA);
	}
	close(out[1]);
	assert_int_equal(read(out[0], &kb, sizeof(kb)), sizeof(kb));
	close(out[0]);
	assert_int_equal(waitpid(pid, &err, 0), pid);
	assert_int_equal(err, 0);
	return kb;
}

static void holes_take_no_memory(void **state)
{
	static const char *const section[] = { ".eh_frame", ".debug_frame", ".gopclntab" };
	size_t i;
	int fd;

	(void)state;
	if (SANITIZED) /* what it takes besides is not ours */
		return;
	for (i = 0; i < COUNT(section); i++) {
		struct elf_make m = { 0 };

		add_hole(&m, section[i], HOLE_SIZE);
		fd = sparse_fd(&m, HOLE_SIZE, 0);
		assert_in_range(rss_of_table(fd), 1, RSS_MAX_KB);
		close(fd);
	}
}

/* How many rows has a table whose only function comes behind so many end marks? */
static size_t rows_behind(size_t empty)
{
	static const uint32_t zero;
	struct strbuf file = STRBUF_INIT, why = STRBUF_INIT;
	struct frame_make *f = eh_frame();
	struct elf_make m = { 0 };
	struct unwind_table t;
	size_t i, nrow;

	for (i = 0; i < empty; i++)
		strbuf_add(&f->s, &zero, sizeof(zero));
	USUAL_CIE(f);
	FDE(f, 0x1100, 0x100, "\x41\x0e\x10");
	elf_add(&m, ".eh_frame", f->s.buf, f->s.len, SHF_ALLOC);
	elf_write(&m, &file);
	unwind_table_image(&t, file.buf, file.len, &why);
	nrow = t.nrow;
	unwind_table_free(&t);
	strbuf_free(&f->s);
	strbuf_free(&file);
	strbuf_free(&why);
	return nrow;
}

static void empty_records_have_an_end(void **state)
{
	(void)state;
	assert_true(rows_behind(4) > 1);
	assert_true(rows_behind(4000) > 1);
	assert_int_equal(rows_behind(5000), 0);
}

/* Each part counts, however small: there may be a million of them. */
static void parts_have_an_end(void **state)
{
	struct strbuf file = STRBUF_INIT, why = STRBUF_INIT;
	struct elf_make m = { 0 };
	struct unw_bytes b;
	struct unw_elf e;
	uint64_t n = 0;
	int err;

	(void)state;
	elf_add(&m, ".note", "x", 1, SHF_ALLOC);
	elf_write(&m, &file);
	assert_int_equal(unw_elf_open(&e, -1, file.buf, file.len, &why), 0);
	while (!(err = unw_elf_load(&e, unw_elf_section(&e, ".note"), &b))) {
		free(b.data);
		n++;
	}
	assert_int_equal(err, -E2BIG);
	assert_int_equal(n, UNW_ELF_WORK_MAX / UNW_ELF_WORK_MIN);
	unw_elf_close(&e);
	strbuf_free(&file);
	strbuf_free(&why);
}

static void a_promise_to_inflate_is_bounded(void **state)
{
	const Elf64_Chdr ch = { .ch_type = ELFCOMPRESS_ZLIB, .ch_size = UNW_ELF_INFLATED_MAX + 1 };
	struct strbuf file = STRBUF_INIT, why = STRBUF_INIT;
	struct elf_make m = { 0 };
	struct unw_bytes b;
	struct unw_elf e;

	(void)state;
	elf_add(&m, ".debug_frame", &ch, sizeof(ch), SHF_COMPRESSED);
	elf_write(&m, &file);
	assert_int_equal(unw_elf_open(&e, -1, file.buf, file.len, &why), 0);
	assert_int_equal(unw_elf_load(&e, unw_elf_section(&e, ".debug_frame"), &b), -E2BIG);
	unw_elf_close(&e);
	strbuf_free(&file);
	strbuf_free(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holes_are_not_searched),
		cmocka_unit_test(a_search_has_an_end),
		cmocka_unit_test(holes_take_no_memory),
		cmocka_unit_test(empty_records_have_an_end),
		cmocka_unit_test(parts_have_an_end),
		cmocka_unit_test(a_promise_to_inflate_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
