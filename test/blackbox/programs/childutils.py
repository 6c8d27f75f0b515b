"""What listeners written for Supervisor share: the protocol on text streams, and the way back by XML-RPC.

The names are those of the module of that name that such listeners import. Headers are split at blanks and each
token at its colon, and payloads are read by characters.
"""

import os
import socket
import sys
import xmlrpc.client
from http.client import HTTPConnection
from urllib.parse import urlsplit


def get_headers(line):
    return dict([token.split(':') for token in line.split()])


def eventdata(payload):
    first, _, data = payload.partition('\n')
    return get_headers(first), data


class EventListener:
    def wait(self, stdin=sys.stdin, stdout=sys.stdout):
        self.say('READY\n', stdout)
        line = stdin.readline()
        if not line:
            sys.exit(0)
        headers = get_headers(line)
        return headers, stdin.read(int(headers['len']))

    def say(self, text, stdout=sys.stdout):
        stdout.write(text)
        stdout.flush()

    def send(self, data, stdout=sys.stdout):
        self.say(f'RESULT {len(data)}\n{data}', stdout)

    def ok(self, stdout=sys.stdout):
        self.send('OK', stdout)

    def fail(self, stdout=sys.stdout):
        self.send('FAIL', stdout)


listener = EventListener()


class Connection(HTTPConnection):
    def connect(self):
        url = os.environ['SUPERVISOR_SERVER_URL']
        if url.startswith('unix://'):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(url[len('unix://'):])
        else:
            self.sock = socket.create_connection((urlsplit(url).hostname, urlsplit(url).port))


class Transport(xmlrpc.client.Transport):
    def make_connection(self, host):
        _, self._extra_headers, _ = self.get_host_info(host)
        if not self._connection[1]:
            self._connection = host, Connection('localhost')
        return self._connection[1]


def getRPCInterface(env):
    user = f'{env["SUPERVISOR_USERNAME"]}:{env["SUPERVISOR_PASSWORD"]}@' if 'SUPERVISOR_USERNAME' in env else ''
    return xmlrpc.client.ServerProxy(f'http://{user}localhost/RPC2', Transport())
