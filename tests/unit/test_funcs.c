// SPDX-License-Identifier: BSD-2-Clause
/*
 * Functions taken apart: compiled here by gcc and clang, and written in assembler where the shape
 * matters. That every exit is found is looked at against the disassembly of objdump.
 */
#include "programs.h"

#include "annot/funcs.h"

static struct funcs find(const char *file, const char *glob)
{
	struct strbuf why = STRBUF_INIT;
	int fd = open_file(file);
	struct funcs f;

	if (funcs_find(&f, fd, glob, &why))
		fail_msg("%s: %s", file, why.buf);
	close(fd);
	strbuf_free(&why);
	return f;
}

static struct func one(const char *file, const char *name)
{
	struct funcs f = find(file, name);
	struct func fn;

	if (f.cnt != 1)
		fail_msg("%s: %zu functions are called %s", file, f.cnt, name);
	fn = f.func[0];
	free(f.func);
	return fn;
}

static void one_free(struct func *f)
{
	free(f->name);
	free(f->exit);
	free(f->refused);
}

/* The function can be probed, and has so many exits. */
static void probed(const char *file, const char *name, size_t nexit)
{
	struct func f = one(file, name);

	if (f.refused)
		fail_msg("%s: %s", name, f.refused);
	if (f.nexit != nexit)
		fail_msg("%s: %zu exits, not %zu", name, f.nexit, nexit);
	one_free(&f);
}

static void refused(const char *file, const char *name, const char *want)
{
	struct func f = one(file, name);

	if (!f.refused || !strstr(f.refused, want))
		fail_msg("%s: %s", name, f.refused ? f.refused : "not refused");
	assert_int_equal(f.nexit, 0);
	one_free(&f);
}

/* ---- assembler: each shape, to the byte ---- */

/* A function with frame information; more is in its text. The offsets are told by labels. */
#define FN(name, body)                                                                \
	".globl " name "\n.type " name ",@function\n" name ":\n.cfi_startproc\n" body \
	".cfi_endproc\n.size " name ",.-" name "\n"
#define PUSH "push %rbx\n.cfi_adjust_cfa_offset 8\n"
#define POP "pop %rbx\n.cfi_adjust_cfa_offset -8\n"

