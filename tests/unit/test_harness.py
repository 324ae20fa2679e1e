# SPDX-License-Identifier: Apache-2.0
"""The test harnesses themselves: every way to fail is reported as a failure."""
import os
import re

import tap
from tap import test

SAMPLE = tap.build('tests', 'harness-sample')

PYTHON_SAMPLE = '''
import os, signal, time
import tap
from tap import test

@test
def passes():
    os.mkdir(tap.tmpdir() / 'closed', 0o500)
    tap.equal(1, 1)
    tap.contains('haystack', 'st')
    tap.not_contains('haystack', 'needle')
    print('not ok 1 this is no TAP')

@test
def says_where():
    print(tap.tmpdir())
    tap.contains(os.environ['MIGSIM_HOME'], str(tap.tmpdir()))
    tap.true('MIGSIM_NODE' not in os.environ)
    tap.fail('to show the output')

@test
def texts_differ():
    tap.equal('same\\nleft\\n', 'same\\nright\\n', 'the text')

@test
def raises():
    {}['nothing']

@test
def is_killed():
    os.kill(os.getpid(), signal.SIGABRT)

@test
def never_ends():
    time.sleep(3600)

@test
def exits():
    os._exit(3)

@test
def skips():
    tap.skip('no #9 here\\ntoday')

@test
def command_fails():
    tap.succeeded(tap.run(['sh', '-c', 'echo said; exit 4']))

tap.main()
'''


def sample(*names, python=False, **env):
    """Runs one of the samples with a deadline of one second."""
    env = {'MIG_TEST_TIMEOUT_SCALE': '0.01', 'MIGSIM_NODE': '/nowhere', **env}
    if not python:
        return tap.run([SAMPLE, *names], env=env)
    file = tap.tmpdir() / 'sample.py'
    file.write_text(PYTHON_SAMPLE, encoding='utf-8')
    return tap.run(['python3', file, *names], env=env)


def wants(name, line, said, python=False):
    """Test NAME of a sample gives this result line and says this."""
    got = sample(name, python=python)
    tap.contains(got.stdout.splitlines(), line)
    tap.contains(got.stdout, said)
    tap.equal(got.rc, 1 if line.startswith('not ok') else 0)


BOTH = {
    'is_killed': 'killed by signal 6 (SIGABRT',
    'never_ends': 'still running after 1 s',
    'exits': 'ended with exit status 3',
}
C_ONLY = {
    'strings_differ': '#   got:    "al\\"pha"\n#   wanted: "alps"\n',
    'string_is_null': 'nothing is NULL, wanted "something"',
    'numbers_differ': '-1 is -1, wanted 1',
    'bytes_differ': '"abc" differs at byte 2 of 3: 0x63, wanted 0x64',
    'part_is_missing': 'wanted: "needle"',
    'child_asserts': '1 is 1, wanted 2',
}
PYTHON_ONLY = {
    'texts_differ': 'the text: texts differ\n# --- wanted\n# +++ got\n# @@ -1,2 +1,2 @@\n'
                    '#  same\n# -right\n# +left\n',
    'raises': "KeyError: 'nothing'",
    'command_fails': '[exit status 4]\n# [stdout]\n# said',
}


def add(name, said, python):
    """One test: the sample's test of this name fails and says this."""
    language = 'python' if python else 'c'
    tap.add(f'{language}_{name}', lambda: wants(name, f'not ok 1 {name}', said, python))


for _name, _said in {**BOTH, **C_ONLY}.items():
    add(_name, _said, False)
for _name, _said in {**BOTH, **PYTHON_ONLY}.items():
    add(_name, _said, True)


def add_both(function):
    """Registers a test of one argument for both languages."""
    tap.add(f'c_{function.__name__}', lambda: function(False))
    tap.add(f'python_{function.__name__}', lambda: function(True))
    return function


@add_both
def what_passing_prints_is_a_comment(python):
    """What a passing test prints is kept and not taken for TAP."""
    got = sample('passes', python=python)
    tap.equal(got.stdout, '1..1\nok 1 passes\n# not ok 1 this is no TAP\n')
    tap.equal(got.rc, 0)


@add_both
def skip_has_its_reason(python):
    """A # or a new line in a reason does not break the line."""
    got = sample('skips', python=python)
    tap.true(re.fullmatch(r'1\.\.1\nok 1 skips # SKIP no +9 here today\n', got.stdout), got)
    tap.equal(got.rc, 0)


@add_both
def directory_is_removed(python):
    """The private directory is gone after a failure, read-only folders and all."""
    got = sample('says_where', python=python)
    tap.contains(got.stdout, 'to show the output')
    place = re.search(r'^# (/.*)$', got.stdout, re.MULTILINE).group(1)
    tap.true(not os.path.exists(place), f'{place} is still there')


@add_both
def directory_with_read_only_folder_is_removed(python):
    """TMPDIR is empty again after a test that made a folder read-only."""
    place = tap.tmpdir() / 'tmp'
    place.mkdir()
    sample('passes', python=python, TMPDIR=str(place))
    tap.equal(list(place.iterdir()), [])


@add_both
def unknown_name_is_refused(python):
    """A name that is no test runs nothing."""
    got = sample('no_such_test', python=python)
    tap.contains(got.stdout, 'Bail out! no test "no_such_test"')
    tap.equal(got.rc, 2)


@test
def plan_counts_all():
    """Without a name all run, and the plan has their number."""
    got = sample()
    names = sample('-l').stdout.split()
    tap.equal(got.stdout.splitlines()[0], f'1..{len(names)}')
    tap.equal(len(re.findall(r'^(?:not )?ok ', got.stdout, re.MULTILINE)), len(names))


tap.main()
