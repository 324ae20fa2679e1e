/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field values about memory errors, for nvmlDeviceGetFieldValues.
 */
#pragma once

#include "sim/abi/lookup.h"

/* NOT_SUPPORTED: the field is none of these, or ECC is off and it is a counter. */
nvmlReturn_t mig_abi_ecc_field(const struct mig_abi_gpu *gpu, unsigned int field,
			       unsigned long long *value);
