"""The command line of supervisord and what a start does: options, precedence, limits, pidfile, first log lines."""

import os
import re
import resource
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from harness import (IS_ROOT, PATIENCE, SLEEP, case, check, config, contains, equal, lacks, matches, program, section, skip, status_of,
                     variants, wait_for, wait_gone)

# Long names with the short ones, and a value for each that takes one.
FLAGS = {'nodaemon': 'n', 'silent': 's', 'nocleanup': 'k', 'strip_ansi': 't', 'check-config': ''}
VALUES = {'configuration': ('c', 'x.conf'), 'user': ('u', 'root'), 'umask': ('m', '022'), 'directory': ('d', '.'),
          'logfile': ('l', 'x.log'), 'logfile_maxbytes': ('y', '1MB'), 'logfile_backups': ('z', '1'),
          'loglevel': ('e', 'info'), 'pidfile': ('j', 'x.pid'), 'identifier': ('i', 'x'), 'childlogdir': ('q', '.'),
          'minfds': ('a', '10'), 'minprocs': ('', '10'), 'profile_options': ('', 'calls')}
BAD_VALUES = {'umask': ('9', '9 can not be converted to an octal type'), 'minfds': ('x', "invalid literal for int() with base 10: 'x'"),
              'directory': ('/no/such', '/no/such is not an existing directory'), 'minprocs': ('', "invalid literal for int() with base 10: ''"),
              'logfile': ('/no/such/x', 'The directory named as part of the path /no/such/x does not exist'),
              'pidfile': ('/no/such/x', 'The directory named as part of the path /no/such/x does not exist'),
              'logfile_maxbytes': ('1.5MB', "invalid literal for int() with base 10: '1.5'"),
              'logfile_backups': ('ten', "invalid literal for int() with base 10: 'ten'"),
              'loglevel': ('warning', "bad logging level name 'warning'"), 'childlogdir': ('/no/such', '/no/such is not an existing directory')}


def spellings(name):
    """All ways to give an option: [words]."""
    if name in FLAGS:
        return [[f'--{name}']] + ([[f'-{FLAGS[name]}']] if FLAGS[name] else [])
    short, value = VALUES[name]
    long = [[f'--{name}', value], [f'--{name}={value}']]
    return long + ([[f'-{short}', value], [f'-{short}{value}']] if short else [])


def run(box, *arguments):
    return box.run(box.supervisord, *arguments)


def refused(box, message, *arguments):
    result = run(box, *arguments)
    equal((result.code, result.out), (2, ''), ' '.join(map(str, arguments)))
    equal(result.err, f'Error: {message}\nFor help, use {box.supervisord[0]} -h\n')


# --- options ------------------------------------------------------------------------------------------------

@case
def help_lists_them(box):
    """-h lists exactly the options that this file tries."""
    listed = re.findall(r'^(?:-(\w)/)?--([\w-]+)(?: ([A-Z]+))? -- ', run(box, '-h').out, re.M)
    ours = {name: short for name, short in FLAGS.items()} | {name: short for name, (short, _) in VALUES.items()}
    equal({name: short for short, name, _ in listed}, {**ours, 'help': 'h', 'version': 'v'})
    equal({name for _, name, value in listed if value}, set(VALUES))


@case
def every_spelling_is_accepted(box):
    """Each option may be given short or long, its value attached, after = or as the next word."""
    box.write('supervisord.conf', '[supervisord]\n')
    box.write('x.conf', '[supervisord]\n')
    for name in [*FLAGS, *VALUES]:
        for words in spellings(name):
            check_words = [] if name == 'check-config' else ['--check-config']
            result = run(box, *words, *check_words)
            equal((result.code, result.err), (0, ''), ' '.join(words))


