"""The real supervisor-rpc with an engine made of paper: raw HTTP, authentication, streams, limits, restarts."""

import base64
import re
import resource
import socket
import sys
import time
import unittest
import xmlrpc.client

from fake_engine import (AUTH, NO_REPLY, NOT_FOUND, PAGE, STREAM_DATA, STREAM_END, VALUE, Fault, Front, Status, encode, read_all,
                         read_until)

PROGRAM = sys.argv.pop()
PID = {'supervisor.getPID': lambda call: 42}
FIREFOX = 'User-Agent: Mozilla/5.0 (X11) Firefox/1'


def call_body(method='supervisor.getPID', params=''):
    return f"<?xml version='1.0'?><methodCall><methodName>{method}</methodName>{params}</methodCall>".encode()


def request(line, *headers, body=b''):
    return ('\r\n'.join([line, *headers]) + '\r\n\r\n').encode() + body


def post(body=None, *headers, version='1.1', path='/RPC2'):
    body = call_body() if body is None else body
    return request(f'POST {path} HTTP/{version}', f'Content-Length: {len(body)}', *headers, body=body)


def basic(text):
    return 'Authorization: Basic ' + base64.b64encode(text.encode()).decode()


def status(answer):
    return int(re.match(rb'HTTP/\S+ (\d+) ', answer)[1])


class Case(unittest.TestCase):
    front = None

    def open(self, answers=None, **more):
        self.front = Front(PROGRAM, PID if answers is None else answers, **more)
        return self.front

    def tearDown(self):
        if self.front:
            self.assertEqual(self.front.stop(), 0)


