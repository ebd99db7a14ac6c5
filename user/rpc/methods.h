/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of JSON-RPC, a row each: debug_*GoTrace as geth has them, and ctrace_* of our own. */
#ifndef CTRACE_RPC_METHODS_H
#define CTRACE_RPC_METHODS_H

#include <stdint.h>

#include "rpc/rpc.h"

struct going;
struct options;
struct processes;
struct recordings;

/* What methods need: rpc_peer.service. */
struct methods_service {
	struct recordings *recordings;
	struct processes *processes;
	const struct options *o; /* of serve, for ctrace_status */
	uint64_t since_ns;	 /* clock_mono() when the service began */
	struct going *going;	 /* the methods' own; NULL at first */
};

/* When the recordings are gone: nothing is answered any more. */
void methods_service_end(struct methods_service *s);

extern const struct rpc_method control_methods[];

#endif
