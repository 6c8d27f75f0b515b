"""Engine, front and log writer are killed again and again while programs write, end and are started anew."""

import os
import re
import signal
import socket
import subprocess
import threading
import time

from harness import SLEEP, case, check, equal, listener, program, skip, status_of, variants, wait_for
from parts import WORKER, parts_of, wait_parts

KILLS = 3
HEALTHY = 10.5     # a part that has lived for so long is replaced at once


def numbers(text):
    """{pid: [numbers of its lines in the order of the file]}"""
    lines = {}
    for pid, number in re.findall(r'^(\d+) (\d+)$', text, re.M):
        lines.setdefault(int(pid), []).append(int(number))
    return lines


def check_lines(text, ends):
    """Every line of every finished process is there, once, in order."""
    found = numbers(text)
    for pid, last in ends.items():
        equal(found.get(pid, []), list(range(1, last + 1)), f'lines of {pid}')
    equal(len(text.splitlines()), sum(map(len, found.values())), 'lines that are whole')


class Clients(threading.Thread):
    """Connects to the daemon's socket all the time, and counts refusals."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.over, self.made, self.refused = str(path), threading.Event(), 0, []
        self.start()

    def run(self):
        while not self.over.wait(0.02):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                try:
                    client.connect(self.path)
                    self.made += 1
                except OSError as error:
                    self.refused.append(str(error))

    def stop(self):
        self.over.set()
        self.join()


def busy(box):
    """A daemon with a steady writer, two short-lived ones, idle programs, and a listener for their ends."""
    if not WORKER.exists():
        skip('worker is not there')
    log = {'stdout_logfile': '%(here)s/%(program_name)s.log', 'stdout_logfile_maxbytes': 0}
    return box.daemon(
        program('steady', f'{WORKER} %(here)s/steady.ends 2', startsecs=0, **log),
        program('short', f'{WORKER} %(here)s/short.ends 5 40', startsecs=0, autorestart='true', **log),
        program('idle', SLEEP, numprocs=5, process_name='idle_%(process_num)d', startsecs=0),
        listener('ears', 'PROCESS_STATE_EXITED'))


def lasting(daemon):
    """The pids of the programs that never end by themselves."""
    return {info['name']: (info['statename'], info['pid']) for info in daemon.rpc.getAllProcessInfo()
            if info['name'] != 'short'}


def status_is_right(box, daemon, expected):
    """supervisorctl's status says the state and pid of all lasting programs."""
    try:
        out = daemon.ctl('status', timeout=5).out
    except subprocess.TimeoutExpired:     # too late: asked again by the caller until its own time is over
        return False
    found = {}
    for line in out.splitlines():
        if match := re.match(r'(?:\w+:)?(\w+) +(\w+) +pid (\d+),', line):
            found[match[1]] = (match[2], int(match[3]))
    found.pop('short', None)
    return found == expected


def wait_right_status(box, daemon, expected, seconds, kill):
    """Calls kill, and waits for the right status: so many seconds, and more where it takes long as things are."""
    begun = time.monotonic()
    wait_for(lambda: status_is_right(box, daemon, expected), 'the right status before')
    usual = time.monotonic() - begun
    kill()
    wait_for(lambda: status_is_right(box, daemon, expected), f'the right status, which took {usual:.2f} s before',
             seconds + 10 * usual)


def strike(box, daemon, role, expected):
    """Kills a part, waits for its successor, and checks status within 5 s of the death."""
    old = wait_parts(daemon.pid)[role]
    wait_right_status(box, daemon, expected, 5, lambda: os.kill(old, signal.SIGKILL))
    parts = wait_parts(daemon.pid, other_than=old)
    equal(len(parts), 3)
    equal(lasting(daemon), expected, 'programs that must not notice')
    return parts[role]


def finish(box, daemon):
    """Ends everything; returns {pid: lines written} of all workers, and the text of each log."""
    equal(daemon.stop(), 0)
    return {name: {int(pid): int(last) for pid, last in re.findall(r'^end (\d+) (\d+)', box.text(f'{name}.ends'), re.M)}
            for name in ('steady', 'short')}


@variants({role: (f'Killing the {role} {KILLS} times costs no program, no line, no exit and no connection.', role)
           for role in ('engine', 'front', 'log')}, limit=180)
def killed(box, role):
    daemon = busy(box)
    wait_for(lambda: len(numbers(box.text('short.log'))) > 1, 'programs at work')
    spawner = set(os.listdir(f'/proc/{daemon.pid}/fd'))
    expected = lasting(daemon)
    clients = Clients(daemon.socket)
    for number in range(1, KILLS + 1):
        if number == KILLS:
            time.sleep(HEALTHY)
        strike(box, daemon, role, expected)
    time.sleep(1)
    clients.stop()
    check(clients.made > 50, f'{clients.made} connections')
    equal(clients.refused, [], 'refused connections')
    wait_for(lambda: abs(len(os.listdir(f'/proc/{daemon.pid}/fd')) - len(spawner)) <= 8, 'as many descriptors as before')
    reported = [event for event in box.events('ears') if event.fields['processname'] == 'short']
    ends = finish(box, daemon)
    check_lines(box.text('steady.log'), ends['steady'])
    check_lines(box.text('short.log'), ends['short'])
    check_exits(box, daemon, role, reported, ends['short'])


def check_exits(box, daemon, role, reported, ends):
    """Each exit of the short-lived program is in the log once, and no listener has heard of one twice."""
    equal(len(reported), len({event.fields['pid'] for event in reported}), 'exits that listeners heard of')
    logged = re.findall(r"(?:exited|stopped): short \(", daemon.log)
    if role == 'log':
        # A line that was on its way to the log writer dies with it; never more than a few, and none twice.
        check(len(ends) - KILLS * 3 <= len(logged) <= len(ends), f'{len(logged)} logged, {len(ends)} ends')
    else:
        equal(len(logged), len(ends), 'exits in the log')
    spawned = re.findall(r"spawned: 'short' with pid (\d+)", daemon.log)
    equal(len(spawned), len(set(spawned)), 'starts in the log')


@case(limit=180)
def all_at_once(box):
    """All three parts are killed at the same moment; nothing is lost and everything comes back."""
    daemon = busy(box)
    wait_for(lambda: len(numbers(box.text('short.log'))) > 1, 'programs at work')
    expected = lasting(daemon)
    for _ in range(2):
        old = wait_parts(daemon.pid)
        wait_right_status(box, daemon, expected, 8, lambda old=old: [os.kill(pid, signal.SIGKILL) for pid in old.values()])
        wait_for(lambda: not set(parts_of(daemon.pid).values()) & set(old.values()) and
                 len(parts_of(daemon.pid)) == 3, 'three new parts')
    ends = finish(box, daemon)
    check_lines(box.text('steady.log'), ends['steady'])
    check_lines(box.text('short.log'), ends['short'])


@case(limit=120)
def output_while_the_log_writer_is_away(box):
    """What programs write while there is no log writer waits in their pipes; the programs are not disturbed."""
    daemon = busy(box)
    wait_for(lambda: numbers(box.text('steady.log')), 'programs at work')
    pid = daemon.info('steady')['pid']
    for _ in range(2):
        log = wait_parts(daemon.pid)['log']
        os.kill(log, signal.SIGSTOP)      # away, but not dead yet
        time.sleep(0.5)
        os.kill(log, signal.SIGKILL)
        wait_parts(daemon.pid, other_than=log)
    equal(daemon.info('steady')['pid'], pid)
    check(status_of(pid), 'the program lives')
    ends = finish(box, daemon)
    check_lines(box.text('steady.log'), ends['steady'])
