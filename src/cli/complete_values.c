/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values for completion; see complete.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/session.h"
#include "config/config.h"
#include "config/export.h"
#include "core/history.h"
#include "shared/hostroot.h"
#include "shared/number.h"
#include "shared/text.h"

#define NAMES_MAX 512
#define WORD_MAX  (64 * 1024)

bool mig_complete_is_named(const struct mig_complete_place *place, const char *text)
{
	for (size_t i = 0; i < place->named_count; i++) {
		const char *word = place->named[i];

		while (*word != '\0') {
			size_t len = strcspn(word, ",");

			if (len == strlen(text) && strncasecmp(word, text, len) == 0)
				return true;
			word += len + (word[len] == ',');
		}
	}
	return false;
}

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

typedef void (*put_fn)(const char *prefix, const struct mig_snapshot *snapshot,
		       const struct mig_complete_place *place);

static void with_snapshot(const char *prefix, unsigned int flags, put_fn put,
			  const struct mig_complete_place *place)
{
	_cleanup_session_ struct mig_session session = {0};
	_cleanup_snapshot_ struct mig_snapshot *snapshot = NULL;

	if (mig_session_open(&session, NULL) == 0 &&
	    mig_snapshot_read(&session.ctx, flags | MIG_SNAPSHOT_LOST | MIG_SNAPSHOT_PARTIAL,
			      &snapshot, NULL) == 0)
		put(prefix, snapshot, place);
}

static void put_gpus(const char *prefix, const struct mig_snapshot *snapshot,
		     const struct mig_complete_place *place)
{
	for (unsigned int number = 0; number < 2 * snapshot->gpu_count; number++) {
		const struct mig_gpu *gpu = &snapshot->gpus[number % snapshot->gpu_count];
		char index[16];

		mig_text_format(index, sizeof(index), "%u", gpu->index);
		if (mig_complete_is_named(place, index) || mig_complete_is_named(place, gpu->uuid))
			continue;
		if (number < snapshot->gpu_count)
			mig_complete_put(prefix, index, gpu->name);
		else if (gpu->uuid[0] != '\0')
			mig_complete_put(prefix, gpu->uuid, gpu->name);
	}
}

static void put_mig_uuids(const char *prefix, const struct mig_snapshot *snapshot)
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
static void put_uuids(const char *prefix, const struct mig_snapshot *snapshot,
		      MIG_UNUSED const struct mig_complete_place *place)
{
	put_mig_uuids(prefix, snapshot);
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (snapshot->gpus[i].uuid[0] != '\0')
			mig_complete_put(prefix, snapshot->gpus[i].uuid, snapshot->gpus[i].name);
	}
}

/* Names that were printed. */
struct seen {
	const char *names[NAMES_MAX]; /* owned by the snapshot */
	unsigned int count;
};

static void put_once(struct seen *seen, const char *prefix, const char *name)
{
	for (unsigned int i = 0; i < seen->count; i++) {
		if (strcmp(seen->names[i], name) == 0)
			return;
	}
	if (seen->count == NAMES_MAX)
		return;
	seen->names[seen->count++] = name;
	mig_complete_put(prefix, name, NULL);
}

/* Each name once, whichever GPUs have it. */
static void put_profiles(const char *prefix, const struct mig_snapshot *snapshot,
			 MIG_UNUSED const struct mig_complete_place *place)
{
	struct seen seen = {.count = 0};

	for (unsigned int f = 0; f < snapshot->facts_count; f++) {
		for (unsigned int i = 0; i < snapshot->facts[f]->gi_count; i++)
			put_once(&seen, prefix, snapshot->facts[f]->gi[i].name);
	}
}

