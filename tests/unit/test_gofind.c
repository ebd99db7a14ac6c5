// SPDX-License-Identifier: BSD-2-Clause
/*
 * Places in Go programs where annotations are listened to, against what Go's own tools say of the
 * same programs: objdump where instructions begin, nm what they point at, the debug information
 * where fields lie. The Go that is here builds them, and the older ones that it has already
 * fetched. Then programs that are refused, and damaged ones.
 */
#include "annot/gocode.h"
#include "annot/gofind.h"
#include "programs.h"
#include "unwind/elf.h"

#include <sys/mman.h>
#include <sys/stat.h>

/* Ends that are inlined: five. In its table of inlined calls, Go marks the one on the generated
 * line by the function's first instruction, and the one behind another call on its line by what
 * comes before that. */
static const char annotated_go[] =
	"package main\n"
	"import (\"context\"; \"fmt\"; \"runtime/trace\")\n"
	"var sink int\n"
	"//go:noinline\n"
	"func a(ctx context.Context) { defer trace.StartRegion(ctx, \"a\").End(); fmt.Println() }\n"
	"//go:noinline\n"
	"func b(ctx context.Context) {\n"
	"	r := trace.StartRegion(ctx, \"b\")\n"
	"	if sink > 0 {\n"
	"		r.End()\n"
	"		return\n"
	"	}\n"
	"	r.End()\n"
	"}\n"
	"//go:noinline\n"
	"func c(ctx context.Context) {\n"
	"	trace.StartRegion(ctx, \"c\").End()\n"
	"}\n"
	"//go:noinline\n"
	"func d(ctx context.Context, n int) {\n"
	"	r := trace.StartRegion(ctx, \"d\")\n"
	"//line template:1\n"
	"	for i := 0; i < n; i++ {\n"
	"//line template:1\n"
	"		sink++\n"
	"//line template:1\n"
	"		if i == n-1 {\n"
	"//line template:1\n"
	"			r.End()\n"
	"//line template:1\n"
	"		}\n"
	"//line template:1\n"
	"	}\n"
	"}\n"
	"func main() {\n"
	"	ctx, t := trace.NewTask(context.Background(), \"t\")\n"
	"	a(ctx); b(ctx); c(ctx); d(ctx, 3)\n"
	"	trace.WithRegion(ctx, \"w\", func() {})\n"
	"	trace.Log(ctx, \"x\", \"y\")\n"
	"	trace.Logf(ctx, \"x\", \"y %d\", 1)\n"
	"	t.End()\n"
	"}\n";
#define INLINED 5

static const char *const toolchain[] = { "local",     "go1.22.12", "go1.23.12",
					 "go1.24.10", "go1.25.5",  "go1.26.8" };

static const struct {
	const char *name, *flags;
} kind[] = {
	{ "plain", "" },
	{ "stripped", "-ldflags='-s -w'" },
	{ "pie", "-buildmode=pie" },
	{ "piestripped", "-buildmode=pie -ldflags='-s -w'" },
	{ "cgo", "-ldflags=-linkmode=external" },
	{ "cgostripped", "-ldflags='-linkmode=external -s -w'" },
	{ "cgopie", "-buildmode=pie -ldflags=-linkmode=external" },
	{ "cgopiestripped", "-buildmode=pie -ldflags='-linkmode=external -s -w'" },
};

/* ---- the beginning of a function ---- */

#define BODY(bytes) go_code_body((const uint8_t *)(bytes), sizeof(bytes) - 1)

static void bodies(void **state)
{
	static const char huge[] = "\x49\x89\xe4\x49\x81\xec\1\2\3\4\x72\x40"
				   "\x4d\x3b\x66\x10\x76\x11\x55\x48\x89\xe5";
	size_t n;

	(void)state;
	assert_int_equal(BODY("\x49\x3b\x66\x10\x76\x11\x55\x48\x89\xe5"), 6);
	assert_int_equal(BODY("\x49\x3b\x66\x10\x0f\x86\1\2\0\0\x55\x48"), 10);
	assert_int_equal(BODY("\x4c\x8d\x64\x24\xf0\x4d\x3b\x66\x10\x76\x11\x55"), 11);
	assert_int_equal(BODY("\x4c\x8d\xa4\x24\0\xff\xff\xff\x4d\x3b\x66\x10\x0f\x86\1\2\0\0\x55"),
			 18);
	assert_int_equal(BODY(huge), 18);
	assert_int_equal(BODY("\x49\x89\xe4\x49\x81\xec\1\2\3\4\x0f\x82\1\2\3\4"
			      "\x4d\x3b\x66\x10\x76\x11\x55"),
			 22);
	for (n = 0; n <= 18; n++) /* cut off anywhere before */
		assert_int_equal(go_code_body((const uint8_t *)huge, n), 0);
	assert_int_equal(BODY("\x55\x48\x89\xe5"), 0);		       /* no check */
	assert_int_equal(BODY("\x49\x3b\x66\x18\x76\x11\x55"), 0);     /* of something else */
	assert_int_equal(BODY("\x49\x3b\x66\x10\x77\x11\x55"), 0);     /* another jump */
	assert_int_equal(BODY("\x49\x3b\x66\x10\x76\x11\x48\x83"), 0); /* another instruction */
	assert_int_equal(BODY("\x4c\x8d\x64\x24\xf0\x49\x3b\x66\x10\x76\x11\x55"), 0);
}

