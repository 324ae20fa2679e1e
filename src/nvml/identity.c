/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the library below us our simulated driver, and does it fit the host root?
 *
 * A simulated node must never reach a real GPU, and a real GPU never a simulated node's files: the
 * answer comes from the library itself, so that neither a search path nor a file name decides it.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "nvml/driver.h"
#include "nvml/sim_identity.h"
#include "shared/file.h"

#define NODE_ROOT	 "root" /* the host root of a simulated node, inside its directory */
#define NODE_DESCRIPTION "../node.json" /* seen from there */

static bool is_set(const char *value)
{
	return value != NULL && value[0] != '\0';
}

/* One directory under two names? False also when either cannot be looked at. */
static bool is_same_directory(const char *a, const char *b)
{
	struct stat stat_a;
	struct stat stat_b;

	if (stat(a, &stat_a) < 0 || stat(b, &stat_b) < 0)
		return false;
	return S_ISDIR(stat_a.st_mode) && stat_a.st_dev == stat_b.st_dev &&
	       stat_a.st_ino == stat_b.st_ino;
}

bool mig_driver_sim_identity(const struct mig_driver *driver,
			     const struct mig_sim_identity **identity)
{
	static const unsigned char uuid[MIG_SIM_IDENTITY_UUID_SIZE] = MIG_SIM_IDENTITY_UUID_BYTES;
	const void *table = NULL;

	if (driver->nvmlInternalGetExportTable(driver, &table, uuid) != NVML_SUCCESS)
		return false;
	if (table == NULL)
		return false;
	if (identity != NULL)
		*identity = table;
	return true;
}

static int check_simulated(const struct mig_driver *driver, const struct mig_sim_identity *identity,
			   const char *host_root, const char *migsim_node, struct mig_error **err)
{
	_cleanup_free_ char *expected = NULL;
	const char *node;

	if (identity->size < sizeof(*identity) || identity->abi_version != MIG_SIM_IDENTITY_ABI)
		return mig_error_set(err, MIG_ERROR_NO_DRIVER,
				     "'%s' is a simulated driver of another version of migctl",
				     driver->name);
	node = identity->node_path();
	if (node == NULL)
		return mig_error_set(err, MIG_ERROR_NO_DRIVER,
				     "'%s' is the simulated driver, but serves no node",
				     driver->name);
	if (is_set(migsim_node) && !is_same_directory(migsim_node, node))
		return mig_error_set(err, MIG_ERROR_NO_DRIVER,
				     "%s is '%s', but the simulated driver serves '%s'",
				     MIG_SIM_NODE_ENV, migsim_node, node);
	expected = mig_path_join(node, NODE_ROOT);
	if (expected == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (is_set(host_root) && is_same_directory(host_root, expected))
		return 0;
	if (is_set(host_root))
		mig_error_set(err, MIG_ERROR_NO_DRIVER,
			      "the driver simulates the node '%s', but the host root is '%s'", node,
			      host_root);
	else
		mig_error_set(err, MIG_ERROR_NO_DRIVER,
			      "the driver simulates the node '%s', but the host root is that of "
			      "the real machine",
			      node);
	return mig_error_hint(err, "use: migctl --node %s COMMAND", node);
}

/* Whether a host root is the one inside a simulated node's directory. */
static int is_root_of_node(const char *host_root, struct mig_error **err)
{
	_cleanup_free_ char *description = mig_path_join(host_root, NODE_DESCRIPTION);

	if (description == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	return access(description, F_OK) == 0;
}

int mig_driver_check_identity(const struct mig_driver *driver, const char *host_root,
			      const char *migsim_node, struct mig_error **err)
{
	const struct mig_sim_identity *identity = NULL;

	if (mig_driver_sim_identity(driver, &identity))
		return check_simulated(driver, identity, host_root, migsim_node, err);
	if (!is_set(migsim_node)) {
		int is_node = is_set(host_root) ? is_root_of_node(host_root, err) : 0;

		if (is_node <= 0)
			return is_node;
		return mig_error_set(
			err, MIG_ERROR_NO_DRIVER,
			"the host root '%s' is a simulated node's, but '%s' is not the "
			"simulated driver",
			host_root, driver->name);
	}
	mig_error_set(err, MIG_ERROR_NO_DRIVER, "%s is '%s', but '%s' is not the simulated driver",
		      MIG_SIM_NODE_ENV, migsim_node, driver->name);
	return mig_error_hint(err, "use: migctl --node %s COMMAND", migsim_node);
}
