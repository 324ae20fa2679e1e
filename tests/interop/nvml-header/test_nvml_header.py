# SPDX-License-Identifier: Apache-2.0
"""Our declaration of the NVML ABI against the vendor's nvml.h.

The header comes from Debian's non-free libnvidia-ml-dev at test time and is
included in nothing but the programs that are made here. All facts of
src/nvml/nvml_abi.h (sizes, offsets, version words, constants) are printed by one
program built on our header and by one built on theirs, and compared. The
functions of src/nvml/symbols.h are declared again after their header: the
compiler refuses what differs.

What a header does not have yet is listed in newer.txt; nothing else may be missing.
MIG_NVML_HEADER=FILE compares with one more header (of an API that Debian has not).
"""
import os
import re

import tap

SUITES = ('bookworm', 'trixie')  # Debian releases: their headers are of API 11 and 12

# Ours alone: layouts that only old entry points use, a name for a number that has none, the
# functions that take those layouts, and one that is in no header.
OURS = {'nvmlComputeInstanceInfo_v1_t', 'nvmlDeviceAttributes_v1_t', 'nvmlPciInfo_v1_t',
        'nvmlPciInfo_v2_t', 'MIG_NVML_NO_INSTANCE_ID',
        'nvmlComputeInstanceGetInfo', 'nvmlDeviceGetAttributes', 'nvmlDeviceGetPciInfo',
        'nvmlDeviceGetPciInfo_v2', 'nvmlDeviceGetNvLinkRemotePciInfo',
        'nvmlInternalGetExportTable'}

# Constants that count what there is, and so grow: {name: {API: value there}}.
COUNTS = {
    'NVML_GPU_INSTANCE_PROFILE_COUNT': {11: 0x8, 12: 0xA},
    'NVML_COMPUTE_INSTANCE_PROFILE_COUNT': {11: 0x7, 12: 0x8},
}


def newer():
    """{name: the first API of the compared headers that has it}, of newer.txt."""
    with open(tap.source('tests', 'interop', 'nvml-header', 'newer.txt'), encoding='utf-8') as rows:
        return {row.split()[0]: int(row.split()[1]) for row in rows if not row.startswith('#')}


def strip_comments(text):
    return re.sub(r'//[^\n]*', '', re.sub(r'/\*.*?\*/', ' ', text, flags=re.DOTALL))


def facts():
    """[(subject, label, C expression)] of nvml_abi.h; subject is what a header must have."""
    with open(tap.source('src', 'nvml', 'nvml_abi.h'), encoding='utf-8') as stream:
        text = strip_comments(stream.read())
    found = []
    for type_name in re.findall(r'^MIG_ABI_SIZE\((\w+),', text, re.MULTILINE):
        found.append((type_name, f'sizeof {type_name}', f'sizeof({type_name})'))
    for type_name, field in re.findall(r'^MIG_ABI_OFFSET\((\w+), (\w+),', text, re.MULTILINE):
        found.append((type_name, f'offset {type_name}.{field}', f'offsetof({type_name}, {field})'))
    for type_name, number in re.findall(r'^MIG_ABI_VERSION\((\w+), (\d),', text, re.MULTILINE):
        # their macro takes the middle of the name and adds _v…_t
        middle = re.fullmatch(r'nvml(\w+)_v\d_t', type_name)[1]
        found.append((type_name, f'version {type_name}', f'VERSION({middle}, {number})'))
    names = re.findall(r'^\s+(NVML_\w+) = ', text, re.MULTILINE)
    names += re.findall(r'^#define ((?:NVML_|nvmlEvent|INVALID_)\w+)\s', text, re.MULTILINE)
    found += [(name, f'value {name}', name) for name in names]
    return found


def program(header, chosen):
    lines = ['#define NVML_NO_UNVERSIONED_FUNC_DEFS', '#include <stddef.h>', '#include <stdio.h>',
             f'#include "{header}"', '#ifdef NVML_STRUCT_VERSION',
             '#define VERSION(name, n) NVML_STRUCT_VERSION(name, n)', '#else',
             '#define VERSION(name, n) MIG_NVML_STRUCT_VERSION(nvml##name##_v##n##_t, n)', '#endif',
             'int main(void)', '{']
    lines += [f'\tprintf("%s %#llx\\n", "{label}", (unsigned long long)({expression}));'
              for _, label, expression in chosen]
    return '\n'.join(lines + ['\treturn 0;', '}', ''])


def print_facts(name, header, chosen):
    source = tap.tmpdir() / f'{name}.c'
    source.write_text(program(header, chosen), encoding='utf-8')
    binary = tap.tmpdir() / name
    compiled = tap.run(['cc', '-std=gnu11', '-w', '-I', tap.source('src'), source, '-o', binary])
    tap.succeeded(compiled)
    lines = tap.succeeded(tap.run([binary])).stdout.splitlines()
    return dict(line.rsplit(' ', 1) for line in lines)


