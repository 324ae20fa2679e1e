#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Completion in real shells: the scripts that `migctl completion` prints, with the values of a node."""
import json
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

from layouts import EXAMPLES, MIGCTL, create, held, migctl, on, status

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


def offered(*words):
    """{candidate: description}: what stands behind the last of these words."""
    got = tap.succeeded(migctl('--complete', 'line', '--', *words))
    tap.equal(got.stderr, '')
    return dict((line.split('\t') + [''])[:2] for line in got.stdout.splitlines())


def instances():
    """A node with a GPU instance of two compute instances, another one, and one without any."""
    node = create(f'2x{A100}')
    tap.succeeded(on(node, 'apply', '0=1c.3g.20gb@4*2,2g.10gb@2'))
    tap.succeeded(on(node, 'mode', 'on', '-i', '1'))
    tap.succeeded(on(node, 'create', '-i', '1', '--no-ci', '3g.20gb@4'))
    return [ci['uuid'] for gi in status(node)['gpus'][0]['gpu_instances']
            for ci in gi['compute_instances']]


@test
def what_destroy_takes():
    first, second, third = instances()
    with held('n', first) as pid:
        got = offered('--node', 'n', 'destroy', '')
        by = f', held by process {pid} (migctl)'
        tap.equal(got, {
            '3g.20gb': '2 instances, 1 in use',
            '2g.10gb': 'GPU 0 2g.10gb@2', '2g.10gb@2': 'GPU 0 2g.10gb@2',
            '1c.3g.20gb': '2 instances, 1 in use', '1c.3g.20gb@4': '2 instances, 1 in use',
            '0:2': 'GPU 0 3g.20gb@4' + by, '0:4': 'GPU 0 2g.10gb@2', '1:2': 'GPU 1 3g.20gb@4',
            '0:2:0': 'GPU 0 1c.3g.20gb@4' + by, '0:2:1': 'GPU 0 1c.3g.20gb@4',
            '0:4:0': 'GPU 0 2g.10gb@2',
            first: 'GPU 0 1c.3g.20gb@4' + by, second: 'GPU 0 1c.3g.20gb@4',
            third: 'GPU 0 2g.10gb@2'})
    # Each is a name that destroy knows.
    for word in got:
        tap.exited(on('n', 'destroy', '-n', word), 3)
    # With -i also ids alone; those of other GPUs are not meant.
    tap.equal(set(offered('--node', 'n', 'destroy', '-i', '1', '')),
              {'3g.20gb', '3g.20gb@4', '2', '1:2'})
    tap.equal(offered('--node', 'n', 'destroy', '-i', '9', ''), {})
    tap.equal(offered('--node', 'n', 'destroy', '--all', ''), {})


@test
def destroy_is_offered_nothing_twice():
    instances()
    every = set(offered('--node', 'n', 'destroy', ''))
    for word in every:
        left = set(offered('--node', 'n', 'destroy', word, ''))
        # What is left goes together with that word, what is not left does not.
        for other in every:
            rc = on('n', 'destroy', '-n', word, other).rc
            tap.equal((other, rc), (other, 3 if other in left else 4), word)
    tap.equal(set(offered('--node', 'n', 'destroy', '0:2:0,0:4,')),
              {'0:2:0,0:4,' + name for name in set(offered('--node', 'n', 'destroy', '0:2:0',
                                                           '0:4', ''))})


@test
def what_a_user_without_rights_can_name():
    first, second, third = instances()
    got = tap.succeeded(migctl('sim', 'exec', '-u', 'n', '--', MIGCTL, '--complete', 'instances'))
    names = {line.split('\t')[0] for line in got.stdout.splitlines()}
    tap.equal(names, {'3g.20gb', '2g.10gb', '1c.3g.20gb', '0:2', '0:4', '0:2:0', '0:2:1', '0:4:0',
                      first, second, third})


@test
def what_create_takes():
    first = instances()[0]
    got = offered('--node', 'n', 'create', '')
    tap.equal(list(got), ['1g.5gb', '2g.10gb', '3g.20gb', '4g.20gb', '7g.40gb', '1g.5gb+me',
                          '1g.10gb'])
    tap.equal((got['1g.5gb'], got['7g.40gb']), ('6 more would fit', 'no room now'))
    tap.equal(offered('--node', 'n', 'create', '-i', '0', '')['1g.5gb'], '2 more would fit')
    tap.contains(offered('--node', 'n', 'create', '1g.5gb,'), '1g.5gb,2g.10gb')
    tap.contains(offered('--node', 'n', 'create', '2c.'), '2c.3g.20gb')
    # In a GPU instance its compute instances, however it is named.
    want = {'1c.3g.20gb': '1 more would fit', '2c.3g.20gb': 'no room now',
            '3g.20gb': 'no room now'}
    for name in (['-g', '0:2'], ['-i', '0', '--gi=2'], ['-g', first], ['-g0:2']):
        tap.equal(offered('--node', 'n', 'create', *name, ''), want)
    tap.equal(offered('--node', 'n', 'create', '-g', '9:9', ''), {})
    tap.equal(offered('--node', 'n', 'create', '-i', '1', '-g', ''),
              {'2': 'GPU 1 3g.20gb@4, 3 of 3 slices free',
               '1:2': 'GPU 1 3g.20gb@4, 3 of 3 slices free'})
    tap.equal(offered('--node', 'n', 'create', '-g', '')['0:4'], 'GPU 0 2g.10gb@2, full')


