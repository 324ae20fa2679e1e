/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPU instance ids as positions in a binary tree over the memory.
 *
 * The whole GPU is id 0, its halves are 1 and 2, the quarters 3 to 6, the eighths 7 to 14. An id is
 * therefore a name of a place and comes back whenever an instance is made there again. Works for
 * any number of placement units that halves evenly (8, 4 and the 12 of RTX PRO 6000); knows neither
 * profiles nor what is occupied.
 */
#include "sim/engine/engine.h"

static bool is_power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

/*
 * On a swapped GPU the halves are exchanged, which on 8 units is "start XOR 4". For the whole GPU
 * that makes no difference: half a GPU divided by its size is 0.
 */
static uint32_t tree_unit(const struct mig_sim_gpu *gpu, uint32_t start)
{
	uint32_t total = gpu->model->memory_slices;

	if (gpu->desc->layout != MIG_SIM_LAYOUT_SWAPPED)
		return start;
	return (start + total / 2) % total;
}

int mig_sim_tree_id(const struct mig_sim_gpu *gpu, uint32_t start, uint32_t size)
{
	uint32_t total = gpu->model->memory_slices;
	uint32_t parts, id;

	if (!size || size > total || total % size || start % size || start > total - size)
		return -1;
	parts = total / size;
	if (!is_power_of_two(parts))
		return -1;
	id = parts - 1 + tree_unit(gpu, start) / size;
	return id < MIG_SIM_GIS_MAX ? (int)id : -1;
}
