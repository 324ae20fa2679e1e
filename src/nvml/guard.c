/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the driver that is meant; see guard.h.
 */
#include "nvml/guard.h"

#include <stdlib.h>
#include <string.h>

#include "nvml/sim_identity.h"
#include "nvml/trace.h"
#include "shared/file.h"
#include "shared/hostroot.h"

/*
 * The node that the environment names. With more rights than its caller's (a set-ID bit, file
 * capabilities) migctl must not follow it, and the loader did not: that is never to mean the real
 * machine.
 */
static int read_node(const char **node, struct mig_error **err)
{
	*node = secure_getenv(MIG_SIM_NODE_ENV);
	if (*node != NULL && **node == '\0') {
		mig_error_set(err, MIG_ERROR_CONFIG, "%s is set but empty", MIG_SIM_NODE_ENV);
		return mig_error_hint(err, "unset it to work on this machine itself");
	}
	if (*node != NULL || getenv(MIG_SIM_NODE_ENV) == NULL)
		return 0;
	return mig_host_env_refuse(MIG_SIM_NODE_ENV, err);
}

/*
 * In a jail the driver finds its node at a fixed place, also for a program whose environment was
 * cleared. The host root is then that node's: anything but the machine's own.
 */
static int take_default_node(struct mig_driver_guard *guard, struct mig_error **err)
{
	const struct mig_sim_identity *identity;
	const char *served;

	if (guard->node != NULL || guard->host_root[0] != '\0' ||
	    !mig_driver_sim_identity(guard->driver, &identity))
		return 0;
	served = identity->node_path();
	if (served == NULL || strcmp(served, MIG_SIM_NODE_DEFAULT) != 0)
		return 0;
	free(guard->host_root);
	guard->host_root = mig_path_join(served, "root");
	if (guard->host_root == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	return 0;
}

int mig_driver_guard_open(struct mig_driver_guard *guard, struct mig_error **err)
{
	memset(guard, 0, sizeof(*guard));
	if (mig_host_root_from_env(&guard->host_root, err) < 0 ||
	    read_node(&guard->node, err) < 0 || mig_driver_open(NULL, &guard->driver, err) < 0 ||
	    mig_driver_trace_from_env(&guard->driver, err) < 0)
		return -1;
	return take_default_node(guard, err);
}

int mig_driver_guard_init(struct mig_driver_guard *guard, nvmlReturn_t *code,
			  struct mig_error **err)
{
	const struct mig_driver *driver = guard->driver;

	*code = NVML_ERROR_UNINITIALIZED;
	if (!mig_driver_sim_identity(driver, &guard->identity))
		guard->identity = NULL;
	if ((guard->node != NULL || guard->host_root[0] != '\0') && guard->identity == NULL &&
	    mig_driver_check_identity(driver, guard->host_root, guard->node, err) < 0)
		return -1;
	*code = driver->nvmlInitWithFlags(driver, 0);
	if (*code != NVML_SUCCESS)
		return 0;
	return mig_driver_check_identity(driver, guard->host_root, guard->node, err);
}

int mig_driver_guard_clear(struct mig_driver_guard *guard)
{
	int result = mig_driver_close(guard->driver);

	free(guard->host_root);
	memset(guard, 0, sizeof(*guard));
	return result;
}
