/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": the nearest of a list of valid names.
 */
#pragma once

#include <stddef.h>

/*
 * Returns the index of the candidate nearest to `word` by edit distance (case ignored, transposed
 * neighbours count once; ties: the first), or -1 if none is near enough to be worth naming (more
 * than half of the longer word differs) or the list is empty. Words over 128 bytes match nothing.
 */
int mig_nearest(const char *word, const char *const *candidates, size_t count);

/* The same for what is better not named than named wrong, as commands: at most a third differs. */
int mig_nearest_close(const char *word, const char *const *candidates, size_t count);
