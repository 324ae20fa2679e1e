# SPDX-License-Identifier: Apache-2.0
"""nvidia-mig-parted and migctl under the same faults: the N-th changing call of each function fails,
or the process is killed in it, for every N. What is there afterwards, and after a second run without
faults. The table in docs/torture.md has the counts."""
import collections
import json
import pathlib
import re

import peers
import tap

(PARTED,), MISSING = peers.programs('nvidia-mig-parted')
test = peers.tests(MISSING, 'torture_beside_nvidia_mig_parted')

CONFIG = """\
version: v1
mig-configs:
  old:
    - {devices: all, mig-enabled: true, mig-devices: {"3g.20gb": 2}}
  new:
    - {devices: all, mig-enabled: true, mig-devices: {"3g.20gb": 1, "2g.10gb": 1, "1g.5gb": 2}}
"""
OLD = ['3g.20gb'] * 2
NEW = sorted(peers.BALANCED)
FUNCTIONS = ('nvmlComputeInstanceDestroy', 'nvmlGpuInstanceDestroy', 'nvmlDeviceCreateGpuInstance',
             'nvmlDeviceCreateGpuInstanceWithPlacement', 'nvmlGpuInstanceCreateComputeInstance',
             'nvmlGpuInstanceCreateComputeInstanceWithPlacement')
CALLS_MAX = 16
# kind: what stands before '=' behind the number of the call, and what behind it
EFFECTS = {'a call fails once': ('', 'UNKNOWN'), 'a function fails from a call on': ('+', 'UNKNOWN'),
           'killed in a call': ('', 'kill')}
WORDS = ('old', 'new', 'mixed')


def migctl(*args):
    return tap.run([tap.build('migctl'), *args])


class Bench:
    """One GPU that is brought to the old layout for each case."""

    def __init__(self, program):
        self.program = program
        self.config = tap.tmpdir() / 'config.yaml'
        self.config.write_text(CONFIG)
        self.number = 0

    def begin(self):
        self.number += 1
        self.node = peers.Node('1xa100-sxm4-40gb', f'n{self.number}')
        tap.succeeded(migctl('--node', self.node.name, 'apply', '-f', self.config, '-c', 'old'))

    def apply(self):
        if self.program == 'migctl':
            return migctl('--node', self.node.name, 'apply', '-f', self.config, '-c', 'new')
        return self.node.jail(PARTED, 'apply', '-f', self.config, '-c', 'new')

    def layout(self):
        """'old', 'new' or 'mixed'; each GPU instance with one compute instance as large as it."""
        gpu = self.node.gpus()[0]
        is_whole = all([ci['profile'] for ci in gi['compute_instances']] == [gi['profile']]
                       for gi in gpu['gpu_instances'])
        there = self.node.layout()[0]
        if not is_whole or there not in (OLD, NEW):
            return 'mixed'
        return 'old' if there == OLD else 'new'

    def seen(self):
        """Calls of the function that the fault is for."""
        got = tap.succeeded(migctl('sim', 'fault', 'list', self.node.name, '--json'))
        return json.loads(got.stdout)['faults'][0]['calls_counted']

    def case(self, function, number, span, effect):
        """(exit status, layout, layout after a run without faults); None when it did not come to
        this call."""
        self.begin()
        tap.succeeded(migctl('sim', 'fault', 'add', '-n', self.node.name,
                             f'{function}:{number}{span}={effect}'))
        got = self.apply()
        if self.seen() < number:
            return None
        tap.succeeded(migctl('sim', 'fault', 'clear', self.node.name, 'all'))
        first = self.layout()
        self.apply()
        return got.rc, first, self.layout()


def torture(program):
    """{kind: Counter} of 'old', 'new', 'mixed', 'status N' and 'then new' and so on."""
    bench = Bench(program)
    counts = {}
    for kind, (span, effect) in EFFECTS.items():
        counts[kind] = counter = collections.Counter()
        for function in FUNCTIONS:
            for number in range(1, CALLS_MAX):
                case = bench.case(function, number, span, effect)
                if case is None:
                    break
                rc, first, second = case
                counter.update(('cases', first, f'then {second}', f'status {rc}',
                                f'{first} with status {rc}'))
    return counts


def row(program, kind, counter):
    cells = [program, kind, counter['cases'], *(counter[word] for word in WORDS),
             *(counter[f'then {word}'] for word in WORDS)]
    return '| ' + ' | '.join(str(cell) for cell in cells) + ' |'


def documented():
    """The table's rows, without the spaces that align it."""
    page = pathlib.Path(tap.source('docs/torture.md')).read_text()
    return [re.sub(' +', ' ', line) for line in page.splitlines()]


def check(program):
    counts = torture(program)
    for kind, counter in counts.items():
        print(row(program, kind, counter), dict(counter))
    for kind, counter in counts.items():
        tap.true(row(program, kind, counter) in documented(),
                 f'docs/torture.md does not have {row(program, kind, counter)}')
    return counts


@test
def nvidia_mig_parted_leaves_mixtures():
    counts = check('nvidia-mig-parted')
    tap.true(counts['a function fails from a call on']['mixed'] > 0)
    tap.true(counts['killed in a call']['mixed'] > 0)


@test
def migctl_rolls_back_or_says_so():
    counts = check('migctl')
    tap.equal(counts['a call fails once']['mixed'], 0)
    lasting = counts['a function fails from a call on']
    # What it needs for the way back fails, too: exit status 9, and the next run goes on.
    tap.equal(lasting['mixed'], lasting['mixed with status 9'])
    tap.equal(lasting['status 9'], lasting['mixed'])
    for counter in counts.values():
        tap.equal(counter['then new'], counter['cases'])


if __name__ == '__main__':
    tap.main()
