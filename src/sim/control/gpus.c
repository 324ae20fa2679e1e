/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which GPUs of a node a person means: by index, UUID or PCI address, alone or in a list. Must not
 * know what is to be done with them.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "shared/number.h"
#include "shared/text.h"
#include "sim/control/control.h"

#define SHOWN_TEXT_MAX	   8192
#define GPU_BIT(gpu_index) (UINT32_C(1) << (gpu_index))

uint32_t mig_sim_node_all_gpus(const struct mig_sim_store *store)
{
	uint32_t count = store->node->gpu_count;

	return count >= MIG_SIM_GPUS_MAX ? UINT32_MAX : GPU_BIT(count) - 1;
}

/* A PCI address as people shorten it: the domain left out or of four digits. */
static bool is_bus_id(const char *text, const char *bus_id)
{
	const char *own_colon = strchr(bus_id, ':');
	const char *colon = strchr(text, ':');
	uint64_t domain, own_domain = 0;
	char digits[MIG_SIM_BUS_ID_SIZE];

	if (strcasecmp(text, bus_id) == 0 || !own_colon || strcasecmp(text, own_colon + 1) == 0)
		return own_colon != NULL;
	if (!colon || strcasecmp(colon + 1, own_colon + 1) != 0)
		return false;
	if (!mig_text_format(digits, sizeof(digits), "%.*s", (int)(colon - text), text) ||
	    mig_parse_hex_u64(digits, UINT32_MAX, &domain) < 0)
		return false;
	mig_text_format(digits, sizeof(digits), "%.*s", (int)(own_colon - bus_id), bus_id);
	return mig_parse_hex_u64(digits, UINT32_MAX, &own_domain) == 0 && domain == own_domain;
}

/* The index of one GPU, or -1. */
static int index_of(const struct mig_sim_node_desc *node, const char *text)
{
	uint32_t index;

	if (mig_parse_u32(text, 0, UINT32_MAX, &index) == 0)
		return index < node->gpu_count ? (int)index : -1;
	for (uint32_t i = 0; i < node->gpu_count; i++) {
		if (strcasecmp(text, node->gpus[i].uuid) == 0 ||
		    is_bus_id(text, node->gpus[i].bus_id))
			return (int)i;
	}
	return -1;
}

static int unknown_gpu(const struct mig_sim_store *store, const char *text, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(SHOWN_TEXT_MAX);
	uint32_t count = store->node->gpu_count;

	mig_text_escape_terminal(&shown, text);
	mig_error_set(err, MIG_ERROR_REFUSED, "no GPU '%s' on this node", mig_buf_text(&shown));
	if (count == 0)
		return mig_error_hint(err, "the node has no GPUs");
	return mig_error_hint(err,
			      "GPUs are named by index (0 to %u), UUID or PCI address; 'migctl sim "
			      "show' lists them",
			      count - 1);
}

int mig_sim_node_find_gpu(const struct mig_sim_store *store, const char *text,
			  unsigned int *gpu_index, struct mig_error **err)
{
	int found = index_of(store->node, text);

	if (found < 0)
		return unknown_gpu(store, text, err);
	*gpu_index = (unsigned int)found;
	return 0;
}

int mig_sim_node_find_gpus(const struct mig_sim_store *store, const char *list, uint32_t *gpus,
			   struct mig_error **err)
{
	_cleanup_free_ char *copy = strdup(list);
	char *rest = copy;
	char *item;

	if (!copy)
		return mig_error_set_errno(err, ENOMEM, "GPUs '%s'", list);
	*gpus = 0;
	while ((item = strsep(&rest, ","))) {
		unsigned int gpu_index = 0;

		if (strcasecmp(item, "all") == 0) {
			*gpus |= mig_sim_node_all_gpus(store);
			continue;
		}
		if (mig_sim_node_find_gpu(store, item, &gpu_index, err))
			return -1;
		*gpus |= GPU_BIT(gpu_index);
	}
	return 0;
}
