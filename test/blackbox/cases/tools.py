"""echo_supervisord_conf, whose sample the original accepts, and pidproxy."""

import re
import shutil
import signal
import subprocess
import time

from harness import ECHO_CONF, PATIENCE, PIDPROXY, alive, case, contains, equal, skip, wait_for, within
from parts import children

ORIGINAL = shutil.which('supervisord', path='/usr/bin')
READ = 'import sys; sys.argv[0] = "x"; from supervisor.options import ServerOptions; ' \
       'o = ServerOptions(); o.realize(["-c", sys.argv[1]]); print([g.name for g in o.process_group_configs])'


def sample_in(box):
    """The sample with its paths in the folder."""
    return box.run(ECHO_CONF).out.replace('/tmp/', f'{box.folder}/')


def original():
    """The interpreter and the library of the original supervisord."""
    if not ORIGINAL:
        skip('Supervisor is not installed')
    with open(ORIGINAL, encoding='utf-8') as script:
        return script.readline()[2:].split()


@case
def sample_runs_under_the_original(box):
    """Supervisor starts with the sample as it is printed."""
    original()
    conf = box.write('sample.conf', sample_in(box))
    with open(box.path('output'), 'wb') as output:
        process = subprocess.Popen([ORIGINAL, '-n', '-c', conf], cwd=box.folder, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=output, env=box.environment)
        box.wait_text('output', 'supervisord started with pid')
        process.send_signal(signal.SIGTERM)
        equal(process.wait(PATIENCE), 0)


@case
def whole_sample_is_read_by_the_original(box):
    """Supervisor reads the sample with all that is commented out switched on."""
    text = re.sub(r'^;([\[\]a-z])', r'\1', sample_in(box), flags=re.M)
    text = re.sub(r'^(user|chown|socket_owner)=.*\n', '', text, flags=re.M)
    text = text.replace('=/a/path ', f'={box.folder}/x ')
    text = re.sub(r'^files = .*', 'files =', text, flags=re.M)
    text = re.sub(r'^programs=.*', 'programs=theprogramname', text, flags=re.M)
    text = re.sub(r'^directory=\S+', f'directory={box.folder}', text, flags=re.M)
    text = re.sub(r'^childlogdir=\S+', f'childlogdir={box.folder}', text, flags=re.M)
    result = box.run(original(), '-c', READ, box.write('all.conf', text))
    equal(result.code, 0, result.err)
    contains(result.out, 'thegroupname', 'theeventlistenername')


@case
def arguments_of_the_sample_are_ignored(box):
    """echo_supervisord_conf prints the same whatever it is given; a full disk is no success."""
    equal(box.run(ECHO_CONF, '-h', 'x', '--version').out, box.run(ECHO_CONF).out)
    equal(box.run(['/bin/sh', '-c', '"$0" > /dev/full', ECHO_CONF[0]]).code, 1)


# --- pidproxy -----------------------------------------------------------------------------------------------

def proxied(box, **options):
    """A pidproxy for the pid file x.pid, and the pid of its command, a `sleep`."""
    process = subprocess.Popen([*PIDPROXY, 'x.pid', 'sleep', '1000'], cwd=box.folder, env=box.environment,
                               stdin=subprocess.DEVNULL, **options)
    # The signals are blocked before there is a child, so from now on none is lost.
    return process, wait_for(lambda: children(process.pid), 'the command')[0]


@case
def pidproxy_searches_path(box):
    """A command without a slash is looked for in PATH, and gets its arguments as they are."""
    box.script('bin/server', 'echo "$0 $# $*" > ran')
    result = box.run(PIDPROXY, 'x.pid', 'server', 'a', 'b c', env={**box.environment, 'PATH': f'{box.folder}/bin:/usr/bin:/bin'})
    equal((result.code, result.out, result.err), (0, '', ''))
    equal(box.text('ran'), f'{box.folder}/bin/server 2 a b c\n')


@case
def pidproxy_passes_the_status_on(box):
    """It ends as soon as the command ends, with its status or by its signal."""
    started = time.monotonic()
    equal([box.run(PIDPROXY, 'x.pid', '/bin/sh', '-c', f'exit {n}').code for n in (0, 1, 77, 255)], [0, 1, 77, 255])
    equal([box.run(PIDPROXY, 'x.pid', '/bin/sh', '-c', f'kill -{n} $$').code for n in (9, 15, 1, 11)], [-9, -15, -1, -11])
    # Who looks every five seconds, as the original does, needs forty.
    within(time.monotonic() - started, 0, 20, 'seconds for eight commands')


@case
def pidproxy_without_a_command(box):
    """A command that cannot be run: 127 and a sentence. Too few arguments: the usage, and 1."""
    for command in ('/no/such', 'no-such-command'):
        result = box.run(PIDPROXY, 'x.pid', command, env={**box.environment, 'PATH': '/usr/bin:/bin'})
        equal((result.code, result.out), (127, ''))
        contains(result.err, f'pidproxy: cannot run {command}: No such file or directory')
    for arguments in ((), ('x.pid',), ('-h',)):
        result = box.run(PIDPROXY, *arguments)
        equal((result.code, result.err), (1, ''))
        contains(result.out, f'Usage: {PIDPROXY[0]} <pidfile name> <command> [<cmdarg1> ...]\n')


@case
def pidproxy_without_a_pid(box):
    """Bad pid files are told, and it goes on; a process that is gone ends it with 1 at TERM; no group is signalled."""
    # Not a pipe: the command, which outlives pidproxy, would keep it open.
    with open(box.path('errors'), 'wb') as errors:
        process, child = proxied(box, stdout=subprocess.PIPE, stderr=errors, text=True)
    for text in (None, '', 'x\n', '0\n', '-1\n', '12 13\n', '99999999999\n'):
        if text is not None:
            box.write('x.pid', text)
        process.send_signal(signal.SIGTERM)
        equal(process.stdout.readline(), "Can't read child pidfile x.pid!\n", repr(text))
    equal((process.poll(), alive(child), box.text('errors')), (None, True, ''))
    gone = subprocess.Popen(['/bin/true'])
    gone.wait()
    box.write('x.pid', f' {gone.pid} \n')
    process.send_signal(signal.SIGTERM)
    equal(process.wait(PATIENCE), 1)
    equal(box.text('errors'), f'pidproxy: cannot signal process {gone.pid}, which x.pid names: No such process\n')


@case
def pidproxy_passes_each_signal_on(box):
    """HUP, USR1 and USR2 are passed on and it stays; TERM, INT and QUIT end it with 0."""
    box.script('server', '\n'.join(f'trap "echo {name} >> log" {name}' for name in ('HUP', 'USR1', 'USR2', 'TERM', 'INT', 'QUIT')) +
               '\necho $$ > x.pid\nwhile :; do sleep 0.05; done')
    for last in ('TERM', 'INT', 'QUIT'):
        for name in ('log', 'x.pid'):
            box.path(name).unlink(missing_ok=True)
        server = subprocess.Popen(['./server'], cwd=box.folder, stdin=subprocess.DEVNULL)
        box.wait_text('x.pid', r'^\d+\n')
        process, _ = proxied(box)
        for name in ('HUP', 'USR1', 'USR2', last):
            process.send_signal(getattr(signal, f'SIG{name}'))
            box.wait_text('log', f'^{name}$')
        equal(process.wait(PATIENCE), 0)
        server.kill()
        server.wait()
