/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of recorded processes, read by a process that can be given up: a file system that does
 * not answer costs a question PATIENCE_IDLE_NS (util/patience.h), and every later one about its
 * files nothing. The process that waits there is killed, which helps as soon as the file system
 * answers, and a new one takes its place; after ZYGOTE_STUCK_MAX of them no file is read any more.
 *
 * One thread asks at a time.
 */
#ifndef CTRACE_SPACE_FILES_H
#define CTRACE_SPACE_FILES_H

#include <stdint.h>

#include "annot/plan.h"
#include "space/filework.h"

struct files;

/*
 * Forks: call before any thread is started and before privileges are dropped, which it does for the
 * child alone. What wishes points at is the same in the child. NULL with errno.
 */
struct files *files__new(const struct plan_wishes *wishes);
void files__free(struct files *f); /* NULL is fine */

/* The process that it forked, and the child of that one which reads; 0: there is none yet. */
uint32_t files__pid(const struct files *f);
uint32_t files__worker(const struct files *f);

/* From here on no question waits any longer once this descriptor is readable; borrowed. */
void files__stop_fd(struct files *f, int fd);

/*
 * 0: there is an answer, which may be that the file cannot be read. -ETIMEDOUT: the file system
 * does not answer; -ECANCELED: we are to end; -EBUSY: too many did not answer; or another -errno.
 * The caller frees the answer in each case. f NULL: the question is answered here and now.
 */
int files__ask(struct files *f, const struct filework_ask *ask, const char *path,
	       struct filework_answer *out);

/* What an -errno of it says of the file, behind its name. */
const char *files_explain(int err);

#endif
