/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nvidia-smi mig: its options, the GPUs that it works on, and which action runs. Of several actions
 * only one does, by a fixed rank.
 */
#include "smi/mig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/macros.h"
#include "smi/commands.h"
#include "smi/gpus.h"
#include "smi/numbers.h"
#include "smi/texts.h"
#include "smi/words.h"

#define DEFAULT_PROFILE "default"

enum {
	OPTION_HELP,
	OPTION_ID,
	OPTION_GI,
	OPTION_CI,
	OPTION_LGIP,
	OPTION_LGIPP,
	OPTION_C,
	OPTION_CGI,
	OPTION_DGI,
	OPTION_LGI,
	OPTION_LCIP,
	OPTION_LCIPP,
	OPTION_CCI,
	OPTION_DCI,
	OPTION_LCI,
	OPTION_COUNT,
};

static const struct mig_smi_option options[OPTION_COUNT + 1] = {
	[OPTION_HELP] = {{"-h", "--help"}, MIG_SMI_VALUE_NONE},
	[OPTION_ID] = {{"-i", "--id"}, MIG_SMI_VALUE_PLAIN},
	[OPTION_GI] = {{"-gi", "--gpu-instance-id"}, MIG_SMI_VALUE_PLAIN},
	[OPTION_CI] = {{"-ci", "--compute-instance-id"}, MIG_SMI_VALUE_PLAIN},
	[OPTION_LGIP] = {{"-lgip", "--list-gpu-instance-profiles"}, MIG_SMI_VALUE_NONE},
	[OPTION_LGIPP] = {{"-lgipp", "--list-gpu-instance-possible-placements"},
			  MIG_SMI_VALUE_NONE},
	[OPTION_C] = {{"-C", "--default-compute-instance"}, MIG_SMI_VALUE_NONE},
	[OPTION_CGI] = {{"-cgi", "--create-gpu-instance"}, MIG_SMI_VALUE_PLAIN},
	[OPTION_DGI] = {{"-dgi", "--destroy-gpu-instance"}, MIG_SMI_VALUE_NONE},
	[OPTION_LGI] = {{"-lgi", "--list-gpu-instances"}, MIG_SMI_VALUE_NONE},
	[OPTION_LCIP] = {{"-lcip", "--list-compute-instance-profiles"}, MIG_SMI_VALUE_NONE},
	[OPTION_LCIPP] = {{"-lcipp", "--list-compute-instance-possible-placements"},
			  MIG_SMI_VALUE_NONE},
	[OPTION_CCI] = {{"-cci", "--create-compute-instance"}, MIG_SMI_VALUE_PLAIN},
	[OPTION_DCI] = {{"-dci", "--destroy-compute-instance"}, MIG_SMI_VALUE_NONE},
	[OPTION_LCI] = {{"-lci", "--list-compute-instances"}, MIG_SMI_VALUE_NONE},
	[OPTION_COUNT] = {{NULL}, MIG_SMI_VALUE_NONE},
};

struct given {
	unsigned int count; /* of options, each time it stands there */
	bool is[OPTION_COUNT];
	char *values[OPTION_COUNT];
	const char *missing; /* the first option whose value is */
};

/* ---- options ---------------------------------------------------------------------------------- */

static int not_recognized(const char *word)
{
	printf("Option \"%s\" is not recognized.\n", word);
	return MIG_SMI_USAGE;
}

/* A value ends at a '='; what is behind it is not recognized. */
static int take_value(struct given *given, size_t row, char *value)
{
	char *rest = strchr(value, '=');

	given->values[row] = value;
	/* Both have one list of profiles, the last that was given. */
	if (row == OPTION_CGI || row == OPTION_CCI)
		given->values[OPTION_CGI] = given->values[OPTION_CCI] = value;
	if (rest == NULL)
		return 0;
	*rest = '\0';
	return not_recognized(rest + 1);
}

/* Reads one option at words[*at]. Returns 0, or an exit status with the text printed. */
static int read_option(struct given *given, const struct mig_smi_words *words, int *at)
{
	char *word = words->words[*at];
	const struct mig_smi_option *option = mig_smi_word_find(word, options);
	char *joined = strchr(word, '=');
	const char *next = *at + 1 < words->count ? words->words[*at + 1] : NULL;
	size_t row;

	if (option == NULL)
		return not_recognized(word);
	row = (size_t)(option - options);
	given->is[row] = true;
	given->count++;
	if (joined != NULL && option->value == MIG_SMI_VALUE_NONE)
		return not_recognized(joined + 1);
	if (joined != NULL)
		return take_value(given, row, joined + 1);
	if (option->value == MIG_SMI_VALUE_NONE)
		return 0;
	if (next != NULL && mig_smi_word_find(next, options) == NULL)
		return take_value(given, row, words->words[++*at]);
	if (row != OPTION_CCI && given->missing == NULL)
		given->missing = word;
	return 0;
}

