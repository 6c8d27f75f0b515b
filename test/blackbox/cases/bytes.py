"""Logs with all 256 byte values and with emoji: what each way to read them delivers, at every offset.

Where the installed Supervisor can answer at all, it answers the same; slices that are not UTF-8 make it fail.
"""

import html
import itertools
import os
import re
import subprocess
import xmlrpc.client

from raw_http import read_chunks

from harness import NOW, PATIENCE, SLEEP, SUPERVISORCTL, Box, case, check, equal, fault_of, program, skip, variants, wait_for

ALL = bytes(range(256))
TEXT = 'naïve café €5 \N{SNOWMAN} \U0001F600\U0001F468\u200d\U0001F469 <&>"\'\t]]>\n'.encode()
BROKEN = TEXT[:9] + b'\xf0\x9f\x98 \xc3( \xed\xa0\x80 \xc0\xaf \xef\xbf\xbe\xef\xbf\xbf' + ALL + TEXT
MOST_CONTROLS = {code: 0x2400 + code for code in range(32) if code not in (9, 10, 13)}
REFERENCE = '/usr/bin/supervisord'


def shown(data):
    """What XML-RPC makes of bytes, by our rules, and an XML parser of that."""
    text = data.decode(errors='surrogateescape')
    text = re.sub('[\ud800-\udfff\ufffe\uffff]', '\ufffd', text).translate(MOST_CONTROLS)
    return text.replace('\r\n', '\n').replace('\r', '\n')


def ways(rpc):
    """The methods that read the log, as functions of offset and length, and how the answer looks."""
    for name in ('readProcessStdoutLog', 'readProcessLog', 'readProcessStderrLog'):
        yield name, lambda offset, length, call=getattr(rpc, name): call('x', offset, length)
    yield 'readLog', rpc.readLog
    for name in ('tailProcessStdoutLog', 'tailProcessLog', 'tailProcessStderrLog'):
        yield name, lambda offset, length, call=getattr(rpc, name): call('x', offset, length)


def slice_of(name, data, offset, length):
    """The bytes that a method reads."""
    size = len(data)
    if name.startswith('read'):
        start = max(size + offset, 0) if offset < 0 else offset
        return data[start:start + length if length else None]
    if size > offset + length:
        offset = size - 1
    if offset + length > size:
        length = 0 if offset > size - 1 else length
        offset = size - length
    offset, length = max(offset, 0), max(length, 0)
    return data[offset:offset + length] if length else b''


def with_logs(box, data, **options):
    """A daemon with these bytes in all its logs, of a program that does not run."""
    for name in ('x.out', 'x.err'):
        box.path(name).write_bytes(data)
    daemon = box.daemon(program('x', '/bin/cat', autostart='false', stdout_logfile='%(here)s/x.out',
                                stderr_logfile='%(here)s/x.err'), **options)
    with open(box.path('supervisord.log'), 'wb') as log:
        log.write(data)
    return daemon


@variants({'all': ('All byte values are read at every offset by every method, as the rules say.', BROKEN),
           'text': ('Text with emoji is cut anywhere and read by every method.', TEXT)})
def slices(box, data):
    daemon = with_logs(box, data)
    size = len(data)
    offsets = sorted({*range(0, size, 7), *range(40), size - 1, size, size + 5, -1, -3, -17, -size, -size - 5})
    for name, read in ways(daemon.rpc):
        for offset, length in itertools.product(offsets, (0, 1, 3, 50, size + 1)):
            if name.startswith('read') and offset < 0 and length:
                continue
            answer = read(offset, length)
            text = answer[0] if name.startswith('tail') else answer
            equal(text, shown(slice_of(name, data, offset, length)), f'{name}({offset}, {length})')


@case(limit=120.0)
def same_as_the_reference(box):
    """At the same offsets the reference reads the same, where it does not fail."""
    if not os.access(REFERENCE, os.X_OK):
        skip('Supervisor is not installed')
    sides = []
    for kind, command in (('ours', None), ('reference', [REFERENCE])):
        box.path(kind).mkdir()
        sides.append(with_logs(Box(box.path(kind), supervisord=command), TEXT))
    compared = failed = 0
    for (name, ours), (_, reference) in zip(*(ways(side.rpc) for side in sides)):
        if name == 'readLog':
            continue    # the reference writes its failures there
        for offset, length in itertools.product((*range(0, len(TEXT) + 2, 3), -9, -20, -500), (0, 2, 11, 1000)):
            if name.startswith('read') and offset < 0 and length:
                continue
            try:
                expected = reference(offset, length)
            except xmlrpc.client.ProtocolError as error:
                equal(error.errcode, 500)
                failed += 1
                continue
            equal(ours(offset, length), expected, f'{name}({offset}, {length})')
            compared += 1
    check(compared > 200 and failed > 50, f'{compared} compared, {failed} failed')
    for path in ('/logtail/x', '/logtail/x/stderr'):
        pieces = []
        for side in sides:
            with side.connect() as client:
                client.sendall(f'GET {path} HTTP/1.1\r\n\r\n'.encode())
                pieces.append(next(read_chunks(client)))
        equal(pieces[0], pieces[1], path)