/* ---- what Go's tools say ---- */

/* All that nm says of a file. */
static struct strbuf names_of(const char *file)
{
	FILE *f = ask("go tool nm %s", file);
	struct strbuf names = STRBUF_INIT;
	char line[4096];

	while (fgets(line, sizeof(line), f))
		strbuf_addstr(&names, line);
	pclose(f);
	return names;
}

/* "  48ece0 T runtime/trace.Log" */
static uint64_t value_of(const struct strbuf *names, const char *symbol)
{
	char line_end[128];
	const char *p;

	snprintf(line_end, sizeof(line_end), " %s\n", symbol);
	p = strstr(names->buf, line_end);
	assert_non_null(p);
	while (p > names->buf && p[-1] != '\n')
		p--;
	return strtoull(p, NULL, 16);
}

/* An instruction by objdump. */
struct insn {
	uint64_t addr;
	size_t len;
	uint8_t byte[16];
	bool noop; /* it reads the word that noopRegion is */
	char name[24];
	char func[64];
};

struct listing {
	struct insn *insn;
	size_t cnt, cap;
};

static int hex(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* "  main.go:10   0x48f340   493b6610   CMPQ SP, 0x10(R14)" */
static void add_insn(struct listing *l, const char *line, const char *func, uint64_t noop)
{
	char where[256], bytes[64];
	struct insn i = { 0 };
	int32_t d;

	if (sscanf(line, " %255s 0x%" SCNx64 " %63[0-9a-f] %23s", where, &i.addr, bytes, i.name) !=
	    4)
		return;
	for (; bytes[2 * i.len] && i.len < sizeof(i.byte); i.len++)
		i.byte[i.len] = (uint8_t)(hex(bytes[2 * i.len]) * 16 + hex(bytes[2 * i.len + 1]));
	if (i.len >= 7 && (i.byte[2] & 0xc7) == 5) { /* …(%rip) */
		memcpy(&d, i.byte + 3, sizeof(d));
		i.noop = i.addr + 7 + (uint64_t)(int64_t)d == noop;
	}
	strcpy(i.func, func);
	l->insn = xgrow(l->insn, l->cnt, &l->cap, sizeof(*l->insn));
	l->insn[l->cnt++] = i;
}

static struct listing disassemble(const char *file, uint64_t noop)
{
	FILE *f = ask("go tool objdump -s '^(main|runtime/trace)\\.' %s", file);
	struct listing l = { 0 };
	char line[1024], func[64] = "";

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "TEXT %63[^ \n]", func) != 1)
			add_insn(&l, line, func, noop);
	pclose(f);
	assert_true(l.cnt > 100);
	return l;
}

static struct insn *insn_at(const struct listing *l, uint64_t addr)
{
	size_t i;

	for (i = 0; i < l->cnt; i++)
		if (l->insn[i].addr == addr)
			return &l->insn[i];
	return NULL;
}

/* ---- what we say ---- */

struct found {
	struct go_sites s;
	uint64_t *addr;
};

static int find_in(const char *file, struct go_sites *s, struct strbuf *why)
{
	int fd = open_file(file), err = go_sites_find(s, fd, why);

	close(fd);
	return err;
}

static struct found find(const char *file)
{
	struct strbuf why = STRBUF_INIT;
	struct unw_elf e;
	struct found f;
	size_t i, k;
	int fd;

