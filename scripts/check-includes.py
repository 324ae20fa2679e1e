#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that dependencies point downwards: who may include whom.

    scripts/check-includes.py [TREE]

The table below is the architecture: the driver (sim), the core and the fronts
meet only in the NVML ABI. core and sim share data, never code that places
instances, so that each checks the other. The simulated driver is loaded into
programs that are not ours: its parts see libc and their own only.
"""
import pathlib
import re
import sys

# What is the ABI itself, on both sides of it: types, entry points, how our driver is known.
NVML_ABI = ['nvml/nvml_abi.h', 'nvml/symbols.h', 'nvml/sim_identity.h']

# Folder below src/ -> what it may include with quotes: folders, single headers (below src/),
# or data/ for the generated tables. Longest match counts.
ALLOWED = {
    'shared': ['shared'],
    'nvml': ['nvml', 'shared'],
    'sim/engine': ['sim/engine', 'shared', 'nvml/nvml_abi.h', 'data'],
    'sim/process': ['sim/process', 'sim/engine', 'shared'],
    'sim/store': ['sim/store', 'sim/engine', 'shared', 'nvml/nvml_abi.h', 'data'],
    'sim/fault': ['sim/fault', 'sim/engine', 'sim/store', 'sim/process', 'shared',
                  'nvml/nvml_abi.h', 'data'],
    'sim/tree': ['sim/tree', 'sim/engine', 'sim/store', 'shared', 'nvml/nvml_abi.h', 'data'],
    'sim/abi': ['sim/abi', 'sim/engine', 'sim/store', 'sim/fault', 'sim/process', 'sim/tree',
                'shared', 'data', *NVML_ABI],
    'sim/libcuda': [],
    'sim/control': ['sim', 'shared', 'data', *NVML_ABI],
    'core': ['core', 'nvml', 'shared', 'data'],
    'config': ['config', 'core', 'shared'],
    # A recording is a node description: its type is the only thing of the simulator used here.
    'record': ['record', 'core', 'nvml', 'shared', 'sim/control/control.h', 'data'],
    'doctor': ['doctor', 'core', 'nvml', 'shared'],
    'export': ['export', 'core', 'shared'],
    'cli': ['cli', 'smi', 'parted', 'export', 'config', 'record', 'doctor', 'core', 'nvml', 'shared',
            'sim/control', 'data'],
    'smi': ['smi', 'nvml', 'shared', 'core', 'config', 'export', 'data'],
    'parted': ['parted', 'nvml', 'shared', 'core', 'config', 'export', 'data'],
}

# Headers of other projects, and the folders that may use them.
THIRD_PARTY = {
    'yaml.h': ['config'],
    'libsmartcols.h': ['cli'],
    'jansson.h': ['config', 'sim/control'],
}

# Linked into the simulated driver: of shared/ only what that library is given.
IN_THE_DRIVER = ('sim/engine', 'sim/process', 'sim/store', 'sim/fault', 'sim/tree', 'sim/abi')

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
_DRIVER_LIST = re.compile(r'shared_sim_sources\s*=\s*files\((.*?)\)', re.DOTALL)


def folder_of(path):
    """The row of ALLOWED for a path below src/, or None."""
    rows = [row for row in ALLOWED if path.startswith(row + '/')]
    return max(rows, key=len) if rows else None


def is_allowed(name, entries):
    """Is this quoted include below a folder, or one of the headers, of the row?"""
    return any(name == entry or name.startswith(entry + '/') for entry in entries)


def driver_shared(tree):
    """The shared/ headers the driver may use: without a source, or with one it is given."""
    build = tree / 'src/shared/meson.build'
    match = _DRIVER_LIST.search(build.read_text(encoding='utf-8')) if build.exists() else None
    given = set(re.findall(r"'([^']+)\.c'", match.group(1))) if match else set()
    names = set()
    for header in (tree / 'src/shared').glob('*.h'):
        if header.stem in given or not header.with_suffix('.c').exists():
            names.add(f'shared/{header.name}')
    return names


def is_libc(name):
    """Is this header in angle brackets one of no known other project?"""
    return name not in THIRD_PARTY


def check_file(tree, path, text, for_driver):
    """(line, finding) of one file; path is relative to src/."""
    row = folder_of(path)
    if row is None:
        yield 1, 'this folder is not in the table of scripts/check-includes.py'
        return
    first = True
    own = path[:-2] + '.h' if path.endswith('.c') else None
    own = own if own and (tree / 'src' / own).exists() else None
    for match in _INCLUDE.finditer(text):
        line = text.count('\n', 0, match.start()) + 1
        quoted, name = match.group(1) == '"', match.group(2)
        if first and own and name != own:
            yield line, f'the first include is not the own header "{own}"'
        first = False
        if not quoted:
            if not is_libc(name) and row not in THIRD_PARTY[name]:
                yield line, f'{row} may not use <{name}> (only {", ".join(THIRD_PARTY[name])})'
            continue
        if name in THIRD_PARTY or name == 'nvml.h':
            yield line, f'"{name}" is not a header of this tree'
        elif name.startswith('.') or '/' not in name:
            yield line, f'"{name}" is not relative to src/ or to the top of the tree'
        elif not is_allowed(name, ALLOWED[row]):
            yield line, f'{row} may not include "{name}" (only {", ".join(ALLOWED[row])})'
        elif row in IN_THE_DRIVER and name.startswith('shared/') and name not in for_driver:
            yield line, f'"{name}" is not linked into the driver (src/shared/meson.build)'


def check_tree(tree):
    """(file, line, finding) of a whole tree."""
    for_driver = driver_shared(tree)
    for file in sorted((tree / 'src').rglob('*.[ch]')):
        path = file.relative_to(tree / 'src').as_posix()
        for line, finding in check_file(tree, path, file.read_text(encoding='utf-8'), for_driver):
            yield f'src/{path}', line, finding
    for file in sorted((tree / 'data').rglob('*.[ch]')):
        for match in _INCLUDE.finditer(file.read_text(encoding='utf-8')):
            if match.group(1) == '"' and not is_allowed(match.group(2), ['data', 'nvml/nvml_abi.h']):
                yield file.relative_to(tree).as_posix(), 1, f'data may not include "{match.group(2)}"'


def main():
    """Prints the findings; returns 1 when there are any."""
    tree = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__)
    tree = tree.resolve() if len(sys.argv) > 1 else tree.resolve().parent.parent
    found = 0
    for file, line, finding in check_tree(tree):
        print(f'{file}:{line}: {finding}')
        found += 1
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
