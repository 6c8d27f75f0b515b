"""FastCGI programs: where their sockets come from, how long they stay, and what happens when there can be none."""

import grp
import re
import socket
import stat

from harness import (NOW, PATIENCE, PROGRAMS, PYTHON, SLEEP, case, check, equal, fault_of, free_port, lacks,
                     other_user, program, section)

ANSWERER = f'{PYTHON} {PROGRAMS}/answerer.py %(program_name)s%(process_num)d'


def fcgi(name, url, command=ANSWERER, **options):
    return section(f'fcgi-program:{name}', command=command, socket=url, **{**NOW, **options})


def answer(path):
    """What a process answers on a new connection; None if there is nobody."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        try:
            connection.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return None
        return connection.recv(100).decode().strip()


@case
def socket_in_a_group(box):
    """Programs of a [group:x] have their sockets as well, each its own, shared by its processes."""
    daemon = box.daemon(fcgi('a', 'unix://%(here)s/a.sock', numprocs=2, process_name='%(program_name)s%(process_num)d'),
                        fcgi('b', 'unix://%(here)s/b.sock'), program('c', SLEEP, **NOW),
                        section('group:g', programs='a,b,c'))
    for name in ('a0', 'a1', 'b', 'c'):
        daemon.wait_state(f'g:{name}', 'RUNNING')
    check(answer(box.path('a.sock')) in ('a0', 'a1'), 'answer of a')
    equal(answer(box.path('b.sock')), 'b0')
    daemon.rpc.stopProcess('g:a0')
    equal(answer(box.path('a.sock')), 'a1')
    daemon.rpc.stopProcessGroup('g')
    equal((answer(box.path('a.sock')), answer(box.path('b.sock'))), (None, None))
    daemon.rpc.startProcessGroup('g')
    equal(answer(box.path('b.sock')), 'b0')
    equal(daemon.stop(), 0)


@case
def open_while_somebody_uses_it(box):
    """Scenario 54: open as long as one process uses it, refused after the last one, open again with the next."""
    daemon = box.daemon(fcgi('x', 'unix://%(here)s/x.sock', numprocs=2, process_name='p%(process_num)d',
                             socket_mode='0770'))
    daemon.wait_state('x:p0', 'RUNNING')
    daemon.wait_state('x:p1', 'RUNNING')
    path = box.path('x.sock')
    equal(stat.S_IMODE(path.stat().st_mode), 0o770)
    daemon.rpc.stopProcess('x:p0')
    equal(answer(path), 'x1')
    daemon.rpc.stopProcess('x:p1')
    equal(answer(path), None)
    check(path.exists(), 'the path is gone')
    daemon.rpc.startProcess('x:p0')
    equal(answer(path), 'x0')
    equal(stat.S_IMODE(path.stat().st_mode), 0o770)
    equal(re.findall(r'INFO (\w+) socket', daemon.log)[-3:], ['Creating', 'Closing', 'Creating'])
    equal(daemon.stop(), 0)


@case
def socket_that_cannot_be_made(box):
    """It is that program's problem: SPAWN_ERROR or retries, a line that says why; others go on, and so does supervisord."""
    port = free_port()
    with socket.create_server(('127.0.0.1', port)) as taken:
        daemon = box.daemon(fcgi('x', f'tcp://127.0.0.1:{port}', startretries=1),
                            fcgi('y', 'unix://%(here)s/no/such/directory', startretries=0),
                            fcgi('z', 'unix://%(here)s/z.sock'), program('other', SLEEP, **NOW))
        daemon.wait_state('x', 'FATAL')
        daemon.wait_state('y', 'FATAL')
        equal(len(re.findall(r'INFO spawnerr: could not create FastCGI socket tcp://.*Address already in use',
                             daemon.log)), 2, 'lines about x')
        daemon.wait_log('INFO spawnerr: could not create FastCGI socket unix://.*No such file or directory')
        equal(fault_of(daemon.rpc.startProcess, 'x')[0], 50)
        equal(daemon.info('other')['statename'], 'RUNNING')
        equal(answer(box.path('z.sock')), 'z0')
        daemon.wait_state('x', 'FATAL')
        taken.close()
    daemon.rpc.startProcess('x')
    daemon.wait_state('x', 'RUNNING')
    equal(daemon.stop(), 0)


@case
def a_file_in_its_place_stays(box):
    """What is at the path and is no socket is not removed."""
    box.write('precious', 'data')
    daemon = box.daemon(fcgi('x', 'unix://%(here)s/precious', startretries=0))
    daemon.wait_state('x', 'FATAL')
    equal(box.text('precious'), 'data')
    equal(daemon.stop(), 0)


@case
def removed_socket_comes_back(box):
    """A path that was removed is there again after the program was restarted."""
    daemon = box.daemon(fcgi('x', 'unix://%(here)s/x.sock'))
    daemon.wait_state('x', 'RUNNING')
    box.path('x.sock').unlink()
    daemon.rpc.stopProcess('x')
    daemon.rpc.startProcess('x')
    equal(answer(box.path('x.sock')), 'x0')
    equal(daemon.stop(), 0)


@case
def processes_that_die_keep_it_open(box):
    """While one of two processes is started again, connections go to the other, and none is refused."""
    daemon = box.daemon(fcgi('x', 'unix://%(here)s/x.sock', numprocs=2, process_name='p%(process_num)d',
                             autorestart='true'))
    daemon.wait_state('x:p0', 'RUNNING')
    daemon.wait_state('x:p1', 'RUNNING')
    for turn in range(6):
        pid = daemon.info(f'x:p{turn % 2}')['pid']
        daemon.rpc.signalProcess(f'x:p{turn % 2}', 'KILL')
        for _ in range(20):
            check(answer(box.path('x.sock')) in ('x0', 'x1', ''), 'nobody answers')
        daemon.wait_new_pid(f'x:p{turn % 2}', pid)
    lacks(daemon.log, 'Closing socket')
    equal(daemon.stop(), 0)


@case(root=True)
def owner_and_group(box):
    """socket_owner=user:group, or the user of the program with its group."""
    user = other_user()
    daemon = box.daemon(fcgi('x', 'unix://%(here)s/x.sock', socket_owner=f'{user.pw_name}:daemon'),
                        fcgi('y', 'unix://%(here)s/y.sock', user=user.pw_name))
    for name in 'xy':
        daemon.wait_state(name, 'RUNNING')
        equal(box.path(f'{name}.sock').stat().st_uid, user.pw_uid)
    equal(box.path('x.sock').stat().st_gid, grp.getgrnam('daemon').gr_gid)
    equal(box.path('y.sock').stat().st_gid, user.pw_gid)
    equal(daemon.stop(), 0)
