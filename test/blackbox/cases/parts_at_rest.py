"""What the parts are allowed to do, against /proc; and that nobody wakes up while there is nothing to do."""

import os
import re
import shutil
import time
from pathlib import Path

from harness import (IS_ROOT, LOGGED, PYTHON, SLEEP, case, check, contains, equal, lacks, matches, program,
                     status_of, wait_for)
from parts import all_pids, not_sanitized, wait_parts

NOTHING = '0' * 16
# What the spawner must not have in effect, though it is root: CAP_NET_ADMIN, SYS_MODULE, SYS_RAWIO, SYS_PTRACE,
# SYS_ADMIN, SYS_BOOT, MKNOD, MAC_ADMIN, PERFMON, BPF.
TOO_MUCH = (12, 16, 17, 19, 21, 22, 27, 33, 38, 39)


def descriptors(pid):
    return {int(fd.name): os.readlink(fd) for fd in Path(f'/proc/{pid}/fd').iterdir()}


def start(box):
    """A daemon with a program whose log is a file, a listener, and one program of another user (as root)."""
    other = [program('other', SLEEP, startsecs=0, user='nobody')] if IS_ROOT else []
    daemon = box.daemon(program('x', '/bin/sh -c "echo hello; exec sleep 1000"', startsecs=0,
                                stdout_logfile='%(here)s/x.log'), *other)
    daemon.wait_log('success: x')     # the log writer works, so it has shut itself in; the others have answered
    return daemon


@case
def parts_are_shut_in(box):
    """Engine, front and log writer: no root, no group, no capability, no new privileges, a system-call filter."""
    not_sanitized()
    daemon = start(box)
    for role, pid in wait_parts(daemon.pid).items():
        status = status_of(pid)
        uids = set(status['Uid'].split())
        equal(len(uids), 1, f'{role}: user ids')
        equal((status['CapInh'], status['CapPrm'], status['CapEff'], status['CapAmb']), (NOTHING,) * 4, role)
        equal((status['NoNewPrivs'], status['Seccomp']), ('1', '2'), f'{role}: NoNewPrivs, Seccomp')
        if IS_ROOT:
            check(uids != {'0'} and '0' not in status['Gid'].split(), f'{role} runs as root')
            check(set(status['Groups'].split()) <= set(status['Gid'].split()), f'{role}: groups {status["Groups"]}')
            equal(status['CapBnd'], NOTHING, f'{role}: bounding set')
        else:
            equal(uids, {str(os.geteuid())}, f'{role}: user ids')


@case(root=True)
def parts_live_in_an_empty_root(box):
    """The root directory of each part is empty and removed, and its working directory is that."""
    daemon = start(box)
    for role, pid in wait_parts(daemon.pid).items():
        contains(os.readlink(f'/proc/{pid}/root'), '(deleted)')
        equal(os.listdir(f'/proc/{pid}/root'), [], role)
        equal(os.readlink(f'/proc/{pid}/cwd'), os.readlink(f'/proc/{pid}/root'), role)


@case
def memory_of_parts_is_private(box):
    """The parts cannot be dumped or traced by others of their user."""
    not_sanitized()
    daemon = start(box)
    for role, pid in wait_parts(daemon.pid).items():
        equal(Path(f'/proc/{pid}/mem').stat().st_uid, 0, f'{role}: owner of its memory')
        if not IS_ROOT:
            try:
                os.listdir(f'/proc/{pid}/fd')
            except PermissionError:
                continue
            raise AssertionError(f"{role}'s descriptors can be looked at")


@case(root=True)
def parts_hold_only_their_descriptors(box):
    """No part holds a directory or a file but the log writer its log files; the front holds no pipe."""
    daemon = start(box)
    box.wait_text('x.log', 'hello')
    harmless = ('/dev/null', 'socket:[', 'pipe:[', 'anon_inode:[eventpoll]', 'anon_inode:[timerfd]', '/memfd:')
    for role, pid in wait_parts(daemon.pid).items():
        held = descriptors(pid)
        own = {path for path in held.values() if path.startswith('pipe:') and list(held.values()).count(path) == 2}
        held = {fd: path for fd, path in held.items() if path not in own}     # libevent's pipe to itself
        equal((held[0], held[1]), ('/dev/null', '/dev/null'), f'{role}: stdin and stdout')
        equal(held.pop(2), str(box.path('stderr')), f'{role}: stderr')
        check(held[3].startswith('socket:['), f'{role}: 3 is no socket')
        files = sorted(path for path in held.values() if not path.startswith(harmless))
        if role == 'log':
            auto = {path for path in files if '-stderr---' in path or '-stdout---' in path}
            logs = {str(box.path(name)) for name in ('supervisord.log', 'x.log', 'stdout')}
            equal(set(files) - auto, logs, f'{role}: files')
        else:
            equal(files, [], f'{role}: files')
        if role == 'front':
            equal([path for path in held.values() if path.startswith(('pipe:', '/memfd:'))], [], 'pipes of the front')


