#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Completion in real shells: the scripts that `migctl completion` prints, with the values of a node."""
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import time

import tap
from tap import test

from layouts import EXAMPLES, MIGCTL, create, migctl, on, status

A100 = 'a100-sxm4-40gb'
WAIT_S = 20

# Completes one line, as readline would, and prints the candidates.
BASH = r'''
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
COMP_WORDS=(migctl) COMP_CWORD=1
compopt() { printf 'compopt %s\n' "$*"; }
_migctl "$3"
printf '%s\n' "${COMPREPLY[@]}"
'''


def script(shell):
    path = tap.tmpdir() / f'completion.{shell}'
    path.write_text(tap.succeeded(migctl('completion', shell)).stdout)
    return path


def bash(line, **kwargs):
    got = tap.succeeded(tap.run(['bash', '--norc', '-c', BASH, 'bash', script('bash'), line, MIGCTL],
                                **kwargs))
    tap.equal(got.stderr, '')
    return [one for one in got.stdout.splitlines() if one and not one.startswith('compopt ')]


def needs(shell):
    if not shutil.which(shell):
        tap.skip(f'{shell} is not installed')


@test
def bash_completes_commands_and_options():
    tap.equal(bash('migctl sta'), ['status'])
    tap.equal(bash('migctl sim fau'), ['fault'])
    tap.equal(bash('migctl sim fault '), ['add', 'list', 'clear', 'help'])
    tap.equal(bash('migctl status --wa'), ['--watch'])
    tap.equal(bash('migctl status --json --js'), [])
    tap.equal(bash('migctl no-such-command '), [])
    tap.equal(bash('migctl completion '), ['bash', 'zsh', 'fish'])


@test
def bash_completes_what_is_on_the_node():
    create(f'2x{A100}')
    node = create(f'1x{A100},1xa30-24gb', 'other')
    tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    gpus = status(node)['gpus']
    mig = gpus[0]['gpu_instances'][0]['compute_instances'][0]['uuid']
    tap.equal(bash('migctl --node '), ['n', 'other'])
    tap.equal(bash('migctl --node=o'), ['other'])
    tap.equal(bash('migctl --node other status -i '), ['0', '1'] + [gpu['uuid'] for gpu in gpus])
    tap.equal(bash('migctl --node other status --id=G'), [gpu['uuid'] for gpu in gpus])
    tap.equal(bash('migctl --node other status -i 0,1'), ['0,1'])
    tap.equal(bash(f'migctl sim hold -n other {mig[:8]}'), [mig])
    tap.equal(bash('migctl --node other apply '), ['all=', '0=', '1='])
    tap.equal(bash('migctl --node other apply 0=3g'), ['3g.20gb'])
    tap.equal(bash('migctl --node other apply 0=1g.5gb,2g.10'), ['1g.5gb,2g.10gb'])
    tap.equal(bash('migctl --node other apply 1=of'), ['off'])
    tap.equal(bash('migctl sim fault add other lost -i G'), [gpu['uuid'] for gpu in gpus])
    # The node that the environment names.
    got = tap.succeeded(tap.run([MIGCTL, 'sim', 'exec', 'other', '--', 'bash', '--norc', '-c', BASH,
                                 'bash', script('bash'), 'migctl status -i 1', MIGCTL])).stdout
    tap.equal(got, '1\n')
    # A node that is not there, and no driver: no candidate and no message.
    tap.equal(bash('migctl --node nowhere status -i '), [])
    tap.equal(bash('migctl status -i ', env={'LD_LIBRARY_PATH': str(tap.tmpdir())}), [])


@test
def bash_completes_labels_and_files():
    node = create('1xa30-24gb')
    file = EXAMPLES / 'a30.yaml'
    labels = ['all-disabled', 'all-enabled', 'all-1g.6gb', 'all-2g.12gb', 'all-balanced',
              'custom-config']
    tap.equal(bash(f'migctl apply -f {file} -c '), labels)
    tap.equal(bash(f'migctl apply --config-file={file} --selected-config=cust'), ['custom-config'])
    # Without a file: those made from the GPUs.
    tap.contains(bash(f'migctl --node {node} apply -c all-1'), 'all-1g.6gb')
    there = tap.tmpdir() / 'there'
    there.mkdir()
    (there / 'one file.yaml').write_text('')
    (there / 'two.yaml').write_text('')
    for option in ('-f ', '--config-file='):
        tap.equal(sorted(bash(f'migctl apply {option}{there}/')),
                  [f'{there}/one file.yaml', f'{there}/two.yaml'])
    # What cannot be read has no labels.
    tap.equal(bash(f'migctl apply -f {there}/two.yaml -c '), [])


