#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the JSON schemas in docs/schemas from the tables of docs/json.md.

    scripts/gen-json-schemas.py            write the files
    scripts/gen-json-schemas.py --check    compare; exit 1 when they are not up to date

One file for each document, usable alone. The page says all of it but the form of some strings,
which is below (FORMS): of a row the type, whether the member is always there (a meaning that begins
with "only": it is not; before members of an object: the object is not) and the values it can have
("*one of*"). Errors in the page go to stderr, all of them, and the exit status is 1.
"""
import argparse
import dataclasses
import json
import pathlib
import re
import sys

HEX = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
GPU_UUID = f'^GPU-{HEX}$'
MIG_UUID = f'^MIG-{HEX}$'
# What a member's path says about the form of its string; the first that matches. Names of profiles
# are the driver's, so nothing is certain about them.
FORMS = (
    (r'(.+\.)?gpu_uuid', GPU_UUID),
    (r'(lost_)?gpus\[\]\.uuid', GPU_UUID),
    (r'(.+\.)?(uuid|mig_uuid|expected_uuid)', MIG_UUID),
    (r'(.+\.)?pci_address', '^[0-9A-F]{8}:[0-9A-F]{2}:[0-9A-F]{2}\\.[0-7]$'),
    (r'(.+\.)?(gpu_instance_id|compute_instance_id|profile_id)', '^[0-9]+$'),
    (r'(.+\.)?(gpu_instances|compute_instances|profiles|faults)\[\]\.id', '^[0-9]+$'),
    (r'transactions\[\]\.(begin|end)',
     '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$'),
    (r'code|nodes\[\]\.error\.code', '^[a-z]+(-[a-z]+)*$'),
)
# Objects whose members are names, and what all of these are.
NAMED = {'functions': {'type': 'integer', 'minimum': 0}}

TYPES = {'string': 'string', 'number': 'integer', 'boolean': 'boolean', 'object': 'object',
         'null': 'null'}
SAME = re.compile(r'The members are those of `([^`]+)`')
LIKE = re.compile(r'like `([^`]+)`(?: of `([^`]+)`)?')
ROW = re.compile(r'^\| `([^`]+)` \| *([^|]*?) *\| *([^|]*?) *\|$', re.MULTILINE)
OPEN = ('Members that are not described here are permitted: within a version members are only ever '
        'added. Reference: docs/json.md.')
WIDTH = 100


class Problem(Exception):
    """What is wrong in the page."""


# ------------------------------------------------------------------------------- reading the page

def like(tables, schema, member, match):
    """The rows below a list that is like another one, of this or an earlier table."""
    prefix, of = match[1], match[2] or schema
    rows = {member + path[len(prefix):]: row for path, row in tables.get(of, {}).items()
            if path.startswith(prefix + '.')}
    if not rows:
        raise Problem(f'{schema}: {member} is like nothing')
    return rows


def read_rows(tables, schema, text):
    """{member: (types, meaning)} of a section; a list that is like another one has no types."""
    same = SAME.search(text)
    if same and same[1] not in tables:
        raise Problem(f'{schema}: has the members of {same[1]}, which is not above it')
    tables[schema] = dict(tables[same[1]]) if same else {}
    rows = ROW.findall(text)
    names = re.findall(r'^\| `([^`]+)`', text, flags=re.MULTILINE)
    if [row[0] for row in rows] != list(dict.fromkeys(names)):
        raise Problem(f'{schema}: a row is not of the form "| `member` | type | meaning |", or is '
                      'there twice')
    for member, types, meaning in rows:
        match = LIKE.fullmatch(types)
        if match:
            tables[schema].update(like(tables, schema, member, match))
            tables[schema][member] = ((), meaning)
            continue
        words = types.split(' or ')
        if not set(words) <= set(TYPES):
            raise Problem(f'{schema}: {member} has the type {types}')
        tables[schema][member] = (tuple(TYPES[word] for word in words), meaning)


def sections(page):
    """(schema, text) of the documents on the page."""
    for section in re.split(r'^## ', page, flags=re.MULTILINE)[1:]:
        schema, text = section.split('\n', 1)
        if re.fullmatch(r'[a-z.-]+/[0-9]+', schema):
            yield schema, text


# ----------------------------------------------------------------------------- making the schemas

def plain(text):
    """A meaning without its Markdown."""
    return ' '.join(text.replace('*', '').replace('`', "'").split())


def values(schema, path, meaning):
    """The values that the meaning lists, or None."""
    if '*one of*' not in meaning:
        return None
    found = list(dict.fromkeys(re.findall(r'`([^`]+)`', meaning.split('*one of*')[1])))
    if len(found) < 2:
        raise Problem(f'{schema}: {path} is one of what?')
    return found


def leaf(schema, path, types, meaning):
    """The schema of one row."""
    made = {}
    if meaning:
        made['description'] = plain(meaning)
    made['type'] = types[0] if len(types) == 1 else list(types)
    if 'integer' in types:
        made['minimum'] = 0
    if path in NAMED:
        made['additionalProperties'] = NAMED[path]
    words = values(schema, path, meaning)
    form = next((form for name, form in FORMS if re.fullmatch(name, path)), None)
    if words:
        made['enum'] = words + [None] * ('null' in types)
    elif form and 'string' in types:
        made['pattern'] = form
    return made


@dataclasses.dataclass
class Member:
    """What the rows say about one member."""
    path: str = ''
    is_list: bool = False
    types: tuple = ()
    meaning: str = ''
    members: dict = dataclasses.field(default_factory=dict)

    def find(self, path):
        """The member of a path, made if it is not there."""
        member = self
        for name in path.split('.'):
            key = name.removesuffix('[]')
            below = f'{member.path}.{name}' if member.path else name
            member = member.members.setdefault(key, Member(below, name.endswith('[]')))
        return member

    def is_always_there(self):
        """Of an object without a row the row of its first member says that."""
        if self.types or self.is_list:
            return not re.match(r'only\b', self.meaning)
        return next(iter(self.members.values())).is_always_there()


def members_of(schema, member, is_element):
    """"required" and "properties" of an object with these members."""
    return {'required': [name for name, below in member.members.items()
                         if not is_element or below.is_always_there()],
            'properties': {name: describe(schema, below)
                           for name, below in member.members.items()}}


def describe(schema, member):
    """The schema of a member."""
    if not member.is_list:
        made = leaf(schema, member.path, member.types or ('object',), member.meaning)
        if member.members:
            made.update(members_of(schema, member, False))
        return made
    made = {'description': plain(member.meaning)} if member.meaning and member.members else {}
    made['type'] = 'array'
    if member.members:
        made['items'] = {'type': 'object', **members_of(schema, member, True)}
    else:
        made['items'] = leaf(schema, member.path, member.types, member.meaning)
    return made


def lists(node):
    """(name, list) of each list of objects below a schema, the innermost first."""
    for name, member in node.get('properties', {}).items():
        yield from lists(member.get('items', member))
        if 'properties' in member.get('items', {}):
            yield name, member


def share(root):
    """Elements that two lists have in common stand once, under "definitions"."""
    found = {}
    for name, member in lists(root):
        found.setdefault(json.dumps(member['items']), []).append((name, member))
    for same in found.values():
        if len(same) < 2:
            continue
        name = same[0][0]
        definitions = root.setdefault('definitions', {})
        if name in definitions:
            raise Problem(f'{root["title"]}: two kinds of {name} are there several times')
        definitions[name] = same[0][1]['items']
        for _, member in same:
            member['items'] = {'$ref': f'#/definitions/{name}'}


def make(schema, rows, text):
    """The schema of one document."""
    said = plain(text.strip().split('\n\n')[0])
    root = Member(members={'schema': Member('schema', types=('string',))})
    for path, (types, meaning) in rows.items():
        member = root.find(path)
        member.types, member.meaning = types, meaning
    made = {'$schema': 'http://json-schema.org/draft-07/schema#',
            'title': schema,
            'description': f'{said.rstrip(".")}. {OPEN}',
            'type': 'object',
            **members_of(schema, root, True)}
    made['properties']['schema'] = {'const': schema}
    share(made)
    return made


def render(value, indent=0, column=0):
    """JSON in which what fits into a line stands on one. `column` is where the value begins."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or column + len(line) < WIDTH:
        return line
    inner = ' ' * (indent + 2)
    heads = [inner] * len(value)
    if isinstance(value, dict):
        heads = [f'{inner}{json.dumps(key)}: ' for key in value]
        value = list(value.values())
    parts = [head + render(part, indent + 2, len(head)) for head, part in zip(heads, value)]
    return f'{line[0]}\n' + ',\n'.join(parts) + f'\n{" " * indent}{line[-1]}'


