/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot of the fake driver; see fake_snapshot.h.
 */
#include "tests/unit/fake_snapshot.h"

#include "core/holders.h"
#include "tests/harness/test.h"

struct mig_snapshot *fake_snapshot(struct fake_driver *fake, unsigned int flags)
{
	static const struct mig_holder_provider *const providers[] = {&mig_holder_processes, NULL};
	struct mig_context ctx = {
		.driver = &fake->driver, .host_root = "", .holder_providers = providers};
	struct mig_snapshot *snapshot = NULL;
	struct mig_error *err = NULL;

	if (mig_snapshot_read(&ctx, flags, &snapshot, &err) < 0)
		MIG_FAIL("the snapshot failed: %s", mig_error_message(err));
	MIG_ASSERT(err == NULL);
	return snapshot;
}
