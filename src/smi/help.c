/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help texts, which are ours, and what only the vendor's program can do.
 */
#include <stdio.h>

#include "smi/commands.h"

int mig_smi_help(struct mig_smi *smi)
{
	smi->has_shown_help = true;
	printf("nvidia-smi of migctl " MIG_VERSION ": what MIG needs of nvidia-smi 550\n"
	       "\n"
	       "  nvidia-smi [-i LIST]                      the table of GPUs, MIG devices, "
	       "processes\n"
	       "  nvidia-smi -L                             GPUs and MIG devices, one a line\n"
	       "  nvidia-smi [-i LIST] -mig 0|1             turn MIG mode off or on\n"
	       "  nvidia-smi [-i LIST] --gpu-reset          reset GPUs\n"
	       "  nvidia-smi [-i LIST] --query-gpu=FIELDS --format=csv[,noheader][,nounits]\n"
	       "  nvidia-smi [-i LIST] --query-compute-apps=FIELDS --format=csv[,...]\n"
	       "  nvidia-smi mig -h                         instances: list, create, destroy\n"
	       "\n"
	       "LIST: indices, UUIDs or PCI addresses with commas between. All else is for the "
	       "program\n"
	       "that came with the driver. See migctl(1).\n");
	return MIG_SMI_OK;
}

int mig_smi_mig_help(struct mig_smi *smi)
{
	smi->has_shown_help = true;
	printf("nvidia-smi mig: MIG instances\n"
	       "\n"
	       "  -i, --id LIST                     these GPUs: indices, UUIDs, PCI addresses\n"
	       "  -gi, --gpu-instance-id LIST       these GPU instances\n"
	       "  -ci, --compute-instance-id LIST   these compute instances\n"
	       "  -lgip, --list-gpu-instance-profiles\n"
	       "  -lgipp, --list-gpu-instance-possible-placements\n"
	       "  -cgi, --create-gpu-instance LIST  profiles (ids or names), each with an optional "
	       ":START\n"
	       "  -C, --default-compute-instance    with -cgi: fill them with compute instances\n"
	       "  -dgi, --destroy-gpu-instance      all, or those of -i and -gi\n"
	       "  -lgi, --list-gpu-instances\n"
	       "  -lcip, --list-compute-instance-profiles\n"
	       "  -lcipp, --list-compute-instance-possible-placements\n"
	       "  -cci, --create-compute-instance [LIST]   without LIST the default one\n"
	       "  -dci, --destroy-compute-instance  all, or those of -i, -gi and -ci\n"
	       "  -lci, --list-compute-instances\n"
	       "\n"
	       "Nothing is rolled back when one of several fails. See migctl(1).\n");
	return MIG_SMI_OK;
}

int mig_smi_vendor_only(const char *word)
{
	fprintf(stderr,
		"'%s' is not known to this nvidia-smi, which is part of migctl and does MIG only.\n"
		"Use the nvidia-smi that came with the NVIDIA driver.\n",
		word);
	return MIG_SMI_USAGE;
}
