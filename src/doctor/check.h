/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the checks themselves: reporting a finding, and the functions of the table's rows.
 */
#pragma once

#include "doctor/doctor.h"

/* Adds a finding; subject may be NULL. */
void mig_doctor_find(struct mig_doctor *doctor, enum mig_finding_kind kind, const char *subject,
		     const char *fmt, ...) MIG_PRINTF(4, 5);
/* Says of the finding that was added last which command mends it. */
void mig_doctor_mend(struct mig_doctor *doctor, const char *fmt, ...) MIG_PRINTF(2, 3);
/* Says what is to be known of that command. */
void mig_doctor_remark(struct mig_doctor *doctor, const char *fmt, ...) MIG_PRINTF(2, 3);
/* The same as mend where the command is about the machine: on a simulated node it is what would be done on a
 * real one, and marked as such, for here it would reach the machine that simulates. */
void mig_doctor_mend_machine(struct mig_doctor *doctor, const char *fmt, ...) MIG_PRINTF(2, 3);
/* Says of the GPUs for which `is_hidden` is true why they could not be looked at; false if none. */
bool mig_doctor_skip_gpus(struct mig_doctor *doctor, bool (*is_hidden)(const struct mig_gpu *gpu),
			  const char *why);
bool mig_doctor_is_lost(const struct mig_gpu *gpu);
bool mig_doctor_is_restricted(const struct mig_gpu *gpu);
/* Whether some GPU has MIG, or is lost and may have it; says that there is none. */
bool mig_doctor_has_mig(struct mig_doctor *doctor);
/* For checks of GPU instances: says of which GPUs they cannot be seen. */
void mig_doctor_skip_hidden(struct mig_doctor *doctor);

/* The decimal number at the beginning of `text`, behind blanks. */
bool mig_doctor_number(const char *text, unsigned int *value);
/* The line of a /proc file that begins with `word` and a character that cannot go on with it; returns
 * what stands behind the word, or NULL. */
const char *mig_doctor_line(const char *text, const char *word);

/* doctor/driver.c */
void mig_check_driver(struct mig_doctor *doctor);
void mig_check_permission(struct mig_doctor *doctor);

/* doctor/gpus.c */
void mig_check_gpus(struct mig_doctor *doctor);
void mig_check_mode(struct mig_doctor *doctor);
void mig_check_instances(struct mig_doctor *doctor);

/* doctor/device_files.c */
void mig_check_device_files(struct mig_doctor *doctor);

/* doctor/daemons.c */
void mig_check_modules(struct mig_doctor *doctor);
void mig_check_daemons(struct mig_doctor *doctor);

/* doctor/records.c */
void mig_check_journal(struct mig_doctor *doctor);
void mig_check_lock(struct mig_doctor *doctor);