/* What is not recognized comes before what is missing. */
static int read_options(struct given *given, const struct mig_smi_words *words)
{
	int status = 0;

	for (int at = 0; status == 0 && at < words->count; at++)
		status = read_option(given, words, &at);
	if (status != 0 || given->missing == NULL)
		return status;
	printf("Option \"%s\" is missing its value.\n", given->missing);
	return MIG_SMI_USAGE;
}

/* "1,x,2 3": each entry's digits at the front. One without is passed over, or is 0. */
static int read_ids(struct mig_smi_ids *ids, bool is_given, bool skips, char *list)
{
	const char *end;
	char *entry;

	ids->is_given = is_given;
	if (!is_given)
		return 0;
	ids->ids = calloc(strlen(list) + 1, sizeof(*ids->ids));
	if (ids->ids == NULL)
		return -1;
	while ((entry = mig_smi_next_entry(&list)) != NULL) {
		unsigned int id = mig_smi_scan_unsigned(entry, &end);

		if (end != entry || !skips)
			ids->ids[ids->count++] = id;
	}
	return 0;
}

/* ---- what it works on ------------------------------------------------------------------------- */

/* Of the selected GPUs those with MIG mode on, or all that have one. Returns 0 or an exit status. */
static int filter_gpus(struct mig_smi *smi, struct mig_smi_mig *mig, bool wants_all)
{
	bool is_supported = false;

	mig->gpus = calloc((size_t)smi->gpu_count + 1, sizeof(*mig->gpus));
	if (mig->gpus == NULL)
		return MIG_SMI_OTHER;
	for (unsigned int i = 0; i < smi->gpu_count; i++) {
		struct mig_smi_mig_gpu *gpu = &mig->gpus[mig->gpu_count];
		unsigned int current = 0, pending = 0;

		if (smi->driver->nvmlDeviceGetMigMode(smi->driver, smi->gpus[i].device, &current,
						      &pending) != NVML_SUCCESS)
			continue;
		is_supported = true;
		if (!wants_all && current != NVML_DEVICE_MIG_ENABLE)
			continue;
		gpu->device = smi->gpus[i].device;
		gpu->index_code = MIG_SMI_NOT_ASKED;
		for (unsigned int p = 0; p < MIG_SMI_GI_PROFILES; p++)
			gpu->profiles[p].code = MIG_SMI_NOT_ASKED;
		mig->gpu_count++;
	}
	if (!is_supported) {
		printf("No MIG-supported devices found.\n");
		return MIG_SMI_NOT_FOUND;
	}
	return 0;
}

static int none_found(const struct mig_smi *smi, const char *what, nvmlReturn_t code)
{
	printf("No %s found: %s\n", what, mig_smi_text(smi, code));
	return mig_smi_status(code);
}

/* The GPU instances that -gi leaves. */
static int collect_gis(struct mig_smi_mig *mig, const struct mig_smi_ids *ids,
		       struct mig_smi_gi_list *gis)
{
	nvmlReturn_t code = NVML_SUCCESS;
	size_t kept = 0;

	for (unsigned int i = 0; code == NVML_SUCCESS && i < mig->gpu_count; i++)
		code = mig_smi_gis_of(mig->smi, &mig->gpus[i], gis);
	for (size_t i = 0; i < gis->count; i++) {
		if (mig_smi_ids_have(ids, gis->rows[i].info.id))
			gis->rows[kept++] = gis->rows[i];
	}
	gis->count = kept;
	if (code == NVML_SUCCESS && kept == 0)
		code = NVML_ERROR_NOT_FOUND;
	return code == NVML_SUCCESS ? 0 : none_found(mig->smi, "GPU instances", code);
}

static int collect_cis(struct mig_smi_mig *mig, const struct mig_smi_ids *ids,
		       struct mig_smi_gi_list *gis, struct mig_smi_ci_list *cis)
{
	nvmlReturn_t code = NVML_SUCCESS;
	size_t kept = 0;

