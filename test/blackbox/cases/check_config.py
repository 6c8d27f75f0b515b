"""supervisord --check-config: reads everything, tells what is wrong and what is odd, and touches nothing."""

import os
import re
import socket

from harness import (IS_ROOT, SLEEP, case, check, config, contains, equal, lacks, matches, program, section, skip,
                     wait_for)


def checked(box, text, *arguments):
    return box.run(box.supervisord, '--check-config', '-c', box.write('supervisord.conf', text), *arguments)


def state_of(folder):
    """All that a look at a folder can tell: names, kinds, sizes, times of change."""
    return {str(path): (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            for path in [folder, *folder.rglob('*')] for status in [path.lstat()]}


@case
def good(box):
    """A good configuration: one line that says so, and status 0."""
    result = checked(box, config(program('a', SLEEP), program('b', SLEEP, numprocs=3, process_name='b%(process_num)d')))
    equal((result.code, result.err), (0, ''))
    equal(result.out, f'{box.folder}/supervisord.conf: good, 2 groups with 4 processes\n')


@case
def sample(box):
    """Nothing in what echo_supervisord_conf prints is odd."""
    from harness import ECHO_CONF
    result = checked(box, box.run(ECHO_CONF).out)
    equal((result.code, result.err), (0, ''))
    lacks(result.out, 'note:')


@case
def all_errors_at_once(box):
    """Every error is told, not only the first: of several sections, of one section, of included files."""
    box.write('conf.d/a.conf', 'nonsense\n')
    box.write('conf.d/b.conf', '[program:inc]\ncommand=cat\nautostart=nope\n')
    result = checked(box, '\n'.join((
        section('supervisord', loglevel='loud', minfds='x', childlogdir='/no/such', user='no-such-user', environment='A'),
        section('unix_http_server', chmod='9'), section('inet_http_server', port='x'),
        program('a', 'cat', user='no-such-user', startsecs='x', stopsignal='x', numprocs=2, umask='9',
                process_name='a%(process_num)d', stdout_logfile_maxbytes='x'),
        section('group:g', priority='x', programs='b,nope'), program('b', 'cat', autorestart='x'),
        section('eventlistener:l', command='cat', buffer_size='x', events='NOPE'),
        section('fcgi-program:f', command='cat', socket='x', user='no-such-user', socket_backlog='x'),
        section('include', files='conf.d/*.conf'))))
    equal(result.code, 2)
    places = re.findall(r'\[([\w:-]+)\] ?(\w*)\)', result.err)
    expected = [('supervisord', key) for key in ('loglevel', 'minfds', 'childlogdir', 'user', 'environment')]
    expected += [('unix_http_server', ''), ('inet_http_server', 'port'), ('program:inc', 'autostart')]
    expected += [('program:a', key) for key in ('user', 'startsecs', 'stopsignal', 'umask', 'stdout_logfile_maxbytes')]
    expected += [('group:g', 'priority'), ('group:g', 'programs'), ('program:b', 'autorestart'),
                 ('eventlistener:l', 'buffer_size'), ('eventlistener:l', 'events'), ('fcgi-program:f', 'socket'),
                 ('fcgi-program:f', 'user'), ('fcgi-program:f', 'socket_backlog')]
    equal(sorted(places), sorted(expected), result.err)
    contains(result.err, 'File contains no section headers', "conf.d/a.conf', line: 1")
    check(all(line.startswith('Error: ') for line in result.err.splitlines() if '[' in line and 'nonsense' not in line),
          result.err)


@case
def too_large_for_a_start(box):
    """What a start would refuse for its size is refused by the check too."""
    result = checked(box, config(program('x', 'cat %(process_num)d-' + 'x' * 600, numprocs=60000, autostart='false',
                                         process_name='%(process_num)d')))
    equal((result.code, result.err), (2, 'Error: the configuration is too large: its image is limited to 32 MiB\n'))


@case
def oddities(box):
    """What is legal but odd is told, with its place; the status is 0 all the same."""
    box.write('plain', 'no program\n')
    result = checked(box, '\n'.join((
        config(supervisord={'logfil': 'x'}, ctl={'promt': 'x'}),
        program('a', '/no/such/command', directory='/no/such/directory', autostrat='true', strtsecs='1'),
        program('b', f'{box.folder}/plain', stdout_logfile=f'{box.folder}/same.log'),
        program('c', 'no-such-command-anywhere', stderr_logfile=f'{box.folder}/same.log'),
        program('d', '/tmp'), program('e', "sh -c 'a ; b'"), section('group:d', programs='e'),
        program('n', SLEEP, numprocs=2, process_name='%%(process_num)d'),
        section('progam:f', command='cat'), section('program', command='cat'), section('supervisorctl:x', a='b'),
        section('include', files='no/*.conf', file='x'))))
    equal((result.code, result.err), (0, ''))
    notes = [line.removeprefix('note: ') for line in result.out.splitlines()[:-1]]
    for said in (r"unknown key 'logfil' in \[supervisord\] is ignored \(\S+ line 6, .*\); did you mean 'logfile'\?",
                 "unknown key 'promt' in \\[supervisorctl\\] .*did you mean 'prompt'",
                 "unknown key 'autostrat' in \\[program:a\\] .*did you mean 'autostart'",
                 "unknown key 'strtsecs' .*did you mean 'startsecs'", "unknown key 'file' .*did you mean 'files'",
                 r'unknown section \[progam:f\] .*did you mean \[program:f\]', r'unknown section \[program\] .*its name is missing',
                 r'unknown section \[supervisorctl:x\] .*did you mean \[supervisorctl\]', "can't find command '/no/such/command' .*program:a. command",
                 "there is no directory '/no/such/directory' .*program:a. directory",
                 f"command at '{box.folder}/plain' is not executable", "can't find command 'no-such-command-anywhere'",
                 "can't parse command .*No closing quotation",
                 "several groups of the name 'd'", "Group 'n' has several processes of the name '%\\(process_num\\)d'",
                 f"processes 'b' and 'c' log to the same file '{box.folder}/same.log' .*program:c. stderr_logfile",
                 'No file matches via include'):
        check([note for note in notes if re.search(said, note)], f'{said!r} is missing in {notes}')


@case
def repeated_sections(box):
    """A section that is continued elsewhere is told with both places."""
    box.write('conf.d/a.conf', '[program:a]\nstartsecs=2\n')
    result = checked(box, config(program('a', SLEEP), section('include', files='conf.d/a.conf')))
    equal(result.code, 0)
    matches(result.out, r'Section \[program:a\] of \S+supervisord.conf line \d+ is continued at \S+conf.d/a.conf line 1')


@case
def nothing_is_touched(box):
    """No file is made, changed or removed, no socket is opened or taken over, whatever a start would do."""
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(box.path('s.sock')))
    stale.close()
    box.write('supervisord.pid', '1\n')
    box.write('old-stdout---supervisor-abcdefgh.log', 'old\n')
    conf = config(program('auto', f'touch {box.folder}/started', startsecs=0),
                  section('fcgi-program:f', command='cat', socket=f'unix://{box.folder}/f.sock'))
    box.write('supervisord.conf', conf)
    before = state_of(box.folder)
    for arguments in ((), ('-n',), ('-k', '-d', str(box.folder)), ('--logfile', str(box.path('x.log')))):
        result = box.run(box.supervisord, '--check-config', '-c', box.path('supervisord.conf'), *arguments)
        equal((result.code, result.err), (0, ''))
    box.run(box.supervisord, '--check-config', '-c', box.path('supervisord.conf'), '-l', '/no/such/x')
    equal(state_of(box.folder), before)


