/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a simulated node is: its description (never changes once made) and its mutable state.
 *
 * Plain data without pointers or hidden padding; the mutable part is whole 8-byte words. The store keeps
 * these very structures in a file that several processes map. Arrays of instances are indexed by
 * instance id (a GPU instance id is a tree position 0…14, a compute instance id is 0…7), so that a
 * look-up is an index and a listing by id is a walk. Must not know files, locks or NVML handles.
 */
#pragma once

#include <stdint.h>

#include "data/tables/gpu_table.h"

#define MIG_SIM_GPUS_MAX       32
#define MIG_SIM_GIS_MAX	       15 /* tree positions of a GPU: 1 + 2 + 4 + 8 */
#define MIG_SIM_CIS_MAX	       8  /* per GPU instance */
#define MIG_SIM_NODE_NAME_SIZE 64
#define MIG_SIM_UUID_SIZE      48 /* "GPU-" or "MIG-", 36 characters and the NUL, rounded up */
#define MIG_SIM_BUS_ID_SIZE    32 /* "00000000:10:00.0" and the NUL, rounded up */
#define MIG_SIM_VERSION_SIZE   32 /* "550.163.01" */

/* How a GPU's tree lies in its memory (reference: normal and swapped layouts of one model). */
enum mig_sim_layout {
	MIG_SIM_LAYOUT_NORMAL,	/* placement start = tree unit */
	MIG_SIM_LAYOUT_SWAPPED, /* the halves are exchanged: start = unit XOR half */
	MIG_SIM_LAYOUT_COUNT,
};

/* What becomes of a MIG mode change on a GPU whose model needs a reset for it. */
enum mig_sim_mode_change {
	MIG_SIM_MODE_CHANGE_IMMEDIATE,	    /* the driver resets the GPU itself: in force at once */
	MIG_SIM_MODE_CHANGE_RESET_REQUIRED, /* pending; activation status RESET_REQUIRED */
	MIG_SIM_MODE_CHANGE_IN_USE,	    /* pending; activation status IN_USE */
	MIG_SIM_MODE_CHANGE_COUNT,
};

/* What 550 and newer answer to RemainingCapacity while MIG mode is off (believed: zero). */
enum mig_sim_off_capacity {
	MIG_SIM_OFF_CAPACITY_ZERO,
	MIG_SIM_OFF_CAPACITY_REAL,
	MIG_SIM_OFF_CAPACITY_NOT_SUPPORTED,
	MIG_SIM_OFF_CAPACITY_COUNT,
};

/* What nvmlInternalGetExportTable gives for the one known table UUID. */
enum mig_sim_export_table {
	MIG_SIM_EXPORT_TABLE_FULL,
	MIG_SIM_EXPORT_TABLE_NONE, /* a table of size 0 */
	MIG_SIM_EXPORT_TABLE_COUNT,
};

/* Driver branches; the numbers stand in node descriptions and state files. */
enum mig_sim_branch {
	MIG_SIM_BRANCH_470 = 470,
	MIG_SIM_BRANCH_535 = 535,
	MIG_SIM_BRANCH_550 = 550,
	MIG_SIM_BRANCH_580 = 580,
};

struct mig_sim_gpu_desc {
	char uuid[MIG_SIM_UUID_SIZE];	  /* "GPU-…" */
	char bus_id[MIG_SIM_BUS_ID_SIZE]; /* "00000000:10:00.0" */
	uint64_t pdi;			  /* per-device identifier that MIG UUIDs derive from */
	uint32_t model;			  /* index into the node's models */
	uint32_t minor_number;
	uint32_t pci_domain;
	uint32_t pci_bus;
	uint32_t pci_device;
	int32_t numa_node;   /* -1: none */
	uint8_t layout;	     /* enum mig_sim_layout */
	uint8_t mode_change; /* enum mig_sim_mode_change */
	uint8_t initial_mig_mode;
	uint8_t initial_persistence;
	uint8_t reserved[4];
};

struct mig_sim_node_desc {
	char name[MIG_SIM_NODE_NAME_SIZE];
	char driver_version[MIG_SIM_VERSION_SIZE]; /* "550.163.01" */
	char nvml_version[MIG_SIM_VERSION_SIZE];   /* "12.550.163.01" */
	uint32_t branch;			   /* enum mig_sim_branch */
	uint32_t cuda_version;			   /* 12040 */
	uint32_t gpu_count;
	uint32_t model_count;
	uint32_t owner_uid; /* the administrator besides root */
	uint8_t off_capacity;
	uint8_t export_table;
	uint8_t reserved[2];
	struct mig_sim_gpu_desc gpus[MIG_SIM_GPUS_MAX]; /* gpu_count are used */
};

struct mig_sim_ci {
	uint8_t in_use;	 /* 1: this compute instance exists */
	uint8_t profile; /* row in the GI profile's ci[] table */
	uint8_t start;	 /* compute slices from the start of the GPU instance */
	uint8_t size;
	uint8_t reserved[4];
};

struct mig_sim_gi {
	uint8_t in_use;	 /* 1: this GPU instance exists */
	uint8_t profile; /* row in the model's gi[] table */
	uint8_t start;	 /* placement units */
	uint8_t size;
	uint8_t reserved[4];
	struct mig_sim_ci ci[MIG_SIM_CIS_MAX]; /* by compute instance id */
};

/* Aligned, because the store copies it by words. */
struct mig_sim_gpu_state {
	uint8_t mig_current;
	uint8_t mig_pending;
	uint8_t persistence;
	uint8_t reserved[5];
	struct mig_sim_gi gi[MIG_SIM_GIS_MAX]; /* by GPU instance id */
} __attribute__((aligned(8)));

/* One of the two copies of the mutable state. The store fills in the first two members. */
struct mig_sim_state {
	uint64_t generation;
	uint64_t checksum;		 /* CRC-64 of generation and all that follows this member */
	uint64_t config_changes;	 /* MIG configuration changes since the node was made */
	struct mig_sim_gpu_state gpus[]; /* gpu_count of the description */
};

_Static_assert(sizeof(struct mig_sim_gpu_desc) == 120, "no padding in a GPU description");
_Static_assert(sizeof(struct mig_sim_node_desc) == 152 + 32 * 120, "no padding in a description");
_Static_assert(sizeof(struct mig_sim_gpu_state) == 8 + 15 * (8 + 8 * 8), "no padding in a GPU");
_Static_assert(sizeof(struct mig_gpu_table) % 4 == 0, "tables follow each other without gaps");
