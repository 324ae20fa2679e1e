/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The snapshot: what is on the node now, read in one pass over NVML.
 *
 * GPU instances without compute instances, and compute instances smaller than their GPU instance,
 * are ordinary members. Instances keep the driver's handles for as long as nothing changes; what
 * outlives a change is keyed by UUID and placement (core/plan.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/context.h"
#include "core/facts.h"
#include "shared/error.h"

#define MIG_GPU_INSTANCES_MAX	  MIG_FACTS_GI_INSTANCES_MAX /* per GPU; NVML has 15 positions today */
#define MIG_COMPUTE_INSTANCES_MAX MIG_FACTS_CI_INSTANCES_MAX /* per GPU instance; 8 today */
#define MIG_UUID_SIZE		  96			     /* NVML's own buffer */
#define MIG_GPU_NAME_SIZE	  96
#define MIG_PCI_ADDRESS_SIZE	  32

/* Who needs an instance to stay. */
struct mig_holder {
	char provider[16]; /* "process" */
	unsigned int pid;  /* 0 if it is not a process */
	char name[64];	   /* command or job; foreign text */
	char user[32];	   /* "" if not known */
	uint64_t memory_mib;
};

struct mig_compute_instance {
	nvmlComputeInstance_t handle;
	unsigned int id;
	unsigned int ci_row; /* in the GI profile's ci[] */
	unsigned int start;  /* compute slices */
	unsigned int size;
	int device_index;	  /* MIG device index; -1 until read */
	char uuid[MIG_UUID_SIZE]; /* "" until read */
	unsigned int holder_count;
	struct mig_holder *holders;
};

struct mig_gpu_instance {
	nvmlGpuInstance_t handle;
	unsigned int id;
	unsigned int gi_row; /* in facts->gi[] */
	unsigned int start;  /* placement units */
	unsigned int size;
	unsigned int ci_count;
	struct mig_compute_instance ci[MIG_COMPUTE_INSTANCES_MAX]; /* by id */
};

/* A MIG device as its own handle shows it to everybody. */
struct mig_visible_device {
	unsigned int index; /* MIG device index */
	unsigned int gi_id, ci_id;
	char profile[MIG_PROFILE_NAME_SIZE]; /* "" if the driver does not say */
	char uuid[MIG_UUID_SIZE];
};

struct mig_gpu {
	nvmlDevice_t handle;
	unsigned int index;
	unsigned int minor_number; /* with MIG_SNAPSHOT_UUIDS */
	char uuid[MIG_UUID_SIZE];
	char name[MIG_GPU_NAME_SIZE];
	char pci_address[MIG_PCI_ADDRESS_SIZE]; /* "00000000:10:00.0" */
	uint32_t pci_device_id;			/* (device << 16) | vendor, as NVML has it */
	uint32_t pci_subsystem_id;
	uint64_t memory_mib;
	bool is_lost; /* fallen off the bus: only the index is known, all else is empty */
	bool is_mig_capable;
	bool mig_current;
	bool mig_pending;
	/* The caller may not see placements and instances: facts is NULL, and the MIG devices are all
	 * that is known of what is on it. Only with MIG_SNAPSHOT_PARTIAL. */
	bool is_restricted;
	unsigned int device_count;
	struct mig_visible_device *devices;
	/* Who uses the GPU itself and none of its instances. */
	unsigned int holder_count;
	struct mig_holder *holders;
	struct mig_facts *
		facts; /* NULL without MIG or when restricted; shared by equal GPUs, owned by the snapshot */
	unsigned int gi_count;
	struct mig_gpu_instance gi[MIG_GPU_INSTANCES_MAX]; /* by id */
};

struct mig_snapshot {
	char driver_version[96];
	unsigned int gpu_count;
	struct mig_gpu *gpus;
	struct mig_facts **facts; /* the distinct ones */
	unsigned int facts_count;
};

enum mig_snapshot_flags {
	/* Also MIG UUIDs, device indices and minor numbers. Without it a compute instance that fills
	 * its GPU instance has the id 0. */
	MIG_SNAPSHOT_UUIDS = 1 << 0,
	MIG_SNAPSHOT_HOLDERS = 1 << 1, /* also who holds what (implies UUIDS) */
	MIG_SNAPSHOT_LOST = 1 << 2,    /* a lost GPU is no error, but marked as such */
	MIG_SNAPSHOT_PARTIAL = 1 << 3, /* what the caller may not see is no error, but left out */
};

/* Sets *err to the error of a node without GPUs (NO_DRIVER). Returns -1. */
int mig_error_no_gpu(struct mig_error **err);

/* Sets *err to an error (DRIVER) that says that the GPU is lost, with a next step. Returns -1. */
int mig_error_lost(const struct mig_gpu *gpu, struct mig_error **err);

/* Whether it is that error, or the driver's own. */
bool mig_error_is_lost(const struct mig_error *err);

/* Replaces the next step of such an error by what this node offers. Returns -1. */
int mig_hint_lost(const struct mig_context *ctx, struct mig_error **err);

/*
 * Reads the node. Zero GPUs are an empty snapshot, not an error. A GPU that cannot be read is an
 * error that names it. Takes no lock: a GPU that changes meanwhile is read again, a few times. Not
 * thread-safe on one driver handle. *out is owned by the caller.
 */
int mig_snapshot_read(const struct mig_context *ctx, unsigned int flags, struct mig_snapshot **out,
		      struct mig_error **err) MIG_MUST_CHECK;
void mig_snapshot_free(struct mig_snapshot *snapshot);

static inline void mig_cleanup_snapshot(struct mig_snapshot **snapshot)
{
	mig_snapshot_free(*snapshot);
}
#define _cleanup_snapshot_ _cleanup_(mig_cleanup_snapshot)

/* The GPU with this UUID (the whole of it); NULL if there is none. Owned by the snapshot; its place in
 * snapshot->gpus is its position. */
struct mig_gpu *mig_snapshot_gpu(const struct mig_snapshot *snapshot, const char *uuid);

/* The lost GPU of this NVML index, NULL if it is not lost: a lost one says no UUID by which what was
 * written down could be found. */
const struct mig_gpu *mig_snapshot_lost_gpu(const struct mig_snapshot *snapshot,
					    unsigned int index);

/* Reads the instances of one GPU again into `gpu` (its facts must be there). */
int mig_snapshot_read_instances(const struct mig_context *ctx, struct mig_gpu *gpu,
				unsigned int flags, struct mig_error **err) MIG_MUST_CHECK;

/* The geometry of a GPU's or GPU profile's facts, and what of it is occupied now. */
struct mig_space;
struct mig_space_state;
void mig_facts_gi_space(const struct mig_facts *facts, struct mig_space *space);
void mig_facts_ci_space(const struct mig_gi_profile *gi, struct mig_space *space);
void mig_gpu_space_state(const struct mig_gpu *gpu, const struct mig_space *space,
			 struct mig_space_state *state);
