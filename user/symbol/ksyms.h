/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel addresses → names, from /proc/kallsyms. The file is opened at once, because who opens it decides what it tells, and
 * read at the first question.
 */
#ifndef CTRACE_SYMBOL_KSYMS_H
#define CTRACE_SYMBOL_KSYMS_H

#include <stdbool.h>
#include <stdint.h>

struct ksyms;

struct ksyms *ksyms__new(void);
void ksyms__free(struct ksyms *k); /* NULL is fine */

/*
 * The function that holds the address; NULL when there is none, or when the kernel does not tell addresses
 * (kernel.kptr_restrict, no CAP_SYSLOG). The string lives as long as k.
 */
const char *ksyms__name(struct ksyms *k, uint64_t addr);

/* Does the kernel tell us addresses? */
bool ksyms_visible(void);

#endif
