"""The servers' sockets: modes and owners, what may be taken over, what comes back, several of them, IPv6 and names."""

import grp
import http.client
import os
import pwd
import socket
import stat
import threading
import xmlrpc.client

from harness import (IS_ROOT, NOW, PATIENCE, SLEEP, SUPERVISORCTL, UnixTransport, case, check, config, contains, equal,
                     fault_of, free_port, lacks, program, section, skip, variants, wait_for)


def state_over(path):
    """The answer of a call over a unix socket."""
    proxy = xmlrpc.client.ServerProxy('http://localhost/RPC2', UnixTransport(path))
    return proxy.supervisor.getState()['statename']


def state_on(host, port):
    return xmlrpc.client.ServerProxy(f'http://{host}:{port}/RPC2').supervisor.getState()['statename']


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@variants({name: (f'chmod={value} is the mode of the socket, whatever the umask.', value, mode)
           for name, value, mode in (('none', None, 0o700), ('private', '0600', 0o600), ('open', '777', 0o777),
                                     ('nobody', '0000', 0))})
def chmod(box, value, mode):
    daemon = box.daemon(unix={'chmod': value}, supervisord={'umask': '077'}, wait=False)
    wait_for(daemon.socket.exists, 'the socket')
    equal(mode_of(daemon.socket), mode)
    check(stat.S_ISSOCK(daemon.socket.stat().st_mode), 'a socket')
    equal([name for name in os.listdir(box.folder) if name.startswith('s.sock')], ['s.sock'])


@case
def chown_to_others(box):
    """As root chown= gives the socket to user and group, or to the user alone; a name that is none is an error."""
    if not IS_ROOT:
        skip('needs root')
    user = pwd.getpwnam('nobody')
    group = next(entry for entry in grp.getgrall() if entry.gr_gid not in (0, user.pw_gid))
    for number, (value, owner) in enumerate((('nobody', (user.pw_uid, 0)), (f'nobody:{group.gr_name}', (user.pw_uid, group.gr_gid)),
                                             (f'{user.pw_uid}:{group.gr_gid}', (user.pw_uid, group.gr_gid)))):
        path = box.path(f'{number}.sock')
        daemon = box.daemon(unix={'file': str(path), 'chown': value}, wait=False)
        wait_for(path.exists, 'the socket')
        equal(state_over(path), 'RUNNING')
        equal((path.stat().st_uid, path.stat().st_gid), owner, value)
        daemon.stop()
        check(not path.exists(), 'removed at the end')
    contains(box.refusal(config(unix={'chown': 'no-such-user'})), 'Invalid sockchown value no-such-user')


@case
def chown_that_is_not_allowed(box):
    """An ordinary user cannot give the socket away: an error, and no socket stays."""
    if IS_ROOT:
        skip('root may')
    error = box.refusal(config(unix={'chown': 'root'}))
    contains(error, 'Not permitted to chown', 'adjust "sockchown" value', '(chown= in [unix_http_server])')
    check(not box.path('s.sock').exists(), 'nothing is left')


