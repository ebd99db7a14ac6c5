// SPDX-License-Identifier: BSD-2-Clause
/* What is to be probed in a file, by what was asked for. The file is compiled here. */
#include "helpers.h"
#include "programs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "annot/plan.h"
#include "annot/planwire.h"
#include "bpf/event.h"

struct told {
	char site[16][64];
	uint32_t nsite;
	char trouble[16][256];
	size_t ntrouble;
};

static uint32_t new_site(void *ctx, const char *name)
{
	struct told *t = ctx;

	assert_true(t->nsite < 16);
	snprintf(t->site[t->nsite], sizeof(t->site[0]), "%s", name);
	return ++t->nsite;
}

static void keep(void *ctx, const char *sentence)
{
	struct told *t = ctx;

	assert_true(t->ntrouble < 16);
	snprintf(t->trouble[t->ntrouble++], sizeof(t->trouble[0]), "%s", sentence);
}

/* Two of our markers, a marker of the shop with one byte, one of five in a leaf, and functions. */
static const char shop_c[] =
	"#include <ctrace/ctrace.h>\n"
	"#define NOTE(name, args) \".pushsection .note.stapsdt,\\\"\\\",\\\"note\\\"\\n.balign 4\\n\" \\\n"
	"  \".4byte 992f-991f, 994f-993f, 3\\n991: .asciz \\\"stapsdt\\\"\\n992: .balign 4\\n993: .8byte 990b, _.stapsdt.base, 0\\n\" \\\n"
	"  \".asciz \\\"shop\\\"\\n.asciz \\\"\" name \"\\\"\\n.asciz \\\"\" args \"\\\"\\n994: .balign 4\\n.popsection\\n\"\n"
	"__attribute__((noinline)) void opens(long n) { __asm__ volatile(\"990: nop\\n\" NOTE(\"opens\", \"8@%%rdi\") :: \"D\"(n)); }\n"
	"__attribute__((noinline)) void closes(long n) { __asm__ volatile(\"990: nop\\n\" NOTE(\"closes\", \"8@%%rdi\") :: \"D\"(n)); }\n"
	"__attribute__((noinline)) long leaf(long n) { volatile long a[4] = { n, 1, 2, 3 }; __asm__ volatile(\"990: .byte 0x0f,0x1f,0x44,0,0\\n\" NOTE(\"leaf\", \"8@%%rdi\") :: \"D\"(n)); return a[0] + a[1] + a[2] + a[3]; }\n"
	"__attribute__((noinline)) void framed(long n) { __asm__ volatile(\"990: .byte 0x0f,0x1f,0x44,0,0\\n\" NOTE(\"framed\", \"8@%%rdi\") :: \"D\"(n)); opens(n); closes(n); }\n"
	"__attribute__((noinline)) int bake(int n) { __asm__ volatile(\"\" ::: \"memory\"); if (n > 3) return n * 3; __asm__ volatile(\"\" ::: \"memory\"); return n; }\n"
	"int main(int argc, char **argv) { (void)argv;\n"
	"  ctrace_region r = ctrace_region_begin(ctrace_background(), \"main\");\n"
	"  opens(argc); framed(argc); leaf(argc); closes(argc); argc = bake(argc); ctrace_region_end(r); return argc; }\n";

static void compile(void)
{
	char root[2048];

	assert_non_null(getcwd(root, sizeof(root)));
	put_file("shop.c", shop_c);
	assert_int_equal(sh("gcc -O2 -I%s/include -o shop shop.c", root), 0);
}

struct made {
	struct plan plan;
	struct told told;
	struct plan_found found[4];
	struct annot_spec spec[4];
	size_t nspec;
	bool old_kernel; /* on which a probe is a breakpoint */
};

static void wish(struct made *m, enum annot_spec_kind kind, const char *text)
{
	struct strbuf why = STRBUF_INIT;

	assert_int_equal(annot_spec_parse(&m->spec[m->nspec++], kind, text, &why), 0);
	strbuf_free(&why);
}

static void make(struct made *m, bool header)
{
	struct plan_env env = { new_site, keep, &m->told, m->found };
	struct plan_wishes wishes = {
		.header = header,
		.calls = !m->old_kernel,
		.spec = m->spec,
		.nspec = m->nspec,
	};
	int fd = open_file("shop");

	struct strbuf wire = STRBUF_INIT;

	/* as it comes from the process that reads files */
	planwire_make(&wire, fd, "/opt/shop", &wishes, wishes.calls);
	assert_int_equal(planwire_take(&m->plan, wire.buf, wire.len, &wishes, &env), 0);
	strbuf_free(&wire);
	close(fd);
}

