/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second model of MIG, as slow and plain as can be, to compare the simulated driver's engine with.
 *
 * It calls no function of the engine and shares no code with it. A layout is a list of placed
 * instances, a question is answered by trying everything, ids are found by walking down a tree.
 * It reads the same GPU tables. Limits come from the rules in docs, not from the engine.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "data/tables/gpu_table.h"
#include "nvml/nvml_abi.h"

#define BRUTE_MAX 32

/* An instance: a profile row at a place. For compute instances the id is by history. */
struct brute_instance {
	int row;
	int start;
	int size;
	int slices;
	int id;
};

struct brute_layout {
	int count;
	struct brute_instance at[BRUTE_MAX];
};

/* What a request comes to. */
enum brute_answer { BRUTE_OK, BRUTE_INVALID, BRUTE_NO_ROOM };

/* What a driver answers then. */
nvmlReturn_t brute_code(enum brute_answer answer);

/* The GPU seen by the model. */
struct brute_gpu {
	const struct mig_gpu_table *model;
	bool is_swapped;
};

/* The tree position of a place: -1 if it is none. */
int brute_tree_id(const struct brute_gpu *gpu, int start, int size);

/* GPU instances. brute_gi_create appends on BRUTE_OK; start -1 is the driver's own choice. */
bool brute_gi_fits(const struct brute_gpu *gpu, const struct brute_layout *layout, int row,
		   int start);
int brute_gi_remaining(const struct brute_gpu *gpu, const struct brute_layout *layout, int row);
int brute_gi_choose(const struct brute_gpu *gpu, const struct brute_layout *layout, int row);
enum brute_answer brute_gi_create(const struct brute_gpu *gpu, struct brute_layout *layout, int row,
				  int start, int size, int *id);

/* Takes the instance with this id out; false if there is none. */
bool brute_destroy(struct brute_layout *layout, int id);

/*
 * All layouts made of the rows whose bit is set, by choosing every subset of the places. Without
 * `with_slices` the limit on compute slices is left out.
 */
long brute_count_layouts(const struct brute_gpu *gpu, unsigned long rows, bool with_slices);

/* Compute instances inside a GPU instance of profile `gi`; is_ascending: as on Ampere. */
bool brute_ci_fits(const struct mig_table_gi_profile *gi, const struct brute_layout *layout,
		   int row, int start);
int brute_ci_remaining(const struct mig_table_gi_profile *gi, const struct brute_layout *layout,
		       int row);
int brute_ci_choose(const struct mig_table_gi_profile *gi, const struct brute_layout *layout,
		    int row, bool is_ascending);
enum brute_answer brute_ci_create(const struct mig_table_gi_profile *gi,
				  struct brute_layout *layout, int row, int start, int size,
				  bool is_ascending, int *id);
