#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every example of the manual pages and of --help is run.

In a page an example is a block .nf … .fi (or .EX … .EE), and a command that stands in the text in
bold. A block is a file, as its first lines say, or lines of LAYOUT, or commands; with "$ " in front
of the commands, what stands below each is its output ("…" stands for anything in a line, "..." for
any lines). A page's commands run in order, each block in a shell of its own, in one directory and,
where the page is for a real machine, on one simulated node. A command must end with status 0, or as
STATUS says. What no rule knows how to run is a failure, and so is a row of a table below that no
example needs any more.
"""
import contextlib
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import time

import tap
from tap import test

from layouts import MIGCTL, create, migctl, on

sys.path.insert(0, tap.source('tests/interop/tutorials'))
import tutorial  # pylint: disable=wrong-import-position,wrong-import-order

PAGES = sorted(path.name for path in pathlib.Path(tap.source('man')).glob('*.[0-9]'))
WAIT_S = 60

# Commands that do not end with 0, and why that is right.
STATUS = {
    'migctl plan 0=3g.20gb,1g.5gb*4': (3, 'something would change'),
    'migctl mode -n on -i 0,1': (3, 'something would change'),
    'migctl diff -f night.yaml': (3, 'something differs'),
    'migctl --node demo apply all=off': (5, 'the job is in the way'),
    'migctl sim exec -F nvmlGpuInstanceDestroy:2=UNKNOWN demo -- migctl apply all=off':
        (8, 'the fault makes it fail'),
    'migctl --node demo status': (1, 'GPU 7 is lost'),
    'migctl --node demo doctor': (1, 'a device file is missing'),
    'migctl --node old mode on --skip-reset': (9, 'the mode waits for a reset'),
}

# What must hold in the shell behind an example whose output says nothing.
AFTERWARDS = {
    'source <(migctl completion bash)': 'complete -p migctl',
    'migctl status --svg gpus.svg': 'grep -q "^<svg" gpus.svg',
    'export CUDA_VISIBLE_DEVICES=$(migctl list --noheadings -o UUID | head -n 1)':
        '[[ $CUDA_VISIBLE_DEVICES == MIG-* ]]',
    'eval "$(migctl sim use lab)"': '[[ $MIGSIM_NODE == */lab ]]',
    'eval "$(migctl sim use demo)"': '[[ $MIGSIM_NODE == */demo ]]',
}

# They run until somebody ends them: on a terminal, up to this text, then Ctrl-C.
UNTIL_INTERRUPTED = {'migctl status --watch=5s -i 0,1': 'GPU 1'}

# In bold, but no example.
NO_EXAMPLE = {
    'migctl help': 'stands before COMMAND',
    'migctl sim create -f': 'names the option, not a use of it',
}


# ------------------------------------------------------------------ reading

def plain(line):
    """A line of a page as a reader sees it."""
    line = re.sub(r'\\f[BIRP]|\\&', '', line)
    for escape, character in (('\\-', '-'), ('\\(dq', '"'), ('\\(aq', "'"), ('\\e', '\\')):
        line = line.replace(escape, character)
    return line


def page(name):
    return pathlib.Path(tap.source('man', name)).read_text(encoding='utf-8').splitlines()


def blocks(name):
    """[(line number, [lines])]: the examples of a page that stand by themselves."""
    found, inside = [], None
    for number, line in enumerate(page(name), 1):
        if line in ('.nf', '.EX'):
            tap.true(inside is None, f'{name}:{number}: a block in a block')
            inside = (number, [])
        elif line in ('.fi', '.EE'):
            found.append(inside)
            inside = None
        elif inside is not None and line not in ('.RS', '.RE'):
            tap.true(not line.startswith('.'), f'{name}:{number}: {line} in an example')
            inside[1].append(plain(line))
    tap.true(inside is None, f'{name}: a block without an end')
    return found


def inline(name):
    """[(line number, command)]: those in the text that are more than the name of a command."""
    bare = {f'migctl {command["name"]}' for command in commands()} | {'migctl', 'migctl sim'}
    found = []
    for number, line in enumerate(page(name), 1):
        match = re.fullmatch(r'\.B[RI]? (?:"([^"]+)".*|(.+))', line)
        bold = [match[1] or match[2]] if match else re.findall(r'\\fB(.*?)\\f[RP]', line)
        for text in bold:
            text = re.sub(r' [.,;:()\d]+$', '', plain(text))
            if re.match(r'(migctl|source|eval) ', text) and text not in bare:
                found.append((number, text))
    return found


def sessions(lines):
    """The commands of a block: [(text, output or None)]."""
    if not lines[0].startswith('$ '):
        whole = '\n'.join(lines)
        return [(text, None) for text in re.split(r'(?<!\\)\n', whole)]
    return [(command.text, command.answer)
            for command in tutorial.blocks('\n'.join(['```console', *lines, '```']))[0].commands]


def commands():
    return json.loads(tap.succeeded(migctl('--dump-commands')).stdout)['commands']


# ------------------------------------------------------------------ running

def environment():
    return dict(os.environ, PATH=f'{pathlib.Path(MIGCTL).parent}:{os.environ["PATH"]}',
                HOME=str(tap.tmpdir()), SHELL='/bin/sh', TERM='dumb')


def interrupted(where, argv, text, until):
    """Runs a command on a terminal until it has shown this text, then as Ctrl-C ends it."""
    master, slave = pty.openpty()
    with subprocess.Popen([*argv, 'bash', '-c', 'exec ' + text], stdin=slave, stdout=slave,
                          stderr=slave, env=dict(environment(), TERM='xterm'), cwd=tap.tmpdir(),
                          start_new_session=True) as process:
        os.close(slave)
        shown, end = '', time.monotonic() + WAIT_S
        while until not in shown:
            ready, _, _ = select.select([master], [], [], max(0, end - time.monotonic()))
            tap.true(ready, f'{where}: no {until!r} in\n{shown!r}')
            shown += os.read(master, 65536).decode('utf-8', 'replace')
        process.send_signal(signal.SIGINT)
        tap.equal(process.wait(WAIT_S), 0, where)
    os.close(master)


def run(where, argv, lines):
    """The commands of a block in one shell."""
    shell = tutorial.Shell(argv, environment(), tap.tmpdir())
    for text, output in sessions(lines):
        until = UNTIL_INTERRUPTED.get(text)
        if until is not None:
            interrupted(where, argv, text, until)
            continue
        # Nothing that reads from its terminal may take the next command for it.
        got, status = shell.run(f'{{ {text}\n}} </dev/null')
        want, why = STATUS.get(text, (0, ''))
        shown = '\n'.join(got)
        tap.equal(status, want, f'{where}: {text}\n{why}\n{shown}')
        if output is not None:
            tap.true(tutorial.matches(output, got),
                     f'{where}: {text}\nthe page shows\n' + '\n'.join(output) + f'\nit is\n{shown}')
        check = AFTERWARDS.get(text)
        if check is not None:
            _, status = shell.run(check)
            tap.equal(status, 0, f'{where}: {text}\nbut not: {check}')
    shell.close()


# -------------------------------------------------------------------- files

# A node that has what the examples of configuration files name.
NODE = {'format': 'migsim-node/1', 'gpus': [
    {'model': 'a100-sxm4-40gb', 'pci_address': '0000:07:00.0'},
    {'model': 'a100-sxm4-40gb', 'uuid': 'GPU-2c05f3a1-7d1f-4c11-9a3e-0123456789ab',
     'pci_address': '0000:0f:00.0'},
    {'model': 'a100-sxm4-40gb', 'pci_address': '0000:10:00.0'},
    {'model': 'a100-sxm4-40gb', 'count': 5}]}


def file_node():
    path = tap.tmpdir() / 'file-node.json'
    path.write_text(json.dumps(NODE))
    if not (tap.tmpdir() / 'migsim' / 'files').exists():
        tap.succeeded(migctl('sim', 'create', 'files', '-f', path))
    return 'files'


def labels(text):
    return re.findall(r'^  ([\w.-]+):$', text, re.M)


def read_config(path, text):
    node = file_node()
    tap.true(labels(text), 'no label')
    for label in labels(text):
        got = on(node, 'apply', '-n', '-f', path, '-c', label)
        tap.true(got.rc in (0, 3), f'{path.name}, {label}\n{got}')
        yield got


def read_hooks(path, _text):
    yield tap.exited(on(file_node(), 'apply', '-n', '-k', path, '0=3g.20gb'), 3)


def read_node(path, _text):
    name = f'from-{path.stem}'
    yield tap.succeeded(migctl('sim', 'create', name, '-f', path))
    yield tap.succeeded(on(name, 'status'))


# By the first lines: what reads the file, and a member that it does not have.
FILES = (
    (r'version: v1\nmig-configs:\n', 'yaml', read_config, '\nnot-known: 1\n'),
    (r'version: migctl/v1\nlayouts:\n', 'yaml', read_config, '\nnot-known: 1\n'),
    (r'version: v1\nhooks:\n', 'yaml', read_hooks, '\nnot-known: 1\n'),
    (r'\{\n  "format": "migsim-node/1"', 'json', read_node, None),
)


def run_file(where, number, text):
    """Whether the block is a file; then it is read, and something wrong at its end is seen."""
    for pattern, suffix, read, wrong in FILES:
        if not re.match(pattern, text):
            continue
        path = tap.tmpdir() / f'example-{number}.{suffix}'
        path.write_text(text)
        results = list(read(path, text))
        tap.true(results, where)
        broken = text + wrong if wrong else text.replace('{\n', '{\n  "not-known": 1,\n', 1)
        path.write_text(broken)
        tap.contains(tap.run(results[0].argv).stderr, 'not-known', f'{where}: not read to its end')
        return True
    return False


def is_layouts(lines):
    return all(re.fullmatch(r'(all|[\d,-]+)=[\w.:*@,+]+', line) for line in lines)


def run_layouts(where, lines):
    node = file_node()
    for line in lines:
        got = on(node, 'plan', line)
        tap.true(got.rc in (0, 3), f'{where}: {line}\n{got}')


def run_page(name, argv):
    """Each block as what it is: a file, layouts, else commands."""
    tap.true(blocks(name), f'{name} has no example')
    for number, lines in blocks(name):
        where = f'man/{name}:{number}'
        if run_file(where, number, '\n'.join(lines) + '\n'):
            continue
        if is_layouts(lines):
            run_layouts(where, lines)
        else:
            run(where, argv, lines)


@contextlib.contextmanager
def nodes_that_end():
    """What an example left running on a node ends with the test."""
    try:
        yield
    finally:
        for node in migctl('--complete', 'nodes').stdout.split():
            migctl('sim', 'reboot', node)


def on_a_machine():
    """What stands for the reader's machine."""
    return [MIGCTL, 'sim', 'exec', create('8xa100-sxm4-40gb', 'machine'), '--']


