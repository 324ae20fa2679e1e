/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time and interruption as core sees them; see context.h.
 */
#include "core/context.h"

#include <time.h>

#include "shared/clock.h"

#define SLEEP_STEP_MS 50

uint64_t mig_context_now_ns(const struct mig_context *ctx)
{
	return ctx->clock != NULL ? ctx->clock->now_ns(ctx->clock->cookie) : mig_clock_now_ns();
}

int64_t mig_context_wall_s(const struct mig_context *ctx)
{
	return ctx->clock != NULL ? ctx->clock->wall_s(ctx->clock->cookie) : (int64_t)time(NULL);
}

bool mig_context_is_interrupted(const struct mig_context *ctx)
{
	return ctx->is_interrupted != NULL && ctx->is_interrupted(ctx->interrupt_cookie);
}

void mig_context_sleep_ms(const struct mig_context *ctx, uint64_t ms)
{
	if (ctx->clock != NULL) {
		ctx->clock->sleep_ns(ctx->clock->cookie, ms * MIG_CLOCK_NS_PER_MS);
		return;
	}
	while (ms > 0 && !mig_context_is_interrupted(ctx)) {
		uint64_t step = MIG_MIN(ms, (uint64_t)SLEEP_STEP_MS);

		mig_clock_sleep_until_ns(mig_clock_now_ns() + step * MIG_CLOCK_NS_PER_MS);
		ms -= step;
	}
}
