/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults in words. Knows the names of functions and codes, and no node.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "nvml/nvml_abi.h"
#include "shared/nearest.h"
#include "shared/number.h"
#include "shared/text.h"
#include "sim/control/fault.h"
#include "sim/fault/functions.h"

#define SHOWN_MAX     1024
#define FUNCTIONS_MAX 1024
#define FORMS                                                                                \
	"a fault is FUNCTION[:N[+]]=CODE, …=hang, …=kill, lost, xid=N or ecc=corrected|" \
	"uncorrected[:N]"

#define ROW(name)                        \
	{                                \
#name, NVML_ERROR_##name \
	}
static const struct {
	const char *name;
	uint32_t code;
} codes[] = {
	{"SUCCESS", NVML_SUCCESS},
	ROW(UNINITIALIZED),
	ROW(INVALID_ARGUMENT),
	ROW(NOT_SUPPORTED),
	ROW(NO_PERMISSION),
	ROW(ALREADY_INITIALIZED),
	ROW(NOT_FOUND),
	ROW(INSUFFICIENT_SIZE),
	ROW(INSUFFICIENT_POWER),
	ROW(DRIVER_NOT_LOADED),
	ROW(TIMEOUT),
	ROW(IRQ_ISSUE),
	ROW(LIBRARY_NOT_FOUND),
	ROW(FUNCTION_NOT_FOUND),
	ROW(CORRUPTED_INFOROM),
	ROW(GPU_IS_LOST),
	ROW(RESET_REQUIRED),
	ROW(OPERATING_SYSTEM),
	ROW(LIB_RM_VERSION_MISMATCH),
	ROW(IN_USE),
	ROW(MEMORY),
	ROW(NO_DATA),
	ROW(VGPU_ECC_NOT_SUPPORTED),
	ROW(INSUFFICIENT_RESOURCES),
	ROW(FREQ_NOT_SUPPORTED),
	ROW(ARGUMENT_VERSION_MISMATCH),
	ROW(DEPRECATED),
	ROW(NOT_READY),
	ROW(GPU_NOT_FOUND),
	ROW(INVALID_STATE),
	ROW(UNKNOWN),
};
#undef ROW

static const char *const action_words[MIG_SIM_FAULT_ACTION_COUNT] = {
	[MIG_SIM_FAULT_RETURN] = "return",
	[MIG_SIM_FAULT_HANG] = "hang",
	[MIG_SIM_FAULT_KILL] = "kill",
};

const char *mig_sim_fault_code_name(uint32_t code)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(codes); i++) {
		if (codes[i].code == code)
			return codes[i].name;
	}
	return NULL;
}

const char *mig_sim_fault_function_at(unsigned int number)
{
	return number < mig_sim_function_count ? mig_sim_functions[number].name : NULL;
}

const char *mig_sim_fault_code_name_at(unsigned int number)
{
	return number < MIG_ARRAY_SIZE(codes) ? codes[number].name : NULL;
}

const char *mig_sim_fault_action_word(unsigned int action)
{
	return action < MIG_SIM_FAULT_ACTION_COUNT ? action_words[action] : "?";
}

void mig_sim_fault_describe(const struct mig_sim_fault *rule, struct mig_buf *out)
{
	mig_buf_puts(out, rule->function);
	if (rule->is_from && rule->call == 1)
		mig_buf_puts(out, ", every call: ");
	else
		mig_buf_printf(out, ", call %" PRIu64 "%s: ", rule->call,
			       rule->is_from ? " and later" : "");
	if (rule->action != MIG_SIM_FAULT_RETURN)
		mig_buf_puts(out, mig_sim_fault_action_word(rule->action));
	else if (mig_sim_fault_code_name(rule->code))
		mig_buf_puts(out, mig_sim_fault_code_name(rule->code));
	else
		mig_buf_printf(out, "%" PRIu32, rule->code);
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* A part of the text, shown in an error. */
static int complain(struct mig_error **err, const char *what, const char *text, size_t len,
		    const char *nearest)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(SHOWN_MAX);
	_cleanup_free_ char *part = strndup(text, len);

	mig_text_escape_terminal(&shown, part ? part : "");
	mig_error_set(err, MIG_ERROR_USAGE, nearest ? "%s '%s', did you mean '%s'?" : "%s '%s'",
		      what, mig_buf_text(&shown), nearest);
	return mig_error_hint(err, FORMS);
}

static int unknown_function(const char *text, size_t len, struct mig_error **err)
{
	_cleanup_free_ char *word = strndup(text, len);
	const char *names[FUNCTIONS_MAX];
	size_t count = MIG_MIN((size_t)mig_sim_function_count, (size_t)FUNCTIONS_MAX);
	int nearest;

	if (word && strcmp(word, "nvmlErrorString") == 0)
		return complain(err, "a call of this function cannot go wrong:", text, len, NULL);
	for (size_t i = 0; i < count; i++)
		names[i] = mig_sim_functions[i].name;
	nearest = word ? mig_nearest(word, names, count) : -1;
	return complain(err, "NVML has no function", text, len,
			nearest >= 0 ? names[nearest] : NULL);
}

