/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values for completion; see complete.h.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/session.h"
#include "config/config.h"
#include "config/export.h"
#include "data/tables/gpu_table.h"
#include "shared/hostroot.h"
#include "shared/text.h"
#include "sim/control/control.h"

#define NAMES_MAX 128

void mig_complete_put(const char *prefix, const char *value, const char *description)
{
	/* What a shell would take apart is no candidate. */
	for (const char *c = value; *c != '\0'; c++) {
		if (*c <= ' ' || *c == 0x7f)
			return;
	}
	printf("%s%s", prefix, value);
	if (description != NULL && description[0] != '\0') {
		_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4096);

		mig_text_escape_terminal(&text, description);
		printf("\t%s", mig_buf_text(&text));
	}
	putchar('\n');
}

/* ---- of the node -------------------------------------------------------------------------------- */

typedef void (*put_fn)(const char *prefix, const struct mig_snapshot *snapshot);

static void with_snapshot(const char *prefix, unsigned int flags, put_fn put)
{
	_cleanup_session_ struct mig_session session = {0};
	_cleanup_snapshot_ struct mig_snapshot *snapshot = NULL;

	if (mig_session_open(&session, NULL) == 0 &&
	    mig_snapshot_read(&session.ctx, flags | MIG_SNAPSHOT_LOST | MIG_SNAPSHOT_PARTIAL,
			      &snapshot, NULL) == 0)
		put(prefix, snapshot);
}

static void put_gpus(const char *prefix, const struct mig_snapshot *snapshot)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		char index[16];

		mig_text_format(index, sizeof(index), "%u", snapshot->gpus[i].index);
		mig_complete_put(prefix, index, snapshot->gpus[i].name);
	}
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (snapshot->gpus[i].uuid[0] != '\0')
			mig_complete_put(prefix, snapshot->gpus[i].uuid, snapshot->gpus[i].name);
	}
}

static void put_uuids(const char *prefix, const struct mig_snapshot *snapshot)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &snapshot->gpus[i];
		char text[MIG_PROFILE_NAME_SIZE + 32];

		for (unsigned int g = 0; g < gpu->gi_count; g++) {
			const struct mig_gpu_instance *gi = &gpu->gi[g];

			for (unsigned int c = 0; c < gi->ci_count; c++) {
				char name[MIG_PROFILE_NAME_SIZE];

				mig_facts_device_name(&gpu->facts->gi[gi->gi_row], gi->ci[c].ci_row,
						      name, sizeof(name));
				mig_text_format(text, sizeof(text), "GPU %u %s", gpu->index, name);
				if (gi->ci[c].uuid[0] != '\0')
					mig_complete_put(prefix, gi->ci[c].uuid, text);
			}
		}
		for (unsigned int d = 0; d < gpu->device_count; d++) {
			mig_text_format(text, sizeof(text), "GPU %u %s", gpu->index,
					gpu->devices[d].profile);
			mig_complete_put(prefix, gpu->devices[d].uuid, text);
		}
	}
}

/* GPU and MIG device UUIDs. */
static void put_all_uuids(const char *prefix, const struct mig_snapshot *snapshot)
{
	put_uuids(prefix, snapshot);
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (snapshot->gpus[i].uuid[0] != '\0')
			mig_complete_put(prefix, snapshot->gpus[i].uuid, snapshot->gpus[i].name);
	}
}

/* Each name once, whichever GPUs have it. */
static void put_profiles(const char *prefix, const struct mig_snapshot *snapshot)
{
	const char *seen[NAMES_MAX];
	unsigned int count = 0;

	for (unsigned int f = 0; f < snapshot->facts_count; f++) {
		const struct mig_facts *facts = snapshot->facts[f];

		for (unsigned int i = 0; i < facts->gi_count; i++) {
			unsigned int s = 0;

			while (s < count && strcmp(seen[s], facts->gi[i].name) != 0)
				s++;
			if (s < count || count == NAMES_MAX)
				continue;
			seen[count++] = facts->gi[i].name;
			mig_complete_put(prefix, facts->gi[i].name, NULL);
		}
	}
}

/* What instances are named by. */
static void put_what(const char *prefix, const struct mig_snapshot *snapshot)
{
	put_profiles(prefix, snapshot);
	put_uuids(prefix, snapshot);
}

