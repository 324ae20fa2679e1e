/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of NODE/state and the checks of its constant parts. Every size and offset is computed
 * from the two counts and compared with what the file says. Works on mapped or private bytes alike;
 * must not know files, locks or who writes.
 */
#include "sim/store/format.h"

#include <inttypes.h>
#include <string.h>

#include "shared/checksum.h"
#include "shared/text.h"

static uint64_t align_up(uint64_t offset)
{
	return (offset + MIG_SIM_CACHE_LINE - 1) / MIG_SIM_CACHE_LINE * MIG_SIM_CACHE_LINE;
}

bool mig_sim_header_init(struct mig_sim_header *header, uint64_t gpu_count, uint64_t model_count)
{
	uint64_t end;

	if (gpu_count > MIG_SIM_GPUS_MAX || model_count > MIG_SIM_MODELS_MAX)
		return false;
	memset(header, 0, sizeof(*header));
	memcpy(header->magic, MIG_SIM_MAGIC, sizeof(header->magic));
	header->format_version = MIG_SIM_FORMAT_VERSION;
	header->header_size = sizeof(*header);
	header->node_offset = sizeof(*header);
	header->node_size = sizeof(struct mig_sim_node_desc);
	header->models_offset = header->node_offset + header->node_size;
	header->model_size = sizeof(struct mig_gpu_table);
	header->state_size =
		sizeof(struct mig_sim_state) + gpu_count * sizeof(struct mig_sim_gpu_state);
	end = header->models_offset + model_count * header->model_size;
	for (unsigned int i = 0; i < 2; i++) {
		header->copy_offsets[i] = align_up(end);
		end = header->copy_offsets[i] + header->state_size;
	}
	header->file_size = align_up(end);
	return true;
}

uint64_t mig_sim_store_file_size(unsigned int gpu_count, unsigned int model_count)
{
	struct mig_sim_header header;

	return mig_sim_header_init(&header, gpu_count, model_count) ? header.file_size : 0;
}

uint64_t mig_sim_file_size_min(void)
{
	return mig_sim_store_file_size(0, 0);
}

uint64_t mig_sim_file_size_max(void)
{
	return mig_sim_store_file_size(MIG_SIM_GPUS_MAX, MIG_SIM_MODELS_MAX);
}

uint64_t mig_sim_static_checksum(const struct mig_sim_header *header,
				 const struct mig_sim_node_desc *node,
				 const struct mig_gpu_table *models)
{
	uint64_t crc = mig_crc64(0, header, offsetof(struct mig_sim_header, static_checksum));

	crc = mig_crc64(crc, node, sizeof(*node));
	return mig_crc64(crc, models, node->model_count * sizeof(*models));
}

uint64_t mig_sim_state_checksum(const struct mig_sim_state *state, uint64_t state_size)
{
	const unsigned char *bytes = (const unsigned char *)state;
	size_t begin = offsetof(struct mig_sim_state, config_changes);
	uint64_t crc = mig_crc64(0, &state->generation, sizeof(state->generation));

	return mig_crc64(crc, bytes + begin, state_size - begin);
}

/* What can be said before anything but the header is looked at. */
static enum mig_sim_status check_header(const struct mig_sim_header *header, uint64_t size,
					char *why)
{
	size_t head = offsetof(struct mig_sim_header, header_size);

	if (size == 0) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE, "is empty");
		return MIG_SIM_DAMAGED;
	}
	if (size >= MIG_SIM_MAGIC_SIZE &&
	    memcmp(header->magic, MIG_SIM_MAGIC, MIG_SIM_MAGIC_SIZE) != 0) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE,
				"is not the state of a simulated node (wrong magic number)");
		return MIG_SIM_DAMAGED;
	}
	if (size >= head && header->format_version != MIG_SIM_FORMAT_VERSION) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE,
				"has format version %" PRIu32 ", this build knows only %d: use the "
				"version of migctl that made it, or make the node anew",
				header->format_version, MIG_SIM_FORMAT_VERSION);
		return MIG_SIM_BAD_VERSION;
	}
	if (size < mig_sim_file_size_min()) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE,
				"is cut short: %" PRIu64 " bytes, the smallest has %" PRIu64, size,
				mig_sim_file_size_min());
		return MIG_SIM_DAMAGED;
	}
	return MIG_SIM_OK;
}

enum mig_sim_status mig_sim_static_check(const void *map, uint64_t size, char *why)
{
	const struct mig_sim_header *header = map;
	const struct mig_sim_node_desc *node;
	const struct mig_gpu_table *models;
	enum mig_sim_status status = check_header(header, size, why);
	struct mig_sim_header wanted;

	if (status != MIG_SIM_OK)
		return status;
	/* The description lies at a fixed place, within the smallest file. */
	node = (const void *)((const char *)map + sizeof(*header));
	if (!mig_sim_header_init(&wanted, node->gpu_count, node->model_count)) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE,
				"claims %" PRIu32 " GPUs of %" PRIu32
				" models; at most %d of %d are possible",
				node->gpu_count, node->model_count, MIG_SIM_GPUS_MAX,
				MIG_SIM_MODELS_MAX);
		return MIG_SIM_DAMAGED;
	}
	if (size != wanted.file_size) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE,
				"%s: %" PRIu64 " bytes instead of %" PRIu64,
				size < wanted.file_size ? "is cut short" : "is too long", size,
				wanted.file_size);
		return MIG_SIM_DAMAGED;
	}
	if (memcmp(header, &wanted, offsetof(struct mig_sim_header, static_checksum)) != 0) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE,
				"is damaged: its header has offsets or sizes that cannot be");
		return MIG_SIM_DAMAGED;
	}
	models = (const void *)((const char *)map + wanted.models_offset);
	if (mig_sim_static_checksum(header, node, models) != header->static_checksum) {
		mig_text_format(why, MIG_SIM_DETAIL_SIZE,
				"is damaged: the checksum of its description is wrong");
		return MIG_SIM_DAMAGED;
	}
	if (!mig_sim_node_validate(node, why))
		return MIG_SIM_DAMAGED;
	for (uint32_t i = 0; i < node->model_count; i++)
		if (!mig_sim_model_validate(&models[i], why))
			return MIG_SIM_DAMAGED;
	return MIG_SIM_OK;
}
