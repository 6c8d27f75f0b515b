#!/usr/bin/python3
"""Compares our supervisorctl with Supervisor's own, action by action.

Two daemons with the same configuration run side by side in private folders; each client drives one of them
through the same list of actions. Standard output, standard error and exit status must be the same, apart from
what cannot be (pids, times, folders) or is not meant to be: the text behind "error:", and the words of help.
The option parser is compared with Python's getopt, on random command lines. Then Supervisor's client drives our
daemon and Supervisor's own, through fewer actions: it must not be able to tell them apart.

    ctl_compare.py OUR_SUPERVISORCTL [--reference SUPERVISORCTL] [--daemon SUPERVISORD] [--our-daemon SUPERVISORD]

Exit status 77 (skipped) if Supervisor is not installed.
"""

import argparse
import getopt
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SKIPPED = 77

CONFIG = """
[supervisord]
nodaemon=true
logfile=%(here)s/supervisord.log
pidfile=%(here)s/supervisord.pid
childlogdir=%(here)s
[unix_http_server]
file=%(here)s/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/s.sock
[program:run1]
command=/bin/sleep 1000
priority=10
startsecs=0
[program:stopped1]
command=/bin/sleep 1000
autostart=false
startsecs=0
stdout_logfile=%(here)s/empty.log
[program:fatal1]
command=/bin/false
startretries=0
[program:missing]
command=/no/such/program
startretries=0
[program:noexec]
command=/etc/passwd
autostart=false
[program:quick]
command=/bin/true
startsecs=0
autorestart=false
[program:starting]
command=/bin/sleep 1000
startsecs=3600
[program:chatter]
command=/bin/sleep 1000
startsecs=0
stdout_logfile=%(here)s/chatter.out
stderr_logfile=%(here)s/chatter.err
[program:nolog]
command=/bin/sleep 1000
autostart=false
stdout_logfile=NONE
stderr_logfile=NONE
[program:a_program_with_a_very_long_name_indeed]
command=/bin/sleep 1000
autostart=false
startsecs=0
[program:ga]
command=/bin/sleep 1000
startsecs=0
[program:gb]
command=/bin/sleep 1000
priority=5
startsecs=0
[group:grp]
programs=ga,gb
priority=50
"""
CHANGED = CONFIG.replace('[program:quick]\ncommand=/bin/true', '[program:quick]\ncommand=/bin/cat') \
    .replace('[program:nolog]', '[program:fresh]')

