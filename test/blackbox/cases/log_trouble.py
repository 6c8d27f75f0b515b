"""Logs when disks fill up, directories vanish, others rename and truncate, and programs share or leave their pipes."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from harness import (IS_ROOT, LOGGED, NOW, ONCE, PYTHON, SLEEP, case, check, equal, program, skip, wait_for,
                     within)
from parts import all_pids, check_quiet, quickest, wait_parts

# Writes numbered lines of 1000 bytes, one each 2 ms at most, and keeps the number of the last one in the file `count`.
COUNTER = """
import os, time
number, note = 0, os.open('count', os.O_WRONLY | os.O_CREAT, 0o644)
while not os.path.exists('enough'):
    number += 1
    os.write(1, b'%0999d\\n' % number)
    os.pwrite(note, b'%d' % number, 0)
    time.sleep(0.002)
print('the end', flush=True)
while True:
    time.sleep(1000)
"""


def count_of(box):
    return int(box.text('count') or 0)


def counter(box, **options):
    box.write('counter.py', COUNTER)
    return program('x', f'{PYTHON} %(here)s/counter.py', directory=box.folder, **options, **NOW)


def in_namespace(box, script):
    """A command before supervisord's: the script runs first, in a mount namespace of its own."""
    words = ['unshare', '--mount'] + ([] if IS_ROOT else ['--user', '--map-root-user'])
    if subprocess.run([*words, 'true'], capture_output=True).returncode != 0:
        skip('no mount namespaces')
    return [*words, '/bin/sh', '-ec', script + '\nexec "$@"', 'sh']


def inside(daemon, path):
    """A path as the daemon sees it."""
    return Path(f'/proc/{daemon.pid}/root{path}')


def losses(daemon, name='x'):
    return [int(count) for count in re.findall(rf"WARN (\d+) bytes for '{name}' stdout are lost: ", daemon.log)]


@case(limit=120)
def full_disk(box):
    """The program is not stopped by a full disk; the loss is told once a minute; it goes on by itself when there is room."""
    disk = box.path('disk')
    disk.mkdir()
    daemon = box.daemon(counter(box, stdout_logfile=f'{disk}/x.log', stdout_logfile_maxbytes=0), wrapper=in_namespace(
        box, f'mount -t tmpfs -o size=320k,mode=755 tmpfs {disk}\nhead -c 128k /dev/zero >{disk}/filler'))
    log = inside(daemon, disk) / 'x.log'
    daemon.wait_log("WARN \\d+ bytes for 'x' stdout are lost: No space left on device$")
    stuck = count_of(box)
    wait_for(lambda: count_of(box) > stuck + 20, 'the program to go on')
    within(quickest(daemon.rpc.getAllProcessInfo), 0, 1, 'seconds for an answer')
    (inside(daemon, disk) / 'filler').unlink()
    size = log.stat().st_size
    wait_for(lambda: log.stat().st_size > size, 'bytes in the log again')
    box.write('enough', '')
    wait_for(lambda: log.read_bytes().endswith(b'the end\n'), 'the end')
    equal(len(losses(daemon)), 1, 'lines about losses')
    daemon.rpc.stopProcess('x')
    text = log.read_bytes()
    numbers = [int(line.lstrip(b'0')) for line in text.split(b'\n') if len(line) == 999]
    equal(numbers, sorted(set(numbers)), 'numbers')
    # The rest of the loss is told when the program has ended, and then all adds up.
    wait_for(lambda: sum(losses(daemon)) + len(text) == count_of(box) * 1000 + len('the end\n'),
             'losses and log to add up')
    equal(daemon.stop(), 0)


