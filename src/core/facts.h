/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one kind of GPU can do: its GPU instance profiles and their compute instance profiles.
 *
 * Facts come from NVML. Drivers before 550 list no GPU instance profiles while MIG is off; then they
 * come from the generated tables (by PCI device id and memory; `source`). NVML lists compute instance
 * profiles only for a living GPU instance; for a profile of which none is living they come from the
 * same tables, else from a rule (`ci_source`). Whatever did not come from NVML is checked against
 * NVML before the first instance is created from it.
 * Must not know the current layout, nor the simulator.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/profile_name.h"
#include "data/tables/gpu_table.h"
#include "nvml/driver.h"
#include "shared/error.h"

#define MIG_FACTS_GI_PROFILES_MAX  32 /* more than NVML has indices today */
#define MIG_FACTS_CI_PROFILES_MAX  16
#define MIG_FACTS_STARTS_MAX	   32
#define MIG_FACTS_UNITS_MAX	   64 /* placement units of a GPU: they are bits of a uint64_t */
#define MIG_FACTS_SLICES_MAX	   64
/* Instances of one profile at the same time; a driver that says more is broken. */
#define MIG_FACTS_GI_INSTANCES_MAX 32
#define MIG_FACTS_CI_INSTANCES_MAX 16

/* NVML profile indices asked for; a newer driver answers INVALID_ARGUMENT beyond its own. */
#define MIG_FACTS_GI_INDEX_END 18
#define MIG_FACTS_CI_INDEX_END 9

#define MIG_COUNT_UNKNOWN UINT_MAX

/* Media and copy engines; MIG_COUNT_UNKNOWN where neither NVML nor a table says. Compute instances
 * share those of their GPU instance. */
struct mig_engines {
	unsigned int copy, decoder, encoder, jpeg, ofa;
};

enum mig_ci_source {
	MIG_CI_FROM_NVML,
	MIG_CI_FROM_TABLE,
	MIG_CI_FROM_RULE, /* name and slices only: one per width, placed side by side */
};

struct mig_ci_profile {
	char name[MIG_PROFILE_NAME_SIZE]; /* "1c.3g.20gb", without "MIG " */
	unsigned int index;		  /* NVML_COMPUTE_INSTANCE_PROFILE_* */
	unsigned int id;		  /* what creation takes */
	unsigned int slice_count;	  /* compute slices */
	unsigned int instance_max;
	unsigned int sm_count; /* MIG_COUNT_UNKNOWN by rule */
	unsigned int size;     /* compute slices it occupies at a start */
	unsigned int start_count;
	unsigned int starts[MIG_FACTS_STARTS_MAX];
};

struct mig_gi_profile {
	char name[MIG_PROFILE_NAME_SIZE]; /* "3g.20gb", without "MIG " */
	bool name_is_computed;		  /* 470 gives none */
	struct mig_profile_name parsed;
	unsigned int index; /* NVML_GPU_INSTANCE_PROFILE_* */
	unsigned int id;    /* what creation takes */
	unsigned int slice_count;
	unsigned int instance_max;
	unsigned int sm_count;
	uint64_t memory_mib;
	struct mig_engines engines;
	bool is_media_extension; /* at most one instance per GPU over all of these */
	unsigned int size;	 /* placement units */
	unsigned int start_count;
	unsigned int starts[MIG_FACTS_STARTS_MAX]; /* ascending */
	enum mig_ci_source ci_source;
	unsigned int ci_count;
	struct mig_ci_profile ci[MIG_FACTS_CI_PROFILES_MAX]; /* ascending by slice_count */
};

enum mig_facts_source {
	MIG_FACTS_FROM_NVML,
	MIG_FACTS_FROM_TABLE, /* MIG is off, and this driver lists nothing then */
};

struct mig_facts {
	enum mig_facts_source source;
	unsigned int gi_index_end; /* the first NVML index that this driver does not know */
	unsigned int units;	   /* placement units of the whole GPU */
	unsigned int slices;	   /* compute slices of the whole GPU */
	unsigned int gi_count;
	struct mig_gi_profile gi[MIG_FACTS_GI_PROFILES_MAX]; /* by NVML index */
};

/*
 * Reads the GPU instance profiles and placements of one GPU from NVML (MIG on or, from 550 on, off).
 * `table` may be NULL: the generated table of this model. memory_mib: of the whole GPU, 0 if not
 * known. Profiles that the driver does not offer are left out; none at all leaves gi_count 0. What
 * a driver cannot mean (no slices, a placement outside of all units) is an error. Returns 0, or -1
 * with *err.
 */
int mig_facts_read(const struct mig_driver *driver, nvmlDevice_t device,
		   const struct mig_gpu_table *table, uint64_t memory_mib, struct mig_facts *facts,
		   struct mig_error **err) MIG_MUST_CHECK;

/*
 * For a GPU whose MIG mode is off, with a driver that listed nothing (gi_count is 0 after
 * mig_facts_read): takes the profiles from the table, those with an index that the driver knows.
 * Placements are those of the model's normal layout. `driver` says whether names are computed. A
 * table that is not complete gives nothing.
 */
void mig_facts_from_table(const struct mig_driver *driver, const struct mig_gpu_table *table,
			  struct mig_facts *facts);

/*
 * Whether a GPU of the same model has the placements of `facts`. Two GPUs of one model can differ:
 * which of its slices a chip lacks decides it, and the profile with the most placements shows it.
 * Costs one call. Returns 1 or 0 (also when the driver does not say), or -1 with *err.
 */
int mig_facts_has_placements(const struct mig_driver *driver, nvmlDevice_t device,
			     const struct mig_facts *facts, struct mig_error **err) MIG_MUST_CHECK;

/*
 * Replaces the compute instance facts of profile `gi` by what NVML says for the living GPU
 * instance `instance` of that profile.
 */
int mig_facts_read_ci(const struct mig_driver *driver, nvmlGpuInstance_t instance,
		      struct mig_gi_profile *gi, struct mig_error **err) MIG_MUST_CHECK;

/* The row of a GI profile by NVML id or name; -1 if there is none. */
int mig_facts_gi_by_id(const struct mig_facts *facts, unsigned int id);
int mig_facts_gi_by_name(const struct mig_facts *facts, const struct mig_profile_name *name);

/* Whether `facts` have this profile, taken from elsewhere, and a placement of it at `start`: id,
 * slices, size, most instances, and the name where NVML gave it. */
bool mig_facts_has_profile(const struct mig_facts *facts, const struct mig_gi_profile *gi,
			   unsigned int start);

/* The row of the CI profile with this width, or -1. */
int mig_facts_ci_by_slices(const struct mig_gi_profile *gi, unsigned int slice_count);

/* The name of the device that is CI row `ci_row` in GI row `gi`: the GPU instance's own name when it
 * fills it ("1g.5gb+me"), else with the c part in front ("1c.3g.20gb"). */
void mig_facts_device_name(const struct mig_gi_profile *gi, unsigned int ci_row, char *text,
			   size_t size);

/*
 * A profile named by a person: sets *gi_row and *ci_row, or returns -1. `wanted` gets the parsed
 * name if it is well-formed (so that a caller can tell malformed from unknown).
 */
int mig_facts_find(const struct mig_facts *facts, const char *name, unsigned int *gi_row,
		   unsigned int *ci_row);

/* The GI profile whose name is nearest to `name`, or NULL. Owned by facts. */
const char *mig_facts_nearest(const struct mig_facts *facts, const char *name);
