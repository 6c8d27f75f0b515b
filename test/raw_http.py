"""HTTP by hand, for black-box cases: requests as bytes, and a look at the part that answers them."""

import os
from pathlib import Path

from harness import status_of

CALL = b"<?xml version='1.0'?><methodCall><methodName>supervisor.getPID</methodName></methodCall>"


def post(body=CALL, *headers, path='/RPC2'):
    lines = [f'POST {path} HTTP/1.1', 'Host: localhost', f'Content-Length: {len(body)}',
             *(f'{name}: {value}' for name, value in headers)]
    return '\r\n'.join([*lines, '', '']).encode() + body


def status(answer):
    """The HTTP status of an answer's bytes; None if there is none."""
    return int(answer.split()[1]) if answer else None


def front_of(daemon):
    """The pid of the part that speaks HTTP."""
    for path in Path('/proc').glob('[0-9]*/comm'):
        try:
            if path.read_text() == 'supervisor-rpc\n' and status_of(path.parent.name)['PPid'] == str(daemon.pid):
                return int(path.parent.name)
        except (OSError, KeyError):
            continue
    raise AssertionError('there is no supervisor-rpc')


def seconds_of(pid):
    """The processor time of a process."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def read_chunks(stream):
    """What a chunked answer brings, piece by piece."""
    reader = stream.makefile('rb')
    for line in iter(reader.readline, b'\r\n'):
        assert line
    while True:
        size = int(reader.readline(), 16)
        yield reader.read(size)
        reader.readline()
