/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion of `migctl smi`, which has a parser of its own and takes the words of nvidia-smi. See
 * complete.h. A test compares the options with what `migctl smi -h` and `migctl smi mig -h` say.
 */
#include <string.h>

#include "cli/complete.h"
#include "shared/text.h"
#include "smi/smi.h"

#define WORD_SIZE   64
#define PREFIX_SIZE 4096

struct smi_option {
	const char *letters, *name; /* "-lgip", "--list-…"; NULL: none */
	const char *value;	    /* kind, "=A|B" or ":…"; NULL: takes none */
	const char *help;
};

static const struct smi_option plain_options[] = {
	{"-h", "--help", NULL, "show the help"},
	{"-L", "--list-gpus", NULL, "GPUs and MIG devices, one a line"},
	{"-i", "--id", "gpus", "these GPUs"},
	{"-mig", "--multi-instance-gpu", "=0|1", "turn MIG mode off or on"},
	{"-r", "--gpu-reset", NULL, "reset GPUs"},
	{NULL, "--query-gpu", ":gpu-fields", "fields of GPUs"},
	{NULL, "--query-compute-apps", ":app-fields", "fields of processes"},
	{NULL, "--format", "=csv|noheader|nounits", "of what is queried"},
	{NULL, NULL, NULL, NULL},
};

static const struct smi_option mig_options[] = {
	{"-h", "--help", NULL, "show the help"},
	{"-i", "--id", "gpus", "these GPUs"},
	{"-gi", "--gpu-instance-id", "gi-ids", "these GPU instances"},
	{"-ci", "--compute-instance-id", "ci-ids", "these compute instances"},
	{"-lgip", "--list-gpu-instance-profiles", NULL, "list GPU instance profiles"},
	{"-lgipp", "--list-gpu-instance-possible-placements", NULL, "list their placements"},
	{"-cgi", "--create-gpu-instance", "creatable", "create GPU instances"},
	{"-C", "--default-compute-instance", NULL, "fill them with compute instances"},
	{"-dgi", "--destroy-gpu-instance", NULL, "destroy GPU instances"},
	{"-lgi", "--list-gpu-instances", NULL, "list GPU instances"},
	{"-lcip", "--list-compute-instance-profiles", NULL, "list compute instance profiles"},
	{"-lcipp", "--list-compute-instance-possible-placements", NULL, "list their placements"},
	{"-cci", "--create-compute-instance", "creatable", "create compute instances"},
	{"-dci", "--destroy-compute-instance", NULL, "destroy compute instances"},
	{"-lci", "--list-compute-instances", NULL, "list compute instances"},
	{NULL, NULL, NULL, NULL},
};

/* The option that a word is, alone or with "=VALUE"; *value gets where that begins, else NULL. */
static const struct smi_option *find(const struct smi_option *options, const char *word,
				     const char **value)
{
	size_t len = strcspn(word, "=");

	*value = word[len] == '=' ? word + len + 1 : NULL;
	for (; options->help != NULL; options++) {
		const char *const names[] = {options->letters, options->name};

		for (size_t i = 0; i < MIG_ARRAY_SIZE(names); i++) {
			if (names[i] != NULL && strlen(names[i]) == len &&
			    strncmp(names[i], word, len) == 0)
				return options;
		}
	}
	return NULL;
}

static void put_if(const char *current, const char *prefix, const char *text, const char *help)
{
	if (strncmp(text, current + strlen(prefix), strlen(current + strlen(prefix))) == 0)
		mig_complete_put(prefix, text, help);
}

static void put_words(const char *current, const char *prefix, const char *words,
		      const struct mig_complete_place *place)
{
	while (*words != '\0') {
		size_t len = strcspn(words, "|");
		char word[WORD_SIZE];

		mig_text_format(word, sizeof(word), "%.*s", (int)len, words);
		if (!mig_complete_is_named(place, word))
			put_if(current, prefix, word, NULL);
		words += len;
		words += *words == '|';
	}
}

/* Values are lists; `from` is where the value begins in the current word. */
static void put_value(const struct smi_option *option, const char *current, size_t from,
		      const struct mig_complete_place *outer)
{
	const char *comma = strrchr(current + from, ',');
	struct mig_complete_place place = *outer;
	const char *field;
	char prefix[PREFIX_SIZE];

	mig_text_format(prefix, sizeof(prefix), "%.*s",
			(int)(comma != NULL ? comma + 1 - current : (ptrdiff_t)from), current);
	place.named[0] = prefix + from;
	place.named_count = 1;
	/* A place may be created several times. */
	if (strcmp(option->value, "creatable") == 0)
		place.named_count = 0;
	if (option->value[0] == '=') {
		put_words(current, prefix, option->value + 1, &place);
	} else if (option->value[0] == ':') {
		bool is_app = strcmp(option->value, ":app-fields") == 0;

		for (unsigned int i = 0; (field = mig_smi_query_field(is_app, i)) != NULL; i++) {
			if (!mig_complete_is_named(&place, field))
				put_if(current, prefix, field, NULL);
		}
	} else {
		mig_complete_values(option->value, prefix, &place);
	}
}

static void put_options(const struct smi_option *options, const char *current)
{
	for (; options->help != NULL; options++) {
		/* The original takes the value of a query behind '=' only as people write it. */
		char joined[WORD_SIZE];

		if (options->letters != NULL)
			put_if(current, "", options->letters, options->help);
		mig_text_format(joined, sizeof(joined), "%s%s", options->name,
				options->letters == NULL ? "=" : "");
		put_if(current, "", joined, options->help);
	}
}

void mig_complete_smi(int count, char *const *words, const char *current,
		      struct mig_complete_place *place)
{
	bool is_mig = count > 0 && strcmp(words[0], "mig") == 0;
	const struct smi_option *options = is_mig ? mig_options : plain_options;
	const struct smi_option *open = NULL, *option;
	const char *value;

	for (int i = is_mig; i < count; i++) {
		option = open != NULL ? open : find(options, words[i], &value);
		if (open != NULL)
			value = words[i];
		open = option != NULL && option->value != NULL && value == NULL ? option : NULL;
		if (option == NULL || value == NULL)
			continue;
		if (strcmp(option->name, "--id") == 0)
			place->gpus = value;
		if (strcmp(option->name, "--gpu-instance-id") == 0)
			place->gi = value;
	}
	option = find(options, current, &value);
	if (open != NULL) {
		put_value(open, current, 0, place);
	} else if (option != NULL && option->value != NULL && value != NULL) {
		put_value(option, current, (size_t)(value - current), place);
	} else {
		if (count == 0)
			put_if(current, "", "mig", "instances: list, create, destroy");
		put_options(options, current);
	}
}
