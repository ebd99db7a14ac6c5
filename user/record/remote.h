/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recording that another process of ours has made, and that it talks with: messages of one size
 * over a pair of SOCK_SEQPACKET, here as both sides see them.
 *
 *     who has it made                recorder
 *     STOP, SNAPSHOT + fd      ──►
 *                              ◄──   BEGUN, PROGRESS, SNAPSHOT_DONE
 *                              ◄──   ENDED, the last one
 *
 * When the other end is closed, by whatever death, the recording ends as if it had been stopped.
 */
#ifndef CTRACE_RECORD_REMOTE_H
#define CTRACE_RECORD_REMOTE_H

#include <stdint.h>
#include <sys/types.h>

#include "record/record.h"

struct session_control;

enum remote_verb {
	REMOTE_STOP = 1,
	REMOTE_SNAPSHOT,
	REMOTE_BEGUN,
	REMOTE_PROGRESS,
	REMOTE_SNAPSHOT_DONE,
	REMOTE_ENDED,
};

struct remote_msg {
	uint32_t verb;
	int32_t code;		     /* of ENDED: the exit status; of SNAPSHOT_DONE: 0 or -errno */
	struct record_totals totals; /* of PROGRESS, as far as it is known, and of ENDED */
	char why[1024];
};

/* The two ends; closed at exec. 0 or -errno. */
int remote_pair(int pair[2]);
/* fd: goes along; -1: none. Does not wait. 0 or -errno. */
int remote_send(int sock, const struct remote_msg *m, int fd);
/* The next one. Does not wait: -EAGAIN. *fd: came along, the caller's; -1: none. -EPIPE: the other
 * end is closed, and there is no more. */
int remote_receive(int sock, struct remote_msg *m, int *fd);

/* ---- in the recorder ---- */

/*
 * Begins the life of a process that was made to record, by parent, which has the other end of sock:
 * the terminal's signals are the parent's alone; from here on what ends a recording stays pending,
 * and a word that comes over sock, or its end, is SIGTERM, until the recording hears by itself.
 */
void remote_child(int sock, pid_t parent);
/* The session's door to sock. */
struct session_control remote_control(int sock);
/* The last message. Why has as much room as fits. */
void remote_end(int sock, enum exit_code code, const struct record_totals *totals, const char *why);

#endif
