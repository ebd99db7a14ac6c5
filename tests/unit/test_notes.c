// SPDX-License-Identifier: BSD-2-Clause
/* Markers of files: made notes of every kind, those of this machine's libraries, and damaged ones. */
#include "bpf/event.h" /* before <elf.h>, which has an EV_NONE too */

#include "unwind_make.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "annot/notes.h"

#define MARK_AT 0x1100
#define SEMAPHORE_AT 0x4000 /* the first part */

static const char words[64];

static int file_of(const void *data, size_t size)
{
	int fd = memfd_create("notes", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	return fd;
}

static void put_note(struct strbuf *s, const char *owner, uint32_t type, uint64_t addr,
		     uint64_t base, uint64_t semaphore, const char *text, size_t ntext)
{
	size_t start;

	add_num(s, strlen(owner) + 1, 4);
	add_num(s, 24 + ntext, 4);
	add_num(s, type, 4);
	start = s->len;
	strbuf_add(s, owner, strlen(owner) + 1);
	while ((s->len - start) % 4)
		strbuf_addch(s, 0);
	add_num(s, addr, 8);
	add_num(s, base, 8);
	add_num(s, semaphore, 8);
	strbuf_add(s, text, ntext);
	while (s->len % 4)
		strbuf_addch(s, 0);
}

#define NOTE(s, addr, base, semaphore, text) \
	put_note(s, "stapsdt", 3, addr, base, semaphore, text, sizeof(text))

/* A file with these notes, whose code is NOPs of one byte, and one of five at MARK_AT + 16. */
static void make_file(struct strbuf *out, const struct strbuf *notes, uint64_t base)
{
	static uint8_t code[0x200];
	struct elf_make m = { .code = code, .code_size = sizeof(code) };

	memset(code, 0x90, sizeof(code));
	memcpy(code + 0x110, "\x0f\x1f\x44\0\0", 5);
	memcpy(code + 0x120, "\xc5\xc4", 2); /* no instruction */
	elf_add(&m, ".probes", words, sizeof(words), SHF_ALLOC | SHF_WRITE);
	elf_add(&m, ".note.stapsdt", notes->buf, notes->len, 0);
	if (base)
		elf_add_code(&m, ".stapsdt.base", base, 1);
	elf_write(&m, out);
}

static struct notes read_image(const struct strbuf *image)
{
	struct strbuf why = STRBUF_INIT;
	int fd = file_of(image->buf, image->len);
	struct notes n;

	assert_int_equal(notes_read(&n, fd, &why), 0);
	assert_int_equal(why.len, 0);
	close(fd);
	strbuf_free(&why);
	return n;
}

static struct notes read_notes(const struct strbuf *notes, uint64_t base)
{
	struct strbuf image = STRBUF_INIT;
	struct notes n;

	make_file(&image, notes, base);
	n = read_image(&image);
	strbuf_free(&image);
	return n;
}

static void whole(void **state)
{
	struct strbuf s = STRBUF_INIT;
	struct notes n;

	(void)state;
	NOTE(&s, MARK_AT, 0, 0, "prov\0name\0");
	NOTE(&s, MARK_AT + 16, 0, SEMAPHORE_AT + 6,
	     "libc\0setjmp\0"
	     "8@%rdi -4@-20(%rbp)");
	n = read_notes(&s, 0);
	assert_int_equal(n.cnt, 2);
	assert_int_equal(n.bad, 0);
	assert_string_equal(n.note[0].provider, "prov");
	assert_string_equal(n.note[0].name, "name");
	assert_string_equal(n.note[0].args, "");
	assert_int_equal(n.note[0].addr, MARK_AT);
	assert_int_equal(n.note[0].offset, MARK_AT);
	assert_int_equal(n.note[0].semaphore, 0);
	assert_false(n.note[0].nop5);
	assert_string_equal(n.note[1].args, "8@%rdi -4@-20(%rbp)");
	assert_int_equal(n.note[1].semaphore, SEMAPHORE_AT + 6);
	assert_true(n.note[1].nop5);
	notes_free(&n);
	strbuf_free(&s);
}

/* What prelink moved: the base that a note remembers is not where it is now. */
static void moved(void **state)
{
	struct strbuf s = STRBUF_INIT;
	struct notes n;

	(void)state;
	NOTE(&s, MARK_AT - 0x800, 0x1000, SEMAPHORE_AT - 0x800, "p\0n\0");
	n = read_notes(&s, 0x1800);
	assert_int_equal(n.cnt, 1);
	assert_int_equal(n.note[0].addr, MARK_AT);
	assert_int_equal(n.note[0].semaphore, SEMAPHORE_AT);
	notes_free(&n);
	/* without the section nothing is known to have moved */
	n = read_notes(&s, 0);
	assert_int_equal(n.cnt, 0);
	assert_int_equal(n.bad, 1);
	notes_free(&n);
	strbuf_free(&s);
}

/* Each of them is passed over and counted, and the sound one behind it is found. */
static void senseless(void **state)
{
	static const struct {
		const char *owner;
		uint32_t type;
		uint64_t addr, semaphore;
		const char *text;
		size_t ntext;
	} bad[] = {
		{ "stapsdx", 3, MARK_AT, 0, "p\0n\0", 5 },
		{ "GNU", 3, MARK_AT, 0, "p\0n\0", 5 },
		{ "stapsdt", 2, MARK_AT, 0, "p\0n\0", 5 },
		{ "stapsdt", 3, 0, 0, "p\0n\0", 5 },
		{ "stapsdt", 3, 0xffffffffffffffff, 0, "p\0n\0", 5 },
		{ "stapsdt", 3, SEMAPHORE_AT, 0, "p\0n\0", 5 },		  /* is not code */
		{ "stapsdt", 3, MARK_AT, MARK_AT, "p\0n\0", 5 },	  /* is no data */
		{ "stapsdt", 3, MARK_AT, SEMAPHORE_AT + 1, "p\0n\0", 5 }, /* not aligned */
		{ "stapsdt", 3, MARK_AT, 0x999999, "p\0n\0", 5 },
		{ "stapsdt", 3, MARK_AT, 0, "\0n\0", 4 },
		{ "stapsdt", 3, MARK_AT, 0, "p\0\0", 4 },
		{ "stapsdt", 3, MARK_AT, 0, "p\0n\0a", 5 }, /* no NUL */
		{ "stapsdt", 3, MARK_AT, 0, "pppp", 4 },
		{ "stapsdt", 3, MARK_AT, 0, "", 0 },
	};
	struct strbuf s = STRBUF_INIT;
	struct notes n;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		put_note(&s, bad[i].owner, bad[i].type, bad[i].addr, 0, bad[i].semaphore,
			 bad[i].text, bad[i].ntext);
	NOTE(&s, MARK_AT, 0, 0, "good\0one\0");
	n = read_notes(&s, 0);
	assert_int_equal(n.cnt, 1);
	assert_int_equal(n.bad, COUNT(bad));
	assert_string_equal(n.note[0].provider, "good");
	notes_free(&n);
	/* a length that leads out of the section ends it */
	memset(s.buf + 4, 0xff, 4);
	n = read_notes(&s, 0);
	assert_int_equal(n.cnt, 0);
	assert_int_equal(n.bad, 1);
	notes_free(&n);
	strbuf_free(&s);
}

/* More than any file has: a probe for each would take the recorder's time. */
static void too_many(void **state)
{
	struct strbuf notes = STRBUF_INIT;
	struct notes n;
	size_t i;

	(void)state;
	for (i = 0; i < 5000; i++)
		NOTE(&notes, MARK_AT, 0, 0, "p\0n\0");
	n = read_notes(&notes, 0);
	assert_int_equal(n.cnt, 4096);
	assert_int_equal(n.bad, 5000 - 4096);
	notes_free(&n);
	strbuf_free(&notes);
}

static void no_elf(void **state)
{
	struct strbuf why = STRBUF_INIT;
	int fd = file_of("#!/bin/sh\n", 10);
	struct notes n;

	(void)state;
	assert_int_equal(notes_read(&n, fd, &why), 0);
	assert_int_equal(n.cnt + n.bad + why.len, 0);
	notes_free(&n);
	close(fd);
	assert_true(notes_read(&n, -1, &why) < 0 || !n.cnt);
	notes_free(&n);
	strbuf_free(&why);
}

/* Each byte of the headers, the notes and the section table is changed; nothing is read outside. */
static void damaged(void **state)
{
	struct strbuf s = STRBUF_INIT, image = STRBUF_INIT, why = STRBUF_INIT;
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	size_t at, k, found = 0;
	struct notes n;
	int fd;

	(void)state;
	NOTE(&s, MARK_AT, 0x1800, SEMAPHORE_AT,
	     "prov\0first\0"
	     "8@%rdi");
	NOTE(&s, MARK_AT + 16, 0x1800, 0,
	     "prov\0second\0"
	     "4@%esi");
	make_file(&image, &s, 0x1800);
	fd = file_of(image.buf, image.len);
	for (at = 0; at < image.len; at++) {
		if (at == 64 + 3 * 56)
			at = 0x4000; /* nothing in between is looked at */
		for (k = 0; k < COUNT(values); k++) {
			assert_int_equal(pwrite(fd, &values[k], 1, (off_t)at), 1);
			if (!notes_read(&n, fd, &why)) {
				size_t i;

				for (i = 0; i < n.cnt; i++) {
					assert_true(strlen(n.note[i].provider) < 64);
					assert_true(strlen(n.note[i].args) < 64);
					assert_true(n.note[i].offset < image.len);
					assert_true(n.note[i].semaphore < image.len);
				}
				found += n.cnt == 2;
			}
			notes_free(&n);
			strbuf_reset(&why);
		}
		assert_int_equal(pwrite(fd, image.buf + at, 1, (off_t)at), 1);
	}
	assert_true(found > 100); /* damage elsewhere does no harm */
	/* and one that is cut off anywhere */
	for (at = image.len; at-- > 0x3ff0;) {
		assert_int_equal(ftruncate(fd, (off_t)at), 0);
		notes_read(&n, fd, &why);
		notes_free(&n);
		strbuf_reset(&why);
	}
	close(fd);
	strbuf_free(&s);
	strbuf_free(&image);
	strbuf_free(&why);
}

#define OUR_ARGS "8@%rdi 8@%rsi 8@%rdx 8@%rcx 8@%r8 8@%r9"

static void ours(void **state)
{
	static const struct {
		const char *provider, *name, *args;
		int want;
	} is[] = {
		{ "ctrace", "task_begin", OUR_ARGS, EV_MARK_TASK_BEGIN },
		{ "ctrace", "task_end", OUR_ARGS, EV_MARK_TASK_END },
		{ "ctrace", "region_begin", OUR_ARGS, EV_MARK_REGION_BEGIN },
		{ "ctrace", "region_end", OUR_ARGS, EV_MARK_REGION_END },
		{ "ctrace", "log", OUR_ARGS, EV_MARK_LOG },
		{ "ctrace", "log", "8@%rdi 8@%rsi 8@%rdx", -EINVAL },
		{ "ctrace", "log", "8@%rdi 8@%rdx 8@%rsi 8@%rcx 8@%r8 8@%r9", -EINVAL },
		{ "ctrace", "task_end", "", -EINVAL },
		{ "ctrace", "task_end", "8@%rdi 8@%rsi", -EINVAL },
		{ "ctrace", "task_ends", OUR_ARGS, 0 },
		{ "ctracer", "task_end", OUR_ARGS, 0 },
	};
	struct note n = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(is); i++) {
		n.provider = is[i].provider;
		n.name = is[i].name;
		n.args = is[i].args;
		assert_int_equal(note_is_ours(&n), is[i].want);
	}
}

