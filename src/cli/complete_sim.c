/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the simulator for completion: nodes, models, faults and holders, from the files of nodes
 * and without their drivers. See complete.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/complete.h"
#include "data/tables/gpu_table.h"
#include "shared/text.h"
#include "sim/control/control.h"
#include "sim/control/fault.h"
#include "sim/control/hold.h"

#define LINE_MAX_SIZE 1024

static int put_node(void *cookie, const struct mig_sim_node_entry *entry)
{
	mig_complete_put(cookie, entry->name, entry->error != NULL ? "damaged" : NULL);
	return 0;
}

static void put_nodes(const char *prefix, MIG_UNUSED const struct mig_complete_place *place)
{
	int ignored = mig_sim_node_list(put_node, (char *)prefix, NULL);

	(void)ignored;
}

static void put_models(const char *prefix, MIG_UNUSED const struct mig_complete_place *place)
{
	for (unsigned int i = 0; i < mig_gpu_table_count; i++) {
		if (mig_gpu_tables[i].is_usable)
			mig_complete_put(prefix, mig_gpu_tables[i].key, mig_gpu_tables[i].name);
	}
}

/* ---- of an opened node -------------------------------------------------------------------------- */

static bool open_node(const struct mig_complete_place *place, struct mig_sim_store *store)
{
	_cleanup_free_ char *path = NULL;

	return mig_sim_node_path(place->node, &path, NULL) == 0 &&
	       mig_sim_node_open(path, store, NULL) == 0;
}

static void put_faults(const char *prefix, const struct mig_complete_place *place)
{
	_cleanup_free_ struct mig_sim_state *state = NULL;
	struct mig_sim_store store;

	if (!open_node(place, &store))
		return;
	state = malloc(store.state_size);
	if (state != NULL)
		mig_sim_store_read(&store, state);
	for (unsigned int i = 0; state != NULL && i < MIG_SIM_FAULTS_MAX; i++) {
		_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(LINE_MAX_SIZE);
		const struct mig_sim_fault *fault = &state->faults[i];
		char id[16];

		if (fault->id == 0)
			continue;
		mig_text_format(id, sizeof(id), "%" PRIu32, fault->id);
		mig_sim_fault_describe(fault, &text);
		mig_complete_put(prefix, id, mig_buf_text(&text));
	}
	mig_sim_store_close(&store);
}

static void put_holders(const char *prefix, const struct mig_complete_place *place)
{
	uint32_t pids[MIG_SIM_HOLDERS_MAX];
	struct mig_sim_store store;
	unsigned int count;

	if (!open_node(place, &store))
		return;
	count = mig_sim_hold_pids(&store, pids);
	for (unsigned int i = 0; i < count; i++) {
		char pid[16];

		mig_text_format(pid, sizeof(pid), "%" PRIu32, pids[i]);
		if (!mig_complete_is_named(place, pid))
			mig_complete_put(prefix, pid, NULL);
	}
	mig_sim_store_close(&store);
}

static const struct {
	const char *kind;
	void (*put)(const char *prefix, const struct mig_complete_place *place);
} kinds[] = {
	{"nodes", put_nodes},
	{"models", put_models},
	{"faults", put_faults},
	{"holders", put_holders},
};

bool mig_complete_sim_values(const char *kind, const char *prefix,
			     const struct mig_complete_place *place)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].kind, kind) != 0)
			continue;
		kinds[i].put(prefix, place);
		return true;
	}
	return false;
}
