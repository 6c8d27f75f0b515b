"""Reading the configuration again: what counts as a change, what a re-read takes over, and what it costs.

REEVE_LONG=1 in the environment re-reads 1,000 times where 60 times are enough otherwise.
"""

import os
import re
import resource
from pathlib import Path

from harness import (SLEEP, case, check, config, contains, equal, other_user, program, section, wait_for,
                     wait_gone, within)
from parts import SANITIZED, not_sanitized, wait_parts

IDLE = {'autostart': 'false', 'startsecs': 0}
LONG = bool(os.environ.get('REEVE_LONG'))

# Keys of a program whose change makes its group a changed one, and a value that is not the default.
CHANGES = {
    'command': '/bin/sleep 1001', 'priority': 5, 'autostart': 'true', 'autorestart': 'false', 'startsecs': 5,
    'startretries': 5, 'stopsignal': 'INT', 'stopwaitsecs': 5, 'stopasgroup': 'true', 'killasgroup': 'true',
    'exitcodes': '0,1', 'redirect_stderr': 'true', 'umask': '027', 'directory': '/', 'serverurl': 'http://x',
    'environment': 'A="1"', 'process_name': 'other', 'numprocs_start': None, 'stdout_logfile': '%(here)s/x.log',
    'stderr_logfile': 'NONE', 'stdout_logfile_maxbytes': '1MB', 'stderr_logfile_maxbytes': '1MB',
    'stdout_logfile_backups': 1, 'stderr_logfile_backups': 1, 'stdout_capture_maxbytes': '1KB',
    'stderr_capture_maxbytes': '1KB', 'stdout_events_enabled': 'true', 'stderr_events_enabled': 'true',
    'stdout_syslog': 'true', 'stderr_syslog': 'true', 'user': None, 'numprocs': 2}
SPECIAL = {'numprocs_start': {'numprocs_start': 7, 'process_name': 'p%(process_num)d'},
           'numprocs': {'numprocs': 2, 'process_name': 'p%(process_num)d'}}
# Written differently, but the same.
SAME = {'startsecs': '0', 'stopsignal': 'SIGTERM', 'exitcodes': ' 0 ', 'environment': '', 'stopwaitsecs': '+10',
        'stdout_logfile_maxbytes': '51200KB', 'autorestart': 'UNEXPECTED', 'nonsense': 'x', 'umask': None}


def diff_of(daemon):
    """(added, changed, removed) of a re-read, each sorted."""
    return tuple(sorted(names) for names in daemon.rpc.reloadConfig()[0])


@case
def every_key_counts(box):
    """A change of any key of a program is told by reread, for that program alone."""
    names = [f'p_{key}' for key in CHANGES]
    sections = {name: {'command': SLEEP, **IDLE} for name in names}
    sections['p_numprocs_start']['process_name'] = sections['p_numprocs']['process_name'] = 'p%(process_num)d'
    same = [f's_{key}' for key in SAME]
    sections.update({name: {'command': SLEEP, **IDLE} for name in same})
    conf = [section(f'program:{name}', **keys) for name, keys in sections.items()]
    daemon = box.daemon(*conf)
    equal(diff_of(daemon), ([], [], []))
    for key, value in CHANGES.items():
        sections[f'p_{key}'].update(SPECIAL.get(key) or {key: other_user().pw_name if key == 'user' else value})
    for key, value in SAME.items():
        sections[f's_{key}'][key] = value
    daemon.rewrite(*(section(f'program:{name}', **keys) for name, keys in sections.items()))
    equal(diff_of(daemon), ([], sorted(names), []))
    contains(daemon.ctl('reread').out, *(f'{name}: changed\n' for name in names))