@case
def every_repetition_is_a_conflict(box):
    """An option given twice is refused, whichever way each time; the second spelling is named."""
    box.write('x.conf', '[supervisord]\n')
    for name in [*FLAGS, *VALUES]:
        ways = spellings(name)
        for first, second in zip(ways, reversed(ways)):
            spelled = second[0].partition('=')[0] if second[0].startswith('--') else second[0][:2]
            refused(box, f"conflicting command line option '{spelled}'", *first, *second)


@case
def every_bad_value_is_told(box):
    """A bad value is told with the option as it was spelled."""
    for name, (value, error) in BAD_VALUES.items():
        for option in [f'--{name}'] + ([f'-{VALUES[name][0]}'] if VALUES[name][0] else []):
            result = run(box, option, value)
            equal(result.code, 2)
            contains(result.err, f"Error: invalid value for {option} '{value}': {error}")
    for option in ('-u', '--user'):
        box.write('supervisord.conf', '[supervisord]\n')
        contains(run(box, '-c', box.path('supervisord.conf'), option, 'no-such-user').err, 'Invalid user name no-such-user')


@case
def syntax_of_the_command_line(box):
    """What getopt refuses is refused in its words; that comes before any option acts."""
    refused(box, 'option -x not recognized', '-x')
    refused(box, 'option --nosuch not recognized', '--nosuch')
    refused(box, 'option --log not a unique prefix', '--log=x')
    refused(box, 'option --min not a unique prefix', '--min=5')
    refused(box, 'option -c requires argument', '-nc')
    refused(box, 'option --user requires argument', '--user')
    refused(box, 'option --nodaemon must not have an argument', '--nodaemon=1')
    refused(box, "positional arguments are not supported: ['foo', '-c', 'x']", 'foo', '-c', 'x')
    refused(box, "positional arguments are not supported: ['foo']", '--', 'foo')
    refused(box, "positional arguments are not supported: ['foo']", '-h', 'foo')
    matches(run(box, '-c', 'bad.conf', '-h').out, '^Usage: ')
    matches(run(box, '-v', '-h').out, r'^\d+\.\d+')
    matches(run(box, '-nt', '--vers').out, r'^\d+\.\d+')
    equal(run(box, '-m', '9', '-h').code, 2)


# What an option changes, told by the process itself: (options, what the file says).
ALL_LONG = ['--logfile', 'A/main.log', '--logfile_maxbytes=300', '--logfile_backups', '1', '--loglevel=debug',
            '--pidfile', 'A/main.pid', '--identifier', 'named', '--childlogdir=A', '--umask', '027', '--directory=A',
            '--nocleanup', '--strip_ansi', '--minfds', '300', '--minprocs=20']
ALL_SHORT = ['-lA/main.log', '-y300', '-z', '1', '-e', 'debug', '-j', 'A/main.pid', '-inamed', '-q', 'A', '-m027', '-dA',
             '-kt', '-a', '300', '--minprocs', '20']


@variants({'long': ('Long options override the file.', ALL_LONG, {}), 'short': ('Short options override the file.', ALL_SHORT, {}),
           'file': ('The file says the same as the options.', [], {
               'logfile': '%(here)s/A/main.log', 'logfile_maxbytes': 300, 'logfile_backups': 1, 'loglevel': 'debug',
               'pidfile': '%(here)s/A/main.pid', 'identifier': 'named', 'childlogdir': '%(here)s/A', 'umask': '027',
               'directory': '%(here)s/A', 'nocleanup': 'true', 'strip_ansi': 'true', 'minfds': 300, 'minprocs': 20})})
