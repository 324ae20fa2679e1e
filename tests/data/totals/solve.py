#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Solves the published instances with GLPK and writes what it keeps, kept.json.

    tests/data/totals/solve.py [DIRECTORY]

An integer program of its own, from the instance file and the geometry in generate.py: x[g,s] is 1
where GPU g gets set s; each GPU gets one set, the sets add up to the totals; most busy instances kept,
and of those answers most instances kept. What GPU g keeps with set s is the best over all layouts of
that set, tried one by one. Needs glpsol (Debian: glpk-utils).
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import generate

WEIGHT = 1000  # of a busy instance; there are fewer instances than that


def best_kept(gpu, layouts):
    """(busy kept, kept) of a GPU with one of these layouts."""
    best = (0, 0)
    for layout in layouts:
        kept = [i for i in gpu if (i['profile'], i['start']) in layout]
        best = max(best, (sum(i['busy'] for i in kept), len(kept)))
    return best


def model(instance, by_set):
    """The program in MathProg, and what each GPU keeps with each set."""
    sets = sorted(by_set)
    keeps = [[best_kept(gpu, by_set[s]) for s in sets] for gpu in instance['gpus']]
    wanted = [instance['totals'].get(profile, 0) for profile in generate.A100]
    lines = [
        f'set G := 0..{len(keeps) - 1};', f'set S := 0..{len(sets) - 1};',
        f'set K := 0..{len(wanted) - 1};',
        'param kept{G, S};', 'param has{S, K};', 'param wanted{K};',
        'var x{G, S}, binary;',
        'maximize all: sum{g in G, s in S} kept[g,s] * x[g,s];',
        's.t. one{g in G}: sum{s in S} x[g,s] = 1;',
        's.t. add{k in K}: sum{g in G, s in S} has[s,k] * x[g,s] = wanted[k];',
        'solve;',
        'for {g in G, s in S: x[g,s] > 0.5} printf "%d %d\\n", g, s;',
        'data;',
        'param kept := ' + ', '.join(f'[{g},{s}] {WEIGHT * busy + kept}'
                                     for g, row in enumerate(keeps)
                                     for s, (busy, kept) in enumerate(row)) + ';',
        'param has := ' + ', '.join(f'[{s},{k}] {count}' for s, counts in enumerate(sets)
                                    for k, count in enumerate(counts)) + ';',
        'param wanted := ' + ', '.join(f'[{k}] {count}' for k, count in enumerate(wanted)) + ';',
        'end;',
    ]
    return '\n'.join(lines) + '\n', keeps


def solve(instance):
    """{'busy': …, 'busy_kept': …, 'kept': …} of one instance."""
    by_set = {}
    for layout in generate.layouts():
        by_set.setdefault(generate.set_of(layout), []).append(frozenset(layout))
    program, keeps = model(instance, by_set)
    with tempfile.TemporaryDirectory() as folder:
        source, answer = pathlib.Path(folder, 'model'), pathlib.Path(folder, 'answer')
        source.write_text(program, encoding='ascii')
        done = subprocess.run(['glpsol', '--math', str(source), '--display', str(answer)],
                              capture_output=True, text=True, check=False)
        if 'INTEGER OPTIMAL SOLUTION FOUND' not in done.stdout:
            raise RuntimeError(f'glpsol: {done.stdout}{done.stderr}')
        pairs = [tuple(map(int, line.split())) for line in answer.read_text().splitlines()]
    return {
        'busy': sum(i['busy'] for gpu in instance['gpus'] for i in gpu),
        'busy_kept': sum(keeps[g][s][0] for g, s in pairs),
        'instances': sum(map(len, instance['gpus'])),
        'kept': sum(keeps[g][s][1] for g, s in pairs),
    }


def main():
    directory = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    answers = []
    for number in range(generate.COUNT):
        path = pathlib.Path(__file__).parent / f'{number:02}.json'
        answers.append(json.dumps(solve(json.loads(path.read_text(encoding='ascii')))))
    (directory / 'kept.json').write_text('[\n ' + ',\n '.join(answers) + '\n]\n',
                                         encoding='ascii')


if __name__ == '__main__':
    main()
