/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON-RPC by POST, with the habits of geth's HTTP side. */
#ifndef CTRACE_HTTP_HTTP_RPC_H
#define CTRACE_HTTP_HTTP_RPC_H

struct request;

void http_rpc(struct request *r);

#endif
