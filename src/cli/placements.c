/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl placements: where instances of each profile can lie, and what is there now.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/look.h"
#include "cli/profile_rows.h"
#include "cli/session.h"
#include "cli/table.h"
#include "core/room.h"

const struct mig_option mig_cmd_placements_options[] = {
	MIG_GPU_OPTION,
	MIG_TABLE_OPTIONS("migctl.placements/1"),
	{NULL, 0, NULL, NULL},
};

const struct mig_column mig_cmd_placements_columns[] = {
	{"GPU", "gpu_index", "NVML index of the GPU", MIG_COLUMN_NUMBER, .is_default = true},
	{"PROFILE", "profile", "name of the profile", .is_default = true},
	{"ID", "profile_id", "the driver's id of it", .is_default = true, .is_first_to_go = true},
	{"START", "placement_start", "where it begins, in memory units of the GPU",
	 MIG_COLUMN_NUMBER, .is_default = true},
	{"SIZE", "placement_size", "memory units that it takes", MIG_COLUMN_NUMBER,
	 .is_default = true, .is_first_to_go = true},
	{"STATE", "state",
	 "free; used: by such an instance; covered: by others; no-room: nothing lies there, but "
	 "the "
	 "GPU takes no more; off: MIG mode is off",
	 .is_default = true},
	{"BY", "used_by", "what lies there: profile@start, GPU instance id", .is_default = true},
	{NULL},
};

static const char *const state_words[MIG_PLACE_STATE_COUNT] = {
	[MIG_PLACE_FREE] = "free",
	[MIG_PLACE_USED] = "used",
	[MIG_PLACE_COVERED] = "covered",
	[MIG_PLACE_NO_ROOM] = "no-room",
};

static void put_by(const struct mig_gpu *gpu, unsigned int start, unsigned int size,
		   struct mig_buf *out)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		const struct mig_gpu_instance *gi = &gpu->gi[i];

		if (gi->start >= start + size || start >= gi->start + gi->size)
			continue;
		mig_buf_printf(out, "%s%s@%u GI %u", out->len > 0 ? ", " : "",
			       gpu->facts->gi[gi->gi_row].name, gi->start, gi->id);
	}
}

static void add(struct mig_table *table, const struct mig_profile_row *what, unsigned int start)
{
	const struct mig_gi_profile *profile = &what->gpu->facts->gi[what->gi_row];
	struct mig_table_row *row = mig_table_add(table, NULL, what);
	_cleanup_buf_ struct mig_buf by = MIG_BUF_INIT(16384);

	put_by(what->gpu, start, profile->size, &by);
	mig_table_set(table, row, "GPU", "%s", what->gpus);
	mig_table_set(table, row, "PROFILE", "%s", profile->name);
	mig_table_set(table, row, "ID", "%u", profile->id);
	mig_table_set(table, row, "START", "%u", start);
	mig_table_set(table, row, "SIZE", "%u", profile->size);
	mig_table_set(table, row, "STATE", "%s",
		      what->gpu->mig_current
			      ? state_words[mig_gi_place_state(what->gpu, what->gi_row, start)]
			      : "off");
	if (by.len > 0)
		mig_table_set(table, row, "BY", "%s", mig_buf_text(&by));
}

int mig_cmd_placements_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_session_ struct mig_session session = {0};
	_cleanup_snapshot_ struct mig_snapshot *snapshot = NULL;
	_cleanup_gpu_choice_ struct mig_gpu_choice choice = {0};
	_cleanup_profile_rows_ struct mig_profile_rows rows = {0};
	_cleanup_table_ struct mig_table table = {0};

	if (mig_table_begin(&table, inv, mig_cmd_placements_columns, err) < 0 ||
	    mig_session_open(&session, err) < 0)
		return -1;
	if (mig_snapshot_read(&session.ctx, MIG_SNAPSHOT_LOST, &snapshot, err) < 0)
		return mig_session_explain(&session, err);
	if (mig_gpu_choice_read(snapshot, mig_option_value(inv, "id"), &choice, err) < 0 ||
	    mig_gpu_choice_check_mig(snapshot, &choice, err) < 0 ||
	    mig_profile_rows_make(snapshot, &choice, false, !table.is_json, &rows, err) < 0)
		return -1;
	for (size_t i = 0; i < rows.count; i++) {
		const struct mig_gi_profile *profile =
			&rows.rows[i].gpu->facts->gi[rows.rows[i].gi_row];

		for (unsigned int s = 0; s < profile->start_count; s++)
			add(&table, &rows.rows[i], profile->starts[s]);
	}
	mig_look_warn_unfinished(&session);
	mig_gpu_choice_note_lost(snapshot, &choice);
	if (mig_table_print(&table, "migctl.placements/1", "placements", err) < 0)
		return -1;
	mig_profile_rows_say_off(snapshot, &choice);
	return mig_gpu_choice_check_lost(&session.ctx, snapshot, &choice, err) < 0 ? -1
										   : MIG_EXIT_OK;
}
