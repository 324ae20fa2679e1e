/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking options out of words; see words.h.
 */
#include "smi/words.h"

#include <stdlib.h>
#include <string.h>

int mig_smi_words_init(struct mig_smi_words *words, int count, char **from)
{
	words->words = calloc((size_t)count + 1, sizeof(*words->words));
	words->copies = calloc((size_t)count + 1, sizeof(*words->copies));
	words->count = count;
	if (words->words == NULL || words->copies == NULL)
		return -1;
	for (int i = 0; i < count; i++) {
		words->words[i] = words->copies[i] = strdup(from[i]);
		if (words->words[i] == NULL)
			return -1;
	}
	return 0;
}

void mig_smi_words_clear(struct mig_smi_words *words)
{
	for (int i = 0; words->copies != NULL && i < words->count; i++)
		free(words->copies[i]);
	free(words->copies);
	free(words->words);
	memset(words, 0, sizeof(*words));
}

static bool is_named(const char *word, const char *name)
{
	size_t length;

	if (name == NULL)
		return false;
	length = strlen(name);
	return strncmp(word, name, length) == 0 && (word[length] == '\0' || word[length] == '=');
}

bool mig_smi_word_is(const char *word, const struct mig_smi_option *option)
{
	return is_named(word, option->names[0]) || is_named(word, option->names[1]);
}

const struct mig_smi_option *mig_smi_word_find(const char *word,
					       const struct mig_smi_option *options)
{
	for (; options->names[0] != NULL; options++) {
		if (mig_smi_word_is(word, options))
			return options;
	}
	return NULL;
}

/* A value, which stands at or in *word; what is behind a '=' in it stays as a word. */
static char *take_value(char **word, char *value, const struct mig_smi_option *option)
{
	char *rest = option->value == MIG_SMI_VALUE_PLAIN ? strchr(value, '=') : NULL;

	*word = NULL;
	if (rest != NULL) {
		*rest = '\0';
		*word = rest + 1;
	}
	return value;
}

/* Whether the value of the option at a place is missing. */
static bool is_alone(const struct mig_smi_words *words, int at, const struct mig_smi_option *table)
{
	const char *next = at + 1 < words->count ? words->words[at + 1] : NULL;

	return next == NULL || mig_smi_word_find(next, table) != NULL;
}

bool mig_smi_words_take(struct mig_smi_words *words, const struct mig_smi_option *option,
			const struct mig_smi_option *table, char **value, const char **name)
{
	for (int i = 0; i < words->count; i++) {
		char *word = words->words[i];
		char *joined = word == NULL ? NULL : strchr(word, '=');

		if (word == NULL || !mig_smi_word_is(word, option))
			continue;
		*name = word;
		*value = NULL;
		if (option->value == MIG_SMI_VALUE_NONE) {
			words->words[i] = joined == NULL ? NULL : joined + 1;
		} else if (joined != NULL) {
			*value = take_value(&words->words[i], joined + 1, option);
		} else if (is_alone(words, i, table)) {
			continue;
		} else {
			words->words[i] = NULL;
			*value = take_value(&words->words[i + 1], words->words[i + 1], option);
		}
		return true;
	}
	return false;
}

const char *mig_smi_words_missing(const struct mig_smi_words *words,
				  const struct mig_smi_option *table)
{
	for (int i = 0; i < words->count; i++) {
		const struct mig_smi_option *option =
			words->words[i] == NULL ? NULL : mig_smi_word_find(words->words[i], table);

		if (option != NULL && option->value != MIG_SMI_VALUE_NONE)
			return words->words[i];
	}
	return NULL;
}

const char *mig_smi_words_left(const struct mig_smi_words *words)
{
	for (int i = 0; i < words->count; i++) {
		if (words->words[i] != NULL)
			return words->words[i];
	}
	return NULL;
}

char *mig_smi_next_entry(char **rest)
{
	char *entry = *rest + strspn(*rest, ",");

	if (*entry == '\0')
		return NULL;
	*rest = entry + strcspn(entry, ",");
	if (**rest != '\0')
		*(*rest)++ = '\0';
	return entry;
}
