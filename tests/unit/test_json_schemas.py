# SPDX-License-Identifier: Apache-2.0
"""docs/schemas and scripts/gen-json-schemas.py: the files are what the page says, they are schemas,
the page's examples are such documents, and what is no such document is refused."""
import copy
import json
import re
import shutil

import schemas
import tap
from tap import test

ROOT = tap.source_root()
PAGE = ROOT / 'docs' / 'json.md'
APPLY = 'migctl.apply/1'
# The table of commands, which tests read and people do not.
INTERNAL = {'migctl.commands/1'}
# What the page shortens.
WHOLE = {'GPU-2b5aa4b1-…': 'GPU-2b5aa4b1-0b5c-5d0c-9a3e-6a6f7c1d2e3f',
         'MIG-9c1e…': 'MIG-9c1e7a52-3d4b-5c6d-8e9f-0a1b2c3d4e5f'}


def generate(*args):
    return tap.run(['python3', ROOT / 'scripts' / 'gen-json-schemas.py', *args])


def copy_of_docs(change=lambda page: page):
    """A folder with the page, changed, and the schemas as they are."""
    folder = tap.tmpdir() / 'docs'
    shutil.copytree(ROOT / 'docs' / 'schemas', folder / 'schemas')
    text = PAGE.read_text(encoding='utf-8')
    changed = change(text)
    (folder / 'json.md').write_text(changed, encoding='utf-8')
    return folder


def need_module():
    if schemas.jsonschema is None:
        tap.skip('no Python module jsonschema')


def examples():
    """{schema: example} of the page, with whole UUIDs."""
    found = {}
    for text in re.findall(r'^```json\n(.*?)^```', PAGE.read_text(encoding='utf-8'),
                           flags=re.MULTILINE | re.DOTALL):
        for short, whole in WHOLE.items():
            text = text.replace(short, whole)
        document = json.loads(text)
        tap.not_contains(found, document['schema'])
        found[document['schema']] = document
    return found


def members(schema):
    return set(schemas.load(schema)['properties'])


def is_copy(schema):
    """It has the members of migctl.apply/1; its example shows only some."""
    return schema != APPLY and members(APPLY) <= members(schema)


# ----------------------------------------------------------------- the script

@test
def checked_in_schemas_are_up_to_date():
    tap.succeeded(generate('--check'))


@test
def an_old_a_missing_and_a_surplus_file_are_noticed():
    folder = copy_of_docs(lambda page: page.replace('| `as_wanted` | boolean |',
                                                    '| `as_wanted` | boolean or null |'))
    (folder / 'schemas' / 'migctl.list-1.schema.json').unlink()
    (folder / 'schemas' / 'migctl.tree-1.schema.json').write_text('{}')
    before = sorted(path.name for path in (folder / 'schemas').iterdir())
    got = tap.exited(generate('--check', '--docs', folder), 1)
    for line in ('migctl.assert-1.schema.json is not up to date: run scripts/gen-json-schemas.py',
                 'migctl.list-1.schema.json is not up to date',
                 'migctl.tree-1.schema.json is of no document'):
        tap.contains(got.stderr, line)
    tap.equal(sorted(path.name for path in (folder / 'schemas').iterdir()), before)
    tap.succeeded(generate('--docs', folder))
    tap.succeeded(generate('--check', '--docs', folder))


@test
def a_member_of_one_command_is_one_row():
    """A document that has the members of another one can have more."""
    row = '| member | type | meaning |\n|---|---|---|\n| `more[].gpu_index` | number | |\n\n'
    folder = copy_of_docs(lambda page: page.replace('```json\n{"schema": "migctl.create/1"',
                                                    row + '```json\n{"schema": "migctl.create/1"'))
    tap.succeeded(generate('--docs', folder))
    changed = [path.name for path in sorted((folder / 'schemas').iterdir())
               if path.read_text() != (ROOT / 'docs' / 'schemas' / path.name).read_text()]
    tap.equal(changed, ['migctl.create-1.schema.json'])
    got = json.loads((folder / 'schemas' / changed[0]).read_text())
    tap.contains(got['required'], 'more')
    tap.contains(got['required'], 'estimated_ms')


for _name, _old, _new, _message in (
        ('a_type_that_there_is_not', '| `differs` | boolean |', '| `differs` | bool |',
         'migctl.plan/1: differs has the type bool'),
        ('like_nothing', 'like `operations[]` |', 'like `operation[]` |',
         'migctl.apply/1: rollback[] is like nothing'),
        ('members_of_nothing', 'The members are those of `migctl.apply/1`.',
         'The members are those of `migctl.apply/2`.',
         'migctl.undo/1: has the members of migctl.apply/2, which is not above it'),
        ('one_of_one', '*one of* `not done`, `done`, `pending`, `failed`', '*one of* `done`',
         'migctl.apply/1: operations[].outcome is one of what?'),
        ('a_row_without_a_meaning', '| `differs` | boolean | |', '| `differs` | boolean |',
         'migctl.diff/1: a row is not of the form'),
        ('a_row_twice', '| `differs` | boolean | |', '| `differs` | boolean | |\n' * 2,
         'migctl.diff/1: a row is not of the form')):
    def refuse(old=_old, new=_new, message=_message):
        tap.contains(PAGE.read_text(encoding='utf-8'), old)
        got = tap.exited(generate('--check', '--docs',
                                  copy_of_docs(lambda page: page.replace(old, new))), 1)
        tap.contains(got.stderr, message)
        tap.not_contains(got.stderr, 'Traceback')
    tap.add(f'refuses_{_name}', refuse)