# Actions for the running daemons, in this order: some change what the next ones see.
ACTIONS = [
    'status', 'status run1', 'status nosuch', 'status run1 nosuch', 'status nosuch stopped1', 'status nosuch:*',
    'status nosuch:', 'status grp', 'status grp:*', 'status grp:', 'status grp:nosuch', 'status run1:run1 run1:*',
    'status run1 run1', 'status nosuch all', 'status *', 'status run1; status', 'status starting',
    ['status run1'], ['status  run1\tgrp:ga'], ['status:run1'], ['status', 'a b'],
    'start', 'start run1', 'start nosuch', 'start nosuch:*', 'start grp', 'start grp:*', 'start missing', 'start noexec',
    'start fatal1', 'start quick', 'start starting', 'start stopped1', 'start stopped1 stopped1',
    'start stopped1 run1 nosuch', 'start fatal1 nosuch', 'start nosuch fatal1 run1', 'start :', 'start nope:* run1',
    'stop', 'stop stopped1', 'stop stopped1', 'stop fatal1', 'stop nosuch', 'stop nosuch:*', 'stop quick run1 nosuch nope:*',
    'start quick run1 nosuch nope:*', 'stop grp:*', 'stop grp:*', 'start grp:ga', 'start grp:*',
    'restart', 'restart run1', 'restart stopped1', 'restart run1 chatter', 'restart nosuch', 'restart nosuch:*',
    'restart fatal1', 'restart missing', 'stop stopped1',
    'signal', 'signal HUP', 'signal CONT run1', 'signal sigcont run1', 'signal 18 run1', ['signal CONT', 'run1'],
    'signal BOGUS run1', 'signal 99 run1', 'signal BOGUS nosuch', 'signal HUP stopped1', 'signal BOGUS grp:*',
    'signal CONT run1 nosuch stopped1', 'signal HUP nosuch:*', 'signal CONT all',
    'pid', 'pid run1', 'pid stopped1', 'pid nosuch', 'pid grp:*', 'pid nosuch stopped1', 'pid stopped1 nosuch', 'pid all x',
    'tail', 'tail a b c d', 'tail -f', 'tail -', 'tail -x chatter', 'tail -20 chatter', 'tail -20 chatter STDERR',
    'tail chatter', 'tail chatter foo', "tail chatter it's", 'tail chatter -f', 'tail chatter junk stderr', 'tail -+10 chatter',
    'tail -1_0 chatter', 'tail --5 chatter', 'tail -0 chatter', 'tail nolog', 'tail nosuch', 'tail grp:*', 'tail stopped1',
    'tail - chatter', ['tail-20 chatter'], 'tail -f nosuch', 'tail -f grp:* stderr', 'tail -99999999999 chatter',
    'maintail foo', 'maintail -x', 'maintail -1 -2', 'maintail -1',
    'clear', 'clear stopped1', 'clear nolog', 'clear run1 nosuch', 'clear grp:*', 'clear nosuch:*', 'clear chatter',
    'tail chatter',
    'avail', 'avail x', 'reread', 'reread x', 'update', 'update nosuch', 'update all nosuch', 'version', 'version x',
    'add', 'remove', 'add run1', 'add nosuch', 'add grp:ga', 'remove nosuch', 'remove run1', 'remove nosuch run1 nosuch2',
    'remove stopped1', 'avail', 'add stopped1', 'status stopped1',
    'shutdown x', 'reload x', 'open foo', 'open ftp://x', 'open', 'open unix:///none', 'open https://x',
    'fg', 'fg a b', 'fg nosuch', 'fg grp:*', 'fg stopped1', 'fg starting',
    'foo', 'START run1', '!ls', '# x', ';', 'quit', 'exit', 'EOF', 'quit x', [''], ['  '], ['', ''],
    'help nosuch', 'help EOF', '??', 'help start x',
    ['-i', 'status', 'stopped1'], ['-i', 'shutdown'], ['-i', 'reload'],
]
HELPS = ['help'] + [f'help {name}' for name in (
    'add avail clear exit fg help maintail open pid quit reload remove reread restart shutdown signal start status stop '
    'tail update version').split()]
AFTER_CHANGE = ['reread', 'reread', 'avail', 'update quick nosuch', 'reread', 'update', 'update', 'status', 'remove grp',
                'stop grp:*', 'remove grp', 'status grp:*', 'start all', 'shutdown', 'status']
# For Supervisor's client and both daemons: each action, as what changes nothing, as a success and as a failure.
DAEMON_ACTIONS = [
    'status', 'status run1 nosuch grp:*', 'start stopped1', 'start stopped1 missing noexec fatal1 nosuch', 'stop stopped1 stopped1',
    'stop grp:*', 'start grp:*', 'restart run1 grp:ga', 'signal HUP nosuch', 'signal BOGUS run1', 'signal CONT run1 stopped1',
    'pid run1 stopped1', 'pid all', 'tail chatter', 'tail -20 chatter stderr', 'tail nolog', 'tail -f nosuch', 'clear run1 nosuch',
    'clear chatter', 'tail chatter', 'avail', 'reread', 'update', 'add run1 nosuch', 'remove run1 nosuch', 'remove stopped1',
    'add stopped1', 'fg stopped1', 'fg nosuch', 'maintail -x', 'status',
]
DAEMON_AFTER_CHANGE = ['reread', 'avail', 'update', 'status', 'stop grp:*', 'remove grp', 'reload', 'wait', 'status', 'shutdown']

SHELLS = ['', 'version\n', 'bogus\nversion\n', '\n  \nstart run1\nstatus run1', 'quit\nversion\n', 'help nosuch\n?\nexit x\n',
          'shutdown\nno\nreload\n\nopen foo\n', '!x\n#\npid nosuch\n']
