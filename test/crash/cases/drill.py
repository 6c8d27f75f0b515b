"""A random part is killed every 200 ms while a hundred programs write, end and are called about.

    REEVE_LONG=1    two minutes instead of twelve seconds

supervisord waits longer and longer before it starts a part again that dies at once. So that it has three parts
to lose all the time, its clock is put forward before each death: to it, each part has lived long enough.
"""

import mmap
import os
import random
import re
import signal
import struct
import threading
import time
import xmlrpc.client
from collections import Counter
from http.client import HTTPException

from harness import case, check, equal, listener, program, skip, wait_for
from parts import TEST_PROGRAMS, WORKER, parts_of, wait_parts

from .parts import Clients, numbers

CLOCK = TEST_PROGRAMS / 'clock_ahead.so'
LONG = bool(os.environ.get('REEVE_LONG'))
DURATION = 120 if LONG else 12
BEAT = 0.2          # seconds from one death to the next
HEALTHY = 11        # seconds that a part must have lived, to be started again at once
STEADY, SHORT = 90, 10


class Clock:
    """The clock of a daemon that has loaded clock_ahead."""

    def __init__(self, box):
        path = box.write('clock', '\0' * 8)
        with open(path, 'r+b') as file:
            self.map = mmap.mmap(file.fileno(), 8)
        self.seconds = 0
        self.environment = {'LD_PRELOAD': str(CLOCK), 'CLOCK_AHEAD': str(path)}

    def forward(self, seconds):
        self.seconds += seconds
        self.map[:] = struct.pack('q', self.seconds)


class Caller(threading.Thread):
    """Asks for all processes again and again; an answer may be late or missing, but never wrong."""

    def __init__(self, daemon, expected):
        super().__init__(daemon=True)
        self.daemon_under_test, self.expected = daemon, expected
        self.over, self.answers, self.failures, self.wrong = threading.Event(), 0, 0, []
        self.start()

    def run(self):
        proxy = self.daemon_under_test.client()
        while not self.over.wait(0.02):
            try:
                infos = proxy.supervisor.getAllProcessInfo()
            except (OSError, HTTPException, xmlrpc.client.Error):
                self.failures += 1
                proxy = self.daemon_under_test.client()
                continue
            self.answers += 1
            found = {info['name']: info['pid'] for info in infos if info['name'] in self.expected}
            if found != self.expected:
                self.wrong.append({name: (pid, found.get(name)) for name, pid in self.expected.items()
                                   if found.get(name) != pid})

    def stop(self):
        self.over.set()
        self.join()


def kill_parts(daemon, clock, seconds):
    """Kills a random part each BEAT, or later if the last one's successor is not at work yet; returns how many of each.

    (A log writer that gets no processor for a second, and is killed then, takes the output of ended programs with it.)
    """
    killed = dict.fromkeys(('engine', 'front', 'log'), 0)
    begun = time.monotonic()
    beats = 0
    while time.monotonic() < begun + seconds or sum(killed.values()) <= seconds / BEAT / 2:
        role = random.choice(list(killed))
        wait_for(lambda: all_work(daemon), 'all parts to work')
        if pid := parts_of(daemon.pid).get(role):
            clock.forward(HEALTHY)
            try:
                os.kill(pid, signal.SIGKILL)
                killed[role] += 1
            except ProcessLookupError:
                pass
        beats += 1
        time.sleep(max(0, begun + beats * BEAT - time.monotonic()))
    return killed


def all_work(daemon):
    """Whether a question that goes through all parts is answered."""
    try:
        return daemon.client().supervisor.readLog(-1, 0)
    except (OSError, HTTPException, xmlrpc.client.Error):
        return False


def ends_in(text):
    """{pid: number of its last line} of the workers that have ended."""
    return {int(pid): int(last) for pid, last in re.findall(r'^end (\d+) (\d+)', text, re.M)}


