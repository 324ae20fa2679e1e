/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which codes a function can give when it fails.
 */
#pragma once

#include "nvml/driver.h"

#define CODES_MAX 16

/* Writes the codes of a function and returns how many there are. */
unsigned int fault_codes(enum mig_nvml_symbol symbol, nvmlReturn_t codes[CODES_MAX]);