# -------------------------------------------------------------------- tests

def all_commands():
    """Every command of every block: (page, text)."""
    for name in PAGES:
        for _, lines in blocks(name):
            is_file = any(re.match(row[0], '\n'.join(lines) + '\n') for row in FILES)
            if not is_file and not is_layouts(lines):
                for text, _ in sessions(lines):
                    yield name, text


@test
def migctl_1():
    with nodes_that_end():
        run_page('migctl.1', on_a_machine())


@test
def migctl_sim_1():
    with nodes_that_end():
        run_page('migctl-sim.1', [])


@test
def pages_of_file_formats():
    argv = on_a_machine()
    for name in PAGES:
        if name.endswith('.5'):
            run_page(name, argv)


@test
def all_pages_are_run():
    tap.equal([name for name in PAGES if not name.endswith('.5')], ['migctl-sim.1', 'migctl.1'])


@test
def examples_in_the_text():
    argv = on_a_machine()
    for name in PAGES:
        for number, text in inline(name):
            if text not in NO_EXAMPLE:
                run(f'man/{name}:{number}', argv, [text])


@test
def each_command_has_an_example():
    texts = {name: '\n'.join(text for page, text in all_commands() if page == name)
             for name in PAGES}
    for command in commands():
        where = 'migctl-sim.1' if command['name'].startswith('sim ') else 'migctl.1'
        tap.true(re.search(rf'\bmigctl (--node \S+ )?{command["name"]}\b', texts[where]),
                 f'{where} has no example of {command["name"]}')


