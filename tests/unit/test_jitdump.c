// SPDX-License-Identifier: BSD-2-Clause
/* Jitdumps put together by hand, after the specification; whole, cut off and damaged. */
#include "helpers.h"
#include "symbol/jitdump.h"

static void u32(struct strbuf *b, uint32_t v)
{
	strbuf_add(b, &v, sizeof(v));
}

static void u64(struct strbuf *b, uint64_t v)
{
	strbuf_add(b, &v, sizeof(v));
}

static void head(struct strbuf *b)
{
	u32(b, 0x4a695444);
	u32(b, 1);
	u32(b, 40);
	u32(b, 62);
	u32(b, 0);
	u32(b, 4711);
	u64(b, 1);
	u64(b, 0);
}

/* The head of a record; *at is where its length goes. */
static size_t record(struct strbuf *b, uint32_t id)
{
	size_t at = b->len;

	u32(b, id);
	u32(b, 0);
	u64(b, 12345);
	return at;
}

static void end_record(struct strbuf *b, size_t at)
{
	uint32_t len = (uint32_t)(b->len - at);

	memcpy(b->buf + at + 4, &len, sizeof(len));
}

static void load(struct strbuf *b, uint64_t addr, uint64_t size, uint64_t index, const char *name)
{
	size_t at = record(b, 0), i;

	u32(b, 4711);
	u32(b, 4712);
	u64(b, addr);
	u64(b, addr);
	u64(b, size);
	u64(b, index);
	strbuf_add(b, name, strlen(name) + 1);
	for (i = 0; i < size; i++)
		strbuf_addch(b, (char)0x90);
	end_record(b, at);
}

static void move(struct strbuf *b, uint64_t from, uint64_t to, uint64_t size, uint64_t index)
{
	size_t at = record(b, 1);

	u32(b, 4711);
	u32(b, 4712);
	u64(b, to);
	u64(b, from);
	u64(b, to);
	u64(b, size);
	u64(b, index);
	end_record(b, at);
}

static void line(struct strbuf *b, uint64_t addr, uint32_t no, const char *file)
{
	u64(b, addr);
	u32(b, no);
	u32(b, 0);
	strbuf_add(b, file, strlen(file) + 1);
}

static void sample(struct strbuf *b)
{
	size_t at;

	head(b);
	load(b, 0x1000, 0x40, 1, "first");
	at = record(b, 2);
	u64(b, 0x2000);
	u64(b, 3);
	line(b, 0x2000, 10, "a.js");
	line(b, 0x2010, 12, "\xff");
	line(b, 0x2008, 11, "b.js");
	end_record(b, at);
	load(b, 0x2000, 0x20, 2, "second");
	at = record(b, 4); /* unwinding information: not ours */
	u64(b, 0);
	end_record(b, at);
	at = record(b, 2); /* of code that does not follow */
	u64(b, 0x7000);
	u64(b, 1);
	line(b, 0x7000, 99, "c.js");
	end_record(b, at);
	load(b, 0x1020, 0x40, 3, "third");
	move(b, 0x2000, 0x3000, 0x20, 2);
	move(b, 0x9000, 0x9900, 0x20, 77); /* of nothing */
}

static void check(const struct jitdump *d, uint64_t addr, const char *func, const char *file,
		  uint32_t no)
{
	struct sym_loc loc;

	assert_int_equal(jitdump__find(d, addr, &loc), func != NULL);
	if (!func)
		return;
	assert_string_equal(loc.func, func);
	assert_int_equal(loc.line, no);
	if (file)
		assert_string_equal(loc.file, file);
	else
		assert_null(loc.file);
}

