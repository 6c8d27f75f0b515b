"""Logs that are longer than what the parts may have of memory, and answers that would be."""

import xmlrpc.client

from parts import not_sanitized, parts_of, wait_parts
from raw_http import post, status

from harness import SLEEP, case, check, equal, fault_of, program, wait_for

MIB = 1024 * 1024
FAILED = 30


def start(box, size, *sections):
    """A daemon with a program whose log is so long, without taking room on the disk; the log."""
    not_sanitized()         # which take more memory, and have no limit
    log = box.path('long.log')
    daemon = box.daemon(program('x', SLEEP, autostart='false', stdout_logfile=log), *sections)
    resize(log, size)
    return daemon, log, wait_parts(daemon.pid)


def resize(log, size, end=b''):
    with open(log, 'wb') as file:
        file.truncate(size)
        file.seek(0, 2)
        file.write(end)


def call(method, *parameters):
    return {'methodName': f'supervisor.{method}', 'params': list(parameters)}


@case
def a_log_that_does_not_fit(box):
    """Reading all of a log that does not fit into memory fails; nobody dies of it, and its end can be read."""
    daemon, log, parts = start(box, 1024 * MIB)
    equal(fault_of(daemon.rpc.readProcessStdoutLog, 'x', 0, 0), (FAILED, 'FAILED'))
    equal(daemon.rpc.tailProcessStdoutLog('x', 0, 2048 * MIB - 1), ['', 0, False])
    resize(log, 1024 * MIB, b'the end')
    equal(daemon.rpc.readProcessStdoutLog('x', -7, 0), 'the end')
    equal(parts_of(daemon.pid), parts)


@case
def a_log_that_grows_by_escapes(box):
    """A log that fits, but not with each of its bytes written as three or five, is answered by HTTP 500."""
    daemon, _, parts = start(box, 250 * MIB)
    try:
        daemon.rpc.readProcessStdoutLog('x', 0, 0)
    except xmlrpc.client.ProtocolError as error:
        equal(error.errcode, 500)
    else:
        check(False, 'the log was read')
    equal(parts_of(daemon.pid), parts)


@case
def a_multicall_that_does_not_fit(box):
    """A multicall whose results are too many is answered by a fault, and the calls after it as ever."""
    daemon, _, parts = start(box, 20 * MIB, program('many', SLEEP, autostart='false', numprocs=50,
                                                           process_name='%(program_name)s_%(process_num)d'))
    code, text = fault_of(daemon.proxy.system.multicall, [call('readProcessStdoutLog', 'x', 0, 0)] * 200)
    equal((code, text), (FAILED, 'FAILED: the results are too long for one answer'))
    code, text = fault_of(daemon.proxy.system.multicall, [call('getAllProcessInfo')] * 10000)
    equal((code, text), (FAILED, 'FAILED: the results are too long for one answer'))
    equal(len(daemon.proxy.system.multicall([call('getState')] * 1000)), 1000)
    equal(parts_of(daemon.pid), parts)


@case
def answers_that_are_not_taken(box):
    """Clients that ask for long logs and do not take them: the first ones get theirs, the others HTTP 503."""
    daemon, _, parts = start(box, 30 * MIB)
    body = xmlrpc.client.dumps(('x', 0, 0), 'supervisor.readProcessStdoutLog').encode()
    clients = []

    def ask():
        clients.append(daemon.connect())
        clients[-1].sendall(post(body))
        return status(clients[-1].recv(12))
    statuses = [ask() for _ in range(8)]
    equal((statuses[0], statuses[-1], statuses), (200, 503, sorted(statuses)))
    equal(daemon.rpc.getState()['statename'], 'RUNNING')
    for client in clients:
        client.close()
    wait_for(lambda: ask() == 200, 'room for another long answer')
    equal(parts_of(daemon.pid), parts)
