# SPDX-License-Identifier: Apache-2.0
"""scripts/run-tests.py: which tests are chosen, and what is counted.

The log lines have the fields that Meson 1.0.1 (Debian 12) and 1.7.0 (Debian 13)
write; the two give a program without output different results.
"""
import importlib.util
import io
import json

import tap
from tap import test

_spec = importlib.util.spec_from_file_location('run_tests', tap.source('scripts', 'run-tests.py'))
run_tests = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(run_tests)


def entry(stdout, result='OK', returncode=0, name='migctl:unit / number', **more):
    """One line of testlog.json as Meson writes it."""
    line = {'name': name, 'stdout': stdout, 'result': result, 'starttime': 1700000000.5,
            'duration': 0.25, 'returncode': returncode, 'env': {'LC_ALL': 'C.UTF-8'},
            'command': ['/tree/build/tests/unit/test_number'], **more}
    return json.loads(json.dumps(line))


def report(*entries, missing=()):
    """(exit status, printed text) of the report of these entries."""
    out = io.StringIO()
    status = run_tests.report(list(entries), list(missing), out)
    return status, out.getvalue()


def counts(want, *entries, status=0, missing=()):
    """The report ends in this line and status; returns its text."""
    got, text = report(*entries, missing=missing)
    tap.equal(text.splitlines()[-1], want, text)
    tap.equal(got, status, text)
    return text


@test
def subtests_are_counted():
    counts('3 passed, 0 failed, 0 skipped',
           entry('1..2\nok 1 a\nok 2 b\n'), entry('1..1\nok 1 c\n'))


@test
def plan_may_come_last():
    counts('2 passed, 0 failed, 0 skipped', entry('ok 1 - a\nok 2 - b\n1..2\n'))


@test
def skip_has_place_and_reason():
    text = counts('1 passed, 0 failed, 1 skipped',
                  entry('1..2\nok 1 a\nok 2 big_node # SKIP needs 64 GB\n'))
    tap.contains(text.splitlines(), 'skipped: unit/number: big_node: needs 64 GB')


@test
def whole_file_skipped():
    text = counts('1 passed, 0 failed, 1 skipped', entry('1..1\nok 1 a\n'),
                  entry('1..0 # SKIP no network\n', result='SKIP',
                        name='migctl:peers / nvidia-smi'))
    tap.contains(text.splitlines(), 'skipped: peers/nvidia-smi: all: no network')


@test
def only_skips_is_not_success():
    counts('0 passed, 0 failed, 1 skipped',
           entry('1..1\nok 1 a # SKIP no network\n', result='SKIP'), status=1)


@test
def nothing_is_not_success():
    text = counts('0 passed, 0 failed, 0 skipped', status=1)
    tap.contains(text, 'nothing ran\n')


@test
def failure_shows_what_the_test_said():
    text = counts('1 passed, 1 failed, 0 skipped',
                  entry('1..2\nnot ok 1 sign\n# sign: assertion failed\n# number.c:9: got 1\n'
                        'ok 2 b\n# of b\n', result='ERROR', returncode=1,
                        stderr='\n(test program exited with status code 1)'), status=1)
    tap.contains(text, 'FAILED: unit/number: sign\n    # sign: assertion failed\n'
                       '    # number.c:9: got 1\n')
    tap.not_contains(text, '# of b')


@test
def death_after_the_last_result_is_a_failure():
    text = counts('2 passed, 1 failed, 0 skipped',
                  entry('1..2\nok 1 a\nok 2 b\n', result='ERROR', returncode=-11), status=1)
    tap.contains(text, 'FAILED: unit/number: it was killed by signal 11\n')


@test
def missing_results_are_a_failure():
    text = counts('1 passed, 1 failed, 0 skipped',
                  entry('1..3\nok 1 a\n', result='ERROR'), status=1)
    tap.contains(text, 'it planned 3 results and printed 1')


@test
def no_plan_is_a_failure():
    text = counts('1 passed, 1 failed, 0 skipped', entry('ok 1 a\n'), status=1)
    tap.contains(text, 'it printed no plan')