@case
def groups_listeners_and_fastcgi(box):
    """What counts as a change of groups, listeners and FastCGI programs, and what does not."""
    def written(order, group, events, buffer_size, socket, mode, environment):
        return [program(name, SLEEP, **IDLE) for name in 'abcd'] + [
            section('group:order', programs=order), section('group:priority', programs='c', priority=group),
            section('eventlistener:events', command='cat', events=events, autostart='false'),
            section('eventlistener:buffer', command='cat', events='EVENT', buffer_size=buffer_size, autostart='false'),
            section('fcgi-program:socket', command='cat', socket=socket, autostart='false'),
            section('fcgi-program:mode', command='cat', socket=f'unix://{box.folder}/m.sock', socket_mode=mode, **IDLE),
            section('program:env', command=SLEEP, environment=environment, **IDLE)]
    before = ('a,b', 1, 'TICK_5,TICK_60', 10, f'unix://{box.folder}/f.sock', '0700', 'A=1,B=2')
    daemon = box.daemon(*written(*before))
    daemon.rewrite(*written('a,b', 1, 'TICK_60,TICK_5', 10, f'unix://{box.folder}/./f.sock', '0770', 'B=2,A=1'))
    equal(diff_of(daemon), ([], [], []), 'another order, the same path, another mode')
    daemon.rewrite(*written('b,a', 2, 'TICK_5', 11, f'unix://{box.folder}/g.sock', '0700', 'A=1,B=3'))
    equal(diff_of(daemon), ([], ['buffer', 'env', 'events', 'order', 'priority', 'socket'], []))
    daemon.rewrite(*written(*before)[1:4], *written(*before)[5:], supervisord={'environment': 'X=1'})
    equal(diff_of(daemon)[2], ['order'])


@case
def environment_of_the_daemon_counts(box):
    """A change of environment= of [supervisord] changes every program; other keys of it change none."""
    programs = [program(name, SLEEP, **IDLE) for name in 'ab']
    daemon = box.daemon(*programs)
    daemon.rewrite(*programs, supervisord={'loglevel': 'debug', 'minfds': 100, 'strip_ansi': 'true', 'identifier': 'new',
                                           'umask': '077', 'logfile_maxbytes': '1KB', 'nocleanup': 'true'})
    equal(diff_of(daemon), ([], [], []))
    equal(daemon.rpc.getIdentification(), 'new')
    daemon.rewrite(*programs, supervisord={'environment': 'A=1'})
    equal(diff_of(daemon), ([], ['a', 'b'], []))
    equal(daemon.rpc.getIdentification(), 'supervisor')


@case
def command_line_stays(box):
    """What was given on the command line wins at every re-read and restart."""
    daemon = box.daemon(program('x', SLEEP, **IDLE), arguments=['-i', 'mine', '-l', box.path('other.log')])
    daemon.rewrite(program('x', SLEEP, **IDLE), supervisord={'identifier': 'theirs', 'logfile': '%(here)s/third.log'})
    equal(diff_of(daemon), ([], [], []))
    equal(daemon.rpc.getIdentification(), 'mine')
    daemon.signal(1)
    wait_for(lambda: box.text('other.log').count('supervisord started with pid') == 2, 'the restart')
    daemon.wait_ready()
    equal(daemon.rpc.getIdentification(), 'mine')
    check(not box.path('third.log').exists(), 'the log of the command line is used')


@case
def add_remove_update(box):
    """reread only looks; add, remove and update act on what it has found, and on nothing else."""
    daemon = box.daemon(program('stays', SLEEP, startsecs=0), program('goes', SLEEP, startsecs=0),
                        program('changes', SLEEP, startsecs=0))
    before = {name: daemon.wait_state(name, 'RUNNING')['pid'] for name in ('stays', 'goes', 'changes')}
    daemon.rewrite(program('stays', SLEEP, startsecs=0), program('changes', '/bin/sleep 2000', startsecs=0),
                   program('new', SLEEP, startsecs=0), program('late', SLEEP, startsecs=0))
    equal(daemon.ctl('add', 'new').out, 'ERROR: no such process/group: new\n')
    equal(sorted(daemon.ctl('reread').out.splitlines()),
          ['changes: changed', 'goes: disappeared', 'late: available', 'new: available'])
    equal({name: daemon.info(name)['pid'] for name in before}, before)
    equal(daemon.ctl('remove', 'goes').out, 'ERROR: process/group still running: goes\n')
    equal(daemon.ctl('stop', 'goes').out + daemon.ctl('remove', 'goes').out, 'goes: stopped\ngoes: removed process group\n')
    equal(daemon.ctl('add', 'new').out, 'new: added process group\n')
    equal(daemon.ctl('add', 'new').out, 'ERROR: process group already active\n')
    equal(sorted(daemon.ctl('update').out.splitlines()),
          ['changes: stopped', 'changes: updated process group', 'late: added process group'])
    equal(daemon.info('stays')['pid'], before['stays'])
    wait_gone(before['changes'])
    equal(Path(f'/proc/{daemon.wait_state("changes", "RUNNING")["pid"]}/cmdline').read_bytes(), b'/bin/sleep\x002000\x00')
    equal(diff_of(daemon), ([], [], []))
    equal(daemon.ctl('reread').out, 'No config updates to processes\n')