/* What readelf says of the libraries that are here: as many, at the same addresses. */
static void of_this_machine(void **state)
{
	static const char *const files[] = {
		"/lib/x86_64-linux-gnu/libc.so.6",
		"/lib64/ld-linux-x86-64.so.2",
		"/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
		"/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0",
		"/usr/lib/postgresql/15/bin/postgres",
	};
	struct strbuf why = STRBUF_INIT;
	size_t i, looked = 0, cnt;
	struct notes n;
	char cmd[512], line[256];
	FILE *f;
	int fd;

	(void)state;
	for (i = 0; i < COUNT(files); i++) {
		fd = open(files[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		assert_int_equal(notes_read(&n, fd, &why), 0);
		close(fd);
		snprintf(
			cmd, sizeof(cmd),
			"readelf -n %s 2>/dev/null | sed -n 's/.*Location: \\(0x[0-9a-f]*\\),.*/\\1/p'",
			files[i]);
		f = popen(cmd, "r");
		assert_non_null(f);
		for (cnt = 0; fgets(line, sizeof(line), f); cnt++) {
			assert_true(cnt < n.cnt);
			assert_int_equal(n.note[cnt].addr, strtoull(line, NULL, 16));
		}
		pclose(f);
		if (cnt) {
			assert_int_equal(n.cnt, cnt);
			assert_int_equal(n.bad, 0);
			looked++;
		}
		notes_free(&n);
	}
	strbuf_free(&why);
	if (!looked)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),     cmocka_unit_test(moved),
		cmocka_unit_test(senseless), cmocka_unit_test(too_many),
		cmocka_unit_test(no_elf),    cmocka_unit_test(damaged),
		cmocka_unit_test(ours),	     cmocka_unit_test(of_this_machine),
	};

	return cmocka_run_group_tests_name("notes", tests, NULL, NULL);
}