static void done(struct made *m)
{
	size_t i;

	plan_free(&m->plan);
	for (i = 0; i < m->nspec; i++) {
		annot_spec_free(&m->spec[i]);
		free(m->found[i].why);
	}
}

static uint32_t any_site(void *ctx, const char *name)
{
	(void)ctx;
	return *name ? 1 : 2;
}

static void no_trouble(void *ctx, const char *sentence)
{
	(void)ctx;
	(void)sentence;
}

/* What another process tells is taken whole or not at all. */
static void cut_short(void **state)
{
	struct plan_wishes wishes = { .header = true, .nspec = 1 };
	struct strbuf wire = STRBUF_INIT;
	struct made m = { 0 };
	struct plan_env env = { any_site, no_trouble, NULL, m.found };
	int fd = open_file("shop");
	size_t n;

	(void)state;
	wish(&m, SPEC_REGION, "shop:bake");
	wishes.spec = m.spec;
	planwire_make(&wire, fd, "/opt/shop", &wishes, true);
	for (n = 0; n < wire.len; n++) {
		char *copy = xmalloc(n + 1);

		memcpy(copy, wire.buf, n);
		assert_int_equal(planwire_take(&m.plan, copy, n, &wishes, &env), -EPROTO);
		assert_true(plan_is_empty(&m.plan));
		free(copy);
	}
	assert_int_equal(planwire_take(&m.plan, wire.buf, n, &wishes, &env), 0);
	assert_true(m.plan.nheader && m.plan.nfunc);
	done(&m);
	strbuf_free(&wire);
	close(fd);
}

static void our_own_markers(void **state)
{
	struct made m = { 0 };
	unsigned seen = 0;
	size_t i;

	(void)state;
	make(&m, true);
	assert_int_equal(m.told.ntrouble, 0);
	assert_int_equal(m.plan.nheader, 4); /* each has one for children */
	assert_false(plan_is_empty(&m.plan));
	for (i = 0; i < m.plan.nheader; i++) {
		seen |= 1u << CT_COOKIE_OP(m.plan.header[i].cookie);
		assert_int_equal(CT_COOKIE_BY(m.plan.header[i].cookie), EV_BY_HEADER);
		assert_true(m.plan.header[i].offset && m.plan.header[i].semaphore);
	}
	assert_int_equal(seen, 1u << EV_MARK_REGION_BEGIN | 1u << EV_MARK_REGION_END);
	done(&m);
}

static void nothing_that_was_not_asked_for(void **state)
{
	struct made m = { 0 };

	(void)state;
	wish(&m, SPEC_REGION, "other:bake");
	make(&m, false);
	assert_true(plan_is_empty(&m.plan));
	assert_int_equal(m.found[0].files, 0);
	done(&m);
}

static void a_function_is_its_entry_and_its_exits(void **state)
{
	struct made m = { 0 };
	size_t i, ends = 0;

	(void)state;
	wish(&m, SPEC_REGION, "shop:bake");
	wish(&m, SPEC_REGION, "shop:b?ke"); /* the same again */
	make(&m, false);
	assert_int_equal(m.found[0].sites, 1);
	assert_true(m.plan.nfunc >= 2);
	for (i = 0; i < m.plan.nfunc; i++) {
		assert_int_equal(CT_COOKIE_BY(m.plan.func[i].cookie), EV_BY_FUNC);
		assert_int_equal(CT_COOKIE_SITE(m.plan.func[i].cookie), 1);
		assert_int_equal(m.plan.func[i].semaphore, 0);
		ends += CT_COOKIE_OP(m.plan.func[i].cookie) == EV_MARK_REGION_END;
	}
	assert_int_equal(ends, m.plan.nfunc - 1);
	assert_string_equal(m.told.site[0], "bake");
	done(&m);
}

