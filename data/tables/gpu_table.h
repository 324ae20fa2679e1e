/* SPDX-License-Identifier: Apache-2.0
 *
 * GPU facts as plain tables: what each known GPU model is and which GPU and compute instance
 * profiles it has. The rows come from data/gpus/<key>.json (docs/gpu-data.md); the same structures
 * hold a model that a node description brings along.
 *
 * Invariants: no pointers and no hidden padding, so a table can be copied byte for byte into a
 * file that other processes map. gi[] ascends by NVML profile index, ci[] by NVML compute instance
 * profile index. Starts ascend. Nothing in here knows how instances are placed: that is worked out
 * from these facts by the simulated driver and by core, each on its own.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Slots of NVML's profile index spaces (NVML_GPU_INSTANCE_PROFILE_COUNT and
 * NVML_COMPUTE_INSTANCE_PROFILE_COUNT of API version 13). */
#define MIG_TABLE_GI_PROFILES_MAX   18
#define MIG_TABLE_CI_PROFILES_MAX   9
/* Most start positions that one profile can have. */
#define MIG_TABLE_STARTS_MAX	    16
/* Sizes with the terminating zero byte. */
#define MIG_TABLE_KEY_SIZE	    48
#define MIG_TABLE_NAME_SIZE	    96
/* A profile's name without the leading "MIG " ("1c.3g.20gb", "1g.5gb+me"). */
#define MIG_TABLE_PROFILE_NAME_SIZE 32
/* PCI device ids that one model is known under. */
#define MIG_TABLE_PCI_IDS_MAX	    4

/* A number that nobody has written down: a call that returns just this answers NOT_SUPPORTED. */
#define MIG_TABLE_UNKNOWN    UINT32_MAX
/* The same for the one-byte fields that say so. */
#define MIG_TABLE_UNKNOWN_U8 UINT8_MAX

/* The architecture families. NVML's own number (nvmlDeviceArchitecture_t) is in mig_table_arch_nvml:
 * it is not dense, so it is not used as an index here. */
enum mig_table_arch {
	MIG_ARCH_UNKNOWN = 0,
	MIG_ARCH_TURING,    /* NVML 6 */
	MIG_ARCH_AMPERE,    /* NVML 7 */
	MIG_ARCH_ADA,	    /* NVML 8 */
	MIG_ARCH_HOPPER,    /* NVML 9 */
	MIG_ARCH_BLACKWELL, /* NVML 10 */
	MIG_ARCH_COUNT
};

/* Fields of a compute instance profile that can be derived by a rule. */
enum mig_table_ci_field {
	MIG_CI_FIELD_NAME = 0,
	MIG_CI_FIELD_ID,
	MIG_CI_FIELD_INSTANCES_TOTAL,
	MIG_CI_FIELD_SM,
	MIG_CI_FIELD_STARTS,
	MIG_CI_FIELD_PLACEMENT_SIZE,
	MIG_CI_FIELD_COUNT
};

/* Fields of a GPU instance profile that can be derived by a rule. */
enum mig_table_gi_field {
	MIG_GI_FIELD_NAME = 0,
	MIG_GI_FIELD_ID,
	MIG_GI_FIELD_MEMORY_MIB,
	MIG_GI_FIELD_P2P,
	MIG_GI_FIELD_SM,
	MIG_GI_FIELD_CE,
	MIG_GI_FIELD_DEC,
	MIG_GI_FIELD_ENC,
	MIG_GI_FIELD_JPEG,
	MIG_GI_FIELD_OFA,
	MIG_GI_FIELD_STARTS,
	MIG_GI_FIELD_PLACEMENT_SIZE,
	MIG_GI_FIELD_INSTANCES_TOTAL,
	MIG_GI_FIELD_COUNT
};

/* Fields of a GPU that can be derived by a rule. */
enum mig_table_gpu_field {
	MIG_GPU_FIELD_MEMORY_TOTAL_MIB = 0,
	MIG_GPU_FIELD_MEMORY_RESERVED_MIB,
	MIG_GPU_FIELD_BAR1_TOTAL_MIB,
	MIG_GPU_FIELD_SM_TOTAL,
	MIG_GPU_FIELD_SM_MIG_VISIBLE,
	MIG_GPU_FIELD_COUNT
};

