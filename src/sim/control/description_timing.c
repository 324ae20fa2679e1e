/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the operations of a node take, as descriptions and the command line say it: a profile in
 * words ("realistic", "realistic,serial"), or a number for each operation. What the numbers do is
 * the driver's matter (sim/engine/time.c).
 */
#include <string.h>

#include "shared/text.h"
#include "sim/control/description.h"
#include "sim/control/json_read.h"

#define SERIAL_WORD	"serial"
#define TIMING_TEXT_MAX 256

static const struct {
	const char *word;
	uint32_t timing_ms[MIG_SIM_OPERATION_COUNT];
} profiles[] = {
	{"zero", {0}},
	/* Measured nowhere: plausible round numbers (docs/simulator.md). */
	{"realistic",
	 {
		 [MIG_SIM_OPERATION_CREATE] = 150,
		 [MIG_SIM_OPERATION_DESTROY] = 100,
		 [MIG_SIM_OPERATION_MODE_CHANGE] = 2000,
		 [MIG_SIM_OPERATION_RESET] = 5000,
	 }},
};

static const char *const operation_keys[MIG_SIM_OPERATION_COUNT] = {
	[MIG_SIM_OPERATION_CREATE] = "create_ms",
	[MIG_SIM_OPERATION_DESTROY] = "destroy_ms",
	[MIG_SIM_OPERATION_MODE_CHANGE] = "mode_change_ms",
	[MIG_SIM_OPERATION_RESET] = "reset_ms",
};

static int set_word(struct mig_sim_node_desc *node, const char *word, struct mig_error **err)
{
	const char *known[MIG_ARRAY_SIZE(profiles) + 1];

	for (size_t i = 0; i < MIG_ARRAY_SIZE(profiles); i++) {
		known[i] = profiles[i].word;
		if (strcmp(word, profiles[i].word) != 0)
			continue;
		memcpy(node->timing_ms, profiles[i].timing_ms, sizeof(node->timing_ms));
		return 0;
	}
	if (strcmp(word, SERIAL_WORD) == 0) {
		node->is_serial = 1;
		return 0;
	}
	known[MIG_ARRAY_SIZE(profiles)] = SERIAL_WORD;
	mig_error_set(err, MIG_ERROR_REFUSED, "unknown timing '%s'", word);
	/* The beginning of a word is nearer than any other word of its length. */
	for (size_t i = 0; *word && i < MIG_ARRAY_SIZE(known); i++) {
		if (strncmp(word, known[i], strlen(word)) == 0)
			word = known[i];
	}
	return mig_sim_hint_words(err, word, known, MIG_ARRAY_SIZE(known));
}

int mig_sim_description_set_timing(struct mig_sim_description *d, const char *timing,
				   struct mig_error **err)
{
	struct mig_sim_node_desc chosen = d->node;
	char copy[TIMING_TEXT_MAX];
	char *rest = copy;
	char *word;

	if (!mig_text_copy(copy, sizeof(copy), timing))
		return mig_error_set(err, MIG_ERROR_REFUSED, "timing in more than %d characters",
				     TIMING_TEXT_MAX - 1);
	memset(chosen.timing_ms, 0, sizeof(chosen.timing_ms));
	chosen.is_serial = 0;
	while ((word = strsep(&rest, ","))) {
		if (set_word(&chosen, word, err))
			return -1;
	}
	memcpy(d->node.timing_ms, chosen.timing_ms, sizeof(chosen.timing_ms));
	d->node.is_serial = chosen.is_serial;
	return 0;
}

int mig_sim_timing_from_json(struct mig_sim_description *d, json_t *value, struct mig_error **err)
{
	const char *keys[MIG_SIM_OPERATION_COUNT + 1];
	json_t *serial;
	const char *text;

	if (json_is_string(value)) {
		if (mig_json_read_text("", "timing", value, &text, err))
			return -1;
		return mig_sim_description_set_timing(d, text, err) ? mig_error_wrap(err, "timing")
								    : 0;
	}
	memcpy(keys, operation_keys, sizeof(operation_keys));
	keys[MIG_SIM_OPERATION_COUNT] = SERIAL_WORD;
	if (mig_json_check_object("timing", value, keys, MIG_ARRAY_SIZE(keys), err))
		return -1;
	for (size_t i = 0; i < MIG_SIM_OPERATION_COUNT; i++) {
		json_t *member = json_object_get(value, operation_keys[i]);
		uint64_t ms;

		if (!member)
			continue;
		if (mig_json_read_uint("timing", operation_keys[i], member, 0,
				       MIG_SIM_OPERATION_MS_MAX, &ms, err))
			return -1;
		d->node.timing_ms[i] = (uint32_t)ms;
	}
	serial = json_object_get(value, SERIAL_WORD);
	return serial ? mig_json_read_bool("timing", SERIAL_WORD, serial, &d->node.is_serial, err)
		      : 0;
}

void mig_sim_timing_write(const struct mig_sim_node_desc *node, struct mig_json *json)
{
	mig_json_key(json, "timing");
	mig_json_object_begin(json);
	for (size_t i = 0; i < MIG_SIM_OPERATION_COUNT; i++)
		mig_json_member_uint(json, operation_keys[i], node->timing_ms[i]);
	mig_json_member_bool(json, SERIAL_WORD, node->is_serial);
	mig_json_object_end(json);
}

const char *mig_sim_timing_word(const struct mig_sim_node_desc *node)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(profiles); i++) {
		if (memcmp(node->timing_ms, profiles[i].timing_ms, sizeof(node->timing_ms)) == 0)
			return profiles[i].word;
	}
	return "custom";
}
