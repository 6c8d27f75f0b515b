"""What protects the servers: limits that are keys of their sections, deadlines, passwords, Origin and Host."""

import fcntl
import os
import signal
import socket
import struct
import termios
import time

from parts import check_quiet, wait_parts
from raw_http import CALL, post, status

from harness import (NOW, PATIENCE, SLEEP, basic, case, check, config, contains, equal, free_port, matches, program,
                     section, variants, wait_for, within)

SIOCOUTQ = termios.TIOCOUTQ

BROWSER = ('User-Agent', 'Mozilla/5.0')


def unread(client):
    """Bytes that have been sent, and that the daemon has not read."""
    return struct.unpack('i', fcntl.ioctl(client, SIOCOUTQ, b'\0' * 4))[0]


def ask(connect, data):
    """The status of what is answered to these bytes, which may be more than the daemon wants to read."""
    with connect() as client:
        try:
            client.sendall(data)
        except OSError:
            pass
        return status(client.recv(65536))


@case
def sizes_are_keys(box):
    """Sizes of a header line, of all headers and of the body are keys; what is larger has a status of its own."""
    daemon = box.daemon(unix={'max_header_line': '300', 'max_headers': '1KB', 'max_body': '2KB'})
    line = ('X', 'x' * 250)
    for data, expected in (
            (post(), 200), (post(CALL, line), 200), (post(CALL, ('X', 'x' * 300)), 431), (post(CALL, *[line] * 5), 431),
            (b'GET /' + b'x' * 300 + b' HTTP/1.1\r\n\r\n', 414), (post(CALL + b' ' * (2048 - len(CALL))), 200),
            (post(CALL + b' ' * (2049 - len(CALL))), 413)):
        equal(ask(daemon.connect, data), expected, data[:60])
    equal(daemon.rpc.getState()['statename'], 'RUNNING')


@case
def default_sizes(box):
    """Without the keys: 8 KiB a header line, 64 KiB headers, 8 MiB a body; 200 header lines."""
    daemon = box.daemon()
    for data, expected in (
            (post(CALL, ('X', 'x' * 8000)), 200), (post(CALL, ('X', 'x' * 8300)), 431),
            (post(CALL, *[('X', 'x' * 7900)] * 8), 200), (post(CALL, *[('X', 'x' * 7900)] * 9), 431),
            (post(CALL, *[('X', 'x')] * 190), 200), (post(CALL, *[('X', 'x')] * 210), 431),
            (post()[:-len(CALL)].replace(str(len(CALL)).encode(), b'8388609'), 413),
            (post(CALL + b' ' * (8388608 - len(CALL))), 200)):
        equal(ask(daemon.connect, data), expected, data[:60])


@case
def limits_of_each_server(box):
    """Each server keeps its own limits: two on TCP and one on a unix socket."""
    ports = free_port(), free_port()
    daemon = box.daemon(section('inet_http_server', port=f'127.0.0.1:{ports[0]}', max_body='2KB', max_connections=1),
                        section('inet_http_server:b', port=f'127.0.0.1:{ports[1]}', max_header_line='300'),
                        unix={'max_body': '4KB', 'request_timeout': '1'})
    for data, expected in ((post(CALL + b' ' * 3000), (413, 200, 200)), (post(CALL + b' ' * 4096), (413, 200, 413)),
                           (post(CALL, ('X', 'x' * 300)), (200, 431, 200))):
        for connect, its in zip((*(lambda port=port: socket.create_connection(('127.0.0.1', port)) for port in ports),
                                 daemon.connect), expected):
            equal(ask(connect, data), its, data[:60])
    first, other = (socket.create_connection(('127.0.0.1', port)) for port in ports)
    with socket.create_connection(('127.0.0.1', ports[0])) as second, socket.create_connection(('127.0.0.1', ports[1])):
        equal(first.recv(1), b'')       # made room for the second one
        other.sendall(post())
        equal(status(other.recv(65536)), 200)
        second.sendall(b'P')            # has half a minute
        with daemon.connect() as client:
            client.sendall(b'P')
            equal(status(client.recv(65536)), 408)
        second.sendall(post()[1:])
        equal(status(second.recv(65536)), 200)
    first.close()
    other.close()


