#!/usr/bin/python3
"""Runs all tests of a build, as root and as an ordinary user, and adds them up. Started by test/run.

Every kind of test is a command that says "N passed, N failed, N skipped" in its last line (doctest programs
say the same in their own words). The commands run from a copy of what they need below /tmp, because an
ordinary user can seldom read root's checkout; each half has a folder of its own for temporary files.
"""

import argparse
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
PYTHON = '/usr/bin/python3'
BINARIES = ('supervisord', 'supervisor-confread', 'supervisor-engine', 'supervisor-log', 'supervisor-rpc',
            'supervisorctl', 'echo_supervisord_conf', 'pidproxy')
KINDS = ('units', 'layers', 'pages', 'sandbox', 'blackbox', 'compare', 'crash', 'hostile', 'conformance')
SLOW = ('compare', 'crash', 'hostile', 'conformance')
# What a build with a sanitizer runs, if nothing is chosen; the ordinary user all of it but units. No part has
# threads: ThreadSanitizer can find signal handlers that do too much, and what the tests' threads do.
SANITIZED = {'address': ('units', 'blackbox', 'crash', 'hostile', 'conformance'),
             'thread': ('units', 'crash', 'conformance')}
THREAD_AREAS = ('events', 'lifecycle', 'logs', 'rpc')
ONCE = ('layers', 'pages', 'compare')     # the same for everybody
SKIPPED = 77     # status of a command that says so
LIMIT = 2400     # seconds for one command, on a busy machine too
ORDINARY = 'nobody'

COUNTS = re.compile(r'^(\d+) passed, (\d+) failed, (\d+) skipped$', re.M)
DOCTEST = re.compile(r'test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed \|\s*(\d+) skipped')
UNITTEST = re.compile(r'^Ran (\d+) tests? in .*\n\n(?:OK|FAILED)(.*)', re.M)


def counts_of(text):
    """(passed, failed, skipped) as a command has printed them last; None if it has not."""
    if found := [*COUNTS.finditer(text), *DOCTEST.finditer(text)]:
        return tuple(map(int, found[-1].groups()))
    if found := UNITTEST.search(text):
        numbers = {name: int(number) for name, number in re.findall(r'(\w+)=(\d+)', found[2])}
        failed, skipped = numbers.get('failures', 0) + numbers.get('errors', 0), numbers.get('skipped', 0)
        return int(found[1]) - failed - skipped, failed, skipped
    return None


class Total:
    def __init__(self):
        self.counts = [0, 0, 0]

    def add(self, counts):
        self.counts = [a + b for a, b in zip(self.counts, counts)]

    def __str__(self):
        return '{} passed, {} failed, {} skipped'.format(*self.counts)


