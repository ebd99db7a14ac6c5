// SPDX-License-Identifier: BSD-2-Clause
/*
 * Functions, files and lines of small programs, compiled here: every address of their code compared
 * with addr2line, nm, objdump and `go tool addr2line`; and the same answers when the debug
 * information is somewhere else, packed, or shared.
 */
#include <ctype.h>

#include "programs.h"
#include "symbol/symfile.h"

static int compile(void **state)
{
	if (make_dir(state))
		return -1;
	put_file("prog.c", inlined_c);
	return sh("gcc -g -gdwarf-5 -O2 -Wl,--build-id -o prog prog.c");
}

/* ---- asking ---- */

static struct symfile *open_symfile(const char *name, int root_fd, const char *as)
{
	struct strbuf path = STRBUF_INIT, why = STRBUF_INIT;
	struct symfile_opts o = { .root_fd = root_fd, .path = as };
	struct symfile *f;

	strbuf_addf(&path, "%s/%s", dir, name);
	o.fd = open_file(name);
	if (!as)
		o.path = path.buf;
	f = symfile__new(&o, &why);
	if (!f)
		fail_msg("%s: %s", name, why.buf);
	strbuf_free(&path);
	strbuf_free(&why);
	return f;
}

/* A line for each address: "ADDR func file:line func file:line …", "ADDR -" without name. */
static void answers(struct symfile *f, uint64_t from, uint64_t to, struct strbuf *out)
{
	struct sym_loc loc[16];
	size_t i, n;

	for (; from < to; from++) {
		n = symfile__find(f, from, loc, COUNT(loc));
		strbuf_addf(out, "%" PRIx64, from);
		for (i = 0; i < n; i++)
			strbuf_addf(out, " %s %s:%u", loc[i].func, loc[i].file ? loc[i].file : "??",
				    loc[i].line);
		strbuf_addstr(out, n ? "\n" : " -\n");
	}
}

static void text_of(const char *file, uint64_t *from, uint64_t *to)
{
	FILE *f = ask("readelf -SW %s | sed -n 's/.* \\.text *PROGBITS *//p'", file);
	uint64_t off, size;

	assert_int_equal(fscanf(f, "%" SCNx64 " %" SCNx64 " %" SCNx64, from, &off, &size), 3);
	*to = *from + size;
	pclose(f);
}

/* ---- against addr2line ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static unsigned line_of(char *place) /* cuts it off */
{
	char *colon = strrchr(place, ':');

	assert_non_null(colon);
	*colon = '\0';
	return (unsigned)strtoul(colon + 1, NULL, 10);
}

/*
 * addr2line -a prints an address, then function and place for each level. Returns how many
 * addresses stood in more than one function. Of DWARF 5 binutils 2.40 takes file 1 for file 0.
 */
static size_t compare_addr2line(const char *file, bool check_files)
{
	struct symfile *f = open_symfile(file, -1, NULL);
	char func[1024] = "", place[1024] = "", head[64];
	uint64_t from, to, addr;
	size_t i, n, inlined = 0, named = 0;
	struct sym_loc loc[16];
	FILE *o;

	text_of(file, &from, &to);
	o = ask("seq -f %%.0f %llu %llu | xargs printf '%%x\\n' | addr2line -a -i -f -e %s",
		(unsigned long long)from, (unsigned long long)to, file);
	assert_non_null(fgets(head, sizeof(head), o));
	for (addr = from; addr < to; addr++) {
		assert_int_equal(strtoull(head, NULL, 16), addr);
		n = symfile__find(f, addr, loc, COUNT(loc));
		inlined += n > 1;
		named += n > 0;
		for (i = 0; fgets(func, sizeof(func), o) && strncmp(func, "0x", 2) != 0; i++) {
			unsigned line;

			assert_non_null(fgets(place, sizeof(place), o));
			line = line_of(place);
			func[strcspn(func, "\n")] = '\0';
			/* it knows startup code by the name of its file alone, and takes space
			 * between functions for the one before */
			if (!n || !loc[0].file)
				continue;
			if (i >= n || strcmp(func, loc[i].func) != 0 || line != loc[i].line ||
			    (check_files && strcmp(base_name(place), base_name(loc[i].file)) != 0))
				fail_msg("%s %" PRIx64 " level %zu: %s %s:%u, want %s %s:%u", file,
					 addr, i, i < n ? loc[i].func : "",
					 i < n ? loc[i].file : "", i < n ? loc[i].line : 0, func,
					 place, line);
		}
		assert_true(!n || !loc[0].file || i == n);
		snprintf(head, sizeof(head), "%.60s", func);
	}
	pclose(o);
	symfile__free(f);
	assert_true(named > (to - from) / 2);
	return inlined;
}

