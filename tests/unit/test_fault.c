/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules for calls that go wrong: how they come and go in a state, when they are due, and the words
 * in which a person gives them.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nvml/nvml_abi.h"
#include "sim/control/fault.h"
#include "sim/fault/fault.h"
#include "sim/fault/functions.h"
#include "tests/harness/test.h"

#define FORMS                                                                                \
	"a fault is FUNCTION[:N[+]]=CODE, …=hang, …=kill, lost, xid=N or ecc=corrected|" \
	"uncorrected[:N]"

/* ---- rules of a state ---------------------------------------------------------------------------- */

static struct mig_sim_state *new_state(void)
{
	struct mig_sim_state *state = calloc(1, sizeof(*state));

	MIG_ASSERT(state != NULL);
	return state;
}

MIG_TEST(ids_are_never_used_again_and_every_change_moves_the_serial)
{
	struct mig_sim_fault rule = {.call = 1, .seen = 7, .function = "nvmlInit"};
	struct mig_sim_state *state = new_state();

	MIG_ASSERT_UINT_EQ(mig_sim_fault_add(state, &rule)->id, 1);
	MIG_ASSERT_UINT_EQ(mig_sim_fault_add(state, &rule)->id, 2);
	MIG_ASSERT_UINT_EQ(state->faults[1].seen, 0);
	MIG_ASSERT_UINT_EQ(state->fault_count, 2);
	MIG_ASSERT_UINT_EQ(state->fault_serial, 2);
	MIG_ASSERT(mig_sim_fault_remove(state, 1));
	MIG_ASSERT_UINT_EQ(state->fault_count, 1);
	MIG_ASSERT_UINT_EQ(state->fault_serial, 3);
	MIG_ASSERT(!mig_sim_fault_remove(state, 1));
	MIG_ASSERT(!mig_sim_fault_remove(state, 0));
	MIG_ASSERT_UINT_EQ(state->fault_serial, 3);
	MIG_ASSERT_UINT_EQ(mig_sim_fault_add(state, &rule)->id, 3);
	free(state);
}

MIG_TEST(a_full_table_takes_no_more)
{
	struct mig_sim_fault rule = {.call = 1, .function = "nvmlInit"};
	struct mig_sim_state *state = new_state();

	for (unsigned int i = 0; i < MIG_SIM_FAULTS_MAX; i++)
		MIG_ASSERT(mig_sim_fault_add(state, &rule) != NULL);
	MIG_ASSERT(mig_sim_fault_add(state, &rule) == NULL);
	MIG_ASSERT_UINT_EQ(state->fault_count, MIG_SIM_FAULTS_MAX);
	MIG_ASSERT_UINT_EQ(state->fault_serial, MIG_SIM_FAULTS_MAX);
	free(state);
}

MIG_TEST(due_at_the_call_or_from_it_on)
{
	struct mig_sim_fault once = {.call = 3};
	struct mig_sim_fault on = {.call = 3, .is_from = 1};

	MIG_ASSERT(!mig_sim_fault_is_due(&once, 2) && !mig_sim_fault_is_due(&on, 2));
	MIG_ASSERT(mig_sim_fault_is_due(&once, 3) && mig_sim_fault_is_due(&on, 3));
	MIG_ASSERT(!mig_sim_fault_is_due(&once, 4) && mig_sim_fault_is_due(&on, 4));
}

MIG_TEST(rules_of_processes_that_ended_are_dropped)
{
	struct mig_sim_fault rule = {.call = 1, .function = "nvmlInit"};
	struct mig_sim_state *state = new_state();
	struct mig_sim_process process;
	int gate[2], status;
	pid_t child;

	mig_sim_fault_add(state, &rule);
	MIG_ASSERT(mig_sim_process_find((uint32_t)getpid(), &process));
	rule.pid = process.pid;
	rule.start_time = process.start_time;
	rule.pid_namespace = process.pid_namespace;
	mig_sim_fault_add(state, &rule);
	MIG_ASSERT_INT_EQ(pipe(gate), 0);
	child = fork();
	MIG_ASSERT(child >= 0);
	if (child == 0) {
		char byte;

		close(gate[1]);
		_exit(read(gate[0], &byte, 1) != 0);
	}
	MIG_ASSERT(mig_sim_process_find((uint32_t)child, &process));
	rule.pid = process.pid;
	rule.start_time = process.start_time;
	mig_sim_fault_add(state, &rule);
	MIG_ASSERT_UINT_EQ(mig_sim_fault_drop_ended(state), 0);
	close(gate[1]);
	MIG_ASSERT_INT_EQ(waitpid(child, &status, 0), child);
	MIG_ASSERT(mig_sim_fault_has_ended(&state->faults[2]));
	MIG_ASSERT_UINT_EQ(mig_sim_fault_drop_ended(state), 1);
	MIG_ASSERT_UINT_EQ(state->fault_count, 2);
	MIG_ASSERT_UINT_EQ(state->faults[2].id, 0);
	free(state);
}

