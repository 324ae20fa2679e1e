#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl sim fault` and `--fault` of sim exec, as a person gives them: what is said, what happens
to programs on the node, and what is left afterwards. The programs are Python's ctypes."""
import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys

import tap
from tap import test

MIGCTL = tap.build('migctl')
PROGRAM = '''
import ctypes, sys
lib = ctypes.CDLL('libnvidia-ml.so.1')
for name in sys.argv[1:]:
    a, b, c = (ctypes.c_ulonglong() for _ in range(3))
    gpu = ctypes.c_void_p()
    if name.startswith('init'):
        answer = lib.nvmlInit_v2()
    elif name.startswith('count'):
        answer = lib.nvmlDeviceGetCount_v2(ctypes.byref(a))
    elif name.startswith('handle'):
        answer = lib.nvmlDeviceGetHandleByIndex_v2(int(name[6:]), ctypes.byref(gpu))
    elif name == 'errors':
        lib.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(gpu))
        lib.nvmlDeviceGetTotalEccErrors(gpu, 0, 0, ctypes.byref(a))
        lib.nvmlDeviceGetTotalEccErrors(gpu, 1, 1, ctypes.byref(b))
        answer = f'{a.value}/{b.value}'
    elif name == 'migerrors':
        mig = ctypes.c_void_p()
        lib.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(gpu))
        lib.nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0, ctypes.byref(mig))
        code = lib.nvmlDeviceGetMemoryErrorCounter(mig, 1, 0, 7, ctypes.byref(a))
        answer = f'{code}:{a.value}'
    print(answer, flush=True)
'''


def migctl(*args, **kwargs):
    return tap.run([MIGCTL, *map(str, args)], **kwargs)


def create(gpus='2xa100-sxm4-40gb', name='demo', *args):
    tap.succeeded(migctl('sim', 'create', name, '--gpus', gpus, *args))


def calls(*names, options=(), rc=0):
    """The answers of a program on the node that makes these calls."""
    got = migctl('sim', 'exec', *options, 'demo', '--', sys.executable, '-c', PROGRAM, *names)
    tap.exited(got, rc)
    return got.stdout.split()


def listed():
    return json.loads(tap.succeeded(migctl('sim', 'fault', 'list', 'demo', '--json')).stdout)


def add(*args):
    return tap.succeeded(migctl('sim', 'fault', 'add', 'demo', *args))


def refused(args, rc, message, hint=None):
    got = tap.exited(migctl('sim', 'fault', *args), rc)
    tap.equal(got.stdout, '')
    tap.equal(got.stderr, f'migctl: {message}\n' + (f'  {hint}\n' if hint else ''))


# ------------------------------------------------------------------- calls

@test
def exec_binds_faults_to_the_program():
    create()
    options = ('--fault', 'nvmlDeviceGetCount_v2:2+=15', '-F', 'nvmlInit_v2:2=4')
    tap.equal(calls('init', 'count', 'count', 'count', 'init', options=options),
              ['0', '0', '15', '15', '4'])
    tap.equal(calls('init', 'count', 'count'), ['0', '0', '0'])
    document = listed()
    tap.equal(document['faults'], [])


@test
def init_can_fail():
    create()
    for code in (4, 9, 18):
        tap.equal(calls('init', 'count', options=('-F', f'nvmlInit_v2={code}')), [str(code), '1'])


@test
def kill_kills_the_program():
    create()
    got = migctl('sim', 'exec', '-F', 'nvmlDeviceGetCount_v2:2=kill', 'demo', '--',
                 sys.executable, '-c', PROGRAM, 'init', 'count', 'count', 'count')
    tap.exited(got, -signal.SIGKILL)
    tap.equal(got.stdout, '0\n0\n')


@test
def a_fault_is_for_who_runs_migctl():
    """This test is the parent of migctl and of the program."""
    create()
    got = add('nvmlDeviceGetCount_v2:2=NO_DATA')
    tap.contains(got.stderr, 'fault 1: nvmlDeviceGetCount_v2, call 2: NO_DATA; for process '
                             f'{os.getpid()} (')
    tap.contains(got.stderr, ') and its descendants\n')
    tap.equal(got.stdout, '')
    tap.equal(calls('init', 'count', 'count', 'count'), ['0', '0', '21', '0'])
    # Each process counts for itself.
    tap.equal(calls('init', 'count', 'count'), ['0', '0', '21'])
    tap.equal([fault['pid'] for fault in listed()['faults']], [os.getpid()])


