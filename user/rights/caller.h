/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who asks. On a Unix socket the kernel says it (SO_PEERCRED); of a connection over loopback it is
 * the owner of the peer's socket, which sock_diag(7) knows; from elsewhere nobody is known, and a
 * token stands for the right.
 *
 * Root and the members of the group `ctrace` may do everything. Another user may do to his own
 * processes what ptrace's rules let him do, and no more.
 */
#ifndef CTRACE_RIGHTS_CALLER_H
#define CTRACE_RIGHTS_CALLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct strbuf;

#define CALLER_GROUP "ctrace"

enum caller_rank {
	CALLER_NOBODY = 0, /* not known: may do nothing */
	CALLER_USER = 1,   /* his own processes */
	CALLER_ALL = 2,	   /* everything */
};

struct caller {
	enum caller_rank rank;
	uid_t uid; /* to whom files belong; of a token's bearer of whom nothing else is known ours */
	gid_t gid;
	pid_t pid;  /* of a Unix socket's peer, as we see it; 0: not known */
	bool token; /* has shown the token */
	bool known; /* uid is his own, by the kernel's word */
};

/* Of a connected socket, Unix or TCP, by what the kernel says. rank is CALLER_NOBODY where it says
 * nothing. Never fails. */
struct caller caller_of(int fd);
/* The same caller, who has shown the right token. */
struct caller caller_with_token(struct caller c);

/* "root", "ann (uid 1000, pid 42)", "uid 1000", "root, with the token", "the bearer of the token",
 * "somebody unknown"; for logs. */
void caller_words(const struct caller *c, struct strbuf *out);

/* May he see this process in a list? The owner of /proc/PID decides; whether it may be recorded is
 * asked again, and better, when it is (capture/target.h). */
bool caller_sees(const struct caller *c, pid_t pid);

/*
 * This process acts for him from here on. Of CALLER_USER it becomes him at once, with the
 * capabilities that it has, which are our file's and not his (target_resolve() asks with his rights
 * alone); of CALLER_ALL it does when it drops its privileges (util/invoker.h). To be called in a
 * process of its own with one thread. 0 or -errno: -EPERM where we are not root and he is somebody
 * else.
 */
int caller_become(const struct caller *c);

#endif
