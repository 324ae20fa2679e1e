/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl doctor: what is wrong with this node, and the command that mends it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/picture.h"
#include "cli/self.h"
#include "cli/session.h"
#include "doctor/doctor.h"
#include "nvml/sim_identity.h"
#include "shared/hostroot.h"
#include "shared/text.h"

#define ID_WIDTH     14
#define RESULT_WIDTH 9
#define READ_FLAGS \
	(MIG_SNAPSHOT_UUIDS | MIG_SNAPSHOT_HOLDERS | MIG_SNAPSHOT_LOST | MIG_SNAPSHOT_PARTIAL)

const struct mig_option mig_cmd_doctor_options[] = {
	{"json", 0, NULL, "print JSON (schema migctl.doctor/1)"},
	{NULL, 0, NULL, NULL},
};

/* ---- what is looked at -------------------------------------------------------------------------- */

struct patient {
	struct mig_session session;
	char *host_root;	/* where there is no session */
	struct mig_context ctx; /* likewise */
	struct mig_snapshot *snapshot;
	struct mig_error *why; /* what keeps the driver from working */
	struct mig_doctor doctor;
};

static void patient_clear(struct patient *patient)
{
	mig_doctor_clear(&patient->doctor);
	mig_snapshot_free(patient->snapshot);
	mig_session_close(&patient->session);
	free(patient->host_root);
	mig_error_free(patient->why);
}

/* A text that names commands, as this person can type them. */
static int name_command(char **text, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf named = MIG_BUF_INIT(MIG_OUTPUT_JSON_MAX);

	if (*text == NULL)
		return 0;
	mig_self_puts(&named, *text);
	free(*text);
	*text = mig_buf_steal(&named);
	return *text != NULL ? 0 : mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
}

