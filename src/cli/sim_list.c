/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl sim list: all nodes under the nodes' home, one a line, also those that are damaged.
 */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/sim_text.h"
#include "sim/control/control.h"

/* GPUs stand late: theirs is the text that can be long. */
enum column { COLUMN_USED, COLUMN_NAME, COLUMN_DRIVER, COLUMN_MIG, COLUMN_GPUS, COLUMN_COUNT };

const struct mig_option mig_cmd_sim_list_options[] = {
	{"paths", 'p', NULL, "show where each node lies"},
	{"json", 0, NULL, "print JSON"},
	{NULL, 0, NULL, NULL},
};

struct listing {
	struct mig_columns columns;
	struct mig_json json;
	bool shows_paths;
	unsigned int count;
};

static void add_mig(struct mig_columns *columns, const struct mig_sim_usage *usage)
{
	if (usage->capable == 0)
		mig_columns_add(columns, "none");
	else if (usage->enabled == 0 && usage->pending == 0)
		mig_columns_add(columns, "off");
	else
		mig_columns_addf(columns, "on %u/%u%s, %u device%s", usage->enabled, usage->capable,
				 usage->pending ? " (pending)" : "", usage->devices,
				 usage->devices == 1 ? "" : "s");
}

static int add_row(void *cookie, const struct mig_sim_node_entry *entry)
{
	_cleanup_buf_ struct mig_buf gpus = MIG_BUF_INIT(MIG_SIM_TEXT_MAX);
	struct listing *listing = cookie;
	struct mig_columns *columns = &listing->columns;
	struct mig_sim_usage usage;

	listing->count++;
	mig_columns_add(columns, entry->is_used ? "*" : "");
	mig_columns_add(columns, entry->name);
	if (entry->store) {
		mig_columns_add(columns, entry->store->node->driver_version);
		mig_sim_text_usage(entry->store, &usage);
		add_mig(columns, &usage);
		mig_sim_text_gpus(entry->store->node, entry->store->models, &gpus);
		mig_columns_add(columns, mig_buf_text(&gpus));
	} else {
		mig_columns_addf(columns, "unusable: %s", mig_error_message(entry->error));
		mig_columns_add(columns, NULL);
		mig_columns_add(columns, NULL);
	}
	if (listing->shows_paths)
		mig_columns_add(columns, entry->store ? entry->path : NULL);
	return 0;
}

/* What is not known of a node that cannot be opened. */
static void json_no_store(struct mig_json *json)
{
	static const char *const members[] = {"driver",		  "gpus",
					      "gpu_count",	  "mig_capable_gpus",
					      "mig_enabled_gpus", "mig_pending_gpus",
					      "gpu_instances",	  "mig_devices"};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(members); i++)
		mig_json_member_string(json, members[i], NULL);
}

static void json_store(struct mig_json *json, const struct mig_sim_store *store)
{
	_cleanup_buf_ struct mig_buf gpus = MIG_BUF_INIT(MIG_SIM_TEXT_MAX);
	struct mig_sim_usage usage;

	mig_sim_text_gpus(store->node, store->models, &gpus);
	mig_sim_text_usage(store, &usage);
	mig_json_member_string(json, "driver", store->node->driver_version);
	mig_json_member_string(json, "gpus", mig_buf_text(&gpus));
	mig_json_member_uint(json, "gpu_count", store->node->gpu_count);
	mig_json_member_uint(json, "mig_capable_gpus", usage.capable);
	mig_json_member_uint(json, "mig_enabled_gpus", usage.enabled);
	mig_json_member_uint(json, "mig_pending_gpus", usage.pending);
	mig_json_member_uint(json, "gpu_instances", usage.gpu_instances);
	mig_json_member_uint(json, "mig_devices", usage.devices);
}

static int add_object(void *cookie, const struct mig_sim_node_entry *entry)
{
	struct listing *listing = cookie;
	struct mig_json *json = &listing->json;

	mig_json_object_begin(json);
	mig_json_member_string(json, "name", entry->name);
	mig_json_member_string(json, "path", entry->path);
	mig_json_member_bool(json, "used", entry->is_used);
	if (entry->store)
		json_store(json, entry->store);
	else
		json_no_store(json);
	mig_json_key(json, "error");
	if (entry->error) {
		mig_json_object_begin(json);
		mig_json_member_string(json, "code",
				       mig_error_code_word(mig_error_code(entry->error)));
		mig_json_member_string(json, "message", mig_error_message(entry->error));
		mig_json_object_end(json);
	} else {
		mig_json_null(json);
	}
	mig_json_object_end(json);
	return 0;
}

static int list_json(struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_OUTPUT_JSON_MAX);
	_cleanup_free_ char *home = NULL;
	struct listing listing = {.count = 0};

	if (mig_sim_home(&home, err))
		return -1;
	mig_json_init(&listing.json, &text);
	mig_json_object_begin(&listing.json);
	mig_json_member_string(&listing.json, "schema", "migctl.sim-list/1");
	mig_json_member_string(&listing.json, "home", home);
	mig_json_key(&listing.json, "nodes");
	mig_json_array_begin(&listing.json);
	if (mig_sim_node_list(add_object, &listing, err))
		return -1;
	mig_json_array_end(&listing.json);
	mig_json_object_end(&listing.json);
	return mig_output_json(&listing.json, &text, err) ? -1 : MIG_EXIT_OK;
}

static int list_columns(bool shows_paths, struct mig_error **err)
{
	struct listing listing = {.shows_paths = shows_paths};
	_cleanup_free_ char *home = NULL;
	int status = MIG_EXIT_OK;

	mig_columns_begin(&listing.columns, COLUMN_COUNT + shows_paths);
	mig_columns_add(&listing.columns, "");
	mig_columns_add(&listing.columns, "NAME");
	mig_columns_add(&listing.columns, "DRIVER");
	mig_columns_add(&listing.columns, "MIG");
	mig_columns_add(&listing.columns, "GPUS");
	if (shows_paths)
		mig_columns_add(&listing.columns, "PATH");
	if (mig_sim_home(&home, err) || mig_sim_node_list(add_row, &listing, err))
		status = -1;
	else if (listing.count > 0)
		mig_columns_print(&listing.columns);
	else
		fprintf(stderr,
			"no simulated nodes in %s\n"
			"  make one: migctl sim create NAME --gpus 8xa100-sxm4-40gb\n",
			home);
	mig_columns_clear(&listing.columns);
	return status;
}

int mig_cmd_sim_list_run(const struct mig_invocation *inv, struct mig_error **err)
{
	if (mig_option_given(inv, "json"))
		return list_json(err);
	return list_columns(mig_option_given(inv, "paths"), err);
}
