/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the node in one pass; see model.h.
 *
 * Calls are saved where NVML cannot say anything new: equal GPUs (same PCI device, subsystem, name,
 * memory and placements) share their facts, and a listing stops once all compute slices are
 * accounted for. What a broken driver says is refused before anything is worked out from it.
 */
#include "core/model.h"

#include <string.h>

#include "core/holders.h"
#include "core/space.h"
#include "shared/text.h"

#define GPUS_MAX    1024 /* a driver that says more is broken */
#define READS_MAX   10	 /* of a GPU that somebody changes meanwhile */
/* MIG device indices of one GPU that can hold something. */
#define DEVICES_MAX (MIG_GPU_INSTANCES_MAX * MIG_COMPUTE_INSTANCES_MAX)

/* ---- geometry --------------------------------------------------------------------------------- */

void mig_facts_gi_space(const struct mig_facts *facts, struct mig_space *space)
{
	memset(space, 0, sizeof(*space));
	space->capacity = facts->slices;
	space->kind_count = facts->gi_count;
	for (unsigned int i = 0; i < facts->gi_count; i++) {
		const struct mig_gi_profile *gi = &facts->gi[i];
		struct mig_space_kind *kind = &space->kinds[i];

		kind->size = gi->size;
		kind->slices = gi->slice_count;
		kind->max = gi->instance_max;
		kind->exclusive = gi->is_media_extension;
		kind->start_count = gi->start_count;
		for (unsigned int s = 0; s < gi->start_count; s++)
			kind->starts[s] = (uint8_t)gi->starts[s];
	}
}

void mig_facts_ci_space(const struct mig_gi_profile *gi, struct mig_space *space)
{
	memset(space, 0, sizeof(*space));
	space->capacity = gi->slice_count;
	space->kind_count = gi->ci_count;
	for (unsigned int i = 0; i < gi->ci_count; i++) {
		const struct mig_ci_profile *ci = &gi->ci[i];
		struct mig_space_kind *kind = &space->kinds[i];

		kind->size = ci->size;
		kind->slices = ci->slice_count;
		kind->max = ci->instance_max;
		kind->start_count = ci->start_count;
		for (unsigned int s = 0; s < ci->start_count; s++)
			kind->starts[s] = (uint8_t)ci->starts[s];
	}
}

void mig_gpu_space_state(const struct mig_gpu *gpu, const struct mig_space *space,
			 struct mig_space_state *state)
{
	memset(state, 0, sizeof(*state));
	for (unsigned int i = 0; i < gpu->gi_count; i++)
		mig_space_add(space, state, gpu->gi[i].gi_row, gpu->gi[i].start);
}

/* ---- what a GPU is ---------------------------------------------------------------------------- */

static int read_identity(const struct mig_driver *driver, struct mig_gpu *gpu,
			 struct mig_error **err)
{
	nvmlPciInfo_t pci = {0};
	nvmlMemory_t memory = {0};
	nvmlReturn_t code;

	code = driver->nvmlDeviceGetHandleByIndex_v2(driver, gpu->index, &gpu->handle);
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code, "cannot open GPU %u", gpu->index);
	code = driver->nvmlDeviceGetUUID(driver, gpu->handle, gpu->uuid, sizeof(gpu->uuid));
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code, "cannot read the UUID of GPU %u",
					gpu->index);
	code = driver->nvmlDeviceGetName(driver, gpu->handle, gpu->name, sizeof(gpu->name));
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code, "cannot read the name of GPU %u",
					gpu->index);
	code = driver->nvmlDeviceGetPciInfo_v3(driver, gpu->handle, &pci);
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code, "cannot read the PCI address of GPU %u",
					gpu->index);
	mig_text_copy(gpu->pci_address, sizeof(gpu->pci_address), pci.busId);
	gpu->pci_device_id = pci.pciDeviceId;
	gpu->pci_subsystem_id = pci.pciSubSystemId;
	/* Without privilege the memory of a GPU in MIG mode cannot be read: it stays 0, nothing of a
	 * layout depends on it. */
	if (driver->nvmlDeviceGetMemoryInfo(driver, gpu->handle, &memory) == NVML_SUCCESS)
		gpu->memory_mib = memory.total / (1024 * 1024);
	return 0;
}