class Half:
    """What one user runs: root (user is None, unless test/run was not started by root) or an ordinary user."""

    def __init__(self, stage, user=None, sanitized=''):
        self.stage = stage
        self.user, self.sanitized = user, sanitized
        self.name = user or pwd.getpwuid(os.geteuid()).pw_name
        self.folder = stage / ('user' if user else 'self')
        self.folder.mkdir(mode=0o755)
        self.environment = {
            'PATH': '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin', 'LC_ALL': 'C.UTF-8',
            'HOME': str(self.folder), 'TMPDIR': str(self.folder), 'PYTHONDONTWRITEBYTECODE': '1',
            'SUPERVISORD': f'{stage}/build/supervisord', 'SUPERVISORCTL': f'{stage}/build/supervisorctl',
            'ECHO_CONF': f'{stage}/build/echo_supervisord_conf', 'PIDPROXY': f'{stage}/build/pidproxy',
            'TEST_PROGRAMS': f'{stage}/build/test/blackbox', 'REEVE_LONG': os.environ.get('REEVE_LONG', '')}
        if sanitized:
            # Leaks: supervisord and the parts end by _exit() or are killed; the others look for their own.
            self.environment |= {'REEVE_SANITIZED': '1', 'UBSAN_OPTIONS': 'print_stacktrace=1',
                                 'ASAN_OPTIONS': 'verify_asan_link_order=0', 'TSAN_OPTIONS': 'halt_on_error=1'}
        if user:
            entry = pwd.getpwnam(user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            self.prefix = ['setpriv', f'--reuid={entry.pw_uid}', f'--regid={entry.pw_gid}', '--clear-groups']
        else:
            self.prefix = []

    def run(self, command, environment=None):
        """Runs a command to its end; returns (status, all it has printed)."""
        try:
            done = subprocess.run([*self.prefix, *map(str, command)], cwd=self.folder, text=True, errors='replace',
                                  env={**self.environment, **(environment or {})}, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT)
            return done.returncode, done.stdout
        except subprocess.TimeoutExpired as late:
            return 1, (late.stdout or b'').decode(errors='replace') + f'\nnot finished within {LIMIT} s'

    def count(self, what, command, environment=None):
        """Runs a command and returns its sums. What fails is run once more, as the machine may have been busy."""
        counts = self.count_once(what, command, environment)
        if counts[1]:
            say(f'    {what} ({self.name}): {counts[1]} failed; retried')
            if '--jobs' in command and len(self.failed) == counts[1]:     # cases of the kit: only those, alone
                pattern = '^(' + '|'.join(map(re.escape, self.failed)) + ')$'
                again = self.count_once(what, [*command, '--jobs', 1, '-k', pattern], environment)
                return counts[0] + again[0], again[1], counts[2] + again[2]
            counts = self.count_once(what, command, environment)
        return counts

    def count_once(self, what, command, environment):
        """Runs a command, shows what it prints apart from its sums, and returns the sums."""
        started = time.monotonic()
        status, text = self.run(command, environment)
        self.failed = re.findall(r'^failed +(\S+)', text, re.M)
        found = counts_of(text)
        counts = found or (0, 0, 0)
        if status == SKIPPED:
            counts = (0, 0, 1)
        elif status != 0 and counts[1] == 0:
            counts = (counts[0], counts[1] + 1, counts[2])     # it died, or said nothing
            text += f'\nstatus {status}'
        elif not found:
            counts = (1, 0, 0)
        say(f'{what} ({self.name}): {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped '
            f'in {time.monotonic() - started:.0f} s')
        body = COUNTS.sub('', text).strip()
        if not (counts[1] or counts[2]):
            body = '\n'.join(line for line in body.splitlines() if line.startswith('note: '))
        if body:
            say(re.sub('^', '    ', body, flags=re.M))
        return counts


def say(text):
    print(text, flush=True)


# --- the kinds; each returns (passed, failed, skipped) ------------------------------------------------------

def units(half, build):
    total = Total()
    tests = json.loads(subprocess.run(['meson', 'introspect', '--tests', build], check=True, text=True,
                                      capture_output=True).stdout)
    for test in tests:
        if test['name'] == 'sandbox':
            continue     # a kind of its own
        if half.sanitized == 'thread' and test['name'].startswith('fuzz_'):
            continue     # one thread each
        command = [staged(half, build, word) for word in test['cmd']]
        if re.fullmatch(r'python3[.0-9]*', Path(command[0]).name):
            command[0] = PYTHON     # another one in root's home would be of no use to the ordinary user
        environment = {**test['env'], 'REEVE_MANUAL': str(half.stage / 'man/supervisord.conf.5')}
        total.add(half.count(f'unit {test["name"]}', command, environment))
    return total.counts


def staged(half, build, word):
    """A path of the build folder or the checkout, in the copy; meson writes some relative to the build folder."""
    if '/' not in word:
        return word
    path = Path(os.path.normpath(build / word))
    for original, copy in ((build, half.stage / 'build'), (SOURCE, half.stage)):
        if path.is_relative_to(original):
            return str(copy / path.relative_to(original))
    return word


def layers(half, build):
    return half.count('layers', [PYTHON, SOURCE / 'test/tools/check_layers.py', SOURCE, build])


def pages(half, build):
    counts = [0, 0, 0]
    for page in sorted((SOURCE / 'man').glob('*.[1-8]')):
        status, text = half.run(['mandoc', '-T', 'lint', '-W', 'warning', page])
        counts[1 if status else 0] += 1
        if status:
            say(f'    {text.strip()}')
    say('manual pages: {} passed, {} failed, {} skipped'.format(*counts))
    return counts


def sandbox(half, build):
    probe = half.stage / 'build/test/sandbox/probe'
    if not probe.exists():
        say('sandbox: skipped, this build has no filters')
        return 0, 0, 1
    return half.count('sandbox', [probe])


def blackbox(half, build):
    return half.count('black box', [PYTHON, half.stage / 'test/blackbox/run', '--jobs', 3])


def compare(half, build):
    return half.count('compared with Supervisor', [PYTHON, half.stage / 'test/blackbox/ctl_compare.py',
                                                   half.stage / 'build/supervisorctl'])


def crash(half, build):
    return half.count('crash', [PYTHON, half.stage / 'test/crash/run', '--jobs', 3])


def hostile(half, build):
    # Not once more: another run would make other attacks.
    return half.count_once('hostile', [PYTHON, half.stage / 'test/hostile/run'], None)


def conformance_outcomes(half, names, jobs):
    """Runs conformance cases (all if names is None); returns {name: status} and what was printed."""
    junit = half.folder / 'conformance.xml'
    junit.unlink(missing_ok=True)
    pattern = '' if names is None else '^(' + '|'.join(map(re.escape, names)) + ')$'
    status, text = half.run([PYTHON, half.stage / 'test/conformance/run', '--jobs', jobs, '--junit', junit, '-k', pattern])
    outcomes = {}
    if junit.exists():
        from xml.etree import ElementTree
        for node in ElementTree.parse(junit).getroot():
            outcomes[f'{node.get("classname")}.{node.get("name")}'] = \
                'failed' if node.find('failure') is not None else \
                'skipped' if node.find('skipped') is not None else 'passed'
    else:
        text += f'\nstatus {status}'     # it died
    return outcomes, text


def conformance(half, build, expected, candidates=None):
    """The expected cases count; the others are only looked at, if candidates is a set to be filled."""
    started = time.monotonic()
    if not expected and candidates is None:
        return 0, 0, 0
    outcomes, text = conformance_outcomes(half, None if candidates is not None else expected, 4)
    if any(outcomes.get(name, 'failed') == 'failed' for name in expected):
        say(re.sub('^', '    ', COUNTS.sub('', text).strip(), flags=re.M))
    for name in expected:
        if outcomes.get(name, 'failed') == 'failed':
            again, alone = conformance_outcomes(half, [name], 1)
            outcomes[name] = again.get(name, 'failed')
            say(f'    retried alone: {name}: {outcomes[name]}')
            if outcomes[name] == 'failed':
                say(re.sub('^', '    ', COUNTS.sub('', alone).strip(), flags=re.M))
    if candidates is not None:
        candidates.update({name: status for name, status in outcomes.items()})
    counts = [sum(outcomes.get(name, 'failed') == status for name in expected)
              for status in ('passed', 'failed', 'skipped')]
    say(f'conformance ({half.name}): {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped '
        f'in {time.monotonic() - started:.0f} s')
    return counts


# --- all together -------------------------------------------------------------------------------------------

def make_stage(build):
    """Copies binaries, test programs and the checkout to where every user can read them."""
    stage = Path(tempfile.mkdtemp(prefix='reeve-', dir='/tmp'))
    shutil.copytree(SOURCE, stage, ignore=shutil.ignore_patterns('.git', 'build*', '__pycache__'), dirs_exist_ok=True)
    (stage / 'build').mkdir()
    for name in BINARIES:
        if (build / name).exists():
            shutil.copy2(build / name, stage / 'build')
    for path in (build / 'test').rglob('*'):
        if path.is_file() and os.access(path, os.X_OK):
            target = stage / 'build' / path.relative_to(build)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
    for path in [stage, *stage.rglob('*')]:
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    return stage


def main():
    parser = argparse.ArgumentParser(prog='test/run', description='Runs all tests of a build.')
    parser.add_argument('--build', type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument('--fast', action='store_true', help=f'without {", ".join(SLOW)}')
    parser.add_argument('--only', action='append', default=[], choices=KINDS, help='only this kind (repeatable)')
    parser.add_argument('--sanitized', default='', choices=('address', 'thread'), help=argparse.SUPPRESS)
    parser.add_argument('--update-expected', action='store_true',
                        help='adds newly passing cases to test/conformance/expected')
    options = parser.parse_args()
    build = options.build.resolve()
    kinds = [k for k in KINDS if (not options.only or k in options.only) and not (options.fast and k in SLOW)]
    if options.sanitized:
        kinds = [kind for kind in kinds if kind in SANITIZED[options.sanitized] or kind in options.only]
    if options.update_expected and 'conformance' not in kinds:
        kinds.append('conformance')
    listed = SOURCE / 'test/conformance/expected'
    expected = listed.read_text().split() if listed.exists() else []
    if options.sanitized == 'thread':
        expected = [name for name in expected if name.startswith(tuple(f'{area}.' for area in THREAD_AREAS))]

    started = time.monotonic()
    total = Total()
    stage = make_stage(build)
    seen = []     # outcomes of all conformance cases, a dictionary for each half
    try:
        halves = [Half(stage, user, options.sanitized) for user in ([None, ORDINARY] if os.geteuid() == 0 else [None])]
        for half in halves:
            for kind in kinds:
                if kind in ONCE and half is not halves[0]:
                    continue
                if options.sanitized and half.user and kind == 'units' and kind not in options.only:
                    continue
                if kind == 'conformance':
                    seen.append({})
                    total.add(conformance(half, build, expected, seen[-1] if options.update_expected else None))
                else:
                    total.add(globals()[kind](half, build))
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    if options.update_expected:
        passing = {name for outcomes in seen for name, status in outcomes.items() if status == 'passed'}
        failing = {name for outcomes in seen for name, status in outcomes.items() if status == 'failed'}
        added = sorted(passing - failing - set(expected))
        listed.write_text(''.join(f'{name}\n' for name in sorted({*expected, *added})))
        say(f'{len(added)} cases added to {listed.relative_to(SOURCE)}; still failing: '
            f'{" ".join(sorted(failing)) or "none"}')
    say(f'all in {time.monotonic() - started:.0f} s')
    say(str(total))
    return 1 if total.counts[1] or not total.counts[0] else 0


if __name__ == '__main__':
    sys.exit(main())
