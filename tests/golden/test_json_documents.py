#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The documents that the commands print have all members that docs/schemas describes. That they
have no others is looked at where any test runs a command with --json: tests/harness/schemas.py."""
import contextlib
import json
import os
import pathlib

import schemas
import tap
from tap import test

from layouts import load_module

MIGCTL = tap.build('migctl')
APPLY = 'migctl.apply/1'


def read(path):
    with open(path, encoding='utf-8') as stream:
        return stream.read()


def described():
    """{schema: {member: schema of it}} of all files, a member by its path, as in docs/json.md."""
    found = {}
    for path in pathlib.Path(tap.source('docs', 'schemas')).glob('*.json'):
        root = json.loads(read(path))
        members = found.setdefault(root['properties']['schema']['const'], {})
        add_members(root, root, '', members)
    return found


def add_members(root, node, path, into):
    """The members below one that are no objects or lists themselves."""
    if '$ref' in node:
        node = root['definitions'][node['$ref'].removeprefix('#/definitions/')]
    if 'items' in node:
        add_members(root, node['items'], path + '[]', into)
    for name, member in node.get('properties', {}).items():
        add_members(root, member, f'{path}.{name}'.lstrip('.'), into)
    if not {'items', 'properties'} & set(node):
        into[path] = node


def add_seen(value, path, wanted, into):
    """Adds the paths of all that a document has and that is no object or list itself."""
    if isinstance(value, dict) and path not in wanted:
        for key, member in value.items():
            add_seen(member, f'{path}.{key}'.lstrip('.'), wanted, into)
    elif isinstance(value, list):
        for member in value:
            add_seen(member, path + '[]', wanted, into)
    elif value is not None or path in wanted:
        into.add(path)


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


def run(*argv, stream='stdout', **more):
    return json.loads(getattr(tap.run([MIGCTL, *map(str, argv)], **more), stream))


def with_notes():
    """Documents of commands that have something to say: a change was left unfinished."""
    tap.succeeded(tap.run([MIGCTL, 'sim', 'create', 'noted', '--gpus', '1xa30-24gb']))
    tap.succeeded(tap.run([MIGCTL, '--node', 'noted', 'mode', 'on']))
    tap.run([MIGCTL, 'sim', 'exec', '--fault', 'nvmlDeviceCreateGpuInstanceWithPlacement=kill',
             'noted', '--', MIGCTL, 'create', '1g.6gb'])
    for words in (['status'], ['list'], ['profiles'], ['placements'], ['plan', '0=1g.6gb'],
                  ['assert', '0=1g.6gb'], ['diff', '0=1g.6gb'], ['apply', '0=1g.6gb', '-n']):
        document = run('--node', 'noted', *words, '--json')
        tap.contains(document['notes'][0], 'transaction 2 was left unfinished')
        yield document
    hooks = tap.tmpdir() / 'hooks.yaml'
    hooks.write_text('version: v1\nhooks:\n  at-noon: []\n')
    document = run('--node', 'noted', 'apply', '0=9g.6gb', '--json', '-k', hooks, stream='stderr')
    tap.contains(document['notes'][0], "hook 'at-noon' is passed over")
    yield document


def documents():
    """Documents of every schema, in several states."""
    yield from with_notes()
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
        schemas.look(read(counts))
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
    load_module('n', 'nvidia_drm', 4)
    yield run('--node', 'n', 'mode', 'on', '--dry-run', '--json')
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
def documents_and_schemas_agree():
    """Nothing is described that no document has; that all is described, tap.run() looks at."""
    wanted = described()
    seen = {}
    for document in documents():
        schema = document['schema']
        add_seen(document, '', wanted[schema], seen.setdefault(schema, set()))
    tap.equal(sorted(seen), sorted(wanted))
    for schema, members in sorted(wanted.items()):
        missing = set(members) - seen[schema]
        if schema != APPLY and set(wanted[APPLY]) <= set(members):
            missing -= set(wanted[APPLY])  # as there
        tap.equal(sorted(missing), [], schema)


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
def the_manual_names_the_page():
    tap.contains(read(tap.source('man', 'migctl.1')), 'docs/json.md')


tap.main()
