/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events and faults; see events.h.
 *
 * fsync and fdatasync are replaced for the whole program: processes are killed here, not machines,
 * and a killed process's writes stay. pwrite is replaced so that a write is an event, too.
 */
#include "tests/torture/events.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/text.h"
#include "sim/control/control.h"
#include "tests/harness/test.h"

int fsync(int fd);
int fdatasync(int fd);

static const char *const step_names[] = {"create", "intent", "rollback", "end", "tidy"};

static struct {
	struct event_log *log; /* NULL: nothing is recorded, nothing fails */
	const struct fault *faults;
	unsigned int fault_count;
	is_kept_fn is_kept;
	void *kept_cookie;
	uint64_t now_ns;
} stream;

void events_begin(struct event_log *log, const struct fault *faults, unsigned int fault_count)
{
	log->count = 0;
	log->fired = 0;
	log->touched[0] = '\0';
	stream.log = log;
	stream.faults = faults;
	stream.fault_count = fault_count;
}

void events_end(void)
{
	stream.log = NULL;
}

void events_keep(is_kept_fn is_kept, void *cookie)
{
	stream.is_kept = is_kept;
	stream.kept_cookie = cookie;
}

static void die(void)
{
	kill(getpid(), SIGKILL);
	_exit(1);
}

static bool is_of_journal(const struct event *event)
{
	return event->kind == EVENT_STEP || event->kind == EVENT_STEP_AFTER ||
	       event->kind == EVENT_WRITE;
}

/* Whether a fault that began at an earlier event still holds for this one. */
static bool goes_on(const struct fault *fault, const struct event *event)
{
	const struct event *first = &stream.log->events[fault->at];

	if (fault->action != FAULT_FAIL && fault->action != FAULT_FAIL_AFTER)
		return false;
	if (fault->span == FAULT_FUNCTION)
		return first->kind == event->kind && first->what == event->what;
	return fault->span == FAULT_ALL && is_of_journal(first) == is_of_journal(event) &&
	       (first->kind == EVENT_RESET) == (event->kind == EVENT_RESET);
}

/* Notes an event and gives the fault that is for it; NULL: none. Kills that come before are done. */
static const struct fault *happen(enum event_kind kind, unsigned int what, bool is_changing)
{
	struct event event = {.kind = kind, .what = (uint16_t)what, .is_changing = is_changing};
	const struct fault *found = NULL;
	unsigned int at;

	if (stream.log == NULL)
		return NULL;
	at = stream.log->count++;
	if (at < EVENTS_MAX)
		stream.log->events[at] = event;
	for (unsigned int i = 0; i < stream.fault_count && found == NULL; i++) {
		const struct fault *fault = &stream.faults[i];

		if (fault->at == at || (fault->at < at && goes_on(fault, &event)))
			found = fault;
	}
	if (found == NULL)
		return NULL;
	stream.log->fired++;
	if (found->action == FAULT_KILL_BEFORE)
		die();
	return found;
}

static bool is(const struct fault *fault, enum fault_action action)
{
	return fault != NULL && fault->action == action;
}

/* ---- the driver --------------------------------------------------------------------------------- */

/* A GPU or compute instance is about to be destroyed. */
static void look_at_destroyed(const struct mig_driver *below, nvmlGpuInstance_t gi,
			      nvmlComputeInstance_t ci)
{
	nvmlComputeInstanceInfo_t ci_info = {0};
	nvmlGpuInstanceInfo_t gi_info = {0};
	char uuid[MIG_UUID_SIZE] = "";

	if (stream.is_kept == NULL || stream.log == NULL)
		return;
	if (ci != NULL && below->nvmlComputeInstanceGetInfo_v2(below, ci, &ci_info) != NVML_SUCCESS)
		return;
	gi = ci != NULL ? ci_info.gpuInstance : gi;
	if (below->nvmlGpuInstanceGetInfo(below, gi, &gi_info) != NVML_SUCCESS ||
	    below->nvmlDeviceGetUUID(below, gi_info.device, uuid, sizeof(uuid)) != NVML_SUCCESS)
		return;
	if (stream.is_kept(stream.kept_cookie, uuid, gi_info.placement.start,
			   ci != NULL ? (int)ci_info.placement.start : -1))
		mig_text_format(stream.log->touched, sizeof(stream.log->touched), "%s at %u:%u",
				uuid, gi_info.placement.start, gi_info.placement.size);
}