NO_DAEMON = ['status', 'start x', 'start', 'restart x', 'pid', 'version', 'tail x', 'avail', 'reread', 'add x', 'add',
             'remove x', 'update', 'reload', 'shutdown', 'clear x', 'fg x', 'maintail', 'signal HUP x', 'open unix:///none']
USAGE = [['-x'], ['--foo'], ['-c'], ['--username'], ['--help=1'], ['--h'], ['-i', '-i'], ['-u', 'a', '--username', 'b'],
         ['-s', 'foo', 'pid'], ['-s', '127.0.0.1:9001', 'pid'], ['-s', 'unix://', 'pid'], ['-s', '', 'pid'],
         ['-s', "it's", 'pid'], ['-c', '/none', 'pid'], ['-hx'], ['-s', 'foo', '-h'], ['--history-file', 'x', 'pid']]
URLS = ['https://h', 'ftp://h', 'unix:/p', 'localhost:9001', 'HTTP://h', 'http://h:x', 'http://127.0.0.1:1', 'unix:///' + 'x' * 120]

OPTION_WORDS = ['-c', '-i', '-s', '-u', '-p', '-r', '-h', '-ip', '-ix', '-ux', '-?', '--', '-', 'status', '--help', '--h',
                '--history', '--interactive', '--inter', '--user', '--username=', '--username=x', '--configuration', '--c',
                '--serverurl', '--interactive=1', '--password=-i', '--foo', '-x', 'http://h', '', '--=', '-cx', '-sx:y']