def check_absent(names, api):
    """Only what is known to be newer, or ours alone, may be missing in a header."""
    since = newer()
    tap.equal(sorted(name for name in names if name not in OURS and since.get(name, 0) <= api),
              [], f'missing in a header of API {api}')


def compare_facts(header, api):
    words = set(re.findall(r'\w+', strip_comments(header.read_text(encoding='utf-8'))))
    everything = facts()
    tap.true(len(everything) > 400, f'only {len(everything)} facts found in nvml_abi.h')
    chosen = [fact for fact in everything if fact[0] in words]
    absent = {fact[0] for fact in everything if fact[0] not in words}
    check_absent(absent, api)
    ours = print_facts('ours', 'nvml/nvml_abi.h', chosen)
    theirs = print_facts('theirs', header, chosen)
    tap.equal(len(ours), len(chosen), 'facts printed')
    wrong = [f'{label}: ours {ours[label]}, theirs {theirs[label]}' for label in ours
             if ours[label] != theirs[label]
             and int(theirs[label], 0) != COUNTS.get(label.split()[1], {}).get(api)]
    tap.equal(wrong, [])
    print(f'{len(chosen)} facts compared, {len(absent)} names not in API {api}')


def our_functions():
    """{name: declaration} of symbols.h, as the preprocessor leaves it."""
    source = tap.tmpdir() / 'symbols.c'
    source.write_text('#include "nvml/symbols.h"\n', encoding='utf-8')
    text = tap.succeeded(tap.run(['cc', '-E', '-P', '-I', tap.source('src'), source])).stdout
    found = re.findall(r'((?:nvmlReturn_t|const char \*) ?(nvml\w+) ?\([^;]*\);)',
                       ' '.join(text.split()))
    return {name: declaration for declaration, name in found}


def compare_functions(header, api):
    words = set(re.findall(r'\w+', strip_comments(header.read_text(encoding='utf-8'))))
    functions = our_functions()
    tap.true(len(functions) > 100, f'only {len(functions)} functions found in symbols.h')
    compared = [name for name in functions if name in words and name not in OURS]
    absent = [name for name in functions if name not in words]
    check_absent(absent, api)
    lines = ['#define NVML_NO_UNVERSIONED_FUNC_DEFS', f'#include "{header}"']
    lines += [functions[name] for name in compared]
    source = tap.tmpdir() / 'functions.c'
    source.write_text('\n'.join(lines) + '\n', encoding='utf-8')
    tap.succeeded(tap.run(['cc', '-std=gnu11', '-w', '-fsyntax-only', source]))
    print(f'{len(compared)} functions compared, {len(absent)} not in API {api}')


def fetch(suite):
    fetched = tap.run([tap.source('tests', 'interop', 'fetch-debs.sh'), '--suite', suite,
                       'libnvidia-ml-dev', tap.tmpdir() / 'deb'])
    if fetched.rc == 77:
        tap.skip(f'nvml.h of {suite}: {fetched.stdout.strip().splitlines()[-1]}')
    tap.succeeded(fetched)
    return next((tap.tmpdir() / 'deb').rglob('nvml.h'))


def api_of(header):
    text = header.read_text(encoding='utf-8')
    return int(re.search(r'#define NVML_API_VERSION\s+(\d+)', text)[1])


def add_tests(name, find):
    def run_facts():
        header = find()
        compare_facts(header, api_of(header))

    def run_functions():
        header = find()
        compare_functions(header, api_of(header))

    tap.add(f'{name}_layouts_and_constants', run_facts)
    tap.add(f'{name}_functions', run_functions)


def a_wrong_fact_is_found():
    """The comparison can fail: one structure and one constant of ours made wrong."""
    header = fetch('trixie')
    wrong = tap.tmpdir() / 'wrong.h'
    text = header.read_text(encoding='utf-8')
    text = text.replace('nvmlDevice_t device;', 'int more; nvmlDevice_t device;')
    wrong.write_text(re.sub(r'(NVML_ERROR_IN_USE\s*=\s*)19', r'\g<1>99', text), encoding='utf-8')
    chosen = [fact for fact in facts() if fact[0] in ('nvmlGpuInstanceInfo_t', 'NVML_ERROR_IN_USE')]
    ours = print_facts('ours', 'nvml/nvml_abi.h', chosen)
    theirs = print_facts('theirs', wrong, chosen)
    differing = sorted(label for label in ours if ours[label] != theirs[label])
    tap.contains(differing, 'value NVML_ERROR_IN_USE')
    tap.contains(differing, 'sizeof nvmlGpuInstanceInfo_t')
    tap.contains(differing, 'offset nvmlGpuInstanceInfo_t.id')


for debian_release in SUITES:
    add_tests(debian_release, lambda suite=debian_release: fetch(suite))
if os.environ.get('MIG_NVML_HEADER'):
    add_tests('given', lambda: tap.pathlib.Path(os.environ['MIG_NVML_HEADER']))
tap.add('a_wrong_fact_is_found', a_wrong_fact_is_found)
tap.main()
