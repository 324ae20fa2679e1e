# SPDX-License-Identifier: Apache-2.0
"""A tutorial of docs/tutorials as a program: its blocks, and running them as a reader would.

A fenced block `console` is a session: lines that begin with "$ " are typed ("> " goes on with
the line above), what follows is what comes back, on stdout and stderr together. It is compared:
"…" in a line stands for anything, a line of "..." alone for any number of lines. A command must
end with status 0, unless the next one asks for it (`echo $?`) or nothing follows it but
"exit status N" in a comment: `$ cmd # exit status 19`.

Lines typed before `migctl sim shell [OPTION...] NODE` run outside of the node, those after it in
one bash on the node, up to `exit`. A block right after a line `<!-- not run: REASON -->` is for
the reader only; REASON says what it would need.

With update=True the block's answers are replaced by what came back (lines with "…" that match
are kept): that is how a tutorial is written.
"""
import dataclasses
import os
import pathlib
import re
import shlex
import subprocess

import tap

FOLDER = 'docs/tutorials'
_FENCE = re.compile(r'^```(\w*)\s*$')
_NOT_RUN = re.compile(r'^<!-- not run: (.+) -->$')
_EXIT = re.compile(r'#\s*exit status (\d+)\s*$')
_END = '@end-of-answer@'


@dataclasses.dataclass
class Command:
    """What is typed and what comes back; line is where the answer begins, from 0."""
    text: str
    answer: list
    line: int

    @property
    def status(self):
        """The exit status that it must have."""
        found = _EXIT.search(self.text)
        return int(found[1]) if found else 0


@dataclasses.dataclass
class Block:
    """One fenced block. not_run: the reason, '' for one that is run."""
    language: str
    line: int
    not_run: str
    commands: list


def _commands(lines, first):
    commands = []
    for offset, line in enumerate(lines):
        if line.startswith('$ '):
            commands.append(Command(line[2:], [], first + offset + 1))
        elif not commands:
            raise ValueError(f'line {first + offset + 1}: an answer without a command')
        elif line.startswith('> ') and not commands[-1].answer:
            commands[-1].text += '\n' + line[2:]
            commands[-1].line = first + offset + 1
        else:
            commands[-1].answer.append(line)
    return commands


def blocks(text):
    """The fenced blocks of a document, in order."""
    found, reason, inside = [], '', None
    for number, line in enumerate(text.splitlines()):
        fence = _FENCE.match(line)
        if inside is not None and line == '```':
            language, first, lines = inside
            parsed = _commands(lines, first) if language == 'console' else []
            found.append(Block(language, first, reason, parsed))
            inside, reason = None, ''
        elif inside is not None:
            inside[2].append(line)
        elif fence:
            inside = (fence[1], number + 1, [])
        elif line.strip():
            match = _NOT_RUN.match(line)
            reason = match[1] if match else ''
    if inside is not None:
        raise ValueError(f'line {inside[1]}: a block without an end')
    return found


def names():
    """The tutorials, without `.md`."""
    return sorted(path.stem for path in pathlib.Path(tap.source(FOLDER)).glob('*.md')
                  if path.stem != 'README')


def path_of(name):
    """The file of a tutorial."""
    return pathlib.Path(tap.source(FOLDER, name + '.md'))


def read(name):
    """The blocks of the tutorial `name`."""
    return blocks(path_of(name).read_text(encoding='utf-8'))


def programs(parsed):
    """The first words of all commands that are run: what the tutorial needs."""
    words = set()
    for block in parsed:
        for command in block.commands if not block.not_run else []:
            words.update(re.findall(r'(?:^|[|;&]\s*|sudo )([\w./-]+)', command.text, re.M))
    return words


def matches(want, got):
    """Whether the lines that came back are those that the document shows."""
    if not want:
        return not got
    if want[0] == '...':
        return any(matches(want[1:], got[skip:]) for skip in range(len(got) + 1))
    if not got:
        return False
    pattern = '.*'.join(re.escape(part) for part in want[0].split('…'))
    return re.fullmatch(pattern, got[0]) is not None and matches(want[1:], got[1:])


