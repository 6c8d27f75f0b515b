"""Who has changed what: a line in the main log for each command of a client, and nothing in it that a client forges."""

import os
import re
import xmlrpc.client

from harness import NOW, SLEEP, basic, case, check, equal, fault_of, free_port, lacks, program, section


def commands(daemon):
    """What the log says about commands so far, without the time."""
    return re.findall(r'^\S+ \S+ INFO (command: .*)$', daemon.log, re.M)


def here(daemon, rest=''):
    return f'uid {os.geteuid()} on {daemon.socket}{rest}'


@case
def each_change_has_a_line(box):
    """A call that changes something is one line: method, arguments, uid, socket, result; reading leaves none."""
    daemon = box.daemon(program('x', '/bin/cat', **NOW), program('y', SLEEP, autostart='false', **NOW))
    daemon.wait_state('x', 'RUNNING')
    rpc = daemon.rpc
    who = here(daemon)
    secret = 'pass\nword\N{SNOWMAN}'

    def fails(call, *arguments):
        return fault_of(call, *arguments)[1]

    for method, arguments, shown, result in (
            (rpc.startProcess, ('y',), "startProcess('y')", 'OK'),
            (rpc.startProcess, ('nope', False), "startProcess('nope', False)", 'fault 10 BAD_NAME: nope'),
            (rpc.stopProcessGroup, ('y',), "stopProcessGroup('y')", '1 of 1 OK'),
            (rpc.startAllProcesses, (), 'startAllProcesses()', '1 of 1 OK'),
            (rpc.signalAllProcesses, ('NOPE',), "signalAllProcesses('NOPE')", '0 of 2 OK'),
            (rpc.signalProcess, ('x:*', 18), "signalProcess('x:*', 18)", '1 of 1 OK'),
            (rpc.sendProcessStdin, ('x', secret), "sendProcessStdin('x', <12 bytes>)", 'OK'),
            (rpc.sendProcessStdin, ('x', 4711), "sendProcessStdin('x', <...>)", 'fault 2 INCORRECT_PARAMETERS'),
            (rpc.sendProcessStdin, ('x', [secret]), "sendProcessStdin('x', [...])", 'fault 2 INCORRECT_PARAMETERS'),
            (rpc.clearProcessLogs, ('x',), "clearProcessLogs('x')", 'OK'),
            (rpc.clearAllProcessLogs, (), 'clearAllProcessLogs()', '2 of 2 OK'),
            (rpc.removeProcessGroup, ('y',), "removeProcessGroup('y')", 'fault 91 STILL_RUNNING: y'),
            (rpc.addProcessGroup, ('y',), "addProcessGroup('y')", 'fault 90 ALREADY_ADDED: y'),
            (rpc.reloadConfig, (), 'reloadConfig()', 'OK [[[], [], []]]'),
            (rpc.stopProcess, ('x', 1, 2), "stopProcess('x', 1, 2)", 'fault 2 INCORRECT_PARAMETERS')):
        before = len(commands(daemon))
        try:
            method(*arguments)
        except xmlrpc.client.Fault:
            pass
        equal(commands(daemon)[before:], [f'command: supervisor.{shown} by {who}: {result}'])
    before = len(commands(daemon))
    rpc.getAllProcessInfo(), rpc.readLog(0, 0), rpc.tailProcessLog('x', 0, 10), daemon.proxy.system.listMethods()
    fails(rpc.nope)
    rpc.sendRemoteCommEvent('type', 'data')
    equal(len(commands(daemon)), before, 'lines about commands')
    for part in (secret, 'pass', '4711'):
        lacks(daemon.log, part)
    rpc.clearLog()
    equal(commands(daemon), [f'command: supervisor.clearLog() by {who}: OK'])
    rpc.shutdown()
    daemon.wait_exit()
    equal(commands(daemon)[1:], [f'command: supervisor.shutdown() by {who}: OK'])


@case
def calls_within_a_multicall(box):
    """Each call of a multicall that changes something has its own line, with the client of the whole."""
    daemon = box.daemon(program('x', SLEEP, **NOW))
    daemon.proxy.system.multicall([{'methodName': f'supervisor.{name}', 'params': ['x']}
                                   for name in ('getProcessInfo', 'stopProcess', 'stopProcess', 'startProcess')])
    equal(commands(daemon), [f'command: supervisor.{method}(\'x\') by {here(daemon)}: {result}' for method, result in (
        ('stopProcess', 'OK'), ('stopProcess', 'fault 70 NOT_RUNNING: x'), ('startProcess', 'OK'))])


@case
def tcp_clients_and_logins(box):
    """Clients on TCP are named by address and port, with the user they logged in as; so is the web page."""
    ports = free_port(), free_port()
    daemon = box.daemon(program('x', SLEEP, **NOW), section('inet_http_server', port=f'127.0.0.1:{ports[0]}'),
                        section('inet_http_server:two', port=f'127.0.0.1:{ports[1]}', username='uu', password='p%%p'))
    open_, closed = (xmlrpc.client.ServerProxy(f'http://{user}127.0.0.1:{port}/RPC2').supervisor
                     for user, port in zip(('', 'uu:p%25p@'), ports))
    open_.stopProcess('x')
    closed.startProcess('x')
    equal(daemon.http('/index.html?action=stop&processname=x', headers=[basic('forged', 'name')]).status, 301)
    lines = commands(daemon)
    for line, pattern in zip(lines, (
            r"stopProcess\('x'\) by 127\.0\.0\.1:\d+: OK", r"startProcess\('x'\) by 127\.0\.0\.1:\d+ as 'uu': OK",
            rf"stopProcess\('x'\) by {re.escape(here(daemon))} \(web page\): OK")):
        check(re.fullmatch('command: supervisor.' + pattern, line), line)
    equal(len(lines), 3)
    lacks(daemon.log, 'p%p')


@case
def nobody_forges_a_line(box):
    """Control characters in names are escapes, and long texts are cut: one call is one line, at every level."""
    daemon = box.daemon(program('x', SLEEP, **NOW), supervisord={'loglevel': 'trace'})
    evil = 'x\n2026-01-01 00:00:00,000 INFO command: forged\r\x7f\N{RIGHT-TO-LEFT OVERRIDE}\N{NEXT LINE}'
    fault_of(daemon.rpc.startProcess, evil)
    fault_of(daemon.rpc.startProcess, 'y' * 100000)
    fault_of(daemon.rpc.removeProcessGroup, [evil])
    fault_of(getattr(daemon.rpc, evil.replace('\n', '&#10;').replace(' ', '_')))
    daemon.rpc.sendRemoteCommEvent(evil, evil)
    lines = daemon.log.split('\n')
    equal([line for line in lines if 'forged' in line and not re.search(r'(command|XML-RPC).*\\n2026', line)], [])
    check(max(map(len, lines)) < 3000, 'no line is long')
    for character in '\r\x7f\u202e\x85':
        lacks(daemon.log, character)
