"""A stand-in for supervisord and its engine, so that the real supervisor-rpc can be tested alone.

Front starts the program with a channel as descriptor 3, hands it listening sockets and an edge to the engine, and
answers its calls with functions of the test: answers[method](call) returns a value, or raises Fault or Status.
"""

import os
import pathlib
import socket
import struct
import subprocess
import tempfile
import threading
import time

PROTOCOL = 1
R_HELLO, R_PEER, LISTENER, START = 60, 61, 62, 63
CALL, CALL_MORE, PULL, CANCEL, REPLY = 70, 71, 72, 73, 80
RPC, AUTH, LOG_TAIL, MAIN_LOG_TAIL, PAGE = 1, 2, 3, 4, 5
(PART, VALUE, FAULT, UNAUTHORIZED, BAD_REQUEST, SERVER_ERROR, NOT_FOUND, STREAM_OPEN, STREAM_DATA,
 STREAM_END) = range(10)
MAX_CHUNK = 65536


class Fault(Exception):
    pass


class Status(Exception):
    pass


NO_REPLY = object()


def encode(value):
    if value is None:
        return b'\0'
    if isinstance(value, bool):
        return struct.pack('<BB', 1, value)
    if isinstance(value, int):
        return struct.pack('<Bq', 2, value)
    if isinstance(value, float):
        return struct.pack('<Bd', 3, value)
    if isinstance(value, (str, bytes)):
        data = value.encode() if isinstance(value, str) else value
        return struct.pack('<BI', 4, len(data)) + data
    if isinstance(value, list):
        return struct.pack('<BI', 5, len(value)) + b''.join(map(encode, value))
    out = struct.pack('<BI', 6, len(value))
    for name, item in value.items():
        out += struct.pack('<I', len(name)) + name.encode() + encode(item)
    return out


def decode(data):
    value, rest = take(data)
    assert not rest
    return value


def take(data):
    kind, data = data[0], data[1:]
    if kind == 0:
        return None, data
    if kind == 1:
        return bool(data[0]), data[1:]
    if kind == 2:
        return struct.unpack_from('<q', data)[0], data[8:]
    if kind == 3:
        return struct.unpack_from('<d', data)[0], data[8:]
    size, data = struct.unpack_from('<I', data)[0], data[4:]
    if kind == 4:
        return data[:size].decode(), data[size:]
    if kind == 5:
        items = []
        for _ in range(size):
            item, data = take(data)
            items.append(item)
        return items, data
    members = {}
    for _ in range(size):
        length, data = struct.unpack_from('<I', data)[0], data[4:]
        name, data = data[:length].decode(), data[length:]
        members[name], data = take(data)
    return members, data


class Call:
    """A call as it came over the edge, its arguments put together."""

    def __init__(self, number, data):
        (self.listener, self.peer_uid, self.args_size, self.kind, self.credentials, method, user, password,
         address) = struct.unpack_from('<IIIHHHHHH', data)
        self.number = number
        data = data[24:]
        texts = []
        for size in (method, user, password, address):
            texts.append(data[:size].decode())
            data = data[size:]
        self.method, self.user, self.password, self.address = texts
        self.raw = data

    @property
    def args(self):
        return decode(self.raw)


