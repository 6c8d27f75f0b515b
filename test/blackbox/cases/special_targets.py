"""Output to /dev/stdout and /dev/stderr, as containers want it: whatever supervisord's own descriptors are.

As root each case of arriving output is run a second time as user 1000, whose descriptors another user has opened.
"""

import fcntl
import os
import pty
import signal
import socket
import subprocess
import time

from harness import (IS_ROOT, NOW, ONCE, Daemon, alive, case, check, config, equal, lacks, program,
                     skip, variants, wait_for, within)
from parts import all_pids, check_quiet, quickest

LINES = ''.join(f'line-{number:04d}\n' for number in range(200))


class Target:
    """A descriptor for supervisord, and what has come out at its other end."""

    def __init__(self, box, kind, name):
        self.seen, self.reader, self.writer, self.file = b'', None, None, None
        if kind == 'pipe':
            self.reader, self.writer = os.pipe()
        elif kind == 'terminal':
            self.reader, self.writer = pty.openpty()
        elif kind == 'socket':
            ends = socket.socketpair()
            self.reader, self.writer = (end.detach() for end in ends)
        elif kind == 'file':
            self.file = box.path(name)
            self.file.write_text('before\n')
            self.writer = os.open(self.file, os.O_WRONLY)
            os.lseek(self.writer, 0, os.SEEK_END)
        if self.reader is not None:
            os.set_blocking(self.reader, False)

    def text(self):
        if self.file:
            return self.file.read_text()
        if self.reader is None:
            return ''
        try:
            while piece := os.read(self.reader, 65536):
                self.seen += piece
        except OSError:     # nothing there now, or the terminal's other end is closed
            pass
        return self.seen.decode().replace('\r\n', '\n')

    def lines(self):
        """The program's lines among supervisord's own."""
        return ''.join(line + '\n' for line in self.text().split('\n') if line.startswith('line-'))

    def leave(self):
        os.close(self.reader)
        self.reader = None


def start(box, out, err, *sections, user=None, **options):
    """supervisord with these targets as its stdout and stderr; None closes the descriptor."""
    conf = box.write('supervisord.conf', config(*sections, supervisord={'silent': 'true', **options}))
    close = ('' if out.writer is not None else ' >&-') + ('' if err.writer is not None else ' 2>&-')
    command = ['/bin/sh', '-c', f'exec "$@"{close}', 'sh', *box.supervisord, '-n', '-c', str(conf)]
    if user is not None:
        for path in (box.folder, *box.folder.iterdir()):
            os.chown(path, user, user)
        command = ['setpriv', f'--reuid={user}', f'--regid={user}', '--clear-groups', *command]
    null = os.open('/dev/null', os.O_WRONLY)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=box.folder, env=box.environment,
                               stdout=null if out.writer is None else out.writer,
                               stderr=null if err.writer is None else err.writer, start_new_session=True)
    for target in {out, err}:
        if target.writer is not None:
            os.close(target.writer)
    os.close(null)
    daemon = Daemon(box, conf, process)
    daemon.wait_ready()
    return daemon


KINDS = ('pipe', 'terminal', 'file', 'socket', 'closed')


@variants({f'{kind}{suffix}': (f'stdout and stderr are a {kind}: all output arrives, nothing is rotated{text}', kind, user)
           for kind in KINDS for suffix, text, user in (('', '', None), ('_as_1000', ', as user 1000', 1000))})
def output_arrives(box, kind, user):
    if user is not None and not IS_ROOT:
        skip('needs root')
    box.write('lines', LINES)
    box.script('talk', 'cat lines\nsed s/line-/line-e/ lines >&2')
    out, err = Target(box, kind, 'out'), Target(box, kind, 'err')
    files = {path.name for path in box.folder.iterdir()}
    # Of the limits one is the default's, and one is so small that a file would be rotated.
    daemon = start(box, out, err, program('x', '%(here)s/talk', directory=box.folder, stdout_logfile='/dev/stdout',
                                          stderr_logfile='/dev/stderr', stderr_logfile_maxbytes=100,
                                          autostart='false', **ONCE),
                   program('other', '/bin/echo line-other', stdout_logfile='%(here)s/other.log', **ONCE), user=user)
    box.wait_text('other.log', 'line-other')
    for turn in (1, 2):
        daemon.rpc.startProcess('x')
        daemon.wait_state('x', 'EXITED')
        if kind != 'closed':
            wait_for(lambda: out.lines() == LINES * turn, f'stdout, turn {turn}')
            wait_for(lambda: err.lines() == LINES.replace('-', '-e') * turn, f'stderr, turn {turn}')
    check_quiet(*all_pids(daemon))
    lacks(daemon.log, 'line-0')
    lacks(daemon.log, 'uncaptured')
    if kind == 'file':
        check(out.text().startswith('before\n'), out.text()[:100])
    new = {path.name for path in box.folder.iterdir()} - files
    equal({name for name in new if not name.startswith('supervisord.')},
          {'s.sock', 'other.log'} | {name for name in new if name.startswith('other-stderr---')})
    equal(daemon.stop(), 0)