@case
def update_of_one_group(box):
    """`update GROUP` leaves the other changed groups as they are."""
    daemon = box.daemon(program('a', SLEEP, startsecs=0), program('b', SLEEP, startsecs=0))
    daemon.wait_state('a', 'RUNNING')
    pid = daemon.wait_state('b', 'RUNNING')['pid']
    daemon.rewrite(program('a', '/bin/sleep 2000', startsecs=0), program('b', '/bin/sleep 2000', startsecs=0))
    equal(daemon.ctl('update', 'a').out, 'a: stopped\na: updated process group\n')
    equal(daemon.info('b')['pid'], pid)
    equal(diff_of(daemon), ([], ['b'], []))


@case
def relative_file_of_a_daemon_elsewhere(box):
    """A relative -c is found at reread and restart although the daemon has gone to another directory."""
    box.path('away').mkdir()
    text = config(program('x', SLEEP, startsecs=0), section('include', files='conf.d/*.conf'),
                  supervisord={'nodaemon': 'false', 'directory': '%(here)s/away', 'logfile': 'main.log',
                               'pidfile': 'main.pid', 'childlogdir': '.'})
    box.write('supervisord.conf', text)
    result = box.run(box.supervisord, '-c', 'supervisord.conf')
    equal((result.code, result.err), (0, ''))
    pid = int(box.text('main.pid'))
    try:
        daemon = box.daemon_for_pid(box.path('supervisord.conf'), pid)
        equal(os.readlink(f'/proc/{pid}/cwd'), str(box.path('away')))
        child = daemon.wait_state('x', 'RUNNING')['pid']
        equal(os.readlink(f'/proc/{child}/cwd'), str(box.path('away')))
        equal(diff_of(daemon), ([], [], []))
        box.write('conf.d/y.conf', program('y', SLEEP, startsecs=0))
        equal(diff_of(daemon), (['y'], [], []))
        os.kill(pid, 1)
        wait_gone(child)
        wait_for(lambda: box.text('main.log').count('supervisord started with pid') == 2, 'the restart')
        wait_for(lambda: box.path('s.sock').exists(), 'the socket')
        daemon = box.daemon_for_pid(box.path('supervisord.conf'), pid)
        equal(sorted(info['name'] for info in daemon.rpc.getAllProcessInfo()), ['x', 'y'])
        equal(diff_of(daemon), ([], [], []))
        equal((box.text('main.pid'), sorted(path.name for path in box.path('away').iterdir())), (f'{pid}\n', []))
    finally:
        os.kill(pid, 15)
        wait_gone(pid)
    check(not box.path('main.pid').exists(), 'the pidfile is gone')


@case
def names_not_taken_over(box):
    """After a re-read with other paths, the pidfile and log of the start are still the ones in use."""
    daemon = box.daemon(program('x', SLEEP, **IDLE))
    daemon.rewrite(program('x', SLEEP, **IDLE), supervisord={'logfile': '%(here)s/new.log', 'pidfile': '%(here)s/new.pid'})
    equal(diff_of(daemon), ([], [], []))
    contains(daemon.rpc.readLog(0, 0), 'supervisord started with pid')
    equal(daemon.stop(), 0)
    equal([name for name in ('new.log', 'new.pid', 'supervisord.pid') if box.path(name).exists()], [])


# --- what it costs ------------------------------------------------------------------------------------------

def cost(pid):
    """(descriptors, mappings, private KiB) of a process."""
    memory = sum(int(size) for size in re.findall(r'^Private_\w+: +(\d+) kB', Path(f'/proc/{pid}/smaps_rollup').read_text(),
                                                  re.M))
    return len(os.listdir(f'/proc/{pid}/fd')), len(Path(f'/proc/{pid}/maps').read_text().splitlines()), memory


def costs(daemon, parts):
    return {'supervisord': cost(daemon.pid), **{role: cost(pid) for role, pid in parts.items()}}