class Http(Case):
    def test_status_of_requests(self):
        front = self.open()
        close = 'Connection: close'
        for data, expected in [
                (post(None, close), 200), (post(version='1.0'), 200), (post(version='2.0') + post(None, close), 200),
                (post(None, close, path='/RPC2foo?x=1'), 200), (post(None, close, path='/%52PC2'), 200),
                (request('GET /RPC2 HTTP/1.1', close), 400), (request('HEAD /RPC2 HTTP/1.1', close), 400),
                (request('PUT /RPC2 HTTP/1.1', close), 400),
                (request('POST /RPC2 HTTP/1.1', close), 411), (request('POST / HTTP/1.1', close), 411),
                (request('POST /RPC2 HTTP/1.1', 'Transfer-Encoding: chunked', body=b'5\r\nhello\r\n0\r\n\r\n'), 411),
                (request('POST /RPC2 HTTP/1.1', 'Content-Length: 1', 'Transfer-Encoding: chunked', body=b'x'), 400),
                (request('POST /RPC2 HTTP/1.1', 'Content-Length: abc'), 400),
                (request('POST /RPC2 HTTP/1.1', 'Content-Length: -1'), 400),
                (request('POST /RPC2 HTTP/1.1', 'Content-Length: 1', 'Content-Length: 2', body=b'xx'), 400),
                (request('POST /RPC2 HTTP/1.1', 'Content-Length: 99999999999999999999999'), 413),
                (post(b'', close), 400), (post(b'junk', close), 400), (post(b'\xff', close), 400),
                (post(None, close, path='/rpc2'), 400), (post(None, close, path='/nope'), 400),
                (request('GET /nope HTTP/1.1', close), 404), (request('GET http://x/ok.html HTTP/1.1', close), 404),
                (request('HEAD / HTTP/1.1', close), 404), (request('OPTIONS * HTTP/1.1', close), 400),
                (request('get /ok.html HTTP/1.1', close), 400), (request('GET /ok.html HTTP/1.1', close), 200),
                (request('GET /ok.html;x=1 HTTP/1.1', close), 200),
                (request('GET /logtail HTTP/1.1', close), 404), (request('GET /logtail/cat/nope HTTP/1.1', close), 404),
                (request('POST /logtail/cat HTTP/1.1', close, 'Content-Length: 0'), 400),
                (b'GARBAGE\r\n\r\n', 400), (b'GET  /  HTTP/1.1\r\n\r\n', 400), (b'GET / HTTP/1.1x\r\n\r\n', 400),
                (b'GET /\r\n\r\n', 400), (b'GET / HTTP/1.1\n\n', 400), (b'GET / HTTP/1.1\r\nA\xff: x\r\n\r\n', 400),
                (b'GET / HTTP/1.1\r\n A: x\r\n\r\n', 400), (b'GET / HTTP/1.1\r\nnocolon\r\n\r\n', 400),
                (b'GET / HTTP/1.1\r\nA: x\0y\r\n\r\n', 400),
                (b'GET /' + b'x' * 9000 + b' HTTP/1.1\r\n\r\n', 414), (b'GET / HTTP/1.1\r\nA: ' + b'x' * 9000, 431),
                (b'GET / HTTP/1.1\r\n' + b'A: 1234567890\r\n' * 6000, 431), (b'GET / HTTP/1.1\r\n' + b'A:\r\n' * 201, 431),
        ]:
            with self.subTest(data=data[:60]):
                self.assertEqual(status(front.raw(data)), expected)

    def test_error_page(self):
        answer = self.open().raw(request('GET /nope HTTP/1.0'))
        head, _, body = answer.partition(b'\r\n\r\n')
        self.assertRegex(head.decode(), '^HTTP/1.0 404 Not Found\r\nServer: Medusa/1.12\r\nDate: [^\r]* GMT\r\n'
                                        'Content-Length: 134\r\nContent-Type: text/html$')
        self.assertEqual(body, b'<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n<h1>Error response</h1>\r\n'
                               b'<p>Error code 404.\r\n<p>Message: Not Found.\r\n</body>\r\n')

    def test_head_of_a_file_has_no_body(self):
        answer = self.open().raw(request('HEAD /images/icon.png HTTP/1.1', 'Connection: close'))
        self.assertRegex(answer, rb'Content-Length: [1-9]\d+\r\nContent-Type: image/png\r\n\r\n$')

    def test_keeping_the_connection(self):
        front = self.open()
        for first, kept in [(post(), True), (post(None, 'Connection: close'), False), (post(None, 'Connection: Close'), False),
                            (post(version='1.0'), False), (post(None, 'Connection: Keep-Alive', version='1.0'), True),
                            (post(None, 'Connection: TE, close'), False), (request('GET /nope HTTP/1.1'), True),
                            (request('POST /RPC2 HTTP/1.1'), True)]:
            with self.subTest(first=first), front.connect() as client:
                client.sendall(first)
                answer = client.recv(65536)
                if kept:
                    client.sendall(post(None, 'Connection: close'))
                    self.assertEqual(status(client.recv(65536)), 200)
                self.assertEqual(client.recv(65536), b'')
                self.assertEqual(b'Connection: Keep-Alive' in answer, b'HTTP/1.0' in first and kept)

    def test_pipelining_and_stray_lines(self):
        front = self.open()
        answer = front.raw(post() + b'\r\n' + post() + b'\r\n\r\n' + post(None, 'Connection: close'))
        self.assertEqual(answer.count(b' 200 OK'), 3)
        with front.connect() as client:   # an empty line that comes late
            client.sendall(post())
            client.recv(65536)
            client.sendall(b'\r\n')
            time.sleep(0.05)
            client.sendall(post(None, 'Connection: close'))
            self.assertEqual(status(read_all(client)), 200)

    def test_pipelined_behind_a_deferred_call(self):
        number = []
        front = self.open({**PID, 'supervisor.stopProcess': lambda call: number.append(call.number) or NO_REPLY})
        with front.connect() as client:
            client.sendall(post(call_body('supervisor.stopProcess')) + post(None, 'Connection: close'))
            front.wait(lambda: number)
            time.sleep(0.05)
            self.assertEqual(len(front.calls), 1)
            front.reply(front.engine, number[0], VALUE, encode(True))
            answer = read_all(client)
            self.assertLess(answer.index(b'<boolean>1'), answer.index(b'<int>42'))

    def test_body_of_a_get_is_not_the_next_request(self):
        answer = self.open().raw(request('GET /ok.html HTTP/1.1', 'Content-Length: 5', body=b'GET /') +
                                 request('GET /nope HTTP/1.1', 'Connection: close'))
        self.assertEqual(re.findall(rb'HTTP/1.1 (\d+)', answer), [b'200', b'404'])

    def test_expect_continue(self):
        with self.open().connect() as client:
            body = call_body()
            client.sendall(request('POST /RPC2 HTTP/1.1', f'Content-Length: {len(body)}', 'Expect: 100-continue', 'Connection: close'))
            self.assertEqual(client.recv(65536), b'HTTP/1.1 100 Continue\r\n\r\n')
            client.sendall(body)
            self.assertEqual(status(read_all(client)), 200)

    def test_byte_by_byte(self):
        with self.open().connect() as client:
            for byte in post(None, 'Connection: close'):
                client.sendall(bytes([byte]))
            self.assertEqual(status(read_all(client)), 200)

    def test_half_closed_clients_are_answered(self):
        for tcp in (False, True):
            with self.subTest(tcp=tcp):
                front = self.front or self.open()
                with front.connect(tcp) as client:
                    client.sendall(post())
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(status(read_all(client)), 200)

    def test_peer_and_address(self):
        front = self.open()
        front.raw(post(None, 'Connection: close'))
        front.raw(post(None, 'Connection: close'), tcp=True)
        unix, tcp = front.calls
        self.assertEqual((unix.listener, unix.address), (0, front.path))
        self.assertNotEqual(unix.peer_uid, 0xFFFFFFFF)
        self.assertEqual((tcp.listener, tcp.peer_uid), (1, 0xFFFFFFFF))
        self.assertRegex(tcp.address, r'^127\.0\.0\.1:\d+$')


