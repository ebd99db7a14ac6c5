/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the address of a mapping needs to know of an ELF file: where its code lies, and its build id.
 */
#ifndef CTRACE_SPACE_HEAD_H
#define CTRACE_SPACE_HEAD_H

#include <stddef.h>
#include <stdint.h>

#define HEAD_SEGS 8
#define HEAD_BUILD_ID 32

struct elf_head {
	struct {
		uint64_t off, size, addr;
	} seg[HEAD_SEGS]; /* what is loaded to be executed */
	unsigned nseg;
	uint8_t nbuild; /* bytes of build_id, 0 none */
	uint8_t build_id[HEAD_BUILD_ID];
};

/* 0; -ENOEXEC when it is no ELF file of this machine; or another -errno. */
int elf_head_read(struct elf_head *h, int fd);
int elf_head_image(struct elf_head *h, const void *image, size_t size);

/* The file's own address of a byte of the file, as far as code holds it; else its offset. */
uint64_t elf_head_addr(const struct elf_head *h, uint64_t off);

#endif
