/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file that a trace goes to.
 *
 * It is opened and locked at once, so that what is wrong with it is said before anything is recorded, but an existing
 * file keeps its content until the first generation is there. Each write is whole or is taken back, so the file
 * can be read at any time after the first. Under sudo everything is done as the invoking user.
 */
#ifndef CTRACE_OUTPUT_OUTFILE_H
#define CTRACE_OUTPUT_OUTFILE_H

#include <stddef.h>
#include <stdint.h>

struct outfile;
struct strbuf;

/* path: "-" is stdout. NULL with the reason in why. */
struct outfile *outfile__open(const char *path, struct strbuf *why);
/* A trace_sink function: ctx is the outfile. 0 or -errno. */
int outfile__write(void *ctx, const void *data, size_t len);
/* Nothing more comes: closes the descriptor. 0 or -errno, which some file systems tell only now. */
int outfile__finish(struct outfile *f);
/* Frees; closes where that was not done; a file of ours to which nothing was written is removed. 0 or -errno of what only the close tells. */
int outfile__close(struct outfile *f);

/* For who writes to the descriptor itself: the file holds this much now. */
void outfile__keep(struct outfile *f, uint64_t bytes);

int outfile__fd(const struct outfile *f);
const char *outfile__path(const struct outfile *f);
uint64_t outfile__bytes(const struct outfile *f);

#endif
