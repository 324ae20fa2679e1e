#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what a compiler does not: calls that are not wanted, file heads, headers.

    scripts/checksrc.py [FILE...]        default: all C, shell and Python of the tree

Comments and strings do not count. One line per finding: FILE:LINE: what, and what
to use instead. A line may be excepted by a comment on it: checksrc: allow NAME.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Anywhere in C.
BANNED = {
    'strcpy': 'struct mig_buf', 'stpcpy': 'struct mig_buf', 'strcat': 'struct mig_buf',
    'strncpy': 'struct mig_buf or snprintf', 'strncat': 'struct mig_buf',
    'sprintf': 'snprintf', 'vsprintf': 'vsnprintf', 'gets': 'getline',
    'strtok': 'strcspn', 'strtok_r': 'strcspn',
    'atoi': 'shared/number.h', 'atol': 'shared/number.h', 'atoll': 'shared/number.h',
    'atof': 'shared/number.h', 'sscanf': 'shared/number.h', 'fscanf': 'shared/number.h',
    'scanf': 'shared/number.h', 'vsscanf': 'shared/number.h',
    'system': 'fork and exec', 'popen': 'fork and exec',
    'alloca': 'malloc', 'strdupa': 'strdup', 'strndupa': 'strndup',
    'tmpnam': 'mkostemp', 'tempnam': 'mkostemp', 'mktemp': 'mkostemp',
}

# In src/: one parser for numbers; every descriptor is closed on exec.
BANNED_IN_SRC = {
    **{name: 'shared/number.h' for name in (
        'strtol', 'strtoul', 'strtoll', 'strtoull', 'strtoimax', 'strtoumax', 'strtod', 'strtof')},
    'creat': 'open with O_CLOEXEC', 'pipe': 'pipe2 with O_CLOEXEC',
    'dup': 'fcntl with F_DUPFD_CLOEXEC', 'mkstemp': 'mkostemp with O_CLOEXEC',
    'accept': 'accept4 with SOCK_CLOEXEC', 'epoll_create': 'epoll_create1 with EPOLL_CLOEXEC',
}

# In libraries: they never print, exit, abort or change directory.
LIBRARIES = ('src/shared/', 'src/nvml/', 'src/core/', 'src/config/', 'src/export/', 'src/sim/abi/',
             'src/sim/engine/', 'src/sim/store/', 'src/sim/fault/')
BANNED_IN_LIBRARIES = {name: 'an error for the caller' for name in (
    'printf', 'puts', 'putchar', 'perror', 'exit', 'abort', 'chdir', 'fchdir', 'assert')}

# The one place where each is right.
EXCEPTIONS = {
    'src/shared/number.c': {'strtol', 'strtoul', 'strtoll', 'strtoull', 'strtoimax', 'strtoumax',
                            'strtod'},
    # Reads back what it has just written, to find the shortest digits.
    'src/shared/json_writer.c': {'strtod'},
}

SPDX = 'SPDX-License-Identifier: Apache-2.0'
_TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
_CALL = re.compile(r'(?<![\w.>])([A-Za-z_]\w*)\s*\(')
_OPEN = re.compile(r'(?<![\w.>])(open|openat|open64)\s*\(')
_FOPEN = re.compile(r'(?<![\w.>])(?:fopen|fdopen|freopen)\s*\([^;]*?,\s*"([^"]*)"\s*\)')


def code_of(text):
    """The text with comments and the inside of strings blanked, lines kept."""
    def blank(match):
        token = match.group(0)
        kept = ''.join(c if c == '\n' else ' ' for c in token[1:-1])
        quote = token[0] if token[0] in '"\'' else ' '
        return quote + kept + quote
    return _TOKEN.sub(blank, text)


def line_of(text, offset):
    """The number of the line that holds this offset."""
    return text.count('\n', 0, offset) + 1


def arguments(code, start):
    """The text between the parenthesis at start and the one that closes it."""
    depth = 0
    for end in range(start, len(code)):
        depth += {'(': 1, ')': -1}.get(code[end], 0)
        if depth == 0:
            return code[start + 1:end]
    return code[start + 1:]


def banned_for(path):
    """Name -> what to use instead, for this file."""
    banned = dict(BANNED)
    if path.startswith('src/'):
        banned.update(BANNED_IN_SRC)
    if path.startswith(LIBRARIES):
        banned.update(BANNED_IN_LIBRARIES)
    return {name: use for name, use in banned.items() if name not in EXCEPTIONS.get(path, ())}


def check_calls(path, text):
    """Findings about calls in one C file."""
    code = code_of(text)
    lines = text.splitlines()
    banned = banned_for(path)
    for match in _CALL.finditer(code):
        name, line = match.group(1), line_of(code, match.start())
        if name in banned and f'checksrc: allow {name}' not in lines[line - 1]:
            yield line, f'{name}() is not used here; instead: {banned[name]}'
    if not path.startswith('src/'):
        return
    for match in _OPEN.finditer(code):
        given = arguments(code, match.end() - 1)
        if 'O_' in given and 'O_CLOEXEC' not in given:
            yield line_of(code, match.start()), f'{match.group(1)}() without O_CLOEXEC'
    for match in _FOPEN.finditer(text):
        blanked = code[match.start():match.start() + 4].strip()
        if 'e' not in match.group(1) and blanked:
            yield line_of(text, match.start()), 'fopen() without "e" (close on exec)'


def check_head(path, text):
    """Findings about the first lines of one file."""
    lines = text.splitlines()
    first = lines[1] if lines and lines[0].startswith('#!') else (lines[0] if lines else '')
    if SPDX not in first:
        yield 1, f'the first line (after any #!) is not "{SPDX}"'
    if path.endswith(('.c', '.h')) and path.startswith('src/'):
        if len(lines) < 2 or not lines[1].lstrip().startswith('/*'):
            yield 2, 'no comment that says what this file is for'
    if path.endswith('.h') and not re.search(r'^#pragma once$', text, re.MULTILINE):
        yield 1, 'header without #pragma once'


def check(path, text):
    """(line, finding) of one file; path is relative to the top of the tree."""
    yield from check_head(path, text)
    if path.endswith(('.c', '.h')):
        yield from check_calls(path, text)


def default_files(root):
    """The files that are checked when none is named."""
    for folder in ('src', 'tests', 'data', 'scripts'):
        for pattern in ('*.c', '*.h', '*.py', '*.sh'):
            yield from sorted((root / folder).rglob(pattern))
    for name in ('demo', 'check', '.ci/run'):
        if (root / name).exists():
            yield root / name


def main():
    """Prints the findings; returns 1 when there are any."""
    names = [pathlib.Path(name).resolve() for name in sys.argv[1:]]
    found = 0
    for file in names or default_files(ROOT):
        path = file.relative_to(ROOT).as_posix()
        for line, finding in check(path, file.read_text(encoding='utf-8')):
            print(f'{path}:{line}: {finding}')
            found += 1
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