/* "0=", "all=": the profiles come when that stands there. */
static void put_layout_gpus(const char *prefix, const struct mig_snapshot *snapshot)
{
	mig_complete_put(prefix, "all=", "all GPUs with MIG");
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		char index[16];

		mig_text_format(index, sizeof(index), "%u=", snapshot->gpus[i].index);
		if (snapshot->gpus[i].is_mig_capable)
			mig_complete_put(prefix, index, snapshot->gpus[i].name);
	}
}

/* ---- of files ----------------------------------------------------------------------------------- */

static void put_labels_of(const char *prefix, const struct mig_config *config)
{
	for (size_t i = 0; i < config->label_count; i++)
		mig_complete_put(prefix, config->labels[i].name, NULL);
}

static void put_generated_labels(const char *prefix, const struct mig_snapshot *snapshot)
{
	_cleanup_config_ struct mig_config *config = NULL;

	if (mig_config_generate(snapshot, &config, NULL) == 0)
		put_labels_of(prefix, config);
}

/* Of the file that is named, else of the default one, else those made from the GPUs. */
static void put_labels(const char *prefix, const char *file)
{
	_cleanup_config_ struct mig_config *config = NULL;
	_cleanup_free_ char *host_root = NULL, *path = NULL;

	if (file == NULL) {
		if (mig_host_root_from_env(&host_root, NULL) < 0)
			return;
		path = mig_host_path(host_root, MIG_HOST_CONFIG_FILE);
	}
	if ((file != NULL || path != NULL) &&
	    mig_config_read(file != NULL ? file : path, &config, NULL) == 0)
		put_labels_of(prefix, config);
	else if (file == NULL)
		with_snapshot(prefix, 0, put_generated_labels);
}

static int put_node(void *cookie, const struct mig_sim_node_entry *entry)
{
	mig_complete_put(cookie, entry->name, entry->error != NULL ? "damaged" : NULL);
	return 0;
}

static void put_models(const char *prefix)
{
	for (unsigned int i = 0; i < mig_gpu_table_count; i++)
		mig_complete_put(prefix, mig_gpu_tables[i].key, mig_gpu_tables[i].name);
}

/* ---- kinds -------------------------------------------------------------------------------------- */

static const struct {
	const char *kind;
	unsigned int flags;
	put_fn put;
} of_node[] = {
	{"gpus", 0, put_gpus},
	{"uuids", MIG_SNAPSHOT_UUIDS, put_all_uuids},
	{"mig-uuids", MIG_SNAPSHOT_UUIDS, put_uuids},
	{"what", MIG_SNAPSHOT_UUIDS, put_what},
	{"profiles", 0, put_profiles},
	{"layout-gpus", 0, put_layout_gpus},
};

/* The same on another node, by the program that runs there. Returns only on failure. */
static void ask_node(const char *kind, const char *prefix, const struct mig_complete_place *place)
{
	char option[] = "--complete";
	char *args[] = {option, (char *)kind, (char *)prefix, (char *)place->file};
	_cleanup_error_ struct mig_error *why = NULL;
	int ignored;

	ignored = mig_cmd_sim_reexec(place->node, place->file != NULL ? 4 : 3, args, &why);
	(void)ignored;
}

bool mig_complete_values(const char *kind, const char *prefix,
			 const struct mig_complete_place *place)
{
	size_t row = 0;

	if (strcmp(kind, "nodes") == 0) {
		int ignored = mig_sim_node_list(put_node, (char *)prefix, NULL);

		(void)ignored;
		return true;
	}
	if (strcmp(kind, "models") == 0) {
		put_models(prefix);
		return true;
	}
	while (row < MIG_ARRAY_SIZE(of_node) && strcmp(of_node[row].kind, kind) != 0)
		row++;
	if (row == MIG_ARRAY_SIZE(of_node) && strcmp(kind, "labels") != 0)
		return false;
	if (place->node != NULL) {
		ask_node(kind, prefix, place);
		return true;
	}
	if (row < MIG_ARRAY_SIZE(of_node))
		with_snapshot(prefix, of_node[row].flags, of_node[row].put);
	else
		put_labels(prefix, place->file);
	return true;
}
