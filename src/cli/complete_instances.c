/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances that are on the node, for completion: every name by which commands take them. See
 * complete.h.
 *
 * A row is a compute instance, or a GPU instance without any. Each row has a name of each kind; a
 * name that several rows have means all of them. So what a word on the line means is found by
 * looking for rows that have it as a name, and nothing is read a second time in another way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/complete.h"
#include "cli/gpu_choice.h"
#include "cli/instance_name.h"
#include "core/room.h"
#include "shared/text.h"

#define DESCRIPTION_MAX 1024

enum name_kind {
	NAME_PROFILE,	 /* "3g.20gb": the GPU instances */
	NAME_PROFILE_AT, /* "3g.20gb@4" */
	NAME_DEVICE,	 /* "1c.3g.20gb", where that is not the profile */
	NAME_DEVICE_AT,
	NAME_ID, /* of the GPU instance, where one GPU is meant */
	NAME_GI, /* "0:2" */
	NAME_CI, /* "0:2:0" */
	NAME_UUID,
	NAME_COUNT,
};

struct row {
	const struct mig_gpu *gpu;
	const struct mig_gpu_instance *gi; /* NULL: only the device is known, to others than root */
	const struct mig_holder *holders;
	unsigned int holder_count;
	unsigned int gi_id;
	bool is_named;			       /* by a word that stands on the line */
	char names[NAME_COUNT][MIG_UUID_SIZE]; /* "": has none of this kind */
};

struct rows {
	struct row *rows;
	size_t count, allocated;
	bool has_ids;	    /* an id alone names a GPU instance */
	bool is_gpu_chosen; /* by -i: a place may be meant on several GPUs */
};

static void clear_rows(struct rows *rows)
{
	free(rows->rows);
}
#define _cleanup_rows_ _cleanup_(clear_rows)

/* What a row is to get, from an instance or from a device. */
struct seen_instance {
	unsigned int gi_id;
	int ci_id;	     /* -1: none */
	const char *profile; /* of the GPU instance */
	const char *device;
	int start; /* -1: not known */
	const char *uuid;
};

static struct row *add_row(struct rows *rows, const struct mig_gpu *gpu,
			   const struct seen_instance *seen)
{
	char(*names)[MIG_UUID_SIZE];
	struct row *row;

	if (mig_array_reserve(&rows->rows, &rows->allocated, rows->count + 1, sizeof(*row)) < 0)
		return NULL;
	row = &rows->rows[rows->count++];
	*row = (struct row){.gpu = gpu, .gi_id = seen->gi_id};
	names = row->names;
	mig_text_copy(names[NAME_PROFILE], MIG_UUID_SIZE, seen->profile);
	if (strcmp(seen->profile, seen->device) != 0)
		mig_text_copy(names[NAME_DEVICE], MIG_UUID_SIZE, seen->device);
	for (unsigned int kind = NAME_PROFILE; kind <= NAME_DEVICE; kind += 2) {
		if (names[kind][0] != '\0' && seen->start >= 0)
			mig_text_format(names[kind + 1], MIG_UUID_SIZE, "%s@%d", names[kind],
					seen->start);
	}
	if (rows->has_ids)
		mig_text_format(names[NAME_ID], MIG_UUID_SIZE, "%u", seen->gi_id);
	mig_text_format(names[NAME_GI], MIG_UUID_SIZE, "%u:%u", gpu->index, seen->gi_id);
	if (seen->ci_id >= 0)
		mig_text_format(names[NAME_CI], MIG_UUID_SIZE, "%u:%u:%d", gpu->index, seen->gi_id,
				seen->ci_id);
	mig_text_copy(names[NAME_UUID], MIG_UUID_SIZE, seen->uuid);
	return row;
}