@case(limit=120)
def full_disk_for_the_main_log(box):
    """supervisord itself works on while its own log cannot be written, and says with its next line what is missing."""
    disk = box.path('disk')
    disk.mkdir()
    daemon = box.daemon(program('x', SLEEP, **NOW), supervisord={'logfile': f'{disk}/main.log'}, wrapper=in_namespace(
        box, f'mount -t tmpfs -o size=64k,mode=755 tmpfs {disk}'))
    log, filler = inside(daemon, disk) / 'main.log', inside(daemon, disk) / 'filler'
    try:
        filler.write_bytes(b'x' * 65536)
    except OSError:
        pass

    def lines(seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            daemon.rpc.stopProcess('x')
            daemon.rpc.startProcess('x')
    size = -1
    while size != (size := log.stat().st_size):     # there was room in the file's last page
        lines(0.5)
    lines(2.5)      # for a second they are kept
    filler.unlink()
    daemon.rpc.stopProcess('x')
    daemon.rpc.startProcess('x')
    wait_for(lambda: 'bytes for the main log are lost: No space left on device' in log.read_text(), 'the loss')
    equal(daemon.info('x')['statename'], 'RUNNING')
    equal(daemon.stop(), 0)


@case
def log_that_cannot_be_opened(box):
    """A program whose log cannot be opened, or is refused by the rule, is not started; the reason names the log."""
    box.path('taken').mkdir()
    box.path('link').symlink_to(box.path('elsewhere'))
    box.path('.').chmod(0o777)      # so that others than root could have made it
    daemon = box.daemon(program('x', SLEEP, startretries=0, stderr_logfile=box.path('taken')),
                        program('y', SLEEP, startretries=0, stdout_logfile=box.path('link')))
    daemon.wait_log(f"INFO spawnerr: unknown error making dispatchers for 'x': EISDIR \\({box.path('taken')}\\)$")
    if IS_ROOT:
        daemon.wait_log(f"INFO spawnerr: the log file {box.path('link')} of 'y' is not opened: it must be a regular file ")
        daemon.wait_state('y', 'FATAL')
        check(not box.path('elsewhere').exists(), 'nothing was made behind the link')
    daemon.wait_state('x', 'FATAL')


@case(limit=120)
def directory_that_vanishes(box):
    """A log directory is removed, with USR2 on top, and made again: the program and the daemon go on, and so does the log."""
    where = box.path('logs')
    where.mkdir()
    daemon = box.daemon(counter(box, stdout_logfile=f'{where}/x.log'))
    box.wait_text('logs/x.log', r'0001$')
    # All at once: between the removal of the log and that of its directory a new log could be made.
    shutil.rmtree(where.rename(box.path('gone')))
    daemon.wait_log("WARN could not reopen the log of 'x' stdout: No such file or directory$")
    daemon.signal(signal.SIGUSR2)
    daemon.wait_log('supervisord logreopen')
    before = count_of(box)
    wait_for(lambda: count_of(box) > before + 20, 'the program to go on')
    daemon.wait_log(r"WARN \d+ bytes for 'x' stdout are lost: No such file or directory$")
    where.mkdir()
    wait_for(lambda: box.path('logs/x.log').exists(), 'a new log')
    box.write('enough', '')
    box.wait_text('logs/x.log', 'the end$')
    equal(len(re.findall('could not reopen', daemon.log)), 1, 'lines about it')
    equal(daemon.stop(), 0)


@case
def rename_and_usr2(box):
    """logrotate renames and sends USR2, again and again: no line is lost or doubled."""
    daemon = box.daemon(counter(box, stdout_logfile='%(here)s/x.log', stdout_logfile_maxbytes='40KB',
                                stdout_logfile_backups=1000))
    box.wait_text('x.log', r'1$')
    names = []
    for number in range(5):
        before = daemon.log.count('supervisord logreopen')
        names.append(f'old{number}.log')
        wait_for(lambda: box.path('x.log').exists(), 'the log')     # it may be rotated at this moment
        try:
            box.path('x.log').rename(box.path(names[-1]))
        except FileNotFoundError:
            names.pop()
        daemon.signal(signal.SIGUSR2)
        wait_for(lambda: daemon.log.count('supervisord logreopen') > before and box.path('x.log').exists(), 'a new log')
        seen = count_of(box)
        wait_for(lambda: count_of(box) > seen + 10, 'more lines')
    box.write('enough', '')
    # The end may have come together with a line that was too much.
    wait_for(lambda: (box.text('x.log.1') + box.text('x.log')).endswith('the end\n'), 'the end')
    files = [*(box.path(name) for name in names), box.path('x.log'), *box.folder.glob('x.log.[0-9]*')]
    lines = [line for path in files for line in path.read_text().splitlines() if line != 'the end']
    equal(sorted(int(line.lstrip('0')) for line in lines), list(range(1, count_of(box) + 1)), 'numbers')
    equal({len(line) for line in lines}, {999}, 'length of lines')
    equal(daemon.stop(), 0)


@case
def copytruncate(box):
    """logrotate copies and truncates, before and after a rotation of ours: what follows begins at the file's start."""
    daemon = box.daemon(program('x', '/bin/cat', stdout_logfile='%(here)s/x.log', stdout_logfile_maxbytes=100, **NOW))
    for turn in range(3):
        daemon.rpc.sendProcessStdin('x', 'a' * 59 + '\n')
        box.wait_text('x.log', '^a{59}$')
        box.path('copy').write_bytes(box.path('x.log').read_bytes())
        os.truncate(box.path('x.log'), 0)
        daemon.rpc.sendProcessStdin('x', 'short\n')
        wait_for(lambda: box.text('x.log') == 'short\n', f'turn {turn}')
        daemon.rpc.sendProcessStdin('x', 'b' * 99 + '\n')     # rotates
        wait_for(lambda: box.text('x.log') == '' and box.text('x.log.1') == 'short\n' + 'b' * 99 + '\n', 'the rotation')
    equal(daemon.stop(), 0)


@case
def shared_log(box):
    """Three programs, stdout and stderr, one file with rotation: each line is there once, whole, in its writer's order."""
    count = 6000     # more than one read can take, so that there are rotations
    box.write('both.py', f"""
import os, sys
for number in range({count}):
    os.write(1, b'%s-out-%05d\\n' % (sys.argv[1].encode(), number))
    os.write(2, b'%s-err-%05d\\n' % (sys.argv[1].encode(), number))
""")
    log = {f'{channel}_logfile{key}': value for channel in ('stdout', 'stderr')
           for key, value in (('', '%(here)s/all.log'), ('_maxbytes', 5000), ('_backups', 1000))}
    daemon = box.daemon(*(program(name, f'{PYTHON} %(here)s/both.py {name}', **log, **ONCE) for name in 'abc'))
    for name in 'abc':
        daemon.wait_state(name, 'EXITED')
    files = sorted(box.folder.glob('all.log.[0-9]*'), key=lambda path: -int(path.name.rpartition('.')[2]))
    lines = ''.join(path.read_text() for path in [*files, box.path('all.log')]).splitlines()
    equal(len(lines), 6 * count, 'lines')
    for writer in (f'{name}-{channel}' for name in 'abc' for channel in ('out', 'err')):
        equal([line for line in lines if line.startswith(writer)], [f'{writer}-{n:05d}' for n in range(count)], writer)
    check(len(files) > 3, f'{len(files)} rotated files')
    equal(daemon.stop(), 0)


@case
def program_that_closes_its_output(box):
    """A program that closes stdout and stderr goes on; nobody watches the ends of its pipes; its successor is logged."""
    box.script('closes', 'echo before; exec >&- 2>&-; read go')
    daemon = box.daemon(program('x', '%(here)s/closes', **LOGGED, startsecs=0, autorestart='true'))
    box.wait_text('x.log', 'before')
    pid = daemon.wait_state('x', 'RUNNING')['pid']
    wait_for(lambda: not Path(f'/proc/{pid}/fd/1').exists() and not Path(f'/proc/{pid}/fd/2').exists(), 'it to close them')
    check_quiet(*all_pids(daemon))
    equal(daemon.info('x')['pid'], pid)
    daemon.rpc.sendProcessStdin('x', '\n')
    daemon.wait_new_pid('x', pid)
    wait_for(lambda: box.text('x.log') == 'before\n' * 2, 'the successor')
    equal(daemon.stop(), 0)


@case
def grandchild_that_keeps_the_pipe(box):
    """A program's end is its end, whoever holds its pipes; what a grandchild writes later finds nobody and fails."""
    box.script('leaves', f"""(trap '' HUP TERM PIPE
while ! [ -e {box.folder}/go ]; do sleep 0.05; done
echo late && sleep 0.2 && echo later; echo "failed $?" >{box.folder}/grandchild) &
echo last words""")
    daemon = box.daemon(program('x', '%(here)s/leaves', **LOGGED, **ONCE), program('y', SLEEP, **NOW))
    daemon.wait_state('x', 'EXITED')
    equal(box.text('x.log'), 'last words\n')
    box.write('go', '')
    box.wait_text('grandchild', 'failed [1-9]')
    equal(box.text('x.log'), 'last words\n')
    check_quiet(*all_pids(daemon))
    log_writer = wait_parts(daemon.pid)['log']
    pipes = {os.readlink(f'/proc/{log_writer}/fd/{fd}') for fd in os.listdir(f'/proc/{log_writer}/fd')} if IS_ROOT else ()
    equal(sum(name.startswith('pipe:') for name in pipes), 4 if IS_ROOT else 0, 'pipes: two of y, two of its own')
    equal(daemon.stop(), 0)


@case
def system_logger(box):
    """Lines carry supervisord's tag, the program's name and a severity, one time stamp; empty lines and NULs survive."""
    box.path('dev').mkdir()
    collector = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    collector.bind(str(box.path('dev/log')))
    collector.settimeout(20)
    box.path('dev/log').chmod(0o666)
    names = 'null zero full random urandom tty'
    wrapper = in_namespace(box, f"""cd {box.folder}/dev
for name in {names}; do : >$name; mount --bind /dev/$name $name; done
cd {box.folder}
mount --rbind dev /dev""")
    box.write('says.py', "import os\nos.write(1, b'one\\n\\n  two\\n\\n')\nos.write(2, b'three\\n')\n")
    daemon = box.daemon(program('x', f'{PYTHON} %(here)s/says.py', stdout_syslog='true', stderr_syslog='true',
                                stdout_logfile='NONE', stderr_logfile='NONE', autostart='false', **ONCE),
                        supervisord={'logfile': 'syslog'}, wrapper=wrapper)

    def receive(pattern):
        while True:
            text = collector.recv(9999).decode()
            if found := re.fullmatch(r'<(\d+)>(\w{3} [ \d]\d \d\d:\d\d:\d\d) supervisord: ' + pattern, text):
                return int(found[1]) - 8, found
            check(re.match(r'<\d+>\w{3} [ \d]\d \d\d:\d\d:\d\d supervisord: (?!\d{4}-)', text), text)
    equal(receive('supervisord started with pid .*')[0], 6, 'severity of INFO')
    daemon.rpc.startProcess('x')
    for line in ('one', '', '  two'):
        equal(receive(f'x {line}')[0], 6, 'severity of output')
    equal(receive('x three')[0], 6, 'severity of output')
    daemon.signal(signal.SIGTERM)
    equal(receive('received SIGTERM .*')[0], 4, 'severity of WARN')
    equal(daemon.wait_exit(), 0)