@test
def bail_out_is_a_failure():
    text = counts('1 passed, 1 failed, 0 skipped',
                  entry('1..2\nok 1 a\nBail out! no disk\n', result='ERROR'), status=1)
    tap.contains(text, 'it gave up: no disk')


@test
def silence_is_a_failure_with_meson_1_0():
    text = counts('0 passed, 1 failed, 0 skipped', entry('', result='SKIP'), status=1)
    tap.contains(text, 'it printed no result')


@test
def silence_is_a_failure_with_meson_1_7():
    counts('0 passed, 1 failed, 0 skipped',
           entry('', result='ERROR', returncode=127, stderr='not found'), status=1)


@test
def running_out_of_time_is_a_failure():
    text = counts('1 passed, 1 failed, 0 skipped',
                  entry('1..2\nok 1 a\n', result='TIMEOUT', returncode=-9), status=1)
    tap.contains(text, 'FAILED: unit/number: it ran out of time\n')


@test
def a_test_that_left_no_line_is_a_failure():
    text = counts('1 passed, 1 failed, 0 skipped', entry('1..1\nok 1 a\n'), status=1,
                  missing=['lost'])
    tap.contains(text, 'FAILED: lost: it did not run\n')


@test
def exit_code_test_counts_as_one():
    counts('1 passed, 0 failed, 1 skipped', entry('done\n'),
           entry('needs root\n', result='SKIP', returncode=77))


@test
def todo_is_no_silent_pass():
    text = counts('1 passed, 1 failed, 1 skipped',
                  entry('1..3\nok 1 a\nnot ok 2 b # TODO later\nok 3 c # TODO later\n'), status=1)
    tap.contains(text, 'skipped: unit/number: b: known to fail: later\n')
    tap.contains(text, 'FAILED: unit/number: c: marked as TODO, yet it passes\n')


@test
def name_without_suite():
    tap.equal(run_tests.short_name('number'), 'number')
    tap.equal(run_tests.short_name('migctl:unit+long / number'), 'unit+long/number')


TESTS = [
    {'name': 'number', 'suite': ['migctl:unit']},
    {'name': 'model-a100', 'suite': ['migctl:model']},
    {'name': 'model-all', 'suite': ['migctl:model', 'migctl:long']},
    {'name': 'nvidia-smi', 'suite': ['migctl:peers']},
    {'name': 'reads', 'suite': ['migctl:bench']},
]


def chosen(names=(), asked=()):
    """The names of the tests that are chosen."""
    return [entry['name'] for entry in run_tests.select(TESTS, list(names), asked)]


@test
def default_leaves_out_what_is_on_request():
    tap.equal(chosen(), ['number', 'model-a100'])


@test
def asking_adds():
    tap.equal(chosen(asked=['peers']), ['number', 'model-a100', 'nvidia-smi'])
    tap.equal(chosen(asked=['long', 'bench']), ['number', 'model-a100', 'model-all', 'reads'])


@test
def a_suite_by_name():
    tap.equal(chosen(['model']), ['model-a100'])
    tap.equal(chosen(['model'], ['long']), ['model-a100', 'model-all'])
    tap.equal(chosen(['peers']), ['nvidia-smi'])
    tap.equal(chosen(['long']), ['model-all'])


@test
def a_test_by_name():
    tap.equal(chosen(['model-all']), ['model-all'])
    tap.equal(chosen(['number', 'peers']), ['number', 'nvidia-smi'])


@test
def an_unknown_name_names_the_valid_ones():
    try:
        chosen(['mmodel'])
    except run_tests.UnknownName as error:
        tap.contains(str(error), 'no suite and no test is called "mmodel"')
        tap.contains(str(error), 'nearest: model')
        tap.contains(str(error), 'suites: bench, long, model, peers, unit')
        tap.contains(str(error), 'tests: model-a100, model-all, number, nvidia-smi, reads')
    else:
        tap.fail('it was accepted')


tap.main()