/* The number of its device file; it may be missing, and stays 0 then. */
static void read_minor(const struct mig_driver *driver, struct mig_gpu *gpu)
{
	unsigned int minor = 0;

	if (driver->nvmlDeviceGetMinorNumber(driver, gpu->handle, &minor) == NVML_SUCCESS)
		gpu->minor_number = minor;
}

static int read_mode(const struct mig_driver *driver, struct mig_gpu *gpu, struct mig_error **err)
{
	unsigned int current = 0, pending = 0;
	nvmlReturn_t code;

	code = driver->nvmlDeviceGetMigMode(driver, gpu->handle, &current, &pending);
	if (code == NVML_ERROR_NOT_SUPPORTED || code == NVML_ERROR_FUNCTION_NOT_FOUND)
		return 0;
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code, "cannot read the MIG mode of GPU %u",
					gpu->index);
	gpu->is_mig_capable = true;
	gpu->mig_current = current == NVML_DEVICE_MIG_ENABLE;
	gpu->mig_pending = pending == NVML_DEVICE_MIG_ENABLE;
	return 0;
}

static bool is_same_kind(const struct mig_gpu *a, const struct mig_gpu *b)
{
	/* Where profiles are listed only with MIG on (470, 535), what is known of a GPU that is off
	 * comes from the tables, if from anywhere, and is no fact of one that is on. */
	bool is_from_nvml = a->facts != NULL && a->facts->source == MIG_FACTS_FROM_NVML &&
			    a->facts->gi_count > 0;

	return a->facts != NULL && (is_from_nvml || a->mig_current == b->mig_current) &&
	       a->pci_device_id == b->pci_device_id && a->pci_subsystem_id == b->pci_subsystem_id &&
	       a->memory_mib == b->memory_mib && strcmp(a->name, b->name) == 0;
}

/* Looks for an earlier GPU with the same facts; 1 if gpu->facts is set now, 0, or -1 with *err. */
static int share_facts(const struct mig_context *ctx, const struct mig_snapshot *snapshot,
		       struct mig_gpu *gpu, struct mig_error **err)
{
	for (unsigned int n = 0; n < snapshot->facts_count; n++) {
		const struct mig_gpu *first = snapshot->gpus;
		int rc;

		while (first->facts != snapshot->facts[n])
			first++;
		if (!is_same_kind(first, gpu))
			continue;
		if (first->facts->source == MIG_FACTS_FROM_TABLE)
			rc = 1; /* nobody can be asked before MIG is on */
		else
			rc = mig_facts_has_placements(ctx->driver, gpu->handle, first->facts, err);
		if (rc < 0)
			return mig_error_wrap(err, "GPU %u", gpu->index);
		if (rc > 0) {
			gpu->facts = first->facts;
			return 1;
		}
	}
	return 0;
}