def files(page):
    """{name: text} of all schemas of the page."""
    tables, made, problems = {}, {}, []
    for schema, text in sections(page):
        try:
            read_rows(tables, schema, text)
            made[schema.replace('/', '-') + '.schema.json'] = \
                render(make(schema, tables[schema], text)) + '\n'
        except Problem as problem:
            problems.append(str(problem))
    if problems:
        raise SystemExit('\n'.join(f'gen-json-schemas: {line}' for line in problems))
    return made


# ------------------------------------------------------------------------------------ the command

def compare(wanted, there):
    """How the files differ from what they should be."""
    for name in sorted(set(wanted) | set(there)):
        if name not in wanted:
            yield f'{name} is of no document'
        elif there.get(name) != wanted[name]:
            yield f'{name} is not up to date'


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--check', action='store_true', help='compare, write nothing')
    parser.add_argument('--docs', type=pathlib.Path, default=root / 'docs', help='the docs folder')
    options = parser.parse_args()
    folder = options.docs / 'schemas'
    wanted = files((options.docs / 'json.md').read_text(encoding='utf-8'))
    there = {path.name: path.read_text(encoding='utf-8') for path in folder.glob('*')}
    differences = list(compare(wanted, there))
    if options.check:
        for line in differences:
            print(f'{folder}: {line}: run scripts/gen-json-schemas.py', file=sys.stderr)
        return 1 if differences else 0
    folder.mkdir(exist_ok=True)
    for name in set(there) - set(wanted):
        (folder / name).unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())
