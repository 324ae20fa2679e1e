/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl list: MIG devices, one a line; with --tree also the GPUs and GPU instances they lie in.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/gpu_choice.h"
#include "cli/look.h"
#include "cli/note.h"
#include "cli/session.h"
#include "cli/status_parts.h"
#include "cli/table.h"
#include "core/holders.h"

const struct mig_option mig_cmd_list_options[] = {
	MIG_GPU_OPTION,
	{"tree", 0, NULL, "also GPUs and GPU instances, as a tree"},
	MIG_TABLE_OPTIONS("migctl.list/1"),
	{NULL, 0, NULL, NULL},
};

const struct mig_column mig_cmd_list_columns[] = {
	{"DEVICE", NULL, "GPU, GPU instance or compute instance (of --tree)", .is_tree = true},
	{"GPU", "gpu_index", "NVML index of the GPU", MIG_COLUMN_NUMBER, .is_default = true},
	{"GPU-UUID", "gpu_uuid", "UUID of the GPU"},
	{"INDEX", "mig_device_index", "index of the MIG device under its GPU", MIG_COLUMN_NUMBER,
	 .is_default = true, .is_first_to_go = true},
	{"GI", "gpu_instance_id", "id of the GPU instance", .is_default = true},
	{"CI", "compute_instance_id", "id of the compute instance in it", .is_default = true},
	{"PROFILE", "profile", "what it is: 3g.20gb, 1c.3g.20gb", .is_default = true},
	{"PLACEMENT", "placement", "of the GPU instance, start:size in memory units",
	 MIG_COLUMN_PLACE, .is_default = true, .is_first_to_go = true},
	{"CI-PLACEMENT", "compute_instance_placement",
	 "of the compute instance, start:size in compute slices of the GPU instance",
	 MIG_COLUMN_PLACE},
	{"MEMORY", "memory_mib", "of the GPU instance", MIG_COLUMN_NUMBER, .unit = " MiB",
	 .is_default = true, .is_first_to_go = true},
	{"SM", "multiprocessors", "multiprocessors of the compute instance", MIG_COLUMN_NUMBER},
	{"UUID", "uuid", "what CUDA_VISIBLE_DEVICES takes", .is_default = true},
	{"HOLDER", "holders", "who uses it", MIG_COLUMN_OWN, .is_default = true},
	{NULL},
};

static void json_holders(struct mig_json *json, MIG_UNUSED const struct mig_column *column,
			 const void *data)
{
	const struct mig_compute_instance *ci = data;

	mig_json_array_begin(json);
	/* Of a device of a restricted GPU it is not known. */
	for (unsigned int i = 0; ci != NULL && i < ci->holder_count; i++) {
		mig_json_object_begin(json);
		mig_json_member_string(json, "kind", ci->holders[i].provider);
		mig_json_member_uint(json, "pid", ci->holders[i].pid);
		mig_json_member_string(json, "name", ci->holders[i].name);
		mig_json_member_string(json, "user", ci->holders[i].user);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
}

static void set_holders(struct mig_table *table, struct mig_table_row *row,
			const struct mig_holder *holders, unsigned int count)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(65536);

	for (unsigned int i = 0; i < count; i++) {
		const struct mig_holder *holder = &holders[i];

		mig_buf_printf(&text, "%s%s %u", i > 0 ? ", " : "", holder->provider, holder->pid);
		if (holder->name[0] != '\0')
			mig_buf_printf(&text, " (%s%s%s)", holder->name,
				       holder->user[0] != '\0' ? " of " : "", holder->user);
	}
	if (count > 0)
		mig_table_set(table, row, "HOLDER", "%s", mig_buf_text(&text));
}

static void set_gi(struct mig_table *table, struct mig_table_row *row, const struct mig_gpu *gpu,
		   const struct mig_gpu_instance *gi)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];

	mig_table_set(table, row, "GPU", "%u", gpu->index);
	mig_table_set(table, row, "GPU-UUID", "%s", gpu->uuid);
	mig_table_set(table, row, "GI", "%u", gi->id);
	mig_table_set(table, row, "PROFILE", "%s", profile->name);
	mig_table_set(table, row, "PLACEMENT", "%u:%u", gi->start, gi->size);
	mig_table_set(table, row, "MEMORY", "%llu", (unsigned long long)profile->memory_mib);
}

