#!/usr/bin/python3
"""Prints how many lines of code can run as root after the start of supervisord. More than LIMIT is an error.

    root_lines.py SOURCE [FILE]     FILE: the same line is written there

Counted are the .cpp files of spawner/ and common/base/ that the running spawner uses: not what only runs before
its loop (startup*.cpp, main.cpp), and not what it does not link. A line of code holds something that runs: no
comment, no #include or macro, no lone brackets, no constant, no static_assert.
"""

import re
import sys
from pathlib import Path

LIMIT = 1500
NOT_COUNTED = re.compile(r'spawner/(startup\w*|main)\.cpp|common/base/(image_view|line_stamp)\.cpp')
NO_CODE = re.compile(r'[{}();\[\],]+|(static )?constexpr .*;|using .*;|public:|private:|namespace .*|#.*|')


def code_lines(text):
    text = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
    text = re.sub(r'//.*', '', text)
    text = re.sub(r'\bstatic_assert\(.*?\);', '', text, flags=re.S)
    return sum(not NO_CODE.fullmatch(line.strip()) for line in text.splitlines())


def counted_files(source):
    for folder in ('spawner', 'common/base'):
        for path in sorted((source / folder).glob('*.cpp')):
            if not NOT_COUNTED.fullmatch(f'{folder}/{path.name}'):
                yield path


def count(source):
    """(lines of code, lines with comments and all)"""
    texts = [path.read_text() for path in counted_files(source)]
    return sum(map(code_lines, texts)), sum(text.count('\n') for text in texts)


def main():
    code, all_lines = count(Path(sys.argv[1]))
    line = f'{code} lines of code can run as root after the start ({all_lines} with comments), of {LIMIT} allowed'
    print(line)
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(line + '\n')
    sys.exit(code > LIMIT)


if __name__ == '__main__':
    main()
