/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations as text: a model in, bytes out, in a stable order.
 *
 * In nvidia-mig-parted's format the bytes are those of its own `export`: lists in flow style, list
 * items not indented, names in natural order (1g.5gb before 1g.10gb) in YAML and by bytes in JSON,
 * which has no newline at the end.
 */
#pragma once

#include "config/config.h"
#include "shared/buf.h"

enum mig_config_format {
	MIG_CONFIG_FORMAT_PARTED_YAML,
	MIG_CONFIG_FORMAT_PARTED_JSON,
	MIG_CONFIG_FORMAT_V1,
};

/*
 * Appends the document. Of labels with one name the last is written. Returns 0, or -1 with *err:
 * REFUSED when the format cannot say it (places, instances, totals, GPUs by UUID or address in
 * nvidia-mig-parted's), and FAILED when the buffer is full.
 */
int mig_config_write(const struct mig_config *config, enum mig_config_format format,
		     struct mig_buf *out, struct mig_error **err) MIG_MUST_CHECK;
