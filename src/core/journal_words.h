/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a journal's lines, for the one who writes (journal.c) and the one who reads
 * (journal_read.c).
 */
#pragma once

#include "core/journal.h"

#define MIG_JOURNAL_FORMAT 1
#define MIG_JOURNAL_DIGITS 8 /* of a number in a file name */
#define MIG_JOURNAL_SUFFIX ".journal"
#define MIG_JOURNAL_UNBORN ".new"

#define MIG_WORD_BEGIN	 "begin"
#define MIG_WORD_OP	 "op"
#define MIG_WORD_READY	 "ready"
#define MIG_WORD_INTENT	 "intent"
#define MIG_WORD_OUTCOME "outcome"
#define MIG_WORD_END	 "end"
/* Whose layout a line describes. */
#define MIG_WORD_BEFORE	 "before"
#define MIG_WORD_AFTER	 "after"

extern const char *const mig_journal_phase_words[MIG_JOURNAL_PHASE_COUNT];
extern const char *const mig_op_kind_words[MIG_OP_KIND_COUNT];
extern const char *const mig_op_outcome_words[MIG_OP_OUTCOME_COUNT];