def settings_count(box, arguments, supervisord):
    for name in 'AB':
        box.path(name).mkdir()
    box.write('A/old-stdout---named-abcdefgh.log', 'old\n')
    theirs = {'nodaemon': 'false', 'logfile': '%(here)s/B/main.log', 'logfile_maxbytes': '50MB', 'logfile_backups': 9,
              'loglevel': 'error', 'pidfile': '%(here)s/B/main.pid', 'identifier': 'other', 'childlogdir': '%(here)s/B',
              'umask': '077', 'directory': '%(here)s/B', 'minfds': 10, 'minprocs': 5}
    show = box.script('show', r'ulimit -Sn; umask; pwd; printf "\033[31mred\033[0m\n"; exec sleep 1000')
    text = config(program('x', show, startsecs=0, stdout_logfile='%(here)s/x.log'), program('auto', SLEEP, startsecs=0),
                  supervisord={**theirs, **supervisord})
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    result = box.run(['/bin/sh', '-c', 'ulimit -Sn 200; exec "$@"', 'sh', *box.supervisord], '-c',
                     box.write('supervisord.conf', text), *arguments)
    equal((result.code, result.out, result.err), (0, '', ''))
    pid = int(box.text('A/main.pid'))
    try:
        daemon = box.daemon_for_pid(box.path('supervisord.conf'), pid)
        box.wait_text('x.log', 'red')
        soft = 300 if limits[1] == resource.RLIM_INFINITY or limits[1] >= 300 else 200
        equal(box.text('x.log'), f'{soft}\n0027\n{box.folder}/A\nred\n')
        equal(daemon.rpc.getIdentification(), 'named')
        matches(daemon.info('auto')['stdout_logfile'], rf'^{box.folder}/A/auto-stdout---named-\w{{8}}\.log$')
        check(box.path('A/old-stdout---named-abcdefgh.log').exists(), 'the old automatic log is kept')
        equal(list(box.path('B').iterdir()), [])
        for _ in range(5):
            daemon.rpc.stopProcess('auto')
            daemon.rpc.startProcess('auto')
        wait_for(lambda: box.path('A/main.log.1').exists(), 'a backup')
        daemon.rpc.sendRemoteCommEvent('type', 'data')
        wait_for(lambda: ' DEBG command: supervisor.sendRemoteCommEvent' in box.text('A/main.log.1') + box.text('A/main.log'),
                 'its line')
        check(not box.path('A/main.log.2').exists(), 'one backup')
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_gone(pid)
    check(not box.path('A/main.pid').exists(), 'the pidfile is gone')


@case
def file_is_checked_though_overridden(box):
    """A bad value in the file counts although an option overrides it, but for user=."""
    for key, option, value in (('logfile', '-l', 'x.log'), ('pidfile', '-j', 'x.pid'), ('childlogdir', '-q', '.'),
                               ('directory', '-d', '.')):
        conf = box.write('supervisord.conf', f'[supervisord]\n{key}=/no/such/x\n')
        equal(run(box, '-c', conf, '--check-config', option, value).code, 2, key)
    conf = box.write('supervisord.conf', '[supervisord]\nuser=no-such-user\n')
    equal(run(box, '-c', conf, '--check-config').code, 2)
    equal(run(box, '-c', conf, '--check-config', '-u', Path('/proc/self').owner()).code, 0)


@case
def empty_logfile_option(box):
    """-l with an empty value leaves the file's."""
    daemon = box.daemon(arguments=['-l', ''])
    daemon.wait_log('supervisord started with pid')


@case
def part_is_missing(box):
    """A daemon that could run no program does not go to the background and call that a success."""
    if any(Path(prefix, 'libexec/reeve/supervisor-engine').exists() for prefix in ('/usr', '/usr/local')):
        skip('an installed part could be found instead')
    original = Path(box.supervisord[0]).parent
    for name in ('supervisord', 'supervisor-confread', 'supervisor-log', 'supervisor-rpc'):
        shutil.copy2(original / name, box.folder)
    box.supervisord = [str(box.path('supervisord'))]
    matches(box.refusal(config()), r'^Error: cannot run \S+/supervisor-engine: No such file or directory\n')
    equal([name for name in ('supervisord.log', 'supervisord.pid', 's.sock') if box.path(name).exists()], [])


# --- limits -------------------------------------------------------------------------------------------------