static int find_facts(const struct mig_context *ctx, struct mig_snapshot *snapshot,
		      struct mig_gpu *gpu, struct mig_error **err)
{
	const struct mig_gpu_table *table;
	struct mig_facts *facts;
	int rc = share_facts(ctx, snapshot, gpu, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	facts = calloc(1, sizeof(*facts));
	if (facts == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	snapshot->facts[snapshot->facts_count++] = facts;
	gpu->facts = facts;
	table = mig_gpu_table_find_pci(gpu->pci_device_id >> 16, (uint32_t)gpu->memory_mib);
	if (mig_facts_read(ctx->driver, gpu->handle, table, gpu->memory_mib, facts, err) < 0)
		return mig_error_wrap(err, "GPU %u", gpu->index);
	if (!gpu->mig_current && facts->gi_count == 0 && table != NULL)
		mig_facts_from_table(ctx->driver, table, facts);
	return 0;
}

/* ---- what is on it ---------------------------------------------------------------------------- */

static bool is_within(unsigned int start, unsigned int size, unsigned int units)
{
	return size > 0 && size <= units && start <= units - size;
}

/* A compute instance that fills its GPU instance lies where it must; its id is another call's
 * worth, and only who looks for MIG devices needs it. */
static void add_filling_ci(struct mig_gpu_instance *gi, unsigned int ci_row,
			   const struct mig_ci_profile *profile, nvmlComputeInstance_t handle)
{
	gi->ci[gi->ci_count++] = (struct mig_compute_instance){
		.handle = handle,
		.ci_row = ci_row,
		.size = profile->size,
		.device_index = -1,
	};
}

static int add_ci(const struct mig_driver *driver, const struct mig_gpu *gpu,
		  struct mig_gpu_instance *gi, unsigned int ci_row, nvmlComputeInstance_t handle,
		  struct mig_error **err)
{
	struct mig_compute_instance ci = {.handle = handle, .ci_row = ci_row, .device_index = -1};
	nvmlComputeInstanceInfo_t info = {0};
	unsigned int at = 0;
	nvmlReturn_t code;

	code = driver->nvmlComputeInstanceGetInfo_v2(driver, handle, &info);
	if (code != NVML_SUCCESS)
		return mig_driver_error(
			err, driver, code,
			"cannot read a compute instance of GPU instance %u on GPU %u", gi->id,
			gpu->index);
	if (gi->ci_count == MIG_COMPUTE_INSTANCES_MAX)
		return mig_error_set(err, MIG_ERROR_DRIVER,
				     "GPU instance %u on GPU %u has more than %d compute instances",
				     gi->id, gpu->index, MIG_COMPUTE_INSTANCES_MAX);
	ci.id = info.id;
	ci.start = info.placement.start;
	ci.size = info.placement.size;
	if (!is_within(ci.start, ci.size, MIG_FACTS_SLICES_MAX))
		return mig_error_set(
			err, MIG_ERROR_DRIVER,
			"GPU %u: compute instance %u of GPU instance %u lies at %u:%u, "
			"outside of all slices",
			gpu->index, ci.id, gi->id, ci.start, ci.size);
	while (at < gi->ci_count && gi->ci[at].id < ci.id)
		at++;
	memmove(&gi->ci[at + 1], &gi->ci[at], (gi->ci_count - at) * sizeof(ci));
	gi->ci[at] = ci;
	gi->ci_count++;
	return 0;
}

/* The widest profile first: most GPU instances hold one compute instance that fills them. */
static int read_compute_instances(const struct mig_driver *driver, const struct mig_gpu *gpu,
				  struct mig_gpu_instance *gi, unsigned int flags,
				  struct mig_error **err)
{
	struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];
	unsigned int slices = 0;

	if (profile->ci_source != MIG_CI_FROM_NVML &&
	    mig_facts_read_ci(driver, gi->handle, profile, err) < 0)
		return mig_error_wrap(err, "GPU %u", gpu->index);
	for (unsigned int row = profile->ci_count; row-- > 0 && slices < profile->slice_count;) {
		const struct mig_ci_profile *ci = &profile->ci[row];
		nvmlComputeInstance_t list[MIG_COMPUTE_INSTANCES_MAX] = {NULL};
		unsigned int count = 0;
		nvmlReturn_t code;

		code = driver->nvmlGpuInstanceGetComputeInstances(driver, gi->handle, ci->id, list,
								  &count);
		if (code != NVML_SUCCESS)
			return mig_driver_error(
				err, driver, code,
				"cannot list the compute instances of GPU instance %u on GPU %u",
				gi->id, gpu->index);
		if ((flags & (MIG_SNAPSHOT_UUIDS | MIG_SNAPSHOT_HOLDERS)) == 0 && count == 1 &&
		    ci->slice_count == profile->slice_count && ci->start_count == 1 &&
		    gi->ci_count == 0) {
			add_filling_ci(gi, row, ci, list[0]);
			return 0;
		}
		for (unsigned int i = 0; i < count && i < MIG_COMPUTE_INSTANCES_MAX; i++) {
			if (add_ci(driver, gpu, gi, row, list[i], err) < 0)
				return -1;
			slices += ci->slice_count;
		}
	}
	return 0;
}

static int add_gi(const struct mig_driver *driver, struct mig_gpu *gpu, unsigned int gi_row,
		  nvmlGpuInstance_t handle, unsigned int flags, struct mig_error **err)
{
	nvmlGpuInstanceInfo_t info = {0};
	struct mig_gpu_instance *gi;
	unsigned int at = 0;
	nvmlReturn_t code;

	code = driver->nvmlGpuInstanceGetInfo(driver, handle, &info);
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code, "cannot read a GPU instance of GPU %u",
					gpu->index);
	if (gpu->gi_count == MIG_GPU_INSTANCES_MAX)
		return mig_error_set(err, MIG_ERROR_DRIVER, "GPU %u has more than %d GPU instances",
				     gpu->index, MIG_GPU_INSTANCES_MAX);
	if (!is_within(info.placement.start, info.placement.size, gpu->facts->units))
		return mig_error_set(
			err, MIG_ERROR_DRIVER,
			"GPU %u: GPU instance %u lies at %u:%u, outside of the GPU's %u "
			"units",
			gpu->index, info.id, info.placement.start, info.placement.size,
			gpu->facts->units);
	while (at < gpu->gi_count && gpu->gi[at].id < info.id)
		at++;
	memmove(&gpu->gi[at + 1], &gpu->gi[at], (gpu->gi_count - at) * sizeof(gpu->gi[0]));
	gi = &gpu->gi[at];
	memset(gi, 0, sizeof(*gi));
	gpu->gi_count++;
	gi->handle = handle;
	gi->id = info.id;
	gi->gi_row = gi_row;
	gi->start = info.placement.start;
	gi->size = info.placement.size;
	return read_compute_instances(driver, gpu, gi, flags, err);
}

