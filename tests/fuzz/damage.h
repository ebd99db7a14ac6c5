/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged ELF files for tests of symbols: small programs compiled on the spot (the seeds), each
 * with bits flipped, cut off, or with one section spoiled. A section is chosen first and a place in
 * it afterwards, so that short ones are hit as often as long ones. The same number gives the same
 * input, given the same compilers.
 */
#ifndef CTRACE_TESTS_DAMAGE_H
#define CTRACE_TESTS_DAMAGE_H

#include <elf.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/unit/programs.h"

#define SEEDS_MAX 16

struct seed {
	char name[32];
	uint8_t *data;
	size_t len;
	uint64_t text, text_size;
};

struct seeds {
	struct seed seed[SEEDS_MAX];
	size_t cnt;
};

static UNUSED const Elf64_Shdr *seed_sections(const struct seed *s, size_t *cnt)
{
	const Elf64_Ehdr *eh = (const void *)s->data;

	*cnt = eh->e_shnum;
	return (const void *)(s->data + eh->e_shoff);
}

static UNUSED void add_seed(struct seeds *all, const char *name)
{
	struct seed *s = &all->seed[all->cnt];
	int fd = open_file(name);
	const Elf64_Shdr *sh;
	struct stat st;
	size_t i, n;

	assert_int_equal(fstat(fd, &st), 0);
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->len = (size_t)st.st_size;
	s->data = xmalloc(s->len);
	assert_int_equal(read(fd, s->data, s->len), s->len);
	close(fd);
	sh = seed_sections(s, &n);
	for (i = 0; i < n; i++)
		if (sh[i].sh_flags & SHF_EXECINSTR && sh[i].sh_size > s->text_size) {
			s->text = sh[i].sh_addr;
			s->text_size = sh[i].sh_size;
		}
	all->cnt++;
}

/* Compiles what this machine can compile; the directory of programs.h is there. */
static UNUSED void make_seeds(struct seeds *all)
{
	static const struct {
		const char *name, *how;
	} recipes[] = {
		{ "dwarf5", "gcc -g -gdwarf-5 -O2 -o dwarf5 prog.c" },
		{ "dwarf4", "gcc -g -gdwarf-4 -O2 -o dwarf4 prog.c" },
		{ "dwarf2", "gcc -g -gdwarf-2 -O2 -o dwarf2 prog.c" },
		{ "clang", "clang -g -O2 -o clang prog.c" },
		{ "split", "gcc -g -gsplit-dwarf -O2 -o split prog.c" },
		{ "cplus", "g++ -g -O1 -shared -fPIC -o cplus plus.cpp" },
		{ "zlib", "gcc -g -gz=zlib -O2 -o zlib prog.c" },
		{ "gnuzlib", "objcopy --compress-debug-sections=zlib-gnu dwarf4 gnuzlib" },
		{ "mini",
		  "objcopy -S dwarf5 m && objcopy -S --keep-symbol=high dwarf5 m && xz -c m >m.xz "
		  "&& strip -o mini dwarf5 && objcopy --add-section .gnu_debugdata=m.xz mini" },
		{ "dwz", "cp dwarf5 dwz && cp dwarf5 d2 && dwz -m common dwz d2" },
		{ "stripped", "strip -o stripped dwarf5" },
		{ "go", "go build -ldflags '-s -w' -o go empty.go" },
	};
	size_t i;

	put_file("prog.c", inlined_c);
	put_file("plus.cpp",
		 "#include <map>\n#include <string>\n"
		 "namespace ns { template<class T> struct box { T t; "
		 "__attribute__((noinline)) T get(int n) { return n ? t : T(); } }; }\n"
		 "std::map<std::string, int> m;\n"
		 "int f(const std::string &s) { ns::box<int> b{m[s]}; return b.get(3); }\n");
	put_file("empty.go", "package main\nfunc main() { println(\"x\") }\n");
	for (i = 0; i < COUNT(recipes); i++)
		if (!sh("%s", recipes[i].how))
			add_seed(all, recipes[i].name);
		else
			print_message("# no seed %s\n", recipes[i].name);
	assert_true(all->cnt > 0);
}

static UNUSED void free_seeds(struct seeds *all)
{
	while (all->cnt)
		free(all->seed[--all->cnt].data);
}

static UNUSED void spoil(uint8_t *p, size_t len, uint64_t *r)
{
	static const uint8_t bad[] = { 0, 1, 0x7f, 0x80, 0xff, 0xfe };
	size_t at, n, i;

	if (!len)
		return;
	at = rnd(r) % len;
	switch (rnd(r) % 4) {
	case 0:
		for (n = 1 + rnd(r) % 8; n; n--)
			p[rnd(r) % len] ^= (uint8_t)(1 << rnd(r) % 8);
		break;
	case 1:
		p[at] = bad[rnd(r) % COUNT(bad)];
		break;
	case 2:
		for (i = 0, n = 1 + rnd(r) % 8; i < n && at + i < len; i++)
			p[at + i] = bad[rnd(r) % COUNT(bad)];
		break;
	default:
		for (i = 0, n = 1 + rnd(r) % 64; i < n && at + i < len; i++)
			p[at + i] = (uint8_t)rnd(r);
	}
}

/* Changes data (a copy of the seed's) and returns its new length. */
static UNUSED size_t damage(const struct seed *s, uint8_t *data, uint64_t *r)
{
	const Elf64_Ehdr *eh = (const void *)s->data;
	const Elf64_Shdr *sh;
	size_t cnt, i, rounds;

	sh = seed_sections(s, &cnt);
	for (rounds = 1 + rnd(r) % 3; rounds; rounds--) {
		switch (rnd(r) % 12) {
		case 0: /* anywhere */
			spoil(data, s->len, r);
			break;
		case 1: /* the head of the file */
			spoil(data, sizeof(*eh), r);
			break;
		case 2: /* the table of sections */
			spoil(data + eh->e_shoff, cnt * sizeof(*sh), r);
			break;
		case 3: /* the table of segments */
			spoil(data + eh->e_phoff, eh->e_phnum * sizeof(Elf64_Phdr), r);
			break;
		case 4: /* cut off */
			if (rnd(r) % 4 == 0)
				return rnd(r) % s->len;
			break;
		default: /* one section; those of DWARF and of Go more often */
			do {
				i = rnd(r) % cnt;
			} while ((sh[i].sh_flags & SHF_EXECINSTR && rnd(r) % 8) ||
				 sh[i].sh_type == SHT_NOBITS);
			if (sh[i].sh_offset + sh[i].sh_size <= s->len)
				spoil(data + sh[i].sh_offset, sh[i].sh_size, r);
		}
	}
	return s->len;
}

/* The input of a number as a file in memory; *which is its seed. */
static UNUSED int damaged_file(const struct seeds *all, uint64_t number, const struct seed **which)
{
	uint64_t r = 0x9e3779b97f4a7c15ull * (number + 1) | 1;
	const struct seed *s;
	uint8_t *data;
	size_t len;
	int fd;

	rnd(&r);
	s = *which = &all->seed[rnd(&r) % all->cnt];
	data = xmalloc(s->len);
	memcpy(data, s->data, s->len);
	len = damage(s, data, &r);
	fd = memfd_create("damaged", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	free(data);
	return fd;
}

#endif
