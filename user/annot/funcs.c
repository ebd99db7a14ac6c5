// SPDX-License-Identifier: BSD-2-Clause
/* See funcs.h. */
#include "annot/funcs.h"

#include <errno.h>
#include <fnmatch.h>
#include <libiberty/demangle.h>
#include <stdlib.h>
#include <string.h>

#include "annot/body.h"
#include "annot/codefile.h"
#include "annot/decode.h"
#include "symbol/symname.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define MANGLED_MAX 4096	/* longer ones are matched as they are */
#define SIZELESS_MAX (1u << 20) /* a function whose size only its neighbour tells */

/* ---- names ---- */

static bool matches(const char *glob, const char *name)
{
	return !strcmp(glob, name) || !fnmatch(glob, name, 0);
}

/* The same without what the compiler put behind the name of a copy of it. */
static bool matches_copy(const char *glob, const char *name)
{
	static const char *const marks[] = { ".isra.", ".constprop.", ".lto_priv." };
	size_t i, len = strlen(name);
	const char *at;
	char *plain;
	bool yes;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		at = strstr(name, marks[i]);
		if (at && (size_t)(at - name) < len)
			len = (size_t)(at - name);
	}
	if (!name[len])
		return false;
	plain = strndup(name, len);
	yes = plain && matches(glob, plain);
	free(plain);
	return yes;
}

/* With parameters, and Rust's with its hash. */
static bool matches_full(const char *glob, const char *raw)
{
	char *full, *clone;
	bool yes;

	if (strlen(raw) > MANGLED_MAX)
		return false;
	full = rust_demangle(raw, DMGL_VERBOSE);
	if (!full)
		full = cplus_demangle_v3(raw, DMGL_PARAMS | DMGL_ANSI);
	clone = full ? strstr(full, " [clone ") : NULL;
	if (clone)
		*clone = '\0';
	yes = full && matches(glob, full);
	free(full);
	return yes;
}

/* shown: scratch; afterwards the name as it is shown. */
static bool name_matches(const char *glob, const char *raw, struct strbuf *shown)
{
	bool mangled = !strncmp(raw, "_Z", 2) || !strncmp(raw, "_R", 2);

	strbuf_reset(shown);
	symname(shown, raw);
	return matches(glob, raw) || matches(glob, shown->buf) || matches_copy(glob, shown->buf) ||
	       matches_copy(glob, raw) || (mangled && matches_full(glob, raw));
}

/* Of two names of a function the one to be shown: write, not __GI___libc_write. */
static bool is_better(const char *a, const char *b)
{
	size_t na = strspn(a, "_"), nb = strspn(b, "_");

	if (na != nb)
		return na < nb;
	return strlen(a) != strlen(b) ? strlen(a) < strlen(b) : strcmp(a, b) < 0;
}

/* ---- names that several have ---- */

struct named {
	struct func *func;
	const char *raw; /* the symbol that its name was made of */
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->func->name, ((const struct named *)b)->func->name);
}

static void add_parameters(const struct named *n)
{
	char *full;

	if (strncmp(n->raw, "_Z", 2) || strlen(n->raw) > MANGLED_MAX)
		return;
	full = cplus_demangle_v3(n->raw, DMGL_PARAMS | DMGL_ANSI | DMGL_RET_DROP);
	if (!full)
		return;
	free(n->func->name);
	n->func->name = xstrdup(full);
	free(full);
}

/* Overloads are functions of their own: they are told by their parameters. */
static void tell_apart(struct funcs *f, const char *const *raw)
{
	struct named *n = xmalloc((f->cnt + 1) * sizeof(*n));
	size_t i, k, end;

	for (i = 0; raw && i < f->cnt; i++)
		n[i] = (struct named){ &f->func[i], raw[i] };
	qsort(n, f->cnt, sizeof(*n), by_name);
	for (i = 0; i < f->cnt; i = end) {
		for (end = i + 1; end < f->cnt && !by_name(&n[i], &n[end]); end++)
			;
		for (k = i; end - i > 1 && k < end; k++)
			add_parameters(&n[k]);
	}
	free(n);
}

/* ---- one function ---- */

