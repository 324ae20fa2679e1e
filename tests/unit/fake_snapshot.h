/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What core reads from the fake driver. Apart from fake_driver.h, which knows NVML only.
 */
#pragma once

#include "core/model.h"
#include "tests/unit/fake_driver.h"

/* A snapshot with these MIG_SNAPSHOT_* flags; who holds what is asked of the driver alone. It lives
 * on without the driver. The caller frees it (mig_snapshot_free). Ends the test if it fails. */
struct mig_snapshot *fake_snapshot(struct fake_driver *fake, unsigned int flags);
