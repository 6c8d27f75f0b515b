"""supervisorctl privileges: what it shows is what /proc says, and what is too much ends it with 1."""

import ctypes
import http.server
import os
import re
import shutil
import socketserver
import subprocess
import threading
from pathlib import Path

from harness import (IS_ROOT, SLEEP, SUPERVISORCTL, case, config, contains, equal, free_port, lacks, matches, other_user,
                     program, section, status_of, wait_for)
from parts import not_sanitized, wait_parts

PROGRAMS = {'engine': 'supervisor-engine', 'front': 'supervisor-rpc', 'log': 'supervisor-log'}
CLEAN = 'No process has more than it may have.\n'
EXCESS = re.compile(r'^TOO MUCH: (.*)$', re.M)


def start(box, *sections):
    """A daemon whose log writer works, so it has shut itself in; the other parts have answered."""
    daemon = box.daemon(program('x', SLEEP, startsecs=0), *sections)
    daemon.wait_log('success: x')
    return daemon


def blocks(text):
    """{program: {field: value}} of what is shown."""
    found = {}
    for line in text.splitlines():
        if head := re.match(r'(supervis\S+) \(pid (\d+)\)$', line):
            found[head[1]] = {'pid': int(head[2])}
        elif line.startswith('    '):
            key, value = line.split(None, 1)
            found[list(found)[-1]][key] = value
    return found


def remade(box, **parts):
    """A daemon from a build folder of its own in which some parts are replaced by scripts."""
    folder = box.path('build')
    folder.mkdir()
    (folder / 'real').mkdir()
    original = Path(box.supervisord[0]).parent
    for name in ('supervisord', 'supervisor-confread', *PROGRAMS.values()):
        shutil.copy2(original / name, folder)
    for role, body in parts.items():
        (folder / PROGRAMS[role]).rename(folder / 'real' / PROGRAMS[role])
        box.write(f'build/{PROGRAMS[role]}', body, 0o755)
    for path in (folder, folder / 'real'):
        path.chmod(0o755)
    box.supervisord = [str(folder / 'supervisord')]
    return box.daemon(program('x', SLEEP, startsecs=0)) if 'log' in parts else start(box)


def excess(box, daemon):
    """What is said to be too much; the status must be 1."""
    result = daemon.ctl('privileges')
    equal(result.code, 1, result.out)
    lacks(result.out, CLEAN)
    return EXCESS.findall(result.out)


@case
def within_the_maximum(box):
    """All four processes are shown as /proc shows them, none has too much, and the status is 0."""
    not_sanitized()
    daemon = start(box)
    pids = {'supervisord': daemon.pid, **{PROGRAMS[role]: pid for role, pid in wait_parts(daemon.pid).items()}}
    result = daemon.ctl('privileges')
    equal((result.code, result.err), (0, ''), result.out)
    equal(result.out.endswith(CLEAN), True, result.out)
    shown = blocks(result.out)
    equal({name: fields['pid'] for name, fields in shown.items()}, pids)
    for name, fields in shown.items():
        status = status_of(fields['pid'])
        matches(fields['user'], rf'\({status["Uid"].split()[1]}\)$')
        equal(fields['no_new_privs'], 'no' if name == 'supervisord' else 'yes')
        if name != 'supervisord':
            equal(fields['seccomp'], f'filter ({status["Seccomp_filters"]})')
            equal((fields['permitted'], fields['ambient']), ('none', 'none'))
            contains(fields['limits'], 'processes 0', 'core 0')
            equal(fields['root'], 'empty and removed' if IS_ROOT else 'not readable')
        if IS_ROOT:
            matches(fields['descriptors'], r'^\d+: .*sockets \d')
    if not IS_ROOT:
        contains(result.out, 'Not separated: supervisord was started as an ordinary user', 'only be checked, by root')


@case(root=True)
def an_engine_that_holds_a_directory(box):
    """A shut-in part with one descriptor too many is named, with the descriptor."""
    not_sanitized()
    daemon = remade(box, engine='#!/bin/sh\nexec 9</etc\nexec "${0%/*}/real/supervisor-engine"\n')
    pid = wait_parts(daemon.pid)['engine']
    equal(excess(box, daemon), [f'supervisor-engine (pid {pid}) has directories among its descriptors: 1 '
                                '(such as /etc, descriptor 9); expected none'])


@case(root=True)
def a_front_that_holds_a_file(box):
    """The front may have sockets without number, but no file."""
    not_sanitized()
    daemon = remade(box, front='#!/bin/sh\nexec 9</etc/hostname\nexec "${0%/*}/real/supervisor-rpc"\n')
    pid = wait_parts(daemon.pid)['front']
    equal(excess(box, daemon), [f'supervisor-rpc (pid {pid}) has files among its descriptors: 1 '
                                '(such as /etc/hostname, descriptor 9); expected none'])