static uint64_t offset_of(const struct codefile *f, uint64_t addr)
{
	const struct unw_seg *s = unw_elf_seg(&f->elf, addr);

	return s ? s->off + (addr - s->addr) : 0;
}

/* The size of a function that has none: up to what comes next, by symbols or by frames. */
static uint64_t find_size(const struct codefile *f, uint64_t addr)
{
	const struct unw_seg *seg = unw_elf_seg(&f->elf, addr);
	const struct unw_span *span = codefile_span(f, addr);
	uint64_t end = seg ? seg->addr + seg->size : addr;
	size_t i = symtab_from(&f->syms, addr + 1);

	if (span && span->start == addr)
		return span->end - addr;
	if (i < f->syms.cnt && f->syms.sym[i].addr < end)
		end = f->syms.sym[i].addr;
	return end - addr <= SIZELESS_MAX ? end - addr : 0;
}

static void take_apart(struct codefile *f, struct func *fn)
{
	struct strbuf why = STRBUF_INIT;
	struct body b;
	size_t i;

	if (body_read(&b, f, fn->addr, fn->size, &why)) {
		fn->refused = xstrdup(why.buf);
	} else {
		fn->entry = offset_of(f, b.entry.addr);
		fn->entry_pushed = (uint8_t)b.entry.pushed;
		fn->nexit = b.exits.cnt;
		fn->tails = b.exits.tails;
		fn->exit = xmalloc((fn->nexit + !fn->nexit) * sizeof(*fn->exit));
		for (i = 0; i < fn->nexit; i++)
			fn->exit[i] = offset_of(f, b.exits.addr[i]);
	}
	body_free(&b);
	strbuf_free(&why);
}

/* The symbols at one address, from sym on, as one function; false: none of them is meant. raw: the
 * one that it is called by. */
static bool look_at(struct codefile *f, const struct symtab_sym *sym, size_t n, const char *glob,
		    struct func *out, const char **raw)
{
	const struct unw_seg *seg = unw_elf_seg(&f->elf, sym->addr);
	struct strbuf shown = STRBUF_INIT;
	bool chosen_late = false, data = true;
	size_t i;

	*out = (struct func){ .addr = sym->addr };
	for (i = 0; i < n; i++) {
		if (sym[i].type == STT_OBJECT || strstr(sym[i].name, ".cold"))
			continue;
		if (sym[i].type == STT_NOTYPE && (!seg || !seg->exec || sym[i].bind == STB_LOCAL))
			continue;
		data = false;
		chosen_late = chosen_late || sym[i].type == STT_GNU_IFUNC;
		if (sym[i].size > out->size)
			out->size = sym[i].size;
		if (name_matches(glob, sym[i].name, &shown) &&
		    (!out->name || is_better(shown.buf, out->name))) {
			free(out->name);
			out->name = xstrdup(shown.buf);
			*raw = sym[i].name;
		}
	}
	strbuf_free(&shown);
	if (!out->name || data)
		return false;
	if (!out->size)
		out->size = find_size(f, out->addr);
	if (chosen_late)
		out->refused = xstrdup("stands for one of several, chosen when the program is "
				       "loaded (IFUNC)");
	else if (!seg || !seg->exec)
		out->refused = xstrdup("is not in the code of the file");
	else if (!out->size)
		out->refused = xstrdup("has no size, and nothing tells where it ends");
	else
		take_apart(f, out);
	return true;
}

static struct func *add_func(struct funcs *out, size_t *cap)
{
	out->func = xgrow(out->func, out->cnt, cap, sizeof(*out->func));
	return &out->func[out->cnt];
}

/* Nothing was found: a function that is only called here, or something that is none, is told. */
static void explain_none(struct funcs *out, const struct codefile *f, const char *glob, size_t *cap)
{
	struct strbuf shown = STRBUF_INIT;
	size_t i;

	for (i = 0; i < f->syms.nabsent && !out->cnt; i++)
		if (name_matches(glob, f->syms.absent[i], &shown))
			*add_func(out, cap) =
				(struct func){
					.name = xstrdup(shown.buf),
					.refused = xstrdup("is called here, but is a function of "
							   "another file"),
				},
				       out->cnt++;
	for (i = 0; i < f->syms.cnt && !out->cnt; i++)
		if (f->syms.sym[i].type == STT_OBJECT &&
		    name_matches(glob, f->syms.sym[i].name, &shown))
			*add_func(out, cap) =
				(struct func){
					.name = xstrdup(shown.buf),
					.addr = f->syms.sym[i].addr,
					.size = f->syms.sym[i].size,
					.refused = xstrdup("is data"),
				},
				       out->cnt++;
	strbuf_free(&shown);
}

