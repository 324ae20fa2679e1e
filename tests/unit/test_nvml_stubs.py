# SPDX-License-Identifier: Apache-2.0
"""scripts/gen-nvml-stubs.py: stubs and version scripts out of name lists."""
import tap
from tap import test

HEADER = 'nvmlReturn_t nvmlB(void)\n{\n\treturn 0;\n}\n'


def generate(*args):
    return tap.run(['python3', tap.source('scripts', 'gen-nvml-stubs.py'), *args])


def write(name, text):
    path = tap.tmpdir() / name
    path.write_text(text, encoding='utf-8')
    return path


def stubs(source, *extra, lists=('nvmlA\nnvmlB\n', 'nvmlB\nnvmlC\n')):
    """(result, names stubbed or None) of a run over these lists and one source."""
    paths = [write(f'{n}.txt', text) for n, text in enumerate(lists)]
    out = tap.tmpdir() / 'out.c'
    out.unlink(missing_ok=True)
    result = generate('stubs', '--symbols', *paths, '--sources', write('impl.c', source),
                      '--output', out, *extra)
    if not out.exists():
        return result, None
    text = out.read_text(encoding='utf-8')
    return result, [line[5:-1] for line in text.splitlines() if line.startswith('STUB(')]


@test
def stubs_are_the_union_without_what_is_defined():
    result, names = stubs('MIG_EXPORT ' + HEADER)
    tap.succeeded(result)
    tap.equal(names, ['nvmlA', 'nvmlC'])


@test
def definitions_are_seen_in_every_form():
    source = ('MIG_EXPORT const char *nvmlA(int x)\n{\n}\n'
              'MIG_EXPORT nvmlReturn_t\nnvmlB(void)\n{\n}\n'
              'static nvmlReturn_t nvmlC(void)\n{\n}\n')
    result, names = stubs(source)
    tap.succeeded(result)
    tap.equal(names, ['nvmlC'])


@test
def a_definition_in_no_list_is_an_error_unless_allowed():
    source = 'MIG_EXPORT nvmlReturn_t nvmlTypo(void)\n{\n}\n'
    result, names = stubs(source)
    tap.exited(result, 1)
    tap.contains(result.stderr, "'nvmlTypo' is exported by no driver branch")
    tap.equal(names, None)
    result, names = stubs(source, '--allow', 'nvmlTypo')
    tap.succeeded(result)
    tap.equal(names, ['nvmlA', 'nvmlB', 'nvmlC'])


@test
def a_second_definition_is_an_error():
    result, names = stubs('MIG_EXPORT ' + HEADER + 'MIG_EXPORT ' + HEADER)
    tap.exited(result, 1)
    tap.contains(result.stderr, "'nvmlB' is defined in")
    tap.equal(names, None)


@test
def an_export_that_is_not_understood_is_an_error():
    result, _ = stubs('MIG_EXPORT int other;\n')
    tap.exited(result, 1)
    tap.contains(result.stderr, 'begins with MIG_EXPORT and defines no nvml function')


SOURCE = ('MIG_EXPORT nvmlReturn_t nvmlB(const char *text, /* a, b */\n\t\tnvmlDevice_t *x)\n{\n}\n'
          'MIG_EXPORT nvmlReturn_t nvmlInit_v2(void)\n{\n}\n'
          'MIG_EXPORT const char *nvmlErrorString(int x)\n{\n}\n')


def made(command, source):
    """(result, text or None) of `impl` or `doors` for one source."""
    out = tap.tmpdir() / 'made'
    out.unlink(missing_ok=True)
    result = generate(command, '--sources', write('impl.c', source), '--output', out)
    return result, out.read_text(encoding='utf-8') if out.exists() else None


@test
def what_is_defined_gets_another_name_and_a_door():
    result, header = made('impl', SOURCE)
    tap.succeeded(result)
    tap.contains(header, '#define nvmlB mig_impl_nvmlB\n')
    tap.contains(header, 'nvmlReturn_t nvmlB(const char *text, nvmlDevice_t *x);\n')
    tap.true('nvmlErrorString' not in header, header)
    result, doors = made('doors', SOURCE)
    tap.succeeded(result)
    tap.contains(doors, '\nDOOR(nvmlB, (const char *text, nvmlDevice_t *x), (text, x))\n')
    tap.contains(doors, '\nINIT_DOOR(nvmlInit_v2, (void), ())\n')
    tap.true('nvmlErrorString' not in doors, doors)


