/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the checks themselves: reporting a finding, and the functions of the table's rows.
 */
#pragma once

#include "doctor/doctor.h"

/* Adds a finding; subject may be NULL. */
void mig_doctor_find(struct mig_doctor *doctor, enum mig_finding_kind kind, const char *subject,
		     const char *fmt, ...) MIG_PRINTF(4, 5);
/* Says of the finding that was added last how to mend it. */
void mig_doctor_mend(struct mig_doctor *doctor, const char *fmt, ...) MIG_PRINTF(2, 3);

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
