/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records of .eh_frame (LSB 5, 10.6) and .debug_frame (DWARF 5, 6.4.1): what functions have in
 * common (CIE), and functions (FDE). Each record is visited once, each CIE interpreted once.
 */
#ifndef CTRACE_UNWIND_FRAMES_H
#define CTRACE_UNWIND_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "unwind/elf.h"
#include "unwind/spans.h"

/*
 * Adds the functions of a section that lie where code is. A record that cannot be read is passed
 * over; one whose length is absurd ends the section. 0 or -E2BIG.
 */
int unw_frames_read(const struct unw_bytes *section, enum unw_source source,
		    const struct unw_elf *elf, struct unw_spans *out);

/* The address of .eh_frame, as an .eh_frame_hdr at its own address tells it (LSB 5, 10.6.2); 0. */
uint64_t unw_frames_start(const struct unw_bytes *hdr);

#endif
