// SPDX-License-Identifier: BSD-2-Clause
/* ctrace-bpf console: a prompt for the service, and its calls for scripts. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/options.h"
#include "client/client.h"
#include "console/console.h"
#include "util/strbuf.h"

static int check(const struct options *o, struct strbuf *why)
{
	const char *where = o->nrest ? o->rest[0] : NULL;
	bool url = where && strstr(where, "://");

	if (o->nrest > 1)
		strbuf_set_f(
			why,
			"console takes one address, the URL or the socket of a service: what is %s? See ctrace-bpf console --help",
			o->rest[1]);
	else if (where && !*where)
		strbuf_set_f(why,
			     "console: the address is empty; leave it out for the local socket");
	else if (o->token_file && !url)
		strbuf_set_f(why,
			     "--token-file is for a URL: on a socket the kernel says who calls");
	else if (o->tls_ca && !url)
		strbuf_set_f(why, "--tls-ca is for a URL with https://");
	else
		return 0;
	return -EINVAL;
}

static enum exit_code run(const struct options *o, struct strbuf *why)
{
	struct client *c = client__new(
		&(struct client_opts){
			.where = o->nrest ? o->rest[0] : NULL,
			.token_file = o->token_file,
			.tls_ca = o->tls_ca,
		},
		why);
	enum exit_code code;

	if (!c)
		return errno == EINVAL ? EXIT_USAGE : EXIT_FAILED;
	code = console_run(&(struct console_opts){
		.client = c,
		.exec = o->exec.v,
		.nexec = o->exec.cnt,
		.json = o->json,
	});
	client__free(c);
	return code;
}

const struct cmd cmd_console = {
	.name = "console",
	.synopsis = "console [options] [URL | SOCKET]",
	.summary = "calls a service that runs: at a prompt, or from a script",
	.options = FOR_CONSOLE,
	.check = check,
	.run = run,
};