@test
def columns_of_tables():
    for command in json.loads(tap.succeeded(migctl('--dump-commands')).stdout)['commands']:
        if not command['columns']:
            continue
        columns = {column['name']: column['help'] for column in command['columns']}
        more = {column['name'] for column in command['columns'] if not column['shown'] or column['first_to_go']}
        first, second = list(columns)[:2]
        for *before, begun in (['-o', ''], ['--output', ''], ['--output='], ['-o']):
            if begun == '-o':
                begun += first + ','  # "-o" alone is a whole word
                tap.equal(set(offered(command['name'], begun)),
                          {begun + name for name in columns if name != first})
                continue
            tap.equal(offered(command['name'], *before, begun),
                      {begun + name: text for name, text in columns.items()})
            tap.equal(set(offered(command['name'], *before, f'{begun}{first},')),
                      {f'{begun}{first},{name}' for name in columns if name != first})
            tap.equal(set(offered(command['name'], *before, f'{begun}{second},{first},')),
                      {f'{begun}{second},{first},{name}' for name in columns
                       if name not in (first, second)})
            # Those that are shown anyway would be there twice; some need a wide terminal.
            tap.equal(set(offered(command['name'], *before, begun + '+')),
                      {f'{begun}+{name}' for name in more})
    tap.equal(set(offered('list', '-o', 'gpu')), {'gpu', 'gpu-uuid'})
    tap.equal(set(offered('list', '-oGPU,gp')), {'-oGPU,gpu-uuid'})
    tap.not_contains(offered('list', '--tree', '-o', '+'), '+DEVICE')
    tap.equal(bash('migctl list -o GPU,DEV'), ['GPU,DEVICE'])
    tap.equal(bash('migctl profiles --output=+SL'), ['+SLICES'])


@test
def transactions():
    node = create(f'1x{A100}')
    tap.equal(offered('--node', node, 'history', ''), {})
    tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    tap.succeeded(on(node, 'undo'))
    tap.equal(list(offered('--node', node, 'history', '').items()),
              [('2', 'done: undo'), ('1', 'done: apply 0=3g.20gb')])


@test
def layouts_name_a_gpu_once():
    create(f'4x{A100},1xt4-16gb')
    tap.equal(list(offered('--node', 'n', 'apply', '')), ['all=', '0=', '1=', '2=', '3='])
    tap.equal(list(offered('--node', 'n', 'apply', '0=off', '2-3=on', '')), ['1='])
    tap.equal(list(offered('--node', 'n', 'apply', '0,')), ['0,1=', '0,2=', '0,3='])
    tap.equal(list(offered('--node', 'n', 'apply', 'all=off', '')), [])
    tap.equal(list(offered('--node', 'n', 'apply', '0=t')), ['0=total:'] + [
        f'0={name}' for name in ('1g.5gb', '2g.10gb', '3g.20gb', '4g.20gb', '7g.40gb', '1g.5gb+me',
                                 '1g.10gb')])
    tap.equal(bash('migctl --node n apply 0=total:3'), ['3g.20gb'])
    tap.equal(bash('migctl --node n status -i 0,1,'),
              [f'0,1,{gpu}' for gpu in ['2', '3', '4'] + [
                  gpu['uuid'] for gpu in status('n')['gpus'][2:]]])


@test
def values_of_the_simulator():
    node = create(f'2x{A100}')
    tap.succeeded(on(node, 'apply', '1=3g.20gb'))
    mig = status(node)['gpus'][1]['gpu_instances'][0]['compute_instances'][0]['uuid']
    with held(node, mig) as pid:
        tap.equal(list(offered('sim', 'hold', '-n', node, '--end', '')), [str(pid)])
        tap.equal(list(offered('sim', 'hold', '-en', node, str(pid), '')), [])
    tap.succeeded(migctl('sim', 'fault', 'add', node, '-n', 'nvmlUnitGetCount:2=hang'))
    tap.equal(offered('sim', 'fault', 'clear', node, ''),
              {'1': 'nvmlUnitGetCount, call 2: hang', 'all': '', 'lost': ''})
    tap.equal(list(offered('sim', 'fault', 'add', node, '')),
              ['lost', 'xid=', 'ecc=corrected', 'ecc=uncorrected'])
    tap.equal(list(offered('sim', 'fault', 'add', node, 'nvmlInit_')), ['nvmlInit_v2='])
    tap.equal(list(offered('sim', 'exec', '--fault=nvmlInit_v2:3=GPU_')),
              ['--fault=nvmlInit_v2:3=GPU_IS_LOST', '--fault=nvmlInit_v2:3=GPU_NOT_FOUND'])
    tap.equal(list(offered('sim', 'fault', 'add', node, 'xid=79', '-i', '1', '--gi', '')), ['2'])
    tap.equal(list(offered('sim', 'fault', 'add', node, 'xid=79', '-i', '1', '--gi', '2', '--ci',
                           '')), ['0'])
    tap.equal(list(offered('sim', 'reset', node, '-i', ''))[:3], ['all', '0', '1'])
    tap.contains(offered('sim', 'create', 'x', '-g', ''), 'none')
    tap.contains(offered('sim', 'create', 'x', '-g', '8xa'), '8xa30-24gb')
    tap.equal(list(offered('sim', 'create', 'x', '--gpus=t4-16gb,a30-24gb:s')),
              ['--gpus=t4-16gb,a30-24gb:swapped'])
    # Without a name it is the node of `sim use`, and never this machine.
    tap.equal(offered('sim', 'hold', ''), {})
    tap.succeeded(migctl('sim', 'use', node))
    tap.contains(offered('sim', 'hold', ''), mig)


