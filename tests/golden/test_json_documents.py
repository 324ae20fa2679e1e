#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/json.md and the documents that the commands print have the same members."""
import contextlib
import json
import os
import re

import tap
from tap import test

MIGCTL = tap.build('migctl')
# Members whose own members are names, not parts of the format.
OPEN = {'migctl.nvml-count/1': {'functions'}}


def read(path):
    with open(path, encoding='utf-8') as stream:
        return stream.read()


def sections():
    """[(schema, text)] of the page."""
    for section in re.split(r'^## ', read(tap.source('docs', 'json.md')), flags=re.M)[1:]:
        yield section.split('\n', 1)


SAME = re.compile(r'The members are those of `([^`]+)`')
LIKE = re.compile(r'like `([^`]+)`(?: of `([^`]+)`)?')


def like(found, schema, member, match):
    """The members below a list that is like another one, of this or an earlier schema."""
    of = found[match[2] or schema]
    members = {member + name[len(match[1]):]: types for name, types in of.items()
               if name.startswith(match[1])}
    tap.true(members, f'{schema}: {member} is like nothing')
    return members


def described():
    """{schema: {member: types}} of the tables; a type is "string", "number or null", …"""
    found = {}
    for schema, rest in sections():
        same = SAME.search(rest)
        found[schema] = dict(found[same[1]]) if same else {}
        for member, types in re.findall(r'^\| `([^`]+)` \| *([^|]*?) *\|', rest, flags=re.M):
            match = LIKE.fullmatch(types)
            if match:
                found[schema].update(like(found, schema, member, match))
                continue
            found[schema][member] = set(types.split(' or '))
            tap.true(found[schema][member] <= {'string', 'number', 'boolean', 'object', 'null'},
                     f'{schema}: {member} has the type {types}')
    return found


def copies():
    """The schemas that have the members of another one."""
    return {schema for schema, rest in sections() if SAME.search(rest)}


def type_of(value):
    """As the page calls it."""
    for types, name in (((bool,), 'boolean'), ((int, float), 'number'), ((str,), 'string'),
                        ((dict,), 'object')):
        if isinstance(value, types):
            return name
    return 'null'


def leaves(value, path, into, open_members):
    """Adds {path: types} of all that is not an object with members."""
    if isinstance(value, dict) and path not in open_members:
        for key, member in value.items():
            leaves(member, f'{path}.{key}' if path else key, into, open_members)
    elif isinstance(value, list):
        for member in value:
            leaves(member, path + '[]', into, open_members)
    else:
        into.setdefault(path, set()).add(type_of(value))


@contextlib.contextmanager
def held(node):
    """Somebody holds every device of the node: a MIG device, and a GPU without MIG."""
    gpus = json.loads(tap.run([MIGCTL, 'sim', 'show', node, '--json']).stdout)['gpus']
    first = gpus[0]['gpu_instances'][0]['compute_instances'][0]['uuid']
    pids = [int(tap.succeeded(tap.run([MIGCTL, 'sim', 'hold', '-n', node, '-b', uuid])).stdout)
            for uuid in (first, gpus[1]['uuid'])]
    try:
        yield
    finally:
        # Waits for the end, too.
        for pid in pids:
            tap.run([MIGCTL, 'sim', 'hold', '-n', node, '--end', str(pid)])


@contextlib.contextmanager
def held_whole(node):
    """Somebody holds the first GPU, which has MIG mode off."""
    uuid = json.loads(tap.run([MIGCTL, 'sim', 'show', node, '--json']).stdout)['gpus'][0]['uuid']
    pid = int(tap.succeeded(tap.run([MIGCTL, 'sim', 'hold', '-n', node, '-b', uuid])).stdout)
    try:
        yield
    finally:
        tap.run([MIGCTL, 'sim', 'hold', '-n', node, '--end', str(pid)])