@case(root=True)
def spawner_is_trimmed(box):
    """The spawner uses no capability that it does not need, and hands none of its limits on to programs."""
    daemon = start(box)
    own, spawner = status_of(os.getpid()), status_of(daemon.pid)
    for key in ('CapBnd', 'CapPrm'):
        equal(spawner[key], own[key], key)
    equal((spawner['NoNewPrivs'], spawner['Seccomp']), ('0', own['Seccomp']))
    kept = int(spawner['CapEff'], 16)
    equal([cap for cap in TOO_MUCH if kept >> cap & 1], [], 'capabilities too many')


@case
def programs_are_not_shut_in(box):
    """A program has what it would have without supervisord: capabilities, no filter, three descriptors."""
    daemon = start(box)
    own = status_of(os.getpid())
    pid = daemon.wait_state('x', 'RUNNING')['pid']
    status = wait_for(lambda: status_of(pid) if status_of(pid)['Name'] == 'sleep' else None, 'exec')
    for key in ('Uid', 'Gid', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp', 'SigIgn', 'SigBlk'):
        if key == 'SigIgn':
            equal(status[key], NOTHING, key)
        else:
            equal(status[key], own[key], key)
    held = descriptors(pid)
    equal(sorted(held), [0, 1, 2])
    check(all(path.startswith('pipe:[') for path in held.values()), held)


@case
def programs_may_dump_core(box):
    """A program that runs as supervisord's own user can leave a core file and be looked at by that user."""
    code = 'import ctypes, time; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)); time.sleep(1000)'  # PR_GET_DUMPABLE
    box.daemon(program('x', f'{PYTHON} -c "{code}"', startsecs=0, **LOGGED))
    equal(box.wait_text('x.log', r'^(\d)$').group(1), '1')


@case(root=True)
def program_of_another_user(box):
    """A program with user= has that user's ids and groups, no capabilities, and can open /dev/stdout again."""
    daemon = box.daemon(program('x', "/bin/sh -c 'echo again >/dev/stdout; exec sleep 1000'", user='nobody', startsecs=0,
                                stdout_logfile='%(here)s/x.log'))
    status = status_of(daemon.wait_state('x', 'RUNNING')['pid'])
    equal(set(status['Uid'].split()), {'65534'})
    equal(set(status['Groups'].split()), {'65534'})
    equal((status['CapPrm'], status['CapEff'], status['CapAmb']), (NOTHING,) * 3)
    box.wait_text('x.log', '^again$')


@case
def nobody_wakes_up(box):
    """With 100 programs and nothing to do, no part runs even once in ten seconds."""
    daemon = box.daemon(program('x', SLEEP, numprocs=100, process_name='x_%(process_num)03d', startsecs=1,
                                stdout_logfile='NONE', stderr_logfile='NONE'))
    wait_for(lambda: {info['statename'] for info in daemon.rpc.getAllProcessInfo()} == {'RUNNING'}, 'all RUNNING')
    daemon.proxy('close')()
    pids = all_pids(daemon)

    def wake_ups():
        return {status_of(pid)['Name']: int(status_of(pid)['voluntary_ctxt_switches']) for pid in pids}

    def settled():
        before = wake_ups()
        time.sleep(3)
        return wake_ups() == before
    wait_for(settled, 'what the start has left to do')
    before = wake_ups()
    time.sleep(10)
    equal(wake_ups(), before, 'voluntary context switches')


@case
def account_is_named_or_warned_of(box):
    """The parts run as accounts of their own, or one WARN line says that they run as nobody."""
    daemon = start(box)
    if not IS_ROOT:
        return
    uids = {role: int(status_of(pid)['Uid'].split()[0]) for role, pid in wait_parts(daemon.pid).items()}
    if len(set(uids.values())) < len(uids):
        equal(set(uids.values()), {65534})
        matches(daemon.log + box.text('stdout'), r'WARN .*nobody')


@case
def accounts_can_be_made(box):
    """systemd-sysusers takes the file with the accounts of the parts: a colon in a description would make it leave them out."""
    accounts = Path(__file__).resolve().parents[3] / 'etc/sysusers.d/reeve.conf'
    lines = [line for line in accounts.read_text().splitlines() if not line.startswith('#')]
    fields = [re.fullmatch(r'u (\S+) +- "([^":]+)" / /usr/sbin/nologin', line) for line in lines]
    check(all(fields), f'lines that are well-formed: {lines}')
    equal(sorted(found[1] for found in fields), ['supervisor-engine', 'supervisor-log', 'supervisor-rpc'])
    sysusers = shutil.which('systemd-sysusers')
    if sysusers:
        result = box.run([sysusers, '--dry-run'], f'--root={box.folder}', accounts)
        equal(result.code, 0, result.err)
        lacks(result.err, 'not a valid')
