/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `migctl status --json`; see status_parts.h and docs/json.md.
 */
#include "cli/status_parts.h"

#include "cli/note.h"
#include "core/room.h"
#include "shared/text.h"

static void json_holders(struct mig_json *json, const struct mig_holder *holders,
			 unsigned int count)
{
	mig_json_key(json, "holders");
	mig_json_array_begin(json);
	for (unsigned int h = 0; h < count; h++) {
		mig_json_object_begin(json);
		mig_json_member_string(json, "kind", holders[h].provider);
		mig_json_member_uint(json, "pid", holders[h].pid);
		mig_json_member_string(json, "name", holders[h].name);
		mig_json_member_string(json, "user", holders[h].user);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
}

static void json_devices(struct mig_json *json, const struct mig_gpu *gpu)
{
	mig_json_key(json, "mig_devices");
	mig_json_array_begin(json);
	for (unsigned int i = 0; i < gpu->device_count; i++) {
		const struct mig_visible_device *device = &gpu->devices[i];
		char id[16];

		mig_json_object_begin(json);
		mig_json_member_uint(json, "index", device->index);
		mig_text_format(id, sizeof(id), "%u", device->gi_id);
		mig_json_member_string(json, "gpu_instance_id", id);
		mig_text_format(id, sizeof(id), "%u", device->ci_id);
		mig_json_member_string(json, "compute_instance_id", id);
		mig_json_member_string(json, "profile",
				       device->profile[0] != '\0' ? device->profile : NULL);
		mig_json_member_string(json, "uuid", device->uuid[0] != '\0' ? device->uuid : NULL);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
}

static void json_instance(struct mig_json *json, const struct mig_gpu *gpu,
			  const struct mig_gpu_instance *gi)
{
	const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];
	char id[16];

	mig_json_object_begin(json);
	mig_text_format(id, sizeof(id), "%u", gi->id);
	mig_json_member_string(json, "gpu_instance_id", id);
	mig_json_member_string(json, "profile", profile->name);
	mig_json_member_uint(json, "placement_start", gi->start);
	mig_json_member_uint(json, "placement_size", gi->size);
	mig_json_member_uint(json, "memory_mib", profile->memory_mib);
	mig_json_key(json, "compute_instances");
	mig_json_array_begin(json);
	for (unsigned int i = 0; i < gi->ci_count; i++) {
		const struct mig_compute_instance *ci = &gi->ci[i];
		char name[MIG_PROFILE_NAME_SIZE];

		mig_facts_device_name(profile, ci->ci_row, name, sizeof(name));
		mig_json_object_begin(json);
		mig_text_format(id, sizeof(id), "%u", ci->id);
		mig_json_member_string(json, "compute_instance_id", id);
		mig_json_member_string(json, "profile", name);
		mig_json_member_uint(json, "placement_start", ci->start);
		mig_json_member_uint(json, "placement_size", ci->size);
		mig_json_member_string(json, "uuid", ci->uuid[0] != '\0' ? ci->uuid : NULL);
		json_holders(json, ci->holders, ci->holder_count);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
	mig_json_object_end(json);
}

static void json_gpu(struct mig_json *json, const struct mig_gpu *gpu)
{
	mig_json_object_begin(json);
	mig_json_member_uint(json, "index", gpu->index);
	mig_json_member_bool(json, "lost", gpu->is_lost);
	mig_json_member_string(json, "name", gpu->is_lost ? NULL : gpu->name);
	mig_json_member_string(json, "uuid", gpu->is_lost ? NULL : gpu->uuid);
	mig_json_member_string(json, "pci_address", gpu->is_lost ? NULL : gpu->pci_address);
	mig_json_member_bool(json, "mig_capable", gpu->is_mig_capable);
	mig_json_member_bool(json, "mig_mode", gpu->mig_current);
	mig_json_member_bool(json, "mig_mode_pending", gpu->mig_pending);
	mig_json_member_bool(json, "restricted", gpu->is_restricted);
	json_devices(json, gpu);
	json_holders(json, gpu->holders, gpu->holder_count);
	mig_json_key(json, "gpu_instances");
	mig_json_array_begin(json);
	for (unsigned int i = 0; i < gpu->gi_count; i++)
		json_instance(json, gpu, &gpu->gi[i]);
	mig_json_array_end(json);
	mig_json_key(json, "fits_now");
	mig_json_array_begin(json);
	for (unsigned int i = 0; gpu->mig_current && gpu->facts != NULL && i < gpu->facts->gi_count;
	     i++) {
		mig_json_object_begin(json);
		mig_json_member_string(json, "profile", gpu->facts->gi[i].name);
		mig_json_member_uint(json, "count", mig_gi_fits(gpu, i));
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
	mig_json_object_end(json);
}

int mig_status_json(const struct mig_status_view *view, struct mig_buf *out, struct mig_error **err)
{
	const struct mig_snapshot *snapshot = view->snapshot;
	struct mig_json json;

	mig_json_init(&json, out);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", "migctl.status/1");
	mig_json_member_string(&json, "driver_version", snapshot->driver_version);
	mig_json_key(&json, "gpus");
	mig_json_array_begin(&json);
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (view->chosen[i])
			json_gpu(&json, &snapshot->gpus[i]);
	}
	mig_json_array_end(&json);
	mig_note_json(&json);
	mig_json_object_end(&json);
	if (mig_json_finish(&json) < 0)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "the output is too large");
	return 0;
}
