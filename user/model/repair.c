// SPDX-License-Identifier: BSD-2-Clause
/* See repair.h. */
#include "model/repair.h"

static const char *const names[] = {
#define X(id, name, text) name,
	REPAIR_LIST(X)
#undef X
};

static const char *const texts[] = {
#define X(id, name, text) text,
	REPAIR_LIST(X)
#undef X
};

const char *repair_name(enum repair r)
{
	return names[r];
}

const char *repair_text(enum repair r)
{
	return texts[r];
}
