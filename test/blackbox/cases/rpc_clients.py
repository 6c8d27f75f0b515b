"""Python's xmlrpc.client, curl with XML by hand, and the client of xmlrpc-c get the same from every method."""

import os
import re
import shutil
import subprocess
import xmlrpc.client

from parts import TEST_PROGRAMS

from harness import PATIENCE, SLEEP, Box, case, equal, free_port, listener, program, section, skip, wait_for

TEXT = 'a<b>&\u00e9\u20ac\N{SNOWMAN}"\']]>'

# Calls in this order: each sees what those before have done.
CALLS = [
    ('system.listMethods',), ('system.methodHelp', 'supervisor.startProcess'), ('system.methodHelp', 'nope'),
    ('system.methodSignature', 'supervisor.startProcess'), ('system.methodSignature', 'nope.x'),
    *((f'supervisor.{name}',) for name in (
        'getAPIVersion', 'getVersion', 'getSupervisorVersion', 'getIdentification', 'getState', 'getPID',
        'getAllConfigInfo', 'getAllProcessInfo')),
    ('supervisor.getProcessInfo', 'cat'), ('supervisor.getProcessInfo', 'grp:a'), ('supervisor.getProcessInfo', 'grp:*'),
    ('supervisor.getProcessInfo', TEXT), ('supervisor.getProcessInfo',), ('supervisor.nope',), ('nope',),
    ('supervisor.sendProcessStdin', 'cat', TEXT + '\n'), ('supervisor.sendProcessStdin', 'cat', 5),
    ('supervisor.sendProcessStdin', 'off', 'x'), ('wait',),
    *((f'supervisor.{name}', 'cat', *slice_) for name in ('readProcessStdoutLog', 'readProcessLog', 'tailProcessStdoutLog',
                                                          'tailProcessLog', 'readProcessStderrLog', 'tailProcessStderrLog')
      for slice_ in ((0, 0), (0, 5), (-8, 0), (3, 100), (-4, 2), (10000, 1))),
    ('supervisor.readProcessStdoutLog', 'nope', 0, 0),
    ('supervisor.readLog', 0, 0), ('supervisor.readMainLog', 0, 24), ('supervisor.readLog', 0, -1),
    ('supervisor.startProcess', 'off'), ('supervisor.startProcess', 'off'), ('supervisor.startProcess', 'missing'),
    ('supervisor.startProcess', 'bad', True), ('supervisor.startProcess', 'grp:*', False),
    ('supervisor.signalProcess', 'off', 'CONT'), ('supervisor.signalProcess', 'off', 18), ('supervisor.signalProcess', 'off', 'NOPE'),
    ('supervisor.signalProcessGroup', 'grp', 'CONT'), ('supervisor.signalAllProcesses', 'sigcont'),
    ('supervisor.stopProcess', 'off', True), ('supervisor.stopProcess', 'off'), ('supervisor.stopProcessGroup', 'grp'),
    ('supervisor.startProcessGroup', 'grp'), ('supervisor.startProcessGroup', 'nope', True),
    ('supervisor.clearProcessLogs', 'cat'), ('supervisor.clearProcessLog', 'nope'), ('supervisor.clearAllProcessLogs',),
    ('supervisor.sendRemoteCommEvent', 'type', 'a<b>&'), ('supervisor.reloadConfig',),
    ('supervisor.removeProcessGroup', 'cat'), ('supervisor.addProcessGroup', 'cat'), ('supervisor.stopProcess', 'cat'),
    ('supervisor.removeProcessGroup', 'cat'), ('supervisor.reloadConfig',), ('supervisor.addProcessGroup', 'cat'),
    ('supervisor.stopAllProcesses',), ('supervisor.startAllProcesses', True), ('supervisor.getAllProcessInfo',),
    ('system.multicall', [{'methodName': 'supervisor.getProcessInfo', 'params': ['cat']},
                          {'methodName': 'supervisor.getAPIVersion', 'params': []},
                          {'methodName': 'supervisor.startProcess', 'params': [TEXT]}, {'params': []}]),
    ('supervisor.clearLog',), ('supervisor.readLog', 0, 0), ('supervisor.restart',), ('restarted',),
    ('supervisor.shutdown',),
]

class Python:
    """Python's own client."""

    def __init__(self, box, port):
        self.proxy = xmlrpc.client.ServerProxy(f'http://127.0.0.1:{port}/RPC2', allow_none=True)

    def call(self, name, *arguments):
        return getattr(self.proxy, name)(*arguments)


class Curl:
    """XML as one writes it by hand: no prolog, bare texts, i4 for int."""

    def __init__(self, box, port):
        if not shutil.which('curl'):
            skip('curl is not installed')
        self.socket = box.path('s.sock')

    def call(self, name, *arguments):
        xml = xmlrpc.client.dumps(arguments, name)
        xml = re.sub(r'<\?xml[^>]*>|(?<=>)\n', '', xml).replace('<string>', '').replace('</string>', '')
        xml = xml.replace('<int>', '<i4>').replace('</int>', '</i4>')
        done = subprocess.run(['curl', '-sS', '--unix-socket', self.socket, '--data-binary', '@-', 'http://localhost/RPC2'],
                              input=xml.encode(), capture_output=True, timeout=PATIENCE, check=True)
        return xmlrpc.client.loads(done.stdout)[0][0]


