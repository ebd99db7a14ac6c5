// SPDX-License-Identifier: BSD-2-Clause
/* Tables of made files: each form of record, instruction and header that is taken, and refusals. */
#include "unwind_make.h"
#include "unwind_text.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <zlib.h>

/* ---- reading what was made ---- */

static int read_image(struct elf_make *m, struct unwind_table *t, struct strbuf *why)
{
	struct strbuf file = STRBUF_INIT;
	int err;

	elf_write(m, &file);
	err = unwind_table_image(t, file.buf, file.len, why);
	strbuf_free(&file);
	return err;
}

static void expect_file(struct elf_make *m, const char *want)
{
	struct strbuf text = STRBUF_INIT, why = STRBUF_INIT;
	struct unwind_table t;

	if (read_image(m, &t, &why))
		fail_msg("%s", why.buf);
	table_is_sound(&t);
	table_text(&text, &t);
	assert_string_equal(text.buf, want);
	unwind_table_free(&t);
	strbuf_free(&text);
	strbuf_free(&why);
}

static void expect(struct frame_make *f, const char *want)
{
	struct elf_make m = { 0 };

	elf_add(&m, f->eh ? ".eh_frame" : ".debug_frame", f->s.buf, f->s.len, SHF_ALLOC);
	expect_file(&m, want);
	strbuf_free(&f->s);
}

static void expect_rows(struct frame_make *f, const char *rows)
{
	struct strbuf want = STRBUF_INIT;

	strbuf_addf(&want, "1000 bad\n%s", rows);
	if (strcmp(rows + strlen(rows) - 4, "bad\n"))
		strbuf_addstr(&want, "1200 bad\n");
	expect(f, want.buf);
	strbuf_free(&want);
}

/* One function from 0x1100 to 0x1200, with this program. The rows of it and behind it. */
#define EXPECT_ROWS(program, rows)                  \
	do {                                        \
		struct frame_make *f_ = eh_frame(); \
		USUAL_CIE(f_);                      \
		FDE(f_, 0x1100, 0x100, program);    \
		expect_rows(f_, rows);              \
	} while (0)

/* ---- tests ---- */

static void ordinary(void **state)
{
	(void)state;
	/* push rbp; mov rbp, rsp; …; leave; ret */
	EXPECT_ROWS("\x41\x0e\x10\x86\x02\x43\x0d\x06\x02\x80\x0c\x07\x08",
		    "1100 rsp+8\n1101 rsp+16 bp@cfa-16\n1104 rbp+16 bp@cfa-16\n"
		    "1184 rsp+8 bp@cfa-16\n");
	EXPECT_ROWS("\x41\x0e\x10\x86\x02\x44\x0a\x0e\x08\xc6\x41\x0b",
		    "1100 rsp+8\n1101 rsp+16 bp@cfa-16\n1105 rsp+8\n1106 rsp+16 bp@cfa-16\n");
	EXPECT_ROWS("\x03\x34\x00\x0e\x10\x04\x10\x00\x00\x00\x0e\x18",
		    "1100 rsp+8\n1134 rsp+16\n1144 rsp+24\n");
}

static void other_instructions(void **state)
{
	(void)state;
	/* offset_extended, restore_extended, same_value, undefined rbp */
	EXPECT_ROWS("\x05\x06\x02\x41\x06\x06\x41\x07\x06\x41\x08\x06",
		    "1100 rsp+8 bp@cfa-16\n1101 rsp+8\n1102 rsp+8 bp?\n1103 rsp+8\n");
	/* *_sf: factored by -8 */
	EXPECT_ROWS("\x13\x7e\x41\x12\x06\x7d\x11\x06\x02", "1100 rsp+16\n1101 rbp+24 bp@cfa-16\n");
	/* the sizes of arguments, nops, and other registers do not matter */
	EXPECT_ROWS("\x2e\x10\x00\x83\x03\x8c\x04\x07\x03\x09\x03\x0c\x41\x0e\x10\xc3",
		    "1100 rsp+8\n1101 rsp+16\n");
	/* set_loc, relative to itself: the number is at 0x402a */
	EXPECT_ROWS("\x01\xe6\xd0\xff\xff\x0e\x20", "1100 rsp+8\n1110 rsp+32\n");
}

