/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel addresses → names, from /proc/kallsyms. Reading it takes some 60 ms: a thread does that
 * while the caller is busy with other things. The file is opened at once, because who opens it
 * decides what it tells.
 */
#ifndef CTRACE_SYMBOL_KSYMS_H
#define CTRACE_SYMBOL_KSYMS_H

#include <stdbool.h>
#include <stdint.h>

struct ksyms;

struct ksyms *ksyms__new(void);
struct ksyms *ksyms__new_from(const char *path); /* for tests: of another file */
void ksyms__free(struct ksyms *k);		 /* NULL is fine */

/* Waits until the file is read; no thread is left then. To be called before the first question. */
void ksyms__ready(struct ksyms *k);

/*
 * The function that holds the address; NULL when there is none less than 1 MiB before it, or when
 * the kernel does not tell addresses (kernel.kptr_restrict, no CAP_SYSLOG). The string lives as
 * long as k.
 */
const char *ksyms__name(struct ksyms *k, uint64_t addr);

/* Does the kernel tell us addresses? */
bool ksyms_visible(void);

#endif
