/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WHAT of create; see what.h.
 */
#include "cli/what.h"

#include <stdlib.h>
#include <string.h>

#include "core/profile_name.h"
#include "shared/buf.h"
#include "shared/number.h"
#include "shared/text.h"

#define COUNT_MAX 4096 /* more than any node takes */

static int refuse(const char *word, const char *why, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(4096);

	mig_text_escape_terminal(&shown, word);
	mig_error_set(err, MIG_ERROR_USAGE, "'%s': %s", mig_buf_text(&shown), why);
	return mig_error_hint(err, "PROFILE is a name or its id, with @START or *COUNT behind it: "
				   "3g.20gb, 19, 1g.5gb*3, 3g.20gb@4");
}

/* Takes off "@4" or "*3" and reads its number. */
static int read_mark(char *text, char mark, unsigned int min, unsigned int max,
		     unsigned int *number)
{
	char *at = strchr(text, mark);
	uint32_t value;

	if (at == NULL)
		return 0;
	if (mig_parse_u32(at + 1, min, max, &value) < 0)
		return -1;
	*at = '\0';
	*number = value;
	return 1;
}

static bool is_ci_width(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && strcmp(text + digits, "c") == 0;
}

/* Whether it is a compute instance that does not fill its GPU instance: "1c.3g.20gb". */
static bool is_shared(const char *text)
{
	struct mig_profile_name name;

	return mig_profile_name_parse(text, &name) == 0 && name.compute_slices != name.gpu_slices;
}

static int read_item(const char *word, bool in_gi, struct mig_addition *item,
		     struct mig_error **err)
{
	_cleanup_free_ char *text = strdup(word);
	struct mig_profile_name name;
	uint32_t id;
	int counted, placed;

	if (text == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	*item = (struct mig_addition){.word = word, .start = MIG_START_ANY, .count = 1};
	counted = read_mark(text, '*', 1, COUNT_MAX, &item->count);
	if (counted < 0)
		return refuse(word, "the number behind '*' is how many, 1 to 4096", err);
	placed = read_mark(text, '@', 0, MIG_FACTS_UNITS_MAX - 1, &item->start);
	if (placed < 0)
		return refuse(word, "the number behind '@' is where it starts, 0 to 63", err);
	/* Compute instances share a GPU instance, so several can be in one that lies there. */
	if (placed > 0 && counted > 0 && (in_gi || !is_shared(text)))
		return refuse(word, "at one place lies one instance", err);
	if (mig_parse_u32(text, 0, UINT32_MAX, &id) == 0) {
		item->has_id = true;
		item->id = id;
		return 0;
	}
	if (!in_gi && is_ci_width(text)) {
		refuse(word, "this is a compute instance, and it is not said in which GPU instance",
		       err);
		return mig_error_hint(err,
				      "name the GPU instance (-g GPU:GI), or the whole profile "
				      "for a new one, as 1c.3g.20gb");
	}
	if (strncmp(text, "MIG", 3) == 0 ||
	    (mig_profile_name_parse(text, &name) < 0 && !(in_gi && is_ci_width(text))) ||
	    !mig_text_copy(item->profile, sizeof(item->profile), text))
		return refuse(word, "this is neither a profile name nor an id", err);
	return 0;
}

static int add_word(struct mig_what *what, char *word, bool in_gi, struct mig_error **err)
{
	if (mig_array_reserve(&what->items, &what->allocated, what->count + 1,
			      sizeof(*what->items)) < 0)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (read_item(word, in_gi, &what->items[what->count], err) < 0)
		return -1;
	what->count++;
	return 0;
}

int mig_what_parse(char *const *words, size_t count, bool in_gi, struct mig_what *what,
		   struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(1024 * 1024);
	char *next;

	*what = (struct mig_what){0};
	for (size_t i = 0; i < count; i++)
		mig_buf_printf(&text, "%s%s", i > 0 ? "," : "", words[i]);
	if (mig_buf_failed(&text))
		return mig_error_set(err, MIG_ERROR_USAGE, "this is more than can be read");
	if (count == 0)
		return 0;
	what->text = strdup(mig_buf_text(&text));
	if (what->text == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	next = what->text;
	while (next != NULL) {
		char *word = strsep(&next, ",");

		if (*word == '\0')
			return refuse(word, "a place between the commas is empty", err);
		if (add_word(what, word, in_gi, err) < 0)
			return -1;
	}
	return 0;
}

void mig_what_clear(struct mig_what *what)
{
	free(what->items);
	free(what->text);
	*what = (struct mig_what){0};
}