/* Those of compute instances: "1c.3g.20gb". */
static void put_device_profiles(const char *prefix, const struct mig_snapshot *snapshot,
				MIG_UNUSED const struct mig_complete_place *place)
{
	struct seen seen = {.count = 0};

	for (unsigned int f = 0; f < snapshot->facts_count; f++) {
		for (unsigned int i = 0; i < snapshot->facts[f]->gi_count; i++) {
			const struct mig_gi_profile *gi = &snapshot->facts[f]->gi[i];

			/* The one that fills it has the name of the GPU instance. */
			for (unsigned int c = 0; c < gi->ci_count; c++) {
				if (strcmp(gi->ci[c].name, gi->name) != 0)
					put_once(&seen, prefix, gi->ci[c].name);
			}
		}
	}
}

/* Whether a word "GPUS=DEVICES" or a list of GPUs names this index: "0", "0,2", "2-4", "all". */
static bool list_has_gpu(const char *list, unsigned int index)
{
	size_t end = strcspn(list, "=");

	for (size_t at = 0; at < end;) {
		size_t len = MIG_MIN(strcspn(list + at, ","), end - at);
		size_t digits = MIG_MIN(strspn(list + at, "0123456789"), len);
		uint64_t first, last;

		if (len == 3 && strncmp(list + at, "all", len) == 0)
			return true;
		if (mig_parse_u64_n(list + at, digits, 0, UINT32_MAX, &first) == 0) {
			last = first;
			if (digits < len && list[at + digits] == '-' &&
			    mig_parse_u64_n(list + at + digits + 1, len - digits - 1, 0, UINT32_MAX,
					    &last) < 0)
				last = first;
			if (index >= first && index <= last)
				return true;
		}
		at += len + 1;
	}
	return false;
}

/* "0=", "all=": the profiles come when that stands there. A GPU is named once in all words. */
static void put_layout_gpus(const char *prefix, const struct mig_snapshot *snapshot,
			    const struct mig_complete_place *place)
{
	if (place->named_count == 0)
		mig_complete_put(prefix, "all=", "all GPUs with MIG");
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		bool is_named = !snapshot->gpus[i].is_mig_capable;
		char index[16];

		for (size_t n = 0; n < place->named_count; n++)
			is_named = is_named ||
				   list_has_gpu(place->named[n], snapshot->gpus[i].index);
		mig_text_format(index, sizeof(index), "%u=", snapshot->gpus[i].index);
		if (!is_named)
			mig_complete_put(prefix, index, snapshot->gpus[i].name);
	}
}

/* ---- of files ----------------------------------------------------------------------------------- */

static void put_labels_of(const char *prefix, const struct mig_config *config)
{
	for (size_t i = 0; i < config->label_count; i++)
		mig_complete_put(prefix, config->labels[i].name, NULL);
}

static void put_generated_labels(const char *prefix, const struct mig_snapshot *snapshot,
				 MIG_UNUSED const struct mig_complete_place *place)
{
	_cleanup_config_ struct mig_config *config = NULL;

	if (mig_config_generate(snapshot, &config, NULL) == 0)
		put_labels_of(prefix, config);
}

/* Of the file that is named, else of the default one, else those made from the GPUs. */
static void put_labels(const char *prefix, const struct mig_complete_place *place)
{
	_cleanup_config_ struct mig_config *config = NULL;
	_cleanup_free_ char *host_root = NULL, *path = NULL;
	const char *file = place->file;

	if (file == NULL) {
		if (mig_host_root_from_env(&host_root, NULL) < 0)
			return;
		path = mig_host_path(host_root, MIG_HOST_CONFIG_FILE);
	}
	if ((file != NULL || path != NULL) &&
	    mig_config_read(file != NULL ? file : path, &config, NULL) == 0)
		put_labels_of(prefix, config);
	else if (file == NULL)
		with_snapshot(prefix, 0, put_generated_labels, place);
}

