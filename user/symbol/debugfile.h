/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF files that belong to another one: its separate debug file, the symbol table that Fedora packs
 * into .gnu_debugdata, the common file of dwz. Where they are looked for is GDB's order ("Debugging
 * Information in Separate Files" in its manual): under the root of the process first, then under
 * our own; debuginfod's cache last. Nothing is fetched.
 */
#ifndef CTRACE_SYMBOL_DEBUGFILE_H
#define CTRACE_SYMBOL_DEBUGFILE_H

#include <elfutils/libdw.h>
#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct debug_search {
	int root_fd;	  /* root directory of the process, -1: our own */
	const char *path; /* of the file whose companion is looked for, as the process sees it */
};

#define BUILD_ID_MAX 32

struct build_id {
	uint8_t byte[BUILD_ID_MAX];
	size_t len; /* 0 none */
};

/* An ELF file that was opened. */
struct elf_file {
	Elf *elf; /* NULL none */
	int fd;	  /* -1: in memory */
	void *image;
};
#define ELF_FILE_NONE ((struct elf_file){ .fd = -1 })

/* Takes the descriptor over, whatever comes of it. 0 or -errno (-ENOEXEC: not ELF). */
int elf_file_open(struct elf_file *f, int fd);
void elf_file_close(struct elf_file *f); /* ELF_FILE_NONE is fine */

/* Opens a regular file below the root (-1: our own), whose links cannot lead out of it. -1 errno */
int open_in_root(int root_fd, const char *path);

struct build_id elf_build_id(Elf *elf);
bool build_id_equal(const struct build_id *a, const struct build_id *b);
/* Does the file hold the section with a content? */
bool elf_has(Elf *elf, const char *section);

/* The separate debug file of elf, by build-id or by .gnu_debuglink. False: none. */
bool debugfile_find(const struct debug_search *s, Elf *elf, struct elf_file *out);
/* What .gnu_debugdata holds, unpacked. False: none, or damaged. */
bool debugfile_mini(Elf *elf, struct elf_file *out);
/* The file that dw shares with others by dwz. False: none. s is about dw's own file. */
bool debugfile_alt(const struct debug_search *s, Dwarf *dw, struct elf_file *out);

#endif
