/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules as one process sees them. Whether it descends from the process that a rule names is
 * looked up once for each rule, by walking up the parents.
 */
#include <string.h>
#include <unistd.h>

#include "sim/fault/fault.h"

#define ANCESTORS_MAX 1024 /* a walk through parents that are changing ends some time */

typedef uint64_t __attribute__((may_alias)) word;
_Static_assert(sizeof(struct mig_sim_fault) % sizeof(word) == 0, "faults are whole words");

uint64_t mig_sim_fault_serial(const struct mig_sim_store *store)
{
	const struct mig_sim_state *view;

	mig_sim_read_begin(store, &view);
	return __atomic_load_n(&view->fault_serial, __ATOMIC_ACQUIRE);
}

/* The rules and their serial number, as of one moment. */
static uint64_t read_rules(const struct mig_sim_store *store,
			   struct mig_sim_fault rules[MIG_SIM_FAULTS_MAX])
{
	const struct mig_sim_state *view;
	uint64_t begun, serial;

	do {
		const word *from;
		word *to = (word *)rules;

		begun = mig_sim_read_begin(store, &view);
		from = (const word *)view->faults;
		for (size_t i = 0; i < sizeof(view->faults) / (sizeof(word)); i++)
			to[i] = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
		serial = __atomic_load_n(&view->fault_serial, __ATOMIC_ACQUIRE);
	} while (mig_sim_read_retry(store, begun));
	return serial;
}

/* Whether `self` is the process that the rule names or descends from it. */
static bool descends(const struct mig_sim_process *self, const struct mig_sim_fault *rule)
{
	uint32_t pid = self->pid;

	if (self->pid_namespace != rule->pid_namespace || mig_sim_fault_has_ended(rule))
		return false;
	for (unsigned int i = 0; pid != 0 && i < ANCESTORS_MAX; i++) {
		if (pid == rule->pid)
			return true;
		pid = mig_sim_process_parent(pid);
	}
	return false;
}

/* The row of rule `id` in what was known before, or MIG_SIM_FAULTS_MAX. */
static unsigned int find_row(const struct mig_sim_fault *rules, uint32_t id)
{
	unsigned int row = 0;

	while (row < MIG_SIM_FAULTS_MAX && rules[row].id != id)
		row++;
	return row;
}

/* Fills in row `row` of `next`, whose rule is known, from `last` as far as it was there. */
static void take_over(struct mig_sim_fault_watch *next, const struct mig_sim_fault_watch *last,
		      unsigned int row, const struct mig_sim_process *self)
{
	const struct mig_sim_fault *rule = &next->rules[row];
	unsigned int before = last ? find_row(last->rules, rule->id) : MIG_SIM_FAULTS_MAX;

	if (rule->pid == 0) {
		next->concerns[row] = true;
	} else if (before < MIG_SIM_FAULTS_MAX) {
		next->concerns[row] = last->concerns[before];
		next->calls[row] = last->calls[before];
	} else {
		next->concerns[row] = self && descends(self, rule);
	}
	if (rule->pid != 0 && mig_sim_fault_has_ended(rule)) {
		next->concerns[row] = false;
		next->has_ended = true;
	}
	if (next->concerns[row])
		next->is_quiet = false;
}

void mig_sim_fault_watch_refresh(struct mig_sim_fault_watch *watch,
				 const struct mig_sim_store *store)
{
	uint32_t pid = (uint32_t)getpid();
	bool is_own = watch->pid == pid && watch->store == store;
	struct mig_sim_fault_watch last;
	struct mig_sim_process self;
	bool is_known;

	if (is_own && watch->serial == mig_sim_fault_serial(store))
		return;
	last = *watch;
	memset(watch, 0, sizeof(*watch));
	watch->serial = read_rules(store, watch->rules);
	watch->is_quiet = true;
	is_known = mig_sim_process_find(pid, &self);
	for (unsigned int i = 0; i < MIG_SIM_FAULTS_MAX; i++) {
		if (watch->rules[i].id != 0)
			take_over(watch, is_own ? &last : NULL, i, is_known ? &self : NULL);
	}
	watch->store = store;
	watch->pid = pid;
}

