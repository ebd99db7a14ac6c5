// SPDX-License-Identifier: BSD-2-Clause
/* See tables.h. */
#include "space/tables.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unwind/pack.h"
#include "unwind/wordalloc.h"
#include "util/clock.h"
#include "util/strbuf.h"
#include "util/u64map.h"
#include "util/xalloc.h"

#define SLAB_WORDS (1u << UNW_SLAB_SHIFT)
#define SLAB_BYTES (SLAB_WORDS * sizeof(uint32_t))
#define WORDS_MAX (UNW_SLABS_MAX * SLAB_WORDS)
#define GRACE_NS \
	1000000000ull /* a walk takes microseconds; a child may use its parent's for longer */

/* What was freed and may still be read. */
struct grave {
	uint64_t since;
	struct wordalloc *of;
	struct wordalloc_run run;
};

struct tables {
	struct tables_opts opts;
	struct unw_rules rules;
	/* mapped, as are the slabs */
	struct unw_rule *rule;
	struct unw_module *module;
	struct unw_mapping *mapping;
	uint32_t *slab[UNW_SLABS_MAX];
	uint32_t nslab;
	struct wordalloc words, mappings;
	struct wordalloc_run *module_words; /* by module; cnt 0 none */
	struct u64map spaces;		    /* tgid → first << 32 | cnt */
	struct grave *grave;		    /* the oldest first */
	size_t ngrave, cap_grave;
	uint32_t version;
};

/* NULL with errno. */
static void *map_array(int fd, size_t sz)
{
	void *p = mmap(NULL, sz, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		p = NULL;
	return p;
}

struct tables *tables__new(const struct tables_opts *opts, struct strbuf *why)
{
	struct tables *t = xcalloc(1, sizeof(*t));

	t->opts = *opts;
	t->words = WORDALLOC_INIT(WORDS_MAX);
	t->mappings = WORDALLOC_INIT(opts->nmappings);
	t->module_words = xcalloc(opts->nmodules, sizeof(*t->module_words));
	t->rule = map_array(opts->rules_fd, UNW_RULES_MAX * sizeof(*t->rule));
	t->module = map_array(opts->modules_fd, opts->nmodules * sizeof(*t->module));
	t->mapping = map_array(opts->mappings_fd, opts->nmappings * sizeof(*t->mapping));
	if (t->rule && t->module && t->mapping)
		return t;
	strbuf_set_f(why, "cannot map the unwinding tables: %s", strerror(errno));
	tables__free(t);
	return NULL;
}

void tables__free(struct tables *t)
{
	uint32_t i;

	if (!t)
		return;
	for (i = 0; i < t->nslab; i++)
		munmap(t->slab[i], SLAB_BYTES);
	if (t->rule)
		munmap(t->rule, UNW_RULES_MAX * sizeof(*t->rule));
	if (t->module)
		munmap(t->module, t->opts.nmodules * sizeof(*t->module));
	if (t->mapping)
		munmap(t->mapping, t->opts.nmappings * sizeof(*t->mapping));
	unw_rules_free(&t->rules);
	wordalloc_free(&t->words);
	wordalloc_free(&t->mappings);
	u64map_free(&t->spaces);
	free(t->module_words);
	free(t->grave);
	free(t);
}

/* ---- what is freed ---- */

static void bury(struct tables *t, struct wordalloc *of, struct wordalloc_run run)
{
	if (!run.cnt)
		return;
	t->grave = xgrow(t->grave, t->ngrave, &t->cap_grave, sizeof(*t->grave));
	t->grave[t->ngrave++] = (struct grave){ clock_mono(), of, run };
}

/* Nobody reads any more what was freed long enough ago. */
static void give_back(struct tables *t)
{
	uint64_t now = clock_mono();
	size_t n = 0;

	while (n < t->ngrave && now - t->grave[n].since > GRACE_NS) {
		wordalloc_give(t->grave[n].of, t->grave[n].run.first, t->grave[n].run.cnt);
		n++;
	}
	t->ngrave -= n;
	if (n)
		memmove(t->grave, t->grave + n, t->ngrave * sizeof(*t->grave));
}

/* ---- words ---- */

static int add_slab(struct tables *t)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd, err = 0;
	void *p;

	if (t->nslab == UNW_SLABS_MAX || (t->nslab + 1) * SLAB_BYTES > t->opts.bytes_max)
		return -ENOSPC;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ct_slab", sizeof(uint32_t),
			    sizeof(struct unw_chunk), UNW_CHUNKS_PER_SLAB, &opts);
	if (fd < 0)
		return fd;
	p = map_array(fd, SLAB_BYTES);
	if (!p || bpf_map_update_elem(t->opts.slabs_fd, &t->nslab, &fd, BPF_ANY))
		err = -errno;
	close(fd);
	if (!err)
		t->slab[t->nslab++] = p;
	else if (p)
		munmap(p, SLAB_BYTES);
	return err;
}

