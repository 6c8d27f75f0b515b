#!/usr/bin/env python3
"""Turns files into a C++ source of one table: embed.py OUTPUT ROOT FILE... Paths in the table are relative to ROOT."""

import pathlib
import sys

TYPES = {'.css': 'text/css', '.js': 'text/javascript', '.png': 'image/png', '.gif': 'image/gif'}


def main():
    output, root, *names = sys.argv[1:]
    lines = ['// Made by embed.py.', '#include "rpc/web_file.hpp"', '', 'namespace reeve {', 'namespace {', '']
    rows = []
    for number, name in enumerate(sorted(names)):
        path = pathlib.Path(name).resolve().relative_to(pathlib.Path(root).resolve())
        data = ', '.join(str(byte) for byte in pathlib.Path(name).read_bytes())
        lines.append(f'constexpr unsigned char kFile{number}[] = {{{data}}};')
        rows.append(f'    {{"{path}", "{TYPES[path.suffix]}", kFile{number}}},')
    lines += ['', 'constexpr WebFile kFiles[] = {', *rows, '};', '', '}  // namespace', '',
              'std::span<const WebFile> web_files() { return kFiles; }', '', '}  // namespace reeve', '']
    pathlib.Path(output).write_text('\n'.join(lines), encoding='utf-8')


if __name__ == '__main__':
    main()