@test
def tables_have_no_row_too_many():
    known = {text for _, text in all_commands()} | {
        text for name in PAGES for _, text in inline(name)}
    for table in (STATUS, AFTERWARDS, UNTIL_INTERRUPTED, NO_EXAMPLE):
        tap.equal(set(table) - known, set())


@test
def members_of_files_have_an_example():
    """Each member that migctl-config(5) and the head of migsim-node(5) describe is in one."""
    for name in PAGES:
        if not name.endswith('.5'):
            continue
        files = '\n'.join('\n'.join(lines) for _, lines in blocks(name))
        part = ''
        for number, line in enumerate(page(name)):
            if line.startswith('.SS') or line.startswith('.SH'):
                part = line
            if line != '.TP' or 'FILES' in part:
                continue
            word = plain(re.sub(r'^\.B[RI]? ', '', page(name)[number + 1])).split()[0]
            if word not in WITHOUT_EXAMPLE:
                tap.true(re.search(rf'\b{word}"?:', files), f'{name} has no example of {word}')


# Members that are not for people to write, or that say themselves all there is.
WITHOUT_EXAMPLE = {'recorded', 'export_table', 'visibility', 'off_capacity', 'name', 'minor',
                   'numa_node', 'mig_mode_pending', 'persistence_mode', 'ampere_mode_change'}