@case
def beside_a_running_daemon(box):
    """Checking the file of a running daemon says nothing odd, and the daemon does not notice."""
    daemon = box.daemon(program('x', SLEEP, startsecs=0))
    daemon.wait_state('x', 'RUNNING')
    wait_for(lambda: 'entered RUNNING' in daemon.log, 'the last line of the start')
    before = (daemon.log, daemon.info('x')['pid'], state_of(box.folder))
    result = box.run(box.supervisord, '--check-config', '-c', daemon.conf)
    equal((result.code, result.err), (0, ''))
    equal((daemon.log, daemon.info('x')['pid'], state_of(box.folder)), before)


@case
def options_are_checked_too(box):
    """Bad options are told as at a start; -h and -v act as ever."""
    text = config()
    result = checked(box, text, '-m', '9')
    equal(result.code, 2)
    contains(result.err, "invalid value for -m '9': 9 can not be converted to an octal type")
    equal(checked(box, text, '--check-config').code, 2)
    result = checked(box, text, '-u', 'no-such-user')
    equal(result.code, 2)
    contains(result.err, 'Invalid user name no-such-user')
    matches(checked(box, text, '-v').out, r'^\d+\.\d+\.\d+\S*\n$')
    result = box.run(box.supervisord, '--check-config', '-c', '/no/such.conf')
    equal((result.code, result.out), (2, ''))
    contains(result.err, 'could not find config file /no/such.conf')


@case
def output_that_cannot_be_written(box):
    """A full disk under the output is no success."""
    conf = box.write('supervisord.conf', config())
    result = box.run(['/bin/sh', '-c', '"$0" --check-config -c "$1" > /dev/full', box.supervisord[0]], conf)
    equal(result.code, 1)


@case
def as_another_user(box):
    """A file for root can be checked by an ordinary user: users are looked up, nothing is switched."""
    import pwd
    if not IS_ROOT:
        skip('needs root')
    user = pwd.getpwnam('nobody')
    os.chmod(box.folder, 0o755)
    conf = box.write('supervisord.conf', config(program('x', SLEEP, user='root'), supervisord={'user': 'nobody'}))
    result = box.run(['setpriv', f'--reuid={user.pw_uid}', f'--regid={user.pw_gid}', '--clear-groups', *box.supervisord],
                     '--check-config', '-c', conf)
    equal((result.code, result.err), (0, ''))
