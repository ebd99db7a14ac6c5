/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of JSON-RPC, a row each: debug_*GoTrace as geth has them, and ctrace_* of our own. */
#ifndef CTRACE_CONTROL_METHODS_H
#define CTRACE_CONTROL_METHODS_H

#include "control/rpc.h"

struct recordings;

/* What methods need: rpc_peer.service. */
struct methods_service {
	struct recordings *recordings;
};

extern const struct rpc_method control_methods[];

#endif
