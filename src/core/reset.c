/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resetting GPUs; see reset.h.
 */
#include "core/reset.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "shared/program.h"
#include "shared/text.h"

#define OUTPUT_MAX 4096 /* of the program; enough for its last words */
#define LIST_MAX   (64 * 1024)

/* The program's last line that says something, for the error. */
static void put_last_words(const struct mig_buf *output, struct mig_buf *words)
{
	const char *text = mig_buf_text(output);
	const char *end = text + output->len;
	const char *begin;
	_cleanup_free_ char *line = NULL;

	while (end > text && (end[-1] == '\n' || end[-1] == ' '))
		end--;
	for (begin = end; begin > text && begin[-1] != '\n';)
		begin--;
	line = strndup(begin, (size_t)(end - begin));
	if (line == NULL || line[0] == '\0')
		return;
	mig_buf_puts(words, ": ");
	mig_text_escape_terminal(words, line);
}

static int reset_by_program(void *cookie, const struct mig_context *ctx,
			    const char *const *gpu_uuids, unsigned int count,
			    struct mig_error **err)
{
	const char *command = cookie != NULL ? cookie : MIG_RESET_PROGRAM;
	_cleanup_buf_ struct mig_buf list = MIG_BUF_INIT(LIST_MAX);
	_cleanup_buf_ struct mig_buf output = MIG_BUF_INIT(OUTPUT_MAX);
	_cleanup_buf_ struct mig_buf why = MIG_BUF_INIT(2 * OUTPUT_MAX);
	const char *argv[] = {command, "-r", "-i", NULL, NULL};
	struct mig_program program = {.argv = argv,
				      .output = &output,
				      .is_interrupted = ctx->is_interrupted,
				      .cookie = ctx->interrupt_cookie};
	int status = 0;

	for (unsigned int i = 0; i < count; i++)
		mig_buf_printf(&list, "%s%s", i > 0 ? "," : "", gpu_uuids[i]);
	if (mig_buf_failed(&list))
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	argv[3] = mig_buf_text(&list);
	if (mig_program_run(&program, &status, err) < 0)
		return mig_error_wrap(err, "cannot reset GPUs");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	mig_program_describe_status(status, &why);
	put_last_words(&output, &why);
	return mig_error_set(err, MIG_ERROR_FAILED, "'%s -r' could not reset: %s", command,
			     mig_buf_text(&why));
}

const struct mig_reset_port mig_reset_by_program = {
	.reset = reset_by_program,
};

/* Handles of a library that was started anew. */
static int find_handles(const struct mig_context *ctx, struct mig_snapshot *snapshot,
			struct mig_error **err)
{
	const struct mig_driver *driver = ctx->driver;

	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		struct mig_gpu *gpu = &snapshot->gpus[i];
		nvmlReturn_t code;

		if (gpu->is_lost)
			continue;
		code = driver->nvmlDeviceGetHandleByUUID(driver, gpu->uuid, &gpu->handle);
		if (code == NVML_ERROR_FUNCTION_NOT_FOUND)
			code = driver->nvmlDeviceGetHandleByIndex_v2(driver, gpu->index,
								     &gpu->handle);
		if (code != NVML_SUCCESS)
			return mig_driver_error(err, driver, code,
						"cannot find GPU %u after a reset", gpu->index);
	}
	return 0;
}

int mig_reset_gpus(const struct mig_context *ctx, struct mig_snapshot *snapshot,
		   const unsigned int *positions, unsigned int count, struct mig_error **err)
{
	_cleanup_free_ const char **uuids = calloc((size_t)count + 1, sizeof(*uuids));
	_cleanup_error_ struct mig_error *why = NULL;
	nvmlReturn_t code;
	int rc;

	if (uuids == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	for (unsigned int i = 0; i < count; i++)
		uuids[i] = snapshot->gpus[positions[i]].uuid;
	code = ctx->driver->nvmlShutdown(ctx->driver);
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, ctx->driver, code,
					"cannot let go of the GPUs for a reset");
	rc = ctx->reset_port->reset(ctx->reset_port->cookie, ctx, uuids, count, &why);
	code = ctx->driver->nvmlInitWithFlags(ctx->driver, 0);
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, ctx->driver, code,
					"cannot start the driver library after a reset");
	if (find_handles(ctx, snapshot, rc < 0 ? NULL : &why) < 0)
		rc = -1;
	if (rc < 0)
		mig_error_move(err, &why);
	return rc;
}