class Limits(Case):
    def test_large_call_and_result(self):
        text = 'a<b&c>\x1b\N{SNOWMAN}' * 100000
        front = self.open({'supervisor.echo': lambda call: call.args[0]})
        proxy = xmlrpc.client.ServerProxy(f'http://127.0.0.1:{front.port}/RPC2')
        self.assertEqual(proxy.supervisor.echo(text.replace('\x1b', '')), text.replace('\x1b', ''))

    def test_body_beyond_the_limit(self):
        front = self.open(limits=(8192, 65536, 1000, 30, 256))
        self.assertEqual(status(front.raw(post(b'x' * 1001))), 413)
        self.assertEqual(status(front.raw(post(b'x' * 1000, 'Connection: close'))), 400)

    def test_bodies_of_all_clients_together(self):
        front = self.open()
        clients = [front.connect() for _ in range(10)]
        answered = 0
        for number, client in enumerate(clients):
            client.sendall(request('POST /RPC2 HTTP/1.1', f'Content-Length: {8 << 20}'))
            try:
                client.sendall(b'x' * ((8 << 20) - 1))
            except BrokenPipeError:
                pass
            client.settimeout(0.1 if number < 8 else 30)     # there is room for eight
            try:
                answered += status(client.recv(65536)) == 503
            except TimeoutError:
                pass
        self.assertEqual(answered, 2)
        for client in clients:
            client.close()
        front.wait(lambda: status(front.raw(post(None, 'Connection: close'))) == 200)

    def test_deadline_for_a_request(self):
        front = self.open(limits=(8192, 65536, 1000, 1, 256))
        for start in (b'GET', b'POST /RPC2 HTTP/1.1\r\nContent-Length: 5\r\n\r\nxx'):
            with self.subTest(start=start), front.connect() as client:
                began = time.monotonic()
                client.sendall(start)
                self.assertEqual(status(read_all(client)), 408)
                taken = time.monotonic() - began
                self.assertTrue(0.9 < taken < 20, f'{taken} s')
        with front.connect() as idle:   # who has not begun may wait
            time.sleep(1.3)
            idle.sendall(post(None, 'Connection: close'))
            self.assertEqual(status(read_all(idle)), 200)

    def test_cap_on_connections(self):
        front = self.open(limits=(8192, 65536, 1000, 30, 3))
        clients = []
        for _ in range(3):
            clients.append(front.connect())
            clients[-1].sendall(post())
            clients[-1].recv(65536)
        with front.connect() as another:
            another.sendall(post(None, 'Connection: close'))
            self.assertEqual(status(read_all(another)), 200)
        self.assertEqual(clients[0].recv(1), b'')   # idle longest
        clients[1].sendall(post())
        self.assertEqual(status(clients[1].recv(65536)), 200)
        # With all of them busy, the next one waits until one ends.
        busy = [front.connect() for _ in range(3)]
        for client in busy:
            client.sendall(b'POST ')
        for _ in range(2):
            front.raw(post(None, 'Connection: close'), tcp=True)     # now it has read what came before
        late = front.connect()
        late.sendall(post(None, 'Connection: close'))
        late.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            late.recv(1)
        for client in busy:
            client.close()
        late.settimeout(30)
        self.assertEqual(status(read_all(late)), 200)
        for client in clients + [late]:
            client.close()

    def test_a_connection_that_becomes_idle_makes_room(self):
        numbers = []
        front = self.open({**PID, 'supervisor.stopProcess': lambda call: numbers.append(call.number) or NO_REPLY},
                          limits=(8192, 65536, 1000, 30, 2))
        with front.connect() as one, front.connect() as two:
            for client in (one, two):
                client.sendall(post(call_body('supervisor.stopProcess')))
            front.wait(lambda: len(numbers) == 2)
            late = front.connect()
            late.sendall(post(None, 'Connection: close'))
            late.settimeout(0.3)
            with self.assertRaises(TimeoutError):
                late.recv(1)
            front.reply(front.engine, numbers[0], VALUE, encode(True))     # and stays open
            late.settimeout(30)
            self.assertEqual(status(read_all(late)), 200)
            front.reply(front.engine, numbers[1], VALUE, encode(True))
            late.close()

    def test_busy_clients_of_one_listener_leave_descriptors_for_the_other(self):
        front = self.open(descriptors=64)
        clients = [front.connect(tcp=True) for _ in range(100)]
        for client in clients:
            client.sendall(b'POST ')
        for _ in range(3):
            self.assertEqual(status(front.raw(post(None, 'Connection: close'))), 200)
        for client in clients:
            client.close()

    def test_without_descriptors_idle_clients_make_room_and_nothing_spins(self):
        front = self.open()
        front.raw(post(None, 'Connection: close'))
        resource.prlimit(front.process.pid, resource.RLIMIT_NOFILE, (24, 24))
        clients = []
        for _ in range(40):
            clients.append(front.connect())
            clients[-1].sendall(post())
            self.assertEqual(status(clients[-1].recv(65536)), 200)
        for _ in range(40):
            clients.append(front.connect())
            clients[-1].sendall(b'POST')
        time.sleep(1)
        with open(f'/proc/{front.process.pid}/stat', encoding='ascii') as stat:
            self.assertLess(sum(map(int, stat.read().split()[13:15])), 30)   # hundredths of a second
        for client in clients:
            client.close()
        self.assertEqual(status(front.raw(post(None, 'Connection: close'))), 200)

    def test_client_with_a_long_name(self):
        front = self.open()
        with socket.socket(socket.AF_UNIX) as client:
            client.bind('\0' + 'x' * 100)
            client.connect(front.path)
            client.sendall(post(None, 'Connection: close'))
            self.assertEqual(status(read_all(client)), 200)


