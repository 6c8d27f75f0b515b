"""The wall clock is set forth and back by hours: nothing that takes time takes longer or shorter for it."""

import re
import shutil
import time
from pathlib import Path

from harness import SLEEP, Box, case, check, equal, listener, matches, program, skip, within
from parts import TEST_PROGRAMS

CLOCK = TEST_PROGRAMS / 'clock_shift.so'
PARTS = ('supervisor-confread', 'supervisor-engine', 'supervisor-rpc', 'supervisor-log')
HOUR = 3600


def with_clock(box, plan):
    """supervisord in the box's folder whose parts are started with a clock that jumps, and programs as well."""
    if not CLOCK.exists():
        skip('no clock_shift.so')
    if 'libasan' in box.run(['ldd'], box.supervisord[0]).out:
        skip('a sanitizer must be loaded first')
    build = Path(box.supervisord[0]).parent
    environment = {'LD_PRELOAD': str(box.path('clock.so')), 'CLOCK_PLAN': plan}
    shutil.copy(CLOCK, box.path('clock.so'))
    shutil.copy(box.supervisord[0], box.path('supervisord'))
    box.path('real').mkdir()
    for part in PARTS:
        shutil.copy(build / part, box.path(f'real/{part}'))
        box.script(part, '\n'.join(f'export {key}="{value}"' for key, value in environment.items()) +
                   f'\nexec {box.path("real")}/{part}')
    return Box(box.folder, [str(box.path('supervisord'))], box.supervisorctl), environment


@case(limit=120)
def jumps_change_nothing(box):
    """startsecs, the wait for a retry, stopwaitsecs, the uptime: all as without jumps by one and two hours."""
    start = time.monotonic()
    steps = {2: HOUR, 4: -HOUR, 6: HOUR, 8: 0}
    plan = ' '.join(f'{start + second:.3f} {shift}' for second, shift in steps.items())
    jumping, environment = with_clock(box, plan)
    box.script('fails', 'cut -d" " -f1 /proc/uptime >>%s\nexit 1' % box.path('fails.times'))
    box.script('stays', "trap '' TERM\necho ready\nwhile :; do sleep 0.1; done")
    daemon = jumping.daemon(
        program('slow', SLEEP, startsecs=7), program('fails', '%(here)s/fails', startretries=3),
        program('stays', '%(here)s/stays', startsecs=0, stopwaitsecs=4, killasgroup='true', stdout_logfile='%(here)s/stays.log'),
        program('runs', SLEEP, startsecs=0), listener('ticks', 'TICK_5,SUPERVISOR_STATE_CHANGE'),
        environment=environment)
    box.wait_text('stays.log', 'ready')
    began = time.monotonic()
    daemon.rpc.stopProcess('stays', False)
    stopped = started = None
    while None in (stopped, started):
        states = {info['name']: info for info in daemon.rpc.getAllProcessInfo()}
        now = time.monotonic()
        if stopped is None and states['stays']['statename'] == 'STOPPED':
            stopped = now
        if started is None and states['slow']['statename'] == 'RUNNING':
            started = now
        equal(states['runs']['statename'], 'RUNNING')
        daemon.rpc.signalProcess('runs', 'CONT')     # leaves a line in the log at each time of the clock
        uptime = int(matches(states['runs']['description'], r'uptime 0:00:(\d\d)$').group(1))
        within(uptime, 0, now - start + 1, 'uptime')
        check(now - start < 60, f'waited in vain: {states}')
        time.sleep(0.02)
    within(stopped - began, 3.9, 30, 'seconds until the SIGKILL')
    within(started - start, 6.9, 50, 'seconds until RUNNING')
    daemon.wait_state('fails', 'FATAL')
    tries = [float(line) for line in box.text('fails.times').splitlines()]
    equal(len(tries), 4, 'tries')
    for wait, (before, after) in enumerate(zip(tries, tries[1:]), 1):
        within(after - before, wait - 0.05, wait + 10, f'seconds before try {wait + 1}')
    # The clock has indeed jumped, for engine and log writer.
    days = [time.mktime(time.strptime(when, '%Y-%m-%d %H:%M:%S'))
            for when in re.findall(r'^(\S+ \S+),\d+ ', daemon.log, re.M)]
    within(max(days) - min(days), 2 * HOUR - 60, 2 * HOUR + 60, 'seconds that the log spans')
    time.sleep(max(0, start + 8.5 - time.monotonic()))
    stops = daemon.rpc.getProcessInfo('runs')
    within(stops['now'] - time.time(), -30, 30, 'now')
    equal(daemon.stop(), 0)