/* Numbers of transactions, the newest first. Needs no driver. */
static void put_transactions(const char *prefix)
{
	_cleanup_free_ char *host_root = NULL;
	struct mig_history history = {0};
	struct mig_context ctx = {0};

	if (mig_host_root_from_env(&host_root, NULL) < 0)
		return;
	ctx.host_root = host_root;
	if (mig_history_read(&ctx, 0, &history, NULL) == 0) {
		for (unsigned int i = history.count; i-- > 0;) {
			const struct mig_journal_entry *entry = history.entries[i];
			_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(WORD_MAX);
			char number[16];

			mig_text_format(number, sizeof(number), "%u", entry->number);
			mig_buf_printf(&text, "%s: %s", mig_journal_end_word(entry->end),
				       entry->command);
			mig_complete_put(prefix, number, mig_buf_text(&text));
		}
	}
	mig_history_clear(&history);
}

/* ---- kinds -------------------------------------------------------------------------------------- */

static const struct {
	const char *kind;
	unsigned int flags;
	put_fn put;
} of_node[] = {
	{"gpus", 0, put_gpus},
	{"uuids", MIG_SNAPSHOT_UUIDS, put_uuids},
	{"profiles", 0, put_profiles},
	{"device-profiles", 0, put_device_profiles},
	{"layout-gpus", 0, put_layout_gpus},
	{"instances", MIG_SNAPSHOT_HOLDERS, mig_complete_put_instances},
	{"gis", MIG_SNAPSHOT_UUIDS, mig_complete_put_gis},
	{"gi-ids", MIG_SNAPSHOT_UUIDS, mig_complete_put_gi_ids},
	{"ci-ids", MIG_SNAPSHOT_UUIDS, mig_complete_put_ci_ids},
	{"creatable", MIG_SNAPSHOT_UUIDS, mig_complete_put_creatable},
};

/* "file=…", as mig_complete_run reads it. NULL: no memory. */
static char *argument(const char *name, const char *value)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(WORD_MAX);

	mig_buf_printf(&text, "%s=%s", name, value);
	return mig_buf_failed(&text) ? NULL : strdup(mig_buf_text(&text));
}

/* The same on another node, by the program that runs there. Returns only on failure. */
static void ask_node(const char *kind, const char *prefix, const struct mig_complete_place *place)
{
	const struct {
		const char *name, *value;
	} options[] = {{"file", place->file}, {"gpus", place->gpus}, {"gi", place->gi}};
	_cleanup_free_ char **args =
		calloc(place->named_count + MIG_ARRAY_SIZE(options) + 3, sizeof(*args));
	_cleanup_error_ struct mig_error *why = NULL;
	char option[] = "--complete";
	int fixed = 3, count = fixed;

	if (args == NULL)
		return;
	args[0] = option;
	args[1] = (char *)kind;
	args[2] = (char *)prefix;
	for (size_t i = 0; i < MIG_ARRAY_SIZE(options); i++) {
		if (options[i].value != NULL)
			args[count++] = argument(options[i].name, options[i].value);
	}
	for (size_t i = 0; i < place->named_count; i++)
		args[count++] = argument("named", place->named[i]);
	for (int i = fixed; i < count; i++) {
		if (args[i] == NULL)
			count = 0;
	}
	if (count > 0) {
		int ignored = mig_cmd_sim_reexec(place->node, count, args, &why);

		(void)ignored;
	}
	for (int i = fixed; i < count; i++)
		free(args[i]);
}

bool mig_complete_values(const char *kind, const char *prefix,
			 const struct mig_complete_place *place)
{
	bool is_labels = strcmp(kind, "labels") == 0;
	bool is_transactions = strcmp(kind, "transactions") == 0;
	size_t row = 0;

	if (mig_complete_sim_values(kind, prefix, place))
		return true;
	while (row < MIG_ARRAY_SIZE(of_node) && strcmp(of_node[row].kind, kind) != 0)
		row++;
	if (row == MIG_ARRAY_SIZE(of_node) && !is_labels && !is_transactions)
		return false;
	if (place->node != NULL)
		ask_node(kind, prefix, place);
	else if (is_labels)
		put_labels(prefix, place);
	else if (is_transactions)
		put_transactions(prefix);
	else
		with_snapshot(prefix, of_node[row].flags, of_node[row].put, place);
	return true;
}