static void add_gi(struct rows *rows, const struct mig_gpu *gpu, const struct mig_gpu_instance *gi)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];

	for (unsigned int c = 0; c < MIG_MAX(gi->ci_count, 1U); c++) {
		const struct mig_compute_instance *ci = gi->ci_count > 0 ? &gi->ci[c] : NULL;
		char device[MIG_PROFILE_NAME_SIZE];
		struct seen_instance seen = {.gi_id = gi->id,
					     .ci_id = ci != NULL ? (int)ci->id : -1,
					     .profile = profile->name,
					     .device = profile->name,
					     .start = (int)gi->start,
					     .uuid = ci != NULL ? ci->uuid : ""};
		struct row *row;

		if (ci != NULL) {
			mig_facts_device_name(profile, ci->ci_row, device, sizeof(device));
			seen.device = device;
		}
		row = add_row(rows, gpu, &seen);
		if (row == NULL)
			return;
		row->gi = gi;
		if (ci != NULL) {
			row->holders = ci->holders;
			row->holder_count = ci->holder_count;
		}
	}
}

/* What others than root see. */
static void add_device(struct rows *rows, const struct mig_gpu *gpu,
		       const struct mig_visible_device *device)
{
	const char *point = strstr(device->profile, "c.");
	const struct seen_instance seen = {.gi_id = device->gi_id,
					   .ci_id = (int)device->ci_id,
					   .profile = point != NULL ? point + 2 : device->profile,
					   .device = device->profile,
					   .start = -1,
					   .uuid = device->uuid};
	struct row *row = add_row(rows, gpu, &seen);

	(void)row;
}

/* The rows of the GPUs that are meant. An id alone is enough where that is one GPU, or where it is
 * `by_id` that something is named. */
static void read_rows(struct rows *rows, const struct mig_snapshot *snapshot,
		      const struct mig_complete_place *place, bool by_id)
{
	_cleanup_gpu_choice_ struct mig_gpu_choice choice = {0};

	*rows = (struct rows){0};
	if (mig_gpu_choice_read(snapshot, place->gpus, &choice, NULL) < 0)
		return;
	rows->has_ids = by_id || choice.count == 1;
	rows->is_gpu_chosen = choice.is_named;
	for (unsigned int g = 0; g < snapshot->gpu_count; g++) {
		const struct mig_gpu *gpu = &snapshot->gpus[g];

		for (unsigned int i = 0; choice.is_chosen[g] && i < gpu->gi_count; i++)
			add_gi(rows, gpu, &gpu->gi[i]);
		for (unsigned int d = 0;
		     choice.is_chosen[g] && gpu->gi_count == 0 && d < gpu->device_count; d++)
			add_device(rows, gpu, &gpu->devices[d]);
	}
	for (size_t i = 0; i < rows->count; i++) {
		struct row *row = &rows->rows[i];

		for (unsigned int kind = 0; kind < NAME_COUNT; kind++)
			row->is_named = row->is_named ||
					mig_complete_is_named(place, row->names[kind]);
	}
}

/* ---- descriptions ------------------------------------------------------------------------------- */

/* What one name means. */
struct meaning {
	const struct row *first;
	bool is_on_several; /* GPUs */
	unsigned int count; /* GPU instances, or compute instances for a name of those */
	unsigned int held;  /* rows that somebody uses */
	const struct mig_holder *holder; /* one of them */
	bool is_named;			 /* some of it is named already */
	bool is_new;			 /* no row before has the name */
};

static struct meaning meaning_of(const struct rows *rows, size_t at, enum name_kind kind)
{
	const char *name = rows->rows[at].names[kind];
	bool is_of_gi = kind != NAME_DEVICE && kind != NAME_DEVICE_AT && kind != NAME_CI &&
			kind != NAME_UUID;
	struct meaning meaning = {.is_new = true};
	const struct row *last = NULL;

	for (size_t i = 0; i < rows->count; i++) {
		const struct row *row = &rows->rows[i];

		if (strcmp(row->names[kind], name) != 0)
			continue;
		if (meaning.first == NULL) {
			meaning.first = row;
			meaning.is_new = i == at;
		}
		meaning.is_on_several = meaning.is_on_several || row->gpu != meaning.first->gpu;
		if (last == NULL || !is_of_gi || last->gpu != row->gpu || last->gi_id != row->gi_id)
			meaning.count++;
		last = row;
		meaning.is_named = meaning.is_named || row->is_named;
		if (row->holder_count > 0) {
			meaning.held++;
			meaning.holder = &row->holders[0];
		}
	}
	return meaning;
}