static void add_ci(struct mig_table *table, struct mig_table_row *parent, const struct mig_gpu *gpu,
		   const struct mig_gpu_instance *gi, const struct mig_compute_instance *ci)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];
	struct mig_table_row *row = mig_table_add(table, parent, ci);
	char name[MIG_PROFILE_NAME_SIZE];

	set_gi(table, row, gpu, gi);
	mig_facts_device_name(profile, ci->ci_row, name, sizeof(name));
	mig_table_set(table, row, "DEVICE", "CI %u", ci->id);
	if (ci->device_index >= 0)
		mig_table_set(table, row, "INDEX", "%d", ci->device_index);
	mig_table_set(table, row, "CI", "%u", ci->id);
	mig_table_set(table, row, "PROFILE", "%s", name);
	mig_table_set(table, row, "CI-PLACEMENT", "%u:%u", ci->start, ci->size);
	if (profile->ci[ci->ci_row].sm_count != MIG_COUNT_UNKNOWN)
		mig_table_set(table, row, "SM", "%u", profile->ci[ci->ci_row].sm_count);
	if (ci->uuid[0] != '\0')
		mig_table_set(table, row, "UUID", "%s", ci->uuid);
	set_holders(table, row, ci->holders, ci->holder_count);
}

/* What everybody may see of a GPU that is restricted. */
static void add_device(struct mig_table *table, struct mig_table_row *parent,
		       const struct mig_gpu *gpu, const struct mig_visible_device *device)
{
	struct mig_table_row *row = mig_table_add(table, parent, NULL);

	mig_table_set(table, row, "DEVICE", "GI %u CI %u", device->gi_id, device->ci_id);
	mig_table_set(table, row, "GPU", "%u", gpu->index);
	mig_table_set(table, row, "GPU-UUID", "%s", gpu->uuid);
	mig_table_set(table, row, "INDEX", "%u", device->index);
	mig_table_set(table, row, "GI", "%u", device->gi_id);
	mig_table_set(table, row, "CI", "%u", device->ci_id);
	if (device->profile[0] != '\0')
		mig_table_set(table, row, "PROFILE", "%s", device->profile);
	if (device->uuid[0] != '\0')
		mig_table_set(table, row, "UUID", "%s", device->uuid);
	/* Not nobody: nobody may say. */
	mig_table_set(table, row, "HOLDER", "?");
}

static struct mig_table_row *add_gpu(struct mig_table *table, const struct mig_gpu *gpu)
{
	struct mig_table_row *row = mig_table_add(table, NULL, NULL);

	mig_table_set(table, row, "DEVICE", "GPU %u", gpu->index);
	mig_table_set(table, row, "GPU", "%u", gpu->index);
	if (gpu->is_lost) {
		mig_table_set(table, row, "PROFILE", "lost");
		return row;
	}
	mig_table_set(table, row, "GPU-UUID", "%s", gpu->uuid);
	mig_table_set(table, row, "PROFILE", "%s",
		      !gpu->is_mig_capable ? "no MIG"
		      : gpu->mig_current   ? "MIG on"
					   : "MIG off");
	if (!gpu->is_restricted)
		mig_table_set(table, row, "MEMORY", "%llu", (unsigned long long)gpu->memory_mib);
	mig_table_set(table, row, "UUID", "%s", gpu->uuid);
	if (gpu->is_restricted)
		mig_table_set(table, row, "HOLDER", "?");
	else
		set_holders(table, row, gpu->holders, gpu->holder_count);
	return row;
}

static struct mig_table_row *add_gi(struct mig_table *table, struct mig_table_row *parent,
				    const struct mig_gpu *gpu, const struct mig_gpu_instance *gi)
{
	struct mig_table_row *row = mig_table_add(table, parent, NULL);

	mig_table_set(table, row, "DEVICE", "GI %u", gi->id);
	set_gi(table, row, gpu, gi);
	mig_table_set(table, row, "SM", "%u", gpu->facts->gi[gi->gi_row].sm_count);
	return row;
}