static void lines(void **state)
{
	static const char *const how[] = {
		"gcc -g -gdwarf-4 -O2", "gcc -g -gdwarf-5 -O2",	      "gcc -g -O0",
		"gcc -g -gdwarf-2 -O1", "gcc -g -gdwarf-5 -O3 -flto", "clang -g -gdwarf-4 -O1",
	};
	size_t i, inlined;

	(void)state;
	NEED("addr2line");
	for (i = 0; i < COUNT(how); i++) {
		if (sh("%s -o variant prog.c", how[i])) {
			print_message("# not compiled: %s\n", how[i]);
			continue;
		}
		inlined = compare_addr2line("variant", i == 0);
		if (!strstr(how[i], "-O0"))
			assert_true(inlined > 20);
	}
}

static void full_names(void **state)
{
	struct symfile *f = open_symfile("prog", -1, NULL);
	struct strbuf want = STRBUF_INIT;
	struct sym_loc loc[16];

	(void)state;
	strbuf_addf(&want, "%s/prog.c", dir);
	assert_int_equal(symfile__find(f, address_of("prog", "high"), loc, COUNT(loc)), 1);
	assert_string_equal(loc[0].file, want.buf);
	/* levels that do not fit are those in the middle */
	assert_true(symfile__find(f, address_of("prog", "high") + 5, loc, 1) == 1);
	assert_string_equal(loc[0].func, "high");
	symfile__free(f);
	strbuf_free(&want);
}

/* ---- the same from elsewhere ---- */

static struct strbuf base; /* what the whole program answers */
static uint64_t text_from, text_to;

static void need_base(void)
{
	struct symfile *f;

	if (base.len)
		return;
	text_of("prog", &text_from, &text_to);
	f = open_symfile("prog", -1, NULL);
	strbuf_reset(&base);
	answers(f, text_from, text_to, &base);
	symfile__free(f);
	assert_non_null(strstr(base.buf, " low "));
	assert_non_null(strstr(base.buf, " hidden "));
}

static void check_same(const char *file, int root_fd, const char *as)
{
	struct symfile *f = open_symfile(file, root_fd, as);
	struct strbuf got = STRBUF_INIT;

	answers(f, text_from, text_to, &got);
	if (strcmp(got.buf, base.buf) != 0)
		fail_msg("%s answers otherwise, e.g.\n%.300s\nfor\n%.300s", file, got.buf,
			 base.buf);
	strbuf_free(&got);
	symfile__free(f);
}

/* No name at all at the function `hidden`, which only .symtab and DWARF know. */
static bool knows_hidden(const char *file)
{
	struct symfile *f = open_symfile(file, -1, NULL);
	struct sym_loc loc[16];
	size_t n = symfile__find(f, address_of("prog", "main") + 20, loc, COUNT(loc));

	symfile__free(f);
	return n > 0;
}

static void debuglink(void **state)
{
	(void)state;
	need_base();
	assert_int_equal(sh("objcopy --only-keep-debug prog prog.dbg"), 0);
	/* without build-id, so that the checksum decides */
	assert_int_equal(sh("objcopy -R .note.gnu.build-id prog.dbg prog.dbg.noid && mv "
			    "prog.dbg.noid link.dbg"),
			 0);
	assert_int_equal(
		sh("strip -R .note.gnu.build-id --add-gnu-debuglink=x -o linked prog; "
		   "objcopy -S -R .note.gnu.build-id --add-gnu-debuglink=link.dbg prog linked"),
		0);
	check_same("linked", -1, NULL);
	assert_int_equal(sh("mkdir -p .debug && mv link.dbg .debug/"), 0);
	check_same("linked", -1, NULL);
	assert_int_equal(sh("printf x >>.debug/link.dbg"), 0);
	assert_false(knows_hidden("linked"));
}

