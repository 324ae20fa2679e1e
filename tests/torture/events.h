/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that a transaction does to the world, as one line of numbered events, and faults that
 * happen at one of them.
 *
 * An event is a driver call, a durable step of the journal (before and after it), a write to a file
 * of ours, or a reset. Transactions run one GPU after the other here, so that the same start has the
 * same events. Must not know what the events are good for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/context.h"
#include "core/journal.h"
#include "core/reset.h"

#define EVENTS_MAX 8192 /* of one process */
#define FAULTS_MAX 3	/* of one process */

enum event_kind {
	EVENT_CALL,	  /* `what` is the symbol */
	EVENT_STEP,	  /* `what` is a journal step, before it */
	EVENT_STEP_AFTER, /* likewise, when it is durable */
	EVENT_WRITE,	  /* pwrite: lines of the journal, the owner of the lock */
	EVENT_RESET,
};

struct event {
	uint8_t kind;
	uint8_t is_changing; /* what is on the node or on the disk is not the same behind it */
	uint16_t what;
};

enum fault_action {
	FAULT_NONE,
	FAULT_FAIL,	   /* it is not done, and `code` (NVML's, or an errno) is the answer */
	FAULT_FAIL_AFTER,  /* it is done, and yet `code` is the answer */
	FAULT_KILL_BEFORE, /* SIGKILL */
	FAULT_KILL_MIDDLE, /* of a write: half of it is in the file */
	FAULT_KILL_AFTER,
	FAULT_INTERRUPT, /* from here on somebody wants it to end, as after SIGTERM */
};

enum fault_span {
	FAULT_ONCE,
	FAULT_FUNCTION, /* the same function from here on, until the process ends */
	FAULT_ALL,	/* every call, or every write and step of the journal, from here on */
};

struct fault {
	unsigned int at; /* number of the event */
	enum fault_action action;
	enum fault_span span;
	int code;
};

/* What is recorded, in memory that outlives the process. */
struct event_log {
	unsigned int count; /* also beyond EVENTS_MAX, which is a failure of the test */
	unsigned int fired; /* faults */
	struct event events[EVENTS_MAX];
	char touched[256]; /* a kept instance that was destroyed; "" as it should be */
};

/* Whether this GPU instance (ci_start < 0) or compute instance is to stay. */
typedef bool (*is_kept_fn)(void *cookie, const char *gpu_uuid, unsigned int gi_start, int ci_start);

/* A process has one stream of events, because a write has no context. */
void events_begin(struct event_log *log, const struct fault *faults, unsigned int fault_count);
void events_end(void);
void events_keep(is_kept_fn is_kept, void *cookie);

/* Puts the recorder on top of a driver, which it then owns. */
int events_driver(struct mig_driver **driver);

/* Fills in the context's ports: journal, reset (of the simulated node at `node`; NULL: none),
 * clock, interruption. */
void events_context(struct mig_context *ctx, const char *node);

/* "nvmlGpuInstanceDestroy", "journal end (after)"; static. */
const char *event_name(const struct event *event);