# ------------------------------------------------------------------ running

class Shell:
    """One bash, as a person has it open; run() types a command and takes its answer."""

    def __init__(self, argv, env, cwd):
        self.process = subprocess.Popen([*argv, 'bash', '--norc', '--noprofile'], env=env, cwd=cwd,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)

    def run(self, text):
        """(lines, status) of one command; $? is that status for the next one."""
        typed = f'{text}\n__rc=$?; printf "\\n%s %s\\n" {_END} "$__rc"; (exit "$__rc")\n'
        self.process.stdin.write(typed.encode())
        self.process.stdin.flush()
        lines = []
        for raw in self.process.stdout:
            line = raw.decode('utf-8', 'replace').rstrip('\n')
            if line.startswith(_END):
                # The line before is empty, or the end of an answer without a newline.
                if lines and lines[-1] == '':
                    lines.pop()
                return lines, int(line.split()[1])
            lines.append(line.rstrip())  # tables end with spaces, documents should not
        raise tap.Failure(f'the shell ended at: {text}\n' + '\n'.join(lines))

    def close(self):
        """Ends it, and whatever it left running on purpose ends with the test."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def _entering(command):
    """Options and node of `migctl sim shell …`, or None."""
    words = shlex.split(command.text, comments=True)
    return words[3:] if words[:3] == ['migctl', 'sim', 'shell'] else None


class Session:
    """The shells of one reader: outside, and on the node while there is one."""

    def __init__(self, env, cwd):
        self.env, self.cwd = env, cwd
        self.outside = Shell([], env, cwd)
        self.inside = None

    def type(self, command):
        """(lines, status) of one command of the document."""
        node = _entering(command)
        if node is not None:
            self.inside = Shell(['migctl', 'sim', 'exec', *node, '--'], self.env, self.cwd)
            return [], 0
        if command.text.strip() == 'exit' and self.inside:
            self.inside.close()
            self.inside = None
            return [], 0
        return (self.inside or self.outside).run(command.text)

    def close(self):
        for shell in (self.inside, self.outside):
            if shell:
                shell.close()


def _environment(extra):
    env = {'PATH': f'{tap.build_root()}:{os.environ["PATH"]}', 'LC_ALL': 'C.UTF-8',
           'HOME': str(tap.tmpdir()), 'MIGSIM_HOME': str(tap.tmpdir() / 'nodes'), 'TERM': 'dumb'}
    return {**env, **extra}


def _wrong(name, command, got, status):
    want = '\n'.join(command.answer)
    return (f'{FOLDER}/{name}.md:{command.line}: $ {command.text}\n'
            f'[exit status {status}, the document has {command.status}]\n'
            f'[the document]\n{want}\n[what came back]\n' + '\n'.join(got))


def _asks_for_status(commands, index):
    return index + 1 < len(commands) and 'echo $?' in commands[index + 1].text


def play(name, env, update=False):
    """Runs the tutorial and compares; with update, rewrites it. Returns how many commands ran."""
    path = path_of(name)
    lines = path.read_text(encoding='utf-8').splitlines()
    parsed = blocks('\n'.join(lines))
    session = Session(_environment(env), tap.tmpdir())
    changes, count = [], 0
    for block in parsed:
        for index, command in enumerate(block.commands if not block.not_run else []):
            got, status = session.type(command)
            count += 1
            right = status == command.status or _asks_for_status(block.commands, index)
            if right and matches(command.answer, got):
                continue
            if not update or not right:
                raise tap.Failure(_wrong(name, command, got, status))
            changes.append((command.line, len(command.answer), got))
    session.close()
    for first, length, got in reversed(changes):
        lines[first:first + length] = got
    if changes:
        path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
    return count
