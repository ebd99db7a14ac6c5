/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Unix socket. What a connection speaks is told by its first byte, which is looked at and left
 * there: { or [ or a blank is JSON-RPC, one text behind the other as in geth's IPC, with
 * descriptors where a method takes them; WIRE_MAGIC is libctrace; all else is HTTP and goes there.
 * Slow ones and silent ones are closed.
 */
#ifndef CTRACE_RPC_STREAM_H
#define CTRACE_RPC_STREAM_H

#include <stdint.h>

struct http;
struct loop;
struct methods_service;
struct recordings;
struct stream;
struct strbuf;

struct stream_opts {
	struct loop *loop;
	struct methods_service *service; /* borrowed, as the next */
	struct http *http;
	int listen_fd; /* listening; taken */
	unsigned max_connections;
	uint64_t patience_ns; /* with who has begun no text, or not ended one, or reads no answer;
				 0: 30 s */
};

/* NULL with errno. */
struct stream *stream__new(const struct stream_opts *opts);
void stream__free(struct stream *s); /* NULL is fine */

#endif
