/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libcurl, taken when it is needed: who only uses the local socket, or only records, needs none. It
 * is the same library with GnuTLS or with OpenSSL.
 */
#ifndef CTRACE_CLIENT_CURL_H
#define CTRACE_CLIENT_CURL_H

#include <curl/curl.h>

struct strbuf;

struct curl_lib {
	void *handle;
	__typeof__(&curl_global_init) global_init;
	__typeof__(&curl_easy_init) easy_init;
	__typeof__(&curl_easy_cleanup) easy_cleanup;
	__typeof__(&curl_easy_setopt) easy_setopt;
	__typeof__(&curl_easy_getinfo) easy_getinfo;
	__typeof__(&curl_easy_strerror) easy_strerror;
	__typeof__(&curl_multi_init) multi_init;
	__typeof__(&curl_multi_cleanup) multi_cleanup;
	__typeof__(&curl_multi_add_handle) multi_add_handle;
	__typeof__(&curl_multi_remove_handle) multi_remove_handle;
	__typeof__(&curl_multi_perform) multi_perform;
	__typeof__(&curl_multi_poll) multi_poll;
	__typeof__(&curl_multi_info_read) multi_info_read;
	__typeof__(&curl_slist_append) slist_append;
	__typeof__(&curl_slist_free_all) slist_free_all;
	__typeof__(&curl_url) url;
	__typeof__(&curl_url_cleanup) url_cleanup;
	__typeof__(&curl_url_set) url_set;
	__typeof__(&curl_url_get) url_get;
	__typeof__(&curl_free) free;
};

/* 0, or -ENOENT with the sentence in why. It is never given back: it has threads and handlers of
 * its own. */
int curl_load(struct curl_lib *lib, struct strbuf *why);

#endif