static void debug_dir(void **state)
{
	int root;

	(void)state;
	need_base();
	assert_int_equal(sh("objcopy --only-keep-debug prog prog.dbg && strip -o bare prog"), 0);
	assert_false(knows_hidden("bare"));
	assert_int_equal(
		sh("id=$(readelf -n prog | sed -n 's/.*Build ID: //p') && "
		   "rest=${id#??} && d=root/usr/lib/debug/.build-id/${id%%$rest} && mkdir -p $d && "
		   "cp prog.dbg $d/$rest.debug"),
		0);
	root = open_file("root");
	check_same("bare", root, "/bin/bare");
	/* the third place of a debug link: under the debug directory */
	assert_int_equal(
		sh("rm -r root/usr/lib/debug/.build-id && mkdir -p root/usr/lib/debug/opt && "
		   "cp prog.dbg root/usr/lib/debug/opt/ && "
		   "objcopy -S --add-gnu-debuglink=prog.dbg prog linked"),
		0);
	check_same("linked", root, "/opt/linked");
	close(root);
}

static void debuginfod_cache(void **state)
{
	struct strbuf path = STRBUF_INIT;

	(void)state;
	need_base();
	assert_int_equal(sh("objcopy --only-keep-debug prog prog.dbg && strip -o bare prog && "
			    "id=$(readelf -n prog | sed -n 's/.*Build ID: //p') && "
			    "mkdir -p cache/$id && cp prog.dbg cache/$id/debuginfo"),
			 0);
	strbuf_addf(&path, "%s/cache", dir);
	setenv("DEBUGINFOD_CACHE_PATH", path.buf, 1);
	check_same("bare", -1, NULL);
	setenv("DEBUGINFOD_CACHE_PATH", "/nonexistent", 1);
	assert_false(knows_hidden("bare"));
	strbuf_free(&path);
}

static void compressed(void **state)
{
	static const char *const how[] = { "zlib", "zlib-gnu", "zlib-gabi" };
	size_t i;

	(void)state;
	need_base();
	for (i = 0; i < COUNT(how); i++) {
		assert_int_equal(sh("objcopy --compress-debug-sections=%s prog packed", how[i]), 0);
		check_same("packed", -1, NULL);
	}
}

/* The common file is found where the process sees it, and nowhere else. */
static void dwz_file(void **state)
{
	int root;

	(void)state;
	NEED("dwz");
	need_base();
	assert_int_equal(sh("mkdir -p root/opt/x && cp prog one && cp prog two && "
			    "dwz -m root/opt/x/common -M /opt/x/common one two"),
			 0);
	assert_int_equal(sh("readelf -SW one | grep debugaltlink"), 0);
	root = open_file("root");
	check_same("one", root, "/opt/one");
	close(root);
	assert_int_equal(sh("dwz -m common -r one two || cp prog one && cp prog two && "
			    "dwz -m common -r one two"),
			 0);
	check_same("one", -1, NULL);
}

/* As Fedora does: names without lines. */
static void gnu_debugdata(void **state)
{
	struct symfile *f;
	struct sym_loc loc[16];

	(void)state;
	NEED("xz");
	assert_int_equal(
		sh("objcopy -S --remove-section .comment --keep-symbol=hidden --keep-symbol=main "
		   "--keep-symbol=high prog mini && xz -9 -c mini >mini.xz && strip -o packed prog && "
		   "objcopy --add-section .gnu_debugdata=mini.xz packed"),
		0);
	f = open_symfile("packed", -1, NULL);
	assert_int_equal(symfile__find(f, address_of("prog", "high") + 3, loc, COUNT(loc)), 1);
	assert_string_equal(loc[0].func, "high");
	assert_null(loc[0].file);
	symfile__free(f);
}

/* ---- symbols ---- */