/*
 * One compute instance profile of one GPU instance profile.
 *
 * rule[] holds for each field the number of the rule that filled it in (an index of
 * mig_table_rules), or 0 where the value was seen on such a GPU. Unknown is 0 for instances_total,
 * placement_size and start_count and MIG_TABLE_UNKNOWN for sm; a usable model has none unknown.
 */
struct mig_table_ci_profile {
	char name[MIG_TABLE_PROFILE_NAME_SIZE]; /* as listed: without +me and the like */
	uint8_t profile_index;			/* NVML_COMPUTE_INSTANCE_PROFILE_* */
	uint8_t id;				/* the ID column of `mig -lcip` */
	uint8_t is_default;			/* 1 for the one as wide as its GPU instance */
	uint8_t slice_count;			/* compute slices */
	uint8_t instances_total;		/* fitting into an empty GPU instance */
	uint8_t placement_size;			/* compute slices taken at a start */
	uint8_t start_count;
	uint8_t reserved0;
	uint8_t starts
		[MIG_TABLE_STARTS_MAX]; /* compute slices from the start of the GPU instance */
	uint32_t sm;			/* multiprocessors */
	uint8_t rule[MIG_CI_FIELD_COUNT];
	uint8_t reserved1[2];
};

/*
 * One GPU instance profile. Engine counts are MIG_TABLE_UNKNOWN where not known; in a usable model
 * id, memory_mib, sm and the placements are known. rule[] as above.
 */
struct mig_table_gi_profile {
	char name[MIG_TABLE_PROFILE_NAME_SIZE];
	uint32_t id; /* the ID column of `mig -lgip` */
	uint32_t memory_mib;
	uint32_t memory_idle_mib; /* in use with compute instances although no program runs */
	uint32_t sm;
	uint32_t ce;
	uint32_t dec;
	uint32_t enc;
	uint32_t jpeg;
	uint32_t ofa;
	uint8_t profile_index; /* NVML_GPU_INSTANCE_PROFILE_* */
	uint8_t slice_count;
	uint8_t instances_total; /* fitting into an empty GPU; MIG_TABLE_UNKNOWN_U8 if not known */
	uint8_t p2p;		 /* 0, 1 or MIG_TABLE_UNKNOWN_U8 */
	uint8_t is_media_extension; /* +me or +me.all: one GPU instance of these at most per GPU */
	uint8_t placement_size;	    /* placement units; 0 if not known */
	uint8_t start_count;	    /* 0 if not known */
	uint8_t ci_profile_count;
	uint8_t starts[MIG_TABLE_STARTS_MAX]; /* placement units, of a GPU in the normal layout */
	uint8_t rule[MIG_GI_FIELD_COUNT];
	uint8_t reserved0[3];
	struct mig_table_ci_profile ci[MIG_TABLE_CI_PROFILES_MAX];
};

/*
 * One GPU model. rule[] as above; a field under the rule "not-available" is MIG_TABLE_UNKNOWN
 * because the driver itself has no answer. A model without MIG is usable when its total memory is
 * known; with MIG, when also each GPU instance profile's id, memory, SM count and placements are.
 */
struct mig_gpu_table {
	char key[MIG_TABLE_KEY_SIZE];	/* "a100-sxm4-40gb", lower case */
	char name[MIG_TABLE_NAME_SIZE]; /* what NVML calls it; "" if not known */
	uint32_t pci_vendor_id;		/* 0x10de */
	uint32_t pci_device_id;		/* 0x20b0; the first of pci_device_ids; UNKNOWN if none */
	uint32_t pci_subsystem_id; /* (device << 16) | vendor; MIG_TABLE_UNKNOWN if not known */
	uint32_t pci_device_ids[MIG_TABLE_PCI_IDS_MAX];
	uint32_t chip_id;	      /* MIG_TABLE_UNKNOWN if not known */
	uint32_t memory_total_mib;    /* of the whole GPU, as nvidia-smi shows it */
	uint32_t memory_reserved_mib; /* of the whole GPU with MIG off */
	uint32_t memory_idle_mib;     /* in use with MIG off although no program runs */
	uint32_t bar1_total_mib;
	uint32_t sm_total;	 /* without MIG */
	uint32_t sm_mig_visible; /* in the largest GPU instance profile */
	uint8_t pci_device_id_count;
	uint8_t arch;	  /* enum mig_table_arch */
	uint8_t cc_major; /* compute capability; MIG_TABLE_UNKNOWN_U8 if not known */
	uint8_t cc_minor;
	uint8_t is_mig_capable;
	uint8_t is_usable;	   /* complete enough to be simulated (docs/gpu-data.md) */
	uint8_t memory_slices;	   /* placement units of the whole GPU; 0 if not known */
	uint8_t max_gpu_instances; /* 0 without MIG or if not known */
	uint8_t mode_needs_reset;  /* a MIG mode change takes effect by a GPU reset */
	uint8_t mode_survives_reboot;
	uint8_t gi_profile_count;
	uint8_t rule[MIG_GPU_FIELD_COUNT];
	struct mig_table_gi_profile gi[MIG_TABLE_GI_PROFILES_MAX];
};

