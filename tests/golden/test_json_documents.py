#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/json.md and the documents that the commands print have the same members."""
import json
import os
import re

import tap
from tap import test

MIGCTL = tap.build('migctl')
# Members that need what cannot be made here: processes that hold an instance.
NOT_MADE = {'migctl.status/1': {'gpus[].gpu_instances[].compute_instances[].holders[]'}}
# Members whose own members are names, not parts of the format.
OPEN = {'migctl.nvml-count/1': {'functions'}}


def read(path):
    with open(path, encoding='utf-8') as stream:
        return stream.read()


def described():
    """{schema: members} of the tables."""
    found = {}
    for section in re.split(r'^## ', read(tap.source('docs', 'json.md')), flags=re.M)[1:]:
        schema, rest = section.split('\n', 1)
        found[schema] = set(re.findall(r'^\| `([^`]+)` \|', rest, flags=re.M))
    return found


def leaves(value, path, into, open_members):
    """Adds the paths of all that is not an object with members."""
    if isinstance(value, dict) and path not in open_members:
        for key, member in value.items():
            leaves(member, f'{path}.{key}' if path else key, into, open_members)
    elif isinstance(value, list):
        for member in value:
            leaves(member, path + '[]', into, open_members)
    else:
        into.add(path)


def documents():
    """Documents of every schema, in several states."""
    def run(*argv, stream='stdout', **more):
        return json.loads(getattr(tap.run([MIGCTL, *map(str, argv)], **more), stream))

    tap.succeeded(tap.run([MIGCTL, 'sim', 'create', 'n', '--gpus', '1xa30-24gb,1xt4-16gb']))
    example = tap.source('examples', 'a30.yaml')
    counts = os.path.join(tap.tmpdir(), 'counts')
    yield run('--node', 'n', 'apply', '-f', example, '-c', 'all-2g.12gb', '--json')
    yield run('--node', 'n', 'apply', '-f', example, '-c', 'all-1g.6gb', '--json')
    yield run('--node', 'n', 'status', '--json', env={'MIGCTL_NVML_COUNT': str(counts)})
    yield json.loads(read(counts))
    yield run('--node', 'n', 'apply', '-f', example, '-c', 'nothing', '--json', stream='stderr')
    yield run('sim', 'list', '--json')
    yield run('sim', 'show', 'n', '--json')
    yield run('sim', 'models', '-v', '--json')


@test
def documents_and_page_agree():
    wanted = described()
    seen = {}
    for document in documents():
        schema = document.pop('schema')
        leaves(document, '', seen.setdefault(schema, set()), OPEN.get(schema, ()))
    tap.equal(sorted(seen), sorted(wanted))
    for schema, members in sorted(wanted.items()):
        tap.equal(sorted(seen[schema]), sorted(members - NOT_MADE.get(schema, set())), schema)


tap.main()