@test
def what_no_door_can_be_made_for_is_an_error():
    for source, message in (
            ('MIG_EXPORT int nvmlB(void)\n{\n}\n', "'nvmlB' does not return nvmlReturn_t"),
            ('MIG_EXPORT nvmlReturn_t nvmlB(int x[2])\n{\n}\n', "cannot read the parameter 'int x[2]'"),
            ('MIG_EXPORT nvmlReturn_t nvmlB(void (*f)(void))\n{\n}\n', 'no door can be made for')):
        for command in ('impl', 'doors'):
            result, text = made(command, source)
            tap.exited(result, 1)
            tap.contains(result.stderr, message)
            tap.equal(text, None)


@test
def names_say_which_branches_export_them():
    out = tap.tmpdir() / 'names.c'
    lists = [write('470.txt', 'nvmlB\nnvmlErrorString\n'), write('550.txt', 'nvmlA\nnvmlB\n')]
    tap.succeeded(generate('names', '--symbols', *lists, '--output', out))
    tap.contains(out.read_text(encoding='utf-8'),
                 '{\n\t{"nvmlA", {550}},\n\t{"nvmlB", {470, 550}},\n};\n')
    result = generate('names', '--symbols', write('x.txt', 'nvmlA\n'), '--output', out)
    tap.exited(result, 1)
    tap.contains(result.stderr, 'not named after a driver branch')


@test
def damaged_lists_are_refused():
    for text, message in (('nvmlB\nnvmlA\n', 'not sorted'), ('nvmlA\nnvmlA\n', 'there twice'),
                          ('nvmlA\nfoo\n', "2: not a name of NVML: 'foo'"), ('', 'no names')):
        result, names = stubs('', lists=(text,))
        tap.exited(result, 1)
        tap.contains(result.stderr, message)
        tap.equal(names, None)


@test
def map_exports_the_list_and_nothing_else():
    out = tap.tmpdir() / 'x.map'
    tap.succeeded(generate('map', '--symbols', write('l.txt', 'nvmlA\nnvmlB\n'), '--output', out))
    tap.equal(out.read_text(encoding='utf-8'),
              '{\n\tglobal:\n\t\tnvmlA;\n\t\tnvmlB;\n\tlocal:\n\t\t*;\n};\n')


@test
def library_of_each_branch_exports_exactly_its_list():
    """With a real compiler: every name a stub, linked with each branch's script."""
    symbols = tap.source_root() / 'data' / 'nvml' / 'symbols'
    lists = sorted(symbols.glob('*.txt'))
    tap.equal([path.stem for path in lists], ['470', '535', '550', '580'])
    source = write('impl.c', '#include "nvml/nvml_abi.h"\n#include "sim/abi/door.h"\n'
                   'nvmlReturn_t mig_abi_stub(void);\n'
                   'nvmlReturn_t mig_abi_stub(void)\n{\n\treturn NVML_ERROR_NOT_SUPPORTED;\n}\n'
                   'bool mig_abi_door_is_armed(void)\n{\n\treturn false;\n}\n'
                   'int mig_abi_door_ask(const char *function)\n{\n\treturn !function;\n}\n')
    out = tap.tmpdir() / 'stubs.c'
    tap.succeeded(generate('stubs', '--symbols', *lists, '--sources', source, '--output', out))
    for path in lists:
        script = tap.tmpdir() / 'branch.map'
        library = tap.tmpdir() / f'{path.stem}.so'
        tap.succeeded(generate('map', '--symbols', path, '--output', script))
        tap.succeeded(tap.run(['cc', '-std=gnu11', '-Wall', '-Wextra', '-Wmissing-prototypes',
                               '-Wstrict-prototypes', '-Werror', '-fPIC', '-fvisibility=hidden',
                               '-shared', '-I', tap.source('src'), f'-Wl,--version-script={script}',
                               source, out, '-o', library]))
        listed = tap.succeeded(tap.run(['nm', '-D', '--defined-only', library])).stdout
        tap.equal(sorted(line.split()[2] for line in listed.splitlines()),
                  path.read_text(encoding='utf-8').split(), path.name)


tap.main()
