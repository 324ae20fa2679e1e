/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals while a node is changed: they ask the change to end, which rolls it back.
 */
#pragma once

#include "core/context.h"

/*
 * From now on SIGINT, SIGTERM and SIGHUP only set a flag that the context asks for, and a closed
 * pipe is an error instead of the end. For commands that change something, before they do. A signal
 * that was ignored when migctl was started (nohup) stays ignored.
 */
void mig_signals_catch(struct mig_context *ctx);

/* The signal that came; 0: none. */
int mig_signals_caught(void);
