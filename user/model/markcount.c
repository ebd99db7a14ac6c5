// SPDX-License-Identifier: BSD-2-Clause
/* See markcount.h. */
#include "model/markcount.h"

static const char *const names[] = {
#define X(id, name, text) name,
	MARK_LIST(X)
#undef X
};

static const char *const texts[] = {
#define X(id, name, text) text,
	MARK_LIST(X)
#undef X
};

const char *mark_count_name(enum mark_count c)
{
	return names[c];
}

const char *mark_count_text(enum mark_count c)
{
	return texts[c];
}
