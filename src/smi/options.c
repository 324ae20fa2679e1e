/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of commands; see options.h.
 */
#include "smi/options.h"

#include <stdio.h>
#include <string.h>

#include "shared/macros.h"
#include "smi/commands.h"
#include "smi/gpus.h"
#include "smi/numbers.h"
#include "smi/vendor.h"
#include "smi/words.h"

#define SEE_HELP      "Please run 'nvidia-smi -h' for help.\n\n"
#define NO_MODE	      (-1)
#define WORD_ENABLED  "ENABLED"
#define WORD_DISABLED "DISABLED"

/* What a kind of command says when it is none of its own. */
enum { NOT_MINE = -1 };

static int missing_value(const char *word)
{
	printf("ERROR: Option %s is missing its value. " SEE_HELP, word);
	return MIG_SMI_OTHER;
}

static int not_recognized(const char *word, int status)
{
	printf("ERROR: Option %s is not recognized. " SEE_HELP, word);
	return status;
}

/* ---- -h and -L: nothing else may stand beside them -------------------------------------------- */

static const struct mig_smi_option help_options[] = {{{"-h", "--help"}, MIG_SMI_VALUE_NONE},
						     {{NULL}, MIG_SMI_VALUE_NONE}};
static const struct mig_smi_option list_options[] = {{{"-L", "--list-gpus"}, MIG_SMI_VALUE_NONE},
						     {{NULL}, MIG_SMI_VALUE_NONE}};

static int run_alone(struct mig_smi *smi, struct mig_smi_words *words)
{
	const char *left;
	const char *name;
	char *value;
	unsigned int count = 0;
	bool is_help = false;

	while (mig_smi_words_take(words, &help_options[0], help_options, &value, &name))
		is_help = true;
	while (!is_help && mig_smi_words_take(words, &list_options[0], list_options, &value, &name))
		count++;
	if (!is_help && count == 0)
		return NOT_MINE;
	if (count > 1) {
		printf("ERROR: Only one command can be run at a time. " SEE_HELP);
		return MIG_SMI_USAGE;
	}
	left = mig_smi_words_left(words);
	if (left != NULL) {
		printf("ERROR: Option %s is not valid for this command. " SEE_HELP, left);
		return MIG_SMI_USAGE;
	}
	return is_help ? mig_smi_help(smi) : mig_smi_list_gpus(smi);
}

/* ---- -mig and -r ------------------------------------------------------------------------------ */

enum {
	CHANGE_RESET,
	CHANGE_MIG,
	CHANGE_ID,
	CHANGE_COUNT,
};

static const struct mig_smi_option change_options[CHANGE_COUNT + 1] = {
	[CHANGE_RESET] = {{"-r", "--gpu-reset"}, MIG_SMI_VALUE_NONE},
	[CHANGE_MIG] = {{"-mig", "--multi-instance-gpu"}, MIG_SMI_VALUE_WHOLE},
	[CHANGE_ID] = {{"-i", "--id"}, MIG_SMI_VALUE_PLAIN},
	[CHANGE_COUNT] = {{NULL}, MIG_SMI_VALUE_NONE},
};

struct change {
	unsigned int counts[CHANGE_COUNT];
	int mode;
	char *list;
};

static bool read_mode(const char *text, int *mode)
{
	if (strcmp(text, WORD_ENABLED) == 0 || strcmp(text, WORD_DISABLED) == 0) {
		*mode = strcmp(text, WORD_ENABLED) == 0;
		return true;
	}
	return mig_smi_read_int(text, mode);
}

/* Returns 0, or an exit status with the text printed. */
static int read_changes(struct mig_smi_words *words, struct change *change)
{
	for (size_t i = 0; i < CHANGE_COUNT; i++) {
		const char *name;
		char *value;

		while (mig_smi_words_take(words, &change_options[i], change_options, &value,
					  &name)) {
			change->counts[i]++;
			if (i == CHANGE_ID)
				change->list = value;
			if (i != CHANGE_MIG || read_mode(value, &change->mode))
				continue;
			printf("ERROR: Option %s is invalid for %s. " SEE_HELP, value, name);
			return MIG_SMI_USAGE;
		}
	}
	return 0;
}

