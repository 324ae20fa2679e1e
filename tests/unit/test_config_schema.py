# SPDX-License-Identifier: Apache-2.0
"""The JSON schemas of the configuration file: they take what migctl takes, and refuse what it
refuses, as far as a schema can."""
import json
import re

import tap
from tap import test

ROOT = tap.source_root()
SCHEMAS = {'v1': 'config-v1.schema.json', 'migctl/v1': 'config-migctl-v1.schema.json'}
CORPUS = ROOT / 'tests/fuzz/corpus/config'

VALID = ('valid-a100', 'valid-a30', 'valid-all-fields', 'valid-anchors', 'valid-json', 'valid-off',
         'zero-counts', 'impossible', 'v1-all-fields', 'v1-json', 'v1-anchors')

# Entries of migctl/v1 that test_migctl_v1.c has as refused.
REFUSED_V1 = ('{mig: off}', '{gpus: all}', '{gpus: all, mig: on}',
              '{gpus: all, mig: off, devices: []}', '{gpus: all, mig: off, totals: {1g.5gb: 1}}',
              '{gpus: all, devices: [1g.5gb], totals: {1g.5gb: 1}}', '{gpus: all, mig: 1}',
              '{gpus: all, mig: off, keep-in-use: maybe}', '{gpu: all, mig: off}',
              '{gpus: [GPU_1], mig: off}', "{gpus: ['0'], mig: off}", '{gpus: {}, mig: off}',
              '{gpus: [all], mig: off}', '{gpus: all, filter: A100, mig: off}',
              '{gpus: 0, devices: 1g.5gb}', '{gpus: 0, devices: [1g5gb]}',
              '{gpus: 0, devices: [1g.5gb@]}', '{gpus: 0, devices: [1g.5gb*2@4]}',
              '{gpus: 0, devices: {1g.5gb*2: 1}}', '{gpus: 0, devices: {1g.5gb: -1}}',
              '{gpus: 0, instances: [{profile: 1g.5gb}]}',
              '{gpus: 0, instances: [{profile: 1g.5gb, start: 1, compute: [1g.5gb*2]}]}',
              '{gpus: 0, totals: {1g.5gb@4: 1}}')
TAKEN_V1 = ('{gpus: all, mig: off}', '{gpus: all, devices: []}', '{gpus: [], devices: {}}',
            '{gpus: 0, mig: on, devices: {3g.20gb@4: 1}, instances: []}',
            '{gpus: "10:00.0", totals: {1g.5gb: 1}}', '{gpus: 0, instances: []}')
REFUSED_PARTED = ('{devices: all}', '{mig-enabled: off}', '{devices: all, mig-enabled: on}',
                  '{devices: [-1], mig-enabled: off}', '{devices: some, mig-enabled: off}',
                  '{devices: all, mig-enabled: on, mig-devices: ~}',
                  '{devices: all, mig-enabled: on, mig-devices: {1g5gb: 1}}',
                  '{devices: all, mig-enabled: off, mig-devices: {1g.5gb: 1}}',
                  '{devices: all, mig-enabled: off, device-filter: A100}')


def modules():
    """yaml and jsonschema, or the test is skipped."""
    try:
        import jsonschema  # pylint: disable=import-outside-toplevel
        import yaml  # pylint: disable=import-outside-toplevel
    except ImportError as problem:
        tap.skip(f'no Python module {problem.name}')
    return yaml, jsonschema


def problems(document):
    """What the schema of the document's version says against it."""
    _, jsonschema = modules()
    text = (ROOT / 'data/schemas' / SCHEMAS[document['version']]).read_text(encoding='utf-8')
    validator = jsonschema.Draft7Validator(json.loads(text))
    return [problem.message for problem in validator.iter_errors(document)]


@test
def the_schemas_are_schemas():
    _, jsonschema = modules()
    for name in SCHEMAS.values():
        text = (ROOT / 'data/schemas' / name).read_text(encoding='utf-8')
        jsonschema.Draft7Validator.check_schema(json.loads(text))


@test
def what_is_valid_is_taken():
    yaml, _ = modules()
    files = [CORPUS / name for name in VALID if (CORPUS / name).exists()]
    files += sorted((ROOT / 'examples').glob('*.yaml'))
    tap.true(len(files) > 10)
    for file in files:
        document = next(yaml.safe_load_all(file.read_text(encoding='utf-8')))
        tap.equal((file.name, problems(document)), (file.name, []))


@test
def examples_in_documents_are_taken():
    yaml, _ = modules()
    text = (ROOT / 'docs/config-file.md').read_text(encoding='utf-8')
    seen = set()
    for block in re.findall(r'```yaml\n(.*?)```', text, re.DOTALL):
        document = yaml.safe_load(block)
        if 'hooks' in document:
            continue
        seen.add(document['version'])
        tap.equal(problems(document), [])
    tap.equal(seen, set(SCHEMAS))


@test
def what_is_wrong_is_refused():
    yaml, _ = modules()
    for entry in REFUSED_V1:
        document = {'version': 'migctl/v1', 'layouts': {'a': [yaml.safe_load(entry)]}}
        tap.true(problems(document), entry)
    for entry in TAKEN_V1:
        document = {'version': 'migctl/v1', 'layouts': {'a': [yaml.safe_load(entry)]}}
        tap.equal((entry, problems(document)), (entry, []))
    for entry in REFUSED_PARTED:
        document = {'version': 'v1', 'mig-configs': {'a': [yaml.safe_load(entry)]}}
        tap.true(problems(document), entry)


tap.main()
