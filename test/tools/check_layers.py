#!/usr/bin/python3
"""Checks who includes whom, what each binary links, how it is hardened, and what the documents say of refusals.

    check_layers.py SOURCE BUILD

ARCHITECTURE.md has the rules in words; LAYERS and NEEDED are the same for this script. The last line is
"N passed, N failed, 0 skipped".
"""

import errno
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import root_lines

# Folder: (folders of this project that it may include, headers of libraries that it may include).
LAYERS = {
    'common/base': ([], []),
    'common/text': (['common/base'], []),
    'common/rpcproto': (['common/base', 'common/text'], []),
    'common/sandbox': (['common/base'], ['cap-ng.h', 'seccomp.h']),
    'common/conf': (['common/base', 'common/text'], ['boost/property_tree/']),
    'spawner': (['common/base'], ['cap-ng.h']),
    'daemon/confread': (['common/base', 'common/text', 'common/conf'], ['boost/', 'cap-ng.h']),
    'daemon/engine': (['common/base', 'common/text', 'common/rpcproto', 'common/sandbox'], ['event2/']),
    'daemon/logwriter': (['common/base', 'common/text', 'common/sandbox'], ['event2/']),
    'rpc': (['common/base', 'common/text', 'common/rpcproto', 'common/sandbox'], ['event2/', 'expat.h']),
    'ctl': (['common/base', 'common/text', 'common/conf', 'common/rpcproto'],
            ['boost/', 'curl/', 'editline/', 'expat.h', 'histedit.h', 'xmlrpc-c/']),
}
LIBRARIES = ('boost/', 'cap-ng.h', 'curl/', 'editline/', 'event.h', 'event2/', 'expat.h', 'histedit.h',
             'openssl/', 'seccomp.h', 'xmlrpc-c/', 'xmlrpc.h')

# Shared objects that a binary may need at run time; the C library's own parts are always allowed.
CXX = ['libstdc++.so.6', 'libgcc_s.so.1']
NEEDED = {
    'supervisord': ['libcap-ng.so.0'],
    'supervisor-confread': CXX + ['libcap-ng.so.0'],
    'supervisor-engine': CXX + ['libevent_core-2.1.so.7', 'libcap-ng.so.0', 'libseccomp.so.2'],
    'supervisor-log': CXX + ['libevent_core-2.1.so.7', 'libcap-ng.so.0', 'libseccomp.so.2'],
    'supervisor-rpc': CXX + ['libevent_core-2.1.so.7', 'libevent_extra-2.1.so.7', 'libexpat.so.1',
                             'libcap-ng.so.0', 'libseccomp.so.2'],
    'supervisorctl': CXX + ['libcurl.so.4', 'libedit.so.2',
                            'libexpat.so.1',],
    'echo_supervisord_conf': CXX,
    'pidproxy': CXX,
}
LIBC = ('libc.so.', 'libm.so.', 'ld-linux')

passed = failed = 0


def report(good, what):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f'failed  {what}')


def check_includes(source, folder):
    folders, headers = LAYERS[folder]
    wrong = []
    for path in sorted((source / folder).rglob('*.?pp')):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            own = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            system = re.match(r'\s*#\s*include\s+<([^>]+)>', line)
            if own and own[1] != 'reeve_config.hpp':
                target = own[1].rpartition('/')[0]
                if not any(target == f or target.startswith(f + '/') for f in [*folders, folder]):
                    wrong.append(f'{path.relative_to(source)}:{number} includes "{own[1]}"')
            if system and system[1].startswith(LIBRARIES) and not system[1].startswith(tuple(headers) or ('\0',)):
                wrong.append(f'{path.relative_to(source)}:{number} includes <{system[1]}>')
    report(not wrong, f'{folder} includes what it must not:\n        ' + '\n        '.join(wrong))


def check_folders(source):
    """Every folder with code has a row, so that a new one cannot go unchecked."""
    folders = {str(path.parent.relative_to(source)) for top in ('common', 'spawner', 'daemon', 'rpc', 'ctl')
               for path in (source / top).rglob('*.?pp')}
    unknown = [f for f in folders if not any(f == row or f.startswith(row + '/') for row in LAYERS)]
    report(not unknown, f'folders without a row in LAYERS: {unknown}')