@test
def a_fault_of_a_shell_is_gone_with_it():
    create()
    shell = f'{MIGCTL} sim fault add demo nvmlDeviceGetCount_v2=7; {MIGCTL} sim fault list demo; :'
    got = tap.succeeded(tap.run(['sh', '-c', shell]))
    lines = got.stdout.splitlines()
    tap.equal(lines[0].split(), ['ID', 'FUNCTION', 'CALL', 'EFFECT', 'FOR'])
    tap.equal(lines[1].split()[:5],
              ['1', 'nvmlDeviceGetCount_v2', 'every', 'INSUFFICIENT_SIZE', 'process'])
    tap.equal(calls('init', 'count'), ['0', '0'])
    got = tap.succeeded(migctl('sim', 'fault', 'list', 'demo'))
    tap.equal((got.stdout, got.stderr), ('', 'no faults on node demo\n'))


@test
def pid_names_another_process():
    create()
    calls('init')
    with subprocess.Popen(['sleep', '600']) as other:
        add('nvmlDeviceGetCount_v2=7', '--pid', other.pid)
        tap.equal(calls('init', 'count'), ['0', '0'])
        faults = listed()['faults']
        tap.equal([(fault['pid'], os.path.basename(fault['program'])) for fault in faults],
                  [(other.pid, os.path.basename(os.readlink(f'/proc/{other.pid}/exe')))])
        other.kill()
        other.wait()
        refused(('add', 'demo', 'nvmlInit=4', '--pid', str(other.pid)), 4,
                f'there is no process {other.pid} for the fault',
                'name one that runs by --pid, or all of them by --node-wide')
    tap.equal(listed()['faults'], [])


@test
def node_wide_counts_all_processes_and_stays():
    create()
    got = add('nvmlDeviceGetCount_v2:3+=UNKNOWN', '--node-wide')
    tap.equal(got.stderr,
              'fault 1: nvmlDeviceGetCount_v2, call 3 and later: UNKNOWN; node-wide\n')
    tap.equal(calls('init', 'count', 'count'), ['0', '0', '0'])
    tap.equal(listed()['faults'][0]['calls_counted'], 2)
    tap.equal(calls('init', 'count'), ['0', '999'])
    got = tap.succeeded(migctl('sim', 'fault', 'list', 'demo'))
    tap.equal(got.stdout, 'ID  FUNCTION               CALL  EFFECT   FOR\n'
                          '1   nvmlDeviceGetCount_v2  3+    UNKNOWN  the node, 3 counted\n')
    tap.equal(listed()['faults'],
              [{'id': '1', 'function': 'nvmlDeviceGetCount_v2', 'call': 3, 'and_later': True,
                'action': 'return', 'code': 999, 'code_name': 'UNKNOWN', 'pid': None,
                'program': None, 'calls_counted': 3}])
    tap.succeeded(migctl('sim', 'fault', 'clear', 'demo', '1'))
    tap.equal(calls('init', 'count'), ['0', '0'])


@test
def a_call_hangs_until_it_is_cleared():
    create()
    if calls('init') != ['0']:
        tap.fail('the program does not run')
    add('nvmlDeviceGetCount_v2:1=hang', '-n')
    with subprocess.Popen([MIGCTL, 'sim', 'exec', 'demo', '--', sys.executable, '-c', PROGRAM,
                           'init', 'count'], stdout=subprocess.PIPE, text=True) as program:
        tap.equal(program.stdout.readline(), '0\n')
        try:
            program.wait(0.1)
            tap.fail('the call does not hang')
        except subprocess.TimeoutExpired:
            pass
        got = tap.succeeded(migctl('sim', 'fault', 'clear', 'demo', 'all'))
        tap.equal(got.stderr, 'cleared: 1 fault, 0 lost GPUs\n')
        tap.equal(program.communicate(timeout=60)[0], '0\n')
    tap.equal(program.returncode, 0)


@test
def migctl_itself_meets_them():
    create()
    got = migctl('sim', 'exec', '-F', 'nvmlDeviceGetMigMode=IN_USE', 'demo', '--', MIGCTL, 'status')
    tap.exited(got, 5)
    tap.contains(got.stderr, 'IN_USE')


