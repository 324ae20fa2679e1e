# SPDX-License-Identifier: Apache-2.0
"""scripts/checksrc.py and scripts/check-includes.py: the tree passes, and each rule can fail."""
import importlib.util

import tap
from tap import test


def load(name):
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(name.replace('-', '_'),
                                                  tap.source('scripts', f'{name}.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


checksrc = load('checksrc')
includes = load('check-includes')

HEAD = '/* SPDX-License-Identifier: Apache-2.0 */\n/* What it is for. */\n'


def findings(text, path='src/cli/x.c', head=HEAD):
    """What checksrc finds in a file of this text, without line numbers."""
    return [finding for _, finding in checksrc.check(path, head + text)]


@test
def tree_has_no_banned_calls():
    got = tap.run(['python3', tap.source('scripts', 'checksrc.py')])
    tap.equal(got.stdout, '')
    tap.succeeded(got)


@test
def tree_includes_downwards_only():
    got = tap.run(['python3', tap.source('scripts', 'check-includes.py')])
    tap.equal(got.stdout, '')
    tap.succeeded(got)


@test
def each_banned_call_is_found():
    for name in checksrc.BANNED:
        tap.equal(len(findings(f'int a = {name} (x);\n')), 1, name)
    for name in checksrc.BANNED_IN_SRC:
        tap.equal(len(findings(f'{name}(x);\n')), 1, name)
        tap.equal(findings(f'{name}(x);\n', path='tests/unit/test_x.c'), [], name)
    for name in checksrc.BANNED_IN_LIBRARIES:
        tap.equal(len(findings(f'{name}(x);\n', path='src/core/x.c')), 1, name)
        tap.equal(findings(f'{name}(x);\n'), [], name)


@test
def a_finding_has_its_line():
    got = list(checksrc.check('src/cli/x.c', HEAD + '/*\n*/\n"\\"\\n";\nstrcpy(a, b);\n'))
    tap.equal(got, [(6, 'strcpy() is not used here; instead: struct mig_buf')])


@test
def comments_strings_and_other_names_do_not_count():
    tap.equal(findings('/* strcpy(a, b)\n system(c) */ // atoi(d)\n'
                       'puts("strcpy(a, \\"b)"); x = \'"\'; my_strcpy(a); a->system(b); c.atoi(d);\n'
                       'mig_system(1);\n'), [])


@test
def an_exception_is_for_its_name_only():
    tap.equal(findings('strcpy(a, b); /* checksrc: allow strcpy */\n'), [])
    tap.equal(len(findings('strcat(a, b); /* checksrc: allow strcpy */\n')), 1)


@test
def the_number_parser_may():
    tap.equal(findings('strtoull(a, b, 0);\n', path='src/shared/number.c'), [])


@test
def descriptors_are_closed_on_exec():
    tap.equal(findings('open(a, O_RDONLY);\n'), ['open() without O_CLOEXEC'])
    tap.equal(findings('openat(f(x), a,\n\tO_RDONLY | O_NOFOLLOW);\n'),
              ['openat() without O_CLOEXEC'])
    tap.equal(findings('open(a, O_RDONLY | O_CLOEXEC);\nopenat(d, a,\n O_CLOEXEC);\n'), [])
    tap.equal(findings('f = fopen(a, "r");\n'), ['fopen() without "e" (close on exec)'])
    tap.equal(findings('f = fopen(a, "re");\n'), [])


@test
def heads_are_wanted():
    tap.equal(len(findings('int a;\n', head='')), 2)
    tap.equal(findings('int a;\n', head=HEAD.splitlines()[0] + '\n'),
              ['no comment that says what this file is for'])
    tap.equal(findings('int a;\n', path='src/cli/x.h'), ['header without #pragma once'])
    tap.equal(findings('#pragma once\n', path='src/cli/x.h'), [])
    tap.equal(findings('x = 1\n', path='scripts/x.py', head='#!/usr/bin/env python3\n')[:1],
              ['the first line (after any #!) is not "SPDX-License-Identifier: Apache-2.0"'])


# ---------------------------------------------------------------- includes

def tree_of(files):
    """A made-up tree in the test's directory; returns what check-includes finds in it."""
    top = tap.tmpdir() / 'tree'
    for path, text in files.items():
        file = top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding='utf-8')
    return [f'{file}:{line}: {finding}' for file, line, finding in includes.check_tree(top)]


def one(path, include, wanted, more=None):
    """A file with one include gives this one finding."""
    got = tree_of({path: f'#include {include}\n', **(more or {})})
    tap.equal(len(got), 1, got)
    tap.contains(got[0], f'{path}:1: ')
    tap.contains(got[0], wanted)


NOT_ALLOWED = {
    'core_to_sim': ('src/core/plan.c', '"sim/engine/engine.h"', 'core may not include'),
    'core_to_config': ('src/core/plan.c', '"config/read.h"', 'core may not include'),
    'engine_to_core': ('src/sim/engine/gi.c', '"core/space.h"', 'sim/engine may not include'),
    'engine_to_store': ('src/sim/engine/gi.c', '"sim/store/store.h"', 'sim/engine may not include'),
    'store_to_abi': ('src/sim/store/map.c', '"sim/abi/abi.h"', 'sim/store may not include'),
    'abi_to_control': ('src/sim/abi/mig.c', '"sim/control/node.h"', 'sim/abi may not include'),
    'abi_to_loader': ('src/sim/abi/mig.c', '"nvml/loader.h"', 'sim/abi may not include'),
    'control_to_core': ('src/sim/control/node.c', '"core/model.h"', 'sim/control may not include'),
    'shared_to_nvml': ('src/shared/buf.c', '"nvml/driver.h"', 'shared may not include'),
    'nvml_to_core': ('src/nvml/loader.c', '"core/model.h"', 'nvml may not include'),
    'config_to_nvml': ('src/config/read.c', '"nvml/driver.h"', 'config may not include'),
    'cli_to_engine': ('src/cli/sim.c', '"sim/engine/engine.h"', 'cli may not include'),
    'core_to_jansson': ('src/core/plan.c', '<jansson.h>', 'core may not use <jansson.h>'),
    'abi_to_jansson': ('src/sim/abi/mig.c', '<jansson.h>', 'sim/abi may not use <jansson.h>'),
    'control_to_yaml': ('src/sim/control/node.c', '<yaml.h>', 'sim/control may not use <yaml.h>'),
    'vendor_header': ('src/nvml/loader.c', '"nvml.h"', 'not a header of this tree'),
    'bare_name': ('src/core/plan.c', '"plan2.h"', 'not relative to src/'),
    'dots': ('src/core/plan.c', '"../sim/engine/engine.h"', 'not relative to src/'),
    'unknown_folder': ('src/strange/x.c', '<stdio.h>', 'not in the table'),
}

for _name, _case in NOT_ALLOWED.items():
    tap.add(f'includes_{_name}', lambda case=_case: one(*case))


@test
def includes_driver_gets_only_its_part_of_shared():
    build = {'src/shared/meson.build': "shared_sim_sources = files(\n  'buf.c',\n)\n",
             'src/shared/buf.c': '', 'src/shared/buf.h': '',
             'src/shared/file.c': '', 'src/shared/file.h': '', 'src/shared/macros.h': ''}
    one('src/sim/abi/mig.c', '"shared/file.h"', 'not linked into the driver', build)
    tap.equal(tree_of({**build, 'src/sim/abi/mig.c':
                       '#include "shared/buf.h"\n#include "shared/macros.h"\n'}), [])


@test
def includes_own_header_comes_first():
    one('src/core/plan.c', '<stdio.h>', 'first include is not the own header "core/plan.h"',
        {'src/core/plan.h': ''})


@test
def includes_downwards_are_fine():
    tap.equal(tree_of({
        'src/core/plan.c': '#include "core/plan.h"\n\n#include <stdio.h>\n\n'
                           '#include "data/tables/gpu_table.h"\n#include "nvml/driver.h"\n',
        'src/core/plan.h': '#include "shared/error.h"\n',
        'src/cli/sim.c': '#include "sim/control/node.h"\n#include "core/plan.h"\n',
        'src/sim/control/node.c': '#include <jansson.h>\n#include "sim/store/store.h"\n',
        'src/sim/abi/mig.c': '#include "nvml/nvml_abi.h"\n#include "sim/store/store.h"\n',
    }), [])


tap.main()