static void outermost(void **state)
{
	(void)state;
	EXPECT_ROWS("\x07\x10", "1100 stop\n");
	EXPECT_ROWS("\x44\x07\x10\x44\xd0", "1100 rsp+8\n1104 stop\n1108 rsp+8\n");
}

static void expressions(void **state)
{
	(void)state;
	/* a main that aligns its stack: CFA is *(rbp - 8), rbp at *rbp */
	EXPECT_ROWS("\x45\x0c\x0a\x00\x45\x10\x06\x02\x76\x00\x44\x0f\x03\x76\x78\x06",
		    "1100 rsp+8\n1105 bad\n110e *(rbp-8) bp@rbp+0\n");
	/* OpenSSL: *(rsp + 152) + 8 with rbp below the CFA */
	EXPECT_ROWS("\x86\x03\x0f\x06\x77\x98\x01\x06\x23\x08", "1100 *(rsp+152)+8 bp@cfa-24\n");
	EXPECT_ROWS("\x44\x0f\x06\x77\x98\x01\x06\x23\x10", "1100 rsp+8\n1104 bad\n");
	/* back from there: the offset is that of before */
	EXPECT_ROWS("\x0e\x38\x44\x0f\x06\x77\x98\x04\x06\x23\x08\x44\x0d\x07",
		    "1100 rsp+56\n1104 *(rsp+536)+8\n1108 rsp+56\n");
	/* a PLT, with and without endbr64 */
	EXPECT_ROWS("\x0f\x0b\x77\x08\x80\x00\x3f\x1a\x3b\x2a\x33\x24\x22", "1100 plt 11\n");
	EXPECT_ROWS("\x0f\x0b\x77\x08\x80\x00\x3f\x1a\x3a\x2a\x33\x24\x22", "1100 plt 10\n");
	/* a CFA that is no more than a register and an offset; rbp saved relative to rsp */
	EXPECT_ROWS("\x0f\x02\x77\x20\x10\x06\x02\x77\x08", "1100 rsp+32 bp@cfa-24\n");
	/* rbp in another register, rbp by another one's memory */
	EXPECT_ROWS("\x09\x06\x09", "1100 rsp+8 bp?\n");
	EXPECT_ROWS("\x10\x06\x02\x7a\x00", "1100 rsp+8 bp?\n");
	/* the return address in a register; at another place */
	EXPECT_ROWS("\x44\x09\x10\x05", "1100 rsp+8\n1104 bad\n");
	EXPECT_ROWS("\x44\x90\x02", "1100 rsp+8\n1104 bad\n");
}

static const char glibc_restorer[] = "\x0f\x04\x77\xa0\x01\x06"
				     "\x10\x06\x03\x77\xf8\x00"	 /* rbp at rsp + 120 */
				     "\x10\x07\x03\x77\xa0\x01"	 /* rsp at 160 */
				     "\x10\x10\x03\x77\xa8\x01"; /* rip at 168 */

static void signals(void **state)
{
	struct frame_make *f = eh_frame();

	(void)state;
	cie(f, 1, "zRS", "\x01\x1b", 2);
	fde(f, 0x1100, 0x100, glibc_restorer, sizeof(glibc_restorer) - 1);
	expect(f, "1000 bad\n1100 signal+40\n1200 bad\n");
	/* by offsets from a CFA at rsp: 8 bytes more on the stack */
	f = eh_frame();
	cie(f, 1, "zRS", "\x01\x1b", 2);
	FDE(f, 0x1100, 0x100, "\x0c\x07\x00\x11\x06\x70\x11\x07\x6b\x11\x10\x6a");
	expect(f, "1000 bad\n1100 signal+48\n1200 bad\n");
	/* not where one struct has them */
	f = eh_frame();
	cie(f, 1, "zRS", "\x01\x1b", 2);
	FDE(f, 0x1100, 0x100, "\x0c\x07\x00\x11\x06\x70\x11\x07\x6c\x11\x10\x6a");
	expect(f, "1000 bad\n");
}