static int name_commands(struct mig_doctor *doctor, struct mig_error **err)
{
	for (size_t i = 0; mig_doctor_checks[i].id != NULL; i++) {
		for (unsigned int f = 0; f < doctor->reports[i].count; f++) {
			struct mig_finding *finding = &doctor->reports[i].findings[f];

			if (name_command(&finding->mend, err) < 0 ||
			    name_command(&finding->remark, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* What the driver does not do is a finding; an error is only what keeps us from looking at all. */
static int look(struct patient *patient, struct mig_error **err)
{
	struct mig_doctor *doctor = &patient->doctor;

	if (mig_host_root_from_env(&patient->host_root, err) < 0)
		return -1;
	patient->ctx = (struct mig_context){.host_root = patient->host_root};
	doctor->ctx = &patient->ctx;
	if (mig_session_open(&patient->session, &patient->why) == 0) {
		doctor->ctx = &patient->session.ctx;
		doctor->is_simulated = patient->session.sim_identity != NULL;
		doctor->device_command = patient->session.device_command;
		if (mig_snapshot_read(doctor->ctx, READ_FLAGS, &patient->snapshot, &patient->why) <
		    0)
			mig_session_explain(&patient->session, &patient->why);
	}
	doctor->is_simulated = doctor->is_simulated || getenv(MIG_SIM_NODE_ENV) != NULL;
	doctor->driver_error = patient->why;
	doctor->snapshot = patient->snapshot;
	if (mig_doctor_run(doctor, err) < 0)
		return -1;
	return name_commands(doctor, err);
}

/* ---- text --------------------------------------------------------------------------------------- */

static enum mig_tone result_tone(enum mig_check_result result)
{
	switch (result) {
	case MIG_CHECK_OK:
		return MIG_TONE_FREE;
	case MIG_CHECK_NOTE:
		return MIG_TONE_HELD;
	case MIG_CHECK_PROBLEM:
		return MIG_TONE_WRONG;
	default:
		return MIG_TONE_FAINT;
	}
}

static void print_finding(const struct mig_finding *finding, bool is_marked, unsigned int width,
			  struct mig_buf *out)
{
	_cleanup_buf_ struct mig_buf raw = MIG_BUF_INIT(MIG_OUTPUT_JSON_MAX);
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_OUTPUT_JSON_MAX);
	_cleanup_buf_ struct mig_buf remark = MIG_BUF_INIT(MIG_OUTPUT_JSON_MAX);

	mig_buf_printf(&raw, "%s%s%s%s", is_marked ? "not looked at: " : "",
		       finding->subject != NULL ? finding->subject : "",
		       finding->subject != NULL ? ": " : "", finding->text);
	mig_text_escape_message(&text, mig_buf_text(&raw));
	mig_output_wrap(out, mig_buf_text(&text), 2, 4, width);
	if (finding->mend == NULL)
		return;
	/* On one line, to be copied. */
	mig_buf_printf(out, "    mend%s: ", finding->is_of_machine ? " on a real machine" : "");
	mig_text_escape_message(out, finding->mend);
	mig_buf_putc(out, '\n');
	if (finding->remark == NULL)
		return;
	mig_buf_printf(&remark, "(%s)", finding->remark);
	mig_output_wrap(out, mig_buf_text(&remark), 6, 6, width);
}

/* What could not be looked at at all is said beside the check. */
static bool is_one_line(const struct mig_check_report *report)
{
	return report->count == 1 && report->result == MIG_CHECK_SKIPPED &&
	       report->findings[0].subject == NULL;
}

/* Behind the result, or below it where the terminal is too narrow. */
static void put_beside(const struct mig_picture_style *style, size_t used, const char *text,
		       struct mig_buf *out)
{
	if (text != NULL && ID_WIDTH + RESULT_WIDTH + strlen(text) <= style->width) {
		mig_buf_printf(out, "%*s%s\n", RESULT_WIDTH - (int)used, "", text);
		return;
	}
	mig_buf_putc(out, '\n');
	if (text != NULL)
		mig_output_wrap(out, text, 2, 4, style->width);
}

static void print_text(const struct patient *patient)
{
	_cleanup_buf_ struct mig_buf out = MIG_BUF_INIT(MIG_OUTPUT_JSON_MAX);
	const struct mig_doctor *doctor = &patient->doctor;
	unsigned int problems = mig_doctor_problems(doctor), skipped = 0;
	struct mig_picture_style style;

	mig_picture_style_of_stdout(&style);
	for (size_t i = 0; mig_doctor_checks[i].id != NULL; i++) {
		const struct mig_check_report *report = &doctor->reports[i];
		const char *word = mig_check_result_word(report->result);

		mig_buf_printf(&out, "%-*s", ID_WIDTH, mig_doctor_checks[i].id);
		mig_tone_put(&style, result_tone(report->result), word, &out);
		put_beside(&style, strlen(word),
			   report->result == MIG_CHECK_OK ? mig_doctor_checks[i].what
			   : is_one_line(report)	  ? report->findings[0].text
							  : NULL,
			   &out);
		skipped += report->result == MIG_CHECK_SKIPPED;
		for (unsigned int f = 0; f < report->count && !is_one_line(report); f++)
			print_finding(&report->findings[f],
				      report->findings[f].kind == MIG_FINDING_SKIPPED &&
					      report->result != MIG_CHECK_SKIPPED,
				      style.width, &out);
	}
	if (problems == 0 && skipped > 0)
		mig_buf_puts(&out, "Nothing is wrong of what could be looked at.\n");
	else if (problems == 0)
		mig_buf_puts(&out, "Nothing is wrong.\n");
	else
		mig_buf_printf(&out, "%u problem%s.\n", problems, problems == 1 ? "" : "s");
	fputs(mig_buf_text(&out), stdout);
}

/* ---- JSON --------------------------------------------------------------------------------------- */

static void json_check(struct mig_json *json, size_t row, const struct mig_check_report *report)
{
	mig_json_object_begin(json);
	mig_json_member_string(json, "id", mig_doctor_checks[row].id);
	mig_json_member_string(json, "what", mig_doctor_checks[row].what);
	mig_json_member_string(json, "result", mig_check_result_word(report->result));
	mig_json_key(json, "findings");
	mig_json_array_begin(json);
	for (unsigned int f = 0; f < report->count; f++) {
		const struct mig_finding *finding = &report->findings[f];

		mig_json_object_begin(json);
		mig_json_member_string(json, "kind", mig_finding_kind_word(finding->kind));
		mig_json_member_string(json, "subject", finding->subject);
		mig_json_member_string(json, "text", finding->text);
		mig_json_member_string(json, "mend", finding->mend);
		mig_json_member_string(json, "remark", finding->remark);
		mig_json_member_bool(json, "mend_on_machine", finding->is_of_machine);
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
	mig_json_object_end(json);
}

static int print_json(const struct patient *patient, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_OUTPUT_JSON_MAX);
	const struct mig_doctor *doctor = &patient->doctor;
	struct mig_json json;

	mig_json_init(&json, &text);
	mig_json_object_begin(&json);
	mig_json_member_string(&json, "schema", "migctl.doctor/1");
	mig_json_member_string(&json, "driver_version",
			       patient->snapshot != NULL ? patient->snapshot->driver_version
							 : NULL);
	mig_json_member_uint(&json, "problems", mig_doctor_problems(doctor));
	mig_json_key(&json, "checks");
	mig_json_array_begin(&json);
	for (size_t i = 0; mig_doctor_checks[i].id != NULL; i++)
		json_check(&json, i, &doctor->reports[i]);
	mig_json_array_end(&json);
	mig_json_object_end(&json);
	return mig_output_json(&json, &text, err);
}

/* ---- the command -------------------------------------------------------------------------------- */

int mig_cmd_doctor_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_(patient_clear) struct patient patient = {.host_root = NULL};

	if (look(&patient, err) < 0)
		return -1;
	if (!mig_option_given(inv, "json"))
		print_text(&patient);
	else if (print_json(&patient, err) < 0)
		return -1;
	if (patient.why != NULL && mig_error_code(patient.why) == MIG_ERROR_NO_DRIVER)
		return MIG_EXIT_NO_DRIVER;
	/* As of any other command. */
	if (patient.snapshot != NULL && patient.snapshot->gpu_count == 0)
		return MIG_EXIT_NO_DRIVER;
	return mig_doctor_problems(&patient.doctor) > 0 ? MIG_EXIT_FAILED : MIG_EXIT_OK;
}