	for (size_t i = 0; code == NVML_SUCCESS && i < gis->count; i++)
		code = mig_smi_cis_of(mig->smi, &gis->rows[i], cis);
	for (size_t i = 0; i < cis->count; i++) {
		if (mig_smi_ids_have(ids, cis->rows[i].info.id))
			cis->rows[kept++] = cis->rows[i];
	}
	cis->count = kept;
	if (code == NVML_SUCCESS && kept == 0)
		code = NVML_ERROR_NOT_FOUND;
	return code == NVML_SUCCESS ? 0 : none_found(mig->smi, "compute instances", code);
}

/* ---- actions ---------------------------------------------------------------------------------- */

static int run_on_cis(struct mig_smi_mig *mig, const struct given *given,
		      const struct mig_smi_ids *ids, struct mig_smi_gi_list *gis)
{
	struct mig_smi_ci_list cis = {.count = 0};
	int status = collect_cis(mig, ids, gis, &cis);

	if (status == 0 && given->is[OPTION_DCI])
		status = mig_smi_destroy_cis(mig, &cis);
	mig_smi_ci_list_clear(&cis);
	return status;
}

static int run_on_gis(struct mig_smi_mig *mig, const struct given *given,
		      const struct mig_smi_ids ids[2])
{
	struct mig_smi_gi_list gis = {.count = 0};
	int status = collect_gis(mig, &ids[0], &gis);

	if (status == 0) {
		if (given->is[OPTION_DGI])
			status = mig_smi_destroy_gis(mig, &gis);
		else if (given->is[OPTION_LCIP])
			status = mig_smi_list_ci_profiles(mig, &gis);
		else if (given->is[OPTION_LCIPP])
			status = mig_smi_list_ci_placements(mig, &gis);
		else if (given->is[OPTION_CCI])
			status = mig_smi_create_cis(mig, &gis,
						    given->values[OPTION_CCI] != NULL
							    ? given->values[OPTION_CCI]
							    : DEFAULT_PROFILE);
		else if (given->is[OPTION_LCI])
			status = mig_smi_list_cis(mig, &gis);
		else
			status = run_on_cis(mig, given, &ids[1], &gis);
	}
	mig_smi_gi_list_clear(&gis);
	return status;
}

static int run_action(struct mig_smi_mig *mig, const struct given *given)
{
	struct mig_smi_ids ids[2] = {{.count = 0}, {.count = 0}};
	int status = MIG_SMI_OTHER;

	if (given->is[OPTION_LGIP])
		return mig_smi_list_gi_profiles(mig);
	if (given->is[OPTION_LGIPP])
		return mig_smi_list_gi_placements(mig);
	if (mig->gpu_count == 0) {
		printf("No MIG-enabled devices found.\n");
		return MIG_SMI_OK;
	}
	if (given->is[OPTION_CGI])
		return mig_smi_create_gis(mig, given->values[OPTION_CGI]);
	if (given->is[OPTION_LGI])
		return mig_smi_list_gis(mig);
	if (read_ids(&ids[0], given->is[OPTION_GI], false, given->values[OPTION_GI]) == 0 &&
	    read_ids(&ids[1], given->is[OPTION_CI], true, given->values[OPTION_CI]) == 0)
		status = run_on_gis(mig, given, ids);
	free(ids[0].ids);
	free(ids[1].ids);
	return status;
}

/* Without anything to do; with -i, too, if it stands there once. */
static bool is_idle(const struct given *given)
{
	return given->count == 0 || (given->count == 1 && given->is[OPTION_ID]);
}

static int run(struct mig_smi *smi, const struct given *given)
{
	struct mig_smi_mig mig = {.smi = smi, .wants_default_ci = given->is[OPTION_C]};
	int status;

	if (given->is[OPTION_HELP] || is_idle(given))
		return mig_smi_mig_help(smi);
	status = mig_smi_select_gpus(smi, given->values[OPTION_ID]);
	if (status == 0)
		status = filter_gpus(smi, &mig, given->is[OPTION_LGIP] || given->is[OPTION_LGIPP]);
	if (status == 0)
		status = run_action(&mig, given);
	free(mig.gpus);
	return status;
}

int mig_smi_mig(struct mig_smi *smi, int argc, char **argv)
{
	struct mig_smi_words words;
	struct given given = {.is = {false}};
	int status = mig_smi_words_init(&words, argc, argv) < 0 ? MIG_SMI_OTHER : 0;

	if (status == 0)
		status = read_options(&given, &words);
	if (status == 0)
		status = run(smi, &given);
	mig_smi_words_clear(&words);
	return status;
}