@case
def a_part_that_has_not_shut_itself_in(box):
    """A part without filter, root directory and so on of its own: each of these is named."""
    body = '#!/usr/bin/python3 -ESs\nimport socket, time\ns = socket.socket(fileno=3)\n' \
           's.setblocking(True)\nwhile s.recv(200000): pass\n'
    not_sanitized()
    daemon = remade(box, log=body)
    pid = wait_parts(daemon.pid)['log']
    wait_for(lambda: b'python' in Path(f'/proc/{pid}/cmdline').read_bytes(), 'the script')
    found = excess(box, daemon)
    who = f'supervisor-log (pid {pid}) '
    for line in found:
        contains(line, who)
    contains('\n'.join(found), who + 'has no system-call filter; expected one of its own',
             who + 'has memory that others of its user can read; expected PR_SET_DUMPABLE 0')
    if IS_ROOT:
        contains('\n'.join(found), 'has permitted capabilities sys_chroot; expected none', 'has the root directory /; ',
                 f'{who}is python3', 'has ambient capabilities sys_chroot; expected none')


@case
def a_part_that_is_not_there(box):
    """A part that cannot be started is missed."""
    daemon = remade(box, log='this is no program')
    contains('\n'.join(excess(box, daemon)), 'supervisor-log is not there; expected one')


@case(root=True)
def seen_by_somebody_else(box):
    """What only root may see is shown as not readable; that alone is no failure."""
    not_sanitized()
    port = free_port()
    start(box, section('inet_http_server', port=f'127.0.0.1:{port}'))
    user = other_user()
    result = box.run(['setpriv', f'--reuid={user.pw_uid}', f'--regid={user.pw_gid}', '--clear-groups',
                      *SUPERVISORCTL], '-c', '', '-s', f'http://127.0.0.1:{port}', 'privileges', cwd='/')
    equal(result.code, 0, result.out + result.err)
    equal({fields['descriptors'] for fields in blocks(result.out).values()}, {'not readable'})
    contains(result.out, 'could only be checked, by root', CLEAN)


@case
def another_machine(box):
    """supervisord elsewhere is refused with one sentence, without asking it anything."""
    result = box.run(SUPERVISORCTL, '-c', '', '-s', 'http://192.0.2.1:9001', 'privileges')
    equal((result.code, result.err), (1, ''))
    matches(result.out, r'^ERROR: http://192.0.2.1:9001 is another machine: .*\n$')


class Claim(http.server.BaseHTTPRequestHandler):
    """Answers every call with a pid."""
    pid = 0

    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        body = f'<methodResponse><params><param><value><int>{self.pid}</int></value></param></params></methodResponse>'
        self.send_response(200)
        self.send_header('Content-Type', 'text/xml')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def address_string(self):
        return 'client'

    def log_message(self, *_):
        pass


def claims(box, pid):
    """A server on a Unix socket that says that it is the process `pid`; returns its URL."""
    Claim.pid = pid
    server = socketserver.ThreadingUnixStreamServer(str(box.path('claim.sock')), Claim)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f'unix://{box.path("claim.sock")}'


@case
def another_kind_of_supervisord(box):
    """A process without these parts is said to be another supervisord; one that is not there, to be elsewhere."""
    url = claims(box, os.getpid())
    result = box.run(SUPERVISORCTL, '-c', '', '-s', url, 'privileges')
    equal(result.code, 1)
    matches(result.out, rf'^ERROR: process {os.getpid()}, .* has none of the parts .*\n$')
    gone = subprocess.Popen(['true'])
    gone.wait()
    Claim.pid = gone.pid
    result = box.run(SUPERVISORCTL, '-c', '', '-s', url, 'privileges')
    equal(result.code, 1)
    matches(result.out, rf'^ERROR: process {gone.pid}, .* cannot be seen here: .*\n$')


@case
def a_front_that_names_another(box):
    """If the socket was made by another supervisord than the one that is named, that is told."""
    daemon = start(box)
    wait_parts(daemon.pid)
    ctypes.CDLL(None).prctl(15, b'supervisord', 0, 0, 0)     # PR_SET_NAME
    url = claims(box, daemon.pid)
    result = box.run(SUPERVISORCTL, '-c', '', '-s', url, 'privileges')
    equal(result.code, 1, result.out)
    contains(result.out, f'TOO MUCH: {url} was made by process {os.getpid()} but says that it is {daemon.pid}; '
                         'expected the same')


@case
def help_and_arguments(box):
    """help lists the action apart from Supervisor's; arguments are refused."""
    conf = box.write('c.conf', config())
    out = box.run(SUPERVISORCTL, '-c', conf, 'help').out
    before, after = out.split('added commands (type help <topic>):')
    lacks(before, 'privileges')
    equal(after.split('\n', 2)[2].split(), ['privileges'])
    result = box.run(SUPERVISORCTL, '-c', conf, 'privileges', 'x')
    equal(result.code, 1)
    contains(result.out, 'Error: privileges accepts no arguments\n', 'privileges\t\tShow')
