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
#include "shared/file.h"
#include "shared/number.h"

#define TEXT_MAX     (64 * 1024)
#define FINDINGS_MAX 4096 /* of one check */

const struct mig_doctor_check mig_doctor_checks[] = {
	{"driver", "the driver's library is there, complete and runs", false, false,
	 mig_check_driver},
	{"permission", "this user may see and change instances", true, false, mig_check_permission},
	{"gpus", "there are GPUs and none is lost", true, false, mig_check_gpus},
	{"mig-mode", "no change of the MIG mode is pending", true, false, mig_check_mode},
	{"instances", "each GPU instance has a compute instance", true, false, mig_check_instances},
	{"device-files", "the device files of GPUs and instances are right", true, false,
	 mig_check_device_files},
	{"modules", "no kernel module holds GPUs", false, true, mig_check_modules},
	{"daemons", "no daemon holds GPUs", false, true, mig_check_daemons},
	{"journal", "no change was left unfinished", false, false, mig_check_journal},
	{"lock", "nobody is changing this node now", false, false, mig_check_lock},
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

const char *mig_finding_kind_word(enum mig_finding_kind kind)
{
	return kind == MIG_FINDING_PROBLEM ? "problem"
	       : kind == MIG_FINDING_NOTE  ? "note"
					   : "skipped";
}

static char *MIG_PRINTF(1, 0) format(const char *fmt, va_list args)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(TEXT_MAX);

	if (mig_buf_vprintf(&text, fmt, args) < 0)
		return NULL;
	return mig_buf_steal(&text);
}

/* Problems are worse than notes, and those than what could not be looked at. */
static enum mig_check_result worse(enum mig_check_result result, enum mig_finding_kind kind)
{
	if (kind == MIG_FINDING_PROBLEM || result == MIG_CHECK_PROBLEM)
		return MIG_CHECK_PROBLEM;
	if (kind == MIG_FINDING_NOTE || result == MIG_CHECK_NOTE)
		return MIG_CHECK_NOTE;
	return MIG_CHECK_SKIPPED;
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
	report->result = worse(report->result, kind);
}

/* The finding that was added last; NULL: there is none. */
static struct mig_finding *last_finding(const struct mig_doctor *doctor)
{
	const struct mig_check_report *report = doctor->report;

	return report->count > 0 ? &report->findings[report->count - 1] : NULL;
}

/* Takes `mend`; NULL: out of memory. */
static void set_mend(struct mig_doctor *doctor, char *mend, bool is_of_machine)
{
	struct mig_finding *finding = last_finding(doctor);

	if (mend == NULL)
		doctor->is_out_of_memory = true;
	if (finding == NULL) {
		free(mend);
		return;
	}
	free(finding->mend);
	finding->mend = mend;
	finding->is_of_machine = is_of_machine;
}

void mig_doctor_mend(struct mig_doctor *doctor, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_mend(doctor, format(fmt, args), false);
	va_end(args);
}

void mig_doctor_remark(struct mig_doctor *doctor, const char *fmt, ...)
{
	struct mig_finding *finding = last_finding(doctor);
	va_list args;

	if (finding == NULL)
		return;
	free(finding->remark);
	va_start(args, fmt);
	finding->remark = format(fmt, args);
	va_end(args);
	if (finding->remark == NULL)
		doctor->is_out_of_memory = true;
}

void mig_doctor_mend_machine(struct mig_doctor *doctor, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_mend(doctor, format(fmt, args), doctor->is_simulated);
	va_end(args);
}

/* ---- what could not be looked at ------------------------------------------------------------------ */

bool mig_doctor_is_lost(const struct mig_gpu *gpu)
{
	return gpu->is_lost;
}

bool mig_doctor_is_restricted(const struct mig_gpu *gpu)
{
	return gpu->is_restricted;
}

bool mig_doctor_skip_gpus(struct mig_doctor *doctor, bool (*is_hidden)(const struct mig_gpu *gpu),
			  const char *why)
{
	_cleanup_buf_ struct mig_buf subject = MIG_BUF_INIT(TEXT_MAX);

	for (unsigned int i = 0; i < doctor->snapshot->gpu_count; i++) {
		if (is_hidden(&doctor->snapshot->gpus[i]))
			mig_buf_printf(&subject, "%s%u", subject.len > 0 ? "," : "GPU ",
				       doctor->snapshot->gpus[i].index);
	}
	if (subject.len > 0)
		mig_doctor_find(doctor, MIG_FINDING_SKIPPED, mig_buf_text(&subject), "%s", why);
	return subject.len > 0;
}

bool mig_doctor_has_mig(struct mig_doctor *doctor)
{
	for (unsigned int i = 0; i < doctor->snapshot->gpu_count; i++) {
		if (doctor->snapshot->gpus[i].is_mig_capable || doctor->snapshot->gpus[i].is_lost)
			return true;
	}
	mig_doctor_find(doctor, MIG_FINDING_SKIPPED, NULL, "there is no GPU with MIG");
	return false;
}

void mig_doctor_skip_hidden(struct mig_doctor *doctor)
{
	mig_doctor_skip_gpus(doctor, mig_doctor_is_lost, "it is lost");
	mig_doctor_skip_gpus(doctor, mig_doctor_is_restricted, "only root sees its instances");
}

/* ---- numbers in files ---------------------------------------------------------------------------- */

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

static int run(struct mig_doctor *doctor, bool only_in_the_way, struct mig_error **err)
{
	size_t count = MIG_ARRAY_SIZE(mig_doctor_checks);

	doctor->reports = calloc(count, sizeof(*doctor->reports));
	if (doctor->reports == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	for (size_t i = 0; mig_doctor_checks[i].id != NULL; i++) {
		doctor->report = &doctor->reports[i];
		if (only_in_the_way && !mig_doctor_checks[i].is_in_the_way)
			continue;
		if (mig_doctor_checks[i].needs_driver && doctor->snapshot == NULL)
			mig_doctor_find(doctor, MIG_FINDING_SKIPPED, NULL,
					"needs a driver that works");
		else
			mig_doctor_checks[i].run(doctor);
	}
	if (doctor->is_out_of_memory)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	return 0;
}

int mig_doctor_run(struct mig_doctor *doctor, struct mig_error **err)
{
	return run(doctor, false, err);
}

int mig_doctor_run_in_the_way(struct mig_doctor *doctor, struct mig_error **err)
{
	return run(doctor, true, err);
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
			free(doctor->reports[i].findings[f].remark);
		}
		free(doctor->reports[i].findings);
	}
	free(MIG_TAKE_PTR(doctor->reports));
}
