/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the model checks share: a simulated GPU of a table row, and the set of layouts seen.
 * Knows neither the rules of the engine nor those of the plain model.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sim/engine/engine.h"

/* A GPU with MIG on, to be used where it was made: .gpu points into it. */
struct model_gpu {
	struct mig_sim_node_desc node;
	struct mig_sim_gpu_desc desc;
	struct mig_sim_gpu gpu;
	struct mig_sim_gpu_state state;
};

void model_gpu_init(struct model_gpu *m, const struct mig_gpu_table *model,
		    enum mig_sim_layout layout);

/* Keys seen, each with a number from 0 upwards in the order of arrival. */
#define MODEL_KEY_SIZE 32
struct model_set {
	size_t count;
	size_t size;
	uint8_t (*keys)[MODEL_KEY_SIZE];
	size_t *slots;
	size_t slot_count;
};

void model_set_init(struct model_set *set);
void model_set_clear(struct model_set *set);
/* Whether the key was new. */
bool model_set_add(struct model_set *set, const uint8_t key[MODEL_KEY_SIZE]);
