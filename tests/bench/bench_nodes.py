#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures a thousand simulated nodes: how long they take to be made and listed, how large one is.

Prints figures as TAP comments and asserts none of them; what can fail is that a node cannot be made
or is not listed. The number of nodes can be changed by MIG_BENCH_NODES.
"""
import json
import os
import tempfile
import time

import tap

NODES = int(os.environ.get('MIG_BENCH_NODES', '1000'))


def file_sizes(directory):
    """(apparent bytes of files, bytes on disk of files and folders) below a directory."""
    apparent = on_disk = 0
    for root, folders, files in os.walk(directory):
        for name in folders + files:
            status = os.lstat(os.path.join(root, name))
            on_disk += status.st_blocks * 512
            if name in files:
                apparent += status.st_size
    return apparent, on_disk


def make_and_list(home):
    """Makes the nodes below home and lists them; returns what was measured, as lines."""
    env = {'MIGSIM_HOME': home}
    migctl = tap.build('migctl')

    start = time.monotonic()
    for number in range(NODES):
        tap.succeeded(tap.run([migctl, 'sim', 'create', f'node{number:04}', '--gpus',
                               '8xa100-sxm4-40gb'], env=env))
    made = time.monotonic() - start

    start = time.monotonic()
    result = tap.run([migctl, 'sim', 'list', '--json'], env=env)
    listed = time.monotonic() - start
    tap.succeeded(result)
    names = [node['name'] for node in json.loads(result.stdout)['nodes']]
    tap.equal(names, [f'node{number:04}' for number in range(NODES)])

    node = os.path.join(home, names[-1])
    apparent, on_disk = file_sizes(node)
    state = os.stat(os.path.join(node, 'state')).st_size
    return [f'{NODES} nodes of 8 GPUs made one by one: {made:.2f} s, '
            f'{made / NODES * 1000:.2f} ms each',
            f'{NODES} nodes listed: {listed * 1000:.0f} ms',
            f'one node: state file {state} bytes, all files {apparent} bytes, '
            f'{on_disk} bytes on disk']


def main():
    print('1..1')
    with tempfile.TemporaryDirectory(prefix='migctl-bench-') as home:
        try:
            lines = make_and_list(home)
        except tap.Failure as failure:
            print('not ok 1 many-nodes')
            print('# ' + str(failure).replace('\n', '\n# '))
            raise SystemExit(1) from None
    for line in lines:
        print('# ' + line)
    print('ok 1 many-nodes')


main()
