/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nvidia-smi as far as MIG needs it: same words, same bytes on stdout, same exit status as
 * nvidia-smi 550.163.01 (docs/nvidia-smi-front.md has the list of what differs, and why).
 *
 * The quirks are the contract: a strange text or a lenient parse here was seen with the original
 * and is compared with it by tests/interop/nvidia-smi. Like the original this says all on stdout
 * and rolls nothing back. One pass over NVML: no call is made twice for one answer, and none that
 * the original does not make. Must not know the simulator.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nvml/driver.h"

/* What the front cannot do by itself. */
struct mig_smi_host {
	/*
	 * Resets GPUs of a simulated node (a path) and speaks as the original does. `list` is the
	 * value of -i; NULL for all. Returns the exit status.
	 */
	int (*reset_simulated)(const char *node, const char *list);
	/* The file of this program: what passes for the vendor's program must be another. */
	const char *self;
};

/* A GPU that the command line selects. */
struct mig_smi_gpu {
	nvmlDevice_t device;
};

struct mig_smi {
	const struct mig_driver *driver;
	const struct mig_smi_host *host;
	const char *host_root; /* "": this machine */
	unsigned int count;    /* of GPUs, as the driver says */
	struct mig_smi_gpu *gpus;
	unsigned int gpu_count; /* of those in gpus */
	bool has_shown_help;	/* the original then ends without another word */
};

/* Ends of the original that are no NVML code. */
enum {
	MIG_SMI_OK = 0,
	MIG_SMI_USAGE = 2, /* NVML's INVALID_ARGUMENT */
	MIG_SMI_NOT_FOUND = 6,
	MIG_SMI_OTHER = 255,
};

/*
 * Runs the words behind the program's name (NULL at their end) and returns the exit status. Prints
 * on stdout; what no original says (our own refusals) on stderr.
 */
int mig_smi_main(int argc, char **argv, const struct mig_smi_host *host);

/* What --query-compute-apps (is_app) or --query-gpu can ask for, by number from 0; NULL behind the last.
 * Static. */
const char *mig_smi_query_field(bool is_app, unsigned int number);