static const char shapes_s[] = ".text\n"
	/* plain */
	FN("two_rets", "test %edi,%edi\nje 1f\nret\n1: xor %eax,%eax\nret\n") FN(
		"tail", "add $1,%edi\njmp two_rets\n") FN("tail_frame", PUSH "call two_rets\n" POP
									     "jmp two_rets\n")
		FN("tail_pointer", "mov (%rdi),%rax\njmp *8(%rax)\n") FN(
			"tail_argument",
			"mov %rsi,%rdi\njmp *%rdx\n") FN("never", PUSH "1: call two_rets\njmp 1b\n")
			FN("stops", "sub $8,%rsp\n.cfi_adjust_cfa_offset 8\ncall two_rets\nud2\n")
				FN("recursion", PUSH
				   "test %edi,%edi\nje 1f\nsub $1,%edi\ncall recursion\n1: " POP
				   "ret\n") FN("tail_recursion", PUSH
					       "mov %edi,%ebx\ncall two_rets\nlea -1(%rbx),%edi\n"
					       ".cfi_remember_state\ntest %ebx,%ebx\nje 1f\n" POP
					       "jmp tail_recursion\n"
					       ".cfi_restore_state\n1: " POP "ret\n")
	/* the entry */
	FN("push_first", PUSH POP "ret\n") FN("marked", "endbr64\n" PUSH POP "ret\n") FN(
		"marked_loop", "endbr64\n1: push %rbx\npop %rbx\nsub $1,%edi\njne 1b\nret\n")
		FN("late_push", "mov %edi,%eax\nadd $2,%eax\n" PUSH POP "ret\n") FN(
			"room_first",
			"sub $24,%rsp\n.cfi_adjust_cfa_offset 24\npush %rbx\n"
			".cfi_adjust_cfa_offset 8\npop %rbx\n.cfi_adjust_cfa_offset -8\n"
			"add $24,%rsp\n.cfi_adjust_cfa_offset -24\nret\n")
			FN("lock_first", "lock incl (%rdi)\nmov %edi,%eax\nret\n") FN(
				"lock_only", "lock incl (%rdi)\nret\n")
				FN("nop5_first",
				   ".byte 0x0f,0x1f,0x44,0,0\nmov %edi,%eax\n" PUSH POP "ret\n")
					FN("nop5_marked",
					   "endbr64\n.byte 0x0f,0x1f,0x44,0,0\ntest %edi,%edi\nret\n")
						FN("nop5_plain",
						   ".byte 0x0f,0x1f,0x44,0,0\nmov %edi,%eax\nret\n")
							FN("nop5_only",
							   ".byte 0x0f,0x1f,0x44,0,0\nret\n")
	/* jumps through registers */
	FN("table",
	   "cmp $2,%edi\nja 9f\nlea .Ltab(%rip),%rdx\nmov %edi,%edi\n"
	   "movslq (%rdx,%rdi,4),%rax\nadd %rdx,%rax\njmp *%rax\n.Ltab0: mov $1,%eax\nret\n"
	   ".Ltab1: mov $2,%eax\nret\n.Ltab2: mov $3,%eax\nret\n9: xor %eax,%eax\nret\n")
		FN("table_out", "lea .Lout(%rip),%rdx\nmov %edi,%edi\n"
				"movslq (%rdx,%rdi,4),%rax\nadd %rdx,%rax\njmp *%rax\n")
			FN("no_track", "mov %edi,%eax\nnotrack jmp *%rdi\nret\n") FN(
				"labels",
				"lea .Lhere(%rip),%rax\nmov (%rsi),%rdx\njmp *%rdx\n.Lhere: ret\n")
				FN("labels_in_data", "mov (%rsi),%rdx\njmp *%rdx\n.Lthere: ret\n")
					FN("summed", "add %rsi,%rdi\njmp *%rdi\n")
	/* that do not behave */
	FN("conditional", "test %edi,%edi\njne two_rets\nret\n") FN("only_jump", "jmp two_rets\n") FN(
		"only_ret",
		"ret\n") FN("loop_first",
			    "sub $1,%edi\njne loop_first\nret\n") FN("leftover", PUSH
								     "ret\n.cfi_adjust_cfa_offset -8\n")
		FN("runs_on", "mov %edi,%eax\n") FN("middle", "jmp 1f+1\n1: mov $0xc3,%eax\nret\n") FN(
			"broken", "mov %edi,%eax\n.byte 0xc5,0xc4,0xff,0xff\nret\n")
			FN("holds_data", "mov %edi,%eax\nret\n.byte 0x10,0xc3,0xc3\n") FN(
				"locked",
				"cmp $0,%edi\nje 1f\nlock\n1: incl (%rsi)\nret\n") ".globl bare\n.type bare,@function\nbare: mov %edi,%eax\njmp two_rets\n.size bare,.-bare\n"
										   /* no size: up to
										      the next one */
										   ".globl sizeless\n.type sizeless,@function\nsizeless: mov %edi,%eax\nret\n" FN(
											   "after_sizeless",
											   "mov %edi,%eax\nret\n")
	/* parts elsewhere */
	FN("hot", "test %edi,%edi\njne hot.cold\nret\n") FN(
		"framed", PUSH "test %edi,%edi\njne .Lframed_cold\n.Lback: " POP "ret\n")
		FN("split",
		   "test %edi,%edi\nje 1f\njmp split.part.0\n1: ret\n") ".section .text.unlikely,\"ax\",@progbits\n"
									".type hot.cold,@function\nhot.cold:\n.cfi_startproc\n mov $7,%eax\nret\n.cfi_endproc\n"
									".size hot.cold,.-hot.cold\n"
									".Lframed_cold:\n.cfi_startproc\n.cfi_adjust_cfa_offset 8\ncall two_rets\n"
									"cmp $3,%eax\njne .Lback\n" POP
									"jmp tail\n.cfi_endproc\n"
									".type split.part.0,@function\nsplit.part.0:\n.cfi_startproc\nmov $8,%eax\nret\n"
									".cfi_endproc\n.size split.part.0,.-split.part.0\n"
									/* not functions */
									".text\n.globl chosen\n.type chosen,@gnu_indirect_function\nchosen: lea two_rets(%rip),%rax\n"
									"ret\n.size chosen,.-chosen\n"
									".data\n.globl things\n.type things,@object\nthings: .quad .Lthere\n.size things,8\n"
									".globl alias\n.set alias,two_rets\n"
									".section .rodata\n.balign 4\n.Ltab: .long .Ltab0-.Ltab,.Ltab1-.Ltab,.Ltab2-.Ltab\n"
									".Lout: .long two_rets-.Lout\n"
									".section .note.GNU-stack,\"\",@progbits\n";

