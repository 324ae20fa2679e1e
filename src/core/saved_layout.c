/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layouts that outlive the process; see saved_layout.h.
 */
#include "core/saved_layout.h"

#include <stdlib.h>
#include <string.h>

#include "shared/text.h"

#define SAVED_GPUS_MAX 256 /* lines come from a file */

void mig_saved_layout_clear(struct mig_saved_layout *layout)
{
	for (unsigned int i = 0; i < layout->gpu_count; i++) {
		for (unsigned int g = 0; g < layout->gpus[i].gi_count; g++)
			free(layout->gpus[i].gi[g].ci);
		free(layout->gpus[i].gi);
	}
	free(layout->gpus);
	*layout = (struct mig_saved_layout){0};
}

static struct mig_saved_gpu *add_gpu(struct mig_saved_layout *layout, struct mig_error **err)
{
	struct mig_saved_gpu *grown;

	if (layout->gpu_count == SAVED_GPUS_MAX) {
		mig_error_set(err, MIG_ERROR_CORRUPT, "a saved layout has more than %d GPUs",
			      SAVED_GPUS_MAX);
		return NULL;
	}
	grown = reallocarray(layout->gpus, (size_t)layout->gpu_count + 1, sizeof(*grown));
	if (grown == NULL) {
		mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
		return NULL;
	}
	layout->gpus = grown;
	grown += layout->gpu_count++;
	memset(grown, 0, sizeof(*grown));
	return grown;
}

/* Behind the others; they are few. NULL: out of memory, with *err. */
static struct mig_saved_gi *add_gi(struct mig_saved_gpu *gpu, struct mig_error **err)
{
	struct mig_saved_gi *grown =
		reallocarray(gpu->gi, (size_t)gpu->gi_count + 1, sizeof(*grown));

	if (grown == NULL) {
		mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
		return NULL;
	}
	gpu->gi = grown;
	grown += gpu->gi_count++;
	memset(grown, 0, sizeof(*grown));
	return grown;
}

static struct mig_saved_ci *add_ci(struct mig_saved_gi *gi, struct mig_error **err)
{
	struct mig_saved_ci *grown = reallocarray(gi->ci, (size_t)gi->ci_count + 1, sizeof(*grown));

	if (grown == NULL) {
		mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
		return NULL;
	}
	gi->ci = grown;
	grown += gi->ci_count++;
	memset(grown, 0, sizeof(*grown));
	return grown;
}

static int copy_gi(struct mig_saved_gpu *gpu, const struct mig_gpu_instance *gi,
		   const struct mig_gi_profile *profile, struct mig_error **err)
{
	struct mig_saved_gi *saved = add_gi(gpu, err);

	if (saved == NULL)
		return -1;
	saved->profile_index = profile->index;
	saved->profile_id = profile->id;
	mig_text_copy(saved->profile_name, sizeof(saved->profile_name), profile->name);
	saved->start = gi->start;
	saved->size = gi->size;
	for (unsigned int i = 0; i < gi->ci_count; i++) {
		const struct mig_ci_profile *from = &profile->ci[gi->ci[i].ci_row];
		struct mig_saved_ci *ci = add_ci(saved, err);

		if (ci == NULL)
			return -1;
		ci->profile_index = from->index;
		ci->slice_count = from->slice_count;
		ci->start = gi->ci[i].start;
		ci->size = gi->ci[i].size;
		mig_text_copy(ci->uuid, sizeof(ci->uuid), gi->ci[i].uuid);
	}
	return 0;
}

int mig_saved_layout_add(struct mig_saved_layout *layout, const struct mig_gpu *gpu,
			 struct mig_error **err)
{
	struct mig_saved_gpu *saved = add_gpu(layout, err);

	if (saved == NULL)
		return -1;
	mig_text_copy(saved->uuid, sizeof(saved->uuid), gpu->uuid);
	mig_text_copy(saved->model, sizeof(saved->model), gpu->name);
	saved->index = gpu->index;
	saved->mig_mode = gpu->mig_current;
	saved->mig_pending = gpu->mig_pending;
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		if (copy_gi(saved, &gpu->gi[i], &gpu->facts->gi[gpu->gi[i].gi_row], err) < 0)
			return -1;
	}
	return 0;
}

int mig_saved_layout_add_saved(struct mig_saved_layout *layout, const struct mig_saved_gpu *gpu,
			       struct mig_error **err)
{
	struct mig_saved_gpu *added = add_gpu(layout, err);

