// SPDX-License-Identifier: BSD-2-Clause
/* Names as their programmers wrote them. */
#include "helpers.h"
#include "symbol/symname.h"

static const struct {
	const char *raw, *want;
} names[] = {
	{ "main", "main" },
	{ "_start", "_start" },
	{ "write@@GLIBC_2.2.5", "write" },
	{ "write@GLIBC_2.2.5", "write" },
	{ "puts@plt", "puts@plt" },
	{ "@odd", "@odd" },
	{ "foo.part.0", "foo.part.0" },
	{ "foo.llvm.123456", "foo" },
	{ "_Z", "_Z" },
	{ "_R", "_R" },
	{ "_Z3foov", "foo" },
	{ "_ZN2ns5Class6methodEi", "ns::Class::method" },
	{ "_ZN2ns5Class6methodEi.cold", "ns::Class::method.cold" },
	{ "_ZN2ns5Class6methodEi.constprop.0.isra.1", "ns::Class::method.constprop.0.isra.1" },
	{ "_ZN2ns5Class6methodEi@plt", "ns::Class::method@plt" },
	{ "_ZNSolsEi@@GLIBCXX_3.4", "std::ostream::operator<<" },
	{ "_ZN3FooC4Ev", "Foo::Foo" },
	{ "_ZN12_GLOBAL__N_14testEv", "(anonymous namespace)::test" },
	{ "_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()" },
	{ "_ZNSt6vectorIiSaIiEE9push_backERKi",
	  "std::vector<int, std::allocator<int> >::push_back" },
	{ "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad" },
	{ "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE.llvm.77", "core::fmt::Formatter::pad" },
	{ "_ZN42_$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE",
	  "<&T as core::fmt::Debug>::fmt" },
	{ "_RNvCs1234_7mycrate3foo", "mycrate::foo" },
	{ "_RNvC7mycrate3foo.llvm.1234", "mycrate::foo" },
};

static void known(void **state)
{
	struct strbuf out = STRBUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		strbuf_reset(&out);
		symname(&out, names[i].raw);
		assert_string_equal(out.buf, names[i].want);
	}
	strbuf_free(&out);
}

/* Whatever it is, it has a name, and nothing is read outside of it. */
static void invented(void **state)
{
	static const char alphabet[] = "_ZRNSIEKUlhv0123456789.@$Cs";
	struct strbuf out = STRBUF_INIT;
	uint64_t seed = 5;
	size_t round, i, n;
	char *raw;

	(void)state;
	for (round = 0; round < 20000; round++) {
		n = 1 + rnd(&seed) % 40;
		raw = xmalloc(n + 1);
		for (i = 0; i < n; i++)
			raw[i] = alphabet[rnd(&seed) % (sizeof(alphabet) - 1)];
		if (round % 2)
			memcpy(raw, "_Z", n < 2 ? n : 2);
		raw[n] = '\0';
		strbuf_reset(&out);
		symname(&out, raw);
		assert_true(out.len > 0 || raw[0] == '.');
		free(raw);
	}
	strbuf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known),
		cmocka_unit_test(invented),
	};

	return cmocka_run_group_tests_name("symname", tests, NULL, NULL);
}
