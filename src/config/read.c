/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of a configuration file: which format it is. See config.h.
 */
#include "config/config.h"

#include <string.h>

#include "config/entry_parts.h"
#include "shared/file.h"

static const struct format {
	const char *version;
	const char *labels; /* the name of the other field */
	mig_entry_reader *read_entry;
	bool is_strict; /* refuses what nvidia-mig-parted takes: keys twice, GPUs twice */
} formats[] = {
	{"v1", "mig-configs", mig_entry_read_parted, false},
	{"migctl/v1", "layouts", mig_entry_read_v1, true},
};

/* The value of `version`: the last one counts. */
static int find_version(struct mig_yaml *yaml, const yaml_node_t *root, const yaml_node_t **version)
{
	static const char *const known[] = {"version", "mig-configs", "layouts"};
	struct mig_yaml_pairs pairs;

	*version = NULL;
	if (mig_yaml_pairs(yaml, root, &pairs) < 0)
		return -1;
	for (size_t i = 0; i < pairs.count; i++) {
		const yaml_node_t *key = mig_yaml_node(yaml, pairs.list[i].key);
		const char *text = mig_yaml_key(key);

		if (text == NULL)
			return mig_yaml_error(yaml, key, "a field name is expected here");
		if (strcmp(text, known[0]) == 0)
			*version = mig_yaml_node(yaml, pairs.list[i].value);
		else if (strcmp(text, known[1]) != 0 && strcmp(text, known[2]) != 0)
			return mig_yaml_unknown_field(yaml, key, known, MIG_ARRAY_SIZE(known));
	}
	return 0;
}

static const struct format *find_format(struct mig_yaml *yaml, const yaml_node_t *root)
{
	static const char hint[] = "v1 is nvidia-mig-parted's format, migctl/v1 is migctl's own";
	const yaml_node_t *version;
	const char *text;

	if (find_version(yaml, root, &version) < 0)
		return NULL;
	if (version == NULL) {
		mig_yaml_error(yaml, root, "missing field 'version'");
		mig_error_hint(yaml->err, hint);
		return NULL;
	}
	text = mig_yaml_text(version);
	for (size_t i = 0; text != NULL && i < MIG_ARRAY_SIZE(formats); i++) {
		if (strcmp(text, formats[i].version) == 0)
			return &formats[i];
	}
	mig_yaml_error(yaml, version, "unknown version '%s', known are 'v1' and 'migctl/v1'",
		       text != NULL ? mig_yaml_shown(yaml, text) : "");
	mig_error_hint(yaml->err, hint);
	return NULL;
}

static int read_document(struct mig_yaml *yaml, struct mig_config *config)
{
	const struct mig_position start = {1, 1};
	const yaml_node_t *root = mig_yaml_root(yaml);
	const struct format *format;
	const char *names[2] = {"version"};
	const yaml_node_t *values[2];

	if (root == NULL)
		return mig_position_error(yaml->err, yaml->source, start, "the file is empty");
	if (root->type != YAML_MAPPING_NODE)
		return mig_yaml_error(yaml, root,
				      "a mapping with 'version' and the layouts is expected");
	format = find_format(yaml, root);
	if (format == NULL)
		return -1;
	yaml->refuses_duplicates = format->is_strict;
	config->names_gpus_once = format->is_strict;
	names[1] = format->labels;
	if (mig_yaml_fields(yaml, root, names, 2, values) < 0)
		return -1;
	if (values[1] == NULL)
		return mig_yaml_error(yaml, root, "missing field '%s'", format->labels);
	return mig_entry_read_labels(yaml, format->labels, values[1], format->read_entry, config);
}

int mig_config_parse(const char *source, const void *bytes, size_t len, struct mig_config **out,
		     struct mig_error **err)
{
	_cleanup_config_ struct mig_config *config = mig_config_new(source);
	struct mig_yaml yaml;
	int rc;

	if (config == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	rc = mig_yaml_load(&yaml, source, bytes, len, err);
	if (rc == 0)
		rc = read_document(&yaml, config);
	mig_yaml_clear(&yaml);
	if (rc == 0)
		*out = MIG_TAKE_PTR(config);
	return rc;
}

int mig_config_read(const char *path, struct mig_config **out, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_CONFIG_FILE_MAX);

	if (mig_file_read(path, &text, err) < 0)
		return -1;
	return mig_config_parse(strcmp(path, "-") == 0 ? "standard input" : path,
				mig_buf_text(&text), text.len, out, err);
}