class Authentication(Case):
    def test_password_comes_before_everything(self):
        front = self.open(password=('user', 'se:cret'))
        for line in ('GET / HTTP/1.1', 'GET /nope HTTP/1.1', 'GET /ok.html HTTP/1.1', 'GET /logtail/x HTTP/1.1',
                     'PUT /RPC2 HTTP/1.1', 'GET /stylesheets/supervisor.css HTTP/1.1', 'POST /RPC2 HTTP/1.1'):
            answer = front.raw(request(line))
            self.assertEqual(status(answer), 401, line)
            self.assertIn(b'\r\nConnection: close\r\nWWW-Authenticate: Basic realm="default"\r\nContent-Length: 137\r\n', answer)
        self.assertEqual(status(front.raw(post(b'junk'))), 401)
        self.assertEqual(status(front.raw(post(None, basic('user:wrong')))), 401)
        self.assertEqual(status(front.raw(post(None, basic('user:se:cret'), 'Connection: close'))), 200)
        upper = basic('user:se:cret').replace('Basic', 'BASIC')
        self.assertEqual(status(front.raw(request('GET /nope HTTP/1.0', upper))), 404)

    def test_credentials_are_told_apart(self):
        front = self.open()
        for header, kind in [('Accept: x', 0), (basic('a:b'), 1), ('Authorization: Basic abc', 2), ('Authorization: Basic //8=', 2),
                             (basic('nocolon'), 3), ('Authorization: Digest x', 4), ('Authorization: Basic', 4)]:
            front.raw(request('GET /nope HTTP/1.0', header))
            call = front.calls[-1]
            self.assertEqual((call.kind, call.credentials), (AUTH, kind), header)
            self.assertEqual((call.user, call.password), ('a', 'b') if kind == 1 else ('', ''))

    def test_endless_credentials_are_malformed(self):
        front = self.open(limits=(1 << 20, 1 << 20, 1000, 30, 256))
        for size in (100, 16000, 17000, 60000, 70000, 500000):
            answer = front.raw(request('GET /ok.html HTTP/1.0', basic('u:' + 'p' * size)))
            self.assertEqual(status(answer), 200, size)     # the engine is of paper and lets in everybody
            kind, password = front.calls[-1].credentials, front.calls[-1].password
            self.assertEqual((kind, len(password)), (1, size) if size < 16384 else (2, 0))

    def test_credentials_do_not_stay_with_the_connection(self):
        with self.open(password=('user', 'x')).connect() as client:
            client.sendall(post(None, basic('user:x')))
            self.assertEqual(status(client.recv(65536)), 200)
            client.sendall(post())
            self.assertEqual(status(client.recv(65536)), 401)