	if (added == NULL)
		return -1;
	*added = *gpu;
	added->gi = NULL;
	added->gi_count = 0;
	for (unsigned int g = 0; g < gpu->gi_count; g++) {
		struct mig_saved_gi *gi = add_gi(added, err);

		if (gi == NULL)
			return -1;
		*gi = gpu->gi[g];
		gi->ci = NULL;
		gi->ci_count = 0;
		for (unsigned int c = 0; c < gpu->gi[g].ci_count; c++) {
			struct mig_saved_ci *ci = add_ci(gi, err);

			if (ci == NULL)
				return -1;
			*ci = gpu->gi[g].ci[c];
		}
	}
	return 0;
}

const struct mig_saved_gpu *mig_saved_layout_gpu(const struct mig_saved_layout *layout,
						 const char *uuid)
{
	for (unsigned int i = 0; i < layout->gpu_count; i++) {
		if (strcmp(layout->gpus[i].uuid, uuid) == 0)
			return &layout->gpus[i];
	}
	return NULL;
}

/* ---- lines ------------------------------------------------------------------------------------ */

static void write_gi(const struct mig_saved_gpu *gpu, const struct mig_saved_gi *gi,
		     const char *which, struct mig_buf *out)
{
	struct mig_line_writer w;

	mig_line_begin(&w, out, "gi");
	mig_line_text(&w, "of", which);
	mig_line_text(&w, "gpu", gpu->uuid);
	mig_line_uint(&w, "profile_index", gi->profile_index);
	mig_line_uint(&w, "profile_id", gi->profile_id);
	mig_line_text(&w, "profile", gi->profile_name);
	mig_line_uint(&w, "start", gi->start);
	mig_line_uint(&w, "size", gi->size);
	mig_line_end(&w);
	for (unsigned int i = 0; i < gi->ci_count; i++) {
		mig_line_begin(&w, out, "ci");
		mig_line_text(&w, "of", which);
		mig_line_text(&w, "gpu", gpu->uuid);
		mig_line_uint(&w, "profile_index", gi->ci[i].profile_index);
		mig_line_uint(&w, "slices", gi->ci[i].slice_count);
		mig_line_uint(&w, "start", gi->ci[i].start);
		mig_line_uint(&w, "size", gi->ci[i].size);
		mig_line_text(&w, "uuid", gi->ci[i].uuid);
		mig_line_end(&w);
	}
}

void mig_saved_layout_write(const struct mig_saved_layout *layout, const char *which,
			    struct mig_buf *out)
{
	for (unsigned int i = 0; i < layout->gpu_count; i++) {
		const struct mig_saved_gpu *gpu = &layout->gpus[i];
		struct mig_line_writer w;

		mig_line_begin(&w, out, "gpu");
		mig_line_text(&w, "of", which);
		mig_line_text(&w, "gpu", gpu->uuid);
		mig_line_text(&w, "model", gpu->model);
		mig_line_uint(&w, "index", gpu->index);
		mig_line_uint(&w, "mode", gpu->mig_mode);
		mig_line_uint(&w, "pending", gpu->mig_pending);
		mig_line_end(&w);
		for (unsigned int g = 0; g < gpu->gi_count; g++)
			write_gi(gpu, &gpu->gi[g], which, out);
	}
}

static int damaged(const struct mig_line *line, struct mig_error **err)
{
	return mig_error_set(err, MIG_ERROR_CORRUPT, "a line '%s' does not say what it should",
			     line->word);
}

/* Copies a text field; -1 if it is missing or too long. */
static int take_text(const struct mig_line *line, const char *key, char *to, size_t size)
{
	const char *value = mig_line_value(line, key);

	return value != NULL && mig_text_copy(to, size, value) ? 0 : -1;
}

static int take_gpu(struct mig_saved_layout *layout, const struct mig_line *line,
		    struct mig_error **err)
{
	struct mig_saved_gpu *gpu = add_gpu(layout, err);

	if (gpu == NULL)
		return -1;
	if (take_text(line, "gpu", gpu->uuid, sizeof(gpu->uuid)) < 0 ||
	    take_text(line, "model", gpu->model, sizeof(gpu->model)) < 0 ||
	    mig_line_u32(line, "index", &gpu->index) < 0 ||
	    mig_line_bool(line, "mode", &gpu->mig_mode) < 0 ||
	    mig_line_bool(line, "pending", &gpu->mig_pending) < 0)
		return damaged(line, err);
	return 1;
}

