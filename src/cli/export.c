/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl export: the present layout as a configuration.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/look.h"
#include "cli/session.h"
#include "config/export.h"
#include "config/write.h"
#include "shared/text.h"

#define OUTPUT_MAX (16 * 1024 * 1024)

const struct mig_option mig_cmd_export_options[] = {
	{"output-format", 'o', "FORMAT", "v1 (the default), parted or parted-json"},
	{"config-label", 'l', "LABEL", "the label of the layout (default: current)"},
	{"generate", 'g', NULL, "write what these GPUs could look like, not what they do"},
	{NULL, 0, NULL, NULL},
};

/* One FORMAT: its name, and how the configuration is made and written. */
struct format {
	const char *name;
	enum mig_config_format format;
	bool is_exact;
};

static const struct format formats[] = {
	{"v1", MIG_CONFIG_FORMAT_V1, true},
	{"parted", MIG_CONFIG_FORMAT_PARTED_YAML, false},
	{"parted-json", MIG_CONFIG_FORMAT_PARTED_JSON, false},
};

static const struct format *find_format(const char *name, struct mig_error **err)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(formats); i++) {
		if (name == NULL || strcmp(formats[i].name, name) == 0)
			return &formats[i];
	}
	mig_error_set(err, MIG_ERROR_USAGE, "option '--output-format': there is no format '%s'",
		      name);
	mig_error_hint(err, "there are: v1, parted, parted-json");
	return NULL;
}

static int make(const struct mig_invocation *inv, const struct mig_snapshot *snapshot,
		const struct format *format, struct mig_config **config, struct mig_error **err)
{
	const char *label = mig_option_value(inv, "config-label");

	if (label == NULL)
		label = "current";
	if (mig_option_given(inv, "generate"))
		return mig_config_generate(snapshot, config, err);
	if (format->is_exact)
		return mig_config_export_v1(snapshot, label, config, err);
	return mig_config_export_parted(snapshot, label, config, err);
}

int mig_cmd_export_run(const struct mig_invocation *inv, struct mig_error **err)
{
	const struct format *format = find_format(mig_option_value(inv, "output-format"), err);
	_cleanup_session_ struct mig_session session = {0};
	_cleanup_snapshot_ struct mig_snapshot *snapshot = NULL;
	_cleanup_config_ struct mig_config *config = NULL;
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(OUTPUT_MAX);

	if (format == NULL || mig_session_open(&session, err) < 0)
		return -1;
	if (mig_snapshot_read(&session.ctx, 0, &snapshot, err) < 0)
		return mig_session_explain(&session, err);
	if (make(inv, snapshot, format, &config, err) < 0 ||
	    mig_config_write(config, format->format, &out, err) < 0)
		return -1;
	mig_look_warn_unfinished(&session);
	/* nvidia-mig-parted's JSON ends without a newline; on a terminal and in a file it has one. */
	if (out.len > 0 && mig_buf_text(&out)[out.len - 1] != '\n')
		mig_buf_putc(&out, '\n');
	fwrite(mig_buf_text(&out), 1, out.len, stdout);
	return MIG_EXIT_OK;
}