@case
def both_in_one_pipe(box):
    """stdout and stderr of several programs, and supervisord's own lines, go to one pipe; lines stay whole."""
    box.write('lines', LINES)
    out = Target(box, 'pipe', 'out')
    daemon = start(box, out, out, *(program(name, f"/bin/sh -c 'cat lines >&{fd}'", directory=box.folder,
                                            stdout_logfile='/dev/stdout', stderr_logfile='/dev/stderr',
                                            stdout_logfile_maxbytes=0, **ONCE) for name, fd in (('a', 1), ('b', 2))),
                   silent='false')
    wait_for(lambda: len(out.lines()) == 2 * len(LINES), 'all lines')
    equal(sorted(out.lines().split()), sorted(LINES.split() * 2))
    equal(daemon.stop(), 0)
    for line in out.text().splitlines():
        check(line.startswith(('line-', '20')), f'{line!r} is torn')


WRITES = """
exec 3>&1
i=0
while [ $i -lt 40 ]; do i=$((i+1)); printf '%%08191d\\n' $i; done
echo done >%(folder)s/done
read go
echo line-after
exec sleep 1000
"""


def talks(box):
    """A program that writes 320 KB at once, tells so, and writes once more when it is told to."""
    box.script('talk', WRITES % {'folder': box.folder})
    return program('x', '%(here)s/talk', stdout_logfile='/dev/stdout', **NOW)


@case
def slow_reader(box):
    """Nobody reads the pipe: the program is held up for a second, not for ever; what is lost is told; then all is well."""
    out, err = Target(box, 'pipe', 'out'), Target(box, 'file', 'err')
    daemon = start(box, out, err, talks(box))
    box.wait_text('done', 'done')
    check_quiet(*all_pids(daemon))
    daemon.wait_log(r"WARN \d+ bytes for 'x' stdout are lost: its reader is too slow$")
    within(quickest(daemon.info, 'x'), 0, 1, 'seconds for an answer')
    equal(daemon.info('x')['statename'], 'RUNNING')
    out.text()
    daemon.rpc.sendProcessStdin('x', '\n')
    wait_for(lambda: out.lines() == 'line-after\n', 'what comes after')
    equal(daemon.stop(), 0)


@case
def slow_reader_that_reads(box):
    """The reader pauses for less than a second at a time: nothing is lost."""
    out, err = Target(box, 'pipe', 'out'), Target(box, 'file', 'err')
    daemon = start(box, out, err, talks(box))
    begin = time.monotonic()
    while box.text('done') == '':
        out.text()
        check(time.monotonic() - begin < 50, 'the program does not get on')
        time.sleep(0.05)
    wait_for(lambda: out.text().count('\n') == 40, 'all lines')
    equal([int(line.lstrip('0')) for line in out.text().split()], list(range(1, 41)))
    lacks(daemon.log, 'lost')
    equal(daemon.stop(), 0)


@variants({kind: (f'The other end of the {kind} is closed: the program and supervisord go on', kind)
           for kind in ('pipe', 'socket', 'terminal')})
def reader_that_leaves(box, kind):
    out, err = Target(box, kind, 'out'), Target(box, 'file', 'err')
    daemon = start(box, out, err, talks(box), program('other', "/bin/sh -c 'echo line-1; exec sleep 1000'",
                                                      stdout_logfile='/dev/stdout', **NOW), silent='false')
    out.leave()
    box.wait_text('done', 'done')
    check_quiet(*all_pids(daemon))
    daemon.wait_log(r"WARN \d+ bytes for 'x' stdout are lost: ")
    daemon.rpc.sendProcessStdin('x', '\n')
    equal(daemon.info('x')['statename'], 'RUNNING')
    check(alive(daemon.pid), 'supervisord has died')
    equal(daemon.stop(), 0)


@case
def flags_of_the_target_stay(box):
    """What supervisord was given is not made non-blocking: others share it."""
    out, err = Target(box, 'pipe', 'out'), Target(box, 'file', 'err')
    kept = os.dup(out.writer)
    before = fcntl.fcntl(kept, fcntl.F_GETFL)
    daemon = start(box, out, err, program('x', '/bin/echo line-1', stdout_logfile='/dev/stdout', **ONCE))
    wait_for(lambda: out.lines() == 'line-1\n', 'the line')
    equal(fcntl.fcntl(kept, fcntl.F_GETFL), before, 'flags')
    daemon.signal(signal.SIGUSR2)
    daemon.wait_log('logreopen')
    daemon.rpc.clearProcessLogs('x')
    daemon.wait_state('x', 'EXITED')
    daemon.rpc.startProcess('x')
    wait_for(lambda: out.lines() == 'line-1\n' * 2, 'the line after USR2 and clearing')
    equal(daemon.stop(), 0)