MIG_TEST(a_pid_that_was_given_again_is_another_process)
{
	struct mig_sim_fault rule = {.call = 1};
	struct mig_sim_process process;

	MIG_ASSERT(mig_sim_process_find((uint32_t)getpid(), &process));
	rule.pid = process.pid;
	rule.start_time = process.start_time + 1;
	rule.pid_namespace = process.pid_namespace;
	MIG_ASSERT(mig_sim_fault_has_ended(&rule));
}

/* ---- words --------------------------------------------------------------------------------------- */

static void expect_rule(const char *text, const char *function, uint64_t call, bool is_from,
			enum mig_sim_fault_action action, uint32_t code, const char *described)
{
	struct mig_sim_fault_request request;
	_cleanup_buf_ struct mig_buf words = MIG_BUF_INIT(1024);

	MIG_ASSERT_INT_EQ(mig_sim_fault_read(text, &request, NULL), 0);
	MIG_ASSERT_INT_EQ(request.kind, MIG_SIM_FAULT_CALL);
	MIG_ASSERT_STR_EQ(request.rule.function, function);
	MIG_ASSERT_UINT_EQ(request.rule.call, call);
	MIG_ASSERT_UINT_EQ(request.rule.is_from, is_from);
	MIG_ASSERT_INT_EQ(request.rule.action, action);
	MIG_ASSERT_UINT_EQ(request.rule.code, code);
	mig_sim_fault_describe(&request.rule, &words);
	MIG_ASSERT_STR_EQ(mig_buf_text(&words), described);
}

MIG_TEST(faults_of_calls)
{
	expect_rule("nvmlInit=4", "nvmlInit", 1, true, MIG_SIM_FAULT_RETURN, 4,
		    "nvmlInit, every call: NO_PERMISSION");
	expect_rule("nvmlInit:2=IN_USE", "nvmlInit", 2, false, MIG_SIM_FAULT_RETURN, 19,
		    "nvmlInit, call 2: IN_USE");
	expect_rule("nvmlInit:2+=nvml_error_in_use", "nvmlInit", 2, true, MIG_SIM_FAULT_RETURN, 19,
		    "nvmlInit, call 2 and later: IN_USE");
	expect_rule("nvmlInit:1+=999", "nvmlInit", 1, true, MIG_SIM_FAULT_RETURN, 999,
		    "nvmlInit, every call: UNKNOWN");
	expect_rule("nvmlInit:1=NVML_SUCCESS", "nvmlInit", 1, false, MIG_SIM_FAULT_RETURN, 0,
		    "nvmlInit, call 1: SUCCESS");
	expect_rule("nvmlInit=500", "nvmlInit", 1, true, MIG_SIM_FAULT_RETURN, 500,
		    "nvmlInit, every call: 500");
	expect_rule("nvmlVgpuTypeGetName:7=hang", "nvmlVgpuTypeGetName", 7, false,
		    MIG_SIM_FAULT_HANG, 0, "nvmlVgpuTypeGetName, call 7: hang");
	expect_rule("nvmlShutdown=kill", "nvmlShutdown", 1, true, MIG_SIM_FAULT_KILL, 0,
		    "nvmlShutdown, every call: kill");
}

