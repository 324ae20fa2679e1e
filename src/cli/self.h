/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a person calls this very program: on a simulated node "migctl --node NODE …". Hints, mends and
 * examples name commands as "migctl COMMAND"; here they become what that person can type, so that a
 * hint that was given on a simulated node is never carried out on the machine. Knows the command
 * table and no command.
 */
#pragma once

#include <stdio.h>

#include "shared/buf.h"
#include "shared/error.h"

/* For `migctl --node NODE`, before it becomes the program on that node: what was typed. Returns 0, or
 * -1 with *err. */
int mig_self_remember_node(const char *node, struct mig_error **err) MIG_MUST_CHECK;
/* For a program that is started on a node by other means: there commands need no node. */
void mig_self_forget_node(void);

/* The node that was typed, quoted for a shell where that needs it; NULL: none was. The text is kept
 * until the process ends; for one thread. */
const char *mig_self_node(void);

/* Appends `text`, in which "migctl COMMAND" becomes "migctl --node NODE COMMAND" for each command of
 * the table that is not the simulator's own; unchanged where no node was typed. */
void mig_self_puts(struct mig_buf *out, const char *text);
/* The same to a stream. */
void mig_self_fputs(const char *text, FILE *stream);
