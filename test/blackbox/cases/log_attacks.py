"""A program's own user attacks its logs, in a directory that is his, while supervisord handles them as root.

    REEVE_LONG=1    a hundred thousand tries and more, in ninety seconds instead of nine
"""

import os
import pwd
import re
import signal
import threading
import time
import xmlrpc.client

from harness import case, check, equal, lacks, program, section, skip, wait_for
from parts import TEST_PROGRAMS, WORKER, wait_parts

RACER = TEST_PROGRAMS / 'log_racer'
LONG = bool(os.environ.get('REEVE_LONG'))
SECONDS = 90 if LONG else 9
TRIES = 100_000 if LONG else 10_000
LOGS = 12
CANARY = 'canary\n'
USER = 'nobody'
PATIENT = 40       # seconds that a call may take on a busy machine


def make_canaries(box):
    """A directory of root's with files that have the names of the logs, every other one of a third user's."""
    folder = box.path('canaries')
    folder.mkdir(mode=0o755)
    for number in range(LOGS):
        for ending in ('', '.1', '.2'):
            path = folder / f'{number}.log{ending}'
            path.write_text(CANARY)
            if number % 2:
                os.chown(path, 1, 1)
    return folder


def state_of(folder):
    """What must not change: names, contents, owners, modes and times of change."""
    found = {'': os.stat(folder).st_mtime_ns}
    for path in folder.iterdir():
        info = path.stat()
        found[path.name] = (info.st_uid, info.st_mode, info.st_size, info.st_mtime_ns, path.read_text())
    return found


class Errands(threading.Thread):
    """Clears, reads, reopens and starts again; notes what took too long and what it should not have read."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.victim, self.over = daemon, threading.Event()
        self.calls, self.slowest, self.leaks = 0, 0.0, []
        self.start()

    def call(self, method, *arguments):
        begun = time.monotonic()
        result = None
        try:
            result = method(*arguments)
        except xmlrpc.client.Fault:
            pass      # what is refused is refused
        self.calls += 1
        self.slowest = max(self.slowest, time.monotonic() - begun)
        return result

    def run(self):
        rpc = self.victim.client().supervisor
        turn = 0
        while not self.over.is_set():
            turn += 1
            for number in range(LOGS):
                name = f'victims:{number}'
                self.call(rpc.startProcess, name, False)
                read = self.call(rpc.readProcessStdoutLog, name, 0, 0)
                tail = self.call(rpc.tailProcessStdoutLog, name, 0, 1000)
                if CANARY.strip() in f'{read}{tail}':
                    self.leaks.append((name, read, tail))
                if (turn + number) % 3 == 0:
                    self.call(rpc.clearProcessLogs, name)
            if turn % 4 == 0:
                self.victim.signal(signal.SIGUSR2)

    def stop(self):
        self.over.set()
        self.join()


@case(root=True, limit=300)
def the_users_own_logs(box):
    """Whatever a user does to the logs of his programs, no file of others changes or is read; nothing hangs."""
    if not (WORKER.exists() and RACER.exists()):
        skip('worker or log_racer is not there')
    user = pwd.getpwnam(USER)
    canaries = make_canaries(box)
    his = box.path('his')
    (his / 'logs').mkdir(parents=True)
    for path in (his, his / 'logs'):
        os.chown(path, user.pw_uid, user.pw_gid)
    log = {'stdout_logfile': f'{his}/logs/%(process_num)d.log', 'stdout_logfile_maxbytes': 40,
           'stdout_logfile_backups': 2, 'process_name': '%(process_num)d', 'user': USER, 'startsecs': 0,
           'startretries': 0, 'autorestart': 'true', 'stderr_logfile': 'NONE'}
    daemon = box.daemon(
        program('victims', f'{WORKER} {his}/ends 1', numprocs=LOGS - 4, **log),
        program('short', f'{WORKER} {his}/ends 1 20', numprocs=4, numprocs_start=LOGS - 4, **log),
        program('calm', f'{WORKER} %(here)s/calm.ends 2', startsecs=0, stdout_logfile='%(here)s/calm.log',
                stdout_logfile_maxbytes=0),
        section('group:victims', programs='victims,short'))
    before = state_of(canaries)
    parts = wait_parts(daemon.pid)
    errands = Errands(daemon)
    raced = box.run([str(RACER)], his, canaries, LOGS, SECONDS, user.pw_uid, TRIES, timeout=240)
    errands.stop()
    equal((raced.code, raced.err), (0, ''))
    equal(state_of(canaries), before, 'the canaries')
    equal(errands.leaks, [], 'what was read of the canaries')
    check(errands.slowest < PATIENT, f'a call took {errands.slowest:.1f} s')
    equal(wait_parts(daemon.pid), parts, 'parts')
    check(int(raced.out) >= TRIES, f'{raced.out.strip()} tries')
    check(errands.calls > SECONDS * 10, f'{errands.calls} calls')

    # All is well again as soon as he leaves off.
    for info in daemon.rpc.getAllProcessInfo():
        name = f'{info["group"]}:{info["name"]}'
        if info['group'] != 'calm':
            try:
                daemon.rpc.stopProcess(name)
            except xmlrpc.client.Fault:
                pass      # it could not be started for the attacks
            daemon.rpc.startProcess(name)
    for number in range(LOGS):
        wait_for(lambda number=number: re.search(r'^\d+ \d+$', box.text(f'his/logs/{number}.log') +
                                                 box.text(f'his/logs/{number}.log.1'), re.M), f'{number}.log')
    equal(daemon.stop(), 0)
    last = int(re.search(r'^end \d+ (\d+)', box.text('calm.ends'), re.M)[1])
    equal([int(line.split()[1]) for line in box.text('calm.log').splitlines()], list(range(1, last + 1)),
          'lines of the program that nobody attacked')
    lacks(daemon.log, 'supervisord: ')
