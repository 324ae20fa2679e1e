/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the writers of configurations share: names in order and in quotation marks.
 */
#pragma once

#include "config/config.h"
#include "shared/buf.h"

/* In double quotation marks, with escapes that JSON and YAML have in common. */
void mig_write_quoted(struct mig_buf *out, const char *text);

/* Plain where YAML reads a plain text as just that, else quoted. */
void mig_write_yaml_text(struct mig_buf *out, const char *text);

/* "1g.5gb" before "1g.10gb": runs of digits by their value. */
int mig_write_compare_natural(const char *a, const char *b);

/*
 * The labels to write, ordered by name: of equal names the last label of the configuration. NULL: out
 * of memory. *count is set; the array is the caller's.
 */
const struct mig_config_label **mig_write_labels(const struct mig_config *config,
						 int (*compare)(const char *, const char *),
						 size_t *count);
