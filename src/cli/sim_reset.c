/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl sim reset, sim reboot and sim mend: what happens to a machine outside of NVML. The first one can also speak as nvidia-smi does, for the
 * program of that name on a simulated node.
 */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "nvml/nvml_abi.h"
#include "sim/control/control.h"

const struct mig_option mig_cmd_sim_reset_options[] = {
	{"id", 'i', "LIST", "which GPUs: indices, UUIDs, PCI addresses, all (default)"},
	{NULL, 0, NULL, NULL},
};

/* How nvidia-smi ends (docs/simulator.md says where each is known from). */
enum {
	SMI_NO_PERMISSION = 4,
	SMI_NO_DEVICE = 6,
	SMI_NO_DRIVER = 9,
	SMI_LOST = 15,
	SMI_OTHER = 255,
};

/* An opened node, closed at the end of the scope. */
static void close_store(struct mig_sim_store *store)
{
	if (store->map)
		mig_sim_store_close(store);
}

#define _cleanup_store_ _cleanup_(close_store)

static int open_node(const char *node, struct mig_sim_store *store, struct mig_error **err)
{
	_cleanup_free_ char *path = NULL;

	if (mig_sim_node_path(node, &path, err))
		return -1;
	return mig_sim_node_open(path, store, err);
}

static bool is_chosen(const struct mig_sim_reset *reset, unsigned int gpu_index)
{
	return (reset->gpus >> gpu_index & 1) != 0;
}

/* ---- as nvidia-smi ---------------------------------------------------------------------------- */

/* The first GPU that was answered so; NULL if none was. */
static const char *bus_id_with(const struct mig_sim_store *store, const struct mig_sim_reset *reset,
			       nvmlReturn_t answer)
{
	for (unsigned int i = 0; i < store->node->gpu_count; i++) {
		if (is_chosen(reset, i) && reset->answers[i] == (int)answer)
			return store->node->gpus[i].bus_id;
	}
	return NULL;
}

static int say_in_use(const struct mig_sim_store *store, const struct mig_sim_reset *reset)
{
	unsigned int count = 0;

	printf("\nThe following GPUs could not be reset:\n");
	for (unsigned int i = 0; i < store->node->gpu_count; i++) {
		if (!is_chosen(reset, i) || reset->answers[i] != NVML_ERROR_IN_USE)
			continue;
		printf("  GPU %s: In use by another client\n", store->node->gpus[i].bus_id);
		count++;
	}
	printf("\n%u device%s currently being used by one or more other processes (e.g., Fabric "
	       "Manager, CUDA application, graphics application such as an X server, or a "
	       "monitoring application such as another instance of nvidia-smi). Please first kill "
	       "all processes using %s and all compute applications running in the system.\n",
	       count, count == 1 ? " is" : "s are", count == 1 ? "this device" : "these devices");
	return SMI_OTHER;
}

static int say_lost(const char *bus_id)
{
	printf("Unable to determine the device handle for gpu %s: GPU is lost.  Reboot the system "
	       "to recover this GPU\n\n",
	       bus_id);
	return SMI_LOST;
}

static int say_no_permission(const char *bus_id)
{
	printf("Unable to reset GPU %s: Insufficient Permissions\n"
	       "Terminating early due to previous errors.\n",
	       bus_id);
	return SMI_NO_PERMISSION;
}

static int say_no_device(void)
{
	printf("No devices were found\n");
	return SMI_NO_DEVICE;
}

static int say_done(const struct mig_sim_store *store, const struct mig_sim_reset *reset)
{
	for (unsigned int i = 0; i < store->node->gpu_count; i++) {
		if (is_chosen(reset, i))
			printf("GPU %s was successfully reset.\n", store->node->gpus[i].bus_id);
	}
	return MIG_EXIT_OK;
}

