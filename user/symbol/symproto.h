/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes between the program and the process that reads files: packets on a SOCK_SEQPACKET pair,
 * each a struct sym_msg and what belongs to it. One question at a time.
 *
 *	SYM_MODULE	struct sym_msg_module, path with NUL;		no answer
 *			descriptors: the file, the root, as `has` tells
 *	SYM_ASK		cnt addresses, u64 each				SYM_ANSWER…, SYM_DONE
 *	SYM_ANSWER	cnt answers: struct sym_msg_addr, then nfunc times struct sym_msg_func with
 *			its two texts, which end in a NUL; addresses that have no name do not come
 *	SYM_DONE	a sentence with NUL: what is wrong with the module; "" nothing
 *
 * SYM_ANSWER comes as soon as there is enough for a packet, or after SYM_FLUSH_NS, so that silence
 * means that an address takes too long. The reader of a packet checks all of it.
 */
#ifndef CTRACE_SYMBOL_SYMPROTO_H
#define CTRACE_SYMBOL_SYMPROTO_H

#include <stddef.h>
#include <stdint.h>

#define SYM_PACKET_MAX 65536
#define SYM_ASK_MAX 4096
#define SYM_FLUSH_NS 100000000ull
/* Longest texts with their NUL; a longer function is cut at its end, a longer path at its begin. */
#define SYM_FUNC_MAX 1024
#define SYM_FILE_MAX 512

enum sym_msg_type { SYM_MODULE = 1, SYM_ASK, SYM_ANSWER, SYM_DONE };

struct sym_msg {
	uint32_t type;
	uint32_t module;
	uint32_t cnt;
};

enum sym_has { SYM_HAS_FILE = 1, SYM_HAS_ROOT = 2 };

struct sym_msg_module {
	uint32_t ns_pid, uid; /* of the process, EV_MODULE_JIT */
	uint8_t type;	      /* enum ev_module_kind */
	uint8_t has;	      /* enum sym_has */
	uint8_t nbuild;
	uint8_t build_id[32];
};

struct sym_msg_addr {
	uint64_t addr;
	uint32_t nfunc;
};

struct sym_msg_func {
	uint32_t line;
	uint16_t nfunc, nfile; /* bytes with NUL; nfile 0: no file is known */
};

/* A packet that is put together. */
struct sym_packet {
	size_t len;
	char data[SYM_PACKET_MAX];
};

void sym_packet_start(struct sym_packet *p, uint32_t type, uint32_t module);
void sym_packet_add(struct sym_packet *p, const void *data,
		    size_t len); /* what does not fit: not */
struct sym_msg *sym_packet_head(struct sym_packet *p);

/* 0, or -errno. Descriptors are sent along and stay open here. */
int sym_send(int sock, const struct sym_packet *p, const int *fd, size_t nfd);
/*
 * One packet, at least as long as its head; fd[0 … *nfd) are those that came with it, at most two.
 * 0, -EPIPE at the end of the stream, or -errno.
 */
int sym_recv(int sock, struct sym_packet *p, int fd[2], size_t *nfd);

/* Takes `len` bytes from the front of what is left. NULL: there are not as many. */
static inline const void *sym_take(const char **p, size_t *left, size_t len)
{
	const char *at = *p;

	if (len > *left)
		return NULL;
	*p += len;
	*left -= len;
	return at;
}

#endif
