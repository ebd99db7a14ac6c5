// SPDX-License-Identifier: BSD-2-Clause
/* Which requests come from where they should, by Host, Origin and Sec-Fetch-Site. */
#include "helpers.h"

#include "http/http_check.h"

struct row {
	bool fine;
	const char *host, *origin, *site;
};

static void check_rows(const struct http_names *names, const struct row *row, size_t cnt)
{
	struct strbuf why = STRBUF_INIT;

	for (size_t i = 0; i < cnt; i++) {
		struct http_head head = { row[i].host, row[i].origin, row[i].site,
					  row[i].host != NULL };
		int err;

		strbuf_reset(&why);
		err = http_check(names, &head, &why);
		if (err != (row[i].fine ? 0 : -EPERM) || !why.len != row[i].fine)
			fail_msg("Host %s, Origin %s, Site %s: %d %s", row[i].host, row[i].origin,
				 row[i].site, err, why.buf);
	}
	strbuf_free(&why);
}

static void on_loopback(void **state)
{
	static const struct http_names names = { .listen = "127.0.0.1" };
	static const struct row rows[] = {
		{ true, "localhost:6060", NULL, NULL },
		{ true, "LocalHost", NULL, NULL },
		{ true, "localhost:", NULL, NULL },
		{ true, "127.0.0.1:6060", NULL, NULL },
		{ true, "[::1]:6060", NULL, NULL },
		{ true, "[0:0::1]:6060", NULL, NULL },
		{ false, NULL, NULL, NULL },
		{ false, "", NULL, NULL },
		{ false, ":6060", NULL, NULL },
		{ false, "evil.example", NULL, NULL },
		{ false, "evil.example:6060", NULL, NULL },
		{ false, "localhost.evil.example", NULL, NULL },
		{ false, "evil.example:localhost", NULL, NULL },
		{ false, "localhost:99999", NULL, NULL },
		{ false, "localhost:60x", NULL, NULL },
		{ false, "localhost:6060:1", NULL, NULL },
		{ false, "localhost@evil.example", NULL, NULL },
		{ false, "localhost/", NULL, NULL },
		{ false, "localhost ", NULL, NULL },
		{ false, "127.0.0.2", NULL, NULL },
		{ false, "[::1", NULL, NULL },
		{ false, "[::2]", NULL, NULL },
		{ false, "[localhost]", NULL, NULL },
		{ false, "[::1]6060", NULL, NULL },
		{ false, "::1", NULL, NULL },
		/* Origin */
		{ true, "localhost:6060", "http://localhost:6060", NULL },
		{ true, "LOCALHOST:6060", "HTTP://localhost:6060", NULL },
		{ true, "localhost", "http://localhost:80", NULL },
		{ true, "localhost:80", "http://localhost", NULL },
		{ true, "[::1]:6060", "http://[::1]:6060", NULL },
		{ false, "localhost:6060", "", NULL },
		{ false, "localhost:6060", "null", NULL },
		{ false, "localhost:6060", "http://localhost", NULL },
		{ false, "localhost:6060", "http://localhost:6061", NULL },
		{ false, "localhost:6060", "https://localhost:6060", NULL },
		{ false, "localhost:6060", "http://127.0.0.1:6060", NULL },
		{ false, "localhost:6060", "http://evil.example", NULL },
		{ false, "localhost:6060", "http://localhost:6060.evil.example", NULL },
		{ false, "localhost:6060", "http://localhost:6060/", NULL },
		{ false, "localhost:6060", "http://localhost:6060@evil.example", NULL },
		{ false, "evil.example", "http://evil.example", NULL },
		/* Sec-Fetch-Site */
		{ true, "localhost:6060", NULL, "none" },
		{ true, "localhost:6060", "http://localhost:6060", "same-origin" },
		{ false, "localhost:6060", NULL, "cross-site" },
		{ false, "localhost:6060", NULL, "same-site" },
		{ false, "localhost:6060", "http://localhost:6060", "cross-site" },
		{ false, "localhost:6060", NULL, "" },
	};

	(void)state;
	check_rows(&names, rows, COUNT(rows));
}

static void with_tls(void **state)
{
	static const struct http_names names = { .listen = "192.0.2.7", .tls = true };
	static const struct row rows[] = {
		{ true, "192.0.2.7:6060", NULL, NULL },
		{ false, "192.0.2.8:6060", NULL, NULL },
		{ true, "192.0.2.7", "https://192.0.2.7:443", NULL },
		{ false, "192.0.2.7", "http://192.0.2.7", NULL },
	};

	(void)state;
	check_rows(&names, rows, COUNT(rows));
}

/* An address cannot be made to lead elsewhere; a name can. */
static void on_all_addresses(void **state)
{
	static const struct http_names names = { .any_address = true, .self = "box" };
	static const struct row rows[] = {
		{ true, "192.0.2.8:6060", NULL, NULL },
		{ true, "[2001:db8::1]:6060", NULL, NULL },
		{ true, "Box:6060", NULL, NULL },
		{ true, "localhost:6060", NULL, NULL },
		{ false, "box.example:6060", NULL, NULL },
		{ false, "evil.example", NULL, NULL },
		{ false, "192.0.2.8.nip.io", NULL, NULL },
		{ false, "[box]", NULL, NULL },
	};

	(void)state;
	check_rows(&names, rows, COUNT(rows));
}

static void on_the_socket(void **state)
{
	static const struct http_names names = { .any_name = true };
	static const struct row rows[] = {
		{ true, "whatever", NULL, NULL },   { true, "d", NULL, NULL },
		{ false, NULL, NULL, NULL },	    { false, "d", "http://evil.example", NULL },
		{ false, "d", NULL, "cross-site" },
	};

	(void)state;
	check_rows(&names, rows, COUNT(rows));
}

static void one_host_alone(void **state)
{
	static const struct http_names names = { .listen = "127.0.0.1" };
	struct http_head head = { .host = "localhost", .hosts = 2 };
	struct strbuf why = STRBUF_INIT;

	(void)state;
	assert_int_equal(http_check(&names, &head, &why), -EPERM);
	strbuf_free(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_loopback),	    cmocka_unit_test(with_tls),
		cmocka_unit_test(on_all_addresses), cmocka_unit_test(on_the_socket),
		cmocka_unit_test(one_host_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