static int reset_like_smi(const char *list, struct mig_sim_store *store, struct mig_error **err)
{
	_cleanup_error_ struct mig_error *failure = NULL;
	struct mig_sim_reset reset = {.gpus = mig_sim_node_all_gpus(store)};
	const char *bus_id;

	if ((list && mig_sim_node_find_gpus(store, list, &reset.gpus, NULL)) || reset.gpus == 0)
		return say_no_device();
	if (mig_sim_node_reset(store, &reset, &failure) == 0) {
		int status = say_done(store, &reset);

		if (!list)
			printf("All done.\n");
		return status;
	}
	bus_id = bus_id_with(store, &reset, NVML_ERROR_GPU_IS_LOST);
	if (bus_id)
		return say_lost(bus_id);
	if (bus_id_with(store, &reset, NVML_ERROR_IN_USE))
		return say_in_use(store, &reset);
	bus_id = bus_id_with(store, &reset, NVML_SUCCESS);
	if (mig_error_code(failure) == MIG_ERROR_NO_PERMISSION)
		return say_no_permission(bus_id);
	mig_error_move(err, &failure);
	return SMI_OTHER;
}

/* ---- as migctl -------------------------------------------------------------------------------- */

static int reset_gpus(const char *list, struct mig_sim_store *store, struct mig_error **err)
{
	struct mig_sim_reset reset = {.gpus = mig_sim_node_all_gpus(store)};

	if (list && mig_sim_node_find_gpus(store, list, &reset.gpus, err))
		return -1;
	if (mig_sim_node_reset(store, &reset, err))
		return -1;
	for (unsigned int i = 0; i < store->node->gpu_count; i++) {
		if (is_chosen(&reset, i))
			fprintf(stderr, "reset GPU %u (%s)\n", i, store->node->gpus[i].bus_id);
	}
	return MIG_EXIT_OK;
}

int mig_cmd_sim_reset_like_smi(const char *node, const char *list)
{
	_cleanup_error_ struct mig_error *err = NULL;
	_cleanup_store_ struct mig_sim_store store = {0};
	int status;

	if (node == NULL || open_node(node, &store, &err)) {
		printf("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA "
		       "driver. Make sure that the latest NVIDIA driver is installed and "
		       "running.\n\n");
		return SMI_NO_DRIVER;
	}
	if (list && !*list)
		return say_no_device();
	status = reset_like_smi(list, &store, &err);
	if (err)
		fprintf(stderr, "nvidia-smi: %s\n", mig_error_message(err));
	return status;
}

int mig_cmd_sim_reset_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_store_ struct mig_sim_store store = {0};
	const char *list = mig_option_value(inv, "id");

	if (open_node(inv->args[0], &store, err))
		return -1;
	return reset_gpus(list, &store, err);
}

int mig_cmd_sim_reboot_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_store_ struct mig_sim_store store = {0};
	struct mig_sim_reboot reboot;

	if (open_node(inv->args[0], &store, err) || mig_sim_node_reboot(&store, &reboot, err))
		return -1;
	fprintf(stderr, "rebooted node %s: %u GPU%s, %u holder%s ended\n", store.node->name,
		store.node->gpu_count, store.node->gpu_count == 1 ? "" : "s", reboot.ended,
		reboot.ended == 1 ? "" : "s");
	if (reboot.stayed > 0)
		fprintf(stderr,
			"%u holder%s could not be ended and hold%s nothing any more: of another "
			"user or pid namespace\n",
			reboot.stayed, reboot.stayed == 1 ? "" : "s",
			reboot.stayed == 1 ? "s" : "");
	return MIG_EXIT_OK;
}

int mig_cmd_sim_mend_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_store_ struct mig_sim_store store = {0};

	if (open_node(inv->args[0], &store, err) || mig_sim_node_mend(&store, err))
		return -1;
	fprintf(stderr, "made the device files of node %s as they belong to it\n",
		store.node->name);
	return MIG_EXIT_OK;
}
