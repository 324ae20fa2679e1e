/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing GPUs; see gpu_choice.h.
 */
#include "cli/gpu_choice.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shared/number.h"
#include "shared/text.h"

#define PCI_ADDRESS_LEN_MIN 7 /* "10:00.0" */

static bool is_meant(const struct mig_gpu *gpu, const char *word, size_t len)
{
	size_t address_len = strlen(gpu->pci_address);
	uint64_t index;

	if (mig_parse_u64_n(word, len, 0, UINT32_MAX, &index) == 0)
		return index == gpu->index;
	if (gpu->is_lost)
		return false;
	if (strlen(gpu->uuid) == len && strncmp(gpu->uuid, word, len) == 0)
		return true;
	/* A PCI address may leave out leading zeros of the domain, and the domain. */
	return len >= PCI_ADDRESS_LEN_MIN && len <= address_len &&
	       strncasecmp(gpu->pci_address + address_len - len, word, len) == 0;
}

int mig_gpu_choice_word(const struct mig_snapshot *snapshot, const char *word, size_t len,
			struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(512);
	char text[96];

	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (is_meant(&snapshot->gpus[i], word, len))
			return (int)i;
	}
	mig_text_format(text, sizeof(text), "%.*s", (int)MIG_MIN(len, sizeof(text) - 1), word);
	mig_text_escape_terminal(&shown, text);
	mig_error_set(err, MIG_ERROR_REFUSED, "there is no GPU '%s'", mig_buf_text(&shown));
	return mig_error_hint(err, "this node has %u GPU%s: migctl status lists them",
			      snapshot->gpu_count, snapshot->gpu_count == 1 ? "" : "s");
}

static int choose_all(const struct mig_snapshot *snapshot, struct mig_gpu_choice *choice)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++)
		choice->is_chosen[i] = true;
	choice->count = snapshot->gpu_count;
	return 0;
}

int mig_gpu_choice_read(const struct mig_snapshot *snapshot, const char *list,
			struct mig_gpu_choice *choice, struct mig_error **err)
{
	*choice = (struct mig_gpu_choice){.is_named = list != NULL};
	if (snapshot->gpu_count == 0)
		return mig_error_set(err, MIG_ERROR_NO_DRIVER, "the driver shows no GPU");
	choice->is_chosen = calloc(snapshot->gpu_count, sizeof(*choice->is_chosen));
	if (choice->is_chosen == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (list == NULL)
		return choose_all(snapshot, choice);
	while (list != NULL) {
		size_t len = strcspn(list, ",");
		int at;

		if (len == 0)
			return mig_error_set(err, MIG_ERROR_USAGE,
					     "the list of GPUs (-i) has an empty place");
		at = mig_gpu_choice_word(snapshot, list, len, err);
		if (at < 0)
			return -1;
		if (choice->is_chosen[at])
			return mig_error_set(err, MIG_ERROR_REFUSED, "GPU %u is named twice",
					     snapshot->gpus[at].index);
		choice->is_chosen[at] = true;
		choice->count++;
		list = list[len] == ',' ? list + len + 1 : NULL;
	}
	return 0;
}

void mig_gpu_choice_clear(struct mig_gpu_choice *choice)
{
	free(choice->is_chosen);
	*choice = (struct mig_gpu_choice){0};
}

int mig_gpu_choice_check_lost(const struct mig_context *ctx, const struct mig_snapshot *snapshot,
			      const struct mig_gpu_choice *choice, struct mig_error **err)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (!choice->is_chosen[i] || !snapshot->gpus[i].is_lost)
			continue;
		mig_error_set(err, MIG_ERROR_DRIVER, "GPU %u is lost (fallen off the bus)",
			      snapshot->gpus[i].index);
		return mig_hint_lost(ctx, err);
	}
	return 0;
}

int mig_gpu_choice_refuse_lost(const struct mig_snapshot *snapshot,
			       const struct mig_gpu_choice *choice, struct mig_error **err)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (!choice->is_chosen[i] || !snapshot->gpus[i].is_lost)
			continue;
		mig_error_set(err, MIG_ERROR_DRIVER, "GPU %u is lost (fallen off the bus)",
			      snapshot->gpus[i].index);
		return mig_error_hint(err, "a reboot may bring it back; for the others, name them: "
					   "-i GPU,...");
	}
	return 0;
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
