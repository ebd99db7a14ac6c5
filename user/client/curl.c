// SPDX-License-Identifier: BSD-2-Clause
/* See curl.h. */
#include "client/curl.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "util/strbuf.h"

static const char *const names[] = { "libcurl-gnutls.so.4", "libcurl.so.4", NULL };

#define ROW(field, symbol)                                \
	{                                                 \
		offsetof(struct curl_lib, field), #symbol \
	}
static const struct {
	size_t at;
	const char *symbol;
} rows[] = {
	ROW(global_init, curl_global_init),
	ROW(easy_init, curl_easy_init),
	ROW(easy_cleanup, curl_easy_cleanup),
	ROW(easy_setopt, curl_easy_setopt),
	ROW(easy_getinfo, curl_easy_getinfo),
	ROW(easy_strerror, curl_easy_strerror),
	ROW(multi_init, curl_multi_init),
	ROW(multi_cleanup, curl_multi_cleanup),
	ROW(multi_add_handle, curl_multi_add_handle),
	ROW(multi_remove_handle, curl_multi_remove_handle),
	ROW(multi_perform, curl_multi_perform),
	ROW(multi_poll, curl_multi_poll),
	ROW(multi_info_read, curl_multi_info_read),
	ROW(slist_append, curl_slist_append),
	ROW(slist_free_all, curl_slist_free_all),
	ROW(url, curl_url),
	ROW(url_cleanup, curl_url_cleanup),
	ROW(url_set, curl_url_set),
	ROW(url_get, curl_url_get),
	ROW(free, curl_free),
};

/* Each of the fields is a pointer to a function. */
_Static_assert(sizeof(struct curl_lib) == sizeof(void *) * (1 + sizeof(rows) / sizeof(rows[0])),
	       "a row for each function");

int curl_load(struct curl_lib *lib, struct strbuf *why)
{
	void *fn;
	size_t i;

	*lib = (struct curl_lib){ 0 };
	for (i = 0; names[i] && !lib->handle; i++)
		lib->handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!lib->handle) {
		strbuf_set_f(
			why,
			"libcurl is not here, which URLs need: apt install libcurl4, or give the path of the service's socket");
		return -ENOENT;
	}
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fn = dlsym(lib->handle, rows[i].symbol);
		if (!fn) {
			strbuf_set_f(why, "libcurl is too old: it has no %s (7.66 is needed)",
				     rows[i].symbol);
			return -ENOENT;
		}
		memcpy((char *)lib + rows[i].at, &fn, sizeof(fn));
	}
	lib->global_init(CURL_GLOBAL_DEFAULT);
	return 0;
}
