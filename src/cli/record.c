/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl record: the present machine as a node description in a file.
 *
 * The file is written whole or not at all. What could not be read is said on stderr, in the words
 * that the file has, too.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "record/record.h"
#include "shared/file.h"
#include "shared/text.h"

#define FILE_MODE      0644
#define LINE_MAX_BYTES 4096

const struct mig_option mig_cmd_record_options[] = {
	{"force", 0, NULL, "replace FILE if it is there"},
	{"keep-ids", 0, NULL, "keep the UUIDs of the GPUs"},
	{NULL, 0, NULL, NULL},
};

/* Refuses before anything is read what could not be written afterwards. */
static int check_file(const char *path, bool force, struct mig_error **err)
{
	struct stat st;

	if (path[0] == '\0')
		return mig_error_set(err, MIG_ERROR_USAGE, "the name of the file is empty");
	if (lstat(path, &st)) {
		if (errno == ENOENT)
			return 0;
		return mig_error_set_errno(err, errno, "cannot write '%s'", path);
	}
	if (!S_ISREG(st.st_mode))
		return mig_error_set(err, MIG_ERROR_REFUSED, "'%s' is not a regular file", path);
	if (force)
		return 0;
	mig_error_set(err, MIG_ERROR_REFUSED, "'%s' is there already", path);
	return mig_error_hint(err, "take another name, or replace it with --force");
}

/* A line on stderr; what the driver says is foreign text. */
static void say_line(const char *fmt, ...) MIG_PRINTF(1, 2);
static void say_line(const char *fmt, ...)
{
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(LINE_MAX_BYTES);
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(4 * LINE_MAX_BYTES);
	va_list args;

	va_start(args, fmt);
	mig_buf_vprintf(&line, fmt, args);
	va_end(args);
	mig_text_escape_message(&shown, mig_buf_text(&line));
	fprintf(stderr, "%s\n", mig_buf_text(&shown));
}

static void say(const struct mig_recording *recording, const char *path)
{
	const uint32_t count = recording->description->node.gpu_count;

	for (size_t i = 0; i < recording->not_read_count; i++) {
		const struct mig_sim_not_read *entry = &recording->not_read[i];

		say_line("not read: %s: %s; instead: %s", entry->what, entry->why, entry->instead);
	}
	say_line("recorded %u %s%s%s", count, count == 1 ? "GPU" : "GPUs", path ? " to " : "",
		 path ? path : "");
}

/* Whether `sim create` takes the file as it is; a machine can have what cannot be simulated. */
static void check_replay(const struct mig_buf *document)
{
	_cleanup_(mig_cleanup_description) struct mig_sim_description *d = NULL;
	_cleanup_error_ struct mig_error *problem = NULL;

	if (mig_sim_describe_text("replay", "this recording", document, NULL, &d, &problem) == 0)
		return;
	say_line("migctl: no node can be made of the recording as it is: %s",
		 mig_error_message(problem));
}

static int write_out(const char *path, bool force, const struct mig_buf *document,
		     struct mig_error **err)
{
	if (strcmp(path, "-") == 0) {
		if (mig_write_all(STDOUT_FILENO, mig_buf_text(document), document->len))
			return mig_error_set_errno(err, errno, "cannot write to standard output");
		return 0;
	}
	if (force)
		return mig_file_write_durable(path, mig_buf_text(document), document->len,
					      FILE_MODE, err);
	return mig_file_create_durable(path, mig_buf_text(document), document->len, FILE_MODE, err);
}

int mig_cmd_record_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf document = MIG_BUF_INIT(MIG_SIM_DESCRIPTION_SIZE_MAX);
	_cleanup_recording_ struct mig_recording *recording = NULL;
	_cleanup_session_ struct mig_session session = {0};
	const char *path = inv->args[0];
	const bool to_stdout = strcmp(path, "-") == 0;
	const bool force = mig_option_given(inv, "force");
	struct mig_record_options options = {.keep_ids = mig_option_given(inv, "keep-ids")};

	if (!to_stdout && check_file(path, force, err))
		return -1;
	if (mig_session_open(&session, err))
		return -1;
	options.host_root = session.guard.host_root;
	if (mig_record_read(session.driver, &options, &recording, err) ||
	    mig_record_write(recording, &document, err) || write_out(path, force, &document, err))
		return -1;
	check_replay(&document);
	say(recording, to_stdout ? NULL : path);
	return MIG_EXIT_OK;
}
