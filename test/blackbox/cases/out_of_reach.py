"""A program that becomes another user, as sudo does under an ordinary user's supervisord: it cannot be signalled."""

import os
import shutil
import signal

from harness import NOW, SLEEP, alive, case, check, equal, fault_of, program, status_of, wait_for
from parts import children

USER = 1000


def start(box):
    """supervisord as an ordinary user, with a program that becomes root."""
    box.folder.chmod(0o755)
    box.path('sudo').write_bytes(open(shutil.which('setpriv'), 'rb').read())
    box.path('sudo').chmod(0o4755)
    os.chown(box.folder, USER, USER)
    daemon = box.daemon(program('x', f'%(here)s/sudo --reuid=0 --regid=0 --clear-groups {SLEEP}', **NOW),
                        program('y', SLEEP, **NOW),
                        wrapper=['setpriv', f'--reuid={USER}', f'--regid={USER}', '--clear-groups'])
    pid = daemon.wait_state('x', 'RUNNING')['pid']
    wait_for(lambda: status_of(pid)['Uid'].split()[0] == '0', 'it to be root')
    return daemon, pid


@case(root=True)
def stop_of_what_cannot_be_signalled(box):
    """A stop answers FAILED, the state is UNKNOWN; when the child ends by itself all is well again."""
    daemon, pid = start(box)
    equal(fault_of(daemon.rpc.stopProcess, 'x')[0], 30)
    equal(daemon.info('x')['statename'], 'UNKNOWN')
    daemon.wait_log(f'CRIT unknown problem killing x \\({pid}\\)')
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: daemon.info('x')['statename'] == 'STOPPED', 'its end')
    daemon.rpc.startProcess('x')
    os.kill(daemon.wait_new_pid('x', pid), signal.SIGKILL)


@case(root=True)
def end_without_what_cannot_be_signalled(box):
    """supervisord ends without waiting for it, says so, and leaves it alone."""
    daemon, pid = start(box)
    daemon.signal(signal.SIGTERM)
    equal(daemon.wait_exit(), 0, 'exit status')
    daemon.wait_log(f'WARN leaving x \\({pid}\\) behind, because it could not be signalled')
    check(alive(pid), 'it has ended')
    check(not box.path('s.sock').exists(), 'the socket is left')
    os.kill(pid, signal.SIGKILL)


@case(root=True)
def restart_without_what_cannot_be_signalled(box):
    """A restart goes on; the old child stays a child, and is reaped as an unknown one."""
    daemon, pid = start(box)
    daemon.signal(signal.SIGHUP)
    daemon.wait_log(r'received SIGHUP(.|\n)*supervisord started with pid')
    daemon.wait_ready()
    new = daemon.wait_new_pid('x', pid)
    check(pid in children(daemon.pid), 'the old child')
    os.kill(pid, signal.SIGKILL)
    daemon.wait_log(f'INFO reaped unknown pid {pid} \\(terminated by SIGKILL\\)')
    os.kill(new, signal.SIGKILL)
