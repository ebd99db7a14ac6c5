/* SPDX-License-Identifier: BSD-2-Clause */
/* The token that a caller shows, from its file; what the service makes of it is rights/token.h. */
#ifndef CTRACE_CLIENT_BEARER_H
#define CTRACE_CLIENT_BEARER_H

struct strbuf;

/*
 * The one word of the file, which is read as the user who called us. NULL with errno and the
 * sentence in why. To be freed with bearer_free(), which wipes it.
 */
char *bearer_read(const char *path, struct strbuf *why);
void bearer_free(char *token); /* NULL is fine */

#endif
