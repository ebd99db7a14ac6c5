/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to the process that reads files, with a limit of time: a worker that says nothing for
 * too long is killed, one that dies is noticed, and the next question goes to a new one, which
 * knows no module. One thread asks; any thread may give up.
 */
#ifndef CTRACE_SYMBOL_SYMCLIENT_H
#define CTRACE_SYMBOL_SYMCLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "symbol/symproto.h"
#include "symbol/symworker.h"

struct strbuf;
struct symclient;

/* Forks, see symzygote.h. NULL with errno. */
struct symclient *symclient__new(unsigned timeout_ms, symworker_hook hook);
void symclient__free(struct symclient *c); /* NULL is fine */

/*
 * Which worker the next question goes to, from 1; a new one has a new number and must be told its
 * modules. 0: there is none, and never will be.
 */
uint32_t symclient__worker(struct symclient *c, struct strbuf *why);

/* 0 or -errno. The packet is a SYM_MODULE; the descriptors stay open here. */
int symclient__module(struct symclient *c, const struct sym_packet *p, const int *fd, size_t nfd);

/* func[0] is the innermost; texts end in a NUL, file "" where none is known; valid in the call. */
struct sym_client_func {
	const char *func, *file;
	uint32_t line;
};
typedef void (*symclient_fn)(void *ctx, uint64_t addr, const struct sym_client_func *func,
			     size_t cnt);

/*
 * Asks for the addresses of a module, at most SYM_ASK_MAX, and calls fn with each that has a name.
 * 0: all was answered; why may hold a sentence about the module all the same. -ECANCELED: given up.
 * Else the module is not to be asked about any more, and why says what came of it.
 */
int symclient__ask(struct symclient *c, uint32_t module, const uint64_t *addr, size_t cnt,
		   symclient_fn fn, void *ctx, struct strbuf *why);

void symclient__give_up(struct symclient *c); /* for good */

/* The process that makes the workers. */
uint32_t symclient__pid(const struct symclient *c);

#endif
