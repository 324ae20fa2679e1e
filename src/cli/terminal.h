/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal that standard output is, or is not.
 */
#pragma once

/* Its columns; 0: standard output is no terminal, or one that does not say. */
unsigned int mig_terminal_width(void);

/* Columns that a line may have: those of the terminal; elsewhere, where lines are searched, any. */
unsigned int mig_terminal_limit(void);