# ---------------------------------------------------------------- the schemas

@test
def the_schemas_are_schemas():
    need_module()
    for path in (ROOT / 'docs' / 'schemas').iterdir():
        schemas.jsonschema.Draft7Validator.check_schema(json.loads(path.read_text()))


@test
def each_document_that_the_sources_name_has_one():
    named = set()
    for path in (ROOT / 'src').rglob('*.[ch]'):
        named |= set(re.findall(r'\bmigctl\.[a-z-]+/[0-9]+', path.read_text(encoding='utf-8')))
    there = {json.loads(path.read_text())['title'] for path in (ROOT / 'docs/schemas').iterdir()}
    tap.equal(sorted(there), sorted(named - INTERNAL))


@test
def examples_are_such_documents():
    need_module()
    found = examples()
    for schema, document in found.items():
        wanted = schemas.strict(schemas.load(schema))
        if is_copy(schema):
            wanted = schemas.relaxed(wanted)
        validator = schemas.jsonschema.Draft7Validator(wanted)
        tap.equal(schemas.problems(document, validator), [])
    titles = {json.loads(path.read_text())['title'] for path in (ROOT / 'docs/schemas').iterdir()}
    without = {schema for schema in titles if not is_copy(schema)} - set(found)
    tap.equal(without, set())


GONE = object()


def is_taken(document, schema, path, value):
    """Whether a program that reads such documents takes this one with another value there."""
    document = copy.deepcopy(document)
    *above, last = path
    part = document
    for step in above:
        part = part[step]
    part[last] = value
    if value is GONE:
        del part[last]
    return schemas.jsonschema.Draft7Validator(schemas.load(schema)).is_valid(document)


# Of the examples: what is put where, or removed.
WRONG = (
    ('migctl.status/1', ('driver_version',), GONE),
    ('migctl.status/1', ('schema',), 'migctl.status/2'),
    ('migctl.status/1', ('gpus', 0, 'mig_mode'), 'on'),
    ('migctl.status/1', ('gpus', 0, 'uuid'), 'GPU-1'),
    ('migctl.status/1', ('gpus', 0, 'fits_now', 0, 'count'), -1),
    ('migctl.status/1', ('gpus', 0, 'fits_now', 0, 'count'), 1.5),
    ('migctl.status/1', ('gpus', 0, 'gpu_instances', 0, 'gpu_instance_id'), 3),
    ('migctl.status/1', ('gpus', 0, 'gpu_instances', 0, 'compute_instances'), GONE),
    ('migctl.doctor/1', ('checks', 0, 'result'), 'fine'),
    ('migctl.list/1', ('mig_devices', 0, 'gpu_uuid'), 'MIG-9c1e7a52-3d4b-5c6d-8e9f-0a1b2c3d4e5f'),
    ('migctl.plan/1', ('operations', 0, 'compute_instance', 'profile_id'), GONE),
    ('migctl.apply/1', ('operations', 1, 'outcome'), 'ok'),
    ('migctl.apply/1', ('operations', 1, 'outcome'), GONE),
    ('migctl.history/1', ('transactions', 0, 'begin'), '2026-11-29 10:31:02'),
    ('migctl.sim-list/1', ('nodes', 0, 'error'), {'code': 'io'}),
    ('migctl.nvml-count/1', ('functions', 'nvmlShutdown'), 'once'),
)
# A check that is not there yet, a member that a later version has, and an object that is left out.
RIGHT = (
    ('migctl.doctor/1', ('checks', 0, 'id'), 'cgroups'),
    ('migctl.status/1', ('gpus', 0, 'temperature_c'), 30),
    ('migctl.plan/1', ('operations', 0, 'compute_instance'), GONE),
    ('migctl.sim-list/1', ('nodes', 0, 'error'), {'code': 'io', 'message': 'cannot open it'}),
)


@test
def what_is_wrong_is_refused_and_the_rest_taken():
    need_module()
    found = examples()
    for table, is_right in ((WRONG, False), (RIGHT, True)):
        for schema, path, value in table:
            tap.equal(is_taken(found[schema], schema, path, value), is_right,
                      f'{schema}: {path}: {value}')


# ----------------------------------------------------------------- the harness

@test
def run_looks_at_documents():
    need_module()
    document = examples()['migctl.assert/1']
    schemas.look(json.dumps(document))
    schemas.look('no document')
    schemas.look('{"schema": "migctl.assert/1", "as_')
    schemas.look('{"schema": "somebody.else/1"}')
    for change, message in (({'as_wanted': 1}, "as_wanted: 1 is not of type 'boolean'"),
                            ({'surplus': True}, "'surplus' was unexpected"),
                            ({'schema': 'migctl.nothing/1'}, 'migctl.nothing/1 has no schema')):
        try:
            # The shell has --json as its name, and prints what it is given.
            tap.run(['sh', '-c', 'cat', '--json'], stdin=json.dumps(document | change))
        except tap.Failure as failure:
            tap.contains(str(failure), message)
        else:
            tap.fail(f'{change} was taken')


tap.main()