static const char aliases_c[] = "int counter;\n"
				"int __f(int a) { return counter += a; }\n"
				"extern __typeof(__f) f __attribute__((weak, alias(\"__f\")));\n"
				"extern __typeof(__f) __GI___f __attribute__((alias(\"__f\")));\n"
				"static int g_impl(int a) { return counter -= a; }\n"
				"static int (*choose(void))(int) { return g_impl; }\n"
				"int g(int) __attribute__((ifunc(\"choose\")));\n"
				"void label(void);\n"
				"__asm__(\".text\\n.globl label\\nlabel: nop\\nnop\\n"
				"inside: nop\\nret\\n.type sized,@function\\nsized: nop\\n"
				".globl within\\nwithin: nop\\nret\\n.size sized,.-sized\\n\");\n"
				"int main(void) { label(); return f(1) + g(2); }\n";

static void check_name(struct symfile *f, uint64_t addr, const char *want)
{
	struct sym_loc loc[16];

	assert_int_equal(symfile__find(f, addr, loc, COUNT(loc)), want ? 1 : 0);
	if (want)
		assert_string_equal(loc[0].func, want);
}

static void aliases(void **state)
{
	struct symfile *f;

	(void)state;
	put_file("aliases.c", aliases_c);
	assert_int_equal(sh("gcc -O1 -fno-inline -o aliases aliases.c"), 0);
	f = open_symfile("aliases", -1, NULL);
	check_name(f, address_of("aliases", "__f"), "f");
	check_name(f, address_of("aliases", "g_impl"), "g_impl");
	check_name(f, address_of("aliases", "g"), "choose"); /* the code there is that */
	check_name(f, address_of("aliases", "label") + 1, "label");
	check_name(f, address_of("aliases", "inside"), "label"); /* a local label is none */
	check_name(f, address_of("aliases", "within"), "sized");
	check_name(f, 1, NULL);
	symfile__free(f);
	/* with lines the name is still that of callers */
	assert_int_equal(sh("gcc -g -O1 -fno-inline -o aliases aliases.c"), 0);
	f = open_symfile("aliases", -1, NULL);
	check_name(f, address_of("aliases", "__f"), "f");
	symfile__free(f);
}

static uint64_t section_address(const char *file, const char *name)
{
	FILE *o = ask("readelf -SW %s | sed -n 's/.* %s *PROGBITS *//p'", file, name);
	uint64_t addr = 0;

	assert_int_equal(fscanf(o, "%" SCNx64, &addr), 1);
	pclose(o);
	return addr;
}

/* Of two tables the second one jumps; the entries of the first one push an index, behind a head. */
static void check_two_tables(struct symfile *f)
{
	uint64_t first = section_address("plt", "\\.plt"),
		 second = section_address("plt", "\\.plt\\.sec"), i;
	struct sym_loc loc[16];

	for (i = 0; i < 2; i++) {
		assert_int_equal(symfile__find(f, second + 16 * i, loc, COUNT(loc)), 1);
		check_name(f, first + 16 * (i + 1), loc[0].func);
	}
}

/* objdump decodes the table by itself and writes "0000000000001030 <puts@plt>:" */
static void plt_entries(void **state)
{
	static const char *const how[] = { "", "-fcf-protection=full -Wl,-z,ibtplt", "-Wl,-z,now",
					   "-static" };
	unsigned long long addr;
	struct symfile *f;
	char name[256];
	size_t i, n;
	FILE *o;

	(void)state;
	NEED("objdump");
	for (i = 0; i < COUNT(how); i++) {
		assert_int_equal(sh("gcc -O2 %s -o plt prog.c", how[i]), 0);
		f = open_symfile("plt", -1, NULL);
		o = ask("objdump -d -j .plt -j .plt.sec -j .plt.got plt | "
			"sed -n 's/^\\([0-9a-f]*\\) <\\([^+>@-]*@plt\\)>:/\\1 \\2/p'");
		for (n = 0; fscanf(o, "%llx %255s", &addr, name) == 2; n++) {
			check_name(f, addr, name);
			check_name(f, addr + 6, name);
		}
		assert_true(n >= 2 || strstr(how[i], "-static"));
		pclose(o);
		if (strstr(how[i], "ibtplt"))
			check_two_tables(f);
		if (strstr(how[i], "-static")) { /* binutils does not name these */
			struct sym_loc loc[16];

			addr = section_address("plt", "\\.plt");
			assert_int_equal(symfile__find(f, addr, loc, COUNT(loc)), 1);
			assert_non_null(strstr(loc[0].func, "@plt"));
		}
		symfile__free(f);
	}
}