@case
def dead_socket_is_taken_over(box):
    """A socket on which nobody listens any more is taken over."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(box.path('s.sock')))
    daemon = box.daemon(program('x', SLEEP, **NOW))
    equal(daemon.rpc.getState()['statename'], 'RUNNING')
    daemon.stop()


@variants({name: (f'A {name} in the way of the socket stays, and the start is refused.', make) for name, make in (
    ('file', lambda path: path.write_text('precious')), ('directory', lambda path: path.mkdir()), ('fifo', os.mkfifo))})
def in_the_way(box, make):
    path = box.path('s.sock')
    make(path)
    error = box.refusal(config())
    contains(error, 's.sock')
    if path.is_file():
        equal(path.read_text(), 'precious')
    check(path.exists(), 'it is still there')
    lacks(os.listdir(box.folder), 'supervisord.pid')


@case
def live_socket_is_left_alone(box):
    """A socket that somebody listens on is not taken, whether it answers or not; the start says so at once."""
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(box.path('s.sock')))
        mute.listen(1)
        contains(box.refusal(config()), f"Another program is already listening on a port that one of our HTTP servers is configured "
                 "to use.  Shut this program down first before starting supervisord. "
                 f"([unix_http_server] {box.path('s.sock')})\n")
        check(box.path('s.sock').exists(), 'it is still there')
    twice = config(section('unix_http_server:two', file='%(here)s/t.sock'), section('unix_http_server:three', file='%(here)s/t.sock'),
                   unix={'file': '%(here)s/u.sock'})
    contains(box.refusal(twice), 'Another program is already listening', f"([unix_http_server:three] {box.path('t.sock')})")
    equal([name for name in os.listdir(box.folder) if name in ('t.sock', 'u.sock')], [], 'sockets that are left')
    port = free_port()
    with socket.create_server(('127.0.0.1', port)):
        contains(box.refusal(config(section('inet_http_server', port=f'127.0.0.1:{port}'))), 'Another program is already listening',
                 f'([inet_http_server] 127.0.0.1:{port})')


@case
def unlinked_socket_comes_back(box):
    """A socket whose file is removed or replaced is made again, same mode; connections that are open go on."""
    daemon = box.daemon(program('x', SLEEP, **NOW), unix={'chmod': '0640'})
    daemon.wait_state('x', 'RUNNING')
    pid = daemon.info('x')['pid']
    for _ in range(2):
        before = daemon.socket.stat()
        kept = daemon.connect()
        daemon.socket.unlink()
        wait_for(daemon.socket.exists, 'the socket')
        wait_for(lambda: mode_of(daemon.socket) == 0o640, 'its mode')
        wait_for(lambda: _reachable(daemon), 'an answer')
        after = daemon.socket.stat()
        equal((after.st_uid, after.st_gid), (before.st_uid, before.st_gid))
        kept.sendall(b'GET /ok.html HTTP/1.1\r\nConnection: close\r\n\r\n')
        contains(kept.recv(65536).decode(), '200 OK')
        kept.close()
    equal(daemon.client().supervisor.getProcessInfo('x')['pid'], pid)
    daemon.stop()
    check(not daemon.socket.exists(), 'removed at the end')


def _reachable(daemon):
    try:
        return state_over(daemon.socket) == 'RUNNING'
    except OSError:
        return False


@case
def socket_of_somebody_else_stays(box):
    """If another program has put its own socket in the place of ours, it keeps it, also at our end."""
    daemon = box.daemon(program('x', SLEEP, **NOW))
    daemon.socket.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        try:
            other.bind(str(daemon.socket))
        except OSError:
            skip('ours was back at once')
        other.listen(1)
        inode = daemon.socket.stat().st_ino
        daemon.stop()
        equal(daemon.socket.stat().st_ino, inode)


@case
def several_servers_of_all_kinds(box):
    """Any number of servers: each with its own password and mode; each serves everything; all are gone at the end."""
    ports = [free_port() for _ in range(3)]
    daemon = box.daemon(
        program('x', SLEEP, **NOW),
        section('unix_http_server:two', file='%(here)s/two.sock', chmod='0660', username='u2', password='p2'),
        section('unix_http_serverthree', file='%(here)s/three.sock'),
        section('inet_http_server', port=f'127.0.0.1:{ports[0]}'),
        section('inet_http_server:localhost', port=f'localhost:{ports[1]}', username='u4', password='p4'),
        section('inet_http_server:all', port=f'*:{ports[2]}'))
    equal(state_over(box.path('three.sock')), 'RUNNING')
    equal(mode_of(box.path('two.sock')), 0o660)
    for user, expected in (('u2', 200), ('u4', 401), (None, 401)):
        words = ['-s', f'unix://{box.path("two.sock")}', *(['-u', user, '-p', user.replace('u', 'p')] if user else ['-u', 'x', '-p', 'x'])]
        done = box.run(SUPERVISORCTL, '-c', daemon.conf, *words, 'status')
        contains(done.out, 'RUNNING' if expected == 200 else 'Server requires authentication')
    equal(state_on('127.0.0.1', ports[0]), 'RUNNING')
    equal(state_on('u4:p4@localhost', ports[1]), 'RUNNING')
    equal(state_on('127.0.0.2', ports[2]), 'RUNNING')
    try:
        raise AssertionError(state_on('localhost', ports[1]))
    except xmlrpc.client.ProtocolError as error:
        equal(error.errcode, 401)
    equal(fault_of(xmlrpc.client.ServerProxy(f'http://127.0.0.1:{ports[0]}/RPC2').supervisor.stopProcess, 'nope'),
          (10, 'BAD_NAME: nope'))
    daemon.stop()
    equal([name for name in os.listdir(box.folder) if name.endswith('.sock')], [])
    for port in ports:
        with socket.create_server(('127.0.0.1', port)):
            pass


@case
def ipv6(box):
    """An IPv6 address is written in brackets; supervisorctl and other clients reach it."""
    try:
        with socket.create_server(('::1', 0), family=socket.AF_INET6) as probe:
            port = probe.getsockname()[1]
    except OSError:
        skip('there is no IPv6 here')
    daemon = box.daemon(program('x', SLEEP, **NOW), section('inet_http_server', port=f'[::1]:{port}'))
    daemon.wait_state('x', 'RUNNING')
    equal(state_on('[::1]', port), 'RUNNING')
    done = box.run(SUPERVISORCTL, '-c', daemon.conf, '-s', f'http://[::1]:{port}', 'stop', 'x')
    equal((done.out, done.code), ('x: stopped\n', 0))
    daemon.wait_log(r"command: supervisor\.stopProcess\('x'\) by \[::1\]:\d+: OK")


@case
def hosts_that_are_none(box):
    """A host without an address, a foreign address and a bad port end the start with the words that people know, and the server."""
    port = free_port()
    box.environment['RES_OPTIONS'] = 'timeout:1 attempts:1'     # a name server that is not there is not waited for
    for value, said in ((f'no-such-host.invalid:{port}', 'socket.error reported -'),
                        (f'[x]:{port}', f'socket.error reported -2 ([inet_http_server] [x]:{port}: Name or service not known)'),
                        (f'192.0.2.1:{port}', 'errno.EADDRNOTAVAIL (99) ([inet_http_server] '
                         f'192.0.2.1:{port}: Cannot assign requested address)'), ('0', "not a valid port number: '0'"),
                        ('127.0.0.1:', "no port number specified in ''")):
        contains(box.refusal(config(section('inet_http_server', port=value))), said)
        check(not box.path('s.sock').exists(), 'no socket is left')
    contains(box.refusal(config(unix={'file': '%(here)s/nowhere/s.sock'})), 'Cannot open an HTTP server: socket.error reported '
             f"errno.ENOENT (2) ([unix_http_server] {box.path('nowhere/s.sock')}: No such file or directory)\n")


@case
def restart_keeps_the_address(box):
    """A restart over its own socket: same path and port, same mode; a client of the time between is not lost."""
    port = free_port()
    daemon = box.daemon(program('x', SLEEP, **NOW), section('inet_http_server', port=f'127.0.0.1:{port}'), unix={'chmod': '0622'})
    answers = []

    def ask():
        while not answers or answers[-1] != 'again':
            try:
                answers.append(state_on('127.0.0.1', port))
            except (OSError, http.client.HTTPException, xmlrpc.client.Error):
                answers.append(None)
            if daemon.log.count('supervisord started with pid') == 2 and answers[-1] == 'RUNNING':
                answers.append('again')
    equal(daemon.rpc.restart(), True)
    asker = threading.Thread(target=ask)
    asker.start()
    asker.join(PATIENCE)
    equal(answers[-1], 'again')
    wait_for(daemon.socket.exists, 'the socket')
    equal(mode_of(daemon.socket), 0o622)
    daemon.rpc = daemon.client().supervisor
    equal(daemon.rpc.getState()['statename'], 'RUNNING')
