# SPDX-License-Identifier: Apache-2.0
"""NVML calls of each command on eight GPUs with 56 instances, beside nvidia-smi's own in the same
run: the front never makes more, and docs/nvidia-smi-front.md has the numbers."""
import os
import re

import smi
import tap

PAGE = 'docs/nvidia-smi-front.md'
COMMANDS = ('', '-L', '-i 3', '-mig 1', '--query-gpu=index,name,uuid,memory.used,mig.mode.current --format=csv',
            '--query-compute-apps=pid,used_memory --format=csv', 'mig -lgip', 'mig -lgipp',
            'mig -lgi', 'mig -lcip', 'mig -lcipp', 'mig -lci', 'mig -dci', 'mig -dgi', 'mig -cgi 19,14,9 -C',
            'mig -cci')


def calls(node, program, words, state, saved):
    """NVML calls of one command on the state that was saved."""
    state.write_bytes(saved)
    file = tap.tmpdir() / 'count'
    got = tap.run([tap.build('migctl'), 'sim', 'exec', node.name, '--', 'env',
                   f'LD_LIBRARY_PATH={tap.build("tests/interop/nvidia-smi/counter")}',
                   f'MIG_COUNTED_LIBRARY={tap.build("src/sim/550/libnvidia-ml.so.1")}',
                   f'MIG_COUNT_FILE={file}', *program, *words])
    tap.equal(got.rc, 0, str(words))
    return int(file.read_text())


def count_all(program):
    node = smi.Node(program).create_gpus('8xa100-sxm4-40gb')
    node.ok('-mig', '1')
    state = tap.tmpdir() / 'migsim' / node.name / 'state'
    empty = state.read_bytes()
    node.ok('mig', '-cgi', '19,19,19,19,19,19,19')
    bare = state.read_bytes()
    node.ok('mig', '-cci')
    full = state.read_bytes()
    rows = []
    for command in COMMANDS:
        saved = {'mig -dgi': bare, 'mig -cci': bare, 'mig -cgi 19,14,9 -C': empty}.get(command, full)
        words = command.split()
        theirs = calls(node, [program.path], words, state, saved)
        ours = calls(node, [tap.build('migctl'), 'smi'], words, state, saved)
        rows.append(f'| `{("nvidia-smi " + command).strip()}` | {theirs:,} | {ours:,} |')
        print(rows[-1])
        tap.true(ours <= theirs, f'{command}: {ours} calls, the original makes {theirs}')
    with open(tap.source(PAGE), encoding='utf-8') as stream:
        page = [row for row in stream.read().splitlines() if re.match(r'\| `nvidia-smi', row)]
    tap.equal(page, rows, PAGE)


def register():
    program = smi.Program(550)
    if program.missing:
        smi.skip_all(f'nvidia-smi 550: {program.missing}')
        return
    tap.add('never_more_calls_than_the_original', lambda: count_all(program))


os.environ['TZ'] = 'UTC'
register()
tap.main()