/* "FUNCTION[:N[+]]", of `len` bytes. */
static int read_function(const char *text, size_t len, struct mig_sim_fault *rule,
			 struct mig_error **err)
{
	const char *colon = memchr(text, ':', len);
	size_t name_len = colon ? (size_t)(colon - text) : len;
	size_t digits;

	for (unsigned int i = 0; i < mig_sim_function_count; i++) {
		const char *name = mig_sim_functions[i].name;

		if (strlen(name) == name_len && strncmp(name, text, name_len) == 0)
			mig_text_copy(rule->function, sizeof(rule->function), name);
	}
	if (rule->function[0] == '\0')
		return unknown_function(text, name_len, err);
	rule->call = 1;
	rule->is_from = 1;
	if (!colon)
		return 0;
	digits = len - name_len - 1;
	rule->is_from = digits > 0 && text[len - 1] == '+';
	digits -= rule->is_from;
	if (mig_parse_u64_n(colon + 1, digits, 1, MIG_SIM_FAULT_NUMBER_MAX, &rule->call))
		return complain(err, "not the number of a call (1, 2, …):", colon + 1,
				len - name_len - 1, NULL);
	return 0;
}

static int read_action(const char *text, struct mig_sim_fault *rule, struct mig_error **err)
{
	static const char *const prefixes[] = {"NVML_ERROR_", "NVML_"};
	const char *names[MIG_ARRAY_SIZE(codes) + 2] = {"hang", "kill"};
	const char *name = text;
	uint64_t number;
	int nearest;

	for (unsigned int i = MIG_SIM_FAULT_HANG; i < MIG_SIM_FAULT_ACTION_COUNT; i++) {
		if (strcmp(text, action_words[i]) == 0) {
			rule->action = (uint8_t)i;
			return 0;
		}
	}
	rule->action = MIG_SIM_FAULT_RETURN;
	if (mig_parse_u64(text, 0, NVML_ERROR_UNKNOWN, &number) == 0) {
		rule->code = (uint32_t)number;
		return 0;
	}
	for (size_t i = 0; i < MIG_ARRAY_SIZE(prefixes) && name == text; i++) {
		if (strncasecmp(text, prefixes[i], strlen(prefixes[i])) == 0)
			name += strlen(prefixes[i]);
	}
	for (size_t i = 0; i < MIG_ARRAY_SIZE(codes); i++) {
		names[i + 2] = codes[i].name;
		if (strcasecmp(name, codes[i].name) == 0) {
			rule->code = codes[i].code;
			return 0;
		}
	}
	nearest = mig_nearest(name, names, MIG_ARRAY_SIZE(names));
	return complain(err, "neither a code of NVML nor 'hang' or 'kill':", text, strlen(text),
			nearest >= 0 ? names[nearest] : NULL);
}

static int read_ecc(const char *text, struct mig_sim_fault_request *out, struct mig_error **err)
{
	static const char *const words[] = {"corrected", "uncorrected"};
	size_t len = strcspn(text, ":");
	_cleanup_free_ char *word = strndup(text, len);
	int nearest;

	out->kind = MIG_SIM_FAULT_ECC;
	out->number = 1;
	for (size_t i = 0; i < MIG_ARRAY_SIZE(words); i++) {
		if (strlen(words[i]) != len || strncmp(words[i], text, len) != 0)
			continue;
		out->is_uncorrected = i == 1;
		if (!text[len] ||
		    mig_parse_u64(text + len + 1, 1, MIG_SIM_FAULT_NUMBER_MAX, &out->number) == 0)
			return 0;
		return complain(err, "not a number of memory errors (1, 2, …):", text + len + 1,
				strlen(text + len + 1), NULL);
	}
	nearest = word ? mig_nearest(word, words, MIG_ARRAY_SIZE(words)) : -1;
	return complain(err, "no kind of memory error:", text, len,
			nearest >= 0 ? words[nearest] : NULL);
}

int mig_sim_fault_read(const char *text, struct mig_sim_fault_request *out, struct mig_error **err)
{
	static const char *const words[] = {"lost", "xid=N", "ecc=corrected", "ecc=uncorrected"};
	const char *equals = strchr(text, '=');

	*out = (struct mig_sim_fault_request){.kind = MIG_SIM_FAULT_CALL};
	if (strcmp(text, "lost") == 0) {
		out->kind = MIG_SIM_FAULT_LOST;
		return 0;
	}
	if (!equals || equals[1] == '\0') {
		const size_t len = strcspn(text, ":=");
		_cleanup_free_ char *word = strndup(text, len);
		int nearest = word ? mig_nearest(word, words, MIG_ARRAY_SIZE(words)) : -1;

		return complain(err, "it is not said what is to happen:", text, strlen(text),
				nearest >= 0 ? words[nearest] : NULL);
	}
	if (strncmp(text, "ecc=", 4) == 0)
		return read_ecc(equals + 1, out, err);
	if (strncmp(text, "xid=", 4) == 0) {
		out->kind = MIG_SIM_FAULT_XID;
		if (mig_parse_u64(equals + 1, 1, MIG_SIM_FAULT_NUMBER_MAX, &out->number))
			return complain(err, "not the number of an XID (1, 2, …):", equals + 1,
					strlen(equals + 1), NULL);
		return 0;
	}
	if (read_function(text, (size_t)(equals - text), &out->rule, err))
		return -1;
	return read_action(equals + 1, &out->rule, err);
}