class Streams(Case):
    def streaming(self, pieces):
        pieces = list(pieces)

        def pull(engine, number):
            if pieces:
                piece = pieces.pop(0)
                self.front.reply(engine, number, STREAM_END if piece is None else STREAM_DATA, piece or b'')
        return self.open({'logtail': lambda call: 1000000000, 'mainlogtail': lambda call: 0, 'pull': pull})

    def test_chunks(self):
        front = self.streaming([b'\xffabc', b'x' * 20])
        with front.connect() as client:
            client.sendall(request('GET /logtail/g%3Ax/stderr HTTP/1.1') + b'\r\n')
            answer = read_until(client, b'x' * 20)
            head, _, body = answer.partition(b'\r\n\r\n')
            self.assertRegex(head.decode(), 'Last-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\nContent-Type: text/plain;charset=utf-8'
                                            '\r\nX-Accel-Buffering: no\r\n(?s:.*)Transfer-Encoding: chunked')
            self.assertTrue(body.startswith(b'4\r\n\xffabc\r\n14\r\nxxxx'))
            self.assertEqual(front.calls[0].args, ['g:x', 'stderr'])
        front.wait(lambda: front.cancelled == [front.calls[0].number])

    def test_old_version_gets_bytes_at_once(self):
        with self.streaming([b'abc']).connect() as client:
            client.sendall(request('GET /mainlogtail HTTP/1.0'))
            answer = read_until(client, b'abc')
            self.assertTrue(answer.endswith(b'\r\n\r\nabc'))
            self.assertNotIn(b'X-Accel', answer)
            self.assertNotIn(b'chunked', answer)

    def test_end_of_a_stream(self):
        answer = self.streaming([b'abc', None]).raw(request('GET /logtail/x HTTP/1.1'))
        self.assertTrue(answer.endswith(b'3\r\nabc\r\n0\r\n\r\n'))

    def test_slow_reader_is_not_pulled_for(self):
        front = self.streaming([b'x' * 65536] * 1000)
        with front.connect() as client:
            client.sendall(request('GET /logtail/x HTTP/1.1'))
            time.sleep(0.5)
            self.assertLess(len(front.pulls), 40)

    def test_reader_that_leaves_is_noticed(self):
        for tcp in (False, True):
            with self.subTest(tcp=tcp):
                front = self.front or self.streaming([])
                with front.connect(tcp) as client:
                    client.sendall(request('GET /logtail/x HTTP/1.1'))
                    read_until(client, b'\r\n\r\n')
                front.wait(lambda: len(front.cancelled) == 1 + tcp)

    def test_missing_log(self):
        def missing(call):
            raise Status(NOT_FOUND)
        self.assertEqual(status(self.open({'logtail': missing}).raw(request('GET /logtail/x HTTP/1.0'))), 404)