@case
def a_request_has_a_deadline(box):
    """request_timeout is the time for a whole request, however it trickles in; who has not begun may wait."""
    daemon = box.daemon(unix={'request_timeout': '1'})
    idle = daemon.connect()
    for data in (b'P', post()[:-1]):
        started = time.monotonic()
        with daemon.connect() as client:
            client.sendall(data)
            answer = client.recv(65536)
            equal(status(answer), 408)
            contains(answer.decode(), 'Connection: close')
            equal(client.recv(1), b'')
        within(time.monotonic() - started, 0.9, 15)
    with daemon.connect() as client:        # a byte now and then does not help
        client.settimeout(0.1)
        started, answer = time.monotonic(), b''
        for byte in post(CALL, ('X', 'x' * 5000)):
            try:
                client.sendall(bytes([byte]))
            except BrokenPipeError:
                pass        # the answer has come between the last look and this byte
            try:
                answer = client.recv(65536)
                break
            except TimeoutError:
                continue
        equal(status(answer), 408)
        within(time.monotonic() - started, 0.9, 15)
    idle.sendall(post())
    equal(status(idle.recv(65536)), 200)


@case
def connections_have_a_cap(box):
    """max_connections clients; the next one gets the place of who has been idle longest, never of a busy one."""
    daemon = box.daemon(program('slow', '/bin/sleep 1000', autostart='false', startsecs=3600),
                        unix={'max_connections': '3'})
    clients = []
    for _ in range(3):
        clients.append(daemon.connect())
        clients[-1].sendall(post())
        equal(status(clients[-1].recv(65536)), 200)
    busy = clients.pop(0)
    busy.sendall(post(b'<methodCall><methodName>supervisor.startProcess</methodName><params><param><value>slow</value>'
                      b'</param></params></methodCall>'))
    daemon.wait_log('spawned: .slow')
    others = []
    for client in clients:
        others.append(daemon.connect())
        others[-1].sendall(post())
        equal(status(others[-1].recv(65536)), 200)
        equal(client.recv(1), b'')
    busy.settimeout(0.1)
    try:
        raise AssertionError(f'the busy one got {busy.recv(65536)!r}')
    except TimeoutError:
        pass
    others.pop().close()
    daemon.rpc.stopProcess('slow')
    busy.settimeout(PATIENCE)
    contains(busy.recv(65536).decode(), 'ABNORMAL_TERMINATION')


@case
def all_busy_makes_others_wait(box):
    """If all of a server's clients are busy the next ones wait, and get their turn; other servers go on."""
    port = free_port()
    daemon = box.daemon(section('inet_http_server', port=f'127.0.0.1:{port}', max_connections=2))
    busy = [socket.create_connection(('127.0.0.1', port)) for _ in range(2)]
    for client in busy:
        client.sendall(b'POST')
    equal(daemon.rpc.getState()['statename'], 'RUNNING')
    with socket.create_connection(('127.0.0.1', port), timeout=0.5) as late:
        late.sendall(post())
        try:
            raise AssertionError(f'too early: {late.recv(65536)!r}')
        except TimeoutError:
            pass
        equal(daemon.rpc.getState()['statename'], 'RUNNING')
        busy[0].close()
        late.settimeout(PATIENCE)
        equal(status(late.recv(65536)), 200)
    busy[1].close()


@variants({f'{kind}_{key}': (f'A {key} out of its range, or no number, in [{kind}_http_server] is an error.', kind, key,
                             bad)
           for kind in ('unix', 'inet')
           for key, bad in (('max_header_line', ('255', '2MB', 'x')), ('max_headers', ('100', '2MB', '-1')),
                            ('max_body', ('1', '65MB')), ('request_timeout', ('0', '86401', '1.5')),
                            ('max_connections', ('0', '65537', 'many')))})
def bad_limit(box, kind, key, values):
    where = {'file': '%(here)s/s.sock'} if kind == 'unix' else {'port': str(free_port())}
    for value in values:
        error = box.refusal(config(section(f'{kind}_http_server', **where, **{key: value}), rpc=False))
        contains(error, key, f'[{kind}_http_server]')


@case
def wrong_passwords_wait(box):
    """A wrong password is answered after a second; no password at once; right ones meanwhile are not delayed."""
    daemon = box.daemon(unix={'username': 'uu', 'password': 'p:p%%'}, wait=False)
    wait_for(daemon.socket.exists, 'the socket')
    good, bad = basic('uu', 'p:p%'), basic('uu', 'p:p')
    guesses = [daemon.connect() for _ in range(20)]
    started = time.monotonic()
    for guess in guesses:
        guess.sendall(post(CALL, bad))
    equal(daemon.http('/RPC2', 'POST', CALL, [good]).status, 200)
    equal(daemon.http('/RPC2', 'POST', CALL).status, 401)
    at_once = time.monotonic() - started
    for guess in guesses:
        answer = guess.recv(65536)
        equal(status(answer), 401)
        contains(answer.decode(), 'Connection: close', 'WWW-Authenticate: Basic realm="default"')
    taken = time.monotonic() - started
    check(taken >= 1, f'{taken} s for wrong passwords')
    check(at_once < taken, 'others are not delayed')