/* cnt words that are there, 0 or -errno. */
static int take_words(struct tables *t, uint32_t cnt, uint32_t *first)
{
	int err = wordalloc_take(&t->words, cnt, first);

	if (err)
		return err;
	while (!err && *first + cnt > t->nslab * SLAB_WORDS)
		err = add_slab(t);
	if (err)
		wordalloc_give(&t->words, *first, cnt);
	return err;
}

static void put_words(void *arg, uint32_t first, const uint32_t *word, uint32_t cnt)
{
	struct tables *t = arg;

	memcpy(&t->slab[first >> UNW_SLAB_SHIFT][first & (SLAB_WORDS - 1)], word,
	       cnt * sizeof(*word));
}

int tables__put_module(struct tables *t, uint32_t module, const struct unwind_table *rows)
{
	size_t nrule = t->rules.cnt;
	struct unw_packing p;
	uint32_t page0;
	int err = unw_pack_measure(rows, &p);

	give_back(t);
	if (!err)
		err = take_words(t, p.nwords, &page0);
	if (err)
		return err;
	unw_pack(rows, &p, page0, &t->rules, put_words, t);
	for (; nrule < t->rules.cnt; nrule++)
		t->rule[nrule] = t->rules.rule[nrule];
	t->module_words[module] = (struct wordalloc_run){ page0, p.nwords };
	t->module[module].base = p.base;
	t->module[module].page0 = page0;
	t->module[module].npages = p.npages;
	/* last: a walk may look at any time */
	__atomic_store_n(&t->module[module].flags, UNW_MODULE_TABLE, __ATOMIC_RELEASE);
	return 0;
}

void tables__put_plain(struct tables *t, uint32_t module, bool frame_pointers)
{
	t->module[module] = (struct unw_module){ .flags = frame_pointers ? UNW_MODULE_FP : 0 };
}

void tables__drop_module(struct tables *t, uint32_t module)
{
	t->module[module] = (struct unw_module){ 0 };
	bury(t, &t->words, t->module_words[module]);
	t->module_words[module] = (struct wordalloc_run){ 0 };
}

size_t tables__bytes(const struct tables *t)
{
	return (size_t)t->words.used * sizeof(uint32_t);
}

size_t tables__buried(const struct tables *t)
{
	size_t i, words = 0;

	for (i = 0; i < t->ngrave; i++)
		if (t->grave[i].of == &t->words)
			words += t->grave[i].run.cnt;
	return words * sizeof(uint32_t);
}

void tables__reserve(struct tables *t)
{
	give_back(t);
	while (t->words.top + t->opts.ahead * SLAB_WORDS > t->nslab * SLAB_WORDS)
		if (add_slab(t))
			return;
}

/* ---- mappings ---- */

static void bury_space(struct tables *t, uint32_t tgid)
{
	uint64_t *had = u64map_get(&t->spaces, tgid);

	if (had)
		bury(t, &t->mappings,
		     (struct wordalloc_run){ (uint32_t)(*had >> 32), (uint32_t)*had });
	u64map_del(&t->spaces, tgid);
}

int tables__put_space(struct tables *t, uint32_t tgid, const struct unw_mapping *m, size_t cnt)
{
	struct unw_space space = { .cnt = (uint32_t)cnt, .version = ++t->version };
	int err;

	give_back(t);
	if (!cnt) {
		tables__drop_space(t, tgid);
		return 0;
	}
	err = wordalloc_take(&t->mappings, space.cnt, &space.first);
	if (!err) {
		memcpy(&t->mapping[space.first], m, cnt * sizeof(*m));
		if (bpf_map_update_elem(t->opts.spaces_fd, &tgid, &space, BPF_ANY)) {
			err = -errno;
			wordalloc_give(&t->mappings, space.first, space.cnt);
		}
	}
	if (err)
		return err;
	bury_space(t, tgid);
	*u64map_put(&t->spaces, tgid, NULL) = (uint64_t)space.first << 32 | space.cnt;
	return 0;
}

void tables__drop_space(struct tables *t, uint32_t tgid)
{
	bpf_map_delete_elem(t->opts.spaces_fd, &tgid);
	bury_space(t, tgid);
}
