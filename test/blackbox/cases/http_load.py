"""Many clients, slow clients, clients that leave; and HTTP as old and new clients speak it."""

import re
import resource
import socket
import statistics
import struct
import subprocess
import time
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from parts import check_quiet, idle_daemon, not_sanitized, wait_parts
from raw_http import CALL, post, read_chunks, status

from harness import (NOW, PATIENCE, SLEEP, SUPERVISORCTL, basic, case, check, contains, equal, free_port,
                     program, section, skip, variants, wait_for)

IDLE_CLIENTS = 1500


def allow_descriptors(count):
    """This process may need more than the daemon."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        skip(f'needs {count} descriptors, the limit is {hard}')
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


def check_status_time(daemon, idle):
    """supervisorctl status takes 100 ms, its own start included, or not much more than with a daemon that has no clients.

    A median, the best of some rounds: a daemon that is slow by itself is slow in every round.
    """
    def once(daemon):
        started = time.monotonic()
        done = subprocess.run([*SUPERVISORCTL, '-c', str(daemon.conf), 'status'], capture_output=True, timeout=PATIENCE)
        equal((done.returncode, done.stderr, len(done.stdout.splitlines())), (0, b'', 1))
        return (time.monotonic() - started) * 1000
    for _ in range(6):
        times = [(once(daemon), once(idle)) for _ in range(5)]
        median, usual = (statistics.median(column) for column in zip(*times))
        if median < max(100, 2 * usual):
            return
    raise AssertionError(f'{median:.0f} ms for status, {usual:.0f} ms with a daemon that has no clients')


@variants({'idle': ('1,500 idle TCP clients at a limit of 1,024 descriptors do not slow down the unix socket.', b''),
           'busy': ('Nor do 1,500 that have begun a request each.', b'POST /RPC2 HTTP/1.1\r\n')})
def crowd(box, begin):
    not_sanitized()
    allow_descriptors(IDLE_CLIENTS + 100)
    port = free_port()
    daemon = box.daemon(program('x', SLEEP, **NOW),
                        section('inet_http_server', port=f'127.0.0.1:{port}', max_connections=2000),
                        wrapper=['prlimit', '--nofile=1024:1024'])
    daemon.wait_state('x', 'RUNNING')
    idle = idle_daemon(box, program('x', SLEEP, **NOW))
    idle.wait_state('x', 'RUNNING')
    crowd = []
    for _ in range(IDLE_CLIENTS):
        crowd.append(socket.create_connection(('127.0.0.1', port), timeout=PATIENCE))
        try:
            crowd[-1].sendall(begin)
        except OSError:
            pass        # it has been closed for another one already
    check_status_time(daemon, idle)
    with daemon.connect() as client:
        client.sendall(post())
        equal(status(client.recv(65536)), 200)
    check_quiet(wait_parts(daemon.pid)['front'])
    for client in crowd:
        client.close()
    proxy = xmlrpc.client.ServerProxy(f'http://127.0.0.1:{port}/RPC2')
    equal(proxy.supervisor.getPID(), daemon.pid)


@case
def parallel_clients(box):
    """50 clients at a time, on TCP and unix sockets, reading and changing, get each the right answers."""
    port = free_port()
    daemon = box.daemon(*(program(f'p{i}', SLEEP, startsecs=0, autostart='false') for i in range(50)),
                        section('inet_http_server', port=f'127.0.0.1:{port}'))

    def client(number):
        proxy = daemon.client() if number % 2 else xmlrpc.client.ServerProxy(f'http://127.0.0.1:{port}/RPC2')
        rpc, name = proxy.supervisor, f'p{number}'
        for _ in range(5):
            equal(rpc.startProcess(name), True)
            info = rpc.getProcessInfo(name)
            equal((info['name'], info['statename']), (name, 'RUNNING'))
            equal(len(rpc.getAllProcessInfo()), 50)
            equal(rpc.signalProcess(name, 0), True)
            wrong, right = proxy.system.multicall([{'methodName': 'supervisor.startProcess', 'params': [name]},
                                                   {'methodName': 'supervisor.getPID', 'params': []}])
            equal((wrong['faultString'], right), (f'ALREADY_STARTED: {name}', daemon.pid))
            equal(rpc.stopProcess(name), True)
            try:
                raise AssertionError(f'stopped twice: {rpc.stopProcess(name)}')
            except xmlrpc.client.Fault as fault:
                equal(fault.faultString, f'NOT_RUNNING: {name}')
        return number

    with ThreadPoolExecutor(50) as pool:
        equal(list(pool.map(client, range(50))), list(range(50)))
    equal(daemon.log.count(' spawned: '), 250)


def numbered(count):
    return ''.join(f'{i:09}\n' for i in range(count)).encode()


def memory_of(pid):
    """Resident kilobytes."""
    return int(re.search(r'^VmRSS:\s+(\d+)', Path(f'/proc/{pid}/status').read_text(), re.M)[1])


@case
def slow_reader_of_a_stream(box):
    """A reader that stops for a while holds up nobody, takes no memory, and gets every byte in the end."""
    lines = 1_000_000
    box.write('lines.py', f'import sys\ninput()\nfor i in range({lines}): sys.stdout.write("%09d\\n" % i)\nsys.stdout.flush()\n'
                          'input()\n')
    daemon = box.daemon(program('x', 'python3 -u %(here)s/lines.py', stdout_logfile='%(here)s/x.log',
                                stdout_logfile_maxbytes=0, **NOW))
    front = wait_parts(daemon.pid)['front']
    with daemon.connect() as stream, daemon.connect() as gone:
        for client in (stream, gone):
            client.sendall(b'GET /logtail/x HTTP/1.1\r\n\r\n')
            client.recv(1, socket.MSG_PEEK)     # an answer: from here on every byte is due
        before = memory_of(front)
        daemon.rpc.sendProcessStdin('x', '\n')
        wait_for(lambda: box.path('x.log').stat().st_size == lines * 10, 'all lines', 60)
        equal(daemon.rpc.getState()['statename'], 'RUNNING')
        gone.close()
        grown = memory_of(front) - before
        check(grown < 4096, f'the front has grown by {grown} KB')
        got = bytearray()
        for piece in read_chunks(stream):
            got += piece
            if len(got) >= lines * 10:
                break
        check(got == numbered(lines), 'every byte, once')
    equal(daemon.rpc.getState()['statename'], 'RUNNING')


@case
def clients_that_leave(box):
    """Readers that reset their connection in the middle of a stream or an answer leave nothing behind."""
    daemon = box.daemon(program('x', 'sh -c "while :; do echo 0123456789012345678901234567890123456789; done"',
                                stdout_logfile='%(here)s/x.log', stdout_logfile_maxbytes='1MB', stdout_logfile_backups=1,
                                **NOW), unix={'max_connections': '20'})
    wait_for(lambda: box.path('x.log').exists() and box.path('x.log').stat().st_size > 100000, 'a log')
    big = post(xmlrpc.client.dumps(('x', -60000, 0), 'supervisor.readProcessStdoutLog').encode())
    for number in range(60):
        client = daemon.connect()
        client.sendall(b'GET /logtail/x HTTP/1.1\r\n\r\n' if number % 3 else big)
        if number % 2:
            client.recv(100)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        client.close()
    clients = [daemon.connect() for _ in range(20)]     # there is room for all of them: none of those above is left
    for client in clients:
        client.sendall(post()[:-1])
    for client in clients:
        client.sendall(post()[-1:])
        equal(status(client.recv(65536)), 200)
    for client in clients:
        client.close()
    equal(daemon.rpc.stopProcess('x'), True)


def read_answer(reader, head=False):
    """One answer with a length: its status, headers and body; None at the end of the connection."""
    first = reader.readline()
    if not first:
        return None
    headers = {}
    for line in iter(reader.readline, b'\r\n'):
        name, _, value = line.decode().partition(':')
        headers[name] = value.strip()
    return int(first.split()[1]), headers, b'' if head else reader.read(int(headers['Content-Length']))


def exchange(daemon, *requests):
    """Sends requests in one go, and returns the answers until the daemon closes or is silent."""
    with daemon.connect() as client:
        client.sendall(b''.join(requests))
        client.shutdown(socket.SHUT_WR)
        reader = client.makefile('rb')
        heads = iter([request.startswith(b'HEAD') for request in requests])
        return list(iter(lambda: read_answer(reader, next(heads, False)), None))


def request(line, *headers, body=b''):
    length = [f'Content-Length: {len(body)}'] if body else []
    return '\r\n'.join([line, *headers, *length, '', '']).encode() + body


RPC10 = 'POST /RPC2 HTTP/1.0'
RPC11 = 'POST /RPC2 HTTP/1.1'
FORMS = {
    'http_1_1_stays_open': ([request(RPC11, body=CALL)] * 3, [200] * 3),
    'http_1_1_close': ([request(RPC11, 'Connection: close', body=CALL), request(RPC11, body=CALL)], [200]),
    'http_1_0_closes': ([request(RPC10, body=CALL), request(RPC10, body=CALL)], [200]),
    'http_1_0_keep_alive': ([request(RPC10, 'Connection: keep-alive', body=CALL)] * 2 + [request(RPC10, body=CALL)] * 2,
                            [200] * 3),
    'stray_lines': ([b'\r\n', request(RPC11, body=CALL), b'\r\n\r\n', request(RPC11, body=CALL)], [200, 200]),
    'no_length': ([request(RPC11), request(RPC11, body=CALL)], [411, 200]),
    'other_methods': ([request(f'{method} /RPC2 HTTP/1.1') for method in ('GET', 'PUT', 'DELETE')], [400] * 3),
    'head': ([request('HEAD /stylesheets/supervisor.css HTTP/1.1'), request('HEAD / HTTP/1.1'), request(RPC11, body=CALL)],
             [200, 404, 200]),
    'prefixes': ([request(f'POST {path} HTTP/1.1', body=CALL) for path in ('/RPC2/', '/RPC2foo?x=1', '/%52PC2')], [200] * 3),
    'no_prefixes': ([request(f'POST {path} HTTP/1.1', body=CALL) for path in ('/rpc2', '/nope', '//RPC2')] +
                    [request(f'GET {path} HTTP/1.1') for path in ('/ok.htmlx', '/nope', '/xlogtail/x', '/logtail/x/nope')],
                    [400] * 3 + [404] * 4),
    'pages': ([request(f'GET {path} HTTP/1.1') for path in ('/', '/index.html', '/ok.html', '/tail.html', '/images/icon.png')],
              [200] * 5),
    'versions': ([request('POST /RPC2 HTTP/2.0', body=CALL), request(RPC11, body=CALL)], [200, 200]),
}


@variants({name: (f'HTTP, {name.replace("_", " ")}: answers in order, on one connection as long as it may live.', *row)
           for name, row in FORMS.items()})
def form(box, requests, expected):
    daemon = box.daemon(program('x', SLEEP, **NOW))
    answers = exchange(daemon, *requests)
    equal([code for code, _, _ in answers], expected)
    for (code, headers, body), sent in zip(answers, [one for one in requests if one.strip()]):
        contains(headers['Server'], 'Medusa')
        if b' /RPC2 ' in sent and code == 200:
            equal(xmlrpc.client.loads(body)[0][0], daemon.pid)
            equal(headers['Content-Type'], 'text/xml')
        equal(headers.get('Connection'), 'Keep-Alive' if b'keep-alive' in sent else None)


@case
def unauthorized_form(box):
    """401 names the scheme, is in HTML, and ends the connection, in both versions and for every path."""
    daemon = box.daemon(unix={'username': 'uu', 'password': 'pp'}, wait=False)
    wait_for(daemon.socket.exists, 'the socket')
    for line in ('GET / HTTP/1.1', 'GET /nope HTTP/1.0', 'POST /RPC2 HTTP/1.1', 'HEAD /x HTTP/1.1', 'GET /logtail/x HTTP/1.1'):
        (code, headers, body), *more = exchange(daemon, request(line), request('GET /ok.html HTTP/1.1'))
        equal((code, more), (401, []))
        equal([headers[name] for name in ('Connection', 'WWW-Authenticate', 'Content-Type', 'Content-Length')],
              ['close', 'Basic realm="default"', 'text/html', '137'])
        check(line.startswith('HEAD') or b'Error code 401.' in body, body)
    name, value = basic('uu', 'pp')
    equal([code for code, _, _ in exchange(daemon, request('GET /nope HTTP/1.1', f'{name}: {value}'))], [404])


@case
def behind_a_deferred_call(box):
    """A request behind one that takes its time is answered after it; a client that leaves cancels nothing."""
    daemon = box.daemon(program('x', SLEEP, startsecs=1, autostart='false'))
    start = xmlrpc.client.dumps(('x',), 'supervisor.startProcess').encode()
    (_, _, first), (_, _, second) = exchange(daemon, request(RPC11, body=start), request(RPC11, body=CALL))
    equal((xmlrpc.client.loads(first)[0][0], xmlrpc.client.loads(second)[0][0]), (True, daemon.pid))
    daemon.rpc.stopProcess('x')
    with daemon.connect() as client:
        client.sendall(request(RPC11, body=start))
        daemon.wait_state('x', 'STARTING')
    daemon.wait_state('x', 'RUNNING')
    wait_for(lambda: len(re.findall(r"command: supervisor\.startProcess\('x'\) by uid \d+ on \S+: OK", daemon.log)) == 2,
             'the lines of both calls')
