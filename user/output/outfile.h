/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file that a trace goes to.
 *
 * It is opened and locked at once, so that what is wrong with it is said before anything is
 * recorded. An existing file keeps its content, and a new one has no name, until the first write is
 * there. A new one has its name at once, and is empty until then, where the file system has no
 * nameless files, or where only a capability of root's lets it be made: its name may be due when
 * that is given up. Each write is whole or is taken back, so the file can be read at any time after
 * the first. Under sudo everything is done as the invoking user, and a symbolic link at the end of
 * the path is followed only when it is that user's or root's. One thread at a time.
 */
#ifndef CTRACE_OUTPUT_OUTFILE_H
#define CTRACE_OUTPUT_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct outfile;
struct strbuf;

/* path: "-" is stdout, which is not looked into and never cut. NULL with the reason in why
 * and errno; EWOULDBLOCK: another recorder is writing it. */
struct outfile *outfile__open(const char *path, struct strbuf *why);
/* The same, but only as a new file: EEXIST where the path is there, whatever it is. */
struct outfile *outfile__create(const char *path, struct strbuf *why);
/*
 * The same for another process that writes it, by the descriptor: a new one has its name at once.
 * When that process is through, outfile__take_back() looks what it has written, for
 * outfile__close().
 */
struct outfile *outfile__open_to_lend(const char *path, struct strbuf *why);
void outfile__take_back(struct outfile *f);
/*
 * One that somebody else has opened: takes fd. A regular file is written from its begin, and cut
 * with the first write; a pipe or a socket, also one that does not block, as it comes. name: for
 * sentences; "-" is standard output of somebody, which is never cut. NULL with the reason in why
 * and errno, and fd is closed: EWOULDBLOCK as above, EBADF it cannot be written.
 */
struct outfile *outfile__adopt(int fd, const char *name, struct strbuf *why);
/* Before the first write: has the disk so many bytes for all that will come? 0 or -errno; 0 also
 * where that cannot be told. */
int outfile__reserve(struct outfile *f, uint64_t len);
/* A sink function: ctx is the outfile. 0 or -errno; -EEXIST: the new name was taken meanwhile. */
int outfile__write(void *ctx, const void *data, size_t len);
/*
 * For text: a stream whose buffers are such writes. The caller closes it before the outfile. NULL
 * with errno.
 */
FILE *outfile__stream(struct outfile *f);
/* Nothing more comes: closes the descriptor. 0 or -errno, which some file systems tell only now. */
int outfile__finish(struct outfile *f);
/*
 * Frees; closes where that was not done. A new file to which nothing was written is not there then,
 * or it is logged that it stays, empty: its directory may let nobody remove it but root, who is
 * gone. 0 or -errno of what only the close tells.
 */
int outfile__close(struct outfile *f);

/*
 * The sentence for what one of these returned, and how much was written before; -ECANCELED: a write
 * was given up.
 */
void outfile__explain(const struct outfile *f, int err, struct strbuf *why);

/*
 * An existing file to read and to cut, under the same rules and locked. The descriptor, or -errno
 * with the reason in why.
 */
int outfile_open_in_place(const char *path, struct strbuf *why);

/*
 * More files than the one that is open now will be made, named like path and beside it, when root's
 * capabilities are given up: may they? 0, or -errno with the reason in why. Also refused: a path
 * that is there and is no regular file, since its name is no pattern for files, and a name that has
 * no room for a time (trailname.h).
 */
int outfile_check_more(const char *path, struct strbuf *why);

/* Which file it is, whatever its name. */
struct outfile_id {
	dev_t dev;
	ino_t ino;
};

/* Before outfile__finish(). 0 or -errno. */
int outfile__id(const struct outfile *f, struct outfile_id *id);
/* Removes a file that was written, as the invoker: that one, and nothing else that has its name now
 * or that took its place: then there is nothing to do. 0 or -errno. */
int outfile_remove(const char *path, const struct outfile_id *id);

/* Do two paths name one regular file, or one that is not there yet? Also by "-" and by links. */
bool outfile_same(const char *a, const char *b);

int outfile__fd(const struct outfile *f);
const char *outfile__path(const struct outfile *f); /* as it was given */
uint64_t outfile__bytes(const struct outfile *f);

#endif
