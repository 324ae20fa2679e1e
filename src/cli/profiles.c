/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl profiles: what each GPU can be divided into, how many of each there are, and what fits now.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/gpu_choice.h"
#include "cli/look.h"
#include "cli/profile_rows.h"
#include "cli/session.h"
#include "cli/table.h"
#include "core/room.h"
#include "shared/text.h"

const struct mig_option mig_cmd_profiles_options[] = {
	MIG_GPU_OPTION,
	{"ci", 0, NULL, "also the compute instance profiles of each profile"},
	{"tree", 0, NULL, "the same, as a tree"},
	MIG_TABLE_OPTIONS("migctl.profiles/1"),
	{NULL, 0, NULL, NULL},
};

const struct mig_column mig_cmd_profiles_columns[] = {
	{"GPU", "gpu_index", "NVML index of the GPU", MIG_COLUMN_NUMBER, .is_default = true},
	{"MODEL", "gpu_name", "name of the GPU"},
	{"PROFILE", "profile", "its name, as create takes it", .is_default = true, .is_tree = true},
	{"OF", "gpu_instance_profile",
	 "of a compute instance profile: the profile of the GPU instance"},
	{"ID", "profile_id", "the driver's id, as create takes it", .is_default = true},
	{"EXIST", "exist", "how many there are", MIG_COLUMN_NUMBER, .is_default = true},
	{"FIT", "fit", "how many more of this one alone would fit now; none: MIG mode is off",
	 MIG_COLUMN_NUMBER, .is_default = true},
	{"MAX", "instances_max", "how many an empty GPU (or GPU instance) takes", MIG_COLUMN_NUMBER,
	 .is_default = true, .is_first_to_go = true},
	{"WHERE", "fits_at", "starts at which one would fit now; of compute instances GI:start",
	 MIG_COLUMN_OWN, .is_default = true},
	{"MEMORY", "memory_mib", "of its GPU instance", MIG_COLUMN_NUMBER, .unit = " MiB",
	 .is_default = true},
	{"SM", "multiprocessors", "multiprocessors", MIG_COLUMN_NUMBER, .is_default = true,
	 .is_first_to_go = true},
	{"CE", "copy_engines", "copy engines; compute instances share those of their GPU instance",
	 MIG_COLUMN_NUMBER, .is_default = true, .is_first_to_go = true},
	{"DEC", "decoders", "video decoders, likewise", MIG_COLUMN_NUMBER, .is_default = true,
	 .is_first_to_go = true},
	{"ENC", "encoders", "video encoders, likewise", MIG_COLUMN_NUMBER, .is_default = true,
	 .is_first_to_go = true},
	{"JPEG", "jpeg_engines", "JPEG engines, likewise", MIG_COLUMN_NUMBER, .is_default = true,
	 .is_first_to_go = true},
	{"OFA", "optical_flow_engines", "optical flow engines, likewise", MIG_COLUMN_NUMBER,
	 .is_default = true, .is_first_to_go = true},
	{"SLICES", "slices", "compute slices", MIG_COLUMN_NUMBER},
	{"SIZE", "placement_size",
	 "memory units that it takes of the GPU; compute slices of the GPU instance",
	 MIG_COLUMN_NUMBER},
	{NULL},
};

/* ---- where one fits ---------------------------------------------------------------------------- */

/* Of a GPU instance profile: its free starts; of a compute instance profile: the free starts in each
 * GPU instance of its kind. Calls `put` for each. */
struct place {
	const struct mig_gpu_instance *gi; /* NULL: a start of the GPU */
	unsigned int start;
};

