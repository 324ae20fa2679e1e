/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nvidia-smi 550 knows and this front does not: to tell it from what nobody knows.
 */
#pragma once

#include <stdbool.h>

/* The first word of a command line that only the vendor's program understands; NULL if none. */
const char *mig_smi_vendor_word(int argc, char **argv);

/* Fields of --query-gpu and --query-compute-apps. */
bool mig_smi_is_vendor_gpu_field(const char *name);
bool mig_smi_is_vendor_app_field(const char *name);