/* The GPU that was written last: its instances follow it. */
static struct mig_saved_gpu *last_gpu(struct mig_saved_layout *layout, const struct mig_line *line)
{
	const char *uuid = mig_line_value(line, "gpu");
	struct mig_saved_gpu *gpu;

	if (layout->gpu_count == 0 || uuid == NULL)
		return NULL;
	gpu = &layout->gpus[layout->gpu_count - 1];
	return strcmp(gpu->uuid, uuid) == 0 ? gpu : NULL;
}

static int take_gi(struct mig_saved_layout *layout, const struct mig_line *line,
		   struct mig_error **err)
{
	struct mig_saved_gpu *gpu = last_gpu(layout, line);
	struct mig_saved_gi *gi;

	if (gpu == NULL || gpu->gi_count == MIG_GPU_INSTANCES_MAX)
		return damaged(line, err);
	gi = add_gi(gpu, err);
	if (gi == NULL)
		return -1;
	if (mig_line_u32(line, "profile_index", &gi->profile_index) < 0 ||
	    mig_line_u32(line, "profile_id", &gi->profile_id) < 0 ||
	    take_text(line, "profile", gi->profile_name, sizeof(gi->profile_name)) < 0 ||
	    mig_line_u32(line, "start", &gi->start) < 0 ||
	    mig_line_u32(line, "size", &gi->size) < 0)
		return damaged(line, err);
	return 1;
}

static int take_ci(struct mig_saved_layout *layout, const struct mig_line *line,
		   struct mig_error **err)
{
	struct mig_saved_gpu *gpu = last_gpu(layout, line);
	struct mig_saved_gi *gi;
	struct mig_saved_ci *ci;

	if (gpu == NULL || gpu->gi_count == 0)
		return damaged(line, err);
	gi = &gpu->gi[gpu->gi_count - 1];
	if (gi->ci_count == MIG_COMPUTE_INSTANCES_MAX)
		return damaged(line, err);
	ci = add_ci(gi, err);
	if (ci == NULL)
		return -1;
	if (mig_line_u32(line, "profile_index", &ci->profile_index) < 0 ||
	    mig_line_u32(line, "slices", &ci->slice_count) < 0 ||
	    mig_line_u32(line, "start", &ci->start) < 0 ||
	    mig_line_u32(line, "size", &ci->size) < 0 ||
	    take_text(line, "uuid", ci->uuid, sizeof(ci->uuid)) < 0)
		return damaged(line, err);
	return 1;
}

int mig_saved_layout_take(struct mig_saved_layout *layout, const struct mig_line *line,
			  struct mig_error **err)
{
	if (strcmp(line->word, "gpu") == 0)
		return take_gpu(layout, line, err);
	if (strcmp(line->word, "gi") == 0)
		return take_gi(layout, line, err);
	if (strcmp(line->word, "ci") == 0)
		return take_ci(layout, line, err);
	return 0;
}

/* ---- against a GPU of now ----------------------------------------------------------------------- */

static int gi_row(const struct mig_saved_gi *saved, const struct mig_facts *facts)
{
	for (unsigned int i = 0; i < facts->gi_count; i++) {
		if (facts->gi[i].index == saved->profile_index && facts->gi[i].size == saved->size)
			return (int)i;
	}
	return -1;
}

/* Compute instances of this width, in what is saved and in what is there. */
static bool has_equal_counts(const struct mig_saved_gi *saved, const struct mig_gpu_instance *gi,
			     const struct mig_gi_profile *profile)
{
	for (unsigned int row = 0; row < profile->ci_count; row++) {
		unsigned int wanted = 0, got = 0;

		for (unsigned int i = 0; i < saved->ci_count; i++)
			wanted += saved->ci[i].profile_index == profile->ci[row].index;
		for (unsigned int i = 0; i < gi->ci_count; i++)
			got += gi->ci[i].ci_row == row;
		if (wanted != got)
			return false;
	}
	return true;
}

static bool has_ci(const struct mig_saved_gi *saved, const struct mig_compute_instance *ci,
		   const struct mig_gi_profile *profile)
{
	for (unsigned int i = 0; i < saved->ci_count; i++) {
		if (saved->ci[i].start == ci->start &&
		    saved->ci[i].profile_index == profile->ci[ci->ci_row].index)
			return true;
	}
	return false;
}

