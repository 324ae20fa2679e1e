/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory, BAR1 and the attributes of MIG devices.
 *
 * What is used is what the driver has for itself (in the tables where it was seen, else 0) and what
 * holders have; what the driver reserves of the whole GPU is in the tables, too, and of a MIG device
 * it is not known and taken as 0. In the first version
 * of the structure what is reserved counts as used, and on 470 it is not in the total. The memory of
 * a MIG device is that of its GPU instance, shared by all compute instances in it.
 */
#include <string.h>

#include "nvml/symbols.h"
#include "sim/abi/branch.h"
#include "sim/abi/process.h"
#include "sim/engine/holders.h"

#define MIB (1024ULL * 1024ULL)

struct memory {
	unsigned long long total;
	unsigned long long reserved;
	unsigned long long used;
};

static nvmlReturn_t read_sizes(const struct mig_abi_device *d, struct memory *memory)
{
	const struct mig_gpu_table *model = d->gpu.facts.model;

	if (d->is_mig) {
		memory->total = mig_abi_known(d->gi_profile->memory_mib) * MIB;
		memory->reserved = 0;
		return NVML_SUCCESS;
	}
	/* With MIG on this is the sum over other people's instances. */
	if (d->state.mig_current && !mig_abi_is_admin(d->gpu.store))
		return NVML_ERROR_NO_PERMISSION;
	if (model->memory_total_mib == MIG_TABLE_UNKNOWN)
		return NVML_ERROR_NOT_SUPPORTED;
	memory->total = model->memory_total_mib * MIB;
	memory->reserved = mig_abi_known(model->memory_reserved_mib) * MIB;
	if (memory->reserved > memory->total)
		memory->reserved = memory->total;
	return NVML_SUCCESS;
}

static nvmlReturn_t read_memory(const struct mig_abi_device *d, struct memory *memory)
{
	struct mig_sim_place place;
	uint64_t held = 0;
	nvmlReturn_t code = read_sizes(d, memory);

	if (code == NVML_SUCCESS)
		code = mig_abi_held_memory(d, &held);
	if (code != NVML_SUCCESS)
		return code;
	place = d->is_mig ? mig_sim_place_gi(d->gpu.gpu_index, d->gi_id)
			  : mig_sim_place_gpu(d->gpu.gpu_index);
	memory->used = MIG_MIN(held + mig_sim_idle_memory(&d->gpu.facts, &d->state, place),
			       memory->total - memory->reserved);
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory)
{
	struct mig_abi_device d;
	struct memory now;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!memory)
		return NVML_ERROR_INVALID_ARGUMENT;
	code = read_memory(&d, &now);
	if (code != NVML_SUCCESS)
		return code;
	if (mig_abi_rules()->hides_reserved_memory) {
		now.total -= now.reserved;
		now.reserved = 0;
	}
	memory->total = now.total;
	memory->used = now.reserved + now.used;
	memory->free = now.total - memory->used;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory)
{
	struct mig_abi_device d;
	struct memory now;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!memory)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (memory->version != MIG_NVML_STRUCT_VERSION(nvmlMemory_v2_t, 2))
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	code = read_memory(&d, &now);
	if (code != NVML_SUCCESS)
		return code;
	memory->total = now.total;
	memory->reserved = now.reserved;
	memory->free = now.total - now.reserved - now.used;
	memory->used = now.used;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetBAR1MemoryInfo(nvmlDevice_t device,
						    nvmlBAR1Memory_t *bar1Memory)
{
	struct mig_abi_device d;
	unsigned long long total;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!bar1Memory)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (d.gpu.facts.model->bar1_total_mib == MIG_TABLE_UNKNOWN)
		return NVML_ERROR_NOT_SUPPORTED;
	if (!d.is_mig && d.state.mig_current && !mig_abi_is_admin(d.gpu.store))
		return NVML_ERROR_NO_PERMISSION;
	if (d.is_mig)
		total = mig_sim_gi_bar1_mib(&d.gpu.facts, &d.state.gi[d.gi_id]) * MIB;
	else
		total = d.gpu.facts.model->bar1_total_mib * MIB;
	bar1Memory->bar1Total = total;
	bar1Memory->bar1Free = total;
	bar1Memory->bar1Used = 0;
	return NVML_SUCCESS;
}

/* ---- attributes: MIG devices only ------------------------------------------------------------- */

/* `out` is only looked at for NULL. */
static nvmlReturn_t get_attributes(nvmlDevice_t device, const void *out,
				   nvmlDeviceAttributes_t *attributes)
{
	struct mig_abi_device d;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!out)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!d.is_mig)
		return NVML_ERROR_NOT_SUPPORTED;
	attributes->multiprocessorCount = mig_abi_known(d.ci_profile->sm);
	attributes->sharedCopyEngineCount = mig_abi_known(d.gi_profile->ce);
	attributes->sharedDecoderCount = mig_abi_known(d.gi_profile->dec);
	attributes->sharedEncoderCount = mig_abi_known(d.gi_profile->enc);
	attributes->sharedJpegCount = mig_abi_known(d.gi_profile->jpeg);
	attributes->sharedOfaCount = mig_abi_known(d.gi_profile->ofa);
	attributes->gpuInstanceSliceCount = d.gi_profile->slice_count;
	attributes->computeInstanceSliceCount = d.ci_profile->slice_count;
	attributes->memorySizeMB = mig_abi_known(d.gi_profile->memory_mib);
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t device,
						   nvmlDeviceAttributes_t *attributes)
{
	nvmlDeviceAttributes_t now;
	nvmlReturn_t code = get_attributes(device, attributes, &now);

	if (code == NVML_SUCCESS)
		*attributes = now;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetAttributes(nvmlDevice_t device,
						nvmlDeviceAttributes_v1_t *attributes)
{
	nvmlDeviceAttributes_t now;
	nvmlReturn_t code = get_attributes(device, attributes, &now);

	/* The first version is the beginning of the second. */
	if (code == NVML_SUCCESS)
		memcpy(attributes, &now, sizeof(*attributes));
	return code;
}
