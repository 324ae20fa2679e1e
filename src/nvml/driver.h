/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver: the NVML entry points of nvml/symbols.h behind one structure of function pointers.
 *
 * The bottom of a stack is a loaded library (mig_driver_open); wrappers that forward (the counter
 * of nvml/trace.c, later recording and faults) are drivers too and own the one below. All calls go
 * through the pointers and hand the driver itself as first argument:
 *
 *     code = driver->nvmlDeviceGetMigMode(driver, device, &current, &pending);
 *
 * Every pointer can always be called: what the library lacks answers NVML_ERROR_FUNCTION_NOT_FOUND.
 * Must not know GPUs, plans or the simulator's insides.
 */
#pragma once

#include <stdbool.h>

#include "nvml/symbols.h"
#include "shared/error.h"
#include "shared/macros.h"

#define MIG_NVML_LIBRARY "libnvidia-ml.so.1"

struct mig_sim_identity;
struct mig_driver;

#define MIG_NVML_UNWRAP(...) __VA_ARGS__
#define MIG_NVML_MEMBER_CALL(symbol, need, branch, effect, older, params, args) \
	nvmlReturn_t (*symbol)(const struct mig_driver *driver, MIG_NVML_UNWRAP params);
#define MIG_NVML_MEMBER_PLAIN(symbol, need, branch, effect) \
	nvmlReturn_t (*symbol)(const struct mig_driver *driver);
#define MIG_NVML_MEMBER_TEXT(symbol, need, branch, effect, params, args) \
	const char *(*symbol)(const struct mig_driver *driver, MIG_NVML_UNWRAP params);

struct mig_driver {
	const char *name; /* for messages: the library as it was asked for; lives with the driver */
	void *cookie;	  /* of the implementation */
	struct mig_driver *below; /* the driver that a wrapper forwards to and owns; else NULL */
	/* Frees cookie and below, but not the structure; 0, or -1 with errno (a result file). */
	int (*close)(struct mig_driver *driver);
	/* For each symbol: whether the library has it. Wrappers copy it from below. */
	bool has[MIG_NVML_SYM_COUNT];
	/* One pointer per symbol, each with NVML's name and parameters; never NULL. */
	MIG_NVML_SYMBOLS(MIG_NVML_MEMBER_CALL, MIG_NVML_MEMBER_PLAIN, MIG_NVML_MEMBER_TEXT)
};

#undef MIG_NVML_MEMBER_CALL
#undef MIG_NVML_MEMBER_PLAIN
#undef MIG_NVML_MEMBER_TEXT

/*
 * Loads a library (NULL: MIG_NVML_LIBRARY, found as any program would) and looks its symbols up,
 * the newest name first. Nothing is called, so nothing is initialised. On success *out is owned by
 * the caller (mig_driver_close). Errors: NO_DRIVER when the library or a required symbol is
 * missing (all missing ones are named), NO_MEMORY.
 */
int mig_driver_open(const char *library, struct mig_driver **out,
		    struct mig_error **err) MIG_MUST_CHECK;

/*
 * Closes a driver and all that it is stacked on; does not call nvmlShutdown. NULL is fine. Handles
 * and identities that came from it are invalid afterwards. Returns 0, or -1 with errno when a
 * wrapper could not write its result.
 */
int mig_driver_close(struct mig_driver *driver);

/* Whether the library has a symbol, by its own or an older name (MIG_NVML_SYM_nvml…). */
bool mig_driver_has(const struct mig_driver *driver, enum mig_nvml_symbol symbol);

/* NVML's name of a symbol, and whether a call of it changes a GPU. Static. */
const char *mig_nvml_symbol_name(enum mig_nvml_symbol symbol);
bool mig_nvml_symbol_is_changing(enum mig_nvml_symbol symbol);

/* "NVML_ERROR_IN_USE"; NULL for a number that NVML has no name for. Static. */
const char *mig_nvml_code_name(nvmlReturn_t code);

/* What a code means, in lower case ("in use by another client"); never NULL. Static. */
const char *mig_nvml_code_text(nvmlReturn_t code);

/*
 * Makes the error of a failed call: "ATTEMPT: text (NVML_ERROR_…)". ATTEMPT says what was attempted
 * and on what ("cannot create a 3g.20gb GPU instance on GPU 0"). The error's code follows from the
 * NVML code (IN_USE, NO_PERMISSION, NO_DRIVER, else DRIVER) and the NVML code is kept in it; with
 * NO_PERMISSION comes the hint to be root. For a code that we do not know the driver's own text is
 * used; driver may be NULL. Returns -1.
 */
int mig_driver_error(struct mig_error **err, const struct mig_driver *driver, nvmlReturn_t code,
		     const char *attempt, ...) MIG_PRINTF(4, 5);

/*
 * Asks the library whether it is our simulated driver. Works before nvmlInit. On true *identity
 * points into the library (valid until mig_driver_close); identity may be NULL.
 */
bool mig_driver_sim_identity(const struct mig_driver *driver,
			     const struct mig_sim_identity **identity);

/*
 * Refuses a mixture of simulated and real, to be called after nvmlInit and before anything is read
 * or written: the simulated driver is accepted only with the host root of the node that it serves
 * (NODE/root), and with MIGSIM_NODE set only the simulated driver is accepted. host_root and
 * migsim_node are the values from the environment; NULL or "" means not set. The only access to the
 * file system is a look at these directories, to compare them. Errors: NO_DRIVER (exit status 6).
 */
int mig_driver_check_identity(const struct mig_driver *driver, const char *host_root,
			      const char *migsim_node, struct mig_error **err) MIG_MUST_CHECK;