static void make_shapes(void)
{
	static bool made;

	if (made)
		return;
	put_file("shapes.s", shapes_s);
	assert_int_equal(sh("gcc -shared -nostdlib -Wl,-Bsymbolic -o shapes.so shapes.s"), 0);
	made = true;
}

static void left_where(void **state)
{
	(void)state;
	NEED("gcc");
	make_shapes();
	probed("shapes.so", "two_rets", 2);
	probed("shapes.so", "tail", 1);
	probed("shapes.so", "tail_frame", 1);
	probed("shapes.so", "tail_pointer", 1);
	probed("shapes.so", "tail_argument", 1);
	probed("shapes.so", "never", 0);
	probed("shapes.so", "stops", 0);
	probed("shapes.so", "recursion", 1);
	probed("shapes.so", "tail_recursion", 2);
	probed("shapes.so", "locked", 1);
	probed("shapes.so", "sizeless", 1);
}

/* So many of the exits are jumps: what they lead to is not of the function. */
static void tails_of(const char *name, size_t tails)
{
	struct func f = one("shapes.so", name);

	assert_null(f.refused);
	if (f.tails != tails)
		fail_msg("%s: %zu jumps, not %zu", name, f.tails, tails);
	one_free(&f);
}

static void exits_that_are_jumps(void **state)
{
	(void)state;
	NEED("gcc");
	make_shapes();
	tails_of("two_rets", 0);
	tails_of("tail", 1);
	tails_of("tail_frame", 1);
	tails_of("tail_pointer", 1);
	tails_of("tail_recursion", 1); /* of two */
	tails_of("never", 0);
	tails_of("table", 0); /* jumps that stay inside */
}

static void by_register(void **state)
{
	(void)state;
	NEED("gcc");
	make_shapes();
	probed("shapes.so", "table", 4);
	refused("shapes.so", "table_out", "nothing tells whether it stays inside");
	probed("shapes.so", "no_track", 1); /* goes where no endbr64 is: inside */
	refused("shapes.so", "labels", "nothing tells whether it stays inside");
	refused("shapes.so", "labels_in_data", "nothing tells whether it stays inside");
	refused("shapes.so", "summed", "nothing tells whether it stays inside");
}

static void parts(void **state)
{
	(void)state;
	NEED("gcc");
	make_shapes();
	probed("shapes.so", "hot", 2);
	probed("shapes.so", "framed", 2);
	probed("shapes.so", "split", 2);
	/* the part by its name is gone, the frame information tells of it */
	assert_int_equal(sh("strip -o stripped.so shapes.so"), 0);
	probed("stripped.so", "hot", 2);
	probed("stripped.so", "framed", 2);
}

static void refusals(void **state)
{
	struct funcs f;

	(void)state;
	NEED("gcc");
	make_shapes();
	refused("shapes.so", "conditional", "not always taken");
	refused("shapes.so", "lock_only", "begins with what no probe may be set on");
	refused("shapes.so", "nop5_only", "begins with what no probe may be set on");
	refused("shapes.so", "only_jump", "nothing but a jump");
	refused("shapes.so", "only_ret", "nothing but a jump, or a return");
	refused("shapes.so", "loop_first", "jumps back to its first instruction");
	refused("shapes.so", "leftover", "more than its return address");
	refused("shapes.so", "runs_on", "runs on into");
	refused("shapes.so", "middle", "middle of an instruction");
	refused("shapes.so", "broken", "cannot be decoded at +0x2");
	refused("shapes.so", "holds_data", "may be data");
	refused("shapes.so", "bare", "nothing tells what is on its stack");
	refused("shapes.so", "chosen", "IFUNC");
	refused("shapes.so", "things", "is data");
	f = find("shapes.so", "nonsense");
	assert_int_equal(f.cnt, 0);
	funcs_free(&f);
	put_file("calls.c", "#include <stdlib.h>\nint main(void) { return rand(); }\n");
	assert_int_equal(sh("gcc -O1 -o calls calls.c"), 0);
	refused("calls", "rand", "another file");
}