static void markers_of_others(void **state)
{
	struct made m = { 0 };

	(void)state;
	wish(&m, SPEC_USDT, "shop:shop:*o*s*");
	wish(&m, SPEC_USDT_REGION, "shop:shop:opens,closes:arg1");
	make(&m, false);
	assert_int_equal(m.told.ntrouble, 0);
	assert_int_equal(m.found[0].sites, 2);
	assert_int_equal(m.found[1].sites, 1);
	assert_int_equal(m.plan.nusdt, 4);
	assert_int_equal(CT_COOKIE_OP(m.plan.usdt[0].cookie), EV_MARK_LOG);
	assert_string_equal(m.told.site[CT_COOKIE_SITE(m.plan.usdt[0].cookie) - 1], "shop:opens");
	assert_int_equal(CT_COOKIE_OP(m.plan.usdt[2].cookie), EV_MARK_REGION_BEGIN);
	assert_int_equal(CT_COOKIE_EXTRA(m.plan.usdt[2].cookie), 1);
	assert_int_equal(CT_COOKIE_OP(m.plan.usdt[3].cookie), EV_MARK_REGION_END);
	assert_int_equal(CT_COOKIE_SITE(m.plan.usdt[2].cookie),
			 CT_COOKIE_SITE(m.plan.usdt[3].cookie));
	done(&m);
}

/* Who asks twice does not hear all twice. */
static void the_same_again(void **state)
{
	struct made m = { 0 };

	(void)state;
	wish(&m, SPEC_USDT, "shop:shop:opens");
	wish(&m, SPEC_USDT, "sho?:shop:*o*s*");
	wish(&m, SPEC_USDT_REGION, "shop:shop:opens,closes");
	wish(&m, SPEC_USDT_REGION, "/opt/shop:shop:opens,closes");
	make(&m, false);
	assert_int_equal(m.plan.nusdt, 2 + 2);
	assert_int_equal(m.found[1].sites, 2);
	assert_int_equal(m.found[3].sites, 1);
	done(&m);

	m = (struct made){ 0 };
	wish(&m, SPEC_USDT_REGION, "shop:shop:opens,closes");
	wish(&m, SPEC_USDT_REGION, "shop:shop:opens,closes:arg1"); /* called otherwise */
	wish(&m, SPEC_USDT_REGION, "shop:shop:opens,closes,opens");
	make(&m, false);
	assert_int_equal(m.plan.nusdt, 2 + 2 + 3);
	done(&m);
}

static void what_would_do_harm_is_refused(void **state)
{
	struct made m = { 0 };

	(void)state;
	wish(&m, SPEC_USDT, "shop:shop:leaf");
	wish(&m, SPEC_USDT_REGION, "shop:shop:opens,leaf");
	wish(&m, SPEC_USDT_REGION, "shop:shop:opens,never");
	make(&m, false);
	assert_int_equal(m.plan.nusdt, 0);
	assert_int_equal(m.found[0].sites + m.found[1].sites + m.found[2].sites, 0);
	assert_non_null(strstr(m.found[0].why, "below the stack pointer"));
	assert_non_null(strstr(m.found[1].why, "below the stack pointer"));
	assert_non_null(strstr(m.found[2].why, "would never end"));
	/* one sentence each: that a marker is refused is not that there is none */
	assert_int_equal(m.told.ntrouble, 3);
	assert_int_equal(m.found[1].refused, 1);
	done(&m);
}

/* Where a probe is a breakpoint it overwrites nothing, and a child can have it. */
static void an_older_kernel_does_no_harm(void **state)
{
	struct made m = { .old_kernel = true };

	(void)state;
	wish(&m, SPEC_USDT, "shop:shop:leaf");
	wish(&m, SPEC_USDT, "shop:shop:framed");
	make(&m, false);
	assert_int_equal(m.plan.nusdt, 2);
	done(&m);
}

/* Not even in a function with a frame of its own: a child would die of it. */
static void five_bytes_are_refused(void **state)
{
	struct made m = { 0 };

	(void)state;
	wish(&m, SPEC_USDT, "shop:shop:framed");
	make(&m, false);
	assert_int_equal(m.plan.nusdt, 0);
	assert_non_null(strstr(m.found[0].why, "forked child"));
	done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_own_markers),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(nothing_that_was_not_asked_for),
		cmocka_unit_test(a_function_is_its_entry_and_its_exits),
		cmocka_unit_test(markers_of_others),
		cmocka_unit_test(the_same_again),
		cmocka_unit_test(what_would_do_harm_is_refused),
		cmocka_unit_test(an_older_kernel_does_no_harm),
		cmocka_unit_test(five_bytes_are_refused),
	};

	if (make_dir(NULL))
		return 1;
	if (have("gcc"))
		compile();
	return cmocka_run_group_tests(tests, NULL, remove_dir);
}