static int read_gpu_instances(const struct mig_driver *driver, struct mig_gpu *gpu,
			      unsigned int flags, struct mig_error **err)
{
	unsigned int slices = 0;

	for (unsigned int row = 0; row < gpu->facts->gi_count; row++) {
		const struct mig_gi_profile *profile = &gpu->facts->gi[row];
		nvmlGpuInstance_t list[MIG_GPU_INSTANCES_MAX] = {NULL};
		unsigned int count = 0;
		nvmlReturn_t code;

		if (slices + profile->slice_count > gpu->facts->slices)
			continue;
		code = driver->nvmlDeviceGetGpuInstances(driver, gpu->handle, profile->id, list,
							 &count);
		if (code != NVML_SUCCESS)
			return mig_driver_error(err, driver, code,
						"cannot list the GPU instances of GPU %u",
						gpu->index);
		for (unsigned int i = 0; i < count && i < MIG_GPU_INSTANCES_MAX; i++) {
			if (add_gi(driver, gpu, row, list[i], flags, err) < 0)
				return -1;
			slices += profile->slice_count;
		}
	}
	return 0;
}

/* ---- MIG devices ------------------------------------------------------------------------------ */

static struct mig_compute_instance *find_ci(struct mig_gpu *gpu, unsigned int gi_id,
					    unsigned int ci_id)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		if (gpu->gi[i].id != gi_id)
			continue;
		for (unsigned int c = 0; c < gpu->gi[i].ci_count; c++) {
			if (gpu->gi[i].ci[c].id == ci_id)
				return &gpu->gi[i].ci[c];
		}
	}
	return NULL;
}

/* A device in an instance that was not listed: one answer of the driver was wrong, or somebody changes
 * the GPU just now. What is planned from such a look would take what is there for free. */
static int contradicts(const struct mig_gpu *gpu, unsigned int index, unsigned int gi_id,
		       unsigned int ci_id, struct mig_error **err)
{
	mig_error_set(
		err, MIG_ERROR_DRIVER,
		"GPU %u: the driver shows MIG device %u in compute instance %u of GPU instance "
		"%u, and does not list that one",
		gpu->index, index, ci_id, gi_id);
	return mig_error_hint(err, "somebody may be changing it: run the same command again");
}

