/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which GPUs a command means: the list behind -i, each word an NVML index or a name as in
 * config/gpu_name.h. A word that means no GPU or several, and a GPU that is named twice, are errors.
 */
#pragma once

#include "core/model.h"

#define MIG_GPU_OPTION                                                                             \
	{                                                                                          \
		"id", 'i', "GPU", "only this GPU: index, UUID or PCI address; may be a comma list" \
	}

struct mig_gpu_choice {
	bool *is_chosen; /* by position in the snapshot's gpus[] */
	bool is_named;	 /* false: no list was given, all are chosen */
	unsigned int count;
};

/*
 * Reads `list` (NULL: all GPUs). Returns 0, or -1 with *err: USAGE for an empty word, REFUSED for one
 * that means no GPU or a GPU that was named already, NO_DRIVER when there are no GPUs at all.
 */
int mig_gpu_choice_read(const struct mig_snapshot *snapshot, const char *list,
			struct mig_gpu_choice *choice, struct mig_error **err) MIG_MUST_CHECK;
void mig_gpu_choice_clear(struct mig_gpu_choice *choice);
#define _cleanup_gpu_choice_ _cleanup_(mig_gpu_choice_clear)

/* The position of the one GPU that a word of `len` bytes means, or -1 with *err (REFUSED). */
int mig_gpu_choice_word(const struct mig_snapshot *snapshot, const char *word, size_t len,
			struct mig_error **err);

/* Notes for the document which of the chosen GPUs are lost, and so not in it. */
void mig_gpu_choice_note_lost(const struct mig_snapshot *snapshot,
			      const struct mig_gpu_choice *choice);

/* An error (DRIVER) that names the first chosen GPU that is lost, or 0. What can be shown of the
 * others is shown before. */
int mig_gpu_choice_check_lost(const struct mig_context *ctx, const struct mig_snapshot *snapshot,
			      const struct mig_gpu_choice *choice, struct mig_error **err);

/* For what changes the chosen GPUs: DRIVER if one of them is lost, with what can be done. */
int mig_gpu_choice_refuse_lost(const struct mig_snapshot *snapshot,
			       const struct mig_gpu_choice *choice,
			       struct mig_error **err) MIG_MUST_CHECK;

/* An error (REFUSED) if a GPU that was named, or all there are, have no MIG; else 0. */
int mig_gpu_choice_check_mig(const struct mig_snapshot *snapshot,
			     const struct mig_gpu_choice *choice, struct mig_error **err);
