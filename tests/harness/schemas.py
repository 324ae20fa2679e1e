# SPDX-License-Identifier: Apache-2.0
"""JSON documents against the schemas in docs/schemas; tap.run() looks at all that it sees.

Here, and only here, a member that the schema does not have is an error: what a command prints has
to be described, while programs that read it must not mind what a later version adds. Without the
Python module jsonschema nothing is checked; test_json_schemas.py is skipped then.
"""
import copy
import functools
import json
import re

import tap

try:
    import jsonschema
except ImportError:
    jsonschema = None

BEGIN = re.compile(r'\s*\{\s*"schema": *"migctl\.')


def path_of(schema):
    """The file of "migctl.status/1"."""
    return tap.source_root() / 'docs' / 'schemas' / (schema.replace('/', '-') + '.schema.json')


def load(schema):
    return json.loads(path_of(schema).read_text(encoding='utf-8'))


def strict(node):
    """The same schema, in which objects have no members but those that are described."""
    if isinstance(node, list):
        return [strict(part) for part in node]
    if not isinstance(node, dict):
        return node
    made = {key: strict(value) for key, value in node.items()}
    if isinstance(node.get('properties'), dict) and 'type' in node:
        made.setdefault('additionalProperties', False)
    return made


def relaxed(node):
    """The same schema, in which every member may be missing."""
    node = copy.deepcopy(node)
    todo = [node]
    while todo:
        part = todo.pop()
        if isinstance(part.get('required'), list):
            del part['required']
        todo += [value for value in part.values() if isinstance(value, dict)]
    return node


@functools.lru_cache(maxsize=None)
def validator(schema):
    return jsonschema.Draft7Validator(strict(load(schema)))


def problems(document, of=None):
    """What the schema of the document (or this one) has against it, as texts."""
    check = of or validator(document['schema'])
    return [f'{document["schema"]}: {"/".join(map(str, problem.absolute_path))}: {problem.message}'
            for problem in check.iter_errors(document)]


def look(text):
    """Fails the test if the text is one of the documents and not as its schema says."""
    if jsonschema is None or not BEGIN.match(text):
        return
    try:
        document = json.loads(text)
    except ValueError:
        return  # cut off, or several: what the test itself is about
    tap.true(path_of(document['schema']).exists(), f'{document["schema"]} has no schema')
    tap.equal(problems(document), [])