class EngineRestart(Case):
    def test_what_reads_is_repeated_and_the_rest_is_not(self):
        answers = {'supervisor.getPID': lambda call: NO_REPLY, 'supervisor.stopProcess': lambda call: NO_REPLY}
        front = self.open(answers)
        with front.connect() as reading, front.connect() as acting:
            reading.sendall(post())
            acting.sendall(post(call_body('supervisor.stopProcess')))
            front.wait(lambda: len(front.calls) == 2)
            answers['supervisor.getPID'] = lambda call: 43
            front.lose_engine()
            self.assertIn(b'<int>30</int>', acting.recv(65536))
            front.new_engine()
            self.assertIn(b'<int>43</int>', reading.recv(65536))

    def test_a_call_that_engines_die_of_is_not_repeated_for_ever(self):
        front = self.open({'supervisor.getPID': lambda call: NO_REPLY})
        with front.connect() as client:
            client.sendall(post())
            for count in range(1, 4):
                front.wait(lambda count=count: len(front.calls) == count)
                front.lose_engine()
                front.new_engine()
            self.assertIn(b'<int>30</int>', client.recv(65536))
        self.assertEqual(len(front.calls), 3)

    def test_requests_wait_for_an_engine(self):
        front = self.open(engine=False)
        with front.connect() as client:
            client.sendall(post())
            time.sleep(0.2)
            front.new_engine()
            self.assertIn(b'<int>42</int>', client.recv(65536))

    def test_but_not_for_ever(self):
        answer = self.open(engine=False).raw(post(None, 'Connection: close'))
        self.assertEqual(status(answer), 503)

    def test_streams_end(self):
        front = self.open({'logtail': lambda call: 0})
        with front.connect() as client:
            client.sendall(request('GET /logtail/x HTTP/1.1'))
            read_until(client, b'\r\n\r\n')
            front.lose_engine()
            self.assertEqual(read_all(client), b'0\r\n\r\n')
        front.new_engine()

    def test_nonsense_from_the_engine_closes_the_edge(self):
        front = self.open({'supervisor.getPID': lambda call: NO_REPLY})
        with front.connect() as client:
            client.sendall(post())
            front.wait(lambda: front.calls)
            front.reply(front.engine, front.calls[0].number, STREAM_DATA, b'x')
            front.answers['supervisor.getPID'] = lambda call: 44
            front.new_engine()
            self.assertIn(b'<int>44</int>', client.recv(65536))

    def test_last_answers_are_sent_before_the_end(self):
        front = self.open({'supervisor.shutdown': lambda call: NO_REPLY})
        with front.connect() as client:
            client.sendall(post(call_body('supervisor.shutdown')))
            front.wait(lambda: front.calls)
            front.reply(front.engine, front.calls[0].number, VALUE, encode(True))
            self.assertEqual(front.stop(), 0)
            self.front = None
            self.assertIn(b'<boolean>1', read_all(client))


