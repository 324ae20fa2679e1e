/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table; see transitions.h. Three small ones, then 47 that differ in what they change: modes
 * with and without a reset, compute instances alone, few and many GPUs, models and branches.
 */
#include "tests/torture/transitions.h"

#include "shared/macros.h"

/* clang-format off */
const struct transition transitions[] = {
	{"A30, one of two replaced", "a30-24gb", 550, false, {"0=2g.12gb*2"}, {"0=2g.12gb,1g.6gb"}},
	{"A100, compute instances only", "a100-sxm4-40gb", 550, false,
	 {"0=1c.3g.20gb*3"}, {"0=2c.3g.20gb,1c.3g.20gb"}},
	{"H100, mode on and one instance", "h100-sxm5-80gb", 550, false, {NULL}, {"0=7g.80gb"}},

	{"A100, mode on", "a100-sxm4-40gb", 550, false, {NULL}, {"0=on"}},
	{"A100, mode off", "a100-sxm4-40gb", 550, false, {"0=on"}, {"0=off"}},
	{"A100, mode off with instances", "a100-sxm4-40gb", 550, false, {"0=3g.20gb*2"}, {"0=off"}},
	{"A100, mode on with a reset", "a100-sxm4-40gb", 550, true, {NULL}, {"0=on"}},
	{"A100, mode off with a reset", "a100-sxm4-40gb", 550, true, {"0=on"}, {"0=off"}},
	{"A100, mode on with a reset, then instances", "a100-sxm4-40gb", 550, true,
	 {NULL}, {"0=3g.20gb,2g.10gb"}},
	{"A100, instances away, mode off with a reset", "a100-sxm4-40gb", 550, true,
	 {"0=7g.40gb"}, {"0=off"}},
	{"2 A100, modes crossed with a reset", "2xa100-sxm4-40gb", 550, true,
	 {"0=7g.40gb", "1=off"}, {"0=off", "1=7g.40gb"}},
	{"A30, mode on with a reset", "a30-24gb", 550, true, {NULL}, {"0=4g.24gb"}},
	{"H100, mode on and seven", "h100-sxm5-80gb", 550, false, {NULL}, {"0=1g.10gb*7"}},
	{"H100, seven to mode off", "h100-sxm5-80gb", 550, false, {"0=1g.10gb*7"}, {"0=off"}},
	{"H200, halves to quarters", "h200-sxm5-141gb", 550, false, {"0=3g.71gb*2"}, {"0=1g.35gb*4"}},
	{"580, H200 mode on and halves", "h200-sxm5-141gb", 580, false, {NULL}, {"0=3g.71gb*2"}},
	{"580, H200 whole to sevenths", "h200-sxm5-141gb", 580, false,
	 {"0=7g.141gb"}, {"0=1g.18gb*7"}},

	{"A100, compute instances of a whole", "a100-sxm4-40gb", 550, false,
	 {"0=7g.40gb"}, {"0=1c.7g.40gb*7"}},
	{"A100, compute instances of a whole, back", "a100-sxm4-40gb", 550, false,
	 {"0=1c.7g.40gb*7"}, {"0=4c.7g.40gb,3c.7g.40gb"}},
	{"A100, compute instances of two halves", "a100-sxm4-40gb", 550, false,
	 {"0=1c.3g.20gb*3,3g.20gb"}, {"0=2c.3g.20gb*2"}},
	{"A30, compute instances", "a30-24gb", 550, false, {"0=2c.4g.24gb*2"}, {"0=1c.4g.24gb*4"}},
	{"H100, compute instances", "h100-sxm5-80gb", 550, false,
	 {"0=1c.4g.40gb*4"}, {"0=2c.4g.40gb*2"}},

	{"A100, seven to one", "a100-sxm4-40gb", 550, false, {"0=1g.5gb*7"}, {"0=7g.40gb"}},
	{"A100, one to seven", "a100-sxm4-40gb", 550, false, {"0=7g.40gb"}, {"0=1g.5gb*7"}},
	{"A100, halves to balanced", "a100-sxm4-40gb", 550, false,
	 {"0=3g.20gb*2"}, {"0=3g.20gb,2g.10gb,1g.5gb*2"}},
	{"A100, balanced to halves", "a100-sxm4-40gb", 550, false,
	 {"0=3g.20gb,2g.10gb,1g.5gb*2"}, {"0=3g.20gb*2"}},
	{"A100, all away", "a100-sxm4-40gb", 550, false, {"0=2g.10gb*3"}, {"0=on"}},
	{"A100, one more", "a100-sxm4-40gb", 550, false, {"0=1g.5gb*3"}, {"0=1g.5gb*4"}},
	{"A100, one less", "a100-sxm4-40gb", 550, false, {"0=1g.5gb*4"}, {"0=1g.5gb*3"}},
	{"A100, with media extension", "a100-sxm4-40gb", 550, false,
	 {"0=1g.5gb*2"}, {"0=1g.5gb,1g.5gb+me"}},
	{"A100 swapped, halves", "a100-sxm4-40gb:swapped", 550, false,
	 {"0=2g.10gb*3"}, {"0=3g.20gb,2g.10gb"}},
	{"A100 80GB, double memory", "a100-sxm4-80gb", 550, false,
	 {"0=1g.10gb*4"}, {"0=1g.20gb*2,1g.10gb"}},
	{"A30, quarters to whole", "a30-24gb", 550, false, {"0=1g.6gb*4"}, {"0=4g.24gb"}},
	{"RTX PRO 6000, halves to quarters", "rtx-pro-6000-server-96gb", 580, false,
	 {"0=2g.48gb*2"}, {"0=1g.24gb*3"}},

	{"2 A100, one of them", "2xa100-sxm4-40gb", 550, false,
	 {"all=3g.20gb*2"}, {"1=2g.10gb*3"}},
	{"2 A100, both", "2xa100-sxm4-40gb", 550, false, {"all=3g.20gb*2"}, {"all=2g.10gb*3"}},
	{"2 A100, on and off", "2xa100-sxm4-40gb", 550, false,
	 {"0=3g.20gb", "1=off"}, {"0=off", "1=2g.10gb"}},
	{"4 A30, each another", "4xa30-24gb", 550, false,
	 {"all=2g.12gb*2"}, {"0=4g.24gb", "1=1g.6gb*2", "2=off", "3=2g.12gb,1g.6gb*2"}},
	{"8 A100, one instance each", "8xa100-sxm4-40gb", 550, false,
	 {"all=7g.40gb"}, {"all=4g.20gb"}},
	{"8 A100, modes", "8xa100-sxm4-40gb", 550, false, {"0-3=on"}, {"0-3=off", "4-7=on"}},
	{"8 H100, two of them", "8xh100-sxm5-80gb", 550, false,
	 {"all=3g.40gb*2"}, {"2=7g.80gb", "5=off"}},
	{"A100 and A30", "a100-sxm4-40gb,a30-24gb", 550, false,
	 {"0=3g.20gb", "1=2g.12gb"}, {"0=4g.20gb", "1=1g.6gb"}},
	{"A100, T4 and H100", "a100-sxm4-40gb,t4-16gb,h100-sxm5-80gb", 550, false,
	 {"0=7g.40gb"}, {"0=off", "2=3g.40gb"}},

	{"470, A100 replaced", "a100-sxm4-40gb", 470, false, {"0=3g.20gb*2"}, {"0=2g.10gb*2"}},
	{"470, A100 mode on", "a100-sxm4-40gb", 470, false, {NULL}, {"0=3g.20gb"}},
	{"470, A100 mode on with a reset", "a100-sxm4-40gb", 470, true, {NULL}, {"0=3g.20gb"}},
	{"535, A30 replaced", "a30-24gb", 535, false, {"0=2g.12gb*2"}, {"0=1g.6gb*2"}},
	{"535, H100 mode on", "h100-sxm5-80gb", 535, false, {NULL}, {"0=7g.80gb"}},
	{"580, A100 replaced", "a100-sxm4-40gb", 580, false, {"0=7g.40gb"}, {"0=3g.20gb*2"}},
	{"580, H100 mode off", "h100-sxm5-80gb", 580, false, {"0=7g.80gb"}, {"0=off"}},
};
/* clang-format on */

const unsigned int transition_count = MIG_ARRAY_SIZE(transitions);
