// SPDX-License-Identifier: BSD-2-Clause
/*
 * See gofind.h. Format of the tree of inlined calls: Go's src/runtime/symtabinl.go; offsets in g
 * and m: src/runtime/runtime2.go of each version, as its compiler lays them out.
 */
#include "annot/gofind.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "annot/gobuild.h"
#include "annot/gocode.h"
#include "unwind/gotab.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

/* In a function's record, and in an entry of the tree. */
enum {
	FUNC_NPCDATA = 28,
	FUNC_NFUNCDATA = 43,
	FUNC_SIZE = 44,
	PCDATA_INLTREE = 2,
	FUNCDATA_INLTREE = 3,
	CALL_SIZE = 16,
	CALL_NAME = 4,
};

#define CODE_MAX (16u << 20) /* of a function */

/* Functions that we need: those with a probe by their enum ct_go_call, then those we look into. */
enum {
	WITH_REGION = CT_GO_LOGF + 1,
	WITH_REGION_END,
	LOG,
	NEW_TASK,
	FROM_CONTEXT,
	NFUNC,
};

static const char *const func_name[NFUNC] = {
	[CT_GO_USER_TASK_CREATE] = "userTaskCreate",
	[CT_GO_USER_TASK_END] = "userTaskEnd",
	[CT_GO_USER_REGION] = "userRegion",
	[CT_GO_USER_LOG] = "userLog",
	[CT_GO_START_REGION] = "StartRegion",
	[CT_GO_REGION_END] = "(*Region).End",
	[CT_GO_LOGF] = "Logf",
	[WITH_REGION] = "WithRegion",
	[WITH_REGION_END] = "WithRegion.deferwrap1",
	[LOG] = "Log",
	[NEW_TASK] = "NewTask",
	[FROM_CONTEXT] = "fromContext",
};

struct finder {
	struct unw_elf elf;
	struct gotab tab;
	struct gotab_module mod;
	struct unw_bytes trees;	       /* from gofunc on */
	uint32_t name[NFUNC];	       /* offset of the name, 0 none */
	struct gotab_func func[NFUNC]; /* start 0: not in the program */
	uint64_t noop;		       /* address of noopRegion, 0 unknown */
	size_t inlined[NFUNC];	       /* calls that were inlined */
	size_t odd_ends;	       /* … of End, and do not look as known */
	size_t cap;
	struct go_sites *out;
	struct strbuf *why;
};

static void also(struct finder *s, const char *what, const char *how)
{
	if (s->why->len)
		strbuf_addstr(s->why, "; ");
	strbuf_addf(s->why, "%s %s", what, how);
}

/* ---- names and functions ---- */

static uint32_t find_name(const struct finder *s, const char *name)
{
	const uint8_t *names = s->tab.data + s->tab.names, *hit;
	size_t size = s->tab.size - s->tab.names;
	struct strbuf want = STRBUF_INIT;

	strbuf_addch(&want, '\0');
	strbuf_addf(&want, "runtime/trace.%s", name);
	hit = memmem(names, size < UINT32_MAX ? size : UINT32_MAX, want.buf, want.len + 1);
	strbuf_free(&want);
	return hit ? (uint32_t)(hit + 1 - names) : 0;
}

/* true: some annotation is called in this program. */
static bool find_names(struct finder *s)
{
	bool any = false;
	size_t i;

	for (i = 1; i < NFUNC; i++) {
		s->name[i] = find_name(s, func_name[i]);
		any = any || (i <= CT_GO_LOGF && s->name[i]);
	}
	return any;
}

/* Which of them has its name there; 0 none. */
static size_t by_name(const struct finder *s, uint32_t name)
{
	size_t i;

	for (i = 1; name && i < NFUNC; i++)
		if (s->name[i] == name)
			return i;
	return 0;
}

/* The code of a function, in the file; data NULL where it is not. The caller frees. */
static struct unw_bytes code_of(const struct finder *s, const struct gotab_func *f)
{
	const struct unw_seg *seg = unw_elf_seg(&s->elf, f->start);
	struct unw_bytes b = { 0 };