@test
def the_current_node_is_meant_without_one():
    create()
    tap.succeeded(migctl('sim', 'use', 'demo'))
    tap.succeeded(migctl('sim', 'fault', 'add', 'nvmlInit_v2=4', '-n'))
    tap.equal(len(listed()['faults']), 1)
    tap.succeeded(migctl('sim', 'fault', 'clear', '1'))
    tap.equal(listed()['faults'], [])


# ------------------------------------------------------------------- GPUs

@test
def a_lost_gpu_comes_back_when_it_is_cleared():
    create()
    add('lost', '-i', '1')
    tap.equal(calls('init', 'count', 'handle0', 'handle1'), ['0', '0', '0', '15'])
    got = tap.succeeded(migctl('sim', 'fault', 'list', 'demo'))
    uuid = listed()['lost_gpus'][0]['uuid']
    tap.equal(got.stdout, f'GPU 1 ({uuid}) has fallen off the bus\n')
    refused(('add', 'demo', 'lost', '-i', '1'), 4, 'GPU 1 has fallen off the bus',
            f"'migctl sim reboot {node()}' brings it back")
    refused(('add', 'demo', 'xid=13', '-i', uuid), 4, 'GPU 1 has fallen off the bus',
            f"'migctl sim reboot {node()}' brings it back")
    tap.succeeded(migctl('sim', 'fault', 'clear', 'demo', 'lost', '-i', uuid))
    tap.equal(calls('init', 'handle1'), ['0', '0'])
    refused(('clear', 'demo', 'lost', '-i', '1'), 4, 'GPU 1 is not lost',
            f'migctl sim fault list {node()}')


@test
def a_lost_gpu_is_seen():
    create()
    tap.equal(add('xid=13', '-i', '1').stderr, 'GPU 1: XID 13\n')
    tap.equal(add('ecc=corrected:2', '-i', '1').stderr, 'GPU 1: 2 corrected memory errors\n')
    tap.equal(add('lost', '-i', '1').stderr, 'GPU 1: lost (fallen off the bus, XID 79)\n')
    add('nvmlInit_v2=4', '-n')
    got = tap.succeeded(migctl('sim', 'show', 'demo')).stdout
    tap.contains(got, 'GPU 1  NVIDIA A100-SXM4-40GB  lost (fallen off the bus), MIG off\n')
    tap.contains(got, '  faults         1 armed: migctl sim fault list\n')
    document = json.loads(tap.succeeded(migctl('sim', 'show', 'demo', '--json')).stdout)
    tap.equal([gpu['lost'] for gpu in document['gpus']], [False, True])
    # The others are there, and the end says what is wrong.
    got = tap.exited(migctl('--node', 'demo', 'status'), 1)
    tap.contains(got.stdout, 'GPU 0  NVIDIA A100-SXM4-40GB  ')
    tap.contains(got.stdout, 'GPU 1  lost (fallen off the bus)\n')
    tap.equal(got.stderr, 'migctl: GPU 1 is lost (fallen off the bus)\n'
              f'  a reboot brings it back: migctl sim reboot demo\n')
    tap.succeeded(migctl('--node', 'demo', 'status', '-i', '0'))
    got = tap.exited(migctl('--node', 'demo', 'status', '--json'), 1)
    gpus = json.loads(got.stdout)['gpus']
    tap.equal([(gpu['lost'], gpu['uuid'] is None, gpu['mig_capable']) for gpu in gpus],
              [(False, False, True), (True, True, False)])
    tap.succeeded(migctl('sim', 'reboot', 'demo'))
    tap.succeeded(migctl('--node', 'demo', 'status'))


# ------------------------------------------------------------------- the pages' examples

PAGES = pathlib.Path(tap.source('docs'))
CONFIG = '''version: v1
mig-configs:
  x:
    - devices: all
      mig-enabled: true
      mig-devices:
        1g.5gb: 3
'''


def examples():
    """The commands of the section on faults, one line each."""
    page = (PAGES / 'simulator.md').read_text(encoding='utf-8')
    block = page.split('\n## Faults\n')[1].split('```sh\n')[1].split('```')[0]
    lines = block.replace('\\\n', ' ').splitlines()
    return [shlex.split(line, comments=True) for line in lines]


