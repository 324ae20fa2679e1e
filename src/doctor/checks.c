/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of checks, and running them; see doctor.h.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/check.h"
#include "shared/buf.h"
#include "shared/number.h"

#define TEXT_MAX     (64 * 1024)
#define FINDINGS_MAX 4096 /* of one check */

const struct mig_doctor_check mig_doctor_checks[] = {
	{"driver", "the driver's library is there, complete and runs", false, mig_check_driver},
	{"permission", "this user may see and change instances", true, mig_check_permission},
	{"gpus", "there are GPUs and none is lost", true, mig_check_gpus},
	{"mig-mode", "no change of the MIG mode is pending", true, mig_check_mode},
	{"instances", "each GPU instance has a compute instance", true, mig_check_instances},
	{"device-files", "the device files of GPUs and instances are right", true,
	 mig_check_device_files},
	{"modules", "no kernel module holds GPUs", false, mig_check_modules},
	{"daemons", "no daemon holds GPUs", false, mig_check_daemons},
	{"journal", "no change was left unfinished", false, mig_check_journal},
	{"lock", "nobody is changing this node now", false, mig_check_lock},
	{.id = NULL},
};

const char *mig_check_result_word(enum mig_check_result result)
{
	static const char *const words[MIG_CHECK_RESULT_COUNT] = {
		[MIG_CHECK_OK] = "ok",
		[MIG_CHECK_NOTE] = "note",
		[MIG_CHECK_PROBLEM] = "problem",
		[MIG_CHECK_SKIPPED] = "skipped",
	};

	return words[result];
}

static char *MIG_PRINTF(1, 0) format(const char *fmt, va_list args)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(TEXT_MAX);

	if (mig_buf_vprintf(&text, fmt, args) < 0)
		return NULL;
	return mig_buf_steal(&text);
}

void mig_doctor_find(struct mig_doctor *doctor, enum mig_finding_kind kind, const char *subject,
		     const char *fmt, ...)
{
	struct mig_check_report *report = doctor->report;
	struct mig_finding finding = {.kind = kind};
	struct mig_finding *grown;
	va_list args;

	if (report->count == FINDINGS_MAX)
		return;
	grown = reallocarray(report->findings, (size_t)report->count + 1, sizeof(*grown));
	if (grown == NULL) {
		doctor->is_out_of_memory = true;
		return;
	}
	report->findings = grown;
	va_start(args, fmt);
	finding.text = format(fmt, args);
	va_end(args);
	if (subject != NULL)
		finding.subject = strdup(subject);
	if (finding.text == NULL || (subject != NULL && finding.subject == NULL))
		doctor->is_out_of_memory = true;
	report->findings[report->count++] = finding;
	if (kind == MIG_FINDING_PROBLEM)
		report->result = MIG_CHECK_PROBLEM;
	else if (report->result == MIG_CHECK_OK)
		report->result = MIG_CHECK_NOTE;
}

void mig_doctor_mend(struct mig_doctor *doctor, const char *fmt, ...)
{
	struct mig_finding *finding;
	va_list args;

	if (doctor->report->count == 0)
		return;
	finding = &doctor->report->findings[doctor->report->count - 1];
	free(finding->mend);
	va_start(args, fmt);
	finding->mend = format(fmt, args);
	va_end(args);
	if (finding->mend == NULL)
		doctor->is_out_of_memory = true;
}

bool mig_doctor_number(const char *text, unsigned int *value)
{
	uint64_t number;

	text += strspn(text, " \t");
	if (mig_parse_u64_n(text, strspn(text, "0123456789"), 0, UINT_MAX, &number) < 0)
		return false;
	*value = (unsigned int)number;
	return true;
}

const char *mig_doctor_line(const char *text, const char *word)
{
	size_t len = strlen(word);

	while (*text != '\0') {
		if (strncmp(text, word, len) == 0 && strchr(" :", text[len]) != NULL &&
		    text[len] != '\0')
			return text + len + 1;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return NULL;
}

int mig_doctor_run(struct mig_doctor *doctor, struct mig_error **err)
{
	size_t count = MIG_ARRAY_SIZE(mig_doctor_checks);

	doctor->reports = calloc(count, sizeof(*doctor->reports));
	if (doctor->reports == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	for (size_t i = 0; mig_doctor_checks[i].id != NULL; i++) {
		doctor->report = &doctor->reports[i];
		if (mig_doctor_checks[i].needs_driver && doctor->snapshot == NULL)
			doctor->report->result = MIG_CHECK_SKIPPED;
		else
			mig_doctor_checks[i].run(doctor);
	}
	if (doctor->is_out_of_memory)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	return 0;
}

unsigned int mig_doctor_problems(const struct mig_doctor *doctor)
{
	unsigned int count = 0;

	for (size_t i = 0; mig_doctor_checks[i].id != NULL; i++) {
		for (unsigned int f = 0; f < doctor->reports[i].count; f++)
			count += doctor->reports[i].findings[f].kind == MIG_FINDING_PROBLEM;
	}
	return count;
}

void mig_doctor_clear(struct mig_doctor *doctor)
{
	for (size_t i = 0; doctor->reports != NULL && mig_doctor_checks[i].id != NULL; i++) {
		for (unsigned int f = 0; f < doctor->reports[i].count; f++) {
			free(doctor->reports[i].findings[f].subject);
			free(doctor->reports[i].findings[f].text);
			free(doctor->reports[i].findings[f].mend);
		}
		free(doctor->reports[i].findings);
	}
	free(MIG_TAKE_PTR(doctor->reports));
}
