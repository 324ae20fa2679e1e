# SPDX-License-Identifier: Apache-2.0
"""scripts/lib-build.sh: a build directory in any state ends in a build or in a clear message."""
import os
import shutil

import tap
from tap import test

PROJECT = '''project('x', version: '1')
custom_target('made', output: 'made', input: 'from', command: ['./make', '@INPUT@', '@OUTPUT@'],
  build_by_default: true)
'''


def tree(name='tree', made='made of this'):
    """A project without a compiler, in the test's directory."""
    top = tap.tmpdir() / name
    top.mkdir()
    (top / 'meson.build').write_text(PROJECT, encoding='utf-8')
    (top / 'make').write_text('#!/bin/sh\ncp "$1" "$2"\n', encoding='utf-8')
    (top / 'make').chmod(0o755)
    (top / 'from').write_text(made, encoding='utf-8')
    return top


def build(top, *options):
    """Builds it as ./demo and ./check do."""
    script = f'. {tap.source("scripts", "lib-build.sh")}; mig_build build "$@" -- all'
    return tap.run(['bash', '-uc', script, 'bash', *options], cwd=top,
                   env={'DESTDIR': None, 'NINJA_STATUS': None})


def made(top):
    """What was built."""
    return (top / 'build' / 'made').read_text(encoding='utf-8')


@test
def builds_and_builds_again():
    top = tree()
    got = tap.succeeded(build(top))
    tap.contains(got.stdout, 'Configuring build/\nBuilding in build/\n[1/1] ')
    tap.equal(made(top), 'made of this')
    (top / 'from').write_text('other', encoding='utf-8')
    got = tap.succeeded(build(top))
    tap.not_contains(got.stdout, 'onfiguring')
    tap.equal(made(top), 'other')
    tap.equal(tap.succeeded(build(top)).stdout, 'Building in build/\n')


@test
def options_are_given_to_meson():
    top = tree()
    tap.succeeded(build(top, '-Dprefix=/somewhere'))
    got = tap.run(['meson', 'introspect', '--buildoptions', 'build'], cwd=top)
    tap.contains(got.stdout, '"/somewhere"')


@test
def a_moved_tree_is_configured_anew():
    top = tree()
    tap.succeeded(build(top))
    moved = tap.tmpdir() / 'moved'
    shutil.copytree(top, moved)
    (top / 'from').write_text('not this', encoding='utf-8')
    (moved / 'from').write_text('this', encoding='utf-8')
    got = tap.succeeded(build(moved))
    tap.contains(got.stdout, 'build/ was configured for another tree; making it anew.\n')
    tap.equal(made(moved), 'this')


@test
def a_damaged_directory_is_configured_anew():
    top = tree()
    for damage in ('build/meson-private/coredata.dat', 'build/build.ninja',
                   'build/meson-info/meson-info.json'):
        tap.succeeded(build(top))
        os.unlink(top / damage)
        tap.succeeded(build(top))
        tap.equal(made(top), 'made of this', damage)
    (top / 'build/build.ninja').write_text('nonsense\n', encoding='utf-8')
    got = tap.succeeded(build(top))
    tap.contains(got.stdout, 'build/ cannot be used as it is; configuring it anew.\n')
    tap.equal(made(top), 'made of this')


@test
def a_directory_of_other_things_is_kept():
    top = tree()
    (top / 'build').mkdir()
    (top / 'build' / 'mine').write_text('mine', encoding='utf-8')
    tap.succeeded(build(top))
    tap.equal((top / 'build' / 'mine').read_text(encoding='utf-8'), 'mine')


@test
def a_failed_configuration_names_the_log():
    top = tree()
    (top / 'meson.build').write_text("project('x')\nerror('no such luck')\n", encoding='utf-8')
    got = tap.exited(build(top), 1)
    tap.contains(got.stderr, 'no such luck')
    tap.contains(got.stderr, f'configuring build/ failed; the log is {top}/build/logs/build.log\n')


@test
def a_mistake_in_a_build_file_keeps_what_is_built():
    top = tree()
    tap.succeeded(build(top))
    (top / 'meson.build').write_text(PROJECT + "error('no such luck')\n", encoding='utf-8')
    got = tap.exited(build(top), 1)
    tap.contains(got.stderr, 'no such luck')
    tap.equal(made(top), 'made of this')


@test
def a_failed_build_names_the_log():
    top = tree()
    (top / 'make').write_text('#!/bin/sh\necho it broke >&2\nexit 1\n', encoding='utf-8')
    got = tap.exited(build(top), 1)
    tap.contains(got.stdout, 'it broke\n')
    tap.contains(got.stderr, f'the build failed; the log is {top}/build/logs/build.log\n')
    tap.contains((top / 'build/logs/build.log').read_text(encoding='utf-8'), 'it broke\n')


@test
def a_tree_that_cannot_be_written_says_so():
    top = tree()
    (top / 'build').write_text('a file', encoding='utf-8')
    got = tap.exited(build(top), 1)
    tap.contains(got.stderr, f'cannot write to {top}/build: the build needs a tree that it can '
                             'write to\ncopy the tree to a place of yours and run it there\n')


tap.main()