/* Which instruction is probed, as an offset in the function, and what was pushed by then. */
static void entered_at(const char *name, uint64_t at, unsigned pushed)
{
	struct func f = one("shapes.so", name);

	if (f.refused)
		fail_msg("%s: %s", name, f.refused);
	/* the code of this file lies where its addresses say */
	if (f.entry != f.addr + at || f.entry_pushed != pushed)
		fail_msg("%s: +%" PRIu64 ", %u pushed", name, f.entry - f.addr, f.entry_pushed);
	one_free(&f);
}

static void entries(void **state)
{
	(void)state;
	NEED("gcc");
	make_shapes();
	entered_at("push_first", 0, 0);
	entered_at("marked", 4, 0);
	entered_at("marked_loop", 0, 0); /* the push is where the loop begins */
	entered_at("late_push", 5, 0);
	entered_at("room_first", 0, 0); /* not behind what moves the stack pointer */
	entered_at("lock_first", 3, 0);
	entered_at("nop5_plain", 5, 0);
	entered_at("nop5_first", 7, 0);
	entered_at("nop5_marked", 0, 0);
	entered_at("two_rets", 2, 0); /* a jump is emulated, too */
	entered_at("tail", 0, 0);     /* but the one that leaves is not the entry */
}

static void aliases(void **state)
{
	struct funcs f;
	size_t i;

	(void)state;
	NEED("gcc");
	make_shapes();
	probed("shapes.so", "alias", 2);
	f = find("shapes.so", "*");
	assert_true(f.cnt > 30);
	for (i = 1; i < f.cnt; i++)
		assert_true(f.func[i - 1].addr < f.func[i].addr);
	for (i = 0; i < f.cnt; i++) /* a part is no function, an alias no second one */
		assert_true(!strstr(f.func[i].name, ".cold") && strcmp(f.func[i].name, "two_rets"));
	funcs_free(&f);
}

/* ---- compilers ---- */

static const char many_c[] =
	"#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
	"#define N __attribute__((noinline))\n"
	"N int leaf(int a) { if (a > 3) return a * 7; return a ^ 5; }\n"
	"N int sw(int a, const char *s) { switch (a) {\n"
	" case 0: return puts(s); case 1: return rand(); case 2: return (int)strlen(s);\n"
	" case 3: return printf(\"%d\", a); case 4: return atoi(s); case 5: return 17;\n"
	" case 6: return leaf(a) + rand(); default: return 0; } }\n"
	"N int leaf_sw(int a, int b) { switch (a) { case 0: return b * 3; case 1: return b ^ a;\n"
	" case 2: return b / 7; case 3: return b % 9; case 4: return b << 3; case 5: return b + 2;\n"
	" case 6: return -b; default: return b; } }\n"
	"N int fail(const char *s) { fputs(s, stderr); abort(); }\n"
	"N int cold(int a) { if (__builtin_expect(a == 77, 0)) fail(\"no\"); return leaf(a) + 1; }\n"
	"N int (*pick(int a))(int) { return a ? leaf : cold; }\n"
	"N int through(int (*f)(int), int a) { return f(a + 1); }\n"
	"N int deep(int n) { return n ? deep(n - 1) + leaf(n) : 1; }\n"
	"N double mix(double x, int n) { double s = 0; for (int i = 0; i < n; i++) s += x * i;\n"
	" if (s > 100) return s; printf(\"%f\", s); return 0; }\n"
	"int main(int c, char **v) { return sw(c, v[0]) + leaf_sw(c, 3) + cold(c) + deep(c) +\n"
	" through(pick(c), c) + (int)mix(c, c); }\n";

/* The returns that objdump sees in a function. */
static size_t returns_of(const char *file, const char *func)
{
	FILE *f = ask("objdump -d --no-show-raw-insn %s | awk '/^[0-9a-f]+ <%s>:/ { on = 1; next } "
		      "/^$/ { on = 0 } on && $2 ~ /^(repz|ret)/ { n++ } END { print n + 0 }'",
		      file, func);
	char line[64] = "";

	assert_non_null(fgets(line, sizeof(line), f));
	pclose(f);
	return strtoul(line, NULL, 10);
}

