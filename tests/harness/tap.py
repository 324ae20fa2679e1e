# SPDX-License-Identifier: Apache-2.0
"""Tests in Python that print TAP; the counterpart of test.h.

    import tap
    from tap import test

    @test
    def status_names_the_node():
        got = tap.run([tap.build('migctl'), '--node', 'x', 'status'])
        tap.equal(got.rc, 6)
        tap.contains(got.stderr, "no node 'x'")

    tap.main()

Each test runs in a process of its own: a crash (also of a library loaded with
ctypes) fails that test only. Its output is captured and shown as comments; its
directory tap.tmpdir() is removed afterwards; its process group is killed when it
is over. A test sees no simulated node of the person who runs it: MIGSIM_NODE and
MIGCTL_HOST_ROOT are unset on import, and MIGSIM_HOME is a folder (not made yet) in
tap.tmpdir() unless the test file sets it. Test files are run by meson with tests/harness on PYTHONPATH; by hand:
PYTHONPATH=tests/harness MIG_BUILD_ROOT=build python3 tests/unit/test_x.py [NAME...]

Python's standard library only, 3.11 and later; schemas.py uses jsonschema where it is there.
"""
import dataclasses
import difflib
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import traceback

DEADLINE_S = 120

# What a library that is built with a sanitizer says in a program that is not.
SANITIZER_REFUSES = b'ASan runtime does not come first'
NOT_LOADABLE = 'a library with address or thread sanitizer cannot be loaded by Python'
OUTPUT_SHOWN = 64 * 1024

_EXIT_FAIL = 1
_EXIT_SKIP = 77

for _variable in ('MIGSIM_NODE', 'MIGCTL_HOST_ROOT', 'MIGSIM_HOME'):
    os.environ.pop(_variable, None)

_tests = []
_tmpdir = None


class Skip(Exception):
    """Raised by skip()."""


class Failure(AssertionError):
    """An assertion of this module that did not hold."""


def test(function):
    """Registers a test; its name is the function's, its doc string is not used."""
    if any(name == function.__name__ for name, _ in _tests):
        raise ValueError(f'two tests are called {function.__name__}')
    _tests.append((function.__name__, function))
    return function


def add(name, function):
    """Registers a test made in a loop, for tables of cases. The name has no spaces."""
    def named():
        function()
    named.__name__ = name
    test(named)


# ------------------------------------------------------------------- places

def source_root():
    """The top of the source tree."""
    here = pathlib.Path(__file__).resolve().parent.parent.parent
    return pathlib.Path(os.environ.get('MIG_SOURCE_ROOT') or here)


def build_root():
    """The build directory."""
    return pathlib.Path(os.environ.get('MIG_BUILD_ROOT') or source_root() / 'build')


def source(*parts):
    """A path in the source tree, as a string."""
    return str(source_root().joinpath(*parts))


def build(*parts):
    """A path in the build directory, as a string."""
    return str(build_root().joinpath(*parts))


def tmpdir():
    """The private directory of the running test, a pathlib.Path."""
    return pathlib.Path(_tmpdir)


# ------------------------------------------------------------------ running

@dataclasses.dataclass
class Result:
    """What a command did. A negative rc is the signal that ended it."""
    argv: list
    rc: int
    stdout: str
    stderr: str

    def __str__(self):
        return (f'$ {" ".join(map(str, self.argv))}\n[exit status {self.rc}]\n'
                f'[stdout]\n{self.stdout}[stderr]\n{self.stderr}')


