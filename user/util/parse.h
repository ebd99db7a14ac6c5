/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers as users write them. All return 0, or -EINVAL (not such a number) or -ERANGE (does not
 * fit), and leave *out alone then. Nothing may follow the number.
 */
#ifndef CTRACE_UTIL_PARSE_H
#define CTRACE_UTIL_PARSE_H

#include <stdint.h>

int parse_u64(const char *s, uint64_t *out);	     /* decimal digits only: no sign, no space */
int parse_duration(const char *s, uint64_t *out_ns); /* 5, 5s, 0.5s, 500ms, 20us, 1m, 1h: ns */
int parse_size(const char *s,
	       uint64_t *out_bytes); /* 4096, 64K, 16M, 1G, 1T: binary units, also KiB, MB */

/* "3.1 MB", "812 kB", "17 B": for people; buf holds 16 bytes; returns buf */
char *format_size(char *buf, uint64_t bytes);

#endif
