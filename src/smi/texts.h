/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the original makes of an NVML code: texts, words in tables, exit statuses.
 */
#pragma once

#include "smi/smi.h"

/* "Insufficient Permissions"; built in for old codes, the library's text for newer ones. */
const char *mig_smi_text(const struct mig_smi *smi, nvmlReturn_t code);

/* The same, but "N/A" for what is not supported: outside of `mig`. */
const char *mig_smi_text_or_na(const struct mig_smi *smi, nvmlReturn_t code);

/* In the default table: "N/A" or "ERR!". */
const char *mig_smi_word(nvmlReturn_t code);

/* The exit status of a command that ends with this code. */
int mig_smi_status(nvmlReturn_t code);

/* Why a GPU has no handle, as it stands behind "Unable to determine the device handle for …: ". */
const char *mig_smi_handle_text(nvmlReturn_t code);
