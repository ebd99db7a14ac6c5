/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A name under which no file is yet is one recorder's at a time.
 *
 * A file that is there has a lock; a name has none. So who will make a file, or a series of files
 * named after a path, holds a socket whose name in the abstract name space is made of the directory
 * and the name: the kernel takes it back however its owner ends, and nothing is left in the
 * directory. Recorders in different network namespaces do not see each other's.
 */
#ifndef CTRACE_OUTPUT_CLAIM_H
#define CTRACE_OUTPUT_CLAIM_H

struct strbuf;

enum claim_kind {
	CLAIM_FILE = 0, /* the file itself */
	CLAIM_SERIES,	/* files whose names are made from it */
};

/*
 * A descriptor that holds the claim until it is closed, here and in processes that were forked.
 * -EWOULDBLOCK: another recorder, or this one, has it; another -errno: it cannot be known, which is
 * no reason not to write. By whatever way path leads to the directory.
 */
int claim_name(enum claim_kind kind, const char *path);

/*
 * The claim of a recording of more than one file. 0 with the descriptor in fd, -1 where it cannot
 * be known; or -EWOULDBLOCK with the sentence in why.
 */
int claim_series(const char *path, int *fd, struct strbuf *why);

#endif