int funcs_find(struct funcs *out, int fd, const char *glob, struct strbuf *why)
{
	size_t i, n, cap = 0, cap_raw = 0;
	const char **raw = NULL;
	struct codefile f;
	int err;

	*out = (struct funcs){ 0 };
	err = codefile_open(&f, fd, why);
	for (i = 0; !err && i < f.syms.cnt; i += n) {
		for (n = 1; i + n < f.syms.cnt && f.syms.sym[i + n].addr == f.syms.sym[i].addr; n++)
			;
		raw = xgrow(raw, out->cnt, &cap_raw, sizeof(*raw));
		if (look_at(&f, &f.syms.sym[i], n, glob, add_func(out, &cap), &raw[out->cnt]))
			out->cnt++;
	}
	if (out->cnt)
		tell_apart(out, raw);
	free(raw);
	if (!err && !f.syms.cnt && !f.syms.nabsent) {
		strbuf_set_f(why, "it has no symbols");
		err = -ENODATA;
	} else if (!err && !out->cnt) {
		explain_none(out, &f, glob, &cap);
	}
	codefile_close(&f);
	return err;
}

void funcs_free(struct funcs *f)
{
	size_t i;

	for (i = 0; i < f->cnt; i++) {
		free(f->func[i].name);
		free(f->func[i].exit);
		free(f->func[i].refused);
	}
	free(f->func);
	*f = (struct funcs){ 0 };
}

/* ---- the red zone ---- */

/* The function that holds an address: by frames, else by symbols. */
static bool around(const struct codefile *f, uint64_t addr, uint64_t *start, uint64_t *end)
{
	const struct unw_span *span = codefile_span(f, addr);
	size_t i;

	if (span) {
		*start = span->start;
		*end = span->end;
		return true;
	}
	for (i = symtab_from(&f->syms, addr + 1); i-- > 0;) {
		const struct symtab_sym *s = &f->syms.sym[i];

		if (s->type != STT_FUNC)
			continue;
		*start = s->addr;
		*end = s->addr + s->size;
		return addr < *end;
	}
	return false;
}

/* Compilers put locals below the stack pointer only where nothing is called. */
static bool leaves_alone(const uint8_t *code, size_t n, uint64_t addr)
{
	bool calls = false, below = false;
	struct insn in;
	size_t at;

	for (at = 0; at < n; at += in.len) {
		if (insn_decode(&in, code + at, n - at, addr + at))
			return false;
		calls = calls || in.flow == INSN_CALL;
		below = below || in.below;
	}
	return calls || !below;
}

static bool is_safe(struct codefile *f, uint64_t addr)
{
	struct unw_bytes code;
	uint64_t start, end;
	bool safe;

	if (!around(f, addr, &start, &end) || end - start > f->budget)
		return false;
	f->budget -= end - start;
	if (unw_elf_load_at(&f->elf, start, end - start, &code))
		return false;
	safe = code.size == end - start && leaves_alone(code.data, code.size, start);
	free(code.data);
	return safe;
}

void funcs_use_red_zone(int fd, const uint64_t *addr, size_t cnt, bool *uses)
{
	struct strbuf why = STRBUF_INIT;
	struct codefile f;
	bool open;
	size_t i;

	open = cnt && !codefile_open(&f, fd, &why);
	for (i = 0; i < cnt; i++)
		uses[i] = !open || !is_safe(&f, addr[i]);
	if (cnt)
		codefile_close(&f);
	strbuf_free(&why);
}

int funcs_uses_red_zone(int fd, uint64_t addr)
{
	bool uses;

	funcs_use_red_zone(fd, &addr, 1, &uses);
	return uses;
}
