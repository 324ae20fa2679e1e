# SPDX-License-Identifier: Apache-2.0
"""The documents: links lead somewhere, and README.md has what other tests read from it."""
import re

import tap
from tap import test

ROOT = tap.source_root()


def documents():
    """The Markdown files of the tree."""
    yield from sorted(ROOT.glob('*.md'))
    yield from sorted((ROOT / 'docs').rglob('*.md'))


@test
def relative_links_lead_somewhere():
    lost = []
    for file in documents():
        text = re.sub(r'```.*?```|`[^`\n]*`', '', file.read_text(encoding='utf-8'), flags=re.DOTALL)
        for target in re.findall(r'\]\(([^)\s]+)\)', text):
            if re.match(r'[a-z]+:|#', target):
                continue
            if not (file.parent / target.partition('#')[0]).exists():
                lost.append(f'{file.relative_to(ROOT)}: {target}')
    tap.equal(lost, [])


@test
def readme_marks_the_two_commands():
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    tap.contains(text, '<!-- fresh-machine test: these commands -->\n'
                       '```sh\n./demo\n./check\n```\n')


@test
def no_document_names_a_path_of_one_machine():
    found = [str(file.relative_to(ROOT)) for file in documents()
             if re.search(r'(?<![\w$}.~])/(?:work|root|home)/', file.read_text(encoding='utf-8'))]
    tap.equal(found, [])


tap.main()
