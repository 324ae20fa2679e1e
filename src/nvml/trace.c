/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting calls: a driver that forwards everything to the one below.
 *
 * Generated from MIG_NVML_SYMBOLS. The counters are relaxed atomics: GPUs are changed by several
 * threads, and nothing is ordered by a count.
 */
#include "nvml/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "shared/file.h"
#include "shared/json_writer.h"

#define COUNT_FILE_MAX (64 * 1024)

struct trace {
	uint64_t count[MIG_NVML_SYM_COUNT];
	int fd; /* where the counts go at the end; -1 for nowhere */
};

static void note_call(const struct mig_driver *driver, enum mig_nvml_symbol symbol)
{
	struct trace *trace = driver->cookie;

	__atomic_fetch_add(&trace->count[symbol], 1, __ATOMIC_RELAXED);
}

#define DEFINE_CALL(symbol, need, branch, effect, older, params, args)             \
	static nvmlReturn_t trace_##symbol(const struct mig_driver *driver,        \
					   MIG_NVML_UNWRAP params)                 \
	{                                                                          \
		note_call(driver, MIG_NVML_SYM_##symbol);                          \
		return driver->below->symbol(driver->below, MIG_NVML_UNWRAP args); \
	}
#define DEFINE_PLAIN(symbol, need, branch, effect)                          \
	static nvmlReturn_t trace_##symbol(const struct mig_driver *driver) \
	{                                                                   \
		note_call(driver, MIG_NVML_SYM_##symbol);                   \
		return driver->below->symbol(driver->below);                \
	}
#define DEFINE_TEXT(symbol, need, branch, effect, params, args)                                    \
	static const char *trace_##symbol(const struct mig_driver *driver, MIG_NVML_UNWRAP params) \
	{                                                                                          \
		note_call(driver, MIG_NVML_SYM_##symbol);                                          \
		return driver->below->symbol(driver->below, MIG_NVML_UNWRAP args);                 \
	}
MIG_NVML_SYMBOLS(DEFINE_CALL, DEFINE_PLAIN, DEFINE_TEXT)

void mig_driver_trace_counts(const struct mig_driver *driver, struct mig_trace_counts *counts)
{
	const struct trace *trace = driver->cookie;

	*counts = (struct mig_trace_counts){0};
	for (unsigned int i = 0; i < MIG_NVML_SYM_COUNT; i++) {
		uint64_t n = __atomic_load_n(&trace->count[i], __ATOMIC_RELAXED);

		counts->per_symbol[i] = n;
		counts->calls += n;
		if (mig_nvml_symbol_is_changing(i))
			counts->changing_calls += n;
	}
}

static int write_counts(const struct mig_driver *driver, int fd)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(COUNT_FILE_MAX);
	struct mig_trace_counts counts;
	struct mig_json json;

	mig_driver_trace_counts(driver, &counts);
	mig_json_init(&json, &text);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", "migctl.nvml-count/1");
	mig_json_member_uint(&json, "calls", counts.calls);
	mig_json_member_uint(&json, "changing_calls", counts.changing_calls);
	mig_json_key(&json, "functions");
	mig_json_object_begin(&json);
	for (unsigned int i = 0; i < MIG_NVML_SYM_COUNT; i++)
		if (counts.per_symbol[i] > 0)
			mig_json_member_uint(&json, mig_nvml_symbol_name(i), counts.per_symbol[i]);
	mig_json_object_end(&json);
	mig_json_object_end(&json);
	if (mig_json_finish(&json) < 0) {
		errno = ENOMEM;
		return -1;
	}
	return mig_write_all(fd, text.data, text.len);
}

static int trace_close(struct mig_driver *driver)
{
	struct trace *trace = driver->cookie;
	int saved_errno = 0;

	if (trace->fd >= 0) {
		if (write_counts(driver, trace->fd) < 0)
			saved_errno = errno;
		if (close(trace->fd) < 0 && saved_errno == 0)
			saved_errno = errno;
	}
	if (mig_driver_close(driver->below) < 0 && saved_errno == 0)
		saved_errno = errno;
	free(trace);
	driver->cookie = NULL;
	driver->below = NULL;
	if (saved_errno == 0)
		return 0;
	errno = saved_errno;
	return -1;
}

static void fill_vtable(struct mig_driver *driver)
{
	memcpy(driver->has, driver->below->has, sizeof(driver->has));
#define FILL(symbol, ...) driver->symbol = trace_##symbol;
	MIG_NVML_SYMBOLS(FILL, FILL, FILL)
#undef FILL
}

int mig_driver_trace(struct mig_driver **driver, const char *path, struct mig_error **err)
{
	_cleanup_free_ struct trace *trace = calloc(1, sizeof(*trace));
	_cleanup_free_ struct mig_driver *top = calloc(1, sizeof(*top));

	if (trace == NULL || top == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	trace->fd = -1;
	if (path != NULL) {
		trace->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (trace->fd < 0)
			return mig_error_set_errno(
				err, errno, "cannot open '%s' for the counts of NVML calls", path);
	}
	top->name = (*driver)->name;
	top->below = *driver;
	top->close = trace_close;
	fill_vtable(top);
	top->cookie = MIG_TAKE_PTR(trace);
	*driver = MIG_TAKE_PTR(top);
	return 0;
}

int mig_driver_trace_from_env(struct mig_driver **driver, struct mig_error **err)
{
	const char *path = secure_getenv(MIG_NVML_COUNT_ENV);

	if (path == NULL)
		return 0;
	return mig_driver_trace(driver, path, err);
}