	if (!seg || !seg->exec || f->end - f->start > CODE_MAX || f->end - seg->addr > seg->size ||
	    unw_elf_load_at(&s->elf, f->start, f->end - f->start, &b))
		b.data = NULL;
	return b;
}

/* ---- sites ---- */

static void add_site(struct finder *s, enum ct_go_call call, uint64_t addr)
{
	const struct unw_seg *seg = unw_elf_seg(&s->elf, addr);
	struct go_sites *out = s->out;
	uint64_t offset = seg->off + (addr - seg->addr);

	if (out->cnt && out->site[out->cnt - 1].offset == offset)
		return;
	out->site = xgrow(out->site, out->cnt, &s->cap, sizeof(*out->site));
	out->site[out->cnt++] = (struct go_site){ .offset = offset, .call = call };
}

static void add_bodies(struct finder *s)
{
	struct unw_bytes code;
	size_t i, body;

	for (i = 1; i <= CT_GO_LOGF; i++) {
		if (!s->func[i].start)
			continue;
		code = code_of(s, &s->func[i]);
		body = code.data ? go_code_body(code.data, code.size) : 0;
		free(code.data);
		if (body)
			add_site(s, (enum ct_go_call)i, s->func[i].start + body);
		else
			also(s, func_name[i], "does not begin as we know it, and is not seen");
	}
}

/* Where an inlined End is seen, by what is known so far. */
enum { END_ABSENT = 0, END_UNSEEN = 1, END_ODD = 2 }; /* else the address */

/* One more run of instructions, [from, to), that belong to an inlined End. */
static void look_at_end(const struct finder *s, const struct gotab_func *f,
			const struct unw_bytes *code, uint64_t from, uint64_t to, uint64_t *end)
{
	size_t n, hit, place;

	if (*end == END_ABSENT)
		*end = END_UNSEEN;
	for (; *end != END_ODD; from += hit + 1) {
		n = to - from;
		hit = go_code_uses(code->data + (from - f->start), n, from, s->noop, &place);
		if (hit == n)
			return;
		/* twice: who knows what this is */
		*end = *end == END_UNSEEN ? from + place : END_ODD;
	}
}

/* One way over the function for all calls: a hostile file may have a million of each. */
static void add_ends(struct finder *s, const struct gotab_func *f, uint32_t stream,
		     const uint8_t *tree, uint64_t ncall)
{
	struct unw_bytes code = code_of(s, f);
	uint64_t i, from, *end;
	struct gotab_runs r;
	uint32_t name;

	if (!code.data)
		return;
	end = xcalloc(ncall, sizeof(*end));
	if (gotab_runs(&s->tab, f, stream, &r)) {
		for (from = r.pc; gotab_step(&r); from = r.pc) {
			if (r.value < 0 || (uint64_t)r.value >= ncall)
				continue;
			memcpy(&name, tree + (uint64_t)r.value * CALL_SIZE + CALL_NAME,
			       sizeof(name));
			if (name == s->name[CT_GO_REGION_END])
				look_at_end(s, f, &code, from, r.pc, &end[r.value]);
		}
	}
	for (i = 0; i < ncall; i++) {
		if (end[i] > END_ODD)
			add_site(s, CT_GO_REGION_END, end[i]);
		else if (end[i] != END_ABSENT)
			s->odd_ends++;
	}
	free(end);
	free(code.data);
}