static nvmlReturn_t destroy_gi(const struct mig_driver *below, nvmlGpuInstance_t gi)
{
	look_at_destroyed(below, gi, NULL);
	return below->nvmlGpuInstanceDestroy(below, gi);
}

static nvmlReturn_t destroy_ci(const struct mig_driver *below, nvmlComputeInstance_t ci)
{
	look_at_destroyed(below, NULL, ci);
	return below->nvmlComputeInstanceDestroy(below, ci);
}

#define FORWARD(symbol, args) driver->below->symbol(driver->below, MIG_NVML_UNWRAP args)

#define AROUND(symbol, call)                                                           \
	do {                                                                           \
		const struct fault *fault =                                            \
			happen(EVENT_CALL, MIG_NVML_SYM_##symbol,                      \
			       mig_nvml_symbol_is_changing(MIG_NVML_SYM_##symbol));    \
		nvmlReturn_t code;                                                     \
                                                                                       \
		if (is(fault, FAULT_FAIL))                                             \
			return (nvmlReturn_t)fault->code;                              \
		code = call;                                                           \
		if (is(fault, FAULT_KILL_AFTER))                                       \
			die();                                                         \
		return is(fault, FAULT_FAIL_AFTER) ? (nvmlReturn_t)fault->code : code; \
	} while (0)

#define DEFINE_CALL(symbol, need, branch, effect, older, params, args)                      \
	static nvmlReturn_t event_##symbol(const struct mig_driver *driver,                 \
					   MIG_NVML_UNWRAP params)                          \
	{                                                                                   \
		AROUND(symbol, driver->below->symbol(driver->below, MIG_NVML_UNWRAP args)); \
	}
#define DEFINE_PLAIN(symbol, need, branch, effect)                          \
	static nvmlReturn_t event_##symbol(const struct mig_driver *driver) \
	{                                                                   \
		AROUND(symbol, driver->below->symbol(driver->below));       \
	}
#define DEFINE_TEXT(symbol, need, branch, effect, params, args)                                    \
	static const char *event_##symbol(const struct mig_driver *driver, MIG_NVML_UNWRAP params) \
	{                                                                                          \
		return driver->below->symbol(driver->below, MIG_NVML_UNWRAP args);                 \
	}
MIG_NVML_SYMBOLS(DEFINE_CALL, DEFINE_PLAIN, DEFINE_TEXT)

static nvmlReturn_t kept_gi_destroy(const struct mig_driver *driver, nvmlGpuInstance_t gi)
{
	AROUND(nvmlGpuInstanceDestroy, destroy_gi(driver->below, gi));
}

static nvmlReturn_t kept_ci_destroy(const struct mig_driver *driver, nvmlComputeInstance_t ci)
{
	AROUND(nvmlComputeInstanceDestroy, destroy_ci(driver->below, ci));
}

static int close_below(struct mig_driver *driver)
{
	return mig_driver_close(MIG_TAKE_PTR(driver->below));
}

int events_driver(struct mig_driver **driver)
{
	struct mig_driver *top = calloc(1, sizeof(*top));

	if (top == NULL)
		return -1;
	top->name = (*driver)->name;
	top->below = *driver;
	top->close = close_below;
	memcpy(top->has, (*driver)->has, sizeof(top->has));
#define FILL(symbol, ...) top->symbol = event_##symbol;
	MIG_NVML_SYMBOLS(FILL, FILL, FILL)
#undef FILL
	/* The generated ones stay referenced by their table, and only these two look closer. */
	top->nvmlGpuInstanceDestroy = kept_gi_destroy;
	top->nvmlComputeInstanceDestroy = kept_ci_destroy;
	*driver = top;
	return 0;
}

/* ---- files -------------------------------------------------------------------------------------- */

int fsync(MIG_UNUSED int fd)
{
	return 0;
}

int fdatasync(MIG_UNUSED int fd)
{
	return 0;
}

/* A seeded fault can be drawn for a call and meet a write. EINTR for ever would be no disk's answer. */
static int errno_of(const struct fault *fault)
{
	return fault->code == ENOSPC ? ENOSPC : EIO;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
	const struct fault *fault = happen(EVENT_WRITE, 0, true);
	ssize_t n;

	if (is(fault, FAULT_FAIL)) {
		errno = errno_of(fault);
		return -1;
	}
	if (is(fault, FAULT_KILL_MIDDLE))
		count /= 2;
	n = syscall(SYS_pwrite64, fd, bytes, count, offset);
	if (is(fault, FAULT_KILL_MIDDLE) || is(fault, FAULT_KILL_AFTER))
		die();
	return n;
}

static int step(MIG_UNUSED void *cookie, const char *name, bool is_after)
{
	const struct fault *fault;
	unsigned int what = 0;

	while (what < MIG_ARRAY_SIZE(step_names) && strcmp(step_names[what], name) != 0)
		what++;
	MIG_ASSERT_MSG(what < MIG_ARRAY_SIZE(step_names), "a journal step '%s'", name);
	fault = happen(is_after ? EVENT_STEP_AFTER : EVENT_STEP, what, true);
	return is(fault, FAULT_FAIL) || is(fault, FAULT_FAIL_AFTER) ? errno_of(fault) : 0;
}

/* ---- resets ------------------------------------------------------------------------------------- */

static int reset_node(const char *node, const char *const *uuids, unsigned int count,
		      struct mig_error **err)
{
	struct mig_sim_reset reset = {0};
	struct mig_sim_store store;
	int rc = 0;

	if (mig_sim_node_open(node, &store, err) < 0)
		return -1;
	for (unsigned int i = 0; i < count && rc == 0; i++) {
		unsigned int index = 0;

		rc = mig_sim_node_find_gpu(&store, uuids[i], &index, err);
		reset.gpus |= UINT32_C(1) << index;
	}
	if (rc == 0)
		rc = mig_sim_node_reset(&store, &reset, err);
	mig_sim_store_close(&store);
	return rc;
}

static int reset_gpus(void *cookie, MIG_UNUSED const struct mig_context *ctx,
		      const char *const *uuids, unsigned int count, struct mig_error **err)
{
	const struct fault *fault = happen(EVENT_RESET, 0, true);
	int rc;

	if (is(fault, FAULT_FAIL))
		return mig_error_set(err, MIG_ERROR_FAILED, "no reset, says the test");
	rc = reset_node(cookie, uuids, count, err);
	if (is(fault, FAULT_KILL_AFTER))
		die();
	if (rc == 0 && is(fault, FAULT_FAIL_AFTER))
		return mig_error_set(err, MIG_ERROR_FAILED, "no reset, says the test untruly");
	return rc;
}

/* ---- time and interruption ---------------------------------------------------------------------- */

static uint64_t now_ns(MIG_UNUSED void *cookie)
{
	return stream.now_ns += MIG_CLOCK_NS_PER_MS;
}

static int64_t wall_s(MIG_UNUSED void *cookie)
{
	return 1700000000;
}

static void sleep_ns(MIG_UNUSED void *cookie, uint64_t ns)
{
	stream.now_ns += ns;
}

static bool is_interrupted(MIG_UNUSED void *cookie)
{
	for (unsigned int i = 0; stream.log != NULL && i < stream.fault_count; i++) {
		if (stream.faults[i].action == FAULT_INTERRUPT &&
		    stream.log->count > stream.faults[i].at)
			return true;
	}
	return false;
}

void events_context(struct mig_context *ctx, const char *node)
{
	static const struct mig_journal_watch watch = {.step = step};
	static const struct mig_core_clock clock = {
		.now_ns = now_ns, .wall_s = wall_s, .sleep_ns = sleep_ns};
	static struct mig_reset_port port = {.reset = reset_gpus};

	port.cookie = (void *)(uintptr_t)node;
	ctx->journal_watch = &watch;
	ctx->clock = &clock;
	ctx->reset_port = node != NULL ? &port : NULL;
	ctx->is_interrupted = is_interrupted;
	ctx->is_serial = true;
	ctx->in_use_retries = 2;
}

const char *event_name(const struct event *event)
{
	static char text[64];

	switch (event->kind) {
	case EVENT_CALL:
		return mig_nvml_symbol_name(event->what);
	case EVENT_STEP:
	case EVENT_STEP_AFTER:
		mig_text_format(text, sizeof(text), "journal %s%s", step_names[event->what],
				event->kind == EVENT_STEP_AFTER ? " (after)" : "");
		return text;
	case EVENT_WRITE:
		return "write";
	case EVENT_RESET:
		return "reset";
	default:
		return "?";
	}
}