	assert_int_equal(find_in(file, &f.s, &why), 0);
	assert_string_equal(why.buf, "");
	fd = open_file(file);
	assert_int_equal(unw_elf_open(&e, fd, NULL, 0, &why), 0);
	f.addr = xcalloc(f.s.cnt, sizeof(*f.addr));
	for (i = 0; i < f.s.cnt; i++)
		for (k = 0; k < e.nseg; k++)
			if (e.seg[k].exec && f.s.site[i].offset - e.seg[k].off < e.seg[k].size)
				f.addr[i] = f.s.site[i].offset - e.seg[k].off + e.seg[k].addr;
	unw_elf_close(&e);
	close(fd);
	strbuf_free(&why);
	return f;
}

static void found_free(struct found *f)
{
	go_sites_free(&f->s);
	free(f->addr);
}

static uint64_t site_of(const struct found *f, enum ct_go_call call)
{
	uint64_t addr = 0;
	size_t i;

	for (i = 0; i < f->s.cnt; i++)
		if (f->s.site[i].call == call && (!addr || f->addr[i] < addr))
			addr = f->addr[i];
	assert_true(addr != 0);
	return addr;
}

/* The function's site is its first push of rbp, and a conditional jump stands before. */
static void expect_body(const struct found *f, enum ct_go_call call, const struct listing *l,
			const char *func)
{
	const struct insn *n = l->insn;

	while (strcmp(n->func, func) || strcmp(n->name, "PUSHQ"))
		assert_true(++n < l->insn + l->cnt);
	assert_string_equal(n[-1].name, "JBE");
	assert_string_equal(n[-1].func, func);
	assert_int_equal(site_of(f, call), n->addr);
}

/* Each End that was inlined reads the word once. A site is the jump behind that instruction. */
static void expect_ends(const struct found *f, struct listing *l)
{
	size_t i, reads = 0, sites = 0;
	struct insn *n;

	for (i = 0; i < l->cnt; i++)
		reads += l->insn[i].noop && !strncmp(l->insn[i].func, "main.", 5);
	assert_int_equal(reads, INLINED);
	for (i = 0; i < f->s.cnt; i++) {
		if (f->s.site[i].call != CT_GO_REGION_END)
			continue;
		n = insn_at(l, f->addr[i]);
		assert_non_null(n); /* where an instruction begins */
		if (!strcmp(n->func, "runtime/trace.(*Region).End(SB)")) {
			assert_string_equal(n->name, "PUSHQ");
			continue;
		}
		sites++;
		assert_int_equal(n->name[0], 'J');
		assert_true((--n)->noop);
		n->noop = false; /* no two lead to one */
	}
	assert_int_equal(sites, INLINED);
}

static void expect_extents(const struct found *f, const struct strbuf *names)
{
	const struct ct_go *go = &f->s.go;

	assert_int_equal(go->text, value_of(names, "runtime.text"));
	assert_int_equal(go->etext, value_of(names, "runtime.etext"));
	assert_int_equal(go->with_region[0].from, value_of(names, "runtime/trace.WithRegion"));
	assert_int_equal(go->with_region[1].from,
			 value_of(names, "runtime/trace.WithRegion.deferwrap1"));
	assert_int_equal(go->logf.from, value_of(names, "runtime/trace.Logf"));
	assert_true(go->with_region[0].to > go->with_region[0].from);
	assert_true(go->with_region[1].to > go->with_region[1].from);
	assert_int_equal(go->logf.to, value_of(names, "runtime/trace.WithRegion"));
	assert_true(go->key_type != 0);
}

static void expect_offsets(const struct found *f, const char *file)
{
	unsigned int m, goid, startpc, curg;
	FILE *o = ask("./offsets %s", file);

	assert_int_equal(fscanf(o, "%u %u %u %u", &m, &goid, &startpc, &curg), 4);
	pclose(o);
	assert_int_equal(m, CT_GO_G_M);
	assert_int_equal(f->s.go.g_goid, goid);
	assert_int_equal(f->s.go.g_startpc, startpc);
	assert_int_equal(f->s.go.m_curg, curg);
}

/* Stripped, it is the same program. */
static void expect_same(const struct found *a, const struct found *b)
{
	size_t i;

	assert_int_equal(a->s.cnt, b->s.cnt);
	assert_int_equal(a->s.minor, b->s.minor);
	for (i = 0; i < a->s.cnt; i++) {
		assert_int_equal(a->s.site[i].call, b->s.site[i].call);
		assert_int_equal(a->addr[i], b->addr[i]);
	}
	assert_memory_equal(&a->s.go, &b->s.go, sizeof(a->s.go));
}

