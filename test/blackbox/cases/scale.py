"""Many programs, much output, many deaths: what one program does costs the others nothing.

REEVE_LONG=1 in the environment makes the flood 1 GB instead of 200 MB, and the deaths take longer.
"""

import os
import re
import time

from harness import LOGGED, NOW, PYTHON, case, check, equal, lacks, program, variants, wait_for
from parts import children, cpu_seconds, idle_daemon, parts_of, wait_parts

LONG = os.environ.get('REEVE_LONG') == '1'


def answer_time(rpc):
    """Milliseconds that one call over a connection that is open takes."""
    begin = time.monotonic()
    rpc.getState()
    return (time.monotonic() - begin) * 1000


def in_time(what, taken, usual):
    """98 of 100 come within 100 ms, or not much later than with a daemon that has nothing else to do.

    The rest is for the test itself, which also waits for its turn on a busy machine.
    """
    late = []
    for name, times in ((what, sorted(taken)), ('idle', sorted(usual))):
        middle, most = times[len(times) // 2], times[-1]
        late.append(times[len(times) * 98 // 100])
        print(f'{name}: {len(times)} times, ms: median {middle:.2f}, 98 % {late[-1]:.2f}, most {most:.2f}')
    check(late[0] < max(100, 3 * late[1]), f'{what}: 98 of 100 within {late[0]:.1f} ms, {late[1]:.1f} ms if idle')


def states(daemon):
    found = {}
    for info in daemon.rpc.getAllProcessInfo():
        found.setdefault(info['statename'], []).append(info)
    return found


@case(limit=180)
def thousand_programs_start_and_stop(box):
    """1,000 programs become RUNNING, and all of them are gone after `stop all`; then they start and stop once more."""
    count = 1000
    begin = time.monotonic()
    daemon = box.daemon(program('x', '/bin/sleep 100000', numprocs=count, process_name='%(process_num)04d', startsecs=1,
                                stdout_logfile='NONE', stderr_logfile='NONE'), supervisord={'minfds': 8192})
    spent = {}
    for turn in ('first', 'second'):
        running = wait_for(lambda: len(states(daemon).get('RUNNING', [])) == count and states(daemon)['RUNNING'],
                           'all RUNNING', 60)
        spent[turn + ' start'] = time.monotonic() - begin
        equal(len({info['pid'] for info in running}), count, 'pids')
        begin = time.monotonic()
        answers = daemon.rpc.stopAllProcesses()
        spent[turn + ' stop'] = time.monotonic() - begin
        equal({answer['description'] for answer in answers}, {'OK'})
        equal({name: len(infos) for name, infos in states(daemon).items()}, {'STOPPED': count})
        equal(sorted(children(daemon.pid)), sorted(parts_of(daemon.pid).values()), 'children that are left')
        begin = time.monotonic()
        if turn == 'first':
            equal({answer['description'] for answer in daemon.rpc.startAllProcesses()}, {'OK'})
    print(', '.join(f'{name} {seconds:.2f} s' for name, seconds in spent.items()))
    check(all(seconds < 60 for seconds in spent.values()), spent)


# Writes the time (CLOCK_MONOTONIC, in microseconds) 50 times a second.
TICK = """
import os, time
while True:
    os.write(1, b'%d\\n' % (time.monotonic() * 1e6))
    time.sleep(0.02)
"""


def with_neighbour(box):
    """(the section of a neighbour, a second daemon that has only that)."""
    box.write('tick.py', TICK)
    idle = idle_daemon(box, program('neighbour', f'{PYTHON} {box.folder}/tick.py', **LOGGED, **NOW))
    return program('neighbour', f'{PYTHON} %(here)s/tick.py', priority=1, **LOGGED, **NOW), idle


class Probe:
    """How long a daemon takes to answer, and how many milliseconds old the newest line of its neighbour is."""

    def __init__(self, daemon):
        self.rpc, self.taken, self.behind = daemon.rpc, [], []
        daemon.box.wait_text('neighbour.log', r'\n')
        self.log = open(daemon.box.path('neighbour.log'))
        self.log.seek(0, os.SEEK_END)

    def look(self):
        self.taken.append(answer_time(self.rpc))
        lines = self.log.read().split('\n')     # what follows the last line feed is nothing, or not all there yet
        if len(lines) > 1 and lines[-2]:
            self.behind.append(time.monotonic() * 1e3 - int(lines[-2]) / 1e3)

    def check(self, usual):
        in_time('getState', self.taken, usual.taken)
        in_time("the neighbour's output", self.behind, usual.behind)


FLOOD = """
import os
count, size = %d, 64
for first in range(0, count, 4096):
    rows = b''.join(b'%%063d\\n' %% number for number in range(first, min(first + 4096, count)))
    while rows:
        rows = rows[os.write(1, rows):]
"""


def check_numbered(paths, count):
    """The files hold the numbers 0 to count - 1, in order, each once, 64 bytes a line."""
    number, rest = 0, b''
    for path in paths:
        with open(path, 'rb') as file:
            while piece := file.read(1 << 20):
                piece = rest + piece
                whole = len(piece) // 64
                rest = piece[whole * 64:]
                expected = b''.join(b'%063d\n' % n for n in range(number, number + whole))
                if piece[:whole * 64] != expected:
                    raise AssertionError(f'{path.name}: something else than the lines {number} ... {number + whole - 1}')
                number += whole
    equal((number, rest), (count, b''), 'lines')


@case(limit=600)
def flood_loses_nothing(box):
    """A program that writes as fast as it can: each byte is once in the rotated logs, while getState answers and a neighbour is served."""
    count = (1000 if LONG else 200) * 1_000_000 // 64
    box.write('flood.py', FLOOD % count)
    neighbour, idle = with_neighbour(box)
    daemon = box.daemon(program('x', f'{PYTHON} %(here)s/flood.py', **LOGGED, stdout_logfile_maxbytes='5MB',
                                stdout_logfile_backups=300, startsecs=0, autorestart='false', autostart='false'),
                        neighbour)
    probe, usual = Probe(daemon), Probe(idle)
    begin = time.monotonic()
    daemon.rpc.startProcess('x')
    while daemon.info('x')['statename'] != 'EXITED':
        probe.look()
        usual.look()
        time.sleep(0.002)
    print(f'{count * 64 / 1e6 / (time.monotonic() - begin):.0f} MB a second')
    probe.check(usual)
    numbers = sorted((int(path.name.rpartition('.')[2]) for path in box.folder.glob('x.log.[0-9]*')), reverse=True)
    check(len(numbers) >= count * 64 // 5_500_000, f'{len(numbers)} rotated files')
    check_numbered([*(box.path(f'x.log.{number}') for number in numbers), box.path('x.log')], count)
    lacks(daemon.log, 'lost')
    # A run on a terminal keeps all folders that hold something wrong; these files are large.
    for number in numbers:
        box.path(f'x.log.{number}').unlink()


DYING = 200


@variants({
    'with_backoff': ('200 programs that die at once and are tried again for ever', {'startsecs': 30, 'startretries': 1000000}),
    'without_pause': ('200 programs that die at once and are started again without a pause',
                      {'startsecs': 0, 'autorestart': 'true'}),
}, limit=240)
def deaths_cost_the_others_nothing(box, options):
    neighbour, idle = with_neighbour(box)
    daemon = box.daemon(
        program('die', '/bin/false', numprocs=DYING, process_name='%(process_num)03d', stdout_logfile='NONE',
                stderr_logfile='NONE', **options),
        neighbour, supervisord={'minfds': 2048})
    probe, usual = Probe(daemon), Probe(idle)
    wait_for(lambda: len(set(re.findall(r' exited: (\d+) ', daemon.log))) == DYING, 'the first deaths')
    parts = {'spawner': daemon.pid, **wait_parts(daemon.pid)}
    before, begin = {role: cpu_seconds(pid) for role, pid in parts.items()}, time.monotonic()
    deaths = len(re.findall(' exited: ', daemon.log))

    while time.monotonic() < begin + (30 if LONG else 6):
        probe.look()
        usual.look()
        time.sleep(0.005)
    span = time.monotonic() - begin
    used = {role: (cpu_seconds(pid) - before[role]) / span for role, pid in parts.items()}
    print(', '.join(f'{role} {share * 100:.1f} %' for role, share in used.items()), 'of a core;',
          f"{(len(re.findall(' exited: ', daemon.log)) - deaths) / span:.0f} deaths a second")
    probe.check(usual)
    begin = time.monotonic()
    daemon.rpc.stopProcess('neighbour')
    daemon.rpc.startProcess('neighbour')
    again = time.monotonic() - begin
    print(f'stop and start of the neighbour: {again * 1000:.0f} ms')
    check(again < 30, f'stop and start of the neighbour: {again:.1f} s')
    if 'startretries' not in options:
        return
    check(used['engine'] < 0.3, f'the engine needs {used["engine"] * 100:.0f} % of a core')
    # Each death is followed by a wait that is one second longer: at most k + 1 of them in 1 + 2 + ... + k seconds.
    died = {}
    for when, name in re.findall(r'^(\S+ \S+),\d+ WARN exited: (\d+) ', daemon.log, re.M):
        died.setdefault(name, []).append(time.mktime(time.strptime(when, '%Y-%m-%d %H:%M:%S')))
    for times in died.values():
        k = len(times) - 1
        check(times[-1] - times[0] >= k * (k + 1) / 2 - 1, f'{k + 1} deaths within {times[-1] - times[0]} s')
