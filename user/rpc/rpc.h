/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON-RPC 2.0 (jsonrpc.org/specification), as geth speaks it: a text comes in, a text goes out
 * when the last of its calls is answered, and nothing for notifications. Pure: no socket, no file.
 * Depth and size are bounded before anything is made of them.
 */
#ifndef CTRACE_RPC_RPC_H
#define CTRACE_RPC_RPC_H

#include <jansson.h>
#include <stddef.h>

#include "rights/caller.h"

struct rpc_call;
struct rpc_text;

enum rpc_code {
	RPC_PARSE = -32700,
	RPC_REQUEST = -32600,
	RPC_METHOD = -32601,
	RPC_PARAMS = -32602,
	RPC_INTERNAL = -32603,
	RPC_FAILED = -32000,	/* of the method itself, as in geth */
	RPC_TOO_LARGE = -32003, /* the reply to a batch, as in geth */
};

#define RPC_TEXT_MAX (1u << 20)	 /* bytes of a text */
#define RPC_DEPTH_MAX 32	 /* of arrays and objects in each other */
#define RPC_BATCH_MAX 100	 /* calls */
#define RPC_REPLY_MAX (4u << 20) /* bytes; one call may still go beyond it */
#define RPC_FDS_MAX 4		 /* descriptors that came with a text, on a Unix socket */
#define RPC_WORDS_MAX 512	 /* parameters of one call that takes many */

/*
 * A row: its method, and how many of params it takes at least and at most. What is missing or too
 * much is refused by the table ("missing value for required argument 0", "too many arguments, want
 * at most 2"); names in place of positions are refused.
 */
struct rpc_method {
	const char *name; /* NULL at the end */
	unsigned min, max;
	/* To be answered once, now or later, by one of the functions below. */
	void (*fn)(struct rpc_call *call);
};

/* From whom a text comes, and where to. */
struct rpc_peer {
	struct caller caller;
	const struct rpc_method *methods;
	void *service; /* for the methods */
	const int *fd; /* that came with it; borrowed while rpc_text__new() runs */
	size_t nfd;
	/* All is answered: the reply is borrowed, and is ended by a newline on a stream; NULL:
	 * there is none. Called once, perhaps from within rpc_text__new(). */
	void (*done)(void *ctx, const char *reply, size_t len);
	void *ctx;
};

/*
 * NULL: it is answered already, and done() was called. Else calls are under way. Those of a batch
 * run one behind the other, and have no descriptors.
 */
struct rpc_text *rpc_text__new(const struct rpc_peer *peer, const char *text, size_t len);
/* Who asked says nothing any more, and waits: for calls that take this as a word; once. It may be
 * answered by this. */
void rpc_text__hang_up(struct rpc_text *t);
/* Who asked is gone: done() is not called any more, and t is not the caller's any more. What is
 * under way goes on, unless it minds (rpc_on_hang_up()); what has not begun does not begin. */
void rpc_text__let_go(struct rpc_text *t);

const json_t *rpc_param(const struct rpc_call *call,
			unsigned nth); /* NULL: was not given, or is null */
const struct caller *rpc_caller(const struct rpc_call *call);
void *rpc_service(const struct rpc_call *call);
int rpc_fd(const struct rpc_call *call, unsigned nth); /* -1: there is none; only while fn() runs */
/* Until it is answered fn is called when who asked has closed his side, and when he is gone: once
 * each. */
void rpc_on_hang_up(struct rpc_call *call, void (*fn)(void *ctx), void *ctx);

/* Each of these ends the call: the pointer is gone. */
void rpc_result(struct rpc_call *call, json_t *result); /* takes the reference; NULL is null */
void rpc_error(struct rpc_call *call, enum rpc_code code, const char *message);
/* "invalid argument 1: …" */
__attribute__((format(printf, 3, 4))) void rpc_bad_param(struct rpc_call *call, unsigned nth,
							 const char *fmt, ...);

#endif