/* The calls that were inlined into a function. */
static void look_into(struct finder *s, const struct gotab_func *f)
{
	uint32_t npcdata = gotab_word(f, FUNC_NPCDATA), off, stream, name;
	uint64_t ncall = 0, i;
	struct gotab_runs r;
	const uint8_t *tree;
	bool ends = false;
	size_t which;

	if (f->room <= FUNC_NFUNCDATA || f->record[FUNC_NFUNCDATA] <= FUNCDATA_INLTREE ||
	    npcdata <= PCDATA_INLTREE)
		return;
	off = gotab_word(f, FUNC_SIZE + 4 * ((uint64_t)npcdata + FUNCDATA_INLTREE));
	stream = gotab_word(f, FUNC_SIZE + 4 * PCDATA_INLTREE);
	if (off == UINT32_MAX || off >= s->trees.size || !gotab_runs(&s->tab, f, stream, &r))
		return;
	/* the numbers of the calls are in the stream, their count is nowhere */
	while (gotab_step(&r))
		if (r.value >= 0 && (uint64_t)r.value >= ncall)
			ncall = (uint64_t)r.value + 1;
	tree = s->trees.data + off;
	if (ncall > (s->trees.size - off) / CALL_SIZE || ncall > f->end - f->start)
		return;
	for (i = 0; i < ncall; i++) {
		memcpy(&name, tree + i * CALL_SIZE + CALL_NAME, sizeof(name));
		which = by_name(s, name);
		s->inlined[which]++;
		ends = ends || which == CT_GO_REGION_END;
	}
	if (ends && s->noop)
		add_ends(s, f, stream, tree, ncall);
}

/* Functions follow each other; what does not is damage, and could be walked for ever. */
static void each_func(struct finder *s, void (*visit)(struct finder *s, const struct gotab_func *f))
{
	struct gotab_func f;
	uint64_t i, last = 0;

	for (i = 0; i < s->tab.nfunc; i++)
		if (gotab_func(&s->tab, i, &f) && f.start >= last) {
			last = f.end;
			visit(s, &f);
		}
}

static void keep_known(struct finder *s, const struct gotab_func *f)
{
	size_t which = by_name(s, gotab_word(f, GOTAB_FUNC_NAME));

	if (which)
		s->func[which] = *f;
}

/* The region that stands for "not traced": StartRegion returns it, End compares with it. */
static void find_noop(struct finder *s)
{
	uint64_t by_start = 0, by_end = 0;
	struct unw_bytes code;

	if (s->func[CT_GO_START_REGION].start) {
		code = code_of(s, &s->func[CT_GO_START_REGION]);
		if (code.data)
			by_start = go_code_loaded(code.data, code.size, code.addr);
		free(code.data);
	}
	if (s->func[CT_GO_REGION_END].start) {
		code = code_of(s, &s->func[CT_GO_REGION_END]);
		if (code.data)
			by_end = go_code_compared(code.data, code.size, code.addr);
		free(code.data);
	}
	if (!by_start || !by_end || by_start == by_end)
		s->noop = by_end ? by_end : by_start;
}

static void tell_inlined(struct finder *s, size_t which, size_t cnt, const char *how)
{
	struct strbuf text = STRBUF_INIT;

	if (cnt) {
		strbuf_set_f(&text, "has inlined calls%s, which are not seen: %zu", how, cnt);
		also(s, func_name[which], text.buf);
	}
	strbuf_free(&text);
}

static void add_inlined(struct finder *s)
{
	find_noop(s);
	if (unw_elf_load_at(&s->elf, s->mod.gofunc, UNW_ELF_PART_MAX, &s->trees)) {
		also(s, func_name[CT_GO_REGION_END],
		     "may have inlined calls, which cannot be found and are not seen");
		return;
	}
	each_func(s, look_into);
	/* these only where a profile told the compiler to */
	tell_inlined(s, CT_GO_START_REGION, s->inlined[CT_GO_START_REGION], "");
	tell_inlined(s, CT_GO_LOGF, s->inlined[CT_GO_LOGF], "");
	tell_inlined(s, CT_GO_REGION_END, s->noop ? s->odd_ends : s->inlined[CT_GO_REGION_END],
		     " that do not look as we know it");
}

/* ---- what the probes have to know ---- */

/* Is there the descriptor of an empty struct at this address (internal/abi.Type)? */
static bool is_empty_struct(const struct finder *s, uint64_t addr)
{
	struct unw_bytes b;
	uint64_t size;
	bool is;

	if (unw_elf_load_at(&s->elf, addr, 24, &b))
		return false;
	is = b.size == 24 && (b.data[23] & 31) == 25;
	if (is) {
		memcpy(&size, b.data, sizeof(size));
		is = !size;
	}
	free(b.data);
	return is;
}

