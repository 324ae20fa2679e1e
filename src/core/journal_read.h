/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading journals: which there are, and what one says. For recovery, history, undo and boot. Needs
 * no lock: a file that is being written reads as unfinished.
 */
#pragma once

#include "core/journal.h"

/* A transaction as its file tells it. */
struct mig_journal_entry {
	unsigned int number;
	enum mig_change_kind kind;
	unsigned int undoes; /* the transaction that this one took back; 0: none */
	char *command;
	char *user;
	unsigned int uid, pid;
	char boot_id[64];		/* of the machine's start at that time; "" if not known */
	int64_t begin_s, end_s;		/* since 1970; end_s is 0 while unfinished */
	struct mig_saved_layout before; /* the GPUs that change */
	struct mig_saved_layout after;	/* all GPUs; empty unless it was written */
	/* Both phases: what was to be done, what was begun, and what came of it. */
	struct {
		struct mig_plan plan; /* operations only */
		bool *is_begun;
		struct mig_op_result *results;
	} phase[MIG_JOURNAL_PHASE_COUNT];
	enum mig_journal_end end;
	char *message; /* NULL: none */
};

/*
 * The numbers of all journals, ascending; *numbers is newly allocated. No directory is no journal.
 * Returns 0, or -1 with *err.
 */
int mig_journal_list(const struct mig_context *ctx, unsigned int **numbers, size_t *count,
		     struct mig_error **err) MIG_MUST_CHECK;

/* Reads one. Returns 0, or -1 with *err: CORRUPT names the file and what to do. *out is the
 * caller's. */
int mig_journal_read(const struct mig_context *ctx, unsigned int number,
		     struct mig_journal_entry **out, struct mig_error **err) MIG_MUST_CHECK;
void mig_journal_entry_free(struct mig_journal_entry *entry);

static inline void mig_cleanup_journal_entry(struct mig_journal_entry **entry)
{
	mig_journal_entry_free(*entry);
}
#define _cleanup_journal_entry_ _cleanup_(mig_cleanup_journal_entry)

/*
 * The newest unfinished transaction; *out is NULL if there is none. Reads the newest file only:
 * every change ends the one before it first.
 */
int mig_journal_unfinished(const struct mig_context *ctx, struct mig_journal_entry **out,
			   struct mig_error **err) MIG_MUST_CHECK;

/* The path of a journal, newly allocated; NULL when out of memory. */
char *mig_journal_path(const struct mig_context *ctx, unsigned int number);

/* The machine's boot id into `text` ("" if it cannot be read). */
void mig_journal_boot_id(const struct mig_context *ctx, char *text, size_t size);