MIG_TEST(faults_of_gpus)
{
	static const struct {
		const char *text;
		enum mig_sim_fault_kind kind;
		uint64_t number;
		bool is_uncorrected;
	} cases[] = {
		{"lost", MIG_SIM_FAULT_LOST, 0, false},
		{"xid=79", MIG_SIM_FAULT_XID, 79, false},
		{"ecc=corrected", MIG_SIM_FAULT_ECC, 1, false},
		{"ecc=corrected:3", MIG_SIM_FAULT_ECC, 3, false},
		{"ecc=uncorrected:1000000000", MIG_SIM_FAULT_ECC, 1000000000, true},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		struct mig_sim_fault_request request;

		MIG_ASSERT_INT_EQ(mig_sim_fault_read(cases[i].text, &request, NULL), 0);
		MIG_ASSERT_INT_EQ(request.kind, cases[i].kind);
		MIG_ASSERT_UINT_EQ(request.number, cases[i].number);
		MIG_ASSERT_INT_EQ(request.is_uncorrected, cases[i].is_uncorrected);
	}
}

MIG_TEST(what_is_not_understood_is_named)
{
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
		{"", "it is not said what is to happen: ''"},
		{"nvmlInit", "it is not said what is to happen: 'nvmlInit'"},
		{"nvmlInit=", "it is not said what is to happen: 'nvmlInit='"},
		{"nvmlInt=4", "NVML has no function 'nvmlInt', did you mean 'nvmlInit'?"},
		{"=4", "NVML has no function ''"},
		{"\x1b[31m=4", "NVML has no function '\\x1b[31m'"},
		{"nvmlErrorString=4", "a call of this function cannot go wrong: 'nvmlErrorString'"},
		{"nvmlInit:=4", "not the number of a call (1, 2, …): ''"},
		{"nvmlInit:0=4", "not the number of a call (1, 2, …): '0'"},
		{"nvmlInit:+=4", "not the number of a call (1, 2, …): '+'"},
		{"nvmlInit:2++=4", "not the number of a call (1, 2, …): '2++'"},
		{"nvmlInit:-1=4", "not the number of a call (1, 2, …): '-1'"},
		{"nvmlInit:99999999999999999999=4",
		 "not the number of a call (1, 2, …): '99999999999999999999'"},
		{"nvmlInit=IN_USED",
		 "neither a code of NVML nor 'hang' or 'kill': 'IN_USED', did you mean 'IN_USE'?"},
		{"nvmlInit=1000", "neither a code of NVML nor 'hang' or 'kill': '1000'"},
		{"nvmlInit=hnag",
		 "neither a code of NVML nor 'hang' or 'kill': 'hnag', did you mean 'hang'?"},
		{"xid=", "it is not said what is to happen: 'xid=', did you mean 'xid=N'?"},
		{"xid=0", "not the number of an XID (1, 2, …): '0'"},
		{"xid=seven", "not the number of an XID (1, 2, …): 'seven'"},
		{"ecc=corected", "no kind of memory error: 'corected', did you mean 'corrected'?"},
		{"ecc=corrected:", "not a number of memory errors (1, 2, …): ''"},
		{"ecc=corrected:x", "not a number of memory errors (1, 2, …): 'x'"},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		struct mig_sim_fault_request request;
		struct mig_error *err = NULL;

		MIG_ASSERT_MSG(mig_sim_fault_read(cases[i].text, &request, &err) < 0,
			       "'%s' was accepted", cases[i].text);
		MIG_ASSERT_STR_EQ(mig_error_message(err), cases[i].message);
		MIG_ASSERT_STR_EQ(mig_error_hint_text(err), FORMS);
		MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_USAGE);
		mig_error_free(err);
	}
}

/* The table is sorted and complete, and every name fits into a rule. */
MIG_TEST(the_functions_have_names_that_fit)
{
	MIG_ASSERT(mig_sim_function_count > 400);
	for (unsigned int i = 0; i < mig_sim_function_count; i++) {
		MIG_ASSERT(strlen(mig_sim_functions[i].name) < MIG_SIM_FUNCTION_SIZE);
		MIG_ASSERT(mig_sim_functions[i].branches[0] != 0);
		MIG_ASSERT(i == 0 ||
			   strcmp(mig_sim_functions[i - 1].name, mig_sim_functions[i].name) < 0);
	}
}