@case
def guesses_are_bounded(box):
    """No more than 128 wrong passwords wait at a time; what is beyond is refused unchecked, and nothing is kept."""
    daemon = box.daemon(unix={'username': 'uu', 'password': 'pp', 'max_connections': '400'}, wait=False)
    wait_for(daemon.socket.exists, 'the socket')
    guesses = [daemon.connect() for _ in range(200)]
    engine = wait_parts(daemon.pid)['engine']
    os.kill(engine, signal.SIGSTOP)     # so that it sees them all at a time, however busy the machine is
    for guess in guesses:
        guess.sendall(post(CALL, basic('uu', 'guess')))
    wait_for(lambda: not any(unread(guess) for guess in guesses), 'the front to have read them')
    os.kill(engine, signal.SIGCONT)
    answers = [status(guess.recv(65536)) for guess in guesses]
    equal(sorted(set(answers)), [401, 500])
    check(answers.count(500) >= 1 and answers.count(401) >= 128, f'{answers.count(500)} are refused')
    wait_for(lambda: daemon.http('/RPC2', 'POST', CALL, [basic('uu', 'pp')]).status == 200, 'the right one')


@case
def foreign_hosts_and_origins(box):
    """A browser reaches a server without password only under a name of it, and no foreign page calls methods."""
    port = free_port()
    daemon = box.daemon(program('x', SLEEP, **NOW),
                        section('inet_http_server', port=f'127.0.0.1:{port}', allowed_hosts='good.example, two.example'))

    def ask_tcp(*lines, body=b''):
        with socket.create_connection(('127.0.0.1', port), timeout=PATIENCE) as client:
            client.sendall('\r\n'.join([*lines, 'Connection: close', '', '']).encode() + body)
            return status(b''.join(iter(lambda: client.recv(65536), b'')))

    agent = 'User-Agent: Mozilla/5.0'
    for host, expected in ((f'localhost:{port}', 200), (f'127.0.0.1:{port}', 200), ('good.example', 200),
                           ('two.example:80', 200), ('evil.example', 403), (f'evil.example:{port}', 403)):
        equal(ask_tcp('GET / HTTP/1.1', f'Host: {host}', agent), expected, host)
        equal(ask_tcp('GET / HTTP/1.1', f'Host: {host}'), 200, f'{host}, no browser')
    length = f'Content-Length: {len(CALL)}'
    for origin, expected in ((f'http://localhost:{port}', 200), ('https://good.example', 200), ('null', 403),
                             ('http://evil.example', 403), (f'http://localhost:{port + 1}', 403)):
        equal(ask_tcp('POST /RPC2 HTTP/1.1', f'Host: localhost:{port}', f'Origin: {origin}', length, 'Content-Type: text/plain',
                      body=CALL), expected, origin)

    pid = daemon.info('x')['pid']
    action = '/index.html?action=stop&processname=x'
    for headers in ([BROWSER], [BROWSER, ('Sec-Fetch-Site', 'cross-site')], [BROWSER, ('Referer', 'http://evil.example/')],
                    [('Origin', 'http://evil.example')], [BROWSER, ('Sec-Fetch-Site', 'none')]):
        answer = daemon.http(action, headers=headers)
        equal(answer.status, 200)
        contains(answer.body, 'Do it')
        matches(answer.headers['Content-Security-Policy'], "frame-ancestors 'none'")
    equal(daemon.info('x')['pid'], pid)
    equal(daemon.http(action, headers=[BROWSER, ('Sec-Fetch-Site', 'same-origin')]).status, 301)
    daemon.wait_state('x', 'STOPPED')


@case
def without_descriptors(box):
    """When descriptors are short idle clients make room, the others wait, and nothing spins."""
    daemon = box.daemon(unix={'max_connections': '1000'}, supervisord={'minfds': '48'},
                        wrapper=['prlimit', '--nofile=48:48'])
    idle = []
    for _ in range(40):
        idle.append(daemon.connect())
        idle[-1].sendall(post())
        equal(status(idle[-1].recv(65536)), 200)
    busy = [daemon.connect() for _ in range(40)]
    for client in busy:
        try:
            client.sendall(b'POST')
        except OSError:
            pass        # it had to make room before it had begun
    check_quiet(wait_parts(daemon.pid)['front'])
    for client in idle + busy:
        client.close()
    equal(daemon.rpc.getState()['statename'], 'RUNNING')