static void compiled(const char *compiler, const char *flags)
{
	static const char *const names[] = { "leaf", "sw",   "leaf_sw", "fail",	  "cold",
					     "pick", "deep", "mix",	"through" };
	struct func f;
	size_t i;

	put_file("many.c", many_c);
	assert_int_equal(sh("%s %s -o many many.c", compiler, flags), 0);
	for (i = 0; i < COUNT(names); i++) {
		f = one("many", names[i]);
		if (f.refused && !strstr(f.refused, "nothing but a jump"))
			fail_msg("%s %s: %s: %s", compiler, flags, names[i], f.refused);
		if (!f.refused && f.nexit < returns_of("many", names[i]))
			fail_msg("%s %s: %s: %zu exits of %zu", compiler, flags, names[i], f.nexit,
				 returns_of("many", names[i]));
		one_free(&f);
	}
	f = one("many", "fail");
	assert_int_equal(f.nexit, 0);
	one_free(&f);
}

static void compilers(void **state)
{
	static const char *const flags[] = {
		"-O0",
		"-O1",
		"-O2",
		"-O3",
		"-Os",
		"-O2 -fcf-protection=full",
		"-O2 -fno-jump-tables",
		"-O2 -fno-pie -no-pie",
		"-O2 -fno-omit-frame-pointer",
		"-O2 -s -rdynamic",
	};
	size_t i;

	(void)state;
	NEED("gcc");
	NEED("objdump");
	for (i = 0; i < COUNT(flags); i++) {
		compiled("gcc", flags[i]);
		if (have("clang"))
			compiled("clang", flags[i]);
	}
}

/* Both names are among those that match. */
static void shown_as(const char *file, const char *glob, const char *a, const char *b)
{
	struct funcs f = find(file, glob);
	size_t i, seen = 0;

	for (i = 0; i < f.cnt; i++)
		seen += !strcmp(f.func[i].name, a) || !strcmp(f.func[i].name, b);
	if (seen != 2)
		fail_msg("%s: %s and %s are not shown", glob, a, b);
	funcs_free(&f);
}

static void languages(void **state)
{
	(void)state;
	NEED("g++");
	put_file("c.cpp",
		 "#include <stdexcept>\nnamespace ns { struct cls {\n"
		 " __attribute__((noinline)) int fn(int a) { if (a > 9) throw "
		 "std::runtime_error(\"x\");\n  return a + 1; }\n"
		 " template <class T> __attribute__((noinline)) T as(T a) { return a * 2; } "
		 "}; }\n"
		 "int main(int c, char **) { ns::cls x; try { return x.fn(c * 9) + "
		 "x.as<long>(c); }\n"
		 " catch (std::exception &e) { return 2; } }\n");
	assert_int_equal(sh("g++ -O2 -o c c.cpp"), 0);
	probed("c", "ns::cls::fn", 1);
	probed("c", "ns::cls::fn(int)", 1);
	probed("c", "_ZN2ns3cls2fnEi", 1);
	probed("c", "*cls::as*", 1);
	put_file(
		"o.cpp",
		"namespace ns { struct cls { int a(int); int a(long) const; int b(int); }; "
		"int cls::a(int x) { return x * 3; }\n"
		"int cls::a(long x) const { return (int)x + 4; } int cls::b(int x) { return x + 1; }\n"
		"template <class T> __attribute__((noinline)) T t(T x) { return x * x; }\n"
		"int use(int x) { return t<int>(x) + (int)t<long>(x + 1) * 2; } }\n");
	assert_int_equal(sh("g++ -O1 -shared -fPIC -o o.so o.cpp"), 0);
	shown_as("o.so", "ns::cls::a", "ns::cls::a(int)", "ns::cls::a(long) const");
	shown_as("o.so", "ns::cls::[ab]", "ns::cls::a(int)", "ns::cls::b");
	NEED("rustc");
	put_file("r.rs",
		 "mod inner { #[inline(never)] pub fn twice(a: usize) -> usize {\n"
		 " if a > 100 { panic!(\"no\") } a * 2 + std::env::args().count() } }\n"
		 "fn main() { println!(\"{}\", inner::twice(std::env::args().count())); }\n");
	assert_int_equal(sh("rustc -O -o r r.rs"), 0);
	probed("r", "r::inner::twice", 1);
	probed("r", "r::inner::twice::h*", 1);
}

/* ---- others ---- */

