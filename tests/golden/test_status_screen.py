#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl status` on a terminal (colours, widths, --watch) and as SVG."""
import codecs
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import time
import xml.etree.ElementTree as ET

import tap
from tap import test

from layouts import MIGCTL, create, held, migctl, on, status

A100 = 'a100-sxm4-40gb'
ENTER, LEAVE = '\x1b[?1049h', '\x1b[?1049l'
SGR = re.compile(r'\x1b\[[0-9;]*m')
WAIT_S = 20


class Screen:
    """migctl on a pseudo-terminal."""

    def __init__(self, *args, columns=80, rows=24, env=None, stdin_is_its_own=False):
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        full = dict(os.environ, LC_ALL='C.UTF-8', TERM='xterm')
        full.pop('NO_COLOR', None)
        full.update(env or {})
        # The terminal of a session, as of a person: what controls it is opened after setsid().
        own = ['setsid', '-c'] if stdin_is_its_own else []
        self.process = subprocess.Popen([*own, MIGCTL, *args], stdin=slave, stdout=slave,
                                        stderr=subprocess.PIPE, env=full,
                                        start_new_session=not own)
        os.close(slave)
        self.text = ''
        self.at = 0
        self.decoder = codecs.getincrementaldecoder('utf-8')()

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

    def read(self, until=None):
        """Reads on until a part comes that was not looked at yet, or to the end; returns what is
        new."""
        begin = self.at
        end = time.monotonic() + WAIT_S
        while until is None or until not in self.text[begin:]:
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            tap.true(ready, f'no {until!r} within {WAIT_S} s in\n{self.text[begin:]!r}')
            try:
                data = os.read(self.master, 65536)
            except OSError:
                data = b''
            if not data:
                tap.true(until is None, f'ended without {until!r}: {self.text[begin:]!r}')
                break
            self.text += self.decoder.decode(data)
        self.at = len(self.text) if until is None else \
            self.text.index(until, begin) + len(until)
        return self.text[begin:self.at]

    def end(self):
        """Reads to the end; the exit status."""
        self.read()
        rc = self.process.wait(WAIT_S)
        os.close(self.master)
        return rc


def node_with_instances():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=1g.5gb@0,1c.3g.20gb@4,2c.3g.20gb@4'))
    return node


def shown(node, **kwargs):
    screen = Screen('--node', node, 'status', **kwargs)
    tap.equal(screen.end(), 0)
    return screen.text.replace('\r\n', '\n')


@test
def colours_only_on_a_terminal():
    node = node_with_instances()
    plain = tap.succeeded(on(node, 'status', env={'LC_ALL': 'C.UTF-8'})).stdout
    tap.not_contains(plain, '\x1b')
    coloured = shown(node)
    tap.contains(coloured, '\x1b[1m3g.20gb\x1b[0m')
    tap.equal(SGR.sub('', coloured), plain)
    tap.equal(shown(node, env={'NO_COLOR': '1'}), plain)
    tap.equal(shown(node, env={'TERM': 'dumb'}), plain)
    tap.equal(shown(node, env={'NO_COLOR': ''}), coloured)


@test
def every_width_from_40_on():
    node = node_with_instances()
    uuid = status(node)['gpus'][0]['gpu_instances'][0]['compute_instances'][0]['uuid']
    pid = tap.succeeded(migctl('sim', 'hold', '-n', node, '-b', uuid)).stdout.strip()
    for columns in (40, 41, 55, 66, 79, 80, 81, 132, 300):
        for encoding in ('C', 'C.UTF-8'):
            text = SGR.sub('', shown(node, columns=columns, env={'LC_ALL': encoding}))
            for line in text.splitlines():
                tap.true(len(line) <= columns, f'{columns}: {line}')
            for part in ('1g.5gb', '3g.20gb', 'CI 0 2c', 'CI 1 1c', 'GI 2', '1g.10gb', pid):
                tap.contains(text, part, f'{columns}')
            tap.equal(text.isascii(), encoding == 'C')
    tap.succeeded(migctl('sim', 'hold', '-n', node, '--end', pid))


@test
def forty_columns():
    node = node_with_instances()
    tap.equal(SGR.sub('', shown(node, columns=40)), """\
GPU 0  NVIDIA A100-SXM4-40GB
  00000000:10:00.0  MIG on
  compute slices ■■■■□□□ 4/7
  memory units ■■■■■□□□ 5/8
  ┌0──┬1───2───3──┬4───5───6───7──┐
  │a  │           │b              │
  └───┴───────────┴───────────────┘
  a 1g.5gb@0 GI 7 CI 0
  b 3g.20gb@4 GI 2
      CI 0 2c
      CI 1 1c
  fits now: 3 x 1g.5gb or 1 x 2g.10gb
            or 1 x 1g.5gb+me
            or 1 x 1g.10gb
""")