def with_limit(box, option, hard, *arguments):
    return box.run(['/bin/sh', '-c', f'ulimit -S{option} {hard}; ulimit -H{option} {hard}; exec "$@"', 'sh', *box.supervisord],
                   '-n', '-c', box.write('supervisord.conf', config()), *arguments, timeout=20)


@case
def descriptors_that_cannot_be_had(box):
    """minfds beyond what even root may have ends the start with the old text, but the true number."""
    most = int(Path('/proc/sys/fs/nr_open').read_text())
    result = with_limit(box, 'n', 256, '-a', most + 1)
    equal(result.code, 2)
    contains(result.err, f'The minimum number of file descriptors required to run this process is {most + 1} as per the '
             '"minfds" command-line argument or config file setting. The current environment will only allow you to open '
             '256 file descriptors.')
    equal([name for name in ('supervisord.log', 'supervisord.pid', 's.sock') if box.path(name).exists()], [])


@case
def fewer_descriptors_than_a_start_needs(box):
    """A limit that leaves no descriptors for the start is told."""
    result = with_limit(box, 'n', 16)
    equal(result.code, 2)
    matches(result.err, r'^Error: cannot run \S+/supervisor-confread: Too many open files$')


@case
def hard_limit_itself_is_enough(box):
    """minfds equal to the hard limit is accepted, and programs get it."""
    box.script('show', 'ulimit -Sn > limit')
    daemon = box.daemon(program('x', f'{box.folder}/show', startsecs=0, directory='%(here)s'), arguments=['-a', '400'],
                        wrapper=['/bin/sh', '-c', 'ulimit -Sn 200; ulimit -Hn 400; exec "$@"', 'sh'])
    box.wait_text('limit', '^400$')
    contains(daemon.log, 'INFO Increased RLIMIT_NOFILE limit to 400')


@case
def processes_that_cannot_be_had(box):
    """minprocs beyond a hard limit that cannot be raised ends the start; a soft limit is raised."""
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    hard = 30000 if hard == resource.RLIM_INFINITY else hard
    daemon = box.daemon(arguments=['--minprocs', hard],
                        wrapper=['/bin/sh', '-c', f'ulimit -Sp {hard - 1} 2>/dev/null || ulimit -Su {hard - 1}; exec "$@"', 'sh'])
    contains(daemon.log, f'INFO Increased RLIMIT_NPROC limit to {hard}')
    if not IS_ROOT:
        result = box.run(['/bin/bash', '-c', f'ulimit -u {hard - 1}; exec "$@"', 'sh', *box.supervisord], '-n', '-c',
                         box.write('two.conf', '[supervisord]\n'), '--minprocs', hard)
        equal(result.code, 2)
        contains(result.err, f'The minimum number of available processes required to run this program is {hard} ',
                 f'will only allow you to open {hard - 1} processes.')


# --- pidfile ------------------------------------------------------------------------------------------------

@case
def pidfile_is_locked(box):
    """A second start with the pidfile of a running daemon is refused and changes nothing, sockets or not."""
    text = config(program('x', SLEEP, startsecs=0), rpc=False)
    daemon = box.daemon_for(box.write('supervisord.conf', text), wait=False)
    daemon.wait_log(r'success: x')
    before = {path.name: path.stat().st_mtime_ns for path in box.folder.iterdir()
              if path.name not in ('second.conf',)}
    log = daemon.log
    second = box.write('second.conf', config(program('y', f'touch {box.folder}/started', startsecs=0), rpc=False))
    result = box.run(box.supervisord, '-n', '-c', second)
    equal(result.code, 2)
    contains(result.err, f'Another supervisord (pid {daemon.pid}) is running with the pidfile {box.folder}/supervisord.pid')
    equal(daemon.log, log)
    equal({path.name: path.stat().st_mtime_ns for path in box.folder.iterdir() if path.name != 'second.conf'}, before)
    equal(box.text('supervisord.pid'), f'{daemon.pid}\n')
    equal(daemon.stop(), 0)
    check(not box.path('supervisord.pid').exists(), 'the pidfile is gone')