/* Every sized function of a large library, from .dynsym alone or more. */
static void against_nm(void **state)
{
	unsigned long long addr, size;
	struct symfile *f;
	struct sym_loc loc[16];
	char type, name[512];
	size_t n = 0;
	FILE *o;

	(void)state;
	o = ask("cp -L $(ldd prog | sed -n 's/.*=> \\(.*libc\\.so[^ ]*\\).*/\\1/p') lib && nm -DS "
		"--defined-only lib | grep ' [TWi] '");
	f = NULL;
	while (fscanf(o, "%llx %llx %c %511s", &addr, &size, &type, name) == 4) {
		if (!f)
			f = open_symfile("lib", -1, NULL);
		if (!size)
			continue;
		assert_true(symfile__find(f, addr + size - 1, loc, COUNT(loc)) > 0);
		n++;
	}
	pclose(o);
	assert_true(n > 1000);
	symfile__free(f);
}

/* ---- Rust ---- */

static void rust_program(void **state)
{
	struct symfile *f;
	struct sym_loc loc[16];
	uint64_t from, to;
	size_t i, n, work = 0, inlined = 0;

	(void)state;
	put_file(
		"lib.rs",
		"pub mod deep { pub struct S(pub u64); impl S {\n"
		"#[inline(always)] fn square(&self) -> u64 { self.0.wrapping_mul(self.0) }\n"
		"#[inline(never)] pub fn work(&self, n: u64) -> u64 {\n"
		"  let mut r = n; for i in 0..n { r ^= S(i ^ r).square(); } r }\n"
		"} }\n"
		"fn main() { println!(\"{}\", deep::S(3).work(std::env::args().count() as u64)); }\n");
	if (!have("rustc") || sh("rustc -g -O -o rust lib.rs")) {
		print_message("# no Rust here\n");
		skip();
	}
	f = open_symfile("rust", -1, NULL);
	text_of("rust", &from, &to);
	for (; from < to; from++) {
		n = symfile__find(f, from, loc, COUNT(loc));
		if (!n || strcmp(loc[n - 1].func, "lib::deep::S::work") != 0)
			continue;
		work++;
		if (loc[n - 1].line) /* what belongs to no line may be in any file */
			assert_non_null(strstr(loc[n - 1].file, "lib.rs"));
		for (i = 0; i + 1 < n; i++)
			if (!strcmp(loc[i].func, "lib::deep::S::square")) {
				inlined++;
				assert_int_equal(loc[i + 1].line, 4);
			}
	}
	symfile__free(f);
	assert_true(work > 10 && inlined > 0);
}

/* ---- Go ---- */

static const char hello_go[] = "package main\n"
			       "import (\"fmt\"; \"os\"; \"strings\")\n"
			       "type shape interface{ area() int }\n"
			       "type square struct{ a int }\n"
			       "func (s square) area() int { return double(s.a) * s.a }\n"
			       "func double(a int) int { return twice(a) }\n"
			       "func twice(a int) int { return 2*a + len(os.Args) }\n"
			       "func main() {\n"
			       "	var s shape = square{len(os.Args)}\n"
			       "	fmt.Println(s.area(), strings.ToUpper(os.Args[0]))\n"
			       "}\n";

/* function of the outermost level and place of the innermost one, which is what addr2line has */
static void compare_go(const char *file, const char *oracle)
{
	struct symfile *f = open_symfile(file, -1, NULL);
	char func[1024], place[1024], cmd[256];
	uint64_t from, to, addr, step = 97;
	size_t n, count = 0, inlined = 0;
	struct sym_loc loc[16];
	FILE *o;

	text_of(oracle, &from, &to);
	snprintf(cmd, sizeof(cmd),
		 "seq -f %%.0f %llu %llu %llu | xargs printf '%%x\\n' | go tool addr2line %s",
		 (unsigned long long)from, (unsigned long long)step, (unsigned long long)to - 1,
		 oracle);
	o = ask("%s", cmd);
	for (addr = from; addr < to; addr += step) {
		assert_non_null(fgets(func, sizeof(func), o));
		assert_non_null(fgets(place, sizeof(place), o));
		func[strcspn(func, "\n")] = '\0';
		if (strncmp(place, ":", 1) == 0 || !strncmp(place, "?", 1))
			continue; /* space, and C */
		n = symfile__find(f, addr, loc, COUNT(loc));
		assert_true(n > 0);
		assert_string_equal(loc[n - 1].func, func);
		assert_int_equal(loc[0].line, line_of(place));
		assert_string_equal(loc[0].file, place);
		inlined += n > 1;
		count++;
	}
	pclose(o);
	assert_true(count > 1000 && inlined > count / 20);
	symfile__free(f);
}