@test
def thirty_two_gpus_on_forty_columns():
    node = create(f'32x{A100}')
    tap.succeeded(on(node, 'apply', 'all=3g.20gb*2'))
    text = SGR.sub('', shown(node, columns=40))
    tap.contains(text, 'GPU 31 3g.20gb  3g.20gb\n')
    tap.equal(len([line for line in text.splitlines() if line.startswith('GPU ')]), 32)
    tap.true(all(len(line) <= 40 for line in text.splitlines()), text)
    # Room is said there, too, and ids are, where they find no room in the boxes.
    tap.succeeded(on(node, 'destroy', '0:2'))
    tap.contains(SGR.sub('', shown(node, columns=40)), 'GPU 0  3g.20gb  free\n')
    tap.succeeded(on(node, 'create', '-i', '0', '1c.3g.20gb@4*3'))
    text = SGR.sub('', shown(node, columns=40))
    tap.contains(text, 'GPU 0  3g.20gb  3g.20gb~\n')
    tap.contains(text, '~ with compute instances smaller than it\n')
    screen = Screen('--node', node, 'status', '-i', '0', columns=40)
    tap.equal(screen.end(), 0)
    tap.contains(SGR.sub('', screen.text.replace('\r', '')),
                 '  b 3g.20gb@4 GI 2\n      CI 2 1c\n      CI 1 1c\n      CI 0 1c\n')


@test
def commands_on_forty_columns():
    """Nothing is cut, and what is wider is only what has to be copied."""
    node = create(f'2x{A100}')
    tap.succeeded(on(node, 'mode', 'on'))
    for args, rc, said in (
            (('create', '-i', '0', '3g.20gb', '1g.5gb+me', '1g.5gb'), 0, '  a 1g.5gb+me@2\n'),
            (('plan', '0=1g.5gb*4,1c.3g.20gb*3'), 3, '  e 3g.20gb@4 1c+1c+1c\n'),
            (('mode', 'off', '-n'), 3, '  costs: GPU 0: 3 GPU instances with 3\n'),
            (('list',), 0, 'PROFILE   1g.5gb+me\n'), (('list', '--tree'), 0, 'DEVICE    GI 2\n'),
            (('profiles',), 0, '\n\nGPU     1\nPROFILE 1g.5gb\n'),
            (('placements',), 0, '\nSTATE   covered\n'),
            (('history',), 0, '\nCOMMAND\ncreate -i 0 3g.20gb 1g.5gb+me 1g.5gb\n'),
            (('history', '2'), 0, '\n  done      GPU 0: create GPU instance\n            3g.20gb'),
            (('doctor',), 0, '  this user may see and change instances\n')):
        screen = Screen('--node', node, *args, columns=40, env={'NO_COLOR': '1'})
        tap.equal(screen.end(), rc, screen.text)
        text = screen.text.replace('\r\n', '\n')
        tap.contains(text, said)
        for line in text.splitlines():
            tap.true(len(line) <= 40 or 'MIG-' in line, f'{args}: {line}')


@test
def tables_on_eighty_columns():
    """Columns that are the first to go, do, and are named; those that were asked for stay."""
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    for args, left_out in ((('profiles',), 'OFA'), (('list',), 'MEMORY,PLACEMENT'),
                           (('list', '-o', 'UUID,GPU-UUID'), None), (('placements',), None),
                           (('list', '-o', '+MEMORY'), None)):
        screen = Screen('--node', node, *args, env={'NO_COLOR': '1'})
        tap.equal(screen.end(), 0)
        lines = screen.text.replace('\r\n', '\n').splitlines()
        said = screen.process.stderr.read().decode()
        if left_out is None:
            tap.not_contains(said, 'MEMORY')
        else:
            tap.equal(said, f'migctl: no room for {left_out}; with them: -o +{left_out}\n')
            tap.true(all(len(line) <= 80 for line in lines), screen.text)
            tap.true(not set(lines[0].split()) & set(left_out.split(',')), lines[0])
        # What is no terminal gets all.
        tap.true(len(tap.succeeded(on(node, *args)).stdout.splitlines()[0]) >= len(lines[0]))


@test
def forty_columns_without_permission():
    node = node_with_instances()
    screen = Screen('sim', 'exec', '--unprivileged', node, '--', MIGCTL, 'status', columns=40)
    tap.equal(screen.end(), 0)
    lines = SGR.sub('', screen.text).replace('\r', '').splitlines()
    # A UUID of a MIG device is 40 wide.
    tap.true(all(len(line) <= 42 for line in lines), screen.text)
    tap.true(lines[2].startswith('  MIG device 0  '), lines[2])