class Front:
    """supervisor-rpc with one unix listener and one TCP listener."""

    def __init__(self, program, answers=None, password=None, limits=(8192, 65536, 8 << 20, 30, 256), engine=True,
                 authenticated=False, allowed_hosts='', descriptors=1000):
        self.answers = answers or {}
        self.password = password
        self.calls = []
        self.pulls = []
        self.cancelled = []
        self.lock = threading.Lock()
        self.folder = tempfile.TemporaryDirectory()
        self.path = str(pathlib.Path(self.folder.name, 's.sock'))
        self.spawner, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.setblocking(False)
        self.process = subprocess.Popen(
            ['sh', '-c', f'ulimit -n {descriptors}; exec 3<&{theirs.fileno()}; exec "$0"', program], pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={})
        theirs.close()
        flags = 1 if authenticated else 0
        self.tell(R_HELLO, struct.pack('<IIIIQ', PROTOCOL, 0, os.getpid(), 20, 0))
        self.engine = None
        if engine:
            self.new_engine()
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(self.path)
        inet = socket.socket()
        inet.bind(('127.0.0.1', 0))
        self.port = inet.getsockname()[1]
        hosts = b'\0' + allowed_hosts.encode() if allowed_hosts else b''
        for number, (listener, family, port, shown) in enumerate(
                [(unix, socket.AF_UNIX, 0, self.path), (inet, socket.AF_INET, self.port, 'sometime.example')]):
            listener.listen(1024)
            self.tell(LISTENER, struct.pack('<9I', number, family, port, flags, *limits) + shown.encode() + hosts,
                      [listener.fileno()])
            listener.close()
        self.tell(START, struct.pack('<I', 2) + b'4.4.0+reeve.test')

    def tell(self, kind, body, fds=()):
        socket.send_fds(self.spawner, [struct.pack('<HHI', kind, 0, 0) + body], list(fds))

    def new_engine(self):
        """Connects an engine; the one before must be gone (lose_engine)."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.setblocking(False)
        self.tell(R_PEER, struct.pack('<I', 1), [theirs.fileno()])
        theirs.close()
        self.engine = ours
        threading.Thread(target=self.serve, args=[ours], daemon=True).start()

    def lose_engine(self):
        self.engine.shutdown(socket.SHUT_RDWR)
        self.engine.close()
        self.engine = None

    def serve(self, engine):
        partial = {}
        while True:
            try:
                message = engine.recv(200000)
            except OSError:
                return
            if not message:
                return
            kind, _, number = struct.unpack_from('<HHI', message)
            data = message[8:]
            if kind == CALL:
                partial[number] = Call(number, data)
            elif kind == CALL_MORE:
                partial[number].raw += data
            elif kind == PULL:
                self.pulls.append(number)
                self.answers.get('pull', lambda *_: None)(engine, number)
                continue
            elif kind == CANCEL:
                self.cancelled.append(number)
                continue
            call = partial[number]
            if len(call.raw) == call.args_size:
                del partial[number]
                self.calls.append(call)
                self.answer(engine, call)

    def answer(self, engine, call):
        if self.password and (call.credentials, call.user, call.password) != (1, *self.password):
            return self.reply(engine, call.number, UNAUTHORIZED)
        if call.kind == AUTH:
            return self.reply(engine, call.number, VALUE, encode(True))
        key = {LOG_TAIL: 'logtail', MAIN_LOG_TAIL: 'mainlogtail'}.get(call.kind, call.method)
        if key not in self.answers:
            return self.reply(engine, call.number, FAULT, b'UNKNOWN_METHOD', 1)
        try:
            value = self.answers[key](call)
        except Fault as fault:
            return self.reply(engine, call.number, FAULT, fault.args[1].encode(), fault.args[0])
        except Status as status:
            return self.reply(engine, call.number, status.args[0])
        if value is NO_REPLY:
            return None
        if key in ('logtail', 'mainlogtail'):
            return self.reply(engine, call.number, STREAM_OPEN, mtime=value)
        data = encode(value)
        while len(data) > MAX_CHUNK:
            self.reply(engine, call.number, PART, data[:MAX_CHUNK])
            data = data[MAX_CHUNK:]
        return self.reply(engine, call.number, VALUE, data)

    def reply(self, engine, number, kind, tail=b'', code=0, mtime=0):
        engine.send(struct.pack('<HHI', REPLY, 0, number) + struct.pack('<Iiq', kind, code, mtime) + tail)

    def connect(self, tcp=False):
        client = socket.create_connection(('127.0.0.1', self.port)) if tcp else socket.socket(socket.AF_UNIX)
        client.settimeout(30)
        if not tcp:
            client.connect(self.path)
        return client

    def raw(self, data, tcp=False):
        """Sends bytes and returns all that comes until the end of the connection."""
        with self.connect(tcp) as client:
            client.sendall(data)
            return read_all(client)

    def wait(self, condition, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, 'nothing happened in time'
            time.sleep(0.005)

    def stop(self):
        """The end of the service; returns the exit status."""
        self.spawner.close()
        if self.engine is not None:
            self.engine.close()
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()
            self.folder.cleanup()


def read_all(client):
    pieces = []
    while piece := client.recv(65536):
        pieces.append(piece)
    return b''.join(pieces)


def read_until(client, text):
    seen = b''
    while text not in seen:
        piece = client.recv(65536)
        assert piece, f'the end came before {text!r}: {seen!r}'
        seen += piece
    return seen