@case
def stale_pidfile(box):
    """A pidfile that a dead daemon left behind is taken over, also if its pid belongs to somebody else now."""
    box.write('supervisord.pid', '1\nmore text that was there before\n')
    daemon = box.daemon()
    equal(box.text('supervisord.pid'), f'{daemon.pid}\n')


@case
def pidfile_of_somebody_else(box):
    """A pidfile that was replaced meanwhile is left alone at the end."""
    daemon = box.daemon()
    box.path('supervisord.pid').unlink()
    box.write('supervisord.pid', 'mine\n')
    equal(daemon.stop(), 0)
    equal(box.text('supervisord.pid'), 'mine\n')


@case
def pidfile_survives_a_restart(box):
    """Over a SIGHUP the pidfile names the same process, and the lock is held again."""
    daemon = box.daemon(program('x', SLEEP, startsecs=0))
    daemon.signal(signal.SIGHUP)
    wait_for(lambda: daemon.log.count('supervisord started with pid') == 2, 'the restart')
    equal(box.text('supervisord.pid'), f'{daemon.pid}\n')
    text = config(rpc=False).replace('supervisord.log', 'second.log')
    result = box.run(box.supervisord, '-n', '-c', box.write('second.conf', text))
    equal(result.code, 2)
    contains(result.err, f'Another supervisord (pid {daemon.pid}) is running with the pidfile')


# --- automatic logs -----------------------------------------------------------------------------------------

REMOVED = ('a---supervisor-x.log', 'b-stdout---supervisor-abc.log.1', 'c---supervisor-x.logfoo', 'i---supervisor-x.log.12345',
           'k---supervisor-x---supervisor-y.log', 'm---supervisor-x.log.1.gz')
KEPT = ('---supervisor-x.log', 'd---supervisor-x.txt', 'e---supervisorx-x.log', 'f--supervisor-x.log', 'g---supervisor-x y.log',
        'h---supervisor-.log', 'l---Supervisor-x.log')


@case
def cleanup_of_automatic_logs(box):
    """A start removes the automatic logs of former runs of its identifier, by their names, and nothing else."""
    for name in (*REMOVED, *KEPT):
        box.write(name, 'old\n')
    box.path('n---supervisor-x.log').mkdir()
    daemon = box.daemon(program('x', SLEEP, autostart='false'))
    equal(daemon.rpc.readProcessStdoutLog('x', 0, 0), '', 'what has not been written yet')
    daemon.rpc.startProcess('x', False)
    equal([name for name in REMOVED if box.path(name).exists()], [])
    equal([name for name in KEPT if not box.path(name).exists()], [])
    check(box.path('n---supervisor-x.log').is_dir(), 'a directory stays')
    contains(daemon.log, f"WARN Failed to clean up '{box.folder}/n---supervisor-x.log'")
    ours = wait_for(lambda: len(found := [*box.folder.glob('x-std*---supervisor-*.log')]) == 2 and found, 'two logs')
    equal({oct(path.stat().st_mode & 0o777) for path in ours}, {'0o600'})
    equal(daemon.stop(), 0)
    check(all(path.exists() for path in ours), 'they stay at the end')
    box.daemon(program('x', SLEEP, autostart='false'))
    check(not any(path.exists() for path in ours), 'they are gone after the next start')


# --- the first lines ----------------------------------------------------------------------------------------