/* "GPU 0 3g.20gb@4": the row, as a compute instance or as its GPU instance. */
static void describe_row(const struct row *row, bool is_ci, struct mig_buf *out)
{
	const char *name = row->names[NAME_PROFILE_AT];

	if (name[0] == '\0')
		name = row->names[NAME_PROFILE];
	if (is_ci && row->names[NAME_DEVICE][0] != '\0')
		name = row->names[row->names[NAME_DEVICE_AT][0] != '\0' ? NAME_DEVICE_AT
									: NAME_DEVICE];
	mig_buf_printf(out, "GPU %u %s", row->gpu->index, name);
}

static void describe(const struct meaning *meaning, enum name_kind kind, struct mig_buf *out)
{
	const struct mig_holder *holder = meaning->holder;

	if (meaning->count == 1)
		describe_row(meaning->first,
			     kind == NAME_DEVICE || kind == NAME_DEVICE_AT || kind >= NAME_CI, out);
	else
		mig_buf_printf(out, "%u instances", meaning->count);
	if (meaning->held > 0 && meaning->count > 1) {
		mig_buf_printf(out, ", %u in use", meaning->held);
	} else if (holder != NULL) {
		mig_buf_printf(out, ", held by %s %u", holder->provider, holder->pid);
		if (holder->name[0] != '\0')
			mig_buf_printf(out, " (%s)", holder->name);
	}
}

/* ---- for destroy -------------------------------------------------------------------------------- */

void mig_complete_put_instances(const char *prefix, const struct mig_snapshot *snapshot,
				const struct mig_complete_place *place)
{
	_cleanup_rows_ struct rows rows;

	read_rows(&rows, snapshot, place, false);
	for (unsigned int kind = 0; kind < NAME_COUNT; kind++) {
		for (size_t i = 0; i < rows.count; i++) {
			_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(DESCRIPTION_MAX);
			const char *name = rows.rows[i].names[kind];
			struct meaning meaning;

			if (name[0] == '\0')
				continue;
			meaning = meaning_of(&rows, i, kind);
			if (!meaning.is_new || meaning.is_named)
				continue;
			if (meaning.is_on_several && !rows.is_gpu_chosen &&
			    (kind == NAME_PROFILE_AT || kind == NAME_DEVICE_AT))
				continue;
			describe(&meaning, kind, &text);
			mig_complete_put(prefix, name, mig_buf_text(&text));
		}
	}
}

/* ---- for create --------------------------------------------------------------------------------- */

static void describe_room(const struct row *row, struct mig_buf *out)
{
	unsigned int used = 0, slices;

	describe_row(row, false, out);
	if (row->gi == NULL)
		return;
	slices = row->gpu->facts->gi[row->gi->gi_row].slice_count;
	for (unsigned int c = 0; c < row->gi->ci_count; c++)
		used += row->gi->ci[c].size;
	if (used >= slices)
		mig_buf_puts(out, ", full");
	else
		mig_buf_printf(out, ", %u of %u slices free", slices - used, slices);
}

static void put_gi_names(const char *prefix, const struct rows *rows, bool is_id_only)
{
	static const enum name_kind kinds[] = {NAME_ID, NAME_GI, NAME_UUID};

	for (size_t k = 0; k < (is_id_only ? 1 : MIG_ARRAY_SIZE(kinds)); k++) {
		for (size_t i = 0; i < rows->count; i++) {
			_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(DESCRIPTION_MAX);
			const char *name = rows->rows[i].names[kinds[k]];

			if (name[0] == '\0' || !meaning_of(rows, i, kinds[k]).is_new)
				continue;
			describe_room(&rows->rows[i], &text);
			mig_complete_put(prefix, name, mig_buf_text(&text));
		}
	}
}

void mig_complete_put_gis(const char *prefix, const struct mig_snapshot *snapshot,
			  const struct mig_complete_place *place)
{
	_cleanup_rows_ struct rows rows;

	read_rows(&rows, snapshot, place, false);
	put_gi_names(prefix, &rows, false);
}

