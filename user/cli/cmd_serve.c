// SPDX-License-Identifier: BSD-2-Clause
/* ctrace-bpf serve: records for others, who ask over HTTP, JSON-RPC or a local socket. */
#include <errno.h>
#include <string.h>

#include "cli/check.h"
#include "cli/cmd.h"
#include "cli/options.h"
#include "control/address.h"
#include "control/service.h"
#include "util/strbuf.h"

static bool is_none(const char *value)
{
	return value && !strcmp(value, "none");
}

static int check_listen(const struct options *o, struct strbuf *why)
{
	union address a;
	int err;

	if (!o->listen || is_none(o->listen))
		return 0;
	err = address_parse(o->listen, &a, why);
	if (err || address_is_loopback(&a) || o->token_file)
		return err;
	strbuf_set_f(
		why,
		"--listen=%s: others than this machine can reach it; give --token-file=FILE with it",
		o->listen);
	return -EINVAL;
}

static int check(const struct options *o, struct strbuf *why)
{
	if (o->nrest)
		strbuf_set_f(why, "serve takes no argument: %s; see ctrace-bpf serve --help",
			     o->rest[0]);
	else if (is_none(o->socket) && (!o->listen || is_none(o->listen)))
		strbuf_set_f(
			why,
			"there is nothing to be reached at: give --listen=127.0.0.1:6060 or --socket=PATH");
	else if (!o->tls_cert != !o->tls_key)
		strbuf_set_f(why, "--tls-cert and --tls-key: give both of them, or none");
	else if (o->flight_ns && !check_has_target(o))
		strbuf_set_f(
			why,
			"--flight-recorder: what shall it record? add -p PID, -a, --cgroup or --container");
	else if (o->gops && !o->npid)
		strbuf_set_f(
			why,
			"--gops: gops finds single processes; say which ones with -p PID, in place of -a or a group");
	if (why->len)
		return -EINVAL;
	return check_listen(o, why) || check_defaults(o, why) ? -EINVAL : 0;
}

static enum exit_code serve(const struct options *o, struct strbuf *why)
{
	return service_run(o, why);
}

const struct cmd cmd_serve = {
	.name = "serve",
	.synopsis =
		"serve [--listen ADDR:PORT] [--socket PATH] [--output-dir DIR] [-p PID | -a | --cgroup PATH] [options]",
	.summary = "records for those who ask over HTTP (/debug/pprof/trace), JSON-RPC or a socket",
	.options = FOR_SERVE,
	.check = check,
	.run = serve,
};
