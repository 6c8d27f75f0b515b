"""supervisord as process 1 of a container, in a process namespace of its own: orphans, signals, the end; and where
hardening takes away what root usually has."""

import os
import re
import shutil
import signal
import subprocess

from harness import (IS_ROOT, NOW, PYTHON, SLEEP, case, check, config, contains, equal, other_user, program, skip, status_of,
                     variants, wait_for)
from parts import children, wait_parts

ORPHANS = 300


def unshare():
    """A command before supervisord's that makes it process 1; as an ordinary user by way of a user namespace."""
    words = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
    if not IS_ROOT:
        words += ['--user', '--map-root-user']
    if subprocess.run([*words, 'true'], capture_output=True).returncode != 0:
        skip('no namespaces')
    return words


def start(box, *sections, **options):
    """The daemon; its pid is the outer one, to be seen and signalled from here."""
    daemon = box.daemon(*sections, wrapper=unshare(), **options)
    daemon.pid = wait_for(lambda: children(daemon.process.pid), 'process 1')[0]
    return daemon


@case
def orphans_are_reaped(box):
    """300 orphans leave no zombie, and no more than one line a second is written about them."""
    box.write('forks.py', f"""
import os, time
for number in range({ORPHANS}):
    if os.fork() == 0:          # ends before its own child, which then belongs to process 1
        if os.fork() == 0:
            time.sleep(1 + number / 300)
            os._exit(number % 5)
        os._exit(0)
    os.wait()
print('ready', flush=True)
time.sleep(1000)
""")
    daemon = start(box, program('x', f'{PYTHON} %(here)s/forks.py', stdout_logfile='%(here)s/x.log', **NOW))
    box.wait_text('x.log', 'ready')
    own = len(wait_parts(daemon.pid)) + 1

    def told():
        lines = re.findall(r'INFO reaped (?:unknown pid \d+|(\d+) more unknown processes)', daemon.log)
        return sum(int(more or 1) for more in lines)
    wait_for(lambda: told() == ORPHANS, f'{ORPHANS} orphans in the log')
    equal(len(children(daemon.pid)), own, 'children that are left')
    seconds = re.findall(r'^(\S+ \S+),\d+ INFO reaped', daemon.log, re.M)
    check(len(seconds) <= 2 * (len(set(seconds)) + 1), f'{len(seconds)} lines in {len(set(seconds))} seconds')
    equal(daemon.rpc.getPID(), 1)
    equal(daemon.stop(), 0)


@variants({name: (f'SIG{name} to process 1 ends the programs, then supervisord, with status 0', name)
           for name in ('TERM', 'INT', 'QUIT')})
def signals_end_it(box, name):
    box.script('tells', f"trap 'echo told >>{box.folder}/told; exit 0' TERM\necho ready\nwhile :; do sleep 0.1; done")
    daemon = start(box, program('x', '%(here)s/tells', stdout_logfile='%(here)s/x.log', **NOW),
                   program('deaf', "/bin/sh -c 'trap \"\" TERM; echo ready; while :; do sleep 0.1; done'", stopwaitsecs=1,
                           stdout_logfile='%(here)s/deaf.log', **NOW))
    box.wait_text('x.log', 'ready')
    box.wait_text('deaf.log', 'ready')
    daemon.signal(getattr(signal, f'SIG{name}'))
    equal(daemon.wait_exit(), 0, 'exit status')
    equal(box.text('told'), 'told\n')
    daemon.wait_log(f'WARN received SIG{name} indicating exit request')
    if not IS_ROOT:     # root of a namespace that has no other user
        contains(daemon.log, 'WARN root cannot become another user here')
    daemon.wait_log('WARN stopped: deaf \\(terminated by SIGKILL\\)')
    check(not box.path('supervisord.pid').exists(), 'the pidfile is left')


@case
def hangup_and_reopen(box):
    """SIGUSR2 reopens, SIGHUP restarts: process 1 goes on being process 1, for anything else would end the container."""
    daemon = start(box, program('x', SLEEP, **NOW))
    old = daemon.info('x')['pid']
    daemon.signal(signal.SIGUSR2)
    daemon.wait_log('supervisord logreopen')
    daemon.signal(signal.SIGHUP)
    daemon.wait_log('received SIGHUP(.|\n)*supervisord started with pid 1\n')
    wait_for(lambda: re.search(f'spawned: .x. with pid (?!{old}\n)', daemon.log), 'a new x')
    daemon.wait_ready()
    equal(daemon.rpc.getPID(), 1)
    daemon.signal(signal.SIGTERM)
    equal(daemon.wait_exit(), 0, 'exit status')


