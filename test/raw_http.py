"""HTTP by hand, for black-box cases: requests as bytes."""

CALL = b"<?xml version='1.0'?><methodCall><methodName>supervisor.getPID</methodName></methodCall>"


def post(body=CALL, *headers, path='/RPC2'):
    lines = [f'POST {path} HTTP/1.1', 'Host: localhost', f'Content-Length: {len(body)}',
             *(f'{name}: {value}' for name, value in headers)]
    return '\r\n'.join([*lines, '', '']).encode() + body


def status(answer):
    """The HTTP status of an answer's bytes; None if there is none."""
    return int(answer.split()[1]) if answer else None


def read_chunks(stream):
    """What a chunked answer brings, piece by piece."""
    reader = stream.makefile('rb')
    for line in iter(reader.readline, b'\r\n'):
        assert line
    while True:
        size = int(reader.readline(), 16)
        yield reader.read(size)
        reader.readline()
