"""The processes that a supervisord consists of, as /proc shows them."""

import os
import time
from pathlib import Path

from harness import Box, check, skip, status_of, wait_for

# /proc/PID/status cuts names after 15 characters.
NAMES = {'engine': 'supervisor-engi', 'front': 'supervisor-rpc', 'log': 'supervisor-log'}

TEST_PROGRAMS = Path(os.environ.get('TEST_PROGRAMS') or
                     Path(__file__).resolve().parents[1] / 'build/test/blackbox')
WORKER = TEST_PROGRAMS / 'worker'


SANITIZED = bool(os.environ.get('REEVE_SANITIZED'))


def not_sanitized():
    """For cases about what a build with a sanitizer lacks: filters, memory that nobody can read, speed."""
    if SANITIZED:
        skip('built with a sanitizer')


def quickest(call, *arguments):
    """The seconds that a call takes: the least of some, as on a busy machine any one may have to wait for its turn."""
    spent = []
    for _ in range(5):
        begin = time.monotonic()
        call(*arguments)
        spent.append(time.monotonic() - begin)
    return min(spent)


def cpu_seconds(*pids):
    """The processor time of processes."""
    ticks = 0
    for pid in pids:
        fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf('SC_CLK_TCK')


def check_quiet(*pids):
    """None of the processes runs without a pause. In the first second there may be something left to do."""
    used = []
    while len(used) < 3 and (not used or used[-1] > 0.3):
        before = cpu_seconds(*pids)
        time.sleep(1)
        used.append(cpu_seconds(*pids) - before)
    check(used[-1] <= 0.3, f'CPU seconds in each second while nothing happens: {used}')


def idle_daemon(box, *sections, **options):
    """A second supervisord that has nothing to do: what it takes longer for is the machine's fault."""
    folder = box.path('idle')
    folder.mkdir()
    return Box(folder, box.supervisord, box.supervisorctl).daemon(*sections, **options)


def children(pid):
    """The pids of a process's children."""
    found = []
    for task in Path(f'/proc/{pid}/task').iterdir():
        found += map(int, (task / 'children').read_text().split())
    return found


def parts_of(daemon_pid):
    """{'engine': pid, 'front': pid, 'log': pid} of the parts that are there."""
    names = {status_of(pid).get('Name'): pid for pid in children(daemon_pid)}
    return {role: names[name] for role, name in NAMES.items() if name in names}


def wait_parts(daemon_pid, other_than=None):
    """Waits until all parts are there, the pid `other_than` not among them."""
    def complete():
        parts = parts_of(daemon_pid)
        return parts if len(parts) == len(NAMES) and other_than not in parts.values() else None
    return wait_for(complete, 'all parts')


def all_pids(daemon):
    """supervisord and its parts."""
    return [daemon.pid, *wait_parts(daemon.pid).values()]
