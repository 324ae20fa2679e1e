/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults as a person asks for them: calls that go wrong, a GPU that falls off the bus, XID events
 * and memory errors. Part of the control API (control.h); must not know the command line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/error.h"
#include "sim/engine/state.h"

enum mig_sim_fault_kind {
	MIG_SIM_FAULT_CALL, /* a rule: stays armed */
	MIG_SIM_FAULT_LOST, /* stays until a reboot */
	MIG_SIM_FAULT_XID,  /* happens once */
	MIG_SIM_FAULT_ECC,  /* likewise */
	MIG_SIM_FAULT_KIND_COUNT,
};

/* What was asked for, by itself. */
struct mig_sim_fault_request {
	enum mig_sim_fault_kind kind;
	struct mig_sim_fault rule; /* of a call: function, call, is_from, action, code */
	uint64_t number;	   /* the XID, or how many memory errors */
	bool is_uncorrected;	   /* memory errors */
};

/* Where something happens. */
struct mig_sim_fault_place {
	unsigned int gpu_index;
	unsigned int gi_id; /* MIG_SIM_NO_INSTANCE: none */
	unsigned int ci_id; /* likewise */
};

/* ---- control/fault_text.c ---------------------------------------------------------------------- */

#define MIG_SIM_FAULT_NUMBER_MAX 1000000000ULL

/*
 * Reads "FUNCTION[:N[+]]=CODE|hang|kill" (without :N every call), "lost", "xid=N" or
 * "ecc=corrected|uncorrected[:N]". An unknown word is an error that names the nearest.
 */
int mig_sim_fault_read(const char *text, struct mig_sim_fault_request *out,
		       struct mig_error **err) MIG_MUST_CHECK;

/* "nvmlDeviceGetMigMode, call 3 and later: GPU_IS_LOST". */
void mig_sim_fault_describe(const struct mig_sim_fault *rule, struct mig_buf *out);

/* The name of an NVML code without its prefix ("GPU_IS_LOST"), or NULL. Static. */
const char *mig_sim_fault_code_name(uint32_t code);
/* What a fault can be for, by number from 0: the names of functions, and of codes as above. NULL behind
 * the last. Static. */
const char *mig_sim_fault_function_at(unsigned int number);
const char *mig_sim_fault_code_name_at(unsigned int number);
/* "return", "hang" or "kill". Static. */
const char *mig_sim_fault_action_word(unsigned int action);

/* ---- control/fault.c: on the node at `path` ---------------------------------------------------- */

/*
 * Arms rules, all or none: for process `pid` and its descendants, node-wide for 0. Refused: one
 * that is no call, a function that the node's driver does not have, a process that is not there, no
 * room. *first (may be NULL) gets the first as it is armed; the ids of the others follow its own.
 */
int mig_sim_fault_arm(const char *path, const struct mig_sim_fault_request *requests, size_t count,
		      uint32_t pid, struct mig_sim_fault *first,
		      struct mig_error **err) MIG_MUST_CHECK;

/* Index, UUID or PCI address of a GPU -> its index. */
int mig_sim_fault_find_gpu(const char *path, const char *gpu, unsigned int *gpu_index,
			   struct mig_error **err) MIG_MUST_CHECK;

/* Makes happen what is no call. Refused: an instance that is not there, a GPU that is lost. */
int mig_sim_fault_happen(const char *path, const struct mig_sim_fault_request *request,
			 const struct mig_sim_fault_place *place,
			 struct mig_error **err) MIG_MUST_CHECK;

/* Removes one rule. Refused: there is none of this id. */
int mig_sim_fault_clear_one(const char *path, uint32_t id, struct mig_error **err) MIG_MUST_CHECK;

/* Brings a GPU back that was lost. Refused: it is not lost. */
int mig_sim_fault_clear_lost(const char *path, unsigned int gpu_index,
			     struct mig_error **err) MIG_MUST_CHECK;

/* Removes all rules and brings all GPUs back. *rules and *gpus get how many there were. */
int mig_sim_fault_clear_all(const char *path, unsigned int *rules, unsigned int *gpus,
			    struct mig_error **err) MIG_MUST_CHECK;

/* The program of the process that a rule is for, by path; false: it is not known, or there is no
 * such process. */
bool mig_sim_fault_program(const struct mig_sim_fault *rule, char *program, size_t size);

/* Removes the rules of processes that have ended. A node that may not be written stays as it is. */
void mig_sim_fault_tidy(const char *path);