static int read_device(const struct mig_driver *driver, struct mig_gpu *gpu, unsigned int index,
		       bool must_be_known, bool *is_last, struct mig_error **err)
{
	unsigned int gi_id = 0, ci_id = 0;
	struct mig_compute_instance *ci;
	nvmlDevice_t device;
	nvmlReturn_t code;

	code = driver->nvmlDeviceGetMigDeviceHandleByIndex(driver, gpu->handle, index, &device);
	*is_last = code == NVML_ERROR_INVALID_ARGUMENT;
	if (code == NVML_ERROR_NOT_FOUND || code == NVML_ERROR_INVALID_ARGUMENT)
		return 0;
	if (code == NVML_SUCCESS)
		code = driver->nvmlDeviceGetGpuInstanceId(driver, device, &gi_id);
	if (code == NVML_SUCCESS)
		code = driver->nvmlDeviceGetComputeInstanceId(driver, device, &ci_id);
	ci = code == NVML_SUCCESS ? find_ci(gpu, gi_id, ci_id) : NULL;
	if (code == NVML_SUCCESS && ci == NULL && must_be_known)
		return contradicts(gpu, index, gi_id, ci_id, err);
	if (ci != NULL) {
		ci->device_index = (int)index;
		code = driver->nvmlDeviceGetUUID(driver, device, ci->uuid, sizeof(ci->uuid));
	}
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code, "cannot read MIG device %u of GPU %u",
					index, gpu->index);
	return 0;
}

/* Indices are walked to the end: a driver might leave holes. */
static int read_devices(const struct mig_driver *driver, struct mig_gpu *gpu, unsigned int flags,
			struct mig_error **err)
{
	/* Who only looks is shown what there is. */
	bool must_be_known = (flags & MIG_SNAPSHOT_PARTIAL) == 0;
	unsigned int wanted = 0, max = 0;
	bool is_last = false;
	nvmlReturn_t code;

	for (unsigned int i = 0; i < gpu->gi_count; i++)
		wanted += gpu->gi[i].ci_count;
	if (wanted == 0 && !must_be_known)
		return 0;
	code = driver->nvmlDeviceGetMaxMigDeviceCount(driver, gpu->handle, &max);
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code,
					"cannot read the number of MIG devices of GPU %u",
					gpu->index);
	max = MIG_MIN(max, DEVICES_MAX);
	for (unsigned int i = 0; i < max && !is_last; i++) {
		if (read_device(driver, gpu, i, must_be_known, &is_last, err) < 0)
			return -1;
	}
	return 0;
}

static void forget_instances(struct mig_gpu *gpu)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		for (unsigned int c = 0; c < gpu->gi[i].ci_count; c++)
			free(gpu->gi[i].ci[c].holders);
	}
	gpu->gi_count = 0;
	free(MIG_TAKE_PTR(gpu->holders));
	gpu->holder_count = 0;
	free(MIG_TAKE_PTR(gpu->devices));
	gpu->device_count = 0;
}

static int find_holders(const struct mig_context *ctx, struct mig_gpu *gpu, struct mig_error **err)
{
	const struct mig_holder_provider *const *provider = ctx->holder_providers;

	for (; provider != NULL && *provider != NULL; provider++) {
		if ((*provider)->find(ctx, gpu, err) < 0)
			return mig_error_wrap(err, "who holds instances of GPU %u", gpu->index);
	}
	return 0;
}

int mig_snapshot_read_instances(const struct mig_context *ctx, struct mig_gpu *gpu,
				unsigned int flags, struct mig_error **err)
{
	forget_instances(gpu);
	if (read_gpu_instances(ctx->driver, gpu, flags, err) < 0)
		return -1;
	if ((flags & (MIG_SNAPSHOT_UUIDS | MIG_SNAPSHOT_HOLDERS)) != 0 &&
	    read_devices(ctx->driver, gpu, flags, err) < 0)
		return -1;
	return (flags & MIG_SNAPSHOT_HOLDERS) != 0 ? find_holders(ctx, gpu, err) : 0;
}