@test
def models_that_can_be_simulated():
    models = {model['key'] for model in
              json.loads(tap.succeeded(migctl('sim', 'models', '--json')).stdout)['models']
              if model['usable']}
    tap.equal(set(offered('sim', 'create', 'x', '--gpus', '')) - {'none'}, models)


@test
def words_of_nvidia_smi():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=1c.3g.20gb'))
    create(f'1x{A100}', 'other')
    for words in ([], ['mig']):
        text = tap.succeeded(on('other', 'smi', *words, '-h')).stdout
        known = set(re.findall(r'(?<=[ \[])--?[A-Za-z][\w-]*', text))
        got = {name.rstrip('=') for name in offered('--node', node, 'smi', *words, '-')}
        tap.equal(known - got, set(), str(words))
        # And all that are offered are taken.
        for name in got - {'-h', '--help'}:
            said = on('other', 'smi', *words, name).stdout
            tap.not_contains(said, 'not recognized', name)
    tap.contains(offered('--node', node, 'smi', ''), 'mig')
    tap.equal(list(offered('--node', node, 'smi', '-mig', '')), ['0', '1'])
    tap.equal(list(offered('--node', node, 'smi', '--query-gpu=uuid,memory.t')),
              ['--query-gpu=uuid,memory.total'])
    tap.equal(list(offered('--node', node, 'smi', '--query-gpu=uuid', '--format=csv,no')),
              ['--format=csv,noheader', '--format=csv,nounits'])
    tap.equal(list(offered('--node', node, 'smi', 'mig', '-i', '0', '-gi', '')), ['2'])
    tap.equal(list(offered('--node', node, 'smi', 'mig', '-i', '0', '-gi', '2', '-ci', '')), ['0'])
    tap.contains(offered('--node', node, 'smi', 'mig', '-cgi', ''), '3g.20gb')
    tap.contains(offered('--node', node, 'smi', 'mig', '-gi', '2', '-cci', ''), '1c.3g.20gb')


@test
def kinds_can_be_asked_for():
    node = create(f'1x{A100}')
    tap.equal(on(node, '--complete', 'profiles').stdout.split()[:2], ['1g.5gb', '2g.10gb'])
    tap.equal(migctl('--node', node, '--complete', 'gpus', 'x').stdout.splitlines()[0],
              'x0\tNVIDIA A100-SXM4-40GB')
    tap.equal(migctl('--complete', 'nodes').stdout, f'{node}\n')
    tap.exited(migctl('--complete', 'nothing'), 2)
    tap.exited(migctl('--complete', 'gpus', '', 'file'), 2)
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


def more_tabs(shell):
    """Where the shells take words apart: at ':', '@' and '='."""
    tap.succeeded(on('n', 'apply', '0=1c.3g.20gb@4*2,2g.10gb@2'))
    shell.type('\x15migctl --node n destroy 0:4:\t', '0:4:0 ')
    shell.type('0:2:1,3\t\x15', '')
    shell.type('\x15migctl --node n destroy 2g.10gb@\t', r'2g\.10gb@2 ')
    shell.type('0:2:\t', '0:2:')
    shell.type('\x15migctl list --output=+GPU\t', r'--output=\+GPU-UUID')
    shell.type('\x15migctl --node n apply 0=tot\t', '0=total:')
    shell.type('3\t', r'0=total:3g\.20gb|3g\.20gb')


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
    more_tabs(shell)
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
    more_tabs(shell)
    shell.type('\x15migctl --node n destroy 0:2:1 \t', r'GPU 0 2g\.10gb@2')
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
    tap.succeeded(on(node, 'apply', '0=3g.20gb@4,2g.10gb@2'))
    tap.equal(sorted(fish(f'migctl --node {node} destroy 3g.20gb 0:')), ['0:4', '0:4:0'])
    tap.equal(fish(f'migctl --node {node} list -o GPU,GPU'), ['GPU,GPU-UUID'])
    tap.equal(fish(f'migctl --node {node} history '), ['1'])


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