@case
def first_lines(box):
    """The lines of a start come in the order that people know."""
    box.write('conf.d/b.conf', program('b', SLEEP, startsecs=0))
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    text = config(section('inet_http_server', port=f'127.0.0.1:{port}', username='u', password='p'),
                  section('include', files='conf.d/*.conf no/*'), supervisord={'nodaemon': 'false', 'directory': '%(here)s/conf.d'})
    result = box.run(box.supervisord, '-c', box.write('supervisord.conf', text))
    equal((result.code, result.out, result.err), (0, '', ''))
    pid = int(box.text('supervisord.pid'))
    try:
        box.wait_text('supervisord.log', 'success: b')
        lines = [re.sub(r'^\S+ \S+ ', '', line) for line in box.text('supervisord.log').splitlines()]
        child = matches(lines[-2], r"with pid (\d+)")[1]
        expected = [f'WARN No file matches via include "{box.folder}/no/*"',
                    f'INFO Included extra file "{box.folder}/conf.d/b.conf" during parsing',
                    "INFO RPC interface 'supervisor' initialized", "INFO RPC interface 'supervisor' initialized",
                    "CRIT Server 'unix_http_server' running without any HTTP authentication checking",
                    'INFO daemonizing the supervisord process', f"INFO set current directory: '{box.folder}/conf.d'",
                    f'INFO supervisord started with pid {pid}', f"INFO spawned: 'b' with pid {child}",
                    'INFO success: b entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)']
        if IS_ROOT:
            matches(lines.pop(0), r'^CRIT Supervisor is running as root\.  Privileges were not dropped because no user is')
        # Lines of our own about accounts and limits depend on the machine.
        lines = [line for line in lines if 'account' not in line and 'Increased' not in line and 'without CAP' not in line]
        equal(lines, expected)
        equal(status_of(pid)['Umask'], '0022')
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_gone(pid)
    lacks(box.text('supervisord.log'), 'Traceback')


@case
def found_through_path(box):
    """Found through PATH, supervisord looks for its configuration beside the path that was found, also at a restart."""
    program_path = box.path('inst/bin/supervisord')
    program_path.parent.mkdir(parents=True)
    program_path.symlink_to(box.supervisord[0])
    environment = {**box.environment, 'PATH': f'{program_path.parent}:{os.environ["PATH"]}'}
    box.write('inst/etc/supervisord.conf', config(supervisord={'logfile': '%(here)s/right.log'}))
    box.write('work/etc/supervisord.conf', config(supervisord={'logfile': '%(here)s/wrong.log'}))
    process = subprocess.Popen(['supervisord'], cwd=box.path('work'), env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = box.path('inst/etc/right.log')
    for starts in (1, 2):
        wait_for(lambda starts=starts: log.exists() and log.read_text().count('started with pid') == starts, f'start {starts}')
        process.send_signal(signal.SIGHUP if starts == 1 else signal.SIGTERM)
    equal((process.wait(PATIENCE), box.path('work/etc/wrong.log').exists()), (0, False))
    result = box.run(['supervisord', '--nosuch'], env=environment)
    contains(result.err, f'For help, use {program_path} -h\n')


@case
def directory_and_umask_only_as_a_daemon(box):
    """In the foreground neither directory= nor umask= has an effect, as ever."""
    box.path('away').mkdir()
    old = os.umask(0o037)
    try:
        daemon = box.daemon(program('x', SLEEP, startsecs=0), supervisord={'directory': '%(here)s/away', 'umask': '077'})
    finally:
        os.umask(old)
    pid = daemon.wait_state('x', 'RUNNING')['pid']
    equal((os.readlink(f'/proc/{pid}/cwd'), status_of(pid)['Umask']), (str(box.folder), '0037'))


@case
def directory_that_is_gone(box):
    """A directory that cannot be entered is told; the daemon runs all the same where it was."""
    if IS_ROOT:
        return     # root can enter everything that exists
    box.path('shut').mkdir(mode=0o600)
    text = config(supervisord={'nodaemon': 'false', 'directory': '%(here)s/shut'})
    equal(box.run(box.supervisord, '-c', box.write('supervisord.conf', text)).code, 0)
    pid = int(box.text('supervisord.pid'))
    try:
        contains(box.text('supervisord.log'), f"CRIT can't chdir into '{box.folder}/shut': [Errno 13] Permission denied")
        equal(os.readlink(f'/proc/{pid}/cwd'), str(box.folder))
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_gone(pid)