@test
def kinds_can_be_asked_for():
    node = create(f'1x{A100}')
    tap.equal(on(node, '--complete', 'profiles').stdout.split()[:2], ['1g.5gb', '2g.10gb'])
    tap.equal(migctl('--node', node, '--complete', 'gpus', 'x').stdout.splitlines()[0],
              'x0\tNVIDIA A100-SXM4-40GB')
    tap.equal(migctl('--complete', 'nodes').stdout, f'{node}\n')
    tap.exited(migctl('--complete', 'nothing'), 2)
    tap.exited(migctl('--complete'), 2)
    tap.not_contains(tap.succeeded(migctl('--help')).stdout, '--complete')


class Typed:
    """A shell on a terminal."""

    def __init__(self, argv, env):
        self.text = ''
        master, slave = pty.openpty()
        self.master = master
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, cwd=tap.tmpdir(),
                                        env=dict(os.environ, TERM='dumb', HOME=str(tap.tmpdir()),
                                                 PATH=f'{pathlib.Path(MIGCTL).parent}:'
                                                      f'{os.environ["PATH"]}', **env))
        os.close(slave)

    def type(self, text, until):
        begin = len(self.text)
        os.write(self.master, text.encode())
        end = time.monotonic() + WAIT_S
        while not re.search(until, self.text[begin:]):
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            tap.true(ready, f'no {until!r} after {text!r} in\n{self.text!r}')
            self.text += os.read(self.master, 65536).decode('utf-8', 'replace')

    def end(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@test
def a_person_at_bash_presses_tab():
    create(f'1x{A100}')
    shell = Typed(['bash', '--norc', '--noprofile', '-i'], {'PS1': 'ready> '})
    shell.type(f'source {script("bash")}; echo lo""aded\n', 'loaded')
    shell.type('migctl --node n appl\t', 'apply ')
    shell.type('0=3g\t', r'0=3g\.20gb')
    shell.type('\x15migctl --no\t', '--node ')
    shell.type('\x15migctl --node n status --j\t', '--json ')
    shell.type('\n', 'migctl.status/1')
    shell.end()


@test
def a_person_at_zsh_presses_tab():
    needs('zsh')
    create(f'1x{A100}')
    shell = Typed(['zsh', '-f', '-i'], {'PS1': 'ready> '})
    shell.type(f'autoload -Uz compinit && compinit -u -d zcompdump; source {script("zsh")}; '
               'echo lo""aded\n', 'loaded')
    shell.type('migctl --node n appl\t', 'apply ')
    shell.type('0=3g\t', r'0=3g\.20gb')
    shell.type('\x15migctl --node n status --j\t', '--json ')
    shell.type('\n', 'migctl.status/1')
    shell.end()


@test
def zsh_finds_it_where_it_is_installed():
    needs('zsh')
    there = tap.tmpdir() / 'functions'
    there.mkdir()
    shutil.copy(script('zsh'), there / '_migctl')
    shell = Typed(['zsh', '-f', '-i'], {'PS1': 'ready> '})
    shell.type(f'fpath=({there} $fpath); autoload -Uz compinit && compinit -u -d zcompdump; '
               'echo lo""aded\n', 'loaded')
    shell.type('migctl stat\t', 'status ')
    shell.type('--js\t', '--json')
    shell.end()


@test
def fish_completes():
    needs('fish')
    node = create(f'1x{A100}')

    def fish(line):
        got = tap.run(['fish', '--no-config', '-c', f'source {script("fish")}; complete -C "$argv"',
                       line], env={'HOME': str(tap.tmpdir()), 'PATH':
                                   f'{pathlib.Path(MIGCTL).parent}:{os.environ["PATH"]}'})
        return [one.split('\t')[0] for one in tap.succeeded(got).stdout.splitlines()]

    tap.equal(fish('migctl stat'), ['status'])
    tap.equal(fish('migctl status --js'), ['--json'])
    tap.equal(fish(f'migctl --node {node} apply 0=3g'), ['0=3g.20gb'])
    tap.contains(fish('migctl sim '), 'create')


@test
def an_unknown_shell():
    got = tap.exited(migctl('completion', 'tcsh'), 2)
    tap.contains(got.stderr, 'bash, zsh and fish')


@test
def installed_files_are_what_it_prints():
    for shell, name in (('bash', 'migctl'), ('zsh', '_migctl'), ('fish', 'migctl.fish')):
        path = pathlib.Path(tap.build('completion', name))
        if not path.exists():
            tap.skip('the completion files are not built')
        tap.equal(path.read_text(), tap.succeeded(migctl('completion', shell)).stdout)


tap.main()
