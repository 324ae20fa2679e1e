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

#define MIG_SIM_GPUS_MAX	 32
#define MIG_SIM_OPERATION_MS_MAX 60000 /* longest time of one operation */
#define MIG_SIM_GIS_MAX		 15    /* tree positions of a GPU: 1 + 2 + 4 + 8 */
#define MIG_SIM_CIS_MAX		 8     /* per GPU instance */
#define MIG_SIM_NODE_NAME_SIZE	 64
#define MIG_SIM_UUID_SIZE	 48 /* "GPU-" or "MIG-", 36 characters and the NUL, rounded up */
#define MIG_SIM_BUS_ID_SIZE	 32 /* "00000000:10:00.0" and the NUL, rounded up */
#define MIG_SIM_VERSION_SIZE	 32 /* "550.163.01" */
#define MIG_SIM_HOLDERS_MAX	 512
#define MIG_SIM_EVENTS_MAX	 64 /* a ring: an older one is overwritten */
#define MIG_SIM_FAULTS_MAX	 32
#define MIG_SIM_FUNCTION_SIZE	 64   /* "nvmlDeviceGetMigMode" */
#define MIG_SIM_NO_INSTANCE	 0xff /* in place of a GPU or compute instance id: none */

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

/* What a process without the capability files of an instance sees of it. */
enum mig_sim_visibility {
	MIG_SIM_VISIBILITY_ALL,	  /* every MIG device */
	MIG_SIM_VISIBILITY_DEVFS, /* only those whose nodes in /dev/nvidia-caps it can read */
	MIG_SIM_VISIBILITY_COUNT,
};

/* What costs time on a real machine; the node's description says how much. */
enum mig_sim_operation {
	MIG_SIM_OPERATION_CREATE, /* of a GPU or compute instance */
	MIG_SIM_OPERATION_DESTROY,
	MIG_SIM_OPERATION_MODE_CHANGE,
	MIG_SIM_OPERATION_RESET,
	MIG_SIM_OPERATION_COUNT,
};

/* What a process does on the instance that it holds. */
enum mig_sim_holder_kind {
	MIG_SIM_HOLDER_COMPUTE,
	MIG_SIM_HOLDER_GRAPHICS,
	MIG_SIM_HOLDER_KIND_COUNT,
};

/* What happens at the call that a fault names. */
enum mig_sim_fault_action {
	MIG_SIM_FAULT_RETURN, /* it answers `code` and does nothing */
	MIG_SIM_FAULT_HANG,   /* it waits until the fault is cleared, then does its work */
	MIG_SIM_FAULT_KILL,   /* the caller is killed before anything is done */
	MIG_SIM_FAULT_ACTION_COUNT,
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
	uint8_t visibility; /* enum mig_sim_visibility */
	uint8_t is_serial;  /* 1: operations take their time one after the other on all
					 * GPUs together, not on each GPU for itself */
	uint32_t timing_ms[MIG_SIM_OPERATION_COUNT];
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
	uint32_t ecc_uncorrected;	       /* volatile, of its SRAM */
	struct mig_sim_ci ci[MIG_SIM_CIS_MAX]; /* by compute instance id */
};

/* Aligned, because the store copies it by words. */
struct mig_sim_gpu_state {
	uint8_t mig_current;
	uint8_t mig_pending;
	uint8_t persistence;
	uint8_t is_lost; /* 1: it has fallen off the bus */
	uint8_t ecc_current;
	uint8_t ecc_pending;
	uint8_t reserved[2];
	uint64_t busy_until_ns; /* CLOCK_BOOTTIME: until then an operation takes its time */
	uint64_t resets;	/* since the node was made */
	uint64_t ecc_volatile_corrected;
	uint64_t ecc_volatile_uncorrected;
	uint64_t ecc_aggregate_corrected;
	uint64_t ecc_aggregate_uncorrected;
	uint64_t ecc_volatile_sram;  /* of the uncorrected ones: in SRAM; the others in DRAM */
	uint64_t ecc_aggregate_sram; /* likewise */
	struct mig_sim_gi gi[MIG_SIM_GIS_MAX]; /* by GPU instance id */
} __attribute__((aligned(8)));