def check_lines(box, names, ends):
    """Each line of each process is in its log once, and in order."""
    for name in names:
        text = box.text(f'{name}.log')
        found = numbers(text)
        equal(len(text.splitlines()), sum(map(len, found.values())), f'whole lines of {name}')
        for pid, lines in found.items():
            equal(lines, list(range(1, ends[pid] + 1)), f'lines of {name} with pid {pid}')
    return sum(ends.values())


@case(limit=DURATION + 240)
def drill(box):
    """Programs keep their pids and lose no line, no exit is told twice or forgotten, no client is refused."""
    if not (WORKER.exists() and CLOCK.exists()):
        skip('worker or clock_ahead.so is not there')
    clock = Clock(box)
    log = {'stdout_logfile': '%(here)s/%(process_num)d.log', 'stdout_logfile_maxbytes': 0, 'startsecs': 0,
           'process_name': '%(process_num)d', 'stderr_logfile': 'NONE'}
    daemon = box.daemon(
        program('steady', f'{WORKER} %(here)s/steady.ends 20', numprocs=STEADY, **log),
        program('short', f'{WORKER} %(here)s/short.ends 15 20', numprocs=SHORT, numprocs_start=STEADY,
                autorestart='true', **log),
        listener('ears', 'PROCESS_STATE_EXITED'), environment=clock.environment,
        supervisord={'environment': 'LD_PRELOAD=""'})
    steady = {str(number) for number in range(STEADY)}
    wait_for(lambda: len(box.text('short.ends').splitlines()) > 3 * SHORT, 'programs at work')
    wait_for(lambda: len(box.text('steady.ends').splitlines()) == STEADY, 'all programs')
    expected = {info['name']: info['pid'] for info in daemon.rpc.getAllProcessInfo() if info['name'] in steady}
    spawner = len(os.listdir(f'/proc/{daemon.pid}/fd'))
    connecting, calling = Clients(daemon.socket), [Caller(daemon, expected) for _ in range(3)]
    killed = kill_parts(daemon, clock, DURATION)
    wait_parts(daemon.pid)
    wait_for(lambda: daemon.client().supervisor.getState()['statename'] == 'RUNNING', 'an answer')
    connecting.stop()
    for caller in calling:
        caller.stop()
    wait_for(lambda: abs(len(os.listdir(f'/proc/{daemon.pid}/fd')) - spawner) <= 4 * SHORT,
             'as many descriptors as before')
    equal({info['name']: info['pid'] for info in daemon.client().supervisor.getAllProcessInfo()
           if info['name'] in steady}, expected, 'pids')
    equal(connecting.refused, [], 'refused connections')
    check(connecting.made > DURATION, f'{connecting.made} connections')
    equal([wrong for caller in calling for wrong in caller.wrong], [], 'wrong answers')
    check(all(caller.answers > DURATION for caller in calling), [caller.answers for caller in calling])

    reported = [int(event.fields['pid']) for event in box.events('ears') if event.fields['groupname'] == 'short']
    before = len(ends_in(box.text('short.ends')))
    equal(daemon.stop(), 0)
    steady_ends, short_ends = (ends_in(box.text(f'{name}.ends')) for name in ('steady', 'short'))
    equal(set(steady_ends), set(expected.values()), 'processes of programs that never end')
    lines = check_lines(box, sorted(steady), steady_ends)
    lines += check_lines(box, [str(STEADY + number) for number in range(SHORT)], short_ends)
    # (Not simply once each: a pid can come again.)
    ended = Counter(int(pid) for pid in re.findall(r'^end (\d+) ', box.text('short.ends'), re.M))
    equal({pid: count for pid, count in Counter(reported).items() if count > ended[pid]}, {}, 'exits that were told again')
    # Events that wait for a listener die with their engine, which is counted and logged.
    lost = sum(map(int, re.findall(r'pool ears: (\d+) buffered events were lost', daemon.log)))
    check(len(reported) + lost > 0.9 * before, f'{len(reported)} of {before} exits were told, {lost} were lost')
    check(lines > 1000 * DURATION, f'{lines} lines')