static bool next_ci_place(const struct mig_profile_row *row, struct place *place,
			  unsigned int *number)
{
	const struct mig_ci_profile *ci = &row->gpu->facts->gi[row->gi_row].ci[row->ci_row];

	for (; *number < row->gpu->gi_count * ci->start_count; ++*number) {
		place->gi = &row->gpu->gi[*number / ci->start_count];
		place->start = ci->starts[*number % ci->start_count];
		if (place->gi->gi_row != row->gi_row ||
		    !mig_ci_place_is_free(row->gpu, place->gi, (unsigned int)row->ci_row,
					  place->start))
			continue;
		++*number;
		return true;
	}
	return false;
}

/* Steps through the places; *number is 0 at first. */
static bool next_place(const struct mig_profile_row *row, struct place *place, unsigned int *number)
{
	const struct mig_gi_profile *profile = &row->gpu->facts->gi[row->gi_row];

	if (!row->gpu->mig_current)
		return false;
	if (row->ci_row >= 0)
		return next_ci_place(row, place, number);
	place->gi = NULL;
	while (*number < profile->start_count) {
		place->start = profile->starts[(*number)++];
		if (mig_gi_place_state(row->gpu, row->gi_row, place->start) == MIG_PLACE_FREE)
			return true;
	}
	return false;
}

static void json_places(struct mig_json *json, MIG_UNUSED const struct mig_column *column,
			const void *data)
{
	const struct mig_profile_row *row = data;
	struct place place;
	unsigned int number = 0;

	mig_json_array_begin(json);
	while (next_place(row, &place, &number)) {
		char id[16];

		mig_json_object_begin(json);
		if (place.gi != NULL)
			mig_text_format(id, sizeof(id), "%u", place.gi->id);
		mig_json_member_string(json, "gpu_instance_id", place.gi != NULL ? id : NULL);
		mig_json_member_uint(json, "placement_start", place.start);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
}

static void set_places(struct mig_table *table, struct mig_table_row *row,
		       const struct mig_profile_row *what)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(16384);
	struct place place;
	unsigned int number = 0;

	while (next_place(what, &place, &number)) {
		if (text.len > 0)
			mig_buf_putc(&text, ',');
		if (place.gi != NULL)
			mig_buf_printf(&text, "%u:", place.gi->id);
		mig_buf_printf(&text, "%u", place.start);
	}
	if (text.len > 0)
		mig_table_set(table, row, "WHERE", "%s", mig_buf_text(&text));
}

/* ---- rows -------------------------------------------------------------------------------------- */

static void set_count(struct mig_table *table, struct mig_table_row *row, const char *column,
		      unsigned int count)
{
	if (count != MIG_COUNT_UNKNOWN)
		mig_table_set(table, row, column, "%u", count);
}

static void set_gpu(struct mig_table *table, struct mig_table_row *row,
		    const struct mig_profile_row *what)
{
	const struct mig_gi_profile *profile = &what->gpu->facts->gi[what->gi_row];

	mig_table_set(table, row, "GPU", "%s", what->gpus);
	mig_table_set(table, row, "MODEL", "%s", what->gpu->name);
	mig_table_set(table, row, "MEMORY", "%llu", (unsigned long long)profile->memory_mib);
	set_count(table, row, "CE", profile->engines.copy);
	set_count(table, row, "DEC", profile->engines.decoder);
	set_count(table, row, "ENC", profile->engines.encoder);
	set_count(table, row, "JPEG", profile->engines.jpeg);
	set_count(table, row, "OFA", profile->engines.ofa);
	set_places(table, row, what);
}

static struct mig_table_row *add_gi(struct mig_table *table, const struct mig_profile_row *what)
{
	const struct mig_gi_profile *profile = &what->gpu->facts->gi[what->gi_row];
	struct mig_table_row *row = mig_table_add(table, NULL, what);

