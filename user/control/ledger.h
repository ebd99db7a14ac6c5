/* SPDX-License-Identifier: BSD-2-Clause */
/* The files that the service has had written beneath its directory: how much of the disk they take,
 * as long as they are there. */
#ifndef CTRACE_CONTROL_LEDGER_H
#define CTRACE_CONTROL_LEDGER_H

#include <stddef.h>
#include <stdint.h>

struct ledger;
struct outdir;
struct outdir_file;

#define LEDGER_MAX 10000 /* files */

struct ledger *ledger__new(const struct outdir *d); /* which is borrowed */
void ledger__free(struct ledger *l);		    /* NULL is fine */

/* One more file, or one that is in it already. */
void ledger__add(struct ledger *l, const char *name, const struct outdir_file *f);
/* Those that are gone, or have another file in their place, are forgotten. Bytes of the others. */
uint64_t ledger__bytes(struct ledger *l);
size_t ledger__count(const struct ledger *l);

#endif