/*
 * A process that holds a GPU or an instance. It counts as long as the process lives, which is
 * looked up by who needs to know it (/proc/PID/stat): a row of one that died is free.
 */
struct mig_sim_holder {
	uint32_t pid; /* 0: the row is free */
	uint8_t gpu;
	uint8_t gi;		/* MIG_SIM_NO_INSTANCE: the GPU itself */
	uint8_t ci;		/* MIG_SIM_NO_INSTANCE likewise */
	uint8_t kind;		/* enum mig_sim_holder_kind */
	uint64_t start_time;	/* field 22 of /proc/PID/stat: with the pid it names a process */
	uint64_t pid_namespace; /* inode of /proc/PID/ns/pid: where the pid means something */
	uint64_t memory;	/* bytes of the GPU's or instance's memory */
};

/* What happened, for those who wait for events. */
struct mig_sim_event {
	uint64_t serial; /* 1, 2, …; 0: the row is empty */
	uint64_t type;	 /* one bit of nvmlEventType… */
	uint64_t data;	 /* the XID, or 0 */
	uint8_t gpu;
	uint8_t gi; /* MIG_SIM_NO_INSTANCE: none */
	uint8_t ci;
	uint8_t reserved[5];
};

/* A call that is to go wrong. */
struct mig_sim_fault {
	uint32_t id;		/* 1, 2, …; 0: the row is free */
	uint32_t pid;		/* for this process and its descendants; 0: node-wide */
	uint64_t start_time;	/* of the process */
	uint64_t pid_namespace; /* of the process */
	uint64_t call;		/* 1: the first call of the function … */
	uint64_t seen;		/* node-wide only: calls of all processes so far */
	uint32_t code;		/* NVML code of MIG_SIM_FAULT_RETURN */
	uint8_t action;		/* enum mig_sim_fault_action */
	uint8_t is_from;	/* 1: that call and all later ones */
	uint8_t reserved[2];
	char function[MIG_SIM_FUNCTION_SIZE];
};

/* One of the two copies of the mutable state. The store fills in the first two members. */
struct mig_sim_state {
	uint64_t generation;
	uint64_t checksum;	 /* CRC-64 of generation and all that follows this member */
	uint64_t config_changes; /* MIG configuration changes since the node was made */
	uint64_t reboots;	 /* since the node was made */
	uint64_t busy_until_ns;	 /* as of a GPU, for a node whose operations are serial */
	uint64_t event_serial;	 /* of the newest event, in row serial % MIG_SIM_EVENTS_MAX */
	uint64_t fault_serial; /* moves on whenever a fault is added or removed; 0: never was one */
	uint32_t fault_count;  /* rows that are used */
	uint32_t last_fault_id;
	struct mig_sim_fault faults[MIG_SIM_FAULTS_MAX];
	struct mig_sim_event events[MIG_SIM_EVENTS_MAX];
	struct mig_sim_holder holders[MIG_SIM_HOLDERS_MAX];
	struct mig_sim_gpu_state gpus[]; /* gpu_count of the description */
};

_Static_assert(sizeof(struct mig_sim_gpu_desc) == 120, "no padding in a GPU description");
_Static_assert(sizeof(struct mig_sim_node_desc) == 168 + 32 * 120, "no padding in a description");
_Static_assert(sizeof(struct mig_sim_gpu_state) == 72 + 15 * (8 + 8 * 8), "no padding in a GPU");
_Static_assert(sizeof(struct mig_sim_holder) == 32, "no padding in a holder");
_Static_assert(sizeof(struct mig_sim_event) == 32, "no padding in an event");
_Static_assert(sizeof(struct mig_sim_fault) == 112, "no padding in a fault");
_Static_assert(sizeof(struct mig_gpu_table) % 4 == 0, "tables follow each other without gaps");
