/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts about simulated nodes that several commands print.
 */
#pragma once

#include "shared/buf.h"
#include "sim/control/control.h"

#define MIG_SIM_TEXT_MAX 16384

/* "8 x NVIDIA A100-SXM4-40GB, 1 x NVIDIA A30": by model, in order of appearance. */
void mig_sim_text_gpus(const struct mig_sim_node_desc *node, const struct mig_gpu_table *models,
		       struct mig_buf *out);

/* How much of a node MIG is used for. */
struct mig_sim_usage {
	unsigned int capable; /* GPUs with MIG */
	unsigned int enabled; /* GPUs on which it is on */
	unsigned int pending; /* GPUs on which the mode will change */
	unsigned int gpu_instances;
	unsigned int devices; /* compute instances: MIG devices */
};
void mig_sim_text_usage(const struct mig_sim_store *store, struct mig_sim_usage *usage);