/* A rule of data/rules.json by which a field was derived. Row 0 means "not derived". */
struct mig_table_rule {
	const char *id;	     /* "bar1-power-of-two" */
	const char *field;   /* "gpu.bar1_total_mib" */
	const char *formula; /* in words */
};

_Static_assert(MIG_CI_FIELD_COUNT == 6 && MIG_GI_FIELD_COUNT == 13 && MIG_GPU_FIELD_COUNT == 5,
	       "the structures above are laid out for these counts");
_Static_assert(sizeof(struct mig_table_ci_profile) == 68, "no padding in a CI profile");
_Static_assert(sizeof(struct mig_table_gi_profile) == 108 + 9 * 68, "no padding in a GI profile");
_Static_assert(sizeof(struct mig_gpu_table) == 216 + 18 * (108 + 9 * 68), "no padding in a table");

/* The generated rows (data/tables/gpu_tables.c), ordered by key. */
extern const struct mig_gpu_table mig_gpu_tables[];
extern const unsigned int mig_gpu_table_count;
extern const struct mig_table_rule mig_table_rules[];
extern const unsigned int mig_table_rule_count;

/*
 * Find a model by its key; letter case does not matter. Returns a row of mig_gpu_tables, or NULL
 * (also for a NULL key). Thread-safe, as everything here is.
 */
const struct mig_gpu_table *mig_gpu_table_find(const char *key);

/*
 * Find a model by its PCI device id (0x20b0, without the vendor) and the memory of the whole GPU in
 * MiB, which may differ by 2 percent from the table's because the driver's branch and ECC move it.
 * Of several the nearest in memory is taken; a row whose memory is not known is never found.
 * Returns NULL when there is none.
 */
const struct mig_gpu_table *mig_gpu_table_find_pci(uint32_t device_id, uint32_t memory_mib);

/* The GPU instance profile with this NVML profile index, or NULL if the GPU has none. */
const struct mig_table_gi_profile *mig_gpu_table_gi_by_index(const struct mig_gpu_table *table,
							     unsigned int profile_index);

/* The GPU instance profile with this id (the ID column), or NULL. */
const struct mig_table_gi_profile *mig_gpu_table_gi_by_id(const struct mig_gpu_table *table,
							  uint32_t id);

/* The compute instance profile with this NVML profile index, or NULL. */
const struct mig_table_ci_profile *mig_table_ci_by_index(const struct mig_table_gi_profile *gi,
							 unsigned int profile_index);

/* The family's name in lower case ("ampere"); "unknown" for everything else. */
const char *mig_table_arch_name(unsigned int arch);

/* The number that nvmlDeviceGetArchitecture gives; NVML's "unknown" is UINT32_MAX. */
uint32_t mig_table_arch_nvml(unsigned int arch);

/* The names of the derivable fields as in the data files ("bar1_total_mib"); NULL out of range. */
const char *mig_table_gpu_field_name(unsigned int field);
const char *mig_table_gi_field_name(unsigned int field);
const char *mig_table_ci_field_name(unsigned int field);

/* The rule with this number (what rule[] holds); row 0, whose id is "", when out of range. */
const struct mig_table_rule *mig_table_rule_get(unsigned int number);

/* The number of the rule with this id ("bar1-power-of-two"), or 0 when there is none. */
unsigned int mig_table_rule_find(const char *id);

/*
 * Fill in what the rules of data/rules.json derive, for a model that a node description brings:
 * unknown fields get a value and the rule's number in rule[]; known ones stay; a field whose rule
 * is already set (as "not-available") stays too. Sets is_usable. The caller has checked that counts
 * are within their arrays. The generator did the same for the rows of mig_gpu_tables; a model that
 * is not usable is left as it is.
 */
void mig_gpu_table_complete(struct mig_gpu_table *table);