@test
def the_examples_do_what_they_say():
    create('1xa100-sxm4-40gb,1xa100-sxm4-40gb')
    pathlib.Path('file.yaml').write_text(CONFIG, encoding='utf-8')
    seen = []
    for words in examples():
        tap.equal(words[0], 'migctl')
        if 'apply' in words:
            words = [MIGCTL if word == 'migctl' else word for word in words]
            got = tap.exited(tap.run([*words, '-c', 'x']), 8)
            tap.contains(got.stderr, 'rolling back: ')
            tap.contains(got.stderr, 'INSUFFICIENT_RESOURCES')
        else:
            tap.succeeded(migctl(*words[1:]))
        seen += [word.split('=')[0].split(':')[0] for word in words if word.startswith('nvml')]
    tap.equal(listed()['faults'], [])
    # Each function is one that migctl calls, the one of json.md too.
    text = (PAGES / 'json.md').read_text(encoding='utf-8').split('## migctl.nvml-count/1')[1]
    seen += json.loads(text.split('```json')[1].split('```')[0])['functions']
    called = set()
    for i, command in enumerate((('status',), ('apply', '-f', 'file.yaml', '-c', 'x'))):
        tap.succeeded(migctl('--node', 'demo', *command, env={'MIGCTL_NVML_COUNT': f'count{i}'}))
        called |= set(json.loads(pathlib.Path(f'count{i}').read_text(encoding='utf-8'))['functions'])
    tap.equal([name for name in seen if name not in called], [])


def node():
    return os.path.join(os.environ['MIGSIM_HOME'], 'demo')


@test
def memory_errors_are_counted():
    create('1xa100-sxm4-40gb')
    example = tap.tmpdir() / 'layout.yaml'
    example.write_text('version: v1\nmig-configs:\n  one:\n    - devices: all\n'
                       '      mig-enabled: true\n      mig-devices: {"1g.5gb": 1}\n')
    tap.succeeded(migctl('--node', 'demo', 'apply', '-f', example, '-c', 'one'))
    shown = json.loads(tap.succeeded(migctl('sim', 'show', 'demo', '--json')).stdout)
    gi_id = str(shown['gpus'][0]['gpu_instances'][0]['id'])
    add('ecc=corrected:3', '-i', '0')
    add('ecc=uncorrected', '-i', '0')
    tap.equal(calls('init', 'errors', 'migerrors'), ['0', '3/1', '0:0'])
    add('ecc=uncorrected:2', '-i', '0', '--gi', gi_id)
    tap.equal(calls('init', 'errors', 'migerrors'), ['0', '3/3', '0:2'])
    add('xid=94', '-i', '0', '--gi', gi_id, '--ci', '0')
    refused(('add', 'demo', 'xid=94', '-i', '0', '--gi', gi_id, '--ci', '1'), 4,
            f'GPU instance {gi_id} of GPU 0 has no compute instance 1',
            f"'migctl sim show {node()}' lists them")


# ------------------------------------------------------------------- bad input