/* ---- what everybody may see --------------------------------------------------------------------- */

/* "NVIDIA A100-SXM4-40GB MIG 1c.3g.20gb": what stands behind the last " MIG ". */
static void profile_of_name(const char *name, char profile[MIG_PROFILE_NAME_SIZE])
{
	static const char word[] = " MIG ";
	const char *found = NULL;

	for (const char *at = strstr(name, word); at != NULL; at = strstr(at + 1, word))
		found = at + strlen(word);
	profile[0] = '\0';
	if (found != NULL)
		mig_text_copy(profile, MIG_PROFILE_NAME_SIZE, found);
}

/* Returns whether there is one at this index; what cannot be read of it stays empty. */
static bool read_visible_device(const struct mig_driver *driver, const struct mig_gpu *gpu,
				unsigned int index, struct mig_visible_device *out)
{
	char name[MIG_GPU_NAME_SIZE] = "";
	nvmlDevice_t device;

	*out = (struct mig_visible_device){.index = index};
	if (driver->nvmlDeviceGetMigDeviceHandleByIndex(driver, gpu->handle, index, &device) !=
		    NVML_SUCCESS ||
	    driver->nvmlDeviceGetGpuInstanceId(driver, device, &out->gi_id) != NVML_SUCCESS ||
	    driver->nvmlDeviceGetComputeInstanceId(driver, device, &out->ci_id) != NVML_SUCCESS)
		return false;
	if (driver->nvmlDeviceGetUUID(driver, device, out->uuid, sizeof(out->uuid)) != NVML_SUCCESS)
		out->uuid[0] = '\0';
	if (driver->nvmlDeviceGetName(driver, device, name, sizeof(name)) == NVML_SUCCESS)
		profile_of_name(name, out->profile);
	return true;
}

/* MIG devices of a GPU whose instances are shown to administrators only. */
static int read_visible_devices(const struct mig_driver *driver, struct mig_gpu *gpu,
				struct mig_error **err)
{
	unsigned int max = 0;

	gpu->is_restricted = true;
	if (!gpu->mig_current ||
	    driver->nvmlDeviceGetMaxMigDeviceCount(driver, gpu->handle, &max) != NVML_SUCCESS)
		return 0;
	max = MIG_MIN(max, DEVICES_MAX);
	gpu->devices = calloc((size_t)max + 1, sizeof(*gpu->devices));
	if (gpu->devices == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	for (unsigned int i = 0; i < max; i++) {
		if (read_visible_device(driver, gpu, i, &gpu->devices[gpu->device_count]))
			gpu->device_count++;
	}
	return 0;
}

/* ---- the whole node --------------------------------------------------------------------------- */

/* Identity and modes. With MIG_SNAPSHOT_LOST a GPU that is lost by then is marked and is no error. */
static int read_gpu_head(const struct mig_context *ctx, struct mig_gpu *gpu, unsigned int flags,
			 struct mig_error **err)
{
	_cleanup_error_ struct mig_error *why = NULL;

	if (read_identity(ctx->driver, gpu, &why) == 0 && read_mode(ctx->driver, gpu, &why) == 0)
		return 0;
	if ((flags & MIG_SNAPSHOT_LOST) != 0 && mig_error_nvml(why) == NVML_ERROR_GPU_IS_LOST) {
		*gpu = (struct mig_gpu){.index = gpu->index, .is_lost = true};
		return 0;
	}
	mig_error_move(err, &why);
	return -1;
}

static int read_gpu_rest(const struct mig_context *ctx, struct mig_snapshot *snapshot,
			 struct mig_gpu *gpu, unsigned int flags, struct mig_error **err)
{
	if (!gpu->is_mig_capable)
		return 0;
	if (find_facts(ctx, snapshot, gpu, err) < 0)
		return -1;
	if (gpu->mig_current)
		return mig_snapshot_read_instances(ctx, gpu, flags, err);
	return (flags & MIG_SNAPSHOT_HOLDERS) != 0 ? find_holders(ctx, gpu, err) : 0;
}

static int read_gpu_once(const struct mig_context *ctx, struct mig_snapshot *snapshot,
			 struct mig_gpu *gpu, unsigned int flags, struct mig_error **err)
{
	_cleanup_error_ struct mig_error *why = NULL;
	unsigned int facts_before = snapshot->facts_count;