/* Fills the table. Returns how many GPU instances have no compute instance. */
static unsigned int fill(struct mig_table *table, const struct mig_snapshot *snapshot,
			 const struct mig_gpu_choice *choice)
{
	unsigned int without = 0;

	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &snapshot->gpus[i];
		struct mig_table_row *above = NULL;

		if (!choice->is_chosen[i])
			continue;
		if (table->is_tree)
			above = add_gpu(table, gpu);
		for (unsigned int d = 0; gpu->is_restricted && d < gpu->device_count; d++)
			add_device(table, above, gpu, &gpu->devices[d]);
		for (unsigned int g = 0; g < gpu->gi_count; g++) {
			struct mig_table_row *parent = NULL;

			if (table->is_tree)
				parent = add_gi(table, above, gpu, &gpu->gi[g]);
			without += gpu->gi[g].ci_count == 0;
			for (unsigned int c = 0; c < gpu->gi[g].ci_count; c++)
				add_ci(table, parent, gpu, &gpu->gi[g], &gpu->gi[g].ci[c]);
		}
	}
	return without;
}

/* What is not in the table, and what to do about an empty one. */
static void say_what_is_not_there(const struct mig_table *table,
				  const struct mig_snapshot *snapshot,
				  const struct mig_gpu_choice *choice, unsigned int without)
{
	_cleanup_buf_ struct mig_buf list = MIG_BUF_INIT(4096);
	unsigned int capable = 0, on = 0, pending = 0;

	if (table->is_tree)
		return;
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &snapshot->gpus[i];

		if (!choice->is_chosen[i])
			continue;
		/* What it had nobody knows, and that it is lost is said. */
		if (gpu->is_lost)
			return;
		capable += gpu->is_mig_capable;
		on += gpu->mig_current;
		pending += gpu->is_mig_capable && !gpu->mig_current && gpu->mig_pending;
		if (gpu->is_mig_capable)
			mig_buf_printf(&list, "%s%u", list.len > 0 ? "," : "", gpu->index);
	}
	if (without > 0)
		mig_note_person(
			"%u GPU instance%s no compute instance, so %s no MIG device: migctl list "
			"--tree shows %s",
			without, without == 1 ? " has" : "s have",
			without == 1 ? "it is" : "they are", without == 1 ? "it" : "them");
	else if (table->row_count == 0 && capable == 0)
		mig_note_person("there is no MIG device: no GPU of this node has MIG");
	else if (table->row_count == 0 && on == 0 && pending > 0)
		mig_note_person("there is no MIG device: MIG mode is on after a reset only, as "
				"migctl doctor says");
	else if (table->row_count == 0 && on == 0)
		mig_note_person("there is no MIG device, for MIG mode is off: migctl mode on%s%s "
				"turns it on",
				choice->is_named ? " -i " : "",
				choice->is_named ? mig_buf_text(&list) : "");
	else if (table->row_count == 0)
		mig_note_person("there is no MIG device: migctl status shows the GPUs, migctl "
				"create PROFILE makes one");
}

int mig_cmd_list_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_session_ struct mig_session session = {0};
	_cleanup_snapshot_ struct mig_snapshot *snapshot = NULL;
	_cleanup_gpu_choice_ struct mig_gpu_choice choice = {0};
	_cleanup_table_ struct mig_table table = {.json_own = json_holders};
	unsigned int without;

	if (mig_table_begin(&table, inv, mig_cmd_list_columns, err) < 0 ||
	    mig_session_open(&session, err) < 0)
		return -1;
	if (mig_snapshot_read(&session.ctx,
			      MIG_SNAPSHOT_UUIDS | MIG_SNAPSHOT_HOLDERS | MIG_SNAPSHOT_LOST |
				      MIG_SNAPSHOT_PARTIAL,
			      &snapshot, err) < 0)
		return mig_session_explain(&session, err);
	if (mig_gpu_choice_read(snapshot, mig_option_value(inv, "id"), &choice, err) < 0 ||
	    (choice.is_named && mig_gpu_choice_check_mig(snapshot, &choice, err) < 0))
		return -1;
	without = fill(&table, snapshot, &choice);
	mig_look_warn_unfinished(&session);
	mig_gpu_choice_note_lost(snapshot, &choice);
	mig_status_warn_hidden(
		&(struct mig_status_view){.snapshot = snapshot, .chosen = choice.is_chosen});
	if (mig_table_print(&table, "migctl.list/1", "mig_devices", err) < 0)
		return -1;
	say_what_is_not_there(&table, snapshot, &choice, without);
	return mig_gpu_choice_check_lost(&session.ctx, snapshot, &choice, err) < 0 ? -1
										   : MIG_EXIT_OK;
}