static bool build(const char *toolchain_name, const char *flags, const char *out, const char *src)
{
	return !sh("GOPROXY=off GOFLAGS=-buildvcs=false GOTOOLCHAIN=%s go build %s -o %s %s",
		   toolchain_name, flags, out, src);
}

static void expect_all(const struct found *f, const char *file)
{
	struct strbuf names = names_of(file);
	struct listing l = disassemble(file, value_of(&names, "runtime/trace.noopRegion"));

	expect_body(f, CT_GO_USER_TASK_CREATE, &l, "runtime/trace.userTaskCreate(SB)");
	expect_body(f, CT_GO_USER_TASK_END, &l, "runtime/trace.userTaskEnd(SB)");
	expect_body(f, CT_GO_USER_REGION, &l, "runtime/trace.userRegion(SB)");
	expect_body(f, CT_GO_USER_LOG, &l, "runtime/trace.userLog(SB)");
	expect_body(f, CT_GO_START_REGION, &l, "runtime/trace.StartRegion(SB)");
	expect_body(f, CT_GO_LOGF, &l, "runtime/trace.Logf(SB)");
	expect_ends(f, &l);
	expect_extents(f, &names);
	expect_offsets(f, file);
	free(l.insn);
	strbuf_free(&names);
}

static void write_sources(void)
{
	static char text[sizeof(annotated_go) + 256];
	const char *end_of_imports = strstr(annotated_go, "import (");

	put_file("annotated.go", annotated_go);
	snprintf(text, sizeof(text), "%.*s// int three(void) { return 3; }\nimport \"C\"\n%s%s",
		 (int)(end_of_imports - annotated_go), annotated_go, end_of_imports,
		 "var three = C.three()\n");
	put_file("linked.go", text);
}

static void programs(void **state)
{
	struct found f, before = { 0 };
	size_t t, k, seen = 0;
	bool linked;

	(void)state;
	NEED("go");
	write_sources();
	assert_true(build("local", "", "offsets", "offsets.go"));
	for (t = 0; t < COUNT(toolchain); t++) {
		for (k = 0; k < COUNT(kind); k++) {
			linked = !strncmp(kind[k].name, "cgo", 3);
			if (linked && (SANITIZED || t > 1)) /* slow: the newest and the oldest */
				continue;
			if (!build(toolchain[t], kind[k].flags, kind[k].name,
				   linked ? "linked.go" : "annotated.go")) {
				print_message("# %s: not built by %s\n", kind[k].name,
					      toolchain[t]);
				before = (struct found){ 0 };
				continue;
			}
			f = find(kind[k].name);
			seen++;
			if (k % 2 == 0) { /* with symbols */
				expect_all(&f, kind[k].name);
				before = f;
				continue;
			}
			if (before.addr)
				expect_same(&before, &f);
			found_free(&before);
			found_free(&f);
		}
	}
	assert_true(seen >= 4);
}

/* Without any optimisation: nothing is inlined. */
static void unoptimised(void **state)
{
	struct found f;

	(void)state;
	NEED("go");
	write_sources();
	assert_true(build("local", "-gcflags='all=-N -l'", "slow", "annotated.go"));
	f = find("slow");
	assert_int_equal(f.s.cnt, 7);
	assert_true(f.s.go.key_type != 0);
	found_free(&f);
}

/* ---- refusals ---- */

