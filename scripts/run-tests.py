#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests that Meson knows and says what came out: the engine of ./check.

The last line is "N passed, N failed, N skipped", counted by TAP subtest (a test
that does not speak TAP counts as one). Each skip is printed with its reason, each
failure with what the test said.

The counts come from meson-logs/testlog.json, whose TAP is read again here:
Meson's JUnit file has no trace of a program that died after its last result, and
Meson takes a program that printed nothing at all for a skip.
"""
import argparse
import dataclasses
import difflib
import json
import pathlib
import re
import subprocess
import sys

# Suites that run only when asked for; bench alone and one at a time.
ON_REQUEST = ('peers', 'long', 'bench')
OUTPUT_SHOWN_LINES = 400
TIMEOUT_MULTIPLIER = 4

_RESULT = re.compile(
    r'(?P<not>not )?ok\b\s*(?P<number>[0-9]+)?\s*(?:- )?(?P<name>[^#]*)'
    r'(?:#\s*(?P<directive>[Ss][Kk][Ii][Pp]\S*|[Tt][Oo][Dd][Oo])\b\s*(?P<reason>.*))?')
_PLAN = re.compile(r'1\.\.([0-9]+)\s*(?:#\s*[Ss][Kk][Ii][Pp]\S*\s*(.*))?$')


@dataclasses.dataclass
class Subtest:
    """One result: outcome is 'passed', 'failed' or 'skipped'."""
    name: str
    outcome: str
    reason: str = ''
    output: list = dataclasses.field(default_factory=list)


def parse_tap(text):
    """(subtests, problems) of one program's TAP; problems are sentences."""
    subtests, problems = [], []
    plan = skip_all = None
    for line in text.splitlines():
        if match := _RESULT.match(line):
            subtests.append(_subtest(match))
        elif match := _PLAN.match(line):
            if plan is not None:
                problems.append('it printed two plans')
            plan, skip_all = int(match.group(1)), match.group(2)
        elif line.startswith('Bail out!'):
            problems.append(f'it gave up: {line[len("Bail out!"):].strip()}')
        elif subtests:
            subtests[-1].output.append(line)
    if plan == 0 and skip_all and not subtests:
        subtests.append(Subtest('all', 'skipped', skip_all))
    elif plan is None:
        problems.append('it printed no plan')
    elif plan != len(subtests):
        problems.append(f'it planned {plan} results and printed {len(subtests)}')
    return subtests, problems


def _subtest(match):
    directive = (match['directive'] or '').upper()
    name = match['name'].strip() or match['number'] or '?'
    reason = (match['reason'] or '').strip()
    ok = not match['not']
    if directive.startswith('SKIP') and ok:
        return Subtest(name, 'skipped', reason or 'no reason given')
    if directive == 'TODO':
        if ok:
            return Subtest(name, 'failed', 'marked as TODO, yet it passes')
        return Subtest(name, 'skipped', f'known to fail: {reason}')
    return Subtest(name, 'passed' if ok else 'failed')


def judge_program(entry):
    """The subtests of one line of testlog.json, with what the program itself did wrong."""
    result = entry['result']
    stdout = entry.get('stdout') or ''
    # Meson hands the exit status of any program to us; only TAP has a plan or a result line.
    if not any(_PLAN.match(line) or _RESULT.match(line) for line in stdout.splitlines()):
        if result == 'OK':
            return [Subtest('', 'passed')]
        if result == 'SKIP' and entry.get('returncode') == 77:
            lines = stdout.strip().splitlines()
            return [Subtest('', 'skipped', lines[-1] if lines else 'no reason given')]
        why = _how_it_ended(entry)
        return [Subtest('', 'failed', why, _all_output(entry))]
    subtests, problems = parse_tap(stdout)
    failed = any(subtest.outcome == 'failed' for subtest in subtests)
    if result == 'TIMEOUT':
        problems = ['it ran out of time']
    elif entry.get('returncode') not in (0, None) and not failed:
        problems.append(_how_it_ended(entry))
    elif result == 'INTERRUPT':
        problems.append('it was interrupted')
    if problems:
        subtests.append(Subtest('', 'failed', '; '.join(problems), _all_output(entry)))
    return subtests


def _how_it_ended(entry):
    if entry['result'] == 'TIMEOUT':
        return 'it ran out of time'
    if entry['result'] == 'SKIP':
        return 'it printed no result'
    code = entry.get('returncode')
    if isinstance(code, int) and code < 0:
        return f'it was killed by signal {-code}'
    return f'it ended with exit status {code}'


def _all_output(entry):
    lines = (entry.get('stdout') or '').splitlines()
    errors = (entry.get('stderr') or '').splitlines()
    return lines + (['[stderr]'] + errors if errors else [])


def short_name(name):
    """'project:suite+suite / test' as 'suite+suite/test'."""
    suite, slash, test = name.rpartition(' / ')
    if not slash:
        return name
    return f'{suite.rpartition(":")[2]}/{test}'