@test
def watch_shows_changes_and_restores_the_terminal():
    for end in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        name = f'n{end}'
        node = create(f'1x{A100}', name)
        tap.succeeded(on(node, 'apply', '0=1g.5gb'))
        screen = Screen('--node', node, 'status', '--watch=1h')
        tap.contains(screen.read('Ctrl-C ends'), ENTER)
        tap.contains(screen.text, 'on change, every 3600 s')
        # Not after an hour but on the event.
        tap.succeeded(on(node, 'apply', '0=1g.5gb,2g.10gb'))
        screen.read('2g.10gb')
        screen.read('Ctrl-C ends')
        screen.resize(40, 12)
        screen.process.send_signal(signal.SIGWINCH)
        tap.contains(screen.read('more line'), '\x1b[H')
        tap.not_contains(screen.text, LEAVE)
        screen.process.send_signal(end)
        tap.equal(screen.end(), 0, name)
        tap.true(screen.text.endswith('\x1b[?25h' + LEAVE), screen.text[-80:])


@test
def watch_without_events_goes_by_the_period():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=1g.5gb'))
    count = tap.tmpdir() / 'count.json'
    screen = Screen('sim', 'exec', '--fault', 'nvmlEventSetCreate=NVML_ERROR_NOT_SUPPORTED', node,
                    '--', MIGCTL, 'status', '--watch=1', env={'MIGCTL_NVML_COUNT': str(count)})
    screen.read('every 1 s')
    tap.not_contains(screen.text, 'on change')
    begin = time.monotonic()
    tap.succeeded(on(node, 'apply', '0=1g.5gb,2g.10gb'))
    screen.read('2g.10gb')
    tap.true(time.monotonic() - begin < 10)
    os.killpg(screen.process.pid, signal.SIGINT)
    tap.equal(screen.end(), 0)


@test
def watch_asks_no_more_than_once_a_second():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=1g.5gb'))
    count = tap.tmpdir() / 'count.json'
    screen = Screen('--node', node, 'status', '--watch', env={'MIGCTL_NVML_COUNT': str(count)})
    screen.read('Ctrl-C ends')
    begin = time.monotonic()
    for number in range(6):
        tap.succeeded(on(node, 'apply', f'0=1g.5gb*{1 + number % 2}'))
        screen.resize(80, 24 + number)
        screen.process.send_signal(signal.SIGWINCH)
        screen.read('Ctrl-C ends')
        time.sleep(0.2)
    screen.process.send_signal(signal.SIGINT)
    tap.equal(screen.end(), 0)
    taken = time.monotonic() - begin
    looks = int(re.search(r'"nvmlSystemGetDriverVersion":\s*(\d+)', count.read_text())[1])
    tap.true(looks <= 2 + taken, f'{looks} looks in {taken} s')


@test
def watch_keeps_what_is_typed_off_the_screen():
    node = create(f'1x{A100}')
    screen = Screen('--node', node, 'status', '--watch=1h', stdin_is_its_own=True)
    screen.read('q or Ctrl-C ends')
    begin = len(screen.text)
    os.write(screen.master, b'migctl xyz\r')
    screen.resize(80, 20)
    screen.process.send_signal(signal.SIGWINCH)
    screen.read('q or Ctrl-C ends')
    tap.not_contains(screen.text[begin:], 'xyz')
    tap.equal(termios.tcgetattr(screen.master)[3] & termios.ECHO, 0)
    os.write(screen.master, b'q')
    screen.read()
    tap.equal(screen.process.wait(WAIT_S), 0)
    tap.true(screen.text.endswith(LEAVE), screen.text[-80:])
    # As it was for the next program.
    tap.true(termios.tcgetattr(screen.master)[3] & termios.ECHO)
    os.close(screen.master)


@test
def watch_refusals():
    node = node_with_instances()
    got = tap.exited(on(node, 'status', '--watch'), 2)
    tap.contains(got.stderr, '--watch needs a terminal')
    for options in (('--watch', '--json'), ('--watch', '--svg', 'x'), ('--svg', 'x', '--json'),
                    ('--watch=0',), ('--watch=x',)):
        tap.exited(on(node, 'status', *options), 2)
    screen = Screen('--node', node, 'status', '--watch', '-i', '7')
    tap.equal(screen.end(), 4)
    tap.true(screen.text.endswith(LEAVE) or ENTER not in screen.text, repr(screen.text))


def svg_texts(root):
    return [''.join(element.itertext()) for element in root.iter('{http://www.w3.org/2000/svg}text')]


