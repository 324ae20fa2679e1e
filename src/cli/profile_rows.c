/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of profiles; see profile_rows.h.
 */
#include "cli/profile_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/note.h"
#include "core/target.h"
#include "shared/text.h"

static bool has_profiles(const struct mig_gpu *gpu)
{
	return !gpu->is_lost && gpu->is_mig_capable && gpu->facts != NULL;
}

/* Whether the same rows come of both: one model, one layout. Ids of GPU instances count, too. */
static bool is_alike(const struct mig_gpu *a, const struct mig_gpu *b)
{
	if (a->facts != b->facts || a->mig_current != b->mig_current ||
	    a->gi_count != b->gi_count || strcmp(a->name, b->name) != 0)
		return false;
	for (unsigned int i = 0; i < a->gi_count; i++) {
		const struct mig_gpu_instance *x = &a->gi[i], *y = &b->gi[i];

		if (x->id != y->id || x->gi_row != y->gi_row || x->start != y->start ||
		    x->ci_count != y->ci_count)
			return false;
		for (unsigned int c = 0; c < x->ci_count; c++) {
			if (x->ci[c].ci_row != y->ci[c].ci_row || x->ci[c].start != y->ci[c].start)
				return false;
		}
	}
	return true;
}

static int add(struct mig_profile_rows *rows, const struct mig_gpu *gpu, const char *gpus,
	       unsigned int gi_row, int ci_row, struct mig_error **err)
{
	struct mig_profile_row *row;

	if (mig_array_reserve(&rows->rows, &rows->allocated, rows->count + 1, sizeof(*rows->rows)) <
	    0)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	row = &rows->rows[rows->count++];
	*row = (struct mig_profile_row){.gpu = gpu, .gi_row = gi_row, .ci_row = ci_row};
	mig_text_copy(row->gpus, sizeof(row->gpus), gpus);
	return 0;
}

static int add_gpu(struct mig_profile_rows *rows, const struct mig_gpu *gpu, const char *gpus,
		   bool has_ci, struct mig_error **err)
{
	for (unsigned int i = 0; i < gpu->facts->gi_count; i++) {
		if (add(rows, gpu, gpus, i, -1, err) < 0)
			return -1;
		for (unsigned int c = 0; has_ci && c < gpu->facts->gi[i].ci_count; c++) {
			if (add(rows, gpu, gpus, i, (int)c, err) < 0)
				return -1;
		}
	}
	return 0;
}

int mig_profile_rows_make(const struct mig_snapshot *snapshot, const struct mig_gpu_choice *choice,
			  bool has_ci, bool is_grouped, struct mig_profile_rows *rows,
			  struct mig_error **err)
{
	unsigned int next;

	for (unsigned int i = 0; i < snapshot->gpu_count; i = next) {
		const struct mig_gpu *gpu = &snapshot->gpus[i];
		char gpus[32];

		next = i + 1;
		if (!choice->is_chosen[i] || !has_profiles(gpu))
			continue;
		while (is_grouped && next < snapshot->gpu_count && choice->is_chosen[next] &&
		       has_profiles(&snapshot->gpus[next]) && is_alike(gpu, &snapshot->gpus[next]))
			next++;
		mig_text_format(gpus, sizeof(gpus), "%u", gpu->index);
		if (next > i + 1)
			mig_text_format(gpus, sizeof(gpus), "%u-%u", gpu->index,
					snapshot->gpus[next - 1].index);
		if (add_gpu(rows, gpu, gpus, has_ci, err) < 0)
			return -1;
	}
	return 0;
}

void mig_profile_rows_clear(struct mig_profile_rows *rows)
{
	free(rows->rows);
	*rows = (struct mig_profile_rows){0};
}

void mig_profile_rows_say_off(const struct mig_snapshot *snapshot,
			      const struct mig_gpu_choice *choice)
{
	_cleanup_buf_ struct mig_buf list = MIG_BUF_INIT(4096);
	unsigned int count = 0;

	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &snapshot->gpus[i];

		if (!choice->is_chosen[i] || !has_profiles(gpu) || gpu->mig_current)
			continue;
		mig_buf_printf(&list, "%s%u", count++ > 0 ? "," : "", gpu->index);
	}
	if (count > 0)
		mig_note_person(
			"MIG mode of GPU %s is off, nothing can be made there before: migctl mode "
			"on -i %s",
			mig_buf_text(&list), mig_buf_text(&list));
}