/* The GPU instance of -g; NULL if it names none. */
static const struct mig_gpu_instance *find_gi(const struct mig_snapshot *snapshot,
					      const struct mig_gpu_choice *choice, const char *word,
					      const struct mig_gpu **gpu)
{
	struct mig_instance_name name;
	int only = -1;

	for (unsigned int i = 0; choice->is_named && choice->count == 1 && i < snapshot->gpu_count;
	     i++) {
		if (choice->is_chosen[i])
			only = (int)i;
	}
	if (mig_instance_name_find(snapshot, only, word, &name, NULL) < 0)
		return NULL;
	*gpu = &snapshot->gpus[name.position];
	return &(*gpu)->gi[name.gi];
}

static void put_fitting(const char *prefix, const char *name, unsigned int fits)
{
	char text[64] = "no room now";

	if (fits > 0)
		mig_text_format(text, sizeof(text), "%u more would fit", fits);
	mig_complete_put(prefix, name, text);
}

/* Each profile once, counted over the GPUs that have it. */
static void put_gi_profiles(const char *prefix, const struct mig_snapshot *snapshot,
			    const struct mig_gpu_choice *choice)
{
	const char *seen[MIG_FACTS_GI_PROFILES_MAX * 8];
	unsigned int seen_count = 0;

	for (unsigned int g = 0; g < snapshot->gpu_count; g++) {
		const struct mig_facts *facts = snapshot->gpus[g].facts;

		for (unsigned int p = 0;
		     choice->is_chosen[g] && facts != NULL && p < facts->gi_count; p++) {
			const char *name = facts->gi[p].name;
			unsigned int fits = 0, s = 0;

			while (s < seen_count && strcmp(seen[s], name) != 0)
				s++;
			if (s < seen_count || seen_count == MIG_ARRAY_SIZE(seen))
				continue;
			seen[seen_count++] = name;
			for (unsigned int other = g; other < snapshot->gpu_count; other++) {
				const struct mig_gpu *gpu = &snapshot->gpus[other];
				int row = -1;

				if (choice->is_chosen[other] && gpu->facts != NULL)
					row = mig_facts_gi_by_name(gpu->facts,
								   &facts->gi[p].parsed);
				if (row >= 0 && gpu->mig_current)
					fits += mig_gi_fits(gpu, (unsigned int)row);
			}
			put_fitting(prefix, name, fits);
		}
	}
}

void mig_complete_put_creatable(const char *prefix, const struct mig_snapshot *snapshot,
				const struct mig_complete_place *place)
{
	_cleanup_gpu_choice_ struct mig_gpu_choice choice = {0};
	const struct mig_gi_profile *profile;
	const struct mig_gpu_instance *gi;
	const struct mig_gpu *gpu;

	if (mig_gpu_choice_read(snapshot, place->gpus, &choice, NULL) < 0)
		return;
	if (place->gi == NULL) {
		put_gi_profiles(prefix, snapshot, &choice);
		return;
	}
	gi = find_gi(snapshot, &choice, place->gi, &gpu);
	if (gi == NULL)
		return;
	profile = &gpu->facts->gi[gi->gi_row];
	for (unsigned int c = 0; c < profile->ci_count; c++)
		put_fitting(prefix, profile->ci[c].name, mig_ci_fits(gpu, gi, c));
}

/* ---- plain ids ---------------------------------------------------------------------------------- */

void mig_complete_put_gi_ids(const char *prefix, const struct mig_snapshot *snapshot,
			     const struct mig_complete_place *place)
{
	_cleanup_rows_ struct rows rows;

	read_rows(&rows, snapshot, place, true);
	put_gi_names(prefix, &rows, true);
}

void mig_complete_put_ci_ids(const char *prefix, const struct mig_snapshot *snapshot,
			     const struct mig_complete_place *place)
{
	_cleanup_rows_ struct rows rows;

	read_rows(&rows, snapshot, place, true);
	for (size_t i = 0; i < rows.count && place->gi != NULL; i++) {
		_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(DESCRIPTION_MAX);
		const struct row *row = &rows.rows[i];
		const char *id = strrchr(row->names[NAME_CI], ':');

		if (id == NULL || strcmp(row->names[NAME_ID], place->gi) != 0)
			continue;
		describe_row(row, true, &text);
		mig_complete_put(prefix, id + 1, mig_buf_text(&text));
	}
}