static bool has_gi(const struct mig_saved_gpu *saved, const struct mig_gpu *gpu,
		   const struct mig_gpu_instance *gi, bool places)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];

	for (unsigned int i = 0; i < saved->gi_count; i++) {
		const struct mig_saved_gi *s = &saved->gi[i];
		bool is_same = s->start == gi->start && s->profile_index == profile->index &&
			       s->ci_count == gi->ci_count;

		for (unsigned int c = 0; is_same && places && c < gi->ci_count; c++)
			is_same = has_ci(s, &gi->ci[c], profile);
		if (is_same && has_equal_counts(s, gi, profile))
			return true;
	}
	return false;
}

static bool equals(const struct mig_saved_gpu *saved, const struct mig_gpu *gpu, bool places)
{
	if (gpu->is_lost || saved->mig_mode != gpu->mig_current ||
	    saved->mig_pending != gpu->mig_pending || saved->gi_count != gpu->gi_count)
		return false;
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		if (!has_gi(saved, gpu, &gpu->gi[i], places))
			return false;
	}
	return true;
}

bool mig_saved_gpu_equals(const struct mig_saved_gpu *saved, const struct mig_gpu *gpu)
{
	return equals(saved, gpu, true);
}

bool mig_saved_gpu_equals_but_places(const struct mig_saved_gpu *saved, const struct mig_gpu *gpu)
{
	return equals(saved, gpu, false);
}

static int ci_row(const struct mig_saved_ci *saved, const struct mig_gi_profile *profile)
{
	for (unsigned int i = 0; i < profile->ci_count; i++) {
		if (profile->ci[i].index == saved->profile_index)
			return (int)i;
	}
	return mig_facts_ci_by_slices(profile, saved->slice_count);
}

static int place_gi(const struct mig_saved_gi *saved, const struct mig_gpu *gpu,
		    struct mig_placed_gi *placed, struct mig_error **err)
{
	int row = gi_row(saved, gpu->facts);

	if (row < 0)
		return mig_error_set(err, MIG_ERROR_REFUSED,
				     "GPU %u (%s) has no profile '%s' of %u units", gpu->index,
				     gpu->name, saved->profile_name, saved->size);
	placed->gi_row = (unsigned int)row;
	placed->start = saved->start;
	placed->ci_count = saved->ci_count;
	for (unsigned int i = 0; i < saved->ci_count; i++) {
		int ci = ci_row(&saved->ci[i], &gpu->facts->gi[row]);

		if (ci < 0)
			return mig_error_set(err, MIG_ERROR_REFUSED,
					     "GPU %u (%s) has no %uc compute instances in a '%s'",
					     gpu->index, gpu->name, saved->ci[i].slice_count,
					     saved->profile_name);
		placed->ci[i].ci_row = (unsigned int)ci;
		placed->ci[i].start = saved->ci[i].start;
	}
	return 0;
}

int mig_saved_gpu_target(const struct mig_saved_gpu *saved, const struct mig_gpu *gpu,
			 struct mig_gpu_target *target, struct mig_error **err)
{
	memset(target, 0, sizeof(*target));
	target->is_named = true;
	target->mig_mode = saved->mig_mode;
	if (!saved->mig_mode)
		return 0;
	if (!gpu->is_mig_capable)
		return mig_error_set(err, MIG_ERROR_REFUSED, "GPU %u (%s) has no MIG", gpu->index,
				     gpu->name);
	for (unsigned int i = 0; i < saved->gi_count; i++) {
		if (place_gi(&saved->gi[i], gpu, &target->placed[i], err) < 0)
			return -1;
		target->placed_count++;
	}
	return 0;
}

void mig_saved_gpu_describe(const struct mig_saved_gpu *saved, struct mig_buf *out)
{
	if (!saved->mig_mode)
		mig_buf_puts(out, "MIG off");
	else if (saved->gi_count == 0)
		mig_buf_puts(out, "no instances");
	for (unsigned int i = 0; i < saved->gi_count; i++) {
		const struct mig_saved_gi *gi = &saved->gi[i];

		mig_buf_printf(out, "%s%s@%u", i > 0 ? " " : "", gi->profile_name, gi->start);
		if (gi->ci_count == 0)
			mig_buf_puts(out, " (no compute instance)");
		else if (gi->ci_count > 1)
			mig_buf_printf(out, " (%u compute instances)", gi->ci_count);
	}
}