class Pages(Case):
    INFO = {'name': 'up', 'group': 'up', 'statename': 'RUNNING', 'description': 'pid 1, uptime 0:00:01'}

    def site(self, **more):
        def fault(code, text):
            def raise_it(call):
                raise Fault(code, text)
            return raise_it
        return self.open({
            **PID, 'supervisor.getAllProcessInfo': lambda call: [self.INFO, {**self.INFO, 'name': 'down', 'group': 'g', 'statename': 'FATAL'}],
            'supervisor.getProcessInfo': lambda call: self.INFO if call.args == ['up'] else fault(10, f'BAD_NAME: {call.args[0]}')(call),
            'supervisor.stopProcess': lambda call: True, 'supervisor.startProcess': fault(60, 'ALREADY_STARTED: up'),
            'supervisor.clearProcessLogs': lambda call: True, 'supervisor.stopAllProcesses': lambda call: [],
            'supervisor.startAllProcesses': lambda call: [], 'supervisor.readProcessStdoutLog': lambda call: b'<b>\xff\x1b'}, **more)

    def get(self, path, *headers, tcp=False, line='GET'):
        return self.front.raw(request(f'{line} {path} HTTP/1.0', *headers), tcp)

    def message(self, path, *headers):
        answer = self.get(path, 'Host: example.net:9001', *headers)
        self.assertEqual(status(answer), 301)
        return re.search(rb'Location: http://example\.net:9001/\?message=(\S*)', answer)[1].decode()

    def test_status_page(self):
        front = self.site()
        answer = self.get('/?message=<a>').decode()
        for text in ('>up<', '>g:down<', '<span class="statusrunning">running</span>', 'class="statuserror">fatal<', '4.4.0+reeve.test',
                     'href="index.html?processname=g%3Adown&amp;action=start"', 'class="status_msg" id="statusmessage">&lt;a&gt;<',
                     "frame-ancestors 'none'", 'Content-Type: text/html;charset=utf-8\r\nPragma: no-cache'):
            self.assertIn(text, answer)
        self.assertEqual({call.kind for call in front.calls}, {PAGE})

    def test_actions(self):
        self.site()
        self.assertEqual(self.message('/?action=stop&processname=up'), 'Process%20up%20stopped')
        self.assertEqual(self.message('/?action=start&processname=up'), 'ERROR%3A%20Process%20up%3A%20already%20started')
        self.assertEqual(self.message('/?action=restart&processname=up'), 'Process%20up%20restarted')
        self.assertEqual(self.message('/?action=clearlog&processname=up'), 'Log%20for%20up%20cleared')
        self.assertEqual(self.message('/?action=stop&processname=grp:*'), 'No%20such%20process%20named%20grp%3A%2A')
        self.assertRegex(self.message('/?action=restartall'), '^All%20restarted%20at%20')
        self.assertRegex(self.message('/index.html?action=refresh'), '^Page%20refreshed%20at%20')
        for path in ('/?action=bogus', '/?action=start'):
            self.assertEqual(status(self.get(path)), 500)
        body = b'action=stop&processname=up'
        answer = self.front.raw(post(body, 'Connection: close', path='/index.html?action=bogus'))
        self.assertIn(b'Location: /?message=Process%20up%20stopped', answer)

    def test_browsers_must_show_where_an_action_comes_from(self):
        front = self.site()
        act = '/?action=stop&processname=up'
        host = 'Host: a.example:9001'
        for headers, obeyed in [
                ([], False), (['Origin: http://evil.example'], False), (['Referer: http://evil.example/'], False),
                (['Referer: http://a.example:9001/?x'], True), (['Sec-Fetch-Site: same-origin'], True),
                (['Sec-Fetch-Site: cross-site', 'Referer: http://a.example:9001/'], False), (['Sec-Fetch-Site: none'], False),
                (['Origin: http://a.example:9001'], True), (['Origin: null'], False),
                (['Referer: http://a.example:9001@evil.example/'], False), (['Referer: http://a.example:9001.evil.example/'], False)]:
            answer = self.get(act, FIREFOX, host, *headers)
            self.assertEqual(status(answer), 301 if obeyed else 200, headers)
            self.assertEqual(b'Do it' in answer, not obeyed)
        token = re.search(rb'name="token" value="([0-9a-f]{32})"', answer)[1].decode()
        body = f'action=stop&processname=up&token={token}'.encode()
        self.assertEqual(status(front.raw(post(body, FIREFOX, host, 'Connection: close', path='/'))), 301)
        body = b'action=stop&processname=up&token=0'
        self.assertEqual(status(front.raw(post(body, FIREFOX, host, 'Connection: close', path='/'))), 200)

    def test_calls_of_foreign_pages_are_refused(self):
        front = self.site()
        for origin, expected in [('http://evil.example', 403), ('null', 403), ('http://a.example', 200)]:
            answer = front.raw(post(None, 'Host: a.example', f'Origin: {origin}', 'Content-Type: text/plain', 'Connection: close'))
            self.assertEqual(status(answer), expected)

    def test_names_of_the_server(self):
        self.site(allowed_hosts='one.example, two.example')
        for host, good in [('localhost:9001', True), ('127.0.0.1:9001', True), ('[::1]:9001', True), ('sometime.example', True),
                           ('two.example:80', True), ('evil.example', False), (socket.gethostname(), True)]:
            self.assertEqual(status(self.get('/', FIREFOX, f'Host: {host}', tcp=True)), 200 if good else 403, host)
            self.assertEqual(status(self.get('/', 'User-Agent: curl', f'Host: {host}', tcp=True)), 200)
            self.assertEqual(status(self.get('/', FIREFOX, f'Host: {host}')), 200)

    def test_with_a_password_any_name_will_do(self):
        self.site(authenticated=True)
        self.assertEqual(status(self.get('/', FIREFOX, 'Host: any.example', tcp=True)), 200)

    def test_tail_page(self):
        front = self.site()
        answer = self.get('/tail.html?processname=up&limit=5000').decode()
        self.assertIn('<title>Supervisor tail of process up</title>', answer)
        self.assertIn('&lt;b&gt;\N{REPLACEMENT CHARACTER}\N{SYMBOL FOR ESCAPE}', answer)
        self.assertEqual(front.calls[-1].args, ['up', -5000, 0])
        self.get('/tail.html?processname=up&limit=5x')
        self.assertEqual(front.calls[-1].args, ['up', -1024, 0])
        self.assertIn(b'No process name found', self.get('/tail.html'))

    def test_files(self):
        self.site()
        self.assertEqual(status(self.get('/stylesheets/../images//icon.png')), 200)
        answer = self.get('/images/../supervisor.js')
        self.assertEqual(status(answer), 200)
        modified = re.search(rb'Last-Modified: ([^\r]*)', answer)[1].decode()
        answer = self.get('/supervisor.js', f'If-Modified-Since: {modified}')
        self.assertEqual((status(answer), answer.partition(b'\r\n\r\n')[2]), (304, b''))
        self.assertIn(b'Location: http://h:1/images/\r\n', self.get('/images', 'Host: h:1'))
        for path in ('/images/', '/../supervisor.js', '/%2e%2e/x', '/stylesheets/../../web.py', '/status.html'):
            self.assertEqual(status(self.get(path)), 404, path)


if __name__ == '__main__':
    unittest.main()