@test
def bad_input_is_named_and_changes_nothing():
    create()
    forms = ('a fault is FUNCTION[:N[+]]=CODE, …=hang, …=kill, lost, xid=N or '
             'ecc=corrected|uncorrected[:N]')
    cases = (
        (('add', 'demo', 'nvmlDeviceGetCuont_v2=4'), 2,
         "NVML has no function 'nvmlDeviceGetCuont_v2', did you mean 'nvmlDeviceGetCount_v2'?",
         forms),
        (('add', 'demo', 'nvmlInit'), 2, "it is not said what is to happen: 'nvmlInit'", forms),
        (('add', 'demo', 'nvmlInit:0=4'), 2, "not the number of a call (1, 2, …): '0'", forms),
        (('add',), 2, "'sim fault add' needs [NODE] WHAT", "see 'migctl sim fault add --help'"),
        (('add', 'nope', 'nvmlInit=4'), 6, None, None),
        (('add', 'demo', 'lost'), 2, 'it is not said which GPU is meant',
         'for example: migctl sim fault add demo lost -i 0'),
        (('add', 'demo', 'losst'), 2,
         "it is not said what is to happen: 'losst', did you mean 'lost'?", forms),
        (('add', 'demo', 'xid'), 2,
         "it is not said what is to happen: 'xid', did you mean 'xid=N'?", forms),
        (('add', 'demo', 'lost', '-i', '2'), 4, "no GPU '2' on this node",
         "GPUs are named by index (0 to 1), UUID or PCI address; 'migctl sim show' lists them"),
        (('add', 'demo', 'lost', '-i', '0', '--gi', '1'), 2,
         'a GPU is lost as a whole, not an instance of it', None),
        (('add', 'demo', 'lost', '-i', '0', '-n'), 2,
         "'--node-wide' is for faults of a call, not of a GPU",
         "see 'migctl sim fault add --help'"),
        (('add', 'demo', 'nvmlInit=4', '-i', '0'), 2,
         "'--gpu' is for faults of a GPU, not of a call", "see 'migctl sim fault add --help'"),
        (('add', 'demo', 'nvmlInit=4', '-n', '--pid', '1'), 2,
         "'--pid' and '--node-wide' exclude each other", "see 'migctl sim fault add --help'"),
        (('add', 'demo', 'nvmlInit=4', '--pid', 'x'), 2,
         "option '--pid' needs a number from 1 to 2147483647",
         "see 'migctl sim fault add --help'"),
        (('add', 'demo', 'nvmlInit=4', '--pid', '0'), 2,
         "option '--pid' needs a number from 1 to 2147483647",
         "see 'migctl sim fault add --help'"),
        (('add', 'demo', 'xid=3', '-i', '0', '--gi', '15'), 2,
         "option '--gi' needs a number from 0 to 14", "see 'migctl sim fault add --help'"),
        (('add', 'demo', 'xid=3', '-i', '0', '--gi', '5'), 4, 'GPU 0 has no GPU instance 5',
         f"'migctl sim show {node()}' lists them"),
        (('add', 'demo', 'xid=3', '-i', '0', '--ci', '0'), 2,
         'a compute instance (--ci) needs its GPU instance (--gi)', None),
        (('add', 'demo', 'ecc=corrected', '-i', '0', '--gi', '5'), 2,
         'a GPU instance counts only uncorrected memory errors', None),
        (('clear', 'demo', '7'), 4, "node 'demo' has no fault 7",
         f'migctl sim fault list {node()}'),
        (('clear', 'demo', 'lots'), 2, "'lots' is neither a fault's id, 'all' nor 'lost'",
         "'migctl sim fault list' shows the ids"),
        (('clear', 'demo', 'lost'), 2, 'it is not said which GPU is meant',
         'for example: migctl sim fault clear demo lost -i 0'),
        (('clear', 'demo', 'all', '-i', '0'), 2, "'--gpu' goes with 'lost' only",
         "see 'migctl sim fault clear --help'"),
    )
    with open(os.path.join(node(), 'state'), 'rb') as stream:
        before = stream.read()
    for args, rc, message, hint in cases:
        if message is None:
            tap.exited(migctl('sim', 'fault', *args), rc)
        else:
            refused(args, rc, message, hint)
    with open(os.path.join(node(), 'state'), 'rb') as stream:
        tap.equal(stream.read(), before)


@test
def a_function_of_another_branch_is_refused():
    create('1xa100-sxm4-40gb', 'demo', '--driver', '470')
    refused(('add', 'demo', 'nvmlDeviceGetMemoryInfo_v2=3', '-n'), 4,
            "the driver of node 'demo' (470.256.02) has no function 'nvmlDeviceGetMemoryInfo_v2'",
            'docs/simulated-functions.md says which branch exports what')


@test
def exec_refuses_what_it_cannot_bind():
    create()
    for text, message in (('lost', 'only a fault of a call can be bound to a program'),
                          ('nvmlInit', "--fault: it is not said what is to happen: 'nvmlInit'")):
        got = tap.exited(migctl('sim', 'exec', '--fault', text, 'demo', '--', 'true'), 2)
        tap.contains(got.stderr, message)


@test
def a_full_table_is_refused_whole():
    create()
    for _ in range(31):
        add('nvmlInit=4', '-n')
    got = tap.exited(migctl('sim', 'exec', '-F', 'nvmlInit=4', '-F', 'nvmlInit=5', 'demo', '--',
                            'true'), 4)
    tap.contains(got.stderr, "node 'demo' has room for 32 faults and they are taken")
    tap.equal(len(listed()['faults']), 31)
    got = tap.succeeded(migctl('sim', 'fault', 'clear', 'demo', 'all'))
    tap.equal(got.stderr, 'cleared: 31 faults, 0 lost GPUs\n')


tap.main()
