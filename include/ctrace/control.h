/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that traces itself: trace.Start(w) and trace.Stop() of Go, for any program.
 *
 *	#include <ctrace/control.h>
 *
 *	int fd = open("go.trace", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
 *
 *	if (ctrace_start(fd))
 *		fprintf(stderr, "no trace: %s\n", ctrace_error());
 *	make_cappuccino();
 *	ctrace_stop();
 *	close(fd);
 *
 * No privilege is needed: `ctrace-bpf serve` records, for the process that asks and of it alone. It
 * is found at $CTRACE_SOCKET, or else at /run/ctrace/control.sock. Link with `pkg-config --cflags
 * --libs ctrace`.
 *
 * Both functions may be called from any thread, and each waits for another one that is in either of
 * them; neither is a cancellation point, allocates memory, changes what a signal does or raises
 * SIGPIPE. They are not for signal handlers. While a trace is on, the program has one more
 * descriptor, which is closed at exec.
 *
 * A child made by fork() is not on, whatever its parent is, and may start a trace of its own. exec
 * and the end of the program, by whatever death, are a stop, and so is the death of the service:
 * the file is complete soon after, but nobody waits for it.
 */
#ifndef CTRACE_CONTROL_H
#define CTRACE_CONTROL_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CTRACE_CONTROL_API_ __attribute__((visibility("default")))
#else
#define CTRACE_CONTROL_API_
#endif

/*
 * Starts a trace of this process, which goes to fd; returns when it has begun. fd is open for
 * writing, and stays the caller's, who leaves it alone until the stop. A regular file is written
 * from its beginning, whatever the offset is, and is cut when the first bytes come, after a second
 * at the latest; until then it keeps what it has. To a pipe or a socket the trace is written as it
 * comes: somebody has to read.
 *
 * 0, or -1 with errno, and the sentence in ctrace_error():
 *
 *	EALREADY	tracing is already enabled: it is on, also when the service has ended it by
 *			itself (a full disk, its limit of time), until ctrace_stop() has told so
 *	ENOENT, ECONNREFUSED	there is no service
 *	EBADF		fd is not open
 *	EIO		fd is not open for writing, or is nothing that a trace can go to, or
 *			somebody else records to it
 *	EBUSY		the service has as many recordings as it may
 *	EPERM		this process may not be recorded by its user: it is set-uid, for example
 *	ESRCH		the service does not see it: it is in a container beside that of the service
 *	EPIPE		the service has ended meanwhile
 *	EPROTO		what answers is no service of this version
 *
 * and others of the operating system.
 */
CTRACE_CONTROL_API_ int ctrace_start(int fd);

/*
 * Stops it. Returns when every byte is written. 0, or -1 with errno as above when the trace is not
 * whole: it could not be written to its end (EIO), the service has ended it before (ETIME), or has
 * died (EPIPE).
 * EINVAL: tracing is not enabled. Tracing is not enabled any more in each case.
 */
CTRACE_CONTROL_API_ int ctrace_stop(void);

/* Why the last call of this thread that failed did, as a sentence without a newline; "" when none
 * has. It is there until the next one. */
CTRACE_CONTROL_API_ const char *ctrace_error(void);

#ifdef __cplusplus
}
#endif

#endif