@case(root=True, limit=900.0 if LONG else 300.0)
def nothing_leaks(box):
    """However often the configuration is re-read, good or bad, no part has more of anything than before."""
    def written(number):
        return [*(program(f'p{i}', SLEEP, stopwaitsecs=10 + number % 7, **IDLE) for i in range(20)),
                program('runs', SLEEP, startsecs=0)]
    daemon = box.daemon(*written(0))
    parts = wait_parts(daemon.pid)
    rounds = 1000 if LONG else 60

    def reread(number):
        daemon.rewrite(*written(number))
        if number % 10 == 5:
            box.write('supervisord.conf', 'broken\n')
            try:
                daemon.rpc.reloadConfig()
                raise AssertionError('a broken file was taken')
            except Exception as fault:
                contains(str(fault), 'no section headers')
            return
        daemon.rpc.reloadConfig()
        if number % 10 == 9:     # the newest generation comes into use
            name = f'p{number // 10 % 20}'
            daemon.rpc.removeProcessGroup(name)
            daemon.rpc.addProcessGroup(name)

    def all_new():
        """Every group is of the newest generation, so older ones are not needed."""
        daemon.rewrite(*written(0))
        daemon.rpc.reloadConfig()
        for i in range(20):
            daemon.rpc.removeProcessGroup(f'p{i}')
            daemon.rpc.addProcessGroup(f'p{i}')
    for number in range(20):
        reread(number)
    all_new()
    before = costs(daemon, parts)
    for number in range(rounds):
        reread(number)
    all_new()
    after = costs(daemon, parts)
    equal(wait_parts(daemon.pid), parts, 'the parts')
    for role, (fds, maps, memory) in after.items():
        within(fds, 0, before[role][0] + 2, f'descriptors of {role}')     # one may be on its way just now
        if SANITIZED:
            continue     # keeps freed memory for a while
        within(maps, 0, before[role][1] + 2, f'mappings of {role}')
        within(memory, 0, before[role][2] + 200, f'private KiB of {role}, {before[role][2]} before')
    if LONG:
        print(f'note: {rounds} re-reads: {before} -> {after}')


def cpu_of(*pids):
    """CPU seconds of processes and of those children of theirs that have ended."""
    ticks = 0
    for pid in pids:
        fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf('SC_CLK_TCK')


def cpu_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cheapest(action, clock):
    """What an action costs by a clock: the least of some times, as others may get in between caches and memory."""
    costs = []
    for _ in range(4):
        before = clock()
        action()
        costs.append(clock() - before)
    return min(costs)


@case(root=True)
def ten_thousand_programs(box):
    """10,000 programs in 200 included files are read in under a second of CPU time; the memory is given back."""
    not_sanitized()
    small = [program('x', SLEEP, **IDLE), section('include', files='conf.d/*.conf')]
    daemon = box.daemon(*small)
    parts = wait_parts(daemon.pid)
    equal(diff_of(daemon), ([], [], []))
    before = costs(daemon, parts)
    for i in range(200):
        box.write(f'conf.d/{i:03}.conf', '\n'.join(
            program(f'p{i}_{j}', SLEEP, environment=f'N="{j}",NAME="%(program_name)s"',
                    stdout_logfile='%(here)s/%(program_name)s.log', **IDLE) for j in range(50)))

    def check_config():
        contains(box.run(box.supervisord, '--check-config', '-c', daemon.conf).out, 'good, 10001 groups with 10001 processes')

    def reread():
        equal(len(daemon.rpc.reloadConfig()[0][0]), 10000)
    within(cheapest(check_config, cpu_of_children), 0, 1.0, 'CPU seconds for --check-config')
    within(cheapest(reread, lambda: cpu_of(daemon.pid, *parts.values())), 0, 1.0, 'CPU seconds for a re-read over RPC')
    for path in box.path('conf.d').iterdir():
        path.unlink()
    equal(diff_of(daemon), ([], [], []))
    equal(wait_parts(daemon.pid), parts, 'the parts')

    def given_back():
        return all(memory < before[role][2] + 2048 for role, (_, _, memory) in costs(daemon, parts).items())
    try:
        wait_for(given_back, 'the memory')
    except AssertionError as late:
        raise AssertionError(f'{late}: {before} -> {costs(daemon, parts)}') from None
