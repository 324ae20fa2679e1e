/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing GPUs; see gpu_choice.h.
 */
#include "cli/gpu_choice.h"

#include <stdlib.h>
#include <string.h>

#include "cli/note.h"
#include "config/gpu_name.h"
#include "shared/number.h"
#include "shared/text.h"

#define WORD_MAX 96

static int refuse_unknown(const struct mig_snapshot *snapshot, const char *word,
			  struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(512);

	mig_text_escape_terminal(&shown, word);
	mig_error_set(err, MIG_ERROR_REFUSED, "there is no GPU '%s'", mig_buf_text(&shown));
	return mig_error_hint(err, "this node has %u GPU%s: migctl status lists them",
			      snapshot->gpu_count, snapshot->gpu_count == 1 ? "" : "s");
}

/* The position of the GPU with this NVML index, or -1. */
static int find_index(const struct mig_snapshot *snapshot, uint64_t index)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (snapshot->gpus[i].index == index)
			return (int)i;
	}
	return -1;
}

int mig_gpu_choice_word(const struct mig_snapshot *snapshot, const char *word, size_t len,
			struct mig_error **err)
{
	char text[WORD_MAX];
	struct mig_config_gpu name = {.text = text};
	unsigned int found, position = 0;
	uint64_t index;
	int at;

	mig_text_format(text, sizeof(text), "%.*s", (int)MIG_MIN(len, sizeof(text) - 1), word);
	if (mig_parse_u64_n(word, len, 0, UINT32_MAX, &index) == 0) {
		at = find_index(snapshot, index);
		return at >= 0 ? at : refuse_unknown(snapshot, text, err);
	}
	name.kind = mig_gpu_name_kind(text);
	found = len < sizeof(text) ? mig_gpu_name_find(&name, snapshot, &position) : 0;
	if (found == 0)
		return refuse_unknown(snapshot, text, err);
	if (found > 1)
		return mig_error_set(err, MIG_ERROR_REFUSED, "'%s' is the beginning of %u UUIDs",
				     text, found);
	return (int)position;
}

static int choose_all(const struct mig_snapshot *snapshot, struct mig_gpu_choice *choice)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++)
		choice->is_chosen[i] = true;
	choice->count = snapshot->gpu_count;
	return 0;
}

static int choose(const struct mig_snapshot *snapshot, unsigned int at,
		  struct mig_gpu_choice *choice, struct mig_error **err)
{
	if (choice->is_chosen[at])
		return mig_error_set(err, MIG_ERROR_REFUSED, "GPU %u is named twice",
				     snapshot->gpus[at].index);
	choice->is_chosen[at] = true;
	choice->count++;
	return 0;
}

/* "2-4", as commands print neighbours. Returns 1 if the word is no range. */
static int choose_range(const struct mig_snapshot *snapshot, const char *word, size_t len,
			struct mig_gpu_choice *choice, struct mig_error **err)
{
	size_t digits = strspn(word, "0123456789");
	uint64_t first, last;

	if (digits == 0 || digits >= len || word[digits] != '-' ||
	    mig_parse_u64_n(word, digits, 0, UINT32_MAX, &first) < 0 ||
	    mig_parse_u64_n(word + digits + 1, len - digits - 1, 0, UINT32_MAX, &last) < 0)
		return 1;
	if (last < first)
		return mig_error_set(err, MIG_ERROR_USAGE, "the range '%.*s' goes backwards",
				     (int)len, word);
	for (uint64_t index = first; index <= last; index++) {
		int at = find_index(snapshot, index);
		char text[WORD_MAX];

		mig_text_format(text, sizeof(text), "%llu", (unsigned long long)index);
		if (at < 0)
			return refuse_unknown(snapshot, text, err);
		if (choose(snapshot, (unsigned int)at, choice, err) < 0)
			return -1;
	}
	return 0;
}

int mig_gpu_choice_read(const struct mig_snapshot *snapshot, const char *list,
			struct mig_gpu_choice *choice, struct mig_error **err)
{
	*choice = (struct mig_gpu_choice){.is_named = list != NULL};
	if (snapshot->gpu_count == 0)
		return mig_error_no_gpu(err);
	choice->is_chosen = calloc(snapshot->gpu_count, sizeof(*choice->is_chosen));
	if (choice->is_chosen == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (list == NULL)
		return choose_all(snapshot, choice);
	while (list != NULL) {
		size_t len = strcspn(list, ",");
		int at, rc;

		if (len == 0)
			return mig_error_set(err, MIG_ERROR_USAGE,
					     "the list of GPUs (-i) has an empty place");
		rc = choose_range(snapshot, list, len, choice, err);
		if (rc < 0)
			return -1;
		if (rc > 0) {
			at = mig_gpu_choice_word(snapshot, list, len, err);
			if (at < 0 || choose(snapshot, (unsigned int)at, choice, err) < 0)
				return -1;
		}
		list = list[len] == ',' ? list + len + 1 : NULL;
	}
	return 0;
}

void mig_gpu_choice_clear(struct mig_gpu_choice *choice)
{
	free(choice->is_chosen);
	*choice = (struct mig_gpu_choice){0};
}

void mig_gpu_choice_note_lost(const struct mig_snapshot *snapshot,
			      const struct mig_gpu_choice *choice)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (choice->is_chosen[i] && snapshot->gpus[i].is_lost)
			mig_note_document("GPU %u is lost (fallen off the bus) and is left out",
					  snapshot->gpus[i].index);
	}
}

int mig_gpu_choice_check_lost(const struct mig_context *ctx, const struct mig_snapshot *snapshot,
			      const struct mig_gpu_choice *choice, struct mig_error **err)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (!choice->is_chosen[i] || !snapshot->gpus[i].is_lost)
			continue;
		mig_error_lost(&snapshot->gpus[i], err);
		return mig_hint_lost(ctx, err);
	}
	return 0;
}

int mig_gpu_choice_refuse_lost(const struct mig_snapshot *snapshot,
			       const struct mig_gpu_choice *choice, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf others = MIG_BUF_INIT(4096);
	const struct mig_gpu *lost = NULL;

	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &snapshot->gpus[i];

		if (choice->is_chosen[i] && gpu->is_lost && lost == NULL)
			lost = gpu;
		else if (choice->is_chosen[i] && !gpu->is_lost && gpu->is_mig_capable)
			mig_buf_printf(&others, "%s%u", others.len > 0 ? "," : "", gpu->index);
	}
	if (lost == NULL)
		return 0;
	mig_error_lost(lost, err);
	if (others.len > 0 && err != NULL && *err != NULL)
		mig_error_hint(err, "%s; without it: -i %s", mig_error_hint_text(*err),
			       mig_buf_text(&others));
	return -1;
}

int mig_gpu_choice_check_mig(const struct mig_snapshot *snapshot,
			     const struct mig_gpu_choice *choice, struct mig_error **err)
{
	unsigned int capable = 0;

	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &snapshot->gpus[i];

		if (!choice->is_chosen[i])
			continue;
		/* Of a lost GPU it is not known. */
		capable += gpu->is_mig_capable || gpu->is_lost;
		if (choice->is_named && !gpu->is_mig_capable && !gpu->is_lost) {
			mig_error_set(err, MIG_ERROR_REFUSED, "GPU %u (%s) has no MIG", gpu->index,
				      gpu->name);
			return mig_error_hint(err, "migctl status shows which GPUs have it");
		}
	}
	if (capable > 0)
		return 0;
	return mig_error_set(err, MIG_ERROR_REFUSED, "no GPU of this node has MIG");
}