	if (read_gpu_head(ctx, gpu, flags, err) < 0)
		return -1;
	if ((flags & MIG_SNAPSHOT_UUIDS) != 0 && !gpu->is_lost)
		read_minor(ctx->driver, gpu);
	if (read_gpu_rest(ctx, snapshot, gpu, flags, &why) == 0)
		return 0;
	forget_instances(gpu);
	/* Facts that came with this GPU are nobody else's yet. */
	gpu->facts = NULL;
	while (snapshot->facts_count > facts_before)
		free(snapshot->facts[--snapshot->facts_count]);
	if ((flags & MIG_SNAPSHOT_LOST) != 0 && mig_error_nvml(why) == NVML_ERROR_GPU_IS_LOST) {
		*gpu = (struct mig_gpu){.index = gpu->index, .is_lost = true};
		return 0;
	}
	if ((flags & MIG_SNAPSHOT_PARTIAL) != 0 && mig_error_code(why) == MIG_ERROR_NO_PERMISSION)
		return read_visible_devices(ctx->driver, gpu, err);
	mig_error_move(err, &why);
	return -1;
}

/* Whether two GPU instances lie in the same place: one of them went and the other came while they
 * were listed. */
static bool is_torn(const struct mig_gpu *gpu)
{
	for (unsigned int a = 0; a < gpu->gi_count; a++) {
		for (unsigned int b = a + 1; b < gpu->gi_count; b++) {
			const struct mig_gpu_instance *x = &gpu->gi[a], *y = &gpu->gi[b];

			if (x->start < y->start + y->size && y->start < x->start + x->size)
				return true;
		}
	}
	return false;
}

/* What a driver answers for an instance that was there one call ago, or for a mode that was on. */
static bool has_vanished(const struct mig_error *why)
{
	int code = mig_error_nvml(why);

	return code == NVML_ERROR_NOT_FOUND || code == NVML_ERROR_INVALID_ARGUMENT ||
	       code == NVML_ERROR_NOT_SUPPORTED;
}

/* Makes a GPU as if it had not been read. */
static void forget_gpu(struct mig_snapshot *snapshot, struct mig_gpu *gpu, unsigned int facts_count)
{
	forget_instances(gpu);
	*gpu = (struct mig_gpu){.index = gpu->index};
	while (snapshot->facts_count > facts_count)
		free(snapshot->facts[--snapshot->facts_count]);
}

/* Reading takes no lock, so somebody may change the GPU between two calls: then it is read anew. */
static int read_gpu(const struct mig_context *ctx, struct mig_snapshot *snapshot,
		    struct mig_gpu *gpu, unsigned int flags, struct mig_error **err)
{
	unsigned int facts_count = snapshot->facts_count;

