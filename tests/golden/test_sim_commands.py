#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The `migctl sim` commands and the frame of the command line, as a person gives them: what they
print, how they end, and what is there afterwards."""
import json
import os
import pathlib
import shutil
import stat

import tap
from tap import test

MIGCTL = tap.build('migctl')


def home():
    return pathlib.Path(os.environ['MIGSIM_HOME'])


def migctl(*args, **kwargs):
    return tap.run([MIGCTL, *args], **kwargs)


def create(name='demo', gpus='2xa100-sxm4-40gb', *args):
    return tap.succeeded(migctl('sim', 'create', name, '--gpus', gpus, *args))


def names(directory):
    return sorted(entry.name for entry in pathlib.Path(directory).iterdir())


# ------------------------------------------------------------------- the frame

@test
def version_and_help_go_to_stdout():
    got = tap.succeeded(migctl('--version'))
    tap.true(got.stdout.startswith('migctl '), got.stdout)
    for args in (['--help'], ['-h'], ['help'], ['--help', 'sim'], ['sim', '--help'],
                 ['help', 'sim', 'create'], ['sim', 'create', '--help'],
                 ['sim', 'help'], ['sim', 'help', 'create'],
                 ['sim', 'create', 'x', '-h']):
        got = tap.succeeded(migctl(*args))
        tap.contains(got.stdout, 'usage: migctl')
        tap.equal(got.stderr, '')
        for line in got.stdout.splitlines():
            tap.true(len(line) <= 80, f'over 80 columns: {line}')


@test
def help_of_each_command_names_its_options():
    table = json.loads(tap.succeeded(migctl('--dump-commands')).stdout)
    tap.equal(table['schema'], 'migctl.commands/1')
    for command in table['commands']:
        got = tap.succeeded(migctl(*command['name'].split(), '--help'))
        tap.contains(got.stdout, f'usage: migctl {command["name"]}')
        tap.contains(got.stdout, command['summary'])
        for option in command['options']:
            tap.contains(got.stdout, f'--{option["name"]}')


@test
def usage_errors_are_one_line_and_a_hint():
    cases = {
        (): ('no command is given', "see 'migctl --help'"),
        ('creat',): ("unknown command 'creat', did you mean 'create'?", "see 'migctl --help'"),
        ('aply',): ("unknown command 'aply', did you mean 'apply'?", "see 'migctl --help'"),
        ('sim',): ("'sim' needs one of: models, create, list, use, show, exec, shell, hold, fault, "
                   "reset, reboot, mend, destroy",
                   "see 'migctl sim --help'"),
        ('sim', 'creat'): ("sim: unknown command 'creat', did you mean 'create'?",
                           "see 'migctl sim --help'"),
        ('sim', 'create'): ("'sim create' needs NAME", "see 'migctl sim create --help'"),
        ('sim', 'list', 'x'): ("'sim list' does not take the argument 'x'",
                               "see 'migctl sim list --help'"),
        ('sim', 'create', 'x', '--gpu', 'y'): ("unknown option '--gpu', did you mean '--gpus'?",
                                               "see 'migctl sim create --help'"),
        ('--nod', 'x'): ("unknown option '--nod'",
                         "options of a command stand behind it; see 'migctl --help'"),
        ('--node',): ("option '--node' needs a value (NODE)", "'migctl sim list' shows all nodes"),
        ('--node=',): ("option '--node' needs a value (NODE)", None),
        ('--node', 'x'): ('no command is given', "see 'migctl --help'"),
        ('sim', 'create', 'x'): ("'sim create' needs '--gpus SPEC' or '--file FILE'",
                                 'for example: migctl sim create x --gpus 8xa100-sxm4-40gb'),
        ('sim', 'create', 'x', '-g', 'a30-24gb', '-f', 'y'):
            ("'--gpus' and '--file' exclude each other",
             'for example: migctl sim create x --gpus 8xa100-sxm4-40gb'),
        ('sim', 'show'): ('no node is given', "name one, or choose one with 'migctl sim use NAME'"),
    }
    for args, (message, hint) in cases.items():
        got = tap.exited(migctl(*args), 2)
        tap.equal(got.stdout, '', str(args))
        tap.equal(got.stderr, f'migctl: {message}\n' + (f'  {hint}\n' if hint else ''), str(args))
    tap.true(not home().exists(), 'nothing was made')


@test
def errors_as_json():
    got = tap.exited(migctl('sim', 'show', 'nope', '--json'), 6)
    tap.equal(got.stdout, '')
    error = json.loads(got.stderr)
    tap.equal(error['schema'], 'migctl.error/1')
    tap.equal(error['code'], 'no-driver')
    tap.equal(error['exit_status'], 6)
    tap.equal(error['changed'], 'none')
    tap.contains(error['message'], "no node 'nope'")
    tap.equal(error['causes'], [error['message']])
    tap.equal(error['nvml_code'], None)


@test
def a_full_stdout_is_an_error():
    create()
    for args in (['sim', 'list'], ['sim', 'models'], ['sim', 'show', 'demo', '--json'], ['--help']):
        with open('/dev/full', 'wb') as full:
            import subprocess
            done = subprocess.run([MIGCTL, *args], stdout=full, stderr=subprocess.PIPE, check=False)
        tap.equal(done.returncode, 1, str(args))
        tap.contains(done.stderr.decode(), 'No space left on device')


# ------------------------------------------------------------------- models

@test
def models_are_those_that_can_be_made():
    document = json.loads(tap.succeeded(migctl('sim', 'models', '--json')).stdout)
    tap.equal(document['schema'], 'migctl.sim-models/1')
    text = tap.succeeded(migctl('sim', 'models')).stdout
    usable = 0
    for model in document['models']:
        listed = any(line.split()[:1] == [model['key']] for line in text.splitlines())
        tap.equal(listed, model['usable'], model['key'])
        got = migctl('sim', 'create', model['key'], '--gpus', model['key'])
        if model['usable']:
            usable += 1
            tap.succeeded(got)
            tap.equal(model['missing'], None)
        else:
            tap.exited(got, 4)
            tap.contains(got.stderr, f'not known: {model["missing"]}')
    tap.true(usable >= 16, f'{usable} usable models')
    tap.equal(len(names(home())), usable)


@test
def verbose_models_name_rules_and_what_is_missing():
    text = tap.succeeded(migctl('sim', 'models', '-v')).stdout
    document = json.loads(tap.succeeded(migctl('sim', 'models', '--json')).stdout)
    rules = {rule['id']: rule['formula'] for rule in document['rules']}
    flat = ' '.join(text.split())
    used = set()
    for model in document['models']:
        tap.contains(text, model['key'])
        if not model['usable']:
            tap.contains(flat, 'missing: ' + model['missing'])
            continue
        for value in model['derived']:
            tap.true(value['rule'] in rules, value['rule'])
            used.add(value['rule'])
    tap.true(used, 'some values are derived')
    for rule in used:
        tap.contains(text, f'by {rule}:')
        tap.contains(flat, ' '.join(rules[rule].split()))


# ------------------------------------------------------------------- create, list, show, destroy

@test
def create_makes_a_whole_node():
    got = create('demo', '1xA100-SXM4-40GB:swapped,t4-16gb')
    tap.equal(got.stdout, '')
    tap.equal(got.stderr,
              'made node demo: 1 x NVIDIA A100-SXM4-40GB, 1 x Tesla T4, driver 550.163.01\n')
    tap.equal(names(home()), ['demo'])
    node = home() / 'demo'
    tap.equal(names(node), ['lock', 'node.json', 'root', 'state'])
    tap.equal(names(node / 'root'), ['dev', 'etc', 'proc', 'run', 'sys', 'usr', 'var'])
    tap.equal(stat.S_IMODE(node.stat().st_mode), 0o755)
    document = json.loads((node / 'node.json').read_text())
    tap.equal(document['format'], 'migsim-node/1')
    tap.equal([gpu['model'] for gpu in document['gpus']], ['a100-sxm4-40gb', 't4-16gb'])
    tap.equal(document['gpus'][0]['layout'], 'swapped')
    tap.equal(document['gpus'][1]['pci_address'], '00000000:11:00.0')


@test
def the_description_makes_the_node_again():
    create('demo', '2xa100-sxm4-40gb:swapped:reset-required,1xh100-sxm5-80gb')
    first = home() / 'demo'
    tap.succeeded(migctl('sim', 'create', 'again', '-f', first / 'node.json'))
    before = json.loads((first / 'node.json').read_text())
    after = json.loads((home() / 'again' / 'node.json').read_text())
    tap.equal(after.pop('name'), 'again')
    tap.equal(before.pop('name'), 'demo')
    tap.equal(after, before)
    # Under its own name it is the same to the last byte.
    copy = tap.tmpdir() / 'elsewhere' / 'demo'
    tap.succeeded(migctl('sim', 'create', copy, '-f', first / 'node.json'))
    tap.equal((copy / 'state').read_bytes(), (first / 'state').read_bytes())


@test
def a_description_can_come_from_standard_input():
    text = '{"format": "migsim-node/1", "gpus": [{"model": "a30-24gb", "count": 2}]}'
    got = tap.succeeded(migctl('sim', 'create', 'demo', '-f', '-', stdin=text))
    tap.contains(got.stderr, '2 x NVIDIA A30')


@test
def list_shows_each_node():
    got = tap.succeeded(migctl('sim', 'list'))
    tap.equal(got.stdout, '')
    tap.equal(got.stderr, f'no simulated nodes in {home()}\n'
              '  make one: migctl sim create NAME --gpus 8xa100-sxm4-40gb\n')
    create('b', 'a30-24gb')
    create('a', '2xt4-16gb,a30-24gb')
    create('c', 't4-16gb')
    tap.succeeded(migctl('sim', 'use', 'b'))
    got = tap.succeeded(migctl('sim', 'list'))
    tap.equal(got.stdout,
              '   NAME  DRIVER      MIG   GPUS\n'
              '   a     550.163.01  off   2 x Tesla T4, 1 x NVIDIA A30\n'
              '*  b     550.163.01  off   1 x NVIDIA A30\n'
              '   c     550.163.01  none  1 x Tesla T4\n')
    got = tap.succeeded(migctl('sim', 'list', '--paths'))
    tap.contains(got.stdout, f'{home()}/b\n')
    document = json.loads(tap.succeeded(migctl('sim', 'list', '--json')).stdout)
    tap.equal(document['schema'], 'migctl.sim-list/1')
    tap.equal(document['home'], str(home()))
    tap.equal([(node['name'], node['used'], node['gpu_count'], node['mig_capable_gpus'],
                node['error']) for node in document['nodes']],
              [('a', False, 3, 1, None), ('b', True, 1, 1, None), ('c', False, 1, 0, None)])


@test
def show_tells_description_and_state():
    description = {
        'format': 'migsim-node/1',
        'gpus': [{'model': 'a30-24gb', 'uuid': 'GPU-00000000-1111-2222-3333-444444444444',
                  'pci_address': '0000:c1:00.0', 'minor': 4, 'numa_node': 1, 'layout': 'swapped',
                  'mig_mode': 'on', 'persistence_mode': 'on', 'mode_change': 'reset-required'},
                 {'model': 't4-16gb'}],
    }
    tap.succeeded(migctl('sim', 'create', 'demo', '-f', '-', stdin=json.dumps(description)))
    text = tap.succeeded(migctl('sim', 'show', 'demo')).stdout
    tap.contains(text, '\nGPU 0  NVIDIA A30  MIG on\n'
                 '  00000000:C1:00.0  minor 4  NUMA node 1  layout swapped  persistence mode on'
                 '  mode change reset-required\n'
                 '  GPU-00000000-1111-2222-3333-444444444444\n')
    tap.contains(text, '\nGPU 1  Tesla T4  no MIG\n  00000000:11:00.0  minor 1\n')
    document = json.loads(tap.succeeded(migctl('sim', 'show', 'demo', '--json')).stdout)
    tap.equal(document['schema'], 'migctl.sim-show/1')
    tap.equal(document['driver'], '550.163.01')
    gpu = document['gpus'][0]
    tap.equal((gpu['mig_mode'], gpu['mig_mode_pending'], gpu['layout'], gpu['minor'],
               gpu['numa_node']), ('on', 'on', 'swapped', 4, 1))
    tap.equal(document['gpus'][1]['mig_mode'], None)


@test
def destroy_removes_all_of_it():
    create('demo')
    create('other')
    tap.succeeded(migctl('sim', 'use', 'demo'))
    (home() / 'demo' / 'root' / 'etc' / 'file').write_text('x')
    (home() / 'demo' / 'root' / 'etc' / 'out').symlink_to(home() / 'other')
    got = tap.succeeded(migctl('sim', 'destroy', 'demo'))
    tap.equal(got.stderr, 'removed node demo\n')
    tap.equal(names(home()), ['other'])  # and with it the choice of `sim use`
    tap.equal(names(home() / 'other'), ['lock', 'node.json', 'root', 'state'])


@test
def a_node_can_be_a_path():
    where = tap.tmpdir() / 'nodes' / 'n1'
    got = tap.succeeded(migctl('sim', 'create', where, '--gpus', 'a100-sxm4-40gb'))
    tap.contains(got.stderr, f'made node {where}: ')
    tap.equal(names(where.parent), ['n1'])
    tap.contains(tap.succeeded(migctl('sim', 'show', f'{where}/')).stdout, 'node n1\n')
    got = tap.run([MIGCTL, 'sim', 'show', './n1'], cwd=where.parent)
    tap.contains(tap.succeeded(got).stdout, f'  directory      {where}\n')
    tap.succeeded(migctl('sim', 'use', where))
    tap.contains(tap.succeeded(migctl('sim', 'show')).stdout, 'node n1\n')
    tap.succeeded(migctl('sim', 'destroy', where))
    tap.equal(names(where.parent), [])


@test
def a_wrong_node_says_where_it_was_named():
    create('demo')
    got = tap.exited(migctl('sim', 'show', env={'MIGSIM_NODE': '/nowhere/n'}), 6)
    tap.contains(got.stderr, "migctl: the node of MIGSIM_NODE: no node '/nowhere/n'")
    for words in (('--node', 'demo'), ('--node=demo',)):
        got = tap.exited(migctl('status', *words), 2)
        tap.equal(got.stderr, "migctl: '--node' is no option of 'status'\n"
                  '  it stands before the command: migctl --node NODE status\n')


@test
def leftovers_of_killed_commands_are_swept():
    create('demo')
    (home() / '.migsim-work-x-1-0' / 'root').mkdir(parents=True)
    (home() / '.migsim-work-x-1-0' / 'state').write_text('half')
    create('other')
    tap.equal(names(home()), ['demo', 'other'])


# ------------------------------------------------------------------- use, exec, shell, --node

SHOW_ENV = 'echo "$MIGSIM_NODE|$MIGCTL_HOST_ROOT|$LD_LIBRARY_PATH|${PATH%%:*}|${MIGSIM_UNPRIVILEGED-}"'


def wanted_env(name, more=''):
    node = home() / name
    libraries = f'{tap.build("src/sim/550")}:{tap.build("src/sim/libcuda")}'
    return f'{node}|{node}/root|{libraries}|{tap.build("src/sim/shims")}|{more}\n'


@test
def exec_sets_the_environment():
    create()
    env = {'LD_LIBRARY_PATH': None}
    got = tap.succeeded(migctl('sim', 'exec', 'demo', '--', 'sh', '-c', SHOW_ENV, env=env))
    tap.equal(got.stdout, wanted_env('demo'))
    got = tap.succeeded(migctl('sim', 'exec', '-u', 'demo', 'sh', '-c', SHOW_ENV, env=env))
    tap.equal(got.stdout, wanted_env('demo', '1'))
    # What was there stays behind; nothing is there twice when nodes are nested.
    got = migctl('sim', 'exec', 'demo', '--', 'migctl', 'sim', 'exec', 'demo', '--', 'sh', '-c',
                 'echo "$LD_LIBRARY_PATH|$PATH"', env={'LD_LIBRARY_PATH': '/x:/y'})
    libraries, path = tap.succeeded(got).stdout.strip().split('|')
    tap.equal(libraries, tap.build('src/sim/550') + ':' + tap.build('src/sim/libcuda') + ':/x:/y')
    tap.equal(path.split(':').count(tap.build('src/sim/shims')), 1)
    tap.equal(path.split(':')[0], tap.build('src/sim/shims'))


@test
def exec_gives_up_gaining_privileges():
    create()
    got = migctl('sim', 'exec', 'demo', '--', 'grep', 'NoNewPrivs', '/proc/self/status')
    tap.equal(tap.succeeded(got).stdout.split(), ['NoNewPrivs:', '1'])


@test
def exec_passes_the_exit_status_on():
    create()
    tap.exited(migctl('sim', 'exec', 'demo', '--', 'sh', '-c', 'exit 42'), 42)
    got = tap.exited(migctl('sim', 'exec', 'demo', '--', 'sh', '-c', 'kill -TERM $$'), -15)
    got = tap.exited(migctl('sim', 'exec', 'demo', '--', 'no-such-program'), 127)
    tap.equal(got.stderr, "migctl: cannot run 'no-such-program': No such file or directory\n")
    plain = tap.tmpdir() / 'plain'
    plain.write_text('#!/bin/sh\n')
    got = tap.exited(migctl('sim', 'exec', 'demo', '--', plain), 126)
    tap.equal(got.stderr, f"migctl: cannot run '{plain}': Permission denied\n")
    tap.exited(migctl('sim', 'exec', 'demo', '--', tap.tmpdir()), 126)
    got = tap.exited(migctl('sim', 'exec', 'demo', '--'), 2)
    got = tap.exited(migctl('sim', 'exec', 'demo', '-u', '--', 'true'), 2)
    tap.contains(got.stderr, 'options of exec stand before NODE')


@test
def exec_runs_a_script_without_an_interpreter_line():
    create()
    script = tap.tmpdir() / 'script'
    script.write_text('echo "$1" "$MIGSIM_NODE"\n')
    script.chmod(0o755)
    got = tap.succeeded(migctl('sim', 'exec', 'demo', '--', script, 'a b'))
    tap.equal(got.stdout, f'a b {home()}/demo\n')


@test
def exec_refuses_programs_with_rights_of_their_own():
    create()
    program = tap.tmpdir() / 'program'
    shutil.copy('/bin/true', program)
    script = tap.tmpdir() / 'script'
    script.write_text(f'#!{program} -x\n')
    script.chmod(0o755)
    for mode, word in ((0o4755, 'is setuid'), (0o2755, 'is setgid')):
        program.chmod(mode)
        if stat.S_IMODE(program.stat().st_mode) != mode:
            tap.skip('this file system keeps no setuid and setgid bits')
        for command in (program, script):
            got = tap.exited(migctl('sim', 'exec', 'demo', '--', command), 4)
            tap.equal(got.stderr,
                      f"migctl: '{program}' {word} and would leave the simulated node\n"
                      "  start a program without these rights; 'sudo CMD' inside the node is the "
                      "node's own\n")
    program.chmod(0o755)
    tap.succeeded(migctl('sim', 'exec', 'demo', '--', program))
    tap.succeeded(migctl('sim', 'exec', 'demo', '--', script))


@test
def exec_refuses_file_capabilities():
    create()
    program = tap.tmpdir() / 'program'
    shutil.copy('/bin/true', program)
    # VFS_CAP_REVISION_2, effective, permitted cap_net_raw.
    value = bytes.fromhex('0100000200200000000000000000000000000000')
    try:
        os.setxattr(program, 'security.capability', value)
    except OSError as error:
        tap.skip(f'cannot give a file capabilities here: {error.strerror}')
    got = tap.exited(migctl('sim', 'exec', 'demo', '--', program), 4)
    tap.contains(got.stderr, 'has file capabilities and would leave the simulated node')


@test
def node_option_is_exec_of_migctl():
    create('demo')
    create('other', 'a30-24gb')
    for spelling in (['--node', 'other'], ['--node=other']):
        got = tap.succeeded(migctl(*spelling, 'sim', 'show'))
        tap.contains(got.stdout, 'node other\n')
    # The node one is on counts more than the one of `sim use`.
    tap.succeeded(migctl('sim', 'use', 'demo'))
    tap.contains(tap.succeeded(migctl('--node', 'other', 'sim', 'show')).stdout, 'node other\n')
    tap.contains(tap.succeeded(migctl('sim', 'show')).stdout, 'node demo\n')
    tap.exited(migctl('--node', 'other', 'no-such-command'), 2)
    got = tap.exited(migctl('--node', 'othr', 'sim', 'show'), 6)
    tap.equal(got.stderr, f"migctl: no node 'othr' ({home()}/othr)\n"
              "  did you mean 'other'? 'migctl sim list' shows all nodes\n")


@test
def use_prints_lines_for_eval():
    create()
    script = f'eval "$("{MIGCTL}" sim use demo)" && {SHOW_ENV}'
    got = tap.succeeded(tap.run(['sh', '-c', script], env={'LD_LIBRARY_PATH': None}))
    tap.equal(got.stdout, wanted_env('demo'))
    tap.equal((home() / '.current').read_text(), f'{home()}/demo\n')
    # Without eval it is chosen for sim commands only, and others say so.
    got = tap.exited(migctl('status', env={'LD_LIBRARY_PATH': '/nonexistent'}), 6)
    tap.contains(got.stderr, "  install the NVIDIA driver, or take a simulated node ('migctl sim create', "
                             "then --node); the node of 'sim use' is for sim commands only, here it is "
                             'named: migctl --node demo COMMAND\n')
    got = tap.exited(migctl('sim', 'use', 'nope'), 6)
    tap.equal(got.stdout, '')
    tap.equal((home() / '.current').read_text(), f'{home()}/demo\n')


@test
def use_quotes_for_the_shell():
    odd = tap.tmpdir() / "it's a \"$HOME\" `dir`"
    odd.mkdir()
    env = {'MIGSIM_HOME': str(odd), 'LD_LIBRARY_PATH': None}
    tap.succeeded(migctl('sim', 'create', 'demo', '-g', 'a30-24gb', env=env))
    got = tap.run(['sh', '-c', f'eval "$("{MIGCTL}" sim use demo)" && echo "$MIGSIM_NODE"'], env=env)
    tap.equal(tap.succeeded(got).stdout, f'{odd}/demo\n')


@test
def shell_starts_the_users_shell():
    create()
    shell = tap.tmpdir() / 'shell'
    shell.write_text('#!/bin/sh\necho "shell on $MIGSIM_NODE $#"\n')
    shell.chmod(0o755)
    got = migctl('sim', 'shell', 'demo', env={'SHELL': shell})
    tap.equal(tap.succeeded(got).stdout, f'shell on {home()}/demo 0\n')
    got = migctl('sim', 'shell', 'demo', env={'SHELL': None}, stdin='echo "$MIGSIM_NODE"\n')
    tap.equal(tap.succeeded(got).stdout, f'{home()}/demo\n')


# ------------------------------------------------------------------- sudo on a node

def sudo(*args, node_options=(), **kwargs):
    return migctl('sim', 'exec', *node_options, 'demo', '--', 'sudo', *args, **kwargs)


@test
def sudo_is_the_nodes_administrator():
    create()
    show = ['sh', '-c', 'echo "${MIGSIM_UNPRIVILEGED-admin} $MIGSIM_NODE ${A-}"']
    wanted = f'admin {home()}/demo '
    for args in ([], ['-n'], ['-nE'], ['-E', '-H', '--'], ['-u', 'root'], ['-uroot'],
                 ['--user=root', '-g', 'root'], ['-n', '-u', '#0'], ['--preserve-env=PATH']):
        got = sudo(*args, *show, node_options=['-u'])
        tap.equal(tap.succeeded(got).stdout, wanted + '\n', str(args))
    got = sudo('-n', 'A=b c', *show, node_options=['--unprivileged'])
    tap.equal(tap.succeeded(got).stdout, wanted + 'b c\n')
    tap.exited(sudo('sh', '-c', 'exit 7'), 7)
    tap.succeeded(sudo('-v'))


@test
def sudo_refuses_what_it_cannot_do():
    create()
    for args, message in (
            (['-i'], '-i: no login shell here'),
            (['-s', 'ls'], '-s: no login shell here'),
            (['-u', 'nobody', 'id'], '-u nobody: a simulated node has no user or group but root'),
            (['-Z', 'id'], 'option -Z is not known here'),
            (['--role=x', 'id'], 'option --role=x is not known here'),
            (['MIGSIM_NODE=/x', 'id'], 'MIGSIM_NODE keeps the command on the simulated node'),
            (['LD_LIBRARY_PATH=', 'id'], 'LD_LIBRARY_PATH keeps the command on'),
            (['/usr/bin/sudo', 'id'], '/usr/bin/sudo is the sudo of the real machine'),
            (['-u'], '-u needs a name')):
        got = tap.exited(sudo(*args), 1)
        tap.equal(got.stdout, '', str(args))
        tap.contains(got.stderr, f'sudo (simulated node): {message}')
    got = tap.exited(sudo(), 1)
    tap.contains(got.stderr, 'usage: sudo')
    got = tap.exited(tap.run([tap.build('src/sim/shims/sudo'), 'id']), 1)
    tap.contains(got.stderr, 'not on a simulated node')


@test
def what_is_too_much_is_refused():
    got = tap.exited(migctl('help', 'create', 'extra'), 2)
    tap.contains(got.stderr, "'help create' does not take the argument 'extra'")
    got = tap.exited(migctl('--node', 'a', '--node=b', 'status'), 2)
    tap.contains(got.stderr, "option '--node' is given twice")


tap.main()