def read_log(path):
    """The entries of a testlog.json; an absent one has none."""
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return [json.loads(line) for line in file if line.strip()]
    except FileNotFoundError:
        return []


def report(entries, missing, out):
    """Prints skips, failures and the counts; returns the exit status."""
    counts = {'passed': 0, 'failed': 0, 'skipped': 0}
    skips, failures = [], []
    for entry in entries:
        where = short_name(entry['name'])
        for subtest in judge_program(entry):
            counts[subtest.outcome] += 1
            what = f'{where}: {subtest.name}' if subtest.name else where
            if subtest.outcome == 'skipped':
                skips.append(f'skipped: {what}: {subtest.reason}')
            elif subtest.outcome == 'failed':
                failures.append((what, subtest))
    for name in missing:
        counts['failed'] += 1
        failures.append((name, Subtest(name, 'failed', 'it did not run')))
    print(file=out)
    for line in skips:
        print(line, file=out)
    for what, subtest in failures:
        print(f'FAILED: {what}' + (f': {subtest.reason}' if subtest.reason else ''), file=out)
        for line in subtest.output[-OUTPUT_SHOWN_LINES:]:
            print(f'    {line}', file=out)
    if counts['passed'] + counts['failed'] == 0:
        print('nothing ran', file=out)
    print('{passed} passed, {failed} failed, {skipped} skipped'.format(**counts), file=out,
          flush=True)
    return 1 if counts['failed'] or not counts['passed'] else 0


# --------------------------------------------------------------- selection

class UnknownName(Exception):
    """A NAME that is no suite and no test."""


def suites_of(test):
    """The suites of a test without the project's name before them."""
    return [suite.rpartition(':')[2] for suite in test.get('suite', [])]


def select(tests, names, asked):
    """The tests to run, of Meson's introspection.

    names: suites or tests, none for all. asked: the suites on request that were asked for;
    one that is named is asked for, and so is a test that is named itself.
    """
    asked = set(asked) | (set(names) & set(ON_REQUEST))

    def is_asked(test):
        return not any(suite in ON_REQUEST and suite not in asked for suite in suites_of(test))

    if not names:
        return [test for test in tests if is_asked(test)]
    known = {test['name'] for test in tests}
    suites = {suite for test in tests for suite in suites_of(test)}
    for name in names:
        if name not in known and name not in suites:
            raise UnknownName(_unknown(name, suites, known))
    return [test for test in tests
            if test['name'] in names or (set(suites_of(test)) & set(names) and is_asked(test))]


def _unknown(name, suites, tests):
    near = difflib.get_close_matches(name, sorted(suites | tests), n=3)
    text = f'no suite and no test is called "{name}"\n'
    if near:
        text += f'nearest: {", ".join(near)}\n'
    return (text + f'suites: {", ".join(sorted(suites))}\n'
            f'tests: {", ".join(sorted(tests))}')


def run(build, tests, logbase, extra):
    """Runs these tests; returns (entries, names of those that left no entry)."""
    log = pathlib.Path(build, 'meson-logs', f'{logbase}.json')
    log.unlink(missing_ok=True)
    names = sorted({test['name'] for test in tests})
    command = ['meson', 'test', '-C', build, '--no-rebuild', '--logbase', logbase,
               '--timeout-multiplier', str(TIMEOUT_MULTIPLIER), *extra, *names]
    subprocess.run(command, check=False)
    entries = read_log(log)
    ran = {short_name(entry['name']).rpartition('/')[2] for entry in entries}
    return entries, [name for name in names if name not in ran]


def main():
    """Runs what the command line asks for; returns the exit status."""
    parser = argparse.ArgumentParser(prog='run-tests.py', allow_abbrev=False)
    parser.add_argument('--build', default='build')
    for suite in ON_REQUEST:
        parser.add_argument(f'--{suite}', action='store_true')
    parser.add_argument('names', nargs='*', metavar='NAME')
    options = parser.parse_args()
    path = pathlib.Path(options.build, 'meson-info', 'intro-tests.json')
    tests = json.loads(path.read_text(encoding='utf-8'))
    asked = [suite for suite in ON_REQUEST if getattr(options, suite)]
    try:
        chosen = select(tests, options.names, asked)
    except UnknownName as unknown:
        print(unknown, file=sys.stderr)
        return 2
    bench = [test for test in chosen if 'bench' in suites_of(test)]
    plain = [test for test in chosen if 'bench' not in suites_of(test)]
    entries, missing = [], []
    for part, logbase, extra in ((plain, 'testlog', []),
                                 (bench, 'benchlog', ['--num-processes', '1'])):
        if part:
            more, lost = run(options.build, part, logbase, extra)
            entries += more
            missing += lost
    if bench:
        for entry in entries:
            if 'bench' in short_name(entry['name']).partition('/')[0].split('+'):
                print((entry.get('stdout') or '').rstrip())
    if 'bench' in asked and not bench:
        print('there are no measurements yet')
    return report(entries, missing, sys.stdout)


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