@case
def pages_and_clients(box):
    """The tail page and supervisorctl tail show the same text; maintail too."""
    daemon = with_logs(box, BROKEN)
    page = daemon.http('/tail.html?processname=x&limit=100000').body
    text = html.unescape(re.search('<pre>\n(.*)</pre>', page, re.S)[1])
    equal(text.replace('\r\n', '\n').replace('\r', '\n'), shown(BROKEN))
    for words in (['tail', '-100000', 'x'], ['tail', '-100000', 'x', 'stderr'], ['maintail', '-100000']):
        done = subprocess.run([*SUPERVISORCTL, '-c', str(daemon.conf), *words], capture_output=True, timeout=PATIENCE,
                              env=box.environment)
        equal((done.returncode, done.stderr), (0, b''))
        equal(done.stdout.decode().rstrip('\n'), shown(BROKEN).rstrip('\n'), words)


def emitting(box):
    """A daemon with a program that writes BROKEN, then LF, for each line that it reads."""
    box.path('data').write_bytes(BROKEN)
    box.write('emit.py', 'import os, sys\ndata = open(sys.argv[1], "rb").read()\nfor line in sys.stdin:\n'
                         '    for fd in (1, 2): os.write(fd, data)\n')
    return box.daemon(program('x', 'python3 -u %(here)s/emit.py %(here)s/data', stdout_logfile='%(here)s/x.out',
                              stderr_logfile='%(here)s/x.err', **NOW))


@variants({version: (f'A log stream over HTTP/{version} is the bytes of the log.', version) for version in ('1.1', '1.0')})
def stream(box, version):
    daemon = emitting(box)
    logs = [box.path('x.out'), box.path('x.err')]
    before = 0
    for path, log in zip(('/logtail/x', '/logtail/x/stderr'), logs):
        with daemon.connect() as client:
            client.sendall(f'GET {path} HTTP/{version}\r\n\r\n'.encode())
            got = b''
            while b'\r\n\r\n' not in got:
                got += client.recv(1)
            for _ in range(3):
                daemon.rpc.sendProcessStdin('x', '\n')
            wanted = min(before, 1024) + 3 * len(BROKEN)
            body = b''
            if version == '1.1':
                reader = client.makefile('rb')
                while len(body) < wanted:
                    body += reader.read(int(reader.readline(), 16))
                    reader.readline()
            else:
                while len(body) < wanted:
                    body += client.recv(65536)
            before += 3 * len(BROKEN)
            wait_for(lambda: {one.stat().st_size for one in logs} == {before}, 'all in both logs')
            equal(body, log.read_bytes()[-wanted:], path)


def follow(box, daemon, *words, stdin=None):
    """A supervisorctl that goes on, with its output in a file."""
    with open(box.path('output'), 'wb') as output:
        return subprocess.Popen([*SUPERVISORCTL, '-c', str(daemon.conf), *words], stdin=stdin or subprocess.DEVNULL,
                                stdout=output, stderr=output, env=box.environment, cwd=box.folder)


@case
def tail_f_and_fg(box):
    """tail -f and fg print the bytes of the log as they are; so they can be cut anywhere."""
    daemon = emitting(box)
    client = follow(box, daemon, 'tail', '-f', 'x')
    box.wait_text('output', 'Press Ctrl-C')
    daemon.rpc.sendProcessStdin('x', '\n')
    wait_for(lambda: box.path('output').read_bytes().endswith(BROKEN), 'tail -f')
    client.terminate()
    client.wait(PATIENCE)

    client = follow(box, daemon, 'fg', 'x', stdin=subprocess.PIPE)
    try:
        client.stdin.write(b'line\n')
        client.stdin.flush()
        wait_for(lambda: box.path('output').read_bytes().count(BROKEN) >= 4, 'fg: history and news of both logs')
    finally:
        client.terminate()
        client.wait(PATIENCE)


@case
def stdin_that_is_not_read(box):
    """Up to 1 MiB is kept for a process that does not read; what would be beyond is refused, with the reason."""
    daemon = box.daemon(program('x', SLEEP, **NOW))
    daemon.wait_state('x', 'RUNNING')
    equal(daemon.rpc.sendProcessStdin('x', 'a' * (1 << 20)), True)
    equal(fault_of(daemon.rpc.sendProcessStdin, 'x', 'b' * (1 << 20)),
          (30, 'FAILED: x: more than 1 MiB would wait for its standard input'))
