/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration file "c.yaml" that is to be read, or refused with a message: for the tests of
 * config/config.h, in both formats. Only what they share; the cases are the tests'.
 */
#pragma once

#include <stddef.h>

#include "config/config.h"

/* Reads a file that is right; ends the test if it is refused. The caller frees the configuration
 * (mig_config_free). */
struct mig_config *config_taken_bytes(const void *bytes, size_t len);
struct mig_config *config_taken(const char *text);

/* Reads a file that is wrong; ends the test if it is taken, or if it is not refused as a mistake in a
 * configuration, with exactly this message and a hint with this in it (NULL: none). */
void config_refused_bytes(const void *bytes, size_t len, const char *message, const char *hint);
void config_refused(const char *text, const char *message, const char *hint);