static int run_change(struct mig_smi *smi, struct mig_smi_words *words, char **argv)
{
	struct change change = {.mode = NO_MODE};
	unsigned int allowed, total;
	const char *left;
	int status = read_changes(words, &change);

	if (status != 0)
		return status;
	left = mig_smi_words_missing(words, change_options);
	if (left != NULL)
		return missing_value(left);
	total = change.counts[CHANGE_RESET] + change.counts[CHANGE_MIG] + change.counts[CHANGE_ID];
	allowed = change.counts[CHANGE_ID] > 0 ? 2 : 1;
	if (total == change.counts[CHANGE_ID] && total < 2)
		return NOT_MINE;
	if (total > allowed) {
		printf("Invalid combination of input arguments. Only one device modification may "
		       "be done at a time.\n\n");
		return MIG_SMI_USAGE;
	}
	left = mig_smi_words_left(words);
	if (left != NULL)
		return not_recognized(left, MIG_SMI_OTHER);
	if (change.counts[CHANGE_RESET] > 0)
		return mig_smi_reset(smi, change.list, argv);
	if (change.mode == NO_MODE) {
		status = mig_smi_select_gpus(smi, change.list);
		if (status != 0)
			return status;
		printf("Input combination for device modification is not valid.\n\n");
		return MIG_SMI_OTHER;
	}
	return mig_smi_set_mig_mode(smi, (unsigned int)change.mode, change.list);
}

/* ---- queries ---------------------------------------------------------------------------------- */

enum {
	QUERY_GPU,
	QUERY_APPS,
	QUERY_FORMAT,
	QUERY_ID,
	QUERY_COUNT,
};

static const struct mig_smi_option query_options[QUERY_COUNT + 1] = {
	[QUERY_GPU] = {{"--query-gpu", NULL}, MIG_SMI_VALUE_PLAIN},
	[QUERY_APPS] = {{"--query-compute-apps", NULL}, MIG_SMI_VALUE_PLAIN},
	[QUERY_FORMAT] = {{"--format", NULL}, MIG_SMI_VALUE_PLAIN},
	[QUERY_ID] = {{"-i", "--id"}, MIG_SMI_VALUE_PLAIN},
	[QUERY_COUNT] = {{NULL}, MIG_SMI_VALUE_NONE},
};

static int run_query(struct mig_smi *smi, struct mig_smi_words *words)
{
	char *values[QUERY_COUNT] = {NULL};
	const char *left;

	for (size_t i = 0; i < QUERY_COUNT; i++) {
		const char *name;
		char *value;

		while (mig_smi_words_take(words, &query_options[i], query_options, &value, &name))
			values[i] = value;
	}
	left = mig_smi_words_missing(words, query_options);
	if (left != NULL)
		return missing_value(left);
	if (values[QUERY_GPU] == NULL && values[QUERY_APPS] == NULL)
		return NOT_MINE;
	left = mig_smi_words_left(words);
	if (left != NULL)
		return not_recognized(left, MIG_SMI_USAGE);
	if (values[QUERY_GPU] != NULL && values[QUERY_APPS] != NULL) {
		printf("Only one --query-* switch can be used at a time.\n");
		return MIG_SMI_USAGE;
	}
	if (values[QUERY_FORMAT] == NULL) {
		printf("\"--format=\" switch is missing. " SEE_HELP);
		return MIG_SMI_USAGE;
	}
	if (values[QUERY_GPU] != NULL)
		return mig_smi_query_gpus(smi, values[QUERY_GPU], values[QUERY_FORMAT],
					  values[QUERY_ID]);
	return mig_smi_query_apps(smi, values[QUERY_APPS], values[QUERY_FORMAT], values[QUERY_ID]);
}

/* ---- the table -------------------------------------------------------------------------------- */

static int run_table(struct mig_smi *smi, struct mig_smi_words *words)
{
	char *list = NULL;
	const char *left;
	const char *name;

	mig_smi_words_take(words, &change_options[CHANGE_ID], &change_options[CHANGE_ID], &list,
			   &name);
	left = mig_smi_words_left(words);
	if (left != NULL) {
		printf("ERROR: Option %s is not recognized. Please run 'nvidia-smi -h'.\n\n", left);
		return MIG_SMI_OTHER;
	}
	return mig_smi_table(smi, list);
}

/* ----------------------------------------------------------------------------------------------- */

enum kind { KIND_ALONE, KIND_CHANGE, KIND_QUERY, KIND_TABLE, KIND_COUNT };

static int run_kind(struct mig_smi *smi, enum kind kind, struct mig_smi_words *words, char **argv)
{
	switch (kind) {
	case KIND_ALONE:
		return run_alone(smi, words);
	case KIND_CHANGE:
		return run_change(smi, words, argv);
	case KIND_QUERY:
		return run_query(smi, words);
	default:
		return run_table(smi, words);
	}
}

int mig_smi_run_options(struct mig_smi *smi, int argc, char **argv)
{
	const char *vendor = mig_smi_vendor_word(argc, argv);
	int status = NOT_MINE;

	if (vendor != NULL)
		return mig_smi_vendor_only(vendor);
	for (enum kind kind = KIND_ALONE; status == NOT_MINE && kind < KIND_COUNT; kind++) {
		struct mig_smi_words words;

		if (mig_smi_words_init(&words, argc, argv) < 0)
			status = MIG_SMI_OTHER;
		else
			status = run_kind(smi, kind, &words, argv);
		mig_smi_words_clear(&words);
	}
	return status;
}