static void whole(void **state)
{
	struct strbuf b = STRBUF_INIT;
	struct jitdump *d;

	(void)state;
	sample(&b);
	d = jitdump__new((uint8_t *)b.buf, b.len);
	assert_non_null(d);
	check(d, 0xfff, NULL, NULL, 0);
	check(d, 0x1000, "first", NULL, 0);
	check(d, 0x101f, "first", NULL, 0);
	check(d, 0x1020, "third", NULL, 0);
	check(d, 0x1060, NULL, NULL, 0);
	check(d, 0x2000, "second", "a.js", 10);
	check(d, 0x2007, "second", "a.js", 10);
	check(d, 0x2008, "second", "b.js", 11);
	check(d, 0x201f, "second", "a.js", 12);
	check(d, 0x2020, NULL, NULL, 0);
	check(d, 0x3009, "second", "b.js", 11);
	check(d, 0x9900, NULL, NULL, 0);
	jitdump__free(d);
	strbuf_free(&b);
}

/* V8's lines are 64 bytes further on, and some of its records are rubbish. */
static void of_v8(void **state)
{
	struct strbuf b = STRBUF_INIT;
	struct jitdump *d;
	size_t at;

	(void)state;
	head(&b);
	at = record(&b, 2);
	u64(&b, 0x1000);
	u64(&b, 2);
	line(&b, 0x1040, 5, "a.js");
	line(&b, 0x1050, 6, "a.js");
	end_record(&b, at);
	load(&b, 0x1000, 0x40, 1, "first");
	at = record(&b, 2);
	u64(&b, 0x2000);
	u64(&b, 2);
	line(&b, 0x2040, 7, "96");
	line(&b, 0x23d1c2be1bffa480, 8, "a.js");
	end_record(&b, at);
	load(&b, 0x2000, 0x40, 2, "second");
	at = record(&b, 2);
	u64(&b, 0x3000);
	u64(&b, 1);
	line(&b, 0x3040, 7, "&\x02");
	end_record(&b, at);
	load(&b, 0x3000, 0x40, 3, "third");
	d = jitdump__new((uint8_t *)b.buf, b.len);
	assert_non_null(d);
	check(d, 0x1000, "first", "a.js", 5);
	check(d, 0x100f, "first", "a.js", 5);
	check(d, 0x1010, "first", "a.js", 6);
	check(d, 0x2004, "second", NULL, 0);
	check(d, 0x3004, "third", NULL, 0);
	jitdump__free(d);
	strbuf_free(&b);
}

/* In memory of exactly its length, so that a sanitizer sees the byte behind. */
static void parse_exactly(const char *data, size_t len)
{
	uint8_t *copy = xmalloc(len);
	struct jitdump *d;
	struct sym_loc loc;
	uint64_t addr;

	memcpy(copy, data, len);
	d = jitdump__new(copy, len);
	free(copy);
	if (!d)
		return;
	for (addr = 0xff0; addr < 0x3100; addr += 8)
		jitdump__find(d, addr, &loc);
	jitdump__free(d);
}

static void damaged(void **state)
{
	struct strbuf b = STRBUF_INIT;
	struct jitdump *d;
	uint64_t seed = 3;
	size_t i, k;

	(void)state;
	assert_null(jitdump__new((const uint8_t *)"", 0));
	assert_null(jitdump__new((const uint8_t *)"\x7f"
						  "ELF                                        ",
				 44));
	sample(&b);
	for (i = 0; i <= b.len; i++)
		parse_exactly(b.buf, i);
	for (i = 0; i < 20000; i++) {
		for (k = 0; k < 3; k++)
			b.buf[rnd(&seed) % b.len] = (char)(rnd(&seed) % 3 ? rnd(&seed) : 0xff);
		parse_exactly(b.buf, b.len);
		strbuf_reset(&b);
		sample(&b);
	}
	/* what came before a record that is not whole counts */
	d = jitdump__new((uint8_t *)b.buf, 40 + 16 + 40 + 6 + 0x40 + 5);
	assert_non_null(d);
	check(d, 0x1000, "first", NULL, 0);
	check(d, 0x2000, NULL, NULL, 0);
	jitdump__free(d);
	strbuf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(of_v8),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests_name("jitdump", tests, NULL, NULL);
}