/* Programs that make no sense: what was said before holds, the rest is bad. */
static void nonsense(void **state)
{
	(void)state;
	EXPECT_ROWS("\x44\x0e\x10\x44\x3f", "1100 rsp+8\n1104 rsp+16\n1108 bad\n");
	EXPECT_ROWS("\x44\x0b", "1100 rsp+8\n1104 bad\n");
	EXPECT_ROWS("\x44\x0f\x7f\x77", "1100 rsp+8\n1104 bad\n");
	EXPECT_ROWS("\x44\x0e\xff", "1100 rsp+8\n1104 bad\n");
	EXPECT_ROWS("\x0e\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "1100 rsp-1\n");
	/* beyond the function's end, and beyond all numbers */
	EXPECT_ROWS("\x03\x00\x10\x0e\x10", "1100 rsp+8\n");
	EXPECT_ROWS("\x44\x04\xff\xff\xff\xff\x0e\x10", "1100 rsp+8\n");
}

/* Versions, augmentations, encodings. */
static void records(void **state)
{
	struct frame_make *f = eh_frame();

	(void)state;
	cie(f, 1, "", USUAL, 5);
	plain_fde(f, 0x1100, 0x10, "", 0);
	cie(f, 3, "zPLR", "\x0b\x03\x44\x33\x22\x11\x1b\x1b" USUAL, 13);
	add_num(&f->s, 0, 0);
	f->s.buf[f->cie + 4 + 4 + 1 + 5 + 3] = 0x07; /* the size of those data */
	FDE(f, 0x1110, 0x10, "\x0e\x10");
	cie(f, 4, "eh", "", 0);
	cie(f, 4, "zR", "\x01\x03" USUAL, 7); /* udata4, absolute */
	fde_start(f);
	add_num(&f->s, 0x1120, 4);
	add_num(&f->s, 0x10, 4);
	add_num(&f->s, 0, 1);
	strbuf_add(&f->s, "\x0e\x18", 2);
	record_end(f);
	cie(f, 1, "zQ", "\x01\x1b" USUAL, 7); /* a letter that nobody knows: nor its functions */
	plain_fde(f, 0x1130, 0x10, "", 0);
	cie(f, 1, "zR", "\x01\x9b" USUAL, 7); /* indirect: passed over */
	FDE(f, 0x1150, 0x10, "");
	f->wide = true;
	USUAL_CIE(f);
	FDE(f, 0x1140, 0x10, "\x0e\x20");
	expect(f, "1000 bad\n1100 rsp+8\n1110 rsp+16\n1120 rsp+24\n1130 bad\n1140 rsp+32\n"
		  "1150 bad\n");
}

static void sides(void **state)
{
	struct frame_make *f = eh_frame();

	(void)state;
	USUAL_CIE(f);
	FDE(f, 0x1200, 0x11, "\x0e\x10"); /* not in order; 15 bytes to the next: they touch */
	FDE(f, 0x1100, 0xf1, "");
	FDE(f, 0x1221, 0x10, "\x0e\x18"); /* 16 bytes behind: a gap */
	/* one inside of another, two with one begin, one beyond the code, one in data */
	FDE(f, 0x1300, 0x100, "\x48\x0e\x10\x02\x70\x0e\x18");
	FDE(f, 0x1340, 0x20, "\x0e\x20");
	FDE(f, 0x1500, 0x10, "\x0e\x20");
	FDE(f, 0x1500, 0x20, "\x0e\x28");
	FDE(f, 0x2ff0, 0x100, "\x0e\x30");
	FDE(f, 0x4000, 0x10, "\x0e\x38");
	expect(f, "1000 bad\n1100 rsp+8\n1200 rsp+16\n1211 bad\n1221 rsp+24\n1231 bad\n"
		  "1300 rsp+8\n1308 rsp+16\n1340 rsp+32\n1360 bad\n1500 rsp+40\n1520 bad\n"
		  "2ff0 rsp+48\n3000 bad\n");
}

/* Where the program starts there is no caller. */
static void entry(void **state)
{
	struct elf_make m = { .entry = 0x1220 };
	struct frame_make *f = eh_frame();

	(void)state;
	USUAL_CIE(f);
	FDE(f, 0x1200, 0x20, "");
	FDE(f, 0x1240, 0x20, "");
	elf_add(&m, ".eh_frame", f->s.buf, f->s.len, SHF_ALLOC);
	expect_file(&m, "1000 bad\n1200 rsp+8\n1220 stop\n1240 rsp+8\n1260 bad\n");
	m.entry = 0x1264;
	expect_file(&m, "1000 bad\n1200 rsp+8\n1220 bad\n1240 rsp+8\n1260 bad\n1264 stop\n"
			"12a4 bad\n");
	/* a function: of a program it is the outermost, of a library any one */
	m.entry = 0x1200;
	expect_file(&m, "1000 bad\n1200 rsp+8\n1220 bad\n1240 rsp+8\n1260 bad\n");
	m.fixed = true;
	expect_file(&m, "1000 bad\n1200 stop\n1220 bad\n1240 rsp+8\n1260 bad\n");
	m.entry = 0x1210;
	expect_file(&m, "1000 bad\n1200 rsp+8\n1220 bad\n1240 rsp+8\n1260 bad\n");
	m.entry = 0x5000;
	expect_file(&m, "1000 bad\n1200 rsp+8\n1220 bad\n1240 rsp+8\n1260 bad\n");
}

/* PLTs that nobody wrote frame information for. */
static void plts(void **state)
{
	uint8_t code[0x80] = { 0 };
	struct elf_make m = { .code = code, .code_size = sizeof(code) };
	struct frame_make *f = eh_frame();

	(void)state;
	USUAL_CIE(f);
	FDE(f, 0x1070, 0x10, "\x0e\x20");
	elf_add(&m, ".eh_frame", f->s.buf, f->s.len, SHF_ALLOC);
	elf_add_code(&m, ".plt", 0x1000, 0x40);
	elf_add_code(&m, ".plt.got", 0x1060, 0x18);
	memcpy(code, "\xff\x35", 2);
	memcpy(code + 16, "\xff\x25....\x68", 7);
	expect_file(&m, "1000 rsp+16\n1006 rsp+24\n1010 plt 11\n1040 bad\n1060 rsp+8\n"
			"1070 rsp+32\n1080 bad\n");
	memcpy(code + 16, "\xf3\x0f\x1e\xfa\x68", 5);
	expect_file(&m, "1000 rsp+16\n1006 rsp+24\n1010 plt 9\n1040 bad\n1060 rsp+8\n"
			"1070 rsp+32\n1080 bad\n");
	code[16] = 0x90; /* of a form that nobody knows */
	expect_file(&m, "1000 bad\n1060 rsp+8\n1070 rsp+32\n1080 bad\n");
	strbuf_free(&f->s);
}

static void debug_frame(void **state)
{
	struct frame_make f = { .s = STRBUF_INIT }, *eh;
	struct elf_make m = { 0 };

	(void)state;
	add_num(&f.s, 0, 4); /* nothing */
	cie(&f, 3, "", USUAL, 5);
	plain_fde(&f, 0x1100, 0x10, "\x0e\x20", 2);
	f.wide = true;
	cie(&f, 4, "", USUAL, 5);
	plain_fde(&f, 0x1110, 0x10, "\x0e\x28", 2);
	elf_add(&m, ".debug_frame", f.s.buf, f.s.len, 0);
	expect_file(&m, "1000 bad\n1100 rsp+32\n1110 rsp+40\n1120 bad\n");
	/* .eh_frame is better where both tell */
	eh = eh_frame();
	eh->addr = 0x4000 + (f.s.len + 15) / 16 * 16;
	USUAL_CIE(eh);
	FDE(eh, 0x1100, 0x10, "");
	elf_add(&m, ".eh_frame", eh->s.buf, eh->s.len, SHF_ALLOC);
	expect_file(&m, "1000 bad\n1100 rsp+8\n1110 rsp+40\n1120 bad\n");
	strbuf_free(&f.s);
}

static void compressed(void **state)
{
	struct frame_make f = { .s = STRBUF_INIT };
	uint8_t buf[1024] = { 0 };
	Elf64_Chdr ch = { .ch_type = ELFCOMPRESS_ZLIB };
	struct strbuf why = STRBUF_INIT;
	struct elf_make m = { 0 };
	struct unwind_table t;
	uLongf n = sizeof(buf) - sizeof(ch);

	(void)state;
	cie(&f, 3, "", USUAL, 5);
	plain_fde(&f, 0x1100, 0x10, "\x0e\x20", 2);
	ch.ch_size = f.s.len;
	assert_int_equal(compress(buf + sizeof(ch), &n, (void *)f.s.buf, f.s.len), Z_OK);
	memcpy(buf, &ch, sizeof(ch));
	elf_add(&m, ".debug_frame", buf, sizeof(ch) + n, SHF_COMPRESSED);
	expect_file(&m, "1000 bad\n1100 rsp+32\n1110 bad\n");
	/* lies about the size, the kind, the bytes */
	ch.ch_size = f.s.len + 1;
	memcpy(buf, &ch, sizeof(ch));
	assert_int_equal(read_image(&m, &t, &why), -EINVAL);
	ch.ch_size = 1ull << 40;
	memcpy(buf, &ch, sizeof(ch));
	assert_int_equal(read_image(&m, &t, &why), -E2BIG);
	ch.ch_size = 1 << 26;
	memcpy(buf, &ch, sizeof(ch));
	assert_int_equal(read_image(&m, &t, &why), -EINVAL);
	ch.ch_size = f.s.len;
	ch.ch_type = 77;
	memcpy(buf, &ch, sizeof(ch));
	assert_int_equal(read_image(&m, &t, &why), -ENOTSUP);
	/* as it was before there was a flag for it */
	memcpy(buf, "ZLIB\0\0\0\0\0\0\0", 12);
	buf[11] = (uint8_t)f.s.len;
	memmove(buf + 12, buf + sizeof(ch), n);
	m.part[0].name = ".zdebug_frame";
	m.part[0].flags = 0;
	expect_file(&m, "1000 bad\n1100 rsp+32\n1110 bad\n");
	strbuf_free(&f.s);
	strbuf_free(&why);
}

/* Without section headers .eh_frame_hdr leads to .eh_frame. */
static void no_sections(void **state)
{
	struct elf_make m = { .no_sections = true, .eh_hdr = 0x4000 };
	struct frame_make *f = eh_frame();
	struct strbuf why = STRBUF_INIT;
	char hdr[16] = { 1, 0x1b, 0x03, 0x3b, 0x0c };
	struct unwind_table t;

	(void)state;
	f->addr = 0x4010;
	USUAL_CIE(f);
	FDE(f, 0x1100, 0x10, "\x0e\x10");
	elf_add(&m, ".eh_frame_hdr", hdr, sizeof(hdr), SHF_ALLOC);
	elf_add(&m, ".eh_frame", f->s.buf, f->s.len, SHF_ALLOC);
	expect_file(&m, "1000 bad\n1100 rsp+16\n1110 bad\n");
	hdr[1] = (char)0xff;
	assert_int_equal(read_image(&m, &t, &why), -ENODATA);
	hdr[1] = 0x1b;
	hdr[6] = 0x7f;
	assert_int_equal(read_image(&m, &t, &why), -ENODATA);
	strbuf_free(&why);
}

/* Code of Go is walked by frame pointer where nothing better is known. */
static void go_unknown(void **state)
{
	struct elf_make m = { 0 };
	struct frame_make *f = eh_frame();

	(void)state;
	USUAL_CIE(f);
	FDE(f, 0x1100, 0x10, "\x0e\x10");
	elf_add(&m, ".eh_frame", f->s.buf, f->s.len, SHF_ALLOC);
	elf_add(&m, ".go.buildinfo", "x", 1, SHF_ALLOC);
	expect_file(&m, "1000 fp\n1100 rsp+16\n1110 fp\n3000 bad\n");
}

/*
 * From 0x1000 on: push %rbp; mov %rsp,%rbp; sub, as from 1.21 on. From 0x1040 on: sub $24,%rsp;
 * mov %rbp,16(%rsp), as before. Assembly at 0x1080 pushes something else.
 */
static const uint8_t go_code[0x90] = {
	[0x00] = 0x90, 0x55, 0x48, 0x89, 0xe5, [0x40] = 0x48, 0x83,	     0xec,
	0x18,	       0x48, 0x89, 0x6c, 0x24, 0x10,	      [0x80] = 0x53,
};

static const struct go_func go_funcs[] = {
	{ "main.a", 0x00, 0, "\x02\x02\x10\x10\x0f\x01" },
	{ "main.b", 0x40, 0, "\x02\x04\x30\x10\x2f\x30" },
	{ "main.asm", 0x80, 4, "\x02\x01\x10\x20" },
	{ "runtime.goexit", 0xc0, 5, "\x02\x10" },
	{ "runtime.mcall", 0x100, 6, "\x02\x40" },
	{ "runtime.systemstack", 0x140, 6, "\x02\x40" },
	{ "runtime.sigtramp", 0x180, 5, "\x02\x04\x70\x3c" },
	{ "runtime.sigreturn__sigaction", 0x1c0, 4, "\x02\x40" },
	{ "main.short", 0x200, 0, "\x02\x08" },
	{ "main.none", 0x240, 0, "" },
	{ "main.absurd", 0x280, 0, "\x02\x08\x09\x08" },
};
#define GO_ROWS                                                                         \
	"1000 rsp+8\n1002 rsp+16 bp@cfa-16\n1012 rsp+8\n1013 fp\n1040 rsp+8\n"          \
	"1044 rsp+32 bp@cfa-16\n1054 fp\n1080 rsp+8\n1081 rsp+16\n10c0 stop\n1140 fp\n" \
	"1180 rsp+8\n1184 rsp+64\n11c0 signal+40\n1200 rsp+8\n1208 fp\n1280 rsp+8\n"    \
	"1288 fp\n12c0 bad\n"

static void go_functions(void **state)
{
	struct strbuf tab = STRBUF_INIT, module = STRBUF_INIT;
	struct elf_make m = { .code = go_code, .code_size = sizeof(go_code) };
	size_t i;

	(void)state;
	go_table(&tab, go_funcs, COUNT(go_funcs), 0x2c0, true);
	elf_add(&m, ".gopclntab", tab.buf, tab.len, SHF_ALLOC);
	expect_file(&m, GO_ROWS);
	/* stripped, the PIE of another linker: somewhere in .data.rel.ro */
	m.part[0].name = ".data.rel.ro";
	elf_add(&m, ".go.buildinfo", "x", 1, SHF_ALLOC);
	expect_file(&m, GO_ROWS);
	m.part[0].name = ".gopclntab";
	/* 1.26: the address of the text is in the module's data */
	strbuf_reset(&tab);
	go_table(&tab, go_funcs, COUNT(go_funcs), 0x2c0, false);
	m.part[0].data = tab.buf;
	for (i = 0; i < 5; i++)
		add_num(&module, 0x4000, 8);
	add_num(&module, 0x4000 + 72, 8);
	for (i = 2; i < 24; i++)
		add_num(&module, i == 22 ? 0x1000 : 0, 8);
	elf_add(&m, ".noptrdata", module.buf, module.len, SHF_ALLOC);
	expect_file(&m, GO_ROWS);
	module.buf[5 * 8]++; /* not where the names are: another thing that points to the table */
	expect_file(&m, "1000 fp\n3000 bad\n");
	strbuf_free(&tab);
	strbuf_free(&module);
}

/* … or in its relocations. */
static void go_relocated(void **state)
{
	static const Elf64_Rela rela[] = {
		{ 0x9000, ELF64_R_INFO(0, R_X86_64_RELATIVE), 0x4000 },
		{ 0x9008, ELF64_R_INFO(0, R_X86_64_RELATIVE), 0x1234 },
		{ 0x9000 + 176, ELF64_R_INFO(0, R_X86_64_RELATIVE), 0x2000 },
		{ 0xa000, ELF64_R_INFO(0, R_X86_64_RELATIVE), 0x4000 },
		{ 0xa008, ELF64_R_INFO(0, R_X86_64_RELATIVE), 0x4000 + 72 },
		{ 0xa000 + 176, ELF64_R_INFO(0, R_X86_64_RELATIVE), 0x1000 },
	};
	struct elf_make m = { .code = go_code, .code_size = sizeof(go_code) };
	struct strbuf tab = STRBUF_INIT;

	(void)state;
	go_table(&tab, go_funcs, COUNT(go_funcs), 0x2c0, false);
	elf_add(&m, ".gopclntab", tab.buf, tab.len, SHF_ALLOC);
	elf_add(&m, ".rela.dyn", rela, sizeof(rela), SHF_ALLOC);
	expect_file(&m, GO_ROWS);
	strbuf_free(&tab);
}

static void refusals(void **state)
{
	struct strbuf why = STRBUF_INIT, file = STRBUF_INIT;
	struct elf_make m = { 0 };
	struct unwind_table t;
	size_t n;
	int fd;

	(void)state;
	assert_int_equal(unwind_table_image(&t, "no ELF", 6, &why), -ENOEXEC);
	assert_int_equal(read_image(&m, &t, &why), -ENODATA);
	assert_int_equal(t.nrow, 0);
	elf_write(&m, &file);
	file.buf[18] = (char)EM_AARCH64;
	assert_int_equal(unwind_table_image(&t, file.buf, file.len, &why), -ENOEXEC);
	assert_int_equal(unwind_table_read(&t, -1, &why), -EBADF);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(unwind_table_read(&t, fd, &why), -ENOEXEC);
	close(fd);
	/* cut off anywhere: an error or a table, nothing else */
	elf_add(&m, ".eh_frame", "\x14\0\0\0\0\0\0\0", 8, SHF_ALLOC);
	elf_write(&m, &file);
	for (n = 0; n <= file.len; n += n < 0x300 ? 1 : 61) {
		char *copy = xmalloc(n ? n : 1);

		memcpy(copy, file.buf, n);
		if (!unwind_table_image(&t, copy, n, &why))
			table_is_sound(&t);
		unwind_table_free(&t);
		free(copy);
	}
	strbuf_free(&file);
	strbuf_free(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary),	cmocka_unit_test(other_instructions),
		cmocka_unit_test(outermost),	cmocka_unit_test(expressions),
		cmocka_unit_test(signals),	cmocka_unit_test(nonsense),
		cmocka_unit_test(records),	cmocka_unit_test(sides),
		cmocka_unit_test(entry),	cmocka_unit_test(plts),
		cmocka_unit_test(debug_frame),	cmocka_unit_test(compressed),
		cmocka_unit_test(no_sections),	cmocka_unit_test(go_unknown),
		cmocka_unit_test(go_functions), cmocka_unit_test(go_relocated),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