	set_gpu(table, row, what);
	mig_table_set(table, row, "PROFILE", "%s", profile->name);
	mig_table_set(table, row, "ID", "%u", profile->id);
	mig_table_set(table, row, "EXIST", "%u", mig_gi_exist(what->gpu, what->gi_row));
	if (what->gpu->mig_current)
		mig_table_set(table, row, "FIT", "%u", mig_gi_fits(what->gpu, what->gi_row));
	mig_table_set(table, row, "MAX", "%u", profile->instance_max);
	set_count(table, row, "SM", profile->sm_count);
	mig_table_set(table, row, "SLICES", "%u", profile->slice_count);
	mig_table_set(table, row, "SIZE", "%u", profile->size);
	return row;
}

static void add_ci(struct mig_table *table, struct mig_table_row *parent,
		   const struct mig_profile_row *what)
{
	const struct mig_gi_profile *profile = &what->gpu->facts->gi[what->gi_row];
	const struct mig_ci_profile *ci = &profile->ci[what->ci_row];
	struct mig_table_row *row = mig_table_add(table, parent, what);
	unsigned int exist = 0, fit = 0;

	for (unsigned int i = 0; i < what->gpu->gi_count; i++) {
		const struct mig_gpu_instance *gi = &what->gpu->gi[i];

		if (gi->gi_row != what->gi_row)
			continue;
		exist += mig_ci_exist(gi, (unsigned int)what->ci_row);
		fit += mig_ci_fits(what->gpu, gi, (unsigned int)what->ci_row);
	}
	set_gpu(table, row, what);
	mig_table_set(table, row, "PROFILE", "%uc.%s", ci->slice_count, profile->name);
	mig_table_set(table, row, "OF", "%s", profile->name);
	mig_table_set(table, row, "ID", "%u", ci->id);
	mig_table_set(table, row, "EXIST", "%u", exist);
	if (what->gpu->mig_current)
		mig_table_set(table, row, "FIT", "%u", fit);
	mig_table_set(table, row, "MAX", "%u", ci->instance_max);
	set_count(table, row, "SM", ci->sm_count);
	mig_table_set(table, row, "SLICES", "%u", ci->slice_count);
	mig_table_set(table, row, "SIZE", "%u", ci->size);
}

static void fill(struct mig_table *table, const struct mig_profile_rows *rows)
{
	struct mig_table_row *parent = NULL;

	for (size_t i = 0; i < rows->count; i++) {
		if (rows->rows[i].ci_row < 0)
			parent = add_gi(table, &rows->rows[i]);
		else
			add_ci(table, parent, &rows->rows[i]);
	}
}

int mig_cmd_profiles_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_session_ struct mig_session session = {0};
	_cleanup_snapshot_ struct mig_snapshot *snapshot = NULL;
	_cleanup_gpu_choice_ struct mig_gpu_choice choice = {0};
	_cleanup_profile_rows_ struct mig_profile_rows rows = {0};
	_cleanup_table_ struct mig_table table = {.json_own = json_places};
	bool has_ci = mig_option_given(inv, "ci") || mig_option_given(inv, "tree");

	if (mig_table_begin(&table, inv, mig_cmd_profiles_columns, err) < 0 ||
	    mig_session_open(&session, err) < 0)
		return -1;
	if (mig_snapshot_read(&session.ctx, MIG_SNAPSHOT_LOST, &snapshot, err) < 0)
		return mig_session_explain(&session, err);
	if (mig_gpu_choice_read(snapshot, mig_option_value(inv, "id"), &choice, err) < 0 ||
	    mig_gpu_choice_check_mig(snapshot, &choice, err) < 0 ||
	    mig_profile_rows_make(snapshot, &choice, has_ci, !table.is_json, &rows, err) < 0)
		return -1;
	fill(&table, &rows);
	mig_look_warn_unfinished(&session);
	mig_gpu_choice_note_lost(snapshot, &choice);
	if (mig_table_print(&table, "migctl.profiles/1", "profiles", err) < 0)
		return -1;
	mig_profile_rows_say_off(snapshot, &choice);
	return mig_gpu_choice_check_lost(&session.ctx, snapshot, &choice, err) < 0 ? -1
										   : MIG_EXIT_OK;
}
