// SPDX-License-Identifier: BSD-2-Clause
/* See pprof.h. Pure: what may be asked for by whom is decided where recordings are started. */
#include "http/pprof.h"

#include <errno.h>
#include <string.h>

#include "cli/options.h"
#include "http/query.h"
#include "util/strbuf.h"

/* A recording's option of this name; NULL: none. */
static const struct opt_row *row_of(const char *name)
{
	const struct opt_row *row;
	size_t i;

	for (i = 0; (row = options_row(i)); i++)
		if (row->name && (row->cmds & FOR_RECORD) && !strcmp(row->name, name))
			return row;
	return NULL;
}

/* all, all=1 and all=true are the same; all=0 is as if it was not there. */
static json_t *flag_value(const char *text)
{
	if (!*text || !strcmp(text, "1") || !strcmp(text, "true"))
		return json_true();
	if (!strcmp(text, "0") || !strcmp(text, "false"))
		return json_false();
	return NULL;
}

static json_t *value_of(const struct opt_row *row, const char *text, struct strbuf *why)
{
	json_t *v;

	if (row->arg && (*text || !opt_may_be_bare(row)))
		v = json_string(text);
	else
		v = flag_value(text);
	if (!v)
		strbuf_set_f(why,
			     row->arg ? "the value of '%s' is no UTF-8" :
					"'%s' is a switch; write %s=1",
			     row->name, row->name);
	return v;
}

/* The second value of a key makes an array of them. */
static void put(json_t *object, const char *key, json_t *v)
{
	json_t *was = json_object_get(object, key), *list;

	if (json_is_false(v)) {
		json_decref(v);
	} else if (!was) {
		json_object_set_new(object, key, v);
	} else if (json_is_array(was)) {
		json_array_append_new(was, v);
	} else {
		list = json_array();
		json_array_append(list, was);
		json_array_append_new(list, v);
		json_object_set_new(object, key, list);
	}
}

json_t *pprof_wish(const struct query *q, struct strbuf *why)
{
	json_t *object = json_object(), *v;
	size_t i;

	for (i = 0; i < q->cnt; i++) {
		const struct opt_row *row = row_of(q->v[i].key);

		if (!row)
			continue;
		v = value_of(row, q->v[i].value, why);
		if (!v) {
			json_decref(object);
			return NULL;
		}
		put(object, row->name, v);
	}
	return object;
}

unsigned pprof_status(int err)
{
	switch (err < 0 ? -err : err) {
	case EINVAL:
		return 400;
	case EPERM:
	case EACCES:
		return 403;
	case ESRCH:
		return 404;
	case EBUSY:
		return 503;
	default:
		return 500;
	}
}