@test
def svg_says_what_the_text_says():
    node = node_with_instances()
    path = tap.tmpdir() / 'node.svg'
    tap.succeeded(on(node, 'status', '--svg', path))
    tap.equal(path.stat().st_mode & 0o777, 0o644)
    root = ET.parse(path).getroot()
    texts = svg_texts(root)
    for part in ('GPU 0 · NVIDIA A100-SXM4-40GB', '1g.5gb', '3g.20gb', 'GI 2', 'CI 0 2c', 'CI 1 1c',
                 'free', 'compute slices 4/7', 'memory units 5/8'):
        tap.contains(texts, part)
    piped = tap.succeeded(on(node, 'status', '--svg', '-')).stdout
    tap.equal(piped, path.read_text())
    # Standalone: nothing is loaded.
    tap.not_contains(piped, 'href')
    tap.not_contains(piped, 'url(')
    tap.contains(piped, 'prefers-color-scheme: dark')


@test
def svg_escapes_foreign_text():
    node = node_with_instances()
    uuid = status(node)['gpus'][0]['gpu_instances'][0]['compute_instances'][0]['uuid']
    program = tap.tmpdir() / '<a&"b">\x01'
    shutil.copy('/bin/sleep', program)
    holder = subprocess.Popen([MIGCTL, 'sim', 'hold', '-n', node, uuid, '--', program, '60'])
    end = time.monotonic() + WAIT_S
    while '&amp;' not in (text := on(node, 'status', '--svg', '-').stdout):
        tap.true(time.monotonic() < end, text)
        time.sleep(0.05)
    tap.true(any('<a&"b">' in one for one in svg_texts(ET.fromstring(text))), text)
    tap.not_contains(text, '\x01')
    holder.terminate()
    holder.wait()


@test
def a_holder_goes_on_below():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    uuid = status(node)['gpus'][0]['gpu_instances'][0]['compute_instances'][0]['uuid']
    with held(node, uuid) as pid:
        whole = ' '.join(on(node, 'list', '-o', 'UUID,HOLDER').stdout.split())
        for columns, below in ((80, ' ' * 64 + '(migctl'), (70, f'        process {pid} (migctl'),
                               (62, f'        process {pid} (migctl')):
            screen = Screen('--node', node, 'list', columns=columns, env={'NO_COLOR': '1'})
            tap.equal(screen.end(), 0)
            lines = screen.text.replace('\r\n', '\n').splitlines()
            tap.true(all(len(line) <= columns for line in lines), screen.text)
            tap.true(any(line.startswith(below) for line in lines), screen.text)
            # In that order nothing is lost.
            tap.contains(' '.join(' '.join(lines[1:]).split()), whole.split('HOLDER ')[1])


@test
def what_is_full():
    """Also where what is left is no more than a memory unit that no profile can have."""
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=1g.5gb*7'))
    tap.contains(SGR.sub('', shown(node)), '┘\n  full\n')
    tap.contains(svg_texts(ET.fromstring(on(node, 'status', '--svg', '-').stdout)), 'full')
    tap.succeeded(on(node, 'destroy', '0:7', '0:9'))
    tap.succeeded(on(node, 'create', '--no-ci', '1g.5gb@0'))
    for text in (on(node, 'status').stdout.splitlines(),
                 svg_texts(ET.fromstring(on(node, 'status', '--svg', '-').stdout))):
        tap.contains([line.strip() for line in text], 'room in GI 7 (create -g 0:7)')
    tap.succeeded(on(node, 'create', '-g', '0:7'))
    tap.not_contains(on(node, 'status').stdout, 'room in')
    fits = next(line for line in on(node, 'status').stdout.splitlines() if 'fits now' in line)
    tap.contains(svg_texts(ET.fromstring(on(node, 'status', '--svg', '-').stdout)), fits.strip())


@test
def help_on_a_narrow_terminal():
    for words in (['help'], ['help', 'sim'], ['help', 'create'], ['help', 'list'],
                  ['sim', 'hold', '--help']):
        screen = Screen(*words, columns=40)
        tap.equal(screen.end(), 0)
        lines = screen.text.replace('\r', '').splitlines()
        # Without the pictures and lines that are typed as they stand.
        tap.equal([line for line in lines if len(line) >= 40 and not line.startswith('usage: ')],
                  [], words)
        tap.true(len(lines) > 20, words)


@test
def svg_replaces_no_device():
    node = node_with_instances()
    link = tap.tmpdir() / 'link'
    link.symlink_to('/dev/null')
    got = tap.exited(on(node, 'status', '--svg', link), 4)
    tap.contains(got.stderr, 'no regular file')
    tap.true(link.is_symlink())


tap.main()