@case
def stopped_while_it_starts(box):
    """SIGTERM to process 1 that has not read its configuration yet counts as soon as it has: the kernel does not drop it."""
    os.mkfifo(box.path('late.conf'))
    conf = box.write('supervisord.conf', config(supervisord={}) + '[include]\nfiles=late.conf\n')
    daemon = box.daemon_for(conf, wait=False, wrapper=unshare())
    with open(box.path('late.conf'), 'w') as late:      # as soon as it is being read
        daemon.pid = children(daemon.process.pid)[0]
        daemon.signal(signal.SIGTERM)
        late.write(program('x', SLEEP))
    equal(daemon.wait_exit(), 0, 'exit status')
    contains(daemon.log, 'WARN received SIGTERM indicating exit request')


# --- hardened hosts -----------------------------------------------------------------------------------------

def with_capabilities(kept):
    """A command before supervisord's that leaves root these capabilities."""
    words = ['setpriv', f'--bounding-set=-all{kept}']
    if shutil.which('setpriv') is None or subprocess.run([*words, 'true'], capture_output=True).returncode != 0:
        skip('the bounding set cannot be changed')
    return words


@case(root=True)
def users_without_chown(box):
    """Root that may change its user and little else starts programs of other users: giving them pipes is a convenience."""
    user = other_user()
    box.path('x.log').touch()
    box.path('x.log').chmod(0o666)
    daemon = box.daemon(program('x', "/bin/sh -c 'echo out; exec sleep 1000'", user=user.pw_name, directory='/',
                                stdout_logfile='%(here)s/x.log', **NOW),
                        wrapper=with_capabilities(',+setuid,+setgid,+kill'))
    pid = daemon.wait_state('x', 'RUNNING')['pid']
    equal(set(status_of(pid)['Uid'].split()), {str(user.pw_uid)})
    box.wait_text('x.log', 'out')
    equal(daemon.stop(), 0)


@case(root=True)
def users_without_setuid(box):
    """Root that may do nothing cannot start programs of other users; their logs say what is missing."""
    user = other_user()
    daemon = box.daemon(program('x', SLEEP, user=user.pw_name, redirect_stderr='true', stdout_logfile='%(here)s/x.log'),
                        wrapper=with_capabilities(''))
    box.wait_text('x.log', f"supervisor: couldn't setuid to {user.pw_uid}: Could not set groups of effective user")
    daemon.wait_log(r'exited: x \(exit status 127; not expected\)')
    equal(daemon.stop(), 0)


FORBID = """
import ctypes, os, sys
library = ctypes.CDLL('libseccomp.so.2')
library.seccomp_init.restype = ctypes.c_void_p
filter = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(0x7fff0000)))     # SCMP_ACT_ALLOW
number = library.seccomp_syscall_resolve_name(sys.argv[1].encode())
refuse = ctypes.c_uint32(0x00050000 | 1)                                        # SCMP_ACT_ERRNO(EPERM)
if library.seccomp_rule_add(filter, refuse, number, 0) != 0 or library.seccomp_load(filter) != 0:
    sys.exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""


@case(root=True)
def chroot_is_filtered(box):
    """A system-call filter around supervisord forbids chroot, though the capability is there: the parts do without."""
    words = [*PYTHON.split(), str(box.write('forbid.py', FORBID)), 'chroot']
    if subprocess.run([*words, 'true'], capture_output=True).returncode != 0:
        skip('no filter can be set')
    daemon = box.daemon(program('x', SLEEP, **NOW), wrapper=words)
    daemon.wait_state('x', 'RUNNING')
    check('died' not in daemon.log, daemon.log)
    equal(daemon.stop(), 0)


@case(root=True)
def no_dev_null(box):
    """Without /dev/null no part could be started: the start says so, instead of trying for ever."""
    words = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /dev && exec "$@"', 'sh']
    if subprocess.run([*words, 'true'], capture_output=True).returncode != 0:
        skip('no namespaces')
    result = box.run([*words, *box.supervisord], '-n', '-c', box.write('supervisord.conf', config()))
    equal((result.code, result.err.partition('\n')[0]), (2, 'Error: cannot open /dev/null: No such file or directory'))
