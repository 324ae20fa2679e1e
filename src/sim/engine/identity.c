/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIG devices, how they are numbered, and what GPUs and MIG devices are called.
 *
 * A MIG device is a compute instance. Its UUID depends on the GPU, the GPU instance id and the place
 * of the compute instance, never on a profile or on history, so the same place has the same UUID
 * again (data/mig.json, mig_uuid). Also the BAR1 share of a GPU instance, which varies with the
 * driver branch. Must not know NVML handles.
 */
#include "sim/engine/engine.h"

#include <string.h>

#include "shared/sha1.h"

/* ---- numbering -------------------------------------------------------------------------------- */

unsigned int mig_sim_device_count(const struct mig_sim_gpu_state *state)
{
	unsigned int count = 0;

	for (unsigned int gi = 0; gi < MIG_SIM_GIS_MAX; gi++) {
		if (!state->gi[gi].in_use)
			continue;
		for (unsigned int ci = 0; ci < MIG_SIM_CIS_MAX; ci++)
			count += state->gi[gi].ci[ci].in_use != 0;
	}
	return count;
}

bool mig_sim_device_at(const struct mig_sim_gpu_state *state, unsigned int index,
		       unsigned int *gi_id, unsigned int *ci_id)
{
	for (unsigned int gi = 0; gi < MIG_SIM_GIS_MAX; gi++) {
		if (!state->gi[gi].in_use)
			continue;
		for (unsigned int ci = 0; ci < MIG_SIM_CIS_MAX; ci++) {
			if (!state->gi[gi].ci[ci].in_use || index--)
				continue;
			*gi_id = gi;
			*ci_id = ci;
			return true;
		}
	}
	return false;
}

int mig_sim_device_index(const struct mig_sim_gpu_state *state, unsigned int gi_id,
			 unsigned int ci_id)
{
	int index = 0;

	if (gi_id >= MIG_SIM_GIS_MAX || ci_id >= MIG_SIM_CIS_MAX || !state->gi[gi_id].in_use ||
	    !state->gi[gi_id].ci[ci_id].in_use)
		return -1;
	for (unsigned int gi = 0; gi <= gi_id; gi++) {
		unsigned int end = gi == gi_id ? ci_id : MIG_SIM_CIS_MAX;

		if (!state->gi[gi].in_use)
			continue;
		for (unsigned int ci = 0; ci < end; ci++)
			index += state->gi[gi].ci[ci].in_use != 0;
	}
	return index;
}

/* ---- UUIDs ------------------------------------------------------------------------------------ */

#define UUID_PREFIX_LEN 4 /* "GPU-", "MIG-" */

_Static_assert(MIG_UUID_TEXT_SIZE == MIG_SIM_BOOT_ID_SIZE, "a boot id is a UUID");
_Static_assert(UUID_PREFIX_LEN + MIG_UUID_TEXT_SIZE <= MIG_SIM_UUID_SIZE, "a UUID fits");

/* A message to be hashed; every caller's pieces are of fixed size and fit. */
struct message {
	uint8_t bytes[160];
	size_t len;
};

static void put(struct message *message, const void *data, size_t len)
{
	memcpy(message->bytes + message->len, data, len);
	message->len += len;
}

static void put_le(struct message *message, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		message->bytes[message->len++] = (uint8_t)(value >> (8 * i));
}

static void message_uuid(const struct message *message, const char *prefix,
			 char uuid[MIG_SIM_UUID_SIZE])
{
	uint8_t digest[MIG_SHA1_SIZE];

	mig_sha1(message->bytes, message->len, digest);
	memset(uuid, 0, MIG_SIM_UUID_SIZE);
	memcpy(uuid, prefix, UUID_PREFIX_LEN);
	mig_uuid5_text(digest, uuid + UUID_PREFIX_LEN);
}

/*
 * Real GPUs have theirs from the chip. A simulated one is named by its node and index, so that a
 * node made again has the same GPUs; the zero bytes keep names and indexes apart.
 */
void mig_sim_gpu_uuid(const char *node_name, unsigned int index, char uuid[MIG_SIM_UUID_SIZE])
{
	static const char domain[] = "migctl simulated node";
	struct message message = {.len = 0};

	put(&message, domain, sizeof(domain));
	put(&message, node_name, strnlen(node_name, MIG_SIM_NODE_NAME_SIZE - 1));
	put_le(&message, 0, 1);
	put_le(&message, index, 4);
	message_uuid(&message, "GPU-", uuid);
}

