/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Catching signals; see signals.h.
 */
#include "cli/signals.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

static volatile sig_atomic_t caught;

static void note(int number)
{
	caught = number;
}

static bool is_caught(MIG_UNUSED void *cookie)
{
	return caught != 0;
}

int mig_signals_caught(void)
{
	return caught;
}

void mig_signals_catch(struct mig_context *ctx)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction before, action = {.sa_handler = note};

	sigemptyset(&action.sa_mask);
	/* Without SA_RESTART, so that waiting ends. */
	for (size_t i = 0; i < MIG_ARRAY_SIZE(numbers); i++) {
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	ctx->is_interrupted = is_caught;
	ctx->interrupt_cookie = NULL;
}
