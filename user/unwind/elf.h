/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of an ELF file that unwinding needs: what is loaded where, and sections by name.
 *
 * The file is read with pread, never mapped: one that shrinks gives an error, not a signal. All
 * numbers in it are checked against the size that it had at first, so nothing larger than the file
 * is ever asked for. But a file of a few bytes can have any size, by holes, and headers that name
 * the same bytes any number of times: so holes take no memory, and what is loaded of a file has a
 * bound that all its parts share. Formats: System V gABI, chapters 4 and 5; <elf.h>.
 */
#ifndef CTRACE_UNWIND_ELF_H
#define CTRACE_UNWIND_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf;

/* What is loaded, and has its bytes in the file. */
struct unw_seg {
	uint64_t addr, off, size; /* size: what is in the file */
	bool exec;
};

struct unw_elf {
	int fd;		      /* borrowed; -1: image */
	const uint8_t *image; /* borrowed */
	uint64_t size;	      /* of the whole */
	uint64_t *left;	      /* bytes of parts that may still be looked at; unw_elf_spend() */

	uint64_t entry;
	bool program;	   /* is started: has a fixed address, an interpreter, or is a static PIE */
	uint64_t eh_hdr;   /* address of .eh_frame_hdr; 0: none */
	uint64_t dyn_off;  /* of the dynamic section in the file */
	uint64_t dyn_size; /* 0: none */
	struct unw_seg *seg; /* as in the file */
	size_t nseg;
	Elf64_Shdr *sh; /* none when they are gone or damaged */
	size_t nsh;
	char *names; /* of sections, NUL behind */
	size_t names_sz;
};

/* Bytes of a file, with the address that the first has. The data are the caller's to free. */
struct unw_bytes {
	uint8_t *data;
	size_t size;
	uint64_t addr;
};

/*
 * Reads the headers of the file fd, or of an image when fd is -1. 0 or -errno with the reason in
 * why; unw_elf_close() in both cases, which leaves fd open. A file for ARM64 is refused (-ENOEXEC),
 * but can be asked for its sections.
 */
int unw_elf_open(struct unw_elf *e, int fd, const void *image, size_t size, struct strbuf *why);
void unw_elf_close(struct unw_elf *e);

/* Exactly n bytes at off. 0, or -errno: -EIO when they are not there (any more). */
int unw_elf_read(const struct unw_elf *e, uint64_t off, void *buf, size_t n);

/*
 * Whoever goes over n bytes of the file says so first. -E2BIG: it was enough, UNW_ELF_WORK_MAX for
 * all parts together. Does it by itself: unw_elf_load(), unw_elf_load_at().
 */
int unw_elf_spend(const struct unw_elf *e, uint64_t n);
#define UNW_ELF_WORK_MAX (1ull << 30)
#define UNW_ELF_WORK_MIN 4096u /* that a part counts, however small it is */

/* From where on, at or behind off, there may be other bytes than zeros; the file's size: nowhere. */
uint64_t unw_elf_data(const struct unw_elf *e, uint64_t off);

/* The section with that name; NULL. */
const Elf64_Shdr *unw_elf_section(const struct unw_elf *e, const char *name);

/*
 * All bytes of a section, inflated when it is compressed (SHF_COMPRESSED with zlib, or the older
 * "ZLIB" head of .zdebug_*). -E2BIG beyond UNW_ELF_PART_MAX (inflated: UNW_ELF_INFLATED_MAX) or
 * when the file has used up what it may, -EINVAL when it lies outside of the
 * file or does not inflate, -ENOTSUP for other compressions.
 */
int unw_elf_load(const struct unw_elf *e, const Elf64_Shdr *sh, struct unw_bytes *out);
#define UNW_ELF_PART_MAX (512ull << 20)
#define UNW_ELF_INFLATED_MAX (128ull << 20)

/* Bytes by address: up to max of them, fewer at the end of what is loaded there. -EINVAL: nothing
 * is. */
int unw_elf_load_at(const struct unw_elf *e, uint64_t addr, uint64_t max, struct unw_bytes *out);

/* The loaded part that holds an address; NULL. */
const struct unw_seg *unw_elf_seg(const struct unw_elf *e, uint64_t addr);

#endif
