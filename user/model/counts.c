// SPDX-License-Identifier: BSD-2-Clause
/* See counts.h. */
#include "model/counts.h"

#define WORDS(id, name, text) { name, text },

const struct count_words repair_words[REPAIR_MAX] = { REPAIR_LIST(WORDS) };
const struct count_words mark_words[MARK_COUNT_MAX] = { MARK_LIST(WORDS) };
