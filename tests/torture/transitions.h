/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transitions that are tortured.
 */
#pragma once

#include "tests/torture/scene.h"

#define SMALL_COUNT 3 /* the first ones: exhaustively */

extern const struct transition transitions[];
extern const unsigned int transition_count;