bool mig_sim_fault_watch_count(struct mig_sim_fault_watch *watch, const char *function,
			       struct mig_sim_fault *due, bool *is_shared)
{
	bool found = false;

	*is_shared = false;
	for (unsigned int i = 0; i < MIG_SIM_FAULTS_MAX; i++) {
		const struct mig_sim_fault *rule = &watch->rules[i];

		if (rule->id == 0 || !watch->concerns[i] || strcmp(rule->function, function) != 0)
			continue;
		if (rule->pid == 0) {
			*is_shared = true;
			continue;
		}
		watch->calls[i]++;
		if (!mig_sim_fault_is_due(rule, watch->calls[i]) || (found && due->id < rule->id))
			continue;
		if (mig_sim_fault_has_ended(rule)) {
			watch->concerns[i] = false;
			watch->has_ended = true;
			continue;
		}
		*due = *rule;
		found = true;
	}
	return found;
}

/* ---- node-wide --------------------------------------------------------------------------------- */

struct shared_count {
	const char *function;
	struct mig_sim_fault *due;
	bool found;
};

static bool is_shared_rule(const struct mig_sim_fault *rule, const char *function)
{
	return rule->id != 0 && rule->pid == 0 && strcmp(rule->function, function) == 0;
}

static void take_if_older(struct shared_count *count, const struct mig_sim_fault *rule)
{
	if (count->found && count->due->id < rule->id)
		return;
	*count->due = *rule;
	count->found = true;
}

/*
 * Each rule counts up to the call that it is about and no further: then nothing is left to find
 * out, and calls cost no write any more.
 */
static bool count_call(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state)
{
	struct shared_count *count = cookie;
	bool is_changed = false;

	(void)store;
	for (unsigned int i = 0; i < MIG_SIM_FAULTS_MAX; i++) {
		struct mig_sim_fault *rule = &state->faults[i];

		if (!is_shared_rule(rule, count->function))
			continue;
		if (rule->seen >= rule->call) {
			if (rule->is_from)
				take_if_older(count, rule);
			continue;
		}
		rule->seen++;
		is_changed = true;
		if (rule->seen == rule->call)
			take_if_older(count, rule);
	}
	return is_changed;
}

bool mig_sim_fault_count_shared(struct mig_sim_store *store, const char *function, bool found,
				struct mig_sim_fault *due)
{
	struct shared_count count = {.function = function, .due = due, .found = found};
	struct mig_sim_fault rules[MIG_SIM_FAULTS_MAX];
	enum mig_sim_status status = MIG_SIM_OK;
	bool is_counting = false;

	read_rules(store, rules);
	for (unsigned int i = 0; i < MIG_SIM_FAULTS_MAX; i++)
		is_counting |= is_shared_rule(&rules[i], function) && rules[i].seen < rules[i].call;
	if (is_counting)
		status = mig_sim_store_update(store, count_call, &count);
	if (is_counting && (status == MIG_SIM_OK || status == MIG_SIM_UNCHANGED))
		return count.found;
	/* Nothing to count, or not possible: what holds in any case. */
	count.found = found;
	for (unsigned int i = 0; i < MIG_SIM_FAULTS_MAX; i++) {
		if (is_shared_rule(&rules[i], function) && rules[i].is_from &&
		    (rules[i].seen >= rules[i].call || rules[i].call == 1))
			take_if_older(&count, &rules[i]);
	}
	return count.found;
}

bool mig_sim_fault_stands(const struct mig_sim_store *store, uint32_t id)
{
	struct mig_sim_fault rules[MIG_SIM_FAULTS_MAX];
	unsigned int row;

	read_rules(store, rules);
	row = find_row(rules, id);
	return row < MIG_SIM_FAULTS_MAX && !mig_sim_fault_has_ended(&rules[row]);
}

static bool drop_ended(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state)
{
	(void)cookie;
	(void)store;
	return mig_sim_fault_drop_ended(state) > 0;
}

void mig_sim_fault_tidy_store(struct mig_sim_store *store)
{
	(void)!mig_sim_store_update(store, drop_ended, NULL);
}
