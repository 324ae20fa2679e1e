/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be wrong with a node, and the command that mends it. Each check is a row of a table
 * (checks.c) and looks at one thing; a file holds those of one kind. Reads only.
 */
#pragma once

#include "core/model.h"
#include "shared/error.h"

enum mig_finding_kind {
	MIG_FINDING_PROBLEM, /* something does not work */
	MIG_FINDING_NOTE,    /* will be in the way of a change */
	MIG_FINDING_SKIPPED, /* could not be looked at; the text says why */
};

struct mig_finding {
	enum mig_finding_kind kind;
	char *subject;	    /* "GPU 0", a path; NULL: the node */
	char *text;	    /* what is wrong, and why that matters */
	char *mend;	    /* the command that mends it; NULL: nothing needs to be done */
	char *remark;	    /* what is to be known of the command; NULL: nothing */
	bool is_of_machine; /* the command is one of a real machine, and this is a simulated node */
};

enum mig_check_result {
	MIG_CHECK_OK,
	MIG_CHECK_NOTE,
	MIG_CHECK_PROBLEM,
	MIG_CHECK_SKIPPED, /* nothing was found, but not all could be looked at */
	MIG_CHECK_RESULT_COUNT,
};

struct mig_check_report {
	enum mig_check_result result;
	unsigned int count;
	struct mig_finding *findings;
};

struct mig_doctor {
	/* Of the caller, before mig_doctor_run(). */
	const struct mig_context *ctx;	      /* its driver is NULL where there is none */
	const struct mig_snapshot *snapshot;  /* NULL: the driver does not work */
	const struct mig_error *driver_error; /* why it does not; NULL: it does */
	bool is_simulated;		      /* device files may be plain files */
	/* What makes the device files of a simulated node; NULL: nvidia-modprobe. */
	const char *device_command;
	/* By row of mig_doctor_checks. */
	struct mig_check_report *reports;
	struct mig_check_report *report; /* of the check that runs */
	bool is_out_of_memory;
};

struct mig_doctor_check {
	const char *id;	  /* "device-files"; NULL ends the table */
	const char *what; /* what is right when nothing is found: "… exist and are right" */
	bool needs_driver;
	bool is_in_the_way; /* looks for who is in the way of a reset */
	void (*run)(struct mig_doctor *doctor);
};

/* In the order in which they are reported. To add one: a row here and its function. */
extern const struct mig_doctor_check mig_doctor_checks[];

/* Runs all checks. Returns 0, or -1 with *err (no memory). */
int mig_doctor_run(struct mig_doctor *doctor, struct mig_error **err) MIG_MUST_CHECK;
/* Runs the checks of who holds GPUs without using an instance, in the way of a reset: kernel modules
 * and daemons. The reports of the others stay "ok". Returns as above. */
int mig_doctor_run_in_the_way(struct mig_doctor *doctor, struct mig_error **err) MIG_MUST_CHECK;
void mig_doctor_clear(struct mig_doctor *doctor);
#define _cleanup_doctor_ _cleanup_(mig_doctor_clear)

unsigned int mig_doctor_problems(const struct mig_doctor *doctor);
const char *mig_check_result_word(enum mig_check_result result);
const char *mig_finding_kind_word(enum mig_finding_kind kind);