class Library:
    """The client of xmlrpc-c."""

    def __init__(self, box, port):
        client = TEST_PROGRAMS / 'xmlrpcc_client'
        if not client.exists():
            skip('xmlrpcc_client is not built')
        self.process = subprocess.Popen([client, f'http://127.0.0.1:{port}/RPC2'], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def call(self, name, *arguments):
        xml = xmlrpc.client.dumps(arguments, name).encode()
        self.process.stdin.write(b'%d\n' % len(xml) + xml)
        self.process.stdin.flush()
        try:
            return xmlrpc.client.loads(self.process.stdout.read(int(self.process.stdout.readline())))[0][0]
        except xmlrpc.client.Fault as fault:
            fault.faultString = fault.faultString.removeprefix('RPC failed at server.  ')      # its own words
            raise


CLIENTS = {'python': Python, 'curl': Curl, 'xmlrpc-c': Library}


def plain(box, port, result):
    """A result as text, without what differs between two daemons."""
    text = repr(result).replace(str(box.folder), 'FOLDER').replace(str(port), 'PORT')
    text = re.sub(r"('(?:start|stop|now|pid)': )[1-9]\d*", r'\1N', text)
    text = re.sub(r'pid \d+(, uptime \d+:\d\d:\d\d)?', 'pid N', text)
    text = re.sub(r'---supervisor-\w{8}', '---supervisor-X', text)
    text = re.sub(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}', 'TIME', text)
    text = re.sub(r'[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M', 'TIME', text)
    text = re.sub(r'by (uid \d+ on FOLDER/s.sock|127.0.0.1:\d+)', 'by WHO', text)
    return 'PID' if isinstance(result, int) and not isinstance(result, bool) else text


def answers(box, kind):
    """What a client gets, call by call, from a daemon of its own."""
    port = free_port()
    daemon = box.daemon(
        program('cat', '/bin/cat', startsecs=0, stdout_logfile='%(here)s/cat.log', stderr_logfile='%(here)s/cat.err'),
        program('off', SLEEP, startsecs=0, autostart='false'), program('missing', '/no/such/program', autostart='false'),
        program('bad', '/bin/false', startretries=0, autostart='false'), program('a', SLEEP, startsecs=0),
        program('b', SLEEP, startsecs=0), section('group:grp', programs='a,b'), listener('l', 'REMOTE_COMMUNICATION'),
        section('inet_http_server', port=f'127.0.0.1:{port}'))
    daemon.wait_state('cat', 'RUNNING')
    daemon.wait_state('l', 'RUNNING')
    client, found = CLIENTS[kind](box, port), []
    for name, *arguments in CALLS:
        if name == 'wait':
            wait_for(lambda: box.text('cat.log').endswith('\n'), 'what was sent')
        elif name == 'restarted':
            wait_for(lambda: box.path('supervisord.log').exists() and
                     daemon.log.count('supervisord started with pid') == 1 and box.path('s.sock').exists(), 'the restart')
            daemon.wait_ready()
        else:
            try:
                result = plain(box, port, client.call(name, *arguments))
            except xmlrpc.client.Fault as fault:
                result = plain(box, port, (fault.faultCode, fault.faultString))
            if name == 'supervisor.readLog' or name.endswith(('Group', 'Processes')):
                result = str(sorted(re.split(r"\\n|(?<=}), |[\[\]]", result)))     # processes end in any order
            found.append((name, arguments, result))
    daemon.wait_exit()
    box.wait_event('l', 'REMOTE_COMMUNICATION')
    equal(box.events('l')[0].payload, 'type:type\na<b>&')
    return found


@case
def all_clients_agree(box):
    """Each method's results and faults are the same for all clients."""
    equal({name for name, *_ in CALLS if name.count('.') == 1} - {'supervisor.nope'},
          set(answers_of_list(box)), 'methods that are called')
    found = {}
    for kind in CLIENTS:
        box.path(kind).mkdir()
        found[kind] = answers(Box(box.path(kind)), kind)
    for kind in ('curl', 'xmlrpc-c'):
        for expected, actual in zip(found['python'], found[kind], strict=True):
            if actual != expected:
                differs = os.path.commonprefix([actual[2], expected[2]])
                at = max(len(differs) - 40, 0)
                raise AssertionError(f'{actual[0]}{actual[1]}: {kind} got ...{actual[2][at:at + 200]!r}, '
                                     f'python got ...{expected[2][at:at + 200]!r}')


def answers_of_list(box):
    """All methods that there are."""
    box.path('list').mkdir()
    daemon = Box(box.path('list')).daemon()
    names = daemon.proxy.system.listMethods()
    equal(len(names), 41)
    daemon.stop()
    return names
