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
def exit_statuses_are_those_of_the_header():
    header = open(tap.source('src', 'shared', 'error.h'), encoding='utf-8').read()
    codes = re.findall(r'MIG_EXIT_\w+ = (\d+)', header)
    text = open(tap.source('man', 'migctl.1'), encoding='utf-8').read()
    section = text.split('.SH EXIT STATUS')[1].split('.SH ')[0]
    tap.equal(re.findall(r'^\.B (\d+)$', section, re.M), codes)


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
