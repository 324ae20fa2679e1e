/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files that are read or refused; see config_case.h.
 */
#include "tests/unit/config_case.h"

#include <string.h>

#include "tests/harness/test.h"

struct mig_config *config_taken_bytes(const void *bytes, size_t len)
{
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	if (mig_config_parse("c.yaml", bytes, len, &config, &err) < 0)
		MIG_FAIL("refused: %s", mig_error_message(err));
	MIG_ASSERT(err == NULL && config != NULL);
	return config;
}

struct mig_config *config_taken(const char *text)
{
	return config_taken_bytes(text, strlen(text));
}

void config_refused_bytes(const void *bytes, size_t len, const char *message, const char *hint)
{
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_MSG(mig_config_parse("c.yaml", bytes, len, &config, &err) == -1,
		       "not refused; wanted: %s", message);
	MIG_ASSERT(config == NULL);
	MIG_ASSERT_STR_EQ(mig_error_message(err), message);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_CONFIG);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_REFUSED);
	if (hint == NULL)
		MIG_ASSERT_STR_EQ(mig_error_hint_text(err), NULL);
	else
		MIG_ASSERT_CONTAINS(mig_error_hint_text(err), hint);
	mig_error_free(err);
}

void config_refused(const char *text, const char *message, const char *hint)
{
	config_refused_bytes(text, strlen(text), message, hint);
}