def run(argv, env=None, clean_env=None, stdin='', cwd=None, timeout=None, binary=False):
    """Runs a command to its end and returns a Result; never raises for its exit status.

    env: variables added to this process's (a value of None removes one).
    clean_env: the whole environment instead. stdin: text (bytes if binary).
    binary: stdout and stderr are bytes; else UTF-8 with surrogateescape.
    timeout: seconds; passing it is a failure of the test.
    With --json among the arguments the documents are compared with their schemas (schemas.py).
    """
    if clean_env is not None:
        full = dict(clean_env)
    else:
        full = dict(os.environ)
        for key, value in (env or {}).items():
            if value is None:
                full.pop(key, None)
            else:
                full[key] = str(value)
    argv = [os.fspath(part) if isinstance(part, os.PathLike) else str(part) for part in argv]
    data = stdin if binary and isinstance(stdin, bytes) else str(stdin).encode()
    try:
        done = subprocess.run(argv, env=full, input=data, cwd=cwd, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    except subprocess.TimeoutExpired as error:
        out = (error.stdout or b'').decode('utf-8', 'replace')
        err = (error.stderr or b'').decode('utf-8', 'replace')
        raise Failure(f'{argv} still running after {timeout} s\n{out}{err}') from None
    out, err = done.stdout, done.stderr
    if not binary:
        out = out.decode('utf-8', 'surrogateescape')
        err = err.decode('utf-8', 'surrogateescape')
    got = Result(argv, done.returncode, out, err)
    if done.returncode != 0 and SANITIZER_REFUSES in done.stderr:
        skip(NOT_LOADABLE)
    if '--json' in argv and not binary:
        _look_at_documents(got)
    return got


def _look_at_documents(got):
    """What --json printed is as its schema says, and stderr has the document of an error or nothing."""
    import schemas  # pylint: disable=import-outside-toplevel
    for text in (got.stdout, got.stderr):
        schemas.look(text)
    # Of a program that is run on a node: what stands behind the last "--".
    begin = max((at + 1 for at, word in enumerate(got.argv) if word == '--'), default=0)
    words = got.argv[begin:] if '--json' in got.argv[begin:] else []
    if words and pathlib.Path(words[0]).name == 'migctl' and got.stderr:
        try:
            json.loads(got.stderr)
        except ValueError:
            fail(f'with --json stderr is more than the document of an error\n{got}')


# --------------------------------------------------------------- assertions

def fail(message):
    """Fails the test."""
    raise Failure(message)


def skip(reason):
    """Ends the test as skipped; the reason is printed and counted."""
    raise Skip(reason)


def true(condition, message='false'):
    """The condition holds."""
    if not condition:
        fail(message)


def equal(got, want, message=''):
    """The two are equal. Texts of several lines are shown as a diff."""
    if got == want:
        return
    head = f'{message}: ' if message else ''
    if isinstance(got, str) and isinstance(want, str) and '\n' in got + want:
        diff = difflib.unified_diff(want.splitlines(), got.splitlines(), 'wanted', 'got',
                                    lineterm='')
        text = '\n'.join(diff) or f'got    {got!r}\nwanted {want!r}'
        fail(f'{head}texts differ\n{text}')
    fail(f'{head}got {got!r}, wanted {want!r}')


def contains(text, part, message=''):
    """The text has this part (or the collection this member)."""
    if part in text:
        return
    head = f'{message}: ' if message else ''
    shown = text if isinstance(text, str) else repr(text)
    fail(f'{head}wanted {part!r} in\n{shown}')


def not_contains(text, part, message=''):
    """The text does not have this part."""
    if part not in text:
        return
    head = f'{message}: ' if message else ''
    shown = text if isinstance(text, str) else repr(text)
    fail(f'{head}did not want {part!r} in\n{shown}')


def succeeded(result):
    """The command of a Result exited with 0; shows all it said otherwise. Returns the Result."""
    if result.rc != 0:
        fail(f'command failed\n{result}')
    return result


def exited(result, rc):
    """The command of a Result exited with rc; shows all it said otherwise. Returns the Result."""
    if result.rc != rc:
        fail(f'wanted exit status {rc}\n{result}')
    return result


# ------------------------------------------------------------- the test run

def _deadline_s():
    text = os.environ.get('MIG_TEST_TIMEOUT_SCALE', '')
    try:
        scale = float(text) if text else 1.0
    except ValueError:
        scale = 1.0
    if scale == 0:
        return 0
    return max(1, int(DEADLINE_S * scale))


def _remove_tree(path):
    """Removes a directory even when a test made parts of it read-only."""
    def make_writable(where):
        mode = os.lstat(where).st_mode
        if stat.S_ISDIR(mode):
            os.chmod(where, 0o700)

    make_writable(path)
    for where, dirs, _ in os.walk(path):
        for name in dirs:
            make_writable(os.path.join(where, name))
    shutil.rmtree(path)


def _comment(text):
    for line in text.splitlines() or ['']:
        print('# ' + line)


def _run_child(function, output, reason_fd):
    """In the test's own process; never returns."""
    os.environ.setdefault('MIGSIM_HOME', os.path.join(_tmpdir, 'migsim'))
    os.setpgid(0, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    # Under nohup it is ignored, and what a test starts inherits that.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(null)
    code = 0
    try:
        function()
    except Skip as skipped:
        os.write(reason_fd, str(skipped).encode()[:4096])
        code = _EXIT_SKIP
    except Failure as failure:
        frame = [f for f in traceback.extract_tb(failure.__traceback__)
                 if f.filename != __file__][-1:]
        for entry in frame:
            print(f'{os.path.basename(entry.filename)}:{entry.lineno}: {entry.line}')
        print(failure)
        code = _EXIT_FAIL
    except BaseException:  # pylint: disable=broad-except
        traceback.print_exc()
        code = _EXIT_FAIL
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _judge(status, timed_out, reason):
    """(result, why) of a test process that ended with this wait status."""
    if timed_out:
        return 'fail', f'still running after {_deadline_s()} s'
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = '?'
        return 'fail', f'killed by signal {number} ({name})'
    code = os.WEXITSTATUS(status)
    if code == _EXIT_SKIP and reason:
        return 'skip', reason
    if code != 0:
        return 'fail', 'assertion failed' if code == _EXIT_FAIL else f'ended with exit status {code}'
    return 'pass', ''


def _fork_and_wait(function, output):
    timed_out = []
    read_end, write_end = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        _run_child(function, output, write_end)
    os.close(write_end)
    try:
        os.setpgid(pid, pid)
    except OSError:
        pass  # it did so itself, or is already gone

    def on_alarm(_number, _frame):
        timed_out.append(True)
        for target in (-pid, pid):
            try:
                os.kill(target, signal.SIGKILL)
            except ProcessLookupError:
                pass

    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(_deadline_s())
    _, status = os.waitpid(pid, 0)
    signal.alarm(0)
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    os.set_blocking(read_end, False)
    try:
        reason = os.read(read_end, 4096).decode('utf-8', 'replace')
    except BlockingIOError:
        reason = ''
    os.close(read_end)
    return _judge(status, bool(timed_out), reason)


def _comment_captured(output):
    output.seek(0)
    text = output.read().decode('utf-8', 'replace')[-OUTPUT_SHOWN:]
    if text:
        _comment(text)


def _run_test(number, name, function):
    global _tmpdir  # pylint: disable=global-statement
    _tmpdir = os.path.realpath(tempfile.mkdtemp(prefix='mig-test-'))
    with tempfile.TemporaryFile() as output:
        result, why = _fork_and_wait(function, output.fileno())
        if result == 'pass':
            print(f'ok {number} {name}')
            _comment_captured(output)
        elif result == 'skip':
            why = ' '.join(why.replace('#', ' ').split())
            print(f'ok {number} {name} # SKIP {why}')
        else:
            print(f'not ok {number} {name}')
            _comment(f'{name}: {why}')
            _comment_captured(output)
    try:
        _remove_tree(_tmpdir)
    except OSError as error:
        _comment(f'cannot remove {_tmpdir}: {error}')
    sys.stdout.flush()
    return result


def main():
    """Runs the registered tests, or those named on the command line; exits."""
    wanted = sys.argv[1:]
    names = [name for name, _ in _tests]
    if wanted == ['-l']:
        print('\n'.join(names))
        sys.exit(0)
    for name in wanted:
        if name not in names:
            print(f'Bail out! no test "{name}" here; -l lists them')
            sys.exit(2)
    chosen = [(name, function) for name, function in _tests if not wanted or name in wanted]
    print(f'1..{len(chosen)}')
    failed = 0
    for number, (name, function) in enumerate(chosen, 1):
        failed += _run_test(number, name, function) == 'fail'
    sys.exit(1 if failed else 0)