/* All that ask a context for its task have to agree. */
static uint64_t find_key(const struct finder *s)
{
	static const size_t asks[] = { LOG, NEW_TASK, CT_GO_START_REGION, FROM_CONTEXT };
	struct unw_bytes code;
	uint64_t key = 0, k;
	size_t i;

	for (i = 0; i < sizeof(asks) / sizeof(*asks); i++) {
		if (!s->func[asks[i]].start)
			continue;
		code = code_of(s, &s->func[asks[i]]);
		k = code.data ? go_code_key(code.data, code.size, code.addr) : 0;
		free(code.data);
		if (k && key && k != key)
			return 0;
		if (k)
			key = k;
	}
	return key && is_empty_struct(s, key) ? key : 0;
}

static struct ct_go_code extent(const struct finder *s, size_t which)
{
	return (struct ct_go_code){ s->func[which].start, s->func[which].end };
}

static void fill_go(struct finder *s)
{
	struct ct_go *go = &s->out->go;

	go_build_offsets(s->out->minor, go);
	go->text = s->mod.text;
	go->etext = s->mod.etext;
	go->key_type = find_key(s);
	go->with_region[0] = extent(s, WITH_REGION);
	go->with_region[1] = extent(s, WITH_REGION_END);
	go->logf = extent(s, CT_GO_LOGF);
	if (!go->key_type && (s->func[CT_GO_START_REGION].start || s->func[CT_GO_LOGF].start))
		also(s, "how a context leads to its task",
		     "is not known, so what StartRegion and Logf say is of no task");
}

struct ct_go go_placed(const struct ct_go *file, uint64_t bias, uint32_t module)
{
	struct ct_go go = *file;
	size_t i;

	go.bias = bias;
	go.module = module;
	go.text += bias;
	go.etext += bias;
	if (go.key_type)
		go.key_type += bias;
	for (i = 0; i < 2; i++) {
		go.with_region[i].from += bias;
		go.with_region[i].to += bias;
	}
	go.logf.from += bias;
	go.logf.to += bias;
	return go;
}

/* ---- the file ---- */

static int find(struct finder *s)
{
	int err, minor = go_build_minor(&s->elf);

	if (!minor) /* no Go */
		return -ENODATA;
	err = gotab_open(&s->tab, &s->elf);
	if (err) {
		if (go_build_known(minor, s->why))
			strbuf_set_f(s->why, "its table of functions cannot be read");
		return -ENOTSUP;
	}
	if (!find_names(s))
		return -ENODATA;
	if (!go_build_known(minor, s->why))
		return -ENOTSUP;
	s->out->minor = minor;
	if (gotab_module(&s->tab, &s->elf, &s->mod) || s->mod.text >= s->mod.etext ||
	    !s->mod.gofunc) {
		strbuf_set_f(s->why, "the runtime's moduledata is not where we know it");
		return -ENOTSUP;
	}
	s->tab.text = s->mod.text;
	each_func(s, keep_known);
	add_bodies(s);
	add_inlined(s);
	if (!s->out->cnt)
		return s->why->len ? -ENOTSUP : -ENODATA;
	fill_go(s);
	return 0;
}

int go_sites_find(struct go_sites *out, int fd, struct strbuf *why)
{
	struct finder s = { .out = out, .why = why };
	int err;

	*out = (struct go_sites){ 0 };
	strbuf_reset(why);
	err = unw_elf_open(&s.elf, fd, NULL, 0, why);
	if (!err) {
		strbuf_reset(why);
		err = find(&s);
	} else if (unw_elf_section(&s.elf, ".go.buildinfo")) {
		strbuf_set_f(why, "annotations of Go programs can be seen on x86-64 only");
		err = -ENOTSUP;
	} else if (err == -ENOEXEC) {
		strbuf_reset(why);
		err = -ENODATA;
	}
	free(s.trees.data);
	gotab_close(&s.tab);
	unw_elf_close(&s.elf);
	return err;
}

void go_sites_free(struct go_sites *s)
{
	free(s->site);
	*s = (struct go_sites){ 0 };
}