static void red_zone(void **state)
{
	int fd;

	(void)state;
	NEED("gcc");
	put_file("z.c",
		 "int sink(int *);\n"
		 "__attribute__((noinline)) int keeps(int a) { volatile int x[4]; x[a & 3] = a;"
		 " __asm__ volatile(\"nop\"); return x[0]; }\n"
		 "__attribute__((noinline)) int calls(int a) { int x = a; sink(&x); return x; }\n"
		 "__attribute__((noinline)) int plain(int a) { return a * 3; }\n"
		 "__attribute__((noinline)) int sink(int *p) { return *p; }\n"
		 "int main(int c, char **v) { (void)v; return keeps(c) + calls(c) + plain(c); }\n");
	assert_int_equal(sh("gcc -O2 -fno-ipa-ra -fno-ipa-icf -o z z.c"), 0);
	fd = open_file("z");
	assert_int_equal(funcs_uses_red_zone(fd, address_of("z", "keeps") + 2), 1);
	assert_int_equal(funcs_uses_red_zone(fd, address_of("z", "plain")), 0);
	assert_int_equal(funcs_uses_red_zone(fd, address_of("z", "main")), 0);
	assert_int_equal(funcs_uses_red_zone(fd, 0), 1);
	assert_int_equal(funcs_uses_red_zone(fd, UINT64_MAX), 1);
	close(fd);
}

/* Nearly all functions of the libraries that are here can be probed. */
static void share(void **state)
{
	static const struct {
		const char *path;
		unsigned percent;
	} files[] = {
		{ "/lib/x86_64-linux-gnu/libc.so.6", 90 },
		{ "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", 95 },
		{ "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0", 93 },
		{ "/usr/lib/x86_64-linux-gnu/libpq.so.5", 93 },
		{ "/usr/lib/postgresql/15/bin/postgres", 93 },
	};
	struct strbuf why = STRBUF_INIT;
	struct funcs f;
	size_t i, k, ok;
	int fd;

	(void)state;
	for (i = 0; i < COUNT(files); i++) {
		fd = open(files[i].path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		assert_int_equal(funcs_find(&f, fd, "*", &why), 0);
		close(fd);
		for (k = ok = 0; k < f.cnt; k++)
			ok += !f.func[k].refused;
		if (!f.cnt || ok * 100 < f.cnt * files[i].percent)
			fail_msg("%s: %zu of %zu", files[i].path, ok, f.cnt);
		funcs_free(&f);
	}
	strbuf_free(&why);
}

/* Bytes anywhere are changed: it ends, with an error or with places in the file. */
static void damaged(void **state)
{
	struct strbuf why = STRBUF_INIT;
	uint64_t seed = 11, old;
	struct funcs f;
	off_t size;
	size_t round, i, k;
	int fd;

	(void)state;
	NEED("gcc");
	make_shapes();
	assert_int_equal(sh("cp shapes.so d.so"), 0);
	fd = open_file("d.so");
	close(fd);
	for (round = 0; round < 3000; round++) {
		struct strbuf path = STRBUF_INIT;
		uint64_t v = rnd(&seed);
		off_t at;

		strbuf_addf(&path, "%s/d.so", dir);
		fd = open(path.buf, O_RDWR | O_CLOEXEC);
		strbuf_free(&path);
		size = lseek(fd, 0, SEEK_END);
		at = (off_t)(rnd(&seed) % (uint64_t)(size - 8));
		assert_int_equal(pread(fd, &old, 8, at), 8);
		assert_int_equal(pwrite(fd, &v, round % 2 ? 8 : 1, at), round % 2 ? 8 : 1);
		if (!funcs_find(&f, fd, "*", &why)) {
			for (i = 0; i < f.cnt; i++) {
				assert_true(f.func[i].entry < (uint64_t)size);
				for (k = 0; k < f.func[i].nexit; k++)
					assert_true(f.func[i].exit[k] < (uint64_t)size);
			}
		}
		funcs_free(&f);
		funcs_uses_red_zone(fd, 0x1000 + round % 512);
		if (round % 8) /* some damage stays */
			assert_int_equal(pwrite(fd, &old, 8, at), 8);
		if (round % 64 == 63)
			assert_int_equal(sh("cp shapes.so d.so"), 0);
		close(fd);
		strbuf_reset(&why);
	}
	strbuf_free(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(left_where),  cmocka_unit_test(exits_that_are_jumps),
		cmocka_unit_test(by_register), cmocka_unit_test(parts),
		cmocka_unit_test(refusals),    cmocka_unit_test(entries),
		cmocka_unit_test(aliases),     cmocka_unit_test(compilers),
		cmocka_unit_test(languages),   cmocka_unit_test(red_zone),
		cmocka_unit_test(share),       cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests_name("funcs", tests, make_dir, remove_dir);
}