/* A real one is random; this one is the same on a node made again, as its GPUs are. */
void mig_sim_boot_id(const char *node_name, uint64_t reboots, char boot_id[MIG_SIM_BOOT_ID_SIZE])
{
	static const char domain[] = "migctl simulated boot";
	struct message message = {.len = 0};
	uint8_t digest[MIG_SHA1_SIZE];

	put(&message, domain, sizeof(domain));
	put(&message, node_name, strnlen(node_name, MIG_SIM_NODE_NAME_SIZE - 1));
	put_le(&message, 0, 1);
	put_le(&message, reboots, 8);
	mig_sha1(message.bytes, message.len, digest);
	mig_uuid5_text(digest, boot_id);
}

uint64_t mig_sim_gpu_pdi(const char *gpu_uuid)
{
	static const char domain[] = "migctl simulated device identifier";
	struct message message = {.len = 0};
	uint8_t digest[MIG_SHA1_SIZE];
	uint64_t pdi = 0;

	put(&message, domain, sizeof(domain));
	put(&message, gpu_uuid, strnlen(gpu_uuid, MIG_SIM_UUID_SIZE - 1));
	mig_sha1(message.bytes, message.len, digest);
	for (unsigned int i = 0; i < 8; i++)
		pdi |= (uint64_t)digest[i] << (8 * i);
	return pdi;
}

/*
 * The graphics engine of a compute instance. Which physical engine the driver hands out is not
 * published; inferred: engines lie along the GPU like the smallest GPU instances do, so it is the
 * position of the GPU instance counted in those, plus the compute instance's start. Different for
 * any two starts inside a GPU instance, and always the same for one place.
 */
static uint32_t graphics_engine(const struct mig_sim_gpu *gpu, const struct mig_sim_gi *gi,
				const struct mig_sim_ci *ci, unsigned int gi_id)
{
	uint32_t total = gpu->model->memory_slices;
	uint32_t smallest = total, parts = 1;

	for (unsigned int row = 0; row < gpu->model->gi_profile_count; row++) {
		uint32_t size = gpu->model->gi[row].placement_size;

		if (size && size < smallest)
			smallest = size;
	}
	if (gi->size && smallest)
		parts = total / gi->size;
	/* gi_id - (parts - 1) is the position among places of this size (tree.c). */
	return (gi_id + 1 - parts) * (smallest ? gi->size / smallest : 0) + ci->start;
}

void mig_sim_mig_uuid(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
		      unsigned int gi_id, unsigned int ci_id, char uuid[MIG_SIM_UUID_SIZE])
{
	static const uint8_t uuid_namespace[16] = {0xc8, 0x16, 0xc9, 0xa3, 0x52, 0x24, 0x56, 0xbf,
						   0x9d, 0x9a, 0xac, 0x7e, 0xa7, 0x03, 0xfb, 0x5b};
	const struct mig_sim_gi *gi = &state->gi[gi_id];
	struct message message = {.len = 0};
	uint32_t chip_id = gpu->model->chip_id;

	/* Inferred where the chip's id is not written down: the PCI device id in its place. */
	if (chip_id == MIG_TABLE_UNKNOWN)
		chip_id = gpu->model->pci_device_id;
	put(&message, uuid_namespace, sizeof(uuid_namespace));
	put(&message, "NVIDIA GPU", 10);
	put_le(&message, 0x02, 1);
	put_le(&message, chip_id, 2);
	put_le(&message, 0x08, 1);
	put_le(&message, gpu->desc->pdi, 8);
	put_le(&message, 0x0b, 1);
	put(&message, "SMC", 3);
	put_le(&message, gi_id, 4);
	put_le(&message, graphics_engine(gpu, gi, &gi->ci[ci_id], gi_id), 4);
	message_uuid(&message, "MIG-", uuid);
}

/* ---- BAR1 ------------------------------------------------------------------------------------- */

/*
 * Before 580 an instance has its share of the whole BAR1 less 1 MiB. From 580 on the driver maps
 * the frame buffer first and divides the rest; the published captures agree with that formula
 * within 0.7 percent, so the last digits are inferred. Where BAR1 is no larger than the memory
 * nothing is recorded and the older rule is kept.
 */
uint64_t mig_sim_gi_bar1_mib(const struct mig_sim_gpu *gpu, const struct mig_sim_gi *gi)
{
	const struct mig_gpu_table *model = gpu->model;
	uint64_t bar1 = model->bar1_total_mib;
	uint64_t memory = model->memory_total_mib;
	uint64_t units = model->memory_slices;
	uint64_t share;

	if (bar1 == MIG_TABLE_UNKNOWN || !units)
		return 0;
	if (gpu->node->branch >= MIG_SIM_BRANCH_580 && memory != MIG_TABLE_UNKNOWN && bar1 > memory)
		return (bar1 - memory) * gi->size / units;
	share = bar1 * gi->size / units;
	return share ? share - 1 : 0;
}
