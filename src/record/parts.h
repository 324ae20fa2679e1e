/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the recorder share; internal to src/record. One GPU is read into a struct
 * recorded_gpu, and its model is then merged with those of the GPUs before it: what one GPU has not
 * told of a model (its MIG mode is off, no instance of a profile exists) another may have.
 */
#pragma once

#include "data/tables/gpu_table.h"
#include "record/record.h"

#define RECORD_RULE_STATED "stated-inferred" /* of data/rules.json: the value stands in the file */
#define RECORD_RULE_ABSENT "not-available"

/* A model as far as it has been read. What is unknown in `table` has not been. */
struct recorded_model {
	struct mig_gpu_table table;
	const struct mig_gpu_table *known; /* the built-in table of this model, or NULL */
	bool has_profiles;		   /* the list of GPU instance profiles is NVML's */
	bool lacks_places;		   /* placements of some were refused */
	bool reserved_is_hidden;	   /* the total is without what the driver reserves (470) */
	bool has_max_devices;
	bool has_needs_reset;
	bool has_ci[MIG_TABLE_GI_PROFILES_MAX]; /* by row: compute instance profiles are NVML's */
	nvmlReturn_t profiles_code;		/* why there are no profiles or places */
	nvmlReturn_t memory_code;
};

/* A GPU instance as NVML lists it. */
struct recorded_gi {
	unsigned int row, id, start, size;
	struct mig_sim_ci ci[MIG_SIM_CIS_MAX]; /* by compute instance id */
};

struct recorded_gpu {
	unsigned int index;
	nvmlDevice_t handle;
	struct mig_sim_gpu_desc desc;
	struct recorded_model model;
	bool is_mig_on;
	bool is_pending_other;
	unsigned int gi_count;
	struct recorded_gi gi[MIG_SIM_GIS_MAX];
};

struct recorder {
	const struct mig_driver *driver;
	const struct mig_record_options *options;
	struct mig_recording *out;
	bool has_off_capacity;
	struct recorded_model *models; /* model_count of them; MIG_SIM_GPUS_MAX allocated */
	unsigned int model_count;
};

/* ---- record.c ---- */

/* Lists what could not be read. The texts are copied. Returns 0, or -1 with *err (NO_MEMORY). */
int mig_record_note(struct recorder *r, const char *what, const char *why, const char *instead,
		    struct mig_error **err) MIG_MUST_CHECK;
/* The same for `member` of a GPU, refused with `code`; NVML_SUCCESS is no reason to note anything. */
int mig_record_note_gpu(struct recorder *r, const struct recorded_gpu *gpu, const char *member,
			nvmlReturn_t code, const char *instead,
			struct mig_error **err) MIG_MUST_CHECK;
/* "NVML answers: insufficient permissions (NVML_ERROR_NO_PERMISSION)" */
void mig_record_reason(nvmlReturn_t code, char *text, size_t size);

/* ---- gpu.c: identity, modes, memory ---- */

/* Reads gpu->index into an empty *gpu. Fails only when it cannot be opened or has no name. */
int mig_record_gpu(struct recorder *r, struct recorded_gpu *gpu,
		   struct mig_error **err) MIG_MUST_CHECK;

/* ---- profiles.c: GPU and compute instance profiles ---- */

/* The GPU instance profiles with their placements; sets off_capacity if it can be seen here. */
int mig_record_profiles(struct recorder *r, struct recorded_gpu *gpu,
			struct mig_error **err) MIG_MUST_CHECK;
/* The compute instance profiles of row `row`, from a GPU instance that lives. */
int mig_record_ci_profiles(struct recorder *r, struct recorded_gpu *gpu, unsigned int row,
			   nvmlGpuInstance_t instance, struct mig_error **err) MIG_MUST_CHECK;

/* ---- instances.c: what is on a GPU ---- */

/* Reads the instances and what they tell: compute instance profiles, and the memory's layout. */
int mig_record_instances(struct recorder *r, struct recorded_gpu *gpu,
			 struct mig_error **err) MIG_MUST_CHECK;
/* The instances as the description has them. */
int mig_record_place(struct recorder *r, const struct recorded_gpu *gpu,
		     struct mig_sim_initial *initial, struct mig_error **err) MIG_MUST_CHECK;

/* ---- model.c: one entry per model ---- */

/* The built-in table of the model, by what has been read of it so far; NULL if there is none. */
const struct mig_gpu_table *mig_record_find_known(const struct mig_gpu_table *model);

/* The entry of this GPU's model, merged with what the others of it told. Sets gpu->desc.model, and
 * the rows of gpu->gi[] are those of that entry. */
int mig_record_merge(struct recorder *r, struct recorded_gpu *gpu,
		     struct mig_error **err) MIG_MUST_CHECK;
/* Fills in from the built-in tables what no GPU told, lists it, and gives the models their keys. */
int mig_record_complete(struct recorder *r, struct mig_error **err) MIG_MUST_CHECK;