static uint8_t *map_file(const char *name, size_t *size)
{
	struct strbuf path = STRBUF_INIT;
	struct stat st;
	uint8_t *p;
	int fd;

	strbuf_addf(&path, "%s/%s", dir, name);
	fd = open(path.buf, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*size = (size_t)st.st_size;
	p = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	close(fd);
	strbuf_free(&path);
	return p;
}

static void expect_refusal(const char *file, int err, const char *words)
{
	struct strbuf why = STRBUF_INIT;
	struct go_sites s;

	assert_int_equal(find_in(file, &s, &why), err);
	assert_string_equal(why.buf, words);
	assert_int_equal(s.cnt, 0);
	go_sites_free(&s);
	strbuf_free(&why);
}

static uint8_t *version_in(uint8_t *p, size_t size)
{
	uint8_t *info = memmem(p, size, "\xff Go buildinf:", 14);

	assert_non_null(info);
	assert_memory_equal(info + 33, "go1.", 4);
	return info + 33;
}

static void refusals(void **state)
{
	uint8_t *p, *v;
	size_t size;

	(void)state;
	put_file("text", "no ELF");
	expect_refusal("text", -ENODATA, "");
	if (!sh("cp /bin/true c"))
		expect_refusal("c", -ENODATA, "");
	NEED("go");
	write_sources();
	put_file("silent.go", "package main\nfunc main() { println(1) }\n");
	assert_true(build("local", "", "silent", "silent.go"));
	expect_refusal("silent", -ENODATA, "");
	assert_int_equal(sh("GOARCH=arm64 CGO_ENABLED=0 go build -o arm annotated.go"), 0);
	expect_refusal("arm", -ENOTSUP, "annotations of Go programs can be seen on x86-64 only");

	assert_true(build("local", "", "refused", "annotated.go"));
	p = map_file("refused", &size);
	v = version_in(p, size);
	memcpy(v, "go1.97", 6);
	expect_refusal("refused", -ENOTSUP,
		       "Go 1.97 is not known: annotations can be seen of programs that Go 1.22 to "
		       "1.26 built");
	memcpy(v, "go1.21", 6);
	expect_refusal("refused", -ENOTSUP,
		       "Go 1.21 is not known: annotations can be seen of programs that Go 1.22 to "
		       "1.26 built");
	memcpy(v, "devel ", 6);
	expect_refusal("refused", -ENOTSUP,
		       "it does not say which release of Go built it: annotations can be seen of "
		       "programs that Go 1.22 to 1.26 built");
	munmap(p, size);
}

/* One function is not as known: it alone is left out, in words. */
static void odd_function(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct go_sites s, less;
	uint8_t *p;
	size_t size, i, at = 0;

	(void)state;
	NEED("go");
	write_sources();
	assert_true(build("local", "", "odd", "annotated.go"));
	assert_int_equal(find_in("odd", &s, &why), 0);
	for (i = 0; i < s.cnt; i++)
		if (s.site[i].call == CT_GO_USER_LOG)
			at = s.site[i].offset;
	p = map_file("odd", &size);
	assert_int_equal(p[at], 0x55);
	p[at] = 0x90;
	assert_int_equal(find_in("odd", &less, &why), 0);
	assert_string_equal(why.buf, "userLog does not begin as we know it, and is not seen");
	assert_int_equal(less.cnt, s.cnt - 1);
	go_sites_free(&less);
	/* the word that tells an inlined End: End's own body asks another one now */
	p[at] = 0x55;
	for (i = 0; i < s.cnt; i++)
		if (s.site[i].call == CT_GO_REGION_END && p[s.site[i].offset] == 0x55)
			at = s.site[i].offset;
	while (p[at] != 0x39)
		at++;
	p[at + 2]++;
	assert_int_equal(find_in("odd", &less, &why), 0);
	assert_string_equal(why.buf,
			    "(*Region).End has inlined calls that do not look as we know it, "
			    "which are not seen: 5");
	assert_int_equal(less.cnt, s.cnt - INLINED);
	go_sites_free(&less);
	go_sites_free(&s);
	munmap(p, size);
	strbuf_free(&why);
}

/* A profile can make the compiler inline what else it never does. */
static void by_profile(void **state)
{
	struct strbuf why = STRBUF_INIT;
	struct go_sites s;

	(void)state;
	NEED("go");
	write_sources();
	put_file("profile", "GO PREPROFILE V1\n"
			    "main.b\nruntime/trace.StartRegion\n1 100\n");
	if (!build("local",
		   "-gcflags=-pgoprofile=$PWD/profile -gcflags=runtime/trace=-pgoprofile=$PWD/profile",
		   "hot", "annotated.go")) {
		print_message("# this Go reads profiles of another kind\n");
		skip();
	}
	assert_int_equal(find_in("hot", &s, &why), 0);
	assert_string_equal(why.buf, "StartRegion has inlined calls, which are not seen: 1");
	go_sites_free(&s);
	strbuf_free(&why);
}

static void placed(void **state)
{
	struct ct_go go = { .key_type = 1,
			    .text = 2,
			    .etext = 3,
			    .g_goid = 4,
			    .with_region = { { 10, 20 }, { 30, 40 } },
			    .logf = { 50, 60 } };
	struct ct_go p = go_placed(&go, 1000, 7);

	(void)state;
	assert_int_equal(p.key_type, 1001);
	assert_int_equal(p.text, 1002);
	assert_int_equal(p.etext, 1003);
	assert_int_equal(p.bias, 1000);
	assert_int_equal(p.module, 7);
	assert_int_equal(p.g_goid, 4);
	assert_int_equal(p.with_region[0].from, 1010);
	assert_int_equal(p.with_region[1].to, 1040);
	assert_int_equal(p.logf.from, 1050);
	go.key_type = 0; /* unknown stays unknown */
	assert_int_equal(go_placed(&go, 1000, 7).key_type, 0);
}

/* ---- damage ---- */

static void spoil(uint8_t *p, size_t size, uint64_t *r)
{
	static const uint64_t odd[] = { 0, 1, 0x7f, 0x80, 0x7fffffff, 0xffffffff, UINT64_MAX };
	size_t n = (size_t)1 << rnd(r) % 4, at = rnd(r) % size;
	uint64_t v = rnd(r) % 2 ? odd[rnd(r) % COUNT(odd)] : rnd(r);

	if (at + n <= size)
		memcpy(p + at, &v, n);
}

/* A part of the file, those that matter more often than their size. */
static void damage(uint8_t *p, size_t size, const Elf64_Shdr *part, size_t npart, uint64_t *r)
{
	size_t rounds = 1 + rnd(r) % 4, i;
	const Elf64_Shdr *s;

	while (rounds--) {
		s = &part[rnd(r) % npart];
		switch (rnd(r) % 5) {
		case 0:
			spoil(p, 4096, r); /* headers */
			break;
		case 1:
			spoil(p + s->sh_offset, s->sh_size < 128 ? s->sh_size : 128, r);
			break;
		case 2: /* all over a part, so that each function is hit */
			for (i = rnd(r) % 20000; i; i--)
				spoil(p + s->sh_offset, s->sh_size, r);
			break;
		case 3:
			spoil(p + s->sh_offset, s->sh_size, r);
			break;
		default:
			spoil(p, size, r);
		}
	}
}

static void expect_sound(const struct go_sites *s, size_t size)
{
	size_t i;

	for (i = 0; i < s->cnt; i++) {
		assert_true(s->site[i].offset < size);
		assert_in_range(s->site[i].call, CT_GO_USER_TASK_CREATE, CT_GO_LOGF);
	}
}

static void damaged(void **state)
{
	static const char *const names[] = { ".gopclntab", ".go.buildinfo", ".go.module",
					     ".noptrdata", ".rodata",	    ".text" };
	const char *times = getenv("CTRACE_FUZZ_N");
	size_t n = times ? strtoul(times, NULL, 10) / 10 : SANITIZED ? 60 : 300;
	struct strbuf why = STRBUF_INIT;
	Elf64_Shdr part[COUNT(names)];
	size_t npart = 0, size, i, good = 0;
	const Elf64_Shdr *sh;
	struct unw_elf e;
	struct go_sites s;
	uint8_t *p, *copy;
	uint64_t r;
	int fd, err;

	(void)state;
	NEED("go");
	write_sources();
	assert_true(build("local", "-ldflags='-s -w'", "seed", "annotated.go"));
	p = map_file("seed", &size);
	assert_int_equal(unw_elf_open(&e, -1, p, size, &why), 0);
	for (i = 0; i < COUNT(names); i++) {
		sh = unw_elf_section(&e, names[i]);
		if (sh)
			part[npart++] = *sh;
	}
	unw_elf_close(&e);
	assert_true(npart >= 4);
	copy = xmalloc(size);
	for (i = 0; i < n; i++) {
		r = 0x9e3779b97f4a7c15ull * (i + 1) | 1;
		memcpy(copy, p, size);
		damage(copy, size, part, npart, &r);
		fd = memfd_create("damaged", MFD_CLOEXEC);
		assert_int_equal(write(fd, copy, rnd(&r) % 20 ? size : rnd(&r) % size) < 0, 0);
		err = go_sites_find(&s, fd, &why);
		assert_true(err <= 0);
		assert_true(err != -ENOTSUP || why.len);
		expect_sound(&s, size);
		good += !err;
		go_sites_free(&s);
		close(fd);
	}
	assert_in_range(good, n / 10, n - 1);
	free(copy);
	munmap(p, size);
	strbuf_free(&why);
}

static int set_up(void **state)
{
	static char text[8192];
	FILE *f = fopen("tests/annot/gooffsets.go", "re");
	size_t n;

	if (!f || make_dir(state))
		return -1;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	put_bytes("offsets.go", text, n);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies),	cmocka_unit_test(programs),
		cmocka_unit_test(unoptimised),	cmocka_unit_test(refusals),
		cmocka_unit_test(odd_function), cmocka_unit_test(by_profile),
		cmocka_unit_test(placed),	cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, set_up, remove_dir);
}
