# SPDX-License-Identifier: Apache-2.0
"""Each entry of the list of docs/nvidia-smi-front.md: nvidia-smi 550 does the one, our front the other.
A test fails when they no longer differ: then the entry goes."""
import os
import re

import scenarios
import smi
import tap

PAGE = 'docs/nvidia-smi-front.md'
ENTRIES_MAX = 15
A100 = '1xa100-sxm4-40gb'


class Pair:
    """The same node for both programs, and one command on it."""

    def __init__(self, program, description=None, gpus=A100, driver='550'):
        self.program = program
        self.node = smi.Node(program)
        if description:
            self.node.create(description)
        else:
            tap.succeeded(tap.run([tap.build('migctl'), 'sim', 'create', self.node.name, '--gpus', gpus,
                                   '--driver', driver]))

    def run(self, *words, fault=None, env=()):
        """(what the original gives, what the front gives)"""
        options = ['--fault', fault] if fault else []
        results = []
        for program in ([self.program.path], [tap.build('migctl'), 'smi']):
            results.append(tap.run([tap.build('migctl'), 'sim', 'exec', *options, self.node.name, '--',
                                    'env', *env, *program, *words]))
        original, front = results
        tap.true((original.rc, original.stdout) != (front.rc, front.stdout),
                 f'{words} does not differ any more')
        return original, front


def other_commands(program):
    pair = Pair(program)
    for words in (['-q'], ['-q', '-x'], ['-pm', '1'], ['topo', '-m'], ['dmon', '-c', '1'],
                  ['--query-gpu=serial', '--format=csv'], ['--query-gpu=memory', '--format=csv']):
        _, front = pair.run(*words)
        tap.equal((front.rc, front.stdout), (2, ''), str(words))
        tap.contains(front.stderr, 'Use the nvidia-smi that came with the NVIDIA driver')


def help_text(program):
    pair = Pair(program)
    for words in (['-h'], ['mig'], ['mig', '-h'], ['mig', '-i', '0']):
        original, front = pair.run(*words)
        tap.equal((original.rc, front.rc), (0, 0))
        tap.contains(front.stdout, 'See migctl(1)')


def reset(program):
    original, front = Pair(program).run('-i', '0', '--gpu-reset')
    tap.equal(original.rc, 3)
    tap.equal((front.rc, front.stdout), (0, 'GPU 00000000:10:00.0 was successfully reset.\n'))


def version_field(program):
    original, front = Pair(program, driver='535').run()
    tap.contains(original.stdout, f'NVIDIA-SMI {program.version} ')
    tap.contains(front.stdout, 'NVIDIA-SMI 535.309.01 ')


def no_private_table(program):
    pair = Pair(program, {'format': 'migsim-node/1', 'export_table': 'none',
                          'gpus': [{'model': 'a100-sxm4-40gb'}]})
    original, front = pair.run('-i', '10:00.0', '--query-gpu=index', '--format=csv,noheader')
    tap.equal((original.rc, front.rc, front.stdout), (255, 0, '0\n'))


def with_device(pair):
    pair.node.ok('-mig', '1')
    pair.node.ok('mig', '-cgi', '9', '-C')
    return pair


def calls_not_made(program):
    pair = with_device(Pair(program))
    with scenarios.held(pair.node, '123MiB'):
        original, front = pair.run(fault='nvmlDeviceIsMigDeviceHandle=999')
    tap.contains(original.stdout, 'No running processes found')
    tap.contains(front.stdout, '123MiB |')


def fewer_calls(program):
    original, front = with_device(Pair(program)).run(fault='nvmlDeviceGetMigMode:2=999')
    tap.contains(original.stdout, 'ERR!')
    tap.not_contains(front.stdout, 'ERR!')


def older_drivers(program):
    pair = Pair(program, driver='470')
    pair.node.ok('-mig', '1')
    original, front = pair.run('mig', '-lgip')
    tap.equal((original.rc, front.rc), (13, 0))
    tap.contains(front.stdout, '|   0  MIG 7g.40gb ')


def guard(program):
    original, front = Pair(program).run('-L', env=('-u', 'MIGCTL_HOST_ROOT'))
    tap.equal((original.rc, front.rc, front.stdout), (0, 6, ''))
    tap.contains(front.stderr, 'the host root is that of the real machine')


TESTS = {'other-commands': other_commands, 'help': help_text, 'reset': reset,
         'version-field': version_field, 'no-private-table': no_private_table,
         'calls-not-made': calls_not_made, 'fewer-calls': fewer_calls,
         'older-drivers': older_drivers, 'guard': guard}


def the_page_lists_what_is_tested():
    with open(tap.source(PAGE), encoding='utf-8') as stream:
        entries = re.findall(r'^\| `([a-z-]+)` \| ', stream.read(), re.M)
    tap.equal([entry for entry in entries if entry != 'nvidia-smi'], list(TESTS))
    tap.true(len(TESTS) <= ENTRIES_MAX, len(TESTS))
    tap.equal(set(scenarios.NOT_IN_THE_FRONT.values()) - set(TESTS), set())


def register():
    tap.add('the_page_lists_what_is_tested', the_page_lists_what_is_tested)
    program = smi.Program(550)
    for name, check in TESTS.items():
        if program.missing:
            tap.add(name, lambda: tap.skip(f'nvidia-smi 550: {program.missing}'))
        else:
            tap.add(name, lambda check=check: check(program))


os.environ['TZ'] = 'UTC'
register()
tap.main()
