/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated GPU for the model checks, and a set of keys (open addressing, grown by doubling).
 */
#include "tests/model/model_gpu.h"

#include <stdlib.h>
#include <string.h>

#include "tests/harness/test.h"

void model_gpu_init(struct model_gpu *m, const struct mig_gpu_table *model,
		    enum mig_sim_layout layout)
{
	memset(m, 0, sizeof(*m));
	m->node.branch = MIG_SIM_BRANCH_550;
	m->node.gpu_count = 1;
	m->desc.layout = (uint8_t)layout;
	m->desc.initial_mig_mode = 1;
	m->gpu = (struct mig_sim_gpu){.node = &m->node, .desc = &m->desc, .model = model};
	mig_sim_gpu_init(&m->gpu, &m->state);
}

static uint64_t hash(const uint8_t key[MODEL_KEY_SIZE])
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < MODEL_KEY_SIZE; i++)
		h = (h ^ key[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* The slot that holds the key, or the free one where it belongs. A slot is a number plus 1. */
static size_t find_slot(const struct model_set *set, const uint8_t key[MODEL_KEY_SIZE])
{
	size_t at = hash(key) % set->slot_count;

	while (set->slots[at] && memcmp(set->keys[set->slots[at] - 1], key, MODEL_KEY_SIZE) != 0)
		at = (at + 1) % set->slot_count;
	return at;
}

static void resize(struct model_set *set, size_t size)
{
	set->keys = realloc(set->keys, size * sizeof(*set->keys));
	free(set->slots);
	set->slot_count = 2 * size + 1;
	set->slots = calloc(set->slot_count, sizeof(*set->slots));
	MIG_ASSERT_MSG(set->keys && set->slots, "out of memory");
	set->size = size;
	for (size_t i = 0; i < set->count; i++)
		set->slots[find_slot(set, set->keys[i])] = i + 1;
}

void model_set_init(struct model_set *set)
{
	memset(set, 0, sizeof(*set));
	resize(set, 1024);
}

void model_set_clear(struct model_set *set)
{
	free(set->keys);
	free(set->slots);
	memset(set, 0, sizeof(*set));
}

bool model_set_add(struct model_set *set, const uint8_t key[MODEL_KEY_SIZE])
{
	size_t at;

	if (set->count == set->size)
		resize(set, 2 * set->size);
	at = find_slot(set, key);
	if (set->slots[at])
		return false;
	memcpy(set->keys[set->count++], key, MODEL_KEY_SIZE);
	set->slots[at] = set->count;
	return true;
}
