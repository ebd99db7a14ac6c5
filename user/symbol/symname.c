// SPDX-License-Identifier: BSD-2-Clause
/* See symname.h. */
#include "symbol/symname.h"

#include <libiberty/demangle.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/strbuf.h"

/* Longer ones are left as they are: the demangler's time and memory are not linear. */
#define MANGLED_MAX 32768

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* Bytes of the name without what the linker added. */
static size_t without_version(const char *raw)
{
	const char *at = strchr(raw, '@');

	return !at || at == raw || !strcmp(at, "@plt") ? strlen(raw) : (size_t)(at - raw);
}

/*
 * Where the compiler's suffix begins (".constprop.0"). Only the names of legacy Rust have dots
 * inside; they end in their hash, "17h", 16 hexadecimal digits, "E".
 */
static size_t mangled_len(const char *s)
{
	const char *h;

	for (h = s; (h = strstr(h, "17h")); h++)
		if (strspn(h + 3, "0123456789abcdef") == 16 && h[19] == 'E')
			return (size_t)(h + 20 - s);
	return strcspn(s, ".@");
}

/* The suffix without LLVM's mark of a symbol that it made global. */
static void add_suffix(struct strbuf *out, const char *suffix, size_t len)
{
	const char *llvm = memmem(suffix, len, ".llvm.", 6);

	strbuf_add(out, suffix, llvm ? (size_t)(llvm - suffix) : len);
}

void symname(struct strbuf *out, const char *raw)
{
	size_t len = without_version(raw), head;
	char *copy, *name = NULL;

	if (len > MANGLED_MAX || !(starts(raw, "_Z") || starts(raw, "_R") || starts(raw, "___Z"))) {
		add_suffix(out, raw, len);
		return;
	}
	head = mangled_len(raw);
	if (head > len)
		head = len;
	copy = strndup(raw, head);
	if (copy) {
		name = rust_demangle(copy, DMGL_NO_OPTS);
		if (!name)
			name = cplus_demangle_v3(copy, DMGL_NO_OPTS);
	}
	if (name && *name) {
		strbuf_addstr(out, name);
		add_suffix(out, raw + head, len - head);
	} else {
		add_suffix(out, raw, len);
	}
	free(name);
	free(copy);
}