def documents():
    """Documents of every schema, in several states."""
    def run(*argv, stream='stdout', **more):
        return json.loads(getattr(tap.run([MIGCTL, *map(str, argv)], **more), stream))

    tap.succeeded(tap.run([MIGCTL, 'sim', 'create', 'n', '--gpus', '1xa30-24gb,1xt4-16gb']))
    example = tap.source('examples', 'a30.yaml')
    counts = os.path.join(tap.tmpdir(), 'counts')
    yield run('--node', 'n', 'boot', '--json')
    create = 'nvmlDeviceCreateGpuInstanceWithPlacement:2=UNKNOWN'
    yield run('sim', 'exec', '--fault', create, 'n', '--', MIGCTL, 'apply', '0=1g.6gb*4', '--json')
    yield run('--node', 'n', 'apply', '-f', example, '-c', 'all-2g.12gb', '--json')
    yield run('sim', 'exec', '--fault', create, 'n', '--', MIGCTL, 'apply', '0=1g.6gb*4', '--json')
    yield run('--node', 'n', 'apply', '-f', example, '-c', 'all-1g.6gb', '--json')
    yield run('--node', 'n', 'assert', '0=1g.6gb', '--json')
    yield run('--node', 'n', 'diff', '0=1g.6gb', '--json')
    yield run('--node', 'n', 'plan', '0=1g.6gb', '--json')
    with held('n'):
        for wish in ('0=2g.12gb*2', '0=off'):
            yield run('--node', 'n', 'plan', wish, '--json')
            yield run('--node', 'n', 'apply', wish, '--dry-run', '--json')
        yield run('--node', 'n', 'status', '--json', env={'MIGCTL_NVML_COUNT': str(counts)})
        yield json.loads(read(counts))
        yield run('--node', 'n', 'list', '--json')
        yield run('sim', 'exec', '--unprivileged', 'n', '--', MIGCTL, 'status', '--json')
        yield run('sim', 'show', 'n', '--json')
    yield run('--node', 'n', 'profiles', '--ci', '--json')
    yield run('--node', 'n', 'placements', '--json')
    yield run('--node', 'n', 'destroy', '--all', '--json')
    yield run('--node', 'n', 'create', '2g.12gb', '--json')
    yield run('--node', 'n', 'profiles', '--json')
    yield run('--node', 'n', 'mode', 'off', '--json')
    yield run('--node', 'n', 'apply', '-f', example, '-c', 'nothing', '--json', stream='stderr')
    yield run('--node', 'n', 'undo', '--json')
    yield run('--node', 'n', 'history', '--json')
    tap.succeeded(tap.run([MIGCTL, 'sim', 'create', 'whole-gpu', '--gpus', '1xa30-24gb']))
    with held_whole('whole-gpu'):
        yield run('--node', 'whole-gpu', 'status', '--json')
        yield run('--node', 'whole-gpu', 'doctor', '--json')
    tap.succeeded(tap.run([MIGCTL, 'sim', 'create', 'damaged', '--gpus', 'none']))
    os.truncate(os.path.join(os.environ['MIGSIM_HOME'], 'damaged', 'state'), 10)
    yield run('sim', 'list', '--json')
    for what in ('nvmlInit=4', 'nvmlInit=hang'):
        tap.succeeded(tap.run([MIGCTL, 'sim', 'fault', 'add', 'n', what]))
    tap.succeeded(tap.run([MIGCTL, 'sim', 'fault', 'add', 'n', 'lost', '-i', '1']))
    yield run('sim', 'fault', 'list', 'n', '--json')
    yield run('sim', 'models', '-v', '--json')


@test
def documents_and_page_agree():
    wanted = described()
    seen = {}
    for document in documents():
        schema = document.pop('schema')
        leaves(document, '', seen.setdefault(schema, {}), OPEN.get(schema, ()))
    tap.equal(sorted(seen), sorted(wanted))
    for schema, members in sorted(wanted.items()):
        if schema in copies():
            tap.equal(sorted(set(seen[schema]) - set(members)), [], schema)
        else:
            tap.equal(sorted(seen[schema]), sorted(members), schema)
        for member, types in seen[schema].items():
            tap.true(types <= members[member], f'{schema}: {member} is {types}')


@test
def a_damaged_node_has_all_members():
    tap.succeeded(tap.run([MIGCTL, 'sim', 'create', 'whole', '--gpus', 'none']))
    tap.succeeded(tap.run([MIGCTL, 'sim', 'create', 'damaged', '--gpus', 'none']))
    os.truncate(os.path.join(os.environ['MIGSIM_HOME'], 'damaged', 'state'), 10)
    got = json.loads(tap.succeeded(tap.run([MIGCTL, 'sim', 'list', '--json'])).stdout)
    damaged, whole = got['nodes']
    tap.equal(sorted(damaged), sorted(whole))
    for member in set(damaged) - {'name', 'path', 'used', 'error'}:
        tap.equal(damaged[member], None, member)


@test
def verbose_changes_nothing_in_the_models():
    plain, verbose = (tap.succeeded(tap.run([MIGCTL, 'sim', 'models', '--json', *more])).stdout
                      for more in ([], ['-v']))
    tap.equal(plain, verbose)


@test
def examples_are_such_documents():
    wanted = described()
    for schema, rest in sections():
        examples = re.findall(r'^```json\n(.*?)^```', rest, flags=re.M | re.S)
        if schema in copies():
            continue
        tap.equal(len(examples), 1, f'examples of {schema}')
        document = json.loads(examples[0])
        tap.equal(document.pop('schema'), schema)
        seen = {}
        leaves(document, '', seen, OPEN.get(schema, ()))
        for member, types in seen.items():
            tap.contains(wanted[schema], member, schema)
            tap.true(types <= wanted[schema][member], f'{schema}: {member} is {types}')


@test
def the_manual_names_the_page():
    tap.contains(read(tap.source('man', 'migctl.1')), 'docs/json.md')


tap.main()
