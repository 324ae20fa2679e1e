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
    source = write('impl.c', '#include "nvml/nvml_abi.h"\nnvmlReturn_t mig_abi_stub(void);\n'
                   'nvmlReturn_t mig_abi_stub(void)\n{\n\treturn NVML_ERROR_NOT_SUPPORTED;\n}\n')
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
