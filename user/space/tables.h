/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The unwinding tables where the BPF programs read them: the maps of bpf/unwind.h, filled from
 * here. Words of a module, mappings of a process, rules and modules all lie in memory that both
 * sides map.
 *
 * What is freed may still be read by a walk that is under way; it is given away again after a
 * while only. One thread uses it.
 */
#ifndef CTRACE_SPACE_TABLES_H
#define CTRACE_SPACE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/unwind.h"

struct strbuf;
struct tables;
struct unwind_table;

struct tables_opts {
	int slabs_fd, rules_fd, modules_fd, mappings_fd, spaces_fd; /* borrowed */
	uint32_t nmodules, nmappings;				    /* entries of those maps */
	uint32_t ahead;	  /* MiB that tables__reserve() keeps free */
	size_t bytes_max; /* of all words together */
};

/* NULL with errno and the reason in why. */
struct tables *tables__new(const struct tables_opts *opts, struct strbuf *why);
void tables__free(struct tables *t); /* NULL is fine */

/* Puts the rows of a module, which has none yet, in place. 0; -ENOSPC when there is no room for
 * them: forget others first; or another -errno. */
int tables__put_module(struct tables *t, uint32_t module, const struct unwind_table *rows);
/* A module without rows, which may be walked by frame pointer, or not at all. */
void tables__put_plain(struct tables *t, uint32_t module, bool frame_pointers);
void tables__drop_module(struct tables *t, uint32_t module);

/* Makes these, sorted, the mappings of a process (as the kernel numbers it), instead of those that
 * it had. 0 or -errno: -ENOSPC when there is no room now; those of before stay then. */
int tables__put_space(struct tables *t, uint32_t tgid, const struct unw_mapping *m, size_t cnt);
void tables__drop_space(struct tables *t, uint32_t tgid);

size_t tables__bytes(const struct tables *t);  /* of words that are in use */
size_t tables__buried(const struct tables *t); /* … of those, what is free in a while */
/* Makes room for the next module ahead of time: that takes the kernel a while. */
void tables__reserve(struct tables *t);

#endif
