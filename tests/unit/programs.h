/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests of symbols: programs compiled on the spot in a directory of their own, and what other
 * tools say about their addresses. A test whose compiler or tool is not here is skipped.
 */
#ifndef CTRACE_TESTS_PROGRAMS_H
#define CTRACE_TESTS_PROGRAMS_H

#include <fcntl.h>
#include <inttypes.h>

#include "helpers.h"

static char dir[TEMP_LEN];

static UNUSED int make_dir(void **state)
{
	(void)state;
	return temp_dir(dir, "symbols");
}

/* In the directory, by a shell, told nothing; its exit status. */
__attribute__((format(printf, 1, 2))) static UNUSED int sh(const char *fmt, ...)
{
	struct strbuf cmd = STRBUF_INIT;
	char text[4096];
	va_list ap;
	int r;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strbuf_addf(&cmd, "{ cd %s && %s; } >/dev/null 2>&1", dir, text);
	r = system(cmd.buf);
	strbuf_free(&cmd);
	return r;
}

static UNUSED int remove_dir(void **state)
{
	(void)state;
	return sh("rm -rf %s", dir);
}

static UNUSED bool have(const char *tool)
{
	return !sh("command -v %s", tool);
}

#define NEED(tool)                                                 \
	do {                                                       \
		if (!have(tool)) {                                 \
			print_message("# %s is not here\n", tool); \
			skip();                                    \
		}                                                  \
	} while (0)

static UNUSED void put_bytes(const char *name, const void *data, size_t len)
{
	struct strbuf path = STRBUF_INIT;
	FILE *f;

	strbuf_addf(&path, "%s/%s", dir, name);
	f = fopen(path.buf, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	strbuf_free(&path);
}

static UNUSED void put_file(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

static UNUSED int open_file(const char *name)
{
	struct strbuf path = STRBUF_INIT;
	int fd;

	strbuf_addf(&path, "%s/%s", dir, name);
	fd = open(path.buf, O_RDONLY | O_CLOEXEC);
	strbuf_free(&path);
	assert_true(fd >= 0);
	return fd;
}

/* What a command says on its standard output. */
__attribute__((format(printf, 1, 2))) static UNUSED FILE *ask(const char *fmt, ...)
{
	struct strbuf cmd = STRBUF_INIT;
	char text[4096];
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strbuf_addf(&cmd, "{ cd %s && %s; } 2>/dev/null", dir, text);
	f = popen(cmd.buf, "re");
	strbuf_free(&cmd);
	assert_non_null(f);
	return f;
}

/* The address of a symbol by nm. */
static UNUSED uint64_t address_of(const char *file, const char *symbol)
{
	FILE *f = ask("nm %s | grep -E ' [tTwWiu] %s$'", file, symbol);
	uint64_t addr = 0;
	char line[512];

	if (fgets(line, sizeof(line), f))
		addr = strtoull(line, NULL, 16);
	pclose(f);
	assert_true(addr != 0);
	return addr;
}

/* A program with functions that are inlined into each other. */
static const char UNUSED inlined_c[] = "#include <stdio.h>\n"
				       "#include <stdlib.h>\n"
				       "int sink;\n"
				       "static inline int low(int a)\n"
				       "{\n"
				       "	sink += a;\n"
				       "	return rand() + a;\n"
				       "}\n"
				       "static inline int middle(int a)\n"
				       "{\n"
				       "	return low(a) * low(a + 1);\n"
				       "}\n"
				       "__attribute__((noinline)) int high(int a)\n"
				       "{\n"
				       "	int r = middle(a);\n"
				       "	if (r > 7)\n"
				       "		r += low(r);\n"
				       "	return r;\n"
				       "}\n"
				       "static __attribute__((noinline)) int hidden(int a)\n"
				       "{\n"
				       "	return high(a) + 1;\n"
				       "}\n"
				       "int main(int argc, char **argv)\n"
				       "{\n"
				       "	printf(\"%d %s\\n\", hidden(argc), argv[0]);\n"
				       "	return middle(argc) + sink;\n"
				       "}\n";

#endif