class Side:
    """One daemon and the client that drives it."""

    def __init__(self, client, daemon):
        self.client = client
        self.folder = Path(tempfile.mkdtemp(prefix='ctl-compare-'))
        self.conf = self.folder / 'supervisord.conf'
        self.conf.write_text(CONFIG)
        for name, word in (('out', 'out'), ('err', 'err')):
            (self.folder / f'chatter.{name}').write_text(''.join(f'{word} line {i}\n' for i in range(400)))
        self.environment = {**os.environ, 'LC_ALL': 'C.UTF-8', 'HOME': str(self.folder)}
        self.daemon = None
        self.daemon_command = daemon

    def start_daemon(self):
        self.daemon = subprocess.Popen([self.daemon_command, '-n', '-c', str(self.conf)], cwd=self.folder,
                                       env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, start_new_session=True)
        self.wait_states({'fatal1': 'FATAL', 'missing': 'FATAL', 'quick': 'EXITED', 'starting': 'STARTING', 'run1': 'RUNNING'})

    def wait_restart(self):
        deadline = time.monotonic() + 60
        while (self.folder / 'supervisord.log').read_text().count('supervisord started') < 2 and time.monotonic() < deadline:
            time.sleep(0.2)
        self.wait_states({'fatal1': 'FATAL', 'missing': 'FATAL', 'starting': 'STARTING', 'run1': 'RUNNING'})

    def wait_states(self, wanted):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            lines = [line.split()[:2] for line in self.run(['status', *wanted])[0].splitlines()]
            if dict(line for line in lines if len(line) == 2) == wanted:
                return
            time.sleep(0.2)
        raise RuntimeError('the daemon is not ready')

    def run(self, words, stdin='', conf=True):
        done = subprocess.run([self.client, *(['-c', str(self.conf)] if conf else []), *words], cwd=self.folder,
                              env=self.environment, input=stdin, text=True, capture_output=True, timeout=60)
        return self.plain(done.stdout), self.plain(done.stderr), done.returncode

    def plain(self, text):
        """Without what differs from run to run."""
        text = text.replace(str(self.folder), 'FOLDER').replace(self.client, 'PROG')
        text = re.sub(r'added commands \(type help <topic>\):\n=+\n.*\n\n', '', text)     # listed apart, so nothing else moves
        text = re.sub(r'pid \d+, uptime \d+:\d\d:\d\d', 'pid P, uptime T', text)
        text = re.sub(r'[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M', 'DATE', text)
        text = re.sub(r'^[1-9]\d+$', 'P', text, flags=re.M)
        text = re.sub(r'(^|y/N\? )error: .*', r'\1error:', text, flags=re.M)
        # It ends as soon as it has started: what the daemon answers depends on when it looks.
        text = text.replace('quick: ERROR (abnormal termination)', 'quick: started')
        return text

    def close(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(20)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def without_help(text):
    """An error in the arguments without the help that follows it."""
    first, _, rest = text.partition('\n')
    return first + (' + help' if rest else '') if re.match('(Error|ERROR): ', first) and '\t' in rest else text


def syntax_of(text):
    """The syntax column of a help text; its words are free."""
    return [line.split('\t')[0] for line in text.splitlines() if '\t' in line and not line.startswith('\t')]


def in_any_order(words):
    """Whether the lines of an action may come in any order: groups, which finish when they finish."""
    return words[0] in ('start', 'stop', 'restart', 'signal', 'clear', 'update')


def last_error(text):
    """The failure that decides the exit status, if any."""
    return next((line for line in reversed(text.splitlines()) if ': ERROR (' in line), None)


class Comparison:
    def __init__(self, ours, reference):
        self.sides = ours, reference
        self.count = self.differences = 0
        self.pool = ThreadPoolExecutor(2)

    def expect_equal(self, title, ours, reference):
        self.count += 1
        if ours != reference:
            self.differences += 1
            print(f'{title}\n  ours:      {ours!r}\n  reference: {reference!r}')

    def results(self, *arguments, **options):
        return [job.result() for job in [self.pool.submit(side.run, *arguments, **options) for side in self.sides]]

    def action(self, line):
        words = line.split(' ') if isinstance(line, str) else line
        (ours, our_errors, our_code), (reference, errors, code) = self.results(words)
        ours, reference = without_help(ours), without_help(reference)
        if in_any_order(words):
            if last_error(ours) != last_error(reference):
                our_code = code     # the last failure decides, and another one came last
            ours, reference = sorted(ours.splitlines()), sorted(reference.splitlines())
        self.expect_equal(line, (ours, our_errors, our_code), (reference, errors, code))

    def help(self, line):
        ours, reference = self.results(line.split())
        if line == 'help':
            self.expect_equal(line, ours, reference)
        else:
            self.expect_equal(line, (syntax_of(ours[0]), ours[2]), (syntax_of(reference[0]), reference[2]))

    def whole(self, title, *arguments, **options):
        ours, reference = self.results(*arguments, **options)
        self.expect_equal(title, ours, reference)


def getopt_error(words):
    """What Python's getopt, and the rules behind it, say about a command line; None if nothing."""
    longs = ['configuration=', 'help', 'interactive', 'serverurl=', 'username=', 'password=', 'history_file=']
    try:
        options, _ = getopt.getopt(words, 'c:h?is:u:p:r:', longs)
    except getopt.error as error:
        return str(error)
    seen = set()
    for name, value in options:
        key = 'r' if name == '--history_file' else name.lstrip('-')[0]
        if key in 'h?':
            return None
        if key in seen:
            return f'conflicting command line option {name!r}'
        seen.add(key)
        if key == 's' and not re.match(r'[A-Za-z][-+.A-Za-z0-9]*:.', value):
            return f'invalid value for {name} {value!r}: value {value!r} is not a URL'
    return None


def compare_options(comparison, client):
    """Random command lines; an action that needs no daemon follows, so that only options can fail."""
    generator = random.Random(1)
    for _ in range(300):
        words = generator.choices(OPTION_WORDS, k=generator.randint(1, 4))
        error = getopt_error(words)
        done = subprocess.run([client, *words], input='', text=True, capture_output=True, timeout=60)
        said = re.match('Error: (.*)\n', done.stderr)
        said = said[1] if said else None
        if said and said.startswith('could not find config file'):
            said = None
        comparison.expect_equal(f'options {words}', said, error)


def follow(side, words, name, marker):
    """What a following action prints when a file grows and Ctrl-C is pressed; its status."""
    history = (side.folder / name).stat().st_size > 0
    with open(side.folder / 'followed', 'w+') as out:
        # Supervisor's client keeps what it prints into a file until its end, unless Python is told otherwise.
        process = subprocess.Popen([side.client, '-c', str(side.conf), *words], cwd=side.folder,
                                   env={**side.environment, 'PYTHONUNBUFFERED': '1'},
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        deadline = time.monotonic() + 60
        # The file grows when its end so far has been printed, which else would end elsewhere.
        for pattern in ('Ctrl-C.*\n.' if history else 'Ctrl-C', marker):
            while not re.search(pattern, text := (side.folder / 'followed').read_text()):
                if time.monotonic() > deadline:
                    process.kill()
                    return f'{pattern!r} does not come: {text!r}', None
                time.sleep(0.05)
            if pattern != marker:
                with open(side.folder / name, 'a') as log:
                    log.write(f'{marker}\n')
        for _ in range(5):     # Supervisor's client does not always heed it while it is busy
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            try:
                process.wait(15)
                break
            except subprocess.TimeoutExpired:
                continue
        process.kill()
        out.seek(0)
        return side.plain(out.read()), process.wait()


def compare_clients(comparison):
    """Our client and Supervisor's, each with a daemon of Supervisor's."""
    sides = comparison.sides
    for line in NO_DAEMON:
        comparison.action(line)
    for words in USAGE:
        comparison.whole(f'usage {words}', words, conf=False)
    for url in URLS:
        comparison.action(['-s', url, 'status'])
        comparison.action(['-s', url, 'avail'])
    list(comparison.pool.map(Side.start_daemon, sides))
    for line in ACTIONS:
        comparison.action(line)
    for words, name in (('tail -f chatter', 'chatter.out'), ('tail -f chatter stderr', 'chatter.err')):
        comparison.expect_equal(words, *comparison.pool.map(lambda side: follow(side, words.split(), name, 'the news'), sides))
    for line in HELPS:
        comparison.help(line)
    for text in SHELLS:
        comparison.whole(f'shell {text!r}', [], stdin=text)
    for side in sides:
        side.conf.write_text(CHANGED)
    for line in AFTER_CHANGE:
        comparison.action(line)
        if line == 'shutdown':     # answered at once: the end comes later, and not at the same time for both
            for side in sides:
                side.daemon.wait(60)
    compare_options(comparison, sides[0].client)


def compare_daemons(comparison):
    """Our daemon and Supervisor's, each with a client of Supervisor's."""
    list(comparison.pool.map(Side.start_daemon, comparison.sides))
    for line in DAEMON_ACTIONS:
        comparison.action(line)
    for words, name in (('tail -f chatter', 'chatter.out'), ('maintail -f', 'supervisord.log')):
        answers = comparison.pool.map(lambda side: follow(side, words.split(), name, 'the news'), comparison.sides)
        comparison.expect_equal(words, *[(text.split('\n')[0], 'the news' in text, code) for text, code in answers])
    for side in comparison.sides:
        side.conf.write_text(CHANGED)
    for line in DAEMON_AFTER_CHANGE:
        if line == 'wait':
            list(comparison.pool.map(Side.wait_restart, comparison.sides))
        else:
            comparison.action(line)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('ours')
    parser.add_argument('--reference', default='/usr/bin/supervisorctl')
    parser.add_argument('--daemon', default='/usr/bin/supervisord')
    parser.add_argument('--our-daemon', help='default: supervisord beside OUR_SUPERVISORCTL')
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)     # a shell in the background may have it ignored
    if not (os.access(options.reference, os.X_OK) and os.access(options.daemon, os.X_OK)):
        print('skipped: Supervisor is not installed')
        return SKIPPED
    ours = os.path.abspath(options.ours)
    our_daemon = options.our_daemon or os.path.join(os.path.dirname(ours), 'supervisord')
    count = differences = 0
    for compare, sides in ((compare_clients, [Side(ours, options.daemon), Side(options.reference, options.daemon)]),
                           (compare_daemons, [Side(options.reference, our_daemon), Side(options.reference, options.daemon)])):
        comparison = Comparison(*sides)
        try:
            compare(comparison)
        finally:
            for side in sides:
                side.close()
        count += comparison.count
        differences += comparison.differences
    print(f'{count} compared, {differences} different')
    return 1 if differences else 0


if __name__ == '__main__':
    sys.exit(main())
