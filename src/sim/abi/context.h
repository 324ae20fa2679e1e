/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the identity table tells migctl about the context (context.c).
 */
#pragma once

#include "sim/abi/abi.h"

/* The absolute path of the node that is served, or that the next Init would look at; NULL if none
 * is configured. Valid until the library is unloaded. */
const char *mig_abi_node_path(void);

/* The host root as it was in the environment at the first Init; "" if there was none. */
const char *mig_abi_host_root(void);