	for (unsigned int reads = 1;; reads++) {
		_cleanup_error_ struct mig_error *why = NULL;
		int rc = read_gpu_once(ctx, snapshot, gpu, flags, &why);
		bool is_last = reads == READS_MAX;

		if (rc == 0 && (is_last || !is_torn(gpu)))
			return 0;
		if (rc < 0 && (is_last || !has_vanished(why))) {
			mig_error_move(err, &why);
			return -1;
		}
		forget_gpu(snapshot, gpu, facts_count);
	}
}

static int read_node(const struct mig_context *ctx, struct mig_snapshot *snapshot,
		     unsigned int flags, struct mig_error **err)
{
	const struct mig_driver *driver = ctx->driver;
	unsigned int count = 0;
	nvmlReturn_t code;

	code = driver->nvmlSystemGetDriverVersion(driver, snapshot->driver_version,
						  sizeof(snapshot->driver_version));
	if (code == NVML_SUCCESS)
		code = driver->nvmlDeviceGetCount_v2(driver, &count);
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code, "cannot count the GPUs");
	if (count > GPUS_MAX)
		return mig_error_set(err, MIG_ERROR_DRIVER, "the driver says %u GPUs, more than %d",
				     count, GPUS_MAX);
	/* One element more than needed, so that zero GPUs are not a null pointer. */
	snapshot->gpus = calloc((size_t)count + 1, sizeof(*snapshot->gpus));
	snapshot->facts = calloc((size_t)count + 1, sizeof(struct mig_facts *));
	if (snapshot->gpus == NULL || snapshot->facts == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	for (unsigned int i = 0; i < count; i++) {
		snapshot->gpus[i].index = i;
		snapshot->gpu_count++;
		if (read_gpu(ctx, snapshot, &snapshot->gpus[i], flags, err) < 0)
			return -1;
	}
	return 0;
}

#define LOST_HINT "a reboot may bring it back"

int mig_error_no_gpu(struct mig_error **err)
{
	mig_error_set(err, MIG_ERROR_NO_DRIVER, "the driver shows no GPU");
	return mig_error_hint(err, "migctl doctor says where to look");
}

int mig_error_lost(const struct mig_gpu *gpu, struct mig_error **err)
{
	mig_error_set(err, MIG_ERROR_DRIVER, "GPU %u is lost (fallen off the bus)", gpu->index);
	if (err != NULL)
		mig_error_set_nvml(*err, NVML_ERROR_GPU_IS_LOST);
	return mig_error_hint(err, LOST_HINT);
}

bool mig_error_is_lost(const struct mig_error *err)
{
	return mig_error_nvml(err) == NVML_ERROR_GPU_IS_LOST;
}

int mig_hint_lost(const struct mig_context *ctx, struct mig_error **err)
{
	_cleanup_free_ char *rest = NULL;
	const char *hint = err != NULL ? mig_error_hint_text(*err) : NULL;

	if (hint != NULL && strncmp(hint, LOST_HINT, strlen(LOST_HINT)) != 0)
		return -1;
	if (ctx->reboot_command == NULL)
		return hint != NULL ? -1 : mig_error_hint(err, LOST_HINT);
	/* What else the hint says stays. */
	if (hint != NULL)
		rest = strdup(hint + strlen(LOST_HINT));
	return mig_error_hint(err, "a reboot brings it back: %s%s", ctx->reboot_command,
			      rest != NULL ? rest : "");
}

int mig_snapshot_read(const struct mig_context *ctx, unsigned int flags, struct mig_snapshot **out,
		      struct mig_error **err)
{
	_cleanup_snapshot_ struct mig_snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (snapshot == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (read_node(ctx, snapshot, flags, err) < 0) {
		/* NVML shows GPU instances to administrators only. */
		if (err != NULL && mig_error_code(*err) == MIG_ERROR_NO_PERMISSION)
			mig_error_hint(err, "run it as root; migctl doctor names the right "
					    "that is missing");
		if (err != NULL && mig_error_is_lost(*err))
			mig_hint_lost(ctx, err);
		return -1;
	}
	*out = MIG_TAKE_PTR(snapshot);
	return 0;
}

struct mig_gpu *mig_snapshot_gpu(const struct mig_snapshot *snapshot, const char *uuid)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (strcmp(snapshot->gpus[i].uuid, uuid) == 0)
			return &snapshot->gpus[i];
	}
	return NULL;
}

const struct mig_gpu *mig_snapshot_lost_gpu(const struct mig_snapshot *snapshot, unsigned int index)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (snapshot->gpus[i].is_lost && snapshot->gpus[i].index == index)
			return &snapshot->gpus[i];
	}
	return NULL;
}

void mig_snapshot_free(struct mig_snapshot *snapshot)
{
	if (snapshot == NULL)
		return;
	for (unsigned int i = 0; i < snapshot->gpu_count; i++)
		forget_instances(&snapshot->gpus[i]);
	for (unsigned int i = 0; i < snapshot->facts_count; i++)
		free(snapshot->facts[i]);
	free(snapshot->facts);
	free(snapshot->gpus);
	free(snapshot);
}
