#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reader of tutorials, and what holds for every tutorial without running it."""
import pathlib
import re

import tap
import tutorial
from tap import test

DOCUMENT = """\
# A title

```console
$ one # exit status 3
a
$ two \\
> three
```

<!-- not run: a cluster -->
```console
$ four
```

```json
{}
```
"""


@test
def blocks_and_commands():
    first, second, third = tutorial.blocks(DOCUMENT)
    one, two = first.commands
    tap.equal((one.text, one.answer, one.status, one.line), ('one # exit status 3', ['a'], 3, 4))
    tap.equal((two.text, two.answer, two.status), ('two \\\nthree', [], 0))
    tap.equal((first.not_run, second.not_run, third.not_run), ('', 'a cluster', ''))
    tap.equal(third.language, 'json')
    tap.equal(tutorial.programs([first, second]), {'one', 'two', 'three'})


@test
def answers_that_match_and_do_not():
    for want, got, expected in (
            (['a', 'b'], ['a', 'b'], True), (['a'], ['a', 'b'], False), (['a', 'b'], ['a'], False),
            (['x … z'], ['x y z'], True), (['x … z'], ['x y'], False), (['a.c'], ['abc'], False),
            (['...', 'c'], ['a', 'b', 'c'], True), (['...'], [], True), (['a', '...'], ['b'], False),
            ([], [], True), ([], ['a'], False)):
        tap.equal(tutorial.matches(want, got), expected, f'{want} against {got}')


@test
def five_tutorials_that_the_index_names():
    index = pathlib.Path(tap.source(tutorial.FOLDER, 'README.md')).read_text(encoding='utf-8')
    names = tutorial.names()
    tap.equal(len(names), 5)
    for name in names:
        tap.contains(index, f']({name}.md)')


@test
def every_block_is_run_or_says_why_not():
    for name in tutorial.names():
        parsed = tutorial.read(name)
        tap.true(any(command.text.startswith('migctl sim shell')
                     for command in parsed[0].commands), name)
        last = [block.commands for block in parsed if not block.not_run][-1]
        tap.true(any(command.text.startswith('migctl sim destroy') for command in last), name)
        for block in parsed:
            tap.true(block.language == 'console' and block.commands, f'{name}.md:{block.line}')


# What the public page on four A30 (driver 545.23.08) shows in its nvidia-smi tables as in use and
# total: of each GPU with MIG off, of GPU 0 with MIG on and empty, of GPU 0 with two 2g.12gb, and of
# each of these and its BAR1.
A30_CELLS = ('4MiB / 24576MiB', '0MiB / 24576MiB', '25MiB / 11968MiB', '0MiB / 16383MiB',
             '50MiB / 24576MiB')


@test
def the_a30_page_shows_the_memory_that_was_seen_in_use():
    text = pathlib.Path(tap.source(tutorial.FOLDER, 'a30-step-by-step.md')).read_text(
        encoding='utf-8')
    before, after = text.split('## Two programs on two instances')
    rows = re.findall(r'(\d+MiB / +\d+MiB)', before)
    # Four GPUs, then one of them with MIG, then two instances of it.
    tap.equal(rows, [A30_CELLS[0]] * 4 + [A30_CELLS[1]] + [A30_CELLS[0]] * 3
              + [A30_CELLS[4]] + [A30_CELLS[0]] * 3 + [A30_CELLS[2], A30_CELLS[3]] * 2)
    between = after.split('## Smaller compute instances')[1].split('Four programs on them')[0]
    tap.equal(re.findall(r'(\d+MiB / +\d+MiB)', between), [A30_CELLS[2], A30_CELLS[3]] * 2)


tap.main()
