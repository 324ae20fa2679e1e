/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which cases there are, in counted kinds, and running them on all cores.
 */
#pragma once

#include "tests/torture/scene.h"

enum case_kind {
	CASE_CALL,	    /* a call fails, once or from then on */
	CASE_DONE,	    /* a changing call is done and yet fails */
	CASE_KILL,	    /* killed before, in or after an event */
	CASE_DISK,	    /* the journal cannot be written */
	CASE_INTERRUPT,	    /* a signal */
	CASE_RESET,	    /* a reset fails */
	CASE_ROLLBACK_KILL, /* a fault, then killed while it rolls back */
	CASE_ROLLBACK_FAIL, /* a fault, then another one while it rolls back */
	CASE_RECOVERY_KILL, /* killed, then the next process is killed, too */
	CASE_RECOVERY_FAIL, /* killed, then the next process meets a fault */
	CASE_SEEDED,	    /* up to three processes with up to two faults each */
	CASE_KIND_COUNT,
};

extern const char *const case_kind_words[CASE_KIND_COUNT];

enum extent {
	EXTENT_EACH_ONCE, /* every event fails once and is killed at once */
	EXTENT_SHARE,	  /* what the ordinary test run takes of the exhaustive one */
	EXTENT_EXHAUSTIVE,
};

/*
 * Runs all cases of `count` transitions from `first` on. Fails the test if one is wrong, or if their
 * numbers are not about those of `column` in docs/torture.md (NULL: they are not there).
 */
void cases_run(unsigned int first, unsigned int count, enum extent extent, const char *column);

/* Seeds first … first + count - 1, each on one of all transitions. */
void cases_run_seeds(unsigned int first, unsigned int count, const char *column);