# --------------------------------------------------------------------- help

# What stands in examples of help texts for something else.
WORDS = {'NAME': 'new', 'FILE': 'node.json', 'NODE': 'other', 'PID...': '$pid'}

PREPARATION = '''
migctl --node machine record node.json
migctl sim create other -g a100-sxm4-40gb
migctl --node other apply 0=3g.20gb
pid=$(migctl sim hold -n other -b $(migctl --node other list --noheadings -o UUID))
'''.strip().splitlines()


def help_examples(command):
    """The commands that the details of a help text mean."""
    text = tap.succeeded(migctl('help', *command['name'].split())).stdout
    details = ''.join(text.split('\n\nOptions:')[0].split('\n\n', 2)[2:])
    name = command['name']
    for found in re.findall(r"'(migctl [^']+)'|\b(source <\(.*?\))|^  (eval .*)$|^  (migctl .*)$",
                            details, re.M):
        yield from re.split(r', (?=migctl )', next(filter(None, found)))
    details = re.sub(r"'migctl [^']+'|^  \|.*$|^  \+.*$", '', details, flags=re.M)
    if '[LAYOUT...]' in command['args']:
        for layout in re.findall(r'(?<![\w-])(?:all|\d[\d-]*)=[\w.*@:,+]*[\w*+]', details):
            yield f'migctl {name} {layout}'
    if name == 'create':
        for word in re.findall(r'\d+g\.\d+gb[*@]\d+|\d+(?:,\d+){2,}', details):
            yield f'migctl create -i 1 -n {word}'
        for word in re.findall(r'\d+c(?:\.\w+\.\w+)?(?=, )', details):
            yield f'migctl create -g 2:2 -n {word}'
    if name == 'destroy':
        for word in re.findall(r'\d+g\.\d+gb(?:@\d+)?', details):
            yield f'migctl destroy -n {word}' + (' -i 2' if '@' in word else '')
    if name == 'sim create':
        for number, line in enumerate(re.findall(r'^  (\S+)', details, re.M)):
            yield f'migctl sim create spec{number} --gpus {line}'


def run_help(shell, argv, command):
    """The examples of one help text: those of the simulator in this shell, others on the machine.
    Returns how many there are."""
    count = 0
    for text in help_examples(command):
        for word, value in WORDS.items():
            text = re.sub(rf'(?<= ){re.escape(word)}(?=[ )]|$)', value, text)
        if text.startswith(('migctl sim', 'eval')):
            got, status = shell.run(text)
        else:
            inner = tutorial.Shell(argv, environment(), tap.tmpdir())
            got, status = inner.run(text)
            inner.close()
        differs = re.match(r'migctl (plan|assert|diff) ', text) or ' -n ' in text
        tap.true(status == 0 or (differs and status == 3),
                 f'help {command["name"]}: {text} ended with {status}\n' + '\n'.join(got))
        count += 1
    return count


@test
def examples_of_help():
    argv = on_a_machine()
    tap.succeeded(on('machine', 'mode', 'on', '-i', '0,1,2'))
    tap.succeeded(on('machine', 'create', '-i', '0', '3g.20gb@4', '2g.10gb@0'))
    tap.succeeded(on('machine', 'create', '-i', '2', '--no-ci', '3g.20gb@4'))
    shell = tutorial.Shell([], environment(), tap.tmpdir())
    with nodes_that_end():
        for line in PREPARATION:
            tap.equal(shell.run(line)[1], 0, line)
        counts = {command['name']: run_help(shell, argv, command) for command in commands()}
    shell.close()
    tap.equal({name: count for name, count in counts.items() if count > 0}, HELP)


# How many examples each help text has, so that none is passed over.
HELP = {'completion': 1, 'create': 6, 'destroy': 1, 'record': 1, 'plan': 5, 'apply': 5, 'assert': 5,
        'diff': 5, 'undo': 1, 'smi': 5, 'sim create': 4, 'sim use': 1, 'sim hold': 1}


tap.main()
