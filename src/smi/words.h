/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a command line and taking options out of them, as the original does it.
 *
 * Options are looked for by name, wherever they stand. "NAME=VALUE" is NAME with VALUE; a second
 * '=' ends VALUE and what is behind it becomes a word of its own. What nobody takes is a word that
 * is not recognized. Knows no option.
 */
#pragma once

#include <stdbool.h>

enum mig_smi_value {
	MIG_SMI_VALUE_NONE,
	MIG_SMI_VALUE_PLAIN, /* ends at a second '=' */
	MIG_SMI_VALUE_WHOLE, /* all behind the first '=' */
};

struct mig_smi_option {
	const char *names[2]; /* NULL: none */
	enum mig_smi_value value;
};

struct mig_smi_words {
	char **words;  /* each NULL once it is taken; points into a copy */
	char **copies; /* owned */
	int count;
};

/* Works on copies. Returns 0 or -1 (out of memory); to be cleared in any case. */
int mig_smi_words_init(struct mig_smi_words *words, int count, char **from);
void mig_smi_words_clear(struct mig_smi_words *words);

/* Whether a word is this option: alone, or with '=' behind its name. */
bool mig_smi_word_is(const char *word, const struct mig_smi_option *option);

/* The row of `options` (ended by one without names) that a word is; NULL if it is none. */
const struct mig_smi_option *mig_smi_word_find(const char *word,
					       const struct mig_smi_option *options);

/*
 * Takes the next occurrence of an option. True if there was one: *value is its value (NULL for an
 * option without), *name the word it stood in, whole. One whose value is missing, because it is the
 * last word or an option of `table` stands behind it, is left.
 */
bool mig_smi_words_take(struct mig_smi_words *words, const struct mig_smi_option *option,
			const struct mig_smi_option *table, char **value, const char **name);

/* The first word that is left and is an option of `table` with a value: the value is missing. */
const char *mig_smi_words_missing(const struct mig_smi_words *words,
				  const struct mig_smi_option *table);

/* The first word that is left; NULL if none is. */
const char *mig_smi_words_left(const struct mig_smi_words *words);

/*
 * The next entry of a list with commas, NULL at its end; empty ones are passed over. Ends the entry
 * with a NUL; *rest begins as the list.
 */
char *mig_smi_next_entry(char **rest);