def check_binary(build, name):
    path = build / name
    if not path.exists():
        report(False, f'{name} is not in {build}')
        return
    text = subprocess.run(['readelf', '--wide', '-h', '-l', '-d', path], check=True, text=True,
                          capture_output=True).stdout
    needed = re.findall(r'\(NEEDED\).*\[(.*)\]', text)
    surplus = [n for n in needed if not n.startswith(LIBC) and n not in NEEDED[name]]
    report(not surplus, f'{name} needs {surplus}')
    lacks = [what for what, pattern in {
        'position independence': r'Type:\s+DYN', 'immediate binding': r'BIND_NOW|\bNOW\b',
        'RELRO': r'GNU_RELRO', 'a stack without execution': r'GNU_STACK\s.*\sRW\s'}.items()
             if not re.search(pattern, text)]
    report(not lacks, f'{name} lacks {lacks}')


def check_size(source):
    lines, _ = root_lines.count(source)
    report(lines <= root_lines.LIMIT, f'{lines} lines of code can run as root, more than {root_lines.LIMIT}')


def check_audit(source):
    """spawner/AUDIT has a row for each file, with the hash of what was read."""
    rows = dict(re.findall(r'^(\w+) +[123]  [ABC]  ([0-9a-f]{10}) ', (source / 'spawner/AUDIT').read_text(), re.M))
    files = {path.stem: path for path in (source / 'spawner').glob('*.cpp')} | {'state': source / 'spawner/state.hpp'}
    report(rows.keys() == files.keys(), f'spawner/AUDIT has other rows than files: {sorted(rows.keys() ^ files.keys())}')
    for name, path in sorted(files.items()):
        data = path.read_bytes()
        found = hashlib.sha1(b'blob %d\0' % len(data) + data).hexdigest()[:10]
        report(rows.get(name) == found, f'spawner/AUDIT: {name} was read as {rows.get(name)} and is {found} now')


def literals(source):
    """All string literals of the code, adjacent ones put together."""
    text = '\n'.join(path.read_text() for top in ('common', 'spawner', 'daemon', 'rpc')
                     for path in sorted((source / top).rglob('*.?pp')))
    found = re.findall(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*', text)
    return [''.join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', literal)) for literal in found]


def check_messages(source):
    """What supervisor-privsep.7 says that is logged, is what the code says; each reason of the spawner is there."""
    page = (source / 'man/supervisor-privsep.7').read_text()
    diagnostics = page[page.index('.Sh DIAGNOSTICS'):page.index('.Sh SEE ALSO')]
    reasons = re.search(r'\.Bd -literal.*?\n(.*?)\n\.Ed', diagnostics, re.S)[1].splitlines()
    lines = re.findall(r'^\.Dl (?!\$|#)(.*)$', diagnostics, re.M) + re.findall(r'^\.Dl (PART: .*)$', page, re.M)
    known = literals(source)
    errors = {os.strerror(number) for number in errno.errorcode}
    for line in reasons + lines:
        pieces = [piece.strip() for piece in re.split(r'\b[A-Z]{4,}\b|\bPID\b', line)]
        missing = [p for p in pieces if len(p) > 4 and not any(p in text for text in known) and
                   p not in errors and not any(p.endswith(': ' + error) for error in errors)]
        report(not missing, f'supervisor-privsep.7 names a message that no code has: {line}: {missing}')
    for name in ('from_engine', 'from_log', 'table'):
        said = re.findall(r'return "(sent [^"]*)"', (source / f'spawner/{name}.cpp').read_text())
        missing = [reason for reason in said if reason not in reasons]
        report(not missing, f'supervisor-privsep.7 lacks reasons of spawner/{name}.cpp: {missing}')


def check_named_tests(source):
    """The tests that ARCHITECTURE.md names as proofs exist."""
    text = (source / 'ARCHITECTURE.md').read_text()
    table = text[text.index('## What a captured part can do'):text.index('## The image')]
    named = re.findall(r'`(test/[^`]+)`', table)
    missing = []
    for name in named:
        path, _, what = name.partition(' ')
        if not (source / path).is_file() or what not in (source / path).read_text():
            missing.append(name)
    report(named and not missing, f'ARCHITECTURE.md names tests that do not exist: {missing}')


def main():
    source, build = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    for folder in LAYERS:
        check_includes(source, folder)
    check_folders(source)
    for name in NEEDED:
        check_binary(build, name)
    check_size(source)
    check_audit(source)
    check_messages(source)
    check_named_tests(source)
    print(f'{passed} passed, {failed} failed, 0 skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
