#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages and the command table say the same: each command has a section, each section a
command, and the options under it are those of the table, with the same letters and values."""
import json
import re
import shutil

import tap
from tap import test

PAGES = ('migctl.1', 'migctl-sim.1')


def table():
    return json.loads(tap.succeeded(tap.run([tap.build('migctl'), '--dump-commands'])).stdout)


def plain(text):
    """A line of a page as a reader sees it."""
    text = re.sub(r'\\f[BIRP]', '', text)
    return text.replace('\\-', '-').strip()


def sections(page):
    """{'OPTIONS': [option lines], 'sim create': [...]}: by .SH and .SS, with the .TP labels."""
    found = {}
    current = None
    lines = open(tap.source('man', page), encoding='utf-8').read().splitlines()
    for number, line in enumerate(lines):
        match = re.match(r'\.(SH|SS) (.*)', line)
        if match:
            current = plain(match[2]).strip('"')
            found[current] = []
        elif line == '.TP' and lines[number + 1].startswith('\\fB\\-'):
            found[current].append(plain(lines[number + 1]))
    return found


def label(option):
    letter = f'-{option["letter"]}, ' if option['letter'] else ''
    value = option['value'] or ''
    # "[=TIME]" may be left out and stands behind its option; other values are words of their own.
    if value and not value.startswith('['):
        value = ' ' + value
    return f'{letter}--{option["name"]}{value}'


def command_sections():
    """{(page, heading): options} of what is below COMMANDS."""
    found = {}
    for page in PAGES:
        for heading, options in sections(page).items():
            if heading[:1].islower():
                found[(page, heading)] = options
    return found


@test
def global_options():
    tap.equal(sections('migctl.1')['OPTIONS'], [label(option) for option in table()['options']])


@test
def each_command_has_its_section_with_its_options():
    found = command_sections()
    for command in table()['commands']:
        page = 'migctl-sim.1' if command['name'].startswith('sim ') else 'migctl.1'
        heading = f'{command["name"]} {command["args"]}'.strip()
        tap.true((page, heading) in found, f'{page} has no section "{heading}"')
        tap.equal(found[(page, heading)], [label(option) for option in command['options']],
                  f'{page}, {heading}')


@test
def each_section_has_its_command():
    known = {f'{command["name"]} {command["args"]}'.strip() for command in table()['commands']}
    known.add('sim')  # the reference to the other page
    for page, heading in command_sections():
        tap.true(heading in known, f'{page} has a section "{heading}" and there is no such command')


@test
def columns_are_those_of_the_table():
    text = open(tap.source('man', 'migctl.1'), encoding='utf-8').read()
    for command in table()['commands']:
        if not command['columns']:
            continue
        section = re.split(r'^\.S[SH] ', text.split(f'.SS {command["name"]}\n')[1], flags=re.M)[0]
        found = re.findall(r'^\.TP\n\\fB([A-Z\\-]+)\\fR( \*)?$', section, re.M)
        tap.equal([(plain(name), star != '') for name, star in found],
                  [(column['name'], column['shown']) for column in command['columns']],
                  command['name'])
        for column in command['columns']:
            tap.contains(plain(section), column['help'], command['name'])


@test
def exit_statuses_are_those_of_the_header():
    header = open(tap.source('src', 'shared', 'error.h'), encoding='utf-8').read()
    codes = re.findall(r'MIG_EXIT_\w+ = (\d+)', header)
    text = open(tap.source('man', 'migctl.1'), encoding='utf-8').read()
    section = text.split('.SH EXIT STATUS')[1].split('.SH ')[0]
    tap.equal(re.findall(r'^\.B (\d+)$', section, re.M), codes)


# Values that nobody can know before they are typed.
FREE_VALUES = {'TIME', 'N', 'SIZE', 'PID', 'NAME', 'ARG'}


def offered(*words):
    """What completion offers after these words and for the last, without descriptions."""
    got = tap.succeeded(tap.run([tap.build('migctl'), '--complete', 'line', '--', *words]))
    return [line.split('\t')[0] for line in got.stdout.splitlines()]


@test
def completion_offers_the_table():
    """Commands, their options and what help says of them; nothing else."""
    document = table()
    names = [command['name'] for command in document['commands']]
    for depth in range(3):
        families = {' '.join(name.split()[:depth]) for name in names if len(name.split()) > depth}
        for family in families:
            want = {name.split()[depth] for name in names
                    if f'{name} '.startswith(f'{family} '.lstrip()) and len(name.split()) > depth}
            tap.equal(set(offered(*family.split(), '')), want | {'help'}, family)
    tap.equal(set(offered('-')), {f'--{option["name"]}' for option in document['options']})
    for command in document['commands']:
        if command['name'] == 'smi':
            continue  # has a parser of its own, and a test in test_completion.py
        tap.equal(set(offered(*command['name'].split(), '-')),
                  {f'--{option["name"]}' for option in command['options']} | {'--help'},
                  command['name'])


@test
def completion_knows_each_kind_of_value():
    source = open(tap.source('src', 'cli', 'complete.c'), encoding='utf-8').read()
    # An "ID" is something else at each place, and no row of the list.
    known = set(re.findall(r'\{"([A-Z]+)", "', source)) | FREE_VALUES | {'ID'}
    for command in table()['commands']:
        values = [option['value'] for option in command['options'] if option['value']]
        for value in [*values, command['args'].split(' -- ')[0]]:
            for word in re.findall(r'[A-Z]+', value):
                tap.contains(known, word, f'{command["name"]}: {value}')


@test
def help_shows_what_the_table_has():
    for command in table()['commands']:
        got = tap.succeeded(tap.run([tap.build('migctl'), 'help', *command['name'].split()])).stdout
        shown = re.findall(r'^  (-\w, |    )(--[\w-]+)', got, flags=re.M)
        tap.equal([name for _, name in shown],
                  [f'--{option["name"]}' for option in command['options']] + ['--help'])
        tap.contains(got, command['summary'])
        for line in got.splitlines():
            tap.true(len(line) < 80, f'{command["name"]}: {line}')


@test
def pages_are_well_formed():
    if not shutil.which('mandoc'):
        tap.skip('mandoc is not installed')
    for page in (*PAGES, 'migctl-config.5', 'migsim-node.5'):
        got = tap.run(['mandoc', '-T', 'lint', '-W', 'warning', tap.source('man', page)])
        # The pages carry no date: the project's version says how old they are.
        problems = [line for line in got.stdout.splitlines() if 'missing date' not in line]
        tap.equal(problems, [], page)


tap.main()