/* All levels by DWARF: their number, and the lines of the calls. */
static void compare_go_inlined(const char *file)
{
	struct symfile *f = open_symfile(file, -1, NULL);
	char func[1024], place[1024];
	uint64_t from, to, addr;
	size_t i, n, deep = 0;
	struct sym_loc loc[16];
	FILE *o;

	text_of(file, &from, &to);
	/* the program itself is at the end of its code */
	from = to - 40000;
	o = ask("seq -f %%.0f %llu %llu | xargs printf '0x%%x\n' | llvm-symbolizer --obj=%s "
		"--inlines",
		(unsigned long long)from, (unsigned long long)to - 1, file);
	for (addr = from; addr < to; addr++) {
		n = symfile__find(f, addr, loc, COUNT(loc));
		for (i = 0; fgets(func, sizeof(func), o) && func[0] != '\n'; i++) {
			assert_non_null(fgets(place, sizeof(place), o));
			line_of(place); /* the column */
			if (!strncmp(place, "??", 2) || !n || !loc[0].file ||
			    strstr(place, "autogenerated") || strstr(loc[0].file, "autogenerated"))
				continue;
			assert_true(i < n);
			assert_int_equal(loc[i].line, line_of(place));
			func[strcspn(func, "\n")] = '\0';
			if (i + 1 < n)
				assert_string_equal(loc[i].func, func);
		}
		deep += n > 1;
	}
	pclose(o);
	assert_true(deep > 100);
	symfile__free(f);
}

static void go_programs(void **state)
{
	static const char *const how[] = { "", "-buildmode=pie",
					   "-buildmode=pie -ldflags=-linkmode=external" };
	struct strbuf whole = STRBUF_INIT, bare = STRBUF_INIT;
	uint64_t from, to;
	struct symfile *f;
	size_t i;

	(void)state;
	NEED("go");
	put_file("hello.go", hello_go);
	for (i = 0; i < COUNT(how); i++) {
		if (sh("go build %s -o hello hello.go && strip -o bare hello", how[i])) {
			print_message("# go does not build here\n");
			skip();
		}
		compare_go("hello", "hello");
		if (!i && have("llvm-symbolizer"))
			compare_go_inlined("hello");
		text_of("hello", &from, &to);
		f = open_symfile("bare", -1, NULL);
		answers(f, from + 4096, from + 8192, &bare);
		symfile__free(f);
		f = open_symfile("hello", -1, NULL);
		answers(f, from + 4096, from + 8192, &whole);
		symfile__free(f);
		assert_string_equal(whole.buf, bare.buf);
		strbuf_reset(&whole);
		strbuf_reset(&bare);
	}
	strbuf_free(&whole);
	strbuf_free(&bare);
}

static int finish(void **state)
{
	strbuf_free(&base);
	return remove_dir(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(full_names),
		cmocka_unit_test(debuglink),
		cmocka_unit_test(debug_dir),
		cmocka_unit_test(debuginfod_cache),
		cmocka_unit_test(compressed),
		cmocka_unit_test(dwz_file),
		cmocka_unit_test(gnu_debugdata),
		cmocka_unit_test(aliases),
		cmocka_unit_test(plt_entries),
		cmocka_unit_test(against_nm),
		cmocka_unit_test(rust_program),
		cmocka_unit_test(go_programs),
	};

	base = STRBUF_INIT;
	return cmocka_run_group_tests_name("symfile", tests, compile, finish);
}
