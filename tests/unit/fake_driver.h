/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver in memory for tests of core: a `struct mig_driver` that keeps GPUs, GPU instances and
 * compute instances in plain structures which a test may set up and damage as it likes.
 *
 * Written from NVML's documentation alone and not from the simulated driver, so that core is tested
 * against two drivers. Its instance ids count upwards and are never used twice: whoever remembers
 * an id over a change will notice. Any call can be scripted to fail. Must not use core.
 */
#pragma once

#include <stdbool.h>

#include "nvml/driver.h"

#define FAKE_GPUS	40
#define FAKE_GI		16 /* per GPU */
#define FAKE_CI		8  /* per GPU instance */
#define FAKE_PROCESSES	64 /* per GPU */
#define FAKE_CHANGE_LOG 64

enum fake_kind { FAKE_KIND_GPU = 0x47, FAKE_KIND_GI, FAKE_KIND_CI };

struct fake_ci_profile {
	unsigned int index, id, slices, max, size;
	unsigned int start_count;
	unsigned int starts[8];
};

struct fake_gi_profile {
	unsigned int index, id;
	const char *name; /* with "MIG " in front, as NVML has it */
	unsigned int slices, max, memory_mib, size;
	unsigned int start_count;
	unsigned int starts[12];
	unsigned int ci_count;
	struct fake_ci_profile ci[8];
};

struct fake_gpu;

struct fake_ci {
	enum fake_kind kind;
	bool used;
	struct fake_gi *gi;
	const struct fake_ci_profile *profile;
	unsigned int id, start;
	char uuid[96];
};

struct fake_gi {
	enum fake_kind kind;
	bool used;
	struct fake_gpu *gpu;
	const struct fake_gi_profile *profile;
	unsigned int id, start;
	struct fake_ci ci[FAKE_CI];
};

/* What a mode change does. */
enum fake_mode { FAKE_MODE_IMMEDIATE, FAKE_MODE_PENDING, FAKE_MODE_IN_USE };

struct fake_gpu {
	enum fake_kind kind;
	struct fake_driver *driver;
	unsigned int index;
	char uuid[96], name[96], bus_id[32];
	unsigned int pci_device_id, pci_subsystem_id;
	unsigned long long memory_mib;
	bool has_mig, current, pending;
	bool is_lost;	       /* every call on it answers GPU_IS_LOST */
	bool off_has_profiles; /* with MIG off profiles are listed (550), else NOT_SUPPORTED (535) */
	enum fake_mode mode_change;
	unsigned int profile_count;
	const struct fake_gi_profile *profiles;
	struct fake_gi gi[FAKE_GI];
	int index_hole;		       /* a MIG device index that stays empty, or -1 */
	unsigned int max_devices_said; /* what GetMaxMigDeviceCount says; 0: the truth */
	unsigned int process_count;
	nvmlProcessInfo_t processes[FAKE_PROCESSES];
	unsigned int processes_grow;	 /* new ones when a list is too small, then half as many */
	unsigned int process_count_said; /* a lie about the number, with SUCCESS; 0: the truth */
};

/* A scripted answer: call number `nth` (from 1; 0: none) of a symbol gives `code`. */
struct fake_script {
	unsigned int nth;
	nvmlReturn_t code;
};

struct fake_driver {
	struct mig_driver driver; /* hand &fake->driver out */
	unsigned int gpu_count;	  /* what GetCount says */
	struct fake_gpu gpus[FAKE_GPUS];
	bool is_shut_down; /* as while GPUs are reset */
	unsigned int next_id;
	struct fake_script script[MIG_NVML_SYM_COUNT];
	unsigned int calls[MIG_NVML_SYM_COUNT];
	/* changing calls, in order, also those that failed: "create-gi 0 3g.20gb 4" */
	unsigned int change_count;
	char changes[FAKE_CHANGE_LOG][96];
	struct fake_script change_script; /* the n-th changing call of any kind */
	/* called before each changing call has any effect; may change the fake; may be NULL */
	void (*before_change)(struct fake_driver *fake, unsigned int nth);
};

/* A100-SXM4-40GB: the profiles that driver 550 lists, double-memory 1g and +me included. */
extern const struct fake_gi_profile fake_a100[];
extern const unsigned int fake_a100_count;
/* A chip that lacks another slice than fake_a100, and so has other starts: made up. */
extern const struct fake_gi_profile fake_a100_swapped[];
extern const unsigned int fake_a100_swapped_count;
/* A30-24GB. */
extern const struct fake_gi_profile fake_a30[];
extern const unsigned int fake_a30_count;
/* RTX PRO 6000 Blackwell Server: 12 placement units, four slices, +me.all and -me. */
extern const struct fake_gi_profile fake_rtx6000[];
extern const unsigned int fake_rtx6000_count;

/* A driver of branch 550 without GPUs; the test's process owns it, fake_free gives it back. */
struct fake_driver *fake_new(void);
void fake_free(struct fake_driver *fake);

/* Adds a GPU with MIG on. profiles NULL: a GPU without MIG. */
struct fake_gpu *fake_add_gpu(struct fake_driver *fake, const char *name,
			      const struct fake_gi_profile *profiles, unsigned int profile_count);
struct fake_gpu *fake_add_a100(struct fake_driver *fake);
struct fake_gpu *fake_add_a30(struct fake_driver *fake);

/* Puts instances there without a call; they end the test if they do not fit. */
struct fake_gi *fake_put_gi(struct fake_gpu *gpu, const char *name, unsigned int start);
struct fake_ci *fake_put_ci(struct fake_gi *gi, unsigned int slices, unsigned int start);
/* Both: one compute instance that fills the GPU instance. */
struct fake_gi *fake_put(struct fake_gpu *gpu, const char *name, unsigned int start);

/* A process on a compute instance. */
void fake_put_process(const struct fake_ci *ci, unsigned int pid);

/* Takes a symbol away, as an older driver. */
void fake_remove_symbol(struct fake_driver *fake, enum mig_nvml_symbol symbol);
/* A driver of branch 470: no names, no compute instance placements, no profiles with MIG off. */
void fake_make_470(struct fake_driver *fake);

/* "3g.20gb@4[3c@0] 1g.5gb@0[]", by placement; the string is static. */
const char *fake_layout(const struct fake_gpu *gpu);
