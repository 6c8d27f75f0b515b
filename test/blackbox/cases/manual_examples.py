"""The manual pages of the configuration: their examples are taken from them and run, and no option is missing.

Every example of a page must be known here by its first line, so one that nobody runs makes a test fail. Paths of
a host are replaced by paths in the folder of the case.
"""

import os
import re
import signal
import subprocess
import xmlrpc.client
from pathlib import Path

from harness import (ECHO_CONF, IS_ROOT, PIDPROXY, SUPERVISORCTL, SUPERVISORD, case, check, config, contains, equal,
                     free_port, matches, program, section, variants, wait_for, wait_gone)

PAGES = Path(__file__).resolve().parents[3] / 'man'


def plain(line):
    """A line of a display without its escapes."""
    return line.replace('\\-', '-').replace('\\e', '\\').replace('\\&', '')


def examples_of(page):
    """The displays of a page that are commands or files, in order; its running text has none of them."""
    found, block = [], None
    for line in (PAGES / page).read_text().splitlines():
        if line.startswith('.Bd -literal'):
            block = []
        elif line.startswith('.Ed') and block is not None:
            found.append('\n'.join(block) + '\n')
            block = None
        elif block is not None:
            block.append(plain(line))
        elif line.startswith('.Dl '):
            found.append(plain(line[4:]).lstrip('$# ') + '\n')
    return found


def shell_in(box):
    """Runs an example as a shell would, with our programs first in PATH and paths within the folder."""
    tools = box.path('bin')
    tools.mkdir(exist_ok=True)
    for name, command in (('supervisord', SUPERVISORD), ('supervisorctl', SUPERVISORCTL),
                          ('echo_supervisord_conf', ECHO_CONF), ('pidproxy', PIDPROXY)):
        if not (tools / name).is_symlink():
            (tools / name).symlink_to(command[0])     # a file is searched for from where the program is called
    for folder in ('etc/supervisor/conf.d', 'run/mysqld', 'var/log/supervisor', 'srv/www'):
        box.path(folder).mkdir(parents=True, exist_ok=True)
    return {**box.environment, 'PATH': f'{tools}:{os.environ["PATH"]}'}


def moved(box, text):
    """The text with the folders of a host inside the case's folder."""
    return re.sub(r'(?<![\w.])/(etc|run|var|srv)/', f'{box.folder}/\\1/', text)


def run_shell(box, text, **options):
    return box.run(['/bin/sh', '-ec', moved(box, text)], env=shell_in(box), **options)


def usable(box):
    """A small configuration where the examples look for one."""
    text = config(program('x', '/bin/sleep 1000', startsecs=0), supervisord={'nodaemon': None})
    for name in ('supervisord.conf', 'etc/supervisor/supervisord.conf', 'etc/supervisord.conf'):
        box.write(name, text.replace('%(here)s', str(box.folder)))


def run_check(box, text):
    """A check of a file."""
    usable(box)
    result = run_shell(box, text)
    equal((result.code, result.err), (0, ''))
    contains(result.out, ': good, ')


def run_foreground(box, text):
    """A check, then a daemon in the foreground."""
    usable(box)
    check_line, start_line = text.splitlines()
    run_check(box, check_line)
    serve(box, start_line)


def serve(box, line):
    """Runs a command that stays until it is told to end; the log may be on its output."""
    with open(box.path('output'), 'wb') as output:
        process = subprocess.Popen(['/bin/sh', '-ec', 'exec ' + moved(box, line)], cwd=box.folder, env=shell_in(box),
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        box.wait_text('output', r'supervisord started with pid')
        process.send_signal(signal.SIGTERM)
        equal(process.wait(20), 0)


def run_container(box, text):
    """The only command of a container."""
    usable(box)
    serve(box, text.strip())


def run_sample(box, text):
    """A first configuration."""
    shell_in(box)
    result = run_shell(box, text)
    equal((result.code, result.err), (0, ''))
    check(any(box.path(name).exists() for name in ('supervisord.conf', 'etc/supervisord.conf')), 'a file was made')


def run_signal(box, text, line):
    """A signal to a daemon in the background, whose pidfile is in the working directory."""
    usable(box)
    shell_in(box)
    result = box.run(SUPERVISORD, '-c', box.path('supervisord.conf'), '-l', box.path('main.log'))
    equal((result.code, result.err), (0, ''))
    pid = int(box.text('supervisord.pid'))
    try:
        equal(run_shell(box, text).code, 0)
        wait_for(lambda: line in box.text('main.log') + box.text('main.log.1'), line)
        if 'main.log.1' in text:
            wait_for(lambda: box.path('main.log').exists(), 'a new log')
        else:
            wait_for(lambda: box.text('main.log').count('supervisord started with pid') == 2, 'the restart')
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_gone(pid)


def run_pidproxy(box, text):
    """A program section with pidproxy around a server that puts itself into the background."""
    shell_in(box)
    server = box.script('bin/mysqld_safe', f'sleep 1000 & echo $! > {box.folder}/run/mysqld/mysqld.pid; wait')
    text = moved(box, text).replace('/usr/bin/pidproxy', str(box.path('bin/pidproxy'))) \
                           .replace('/usr/bin/mysqld_safe', str(server))
    daemon = box.daemon_for(box.write('supervisord.conf', config(text)))
    box.wait_text('run/mysqld/mysqld.pid', r'^\d+\n')
    pid = int(box.text('run/mysqld/mysqld.pid'))
    daemon.rpc.stopProcess('mysql')
    wait_gone(pid)


def run_file(box, text):
    """A whole configuration: it is checked, and a daemon starts with it and runs its programs."""
    environment = shell_in(box)
    text = moved(box, text).replace('/opt/app/worker', str(box.script('bin/worker', 'exec sleep 1000')))
    if not IS_ROOT:
        text = text.replace('user = www-data\n', '')
    conf = box.write('supervisord.conf', text)
    port = str(free_port())
    environment['PORT'] = port
    box.folder.chmod(0o755)     # one program is of another user
    result = box.run(SUPERVISORD, '--check-config', '-c', conf, env=environment)
    equal((result.code, result.err), (0, ''))
    equal([line for line in result.out.splitlines() if 'note' in line and 'No file matches' not in line], [])
    daemon = box.daemon_for(conf, ['-n'], environment={'PORT': port}, wait=False)
    daemon.socket = box.path('run/supervisor.sock')
    daemon.rpc = daemon.client().supervisor
    daemon.wait_ready()
    wait_for(lambda: {info['statename'] for info in daemon.rpc.getAllProcessInfo()} == {'RUNNING'}, 'all RUNNING')
    equal([info['name'] for info in daemon.rpc.getAllProcessInfo()],
          ['web', 'worker_00', 'worker_01', 'worker_02', 'worker_03'])
    result = box.run(SUPERVISORCTL, '-c', conf, 'status')
    equal(len(result.out.splitlines()), 5)


def run_fragment(box, text):
    """A piece of a file: with what every file needs it is a good one."""
    conf = box.write('supervisord.conf', text if '[supervisord]' in text else '[supervisord]\n' + text)
    result = box.run(SUPERVISORD, '--check-config', '-c', conf)
    equal((result.code, result.err), (0, ''))


def run_rpc_section(box, text):
    """The section that every file should have."""
    run_fragment(box, text + '[unix_http_server]\nfile=s.sock\n')


def shown_only(box, text):
    """The form of a file: it is one."""
    run_fragment(box, text)


def with_web(box):
    """A daemon with a program web, where supervisorctl finds its configuration."""
    daemon = box.daemon(program('web', 'sleep 1000', startsecs=0), program('other', 'sleep 1000', startsecs=0))
    daemon.wait_state('web', 'RUNNING')
    daemon.wait_state('other', 'RUNNING')
    return daemon


def run_ctl(box, text, out, change=None):
    """Actions of supervisorctl, and the pattern of what they print."""
    daemon = with_web(box)
    if change:
        daemon.rewrite(*change)
    result = run_shell(box, text)
    equal((result.code, result.err), (0, ''))
    matches(result.out, rf'^(?:{out})$')
    return daemon


def run_stop(box, text):
    """stop waits for the end."""
    equal(run_ctl(box, text, 'web: stopped\n').info('web')['statename'], 'STOPPED')


def run_call(box, text):
    """A call by hand is answered as an XML document."""
    shell_in(box)       # makes the folder
    daemon = box.daemon(unix={'file': str(box.path('run/supervisor.sock'))}, wait=False)
    box.wait_text('supervisord.log', 'supervisord started')
    result = run_shell(box, text.replace('\\(aq', "'").replace('curl ', 'curl -sS ', 1))
    equal((result.code, result.err), (0, ''))
    equal(xmlrpc.client.loads(result.out)[0][0], {'statecode': 1, 'statename': 'RUNNING'})
    daemon.stop()


def run_log_lines(box, text):
    """The lines about commands are as shown, but for who and where."""
    port = free_port()
    daemon = box.daemon(program('web', 'sleep 1000', startsecs=0),
                        section('inet_http_server', port=f'127.0.0.1:{port}', username='admin', password='p'))
    daemon.wait_state('web', 'RUNNING')
    daemon.rpc.stopProcess('web')
    try:
        xmlrpc.client.ServerProxy(f'http://admin:p@127.0.0.1:{port}/RPC2').supervisor.startProcess('nope')
    except xmlrpc.client.Fault:
        pass
    lines = [line.partition(' INFO ')[2] for line in daemon.log.splitlines() if ' INFO command: ' in line]
    for old, new in ((str(daemon.socket), '/run/supervisor.sock'), (f'uid {os.geteuid()} ', 'uid 1000 ')):
        lines = [line.replace(old, new) for line in lines]
    equal([re.sub(r'127\.0\.0\.1:\d+', '192.0.2.7:40312', line) for line in lines], text.splitlines())


LINE = r'\S+ +[A-Z]+ +.*\n'
ADDED = (program('web', 'sleep 1000', startsecs=0), program('other', 'sleep 2000', startsecs=0),
         program('new', 'sleep 1000', startsecs=0))

# The first line of each example, and what is done with it.
KNOWN = {
    'supervisord.8': {
        'supervisord --check-config -c ./supervisord.conf': run_foreground,
        'echo_supervisord_conf > supervisord.conf': run_sample,
        'supervisord -n -s -l /dev/stdout -y 0 -j /run/supervisord.pid': run_container,
        'mv main.log main.log.1 && kill -USR2 `cat supervisord.pid`':
            lambda box, text: run_signal(box, text, 'received SIGUSR2'),
        'kill -HUP `cat supervisord.pid`': lambda box, text: run_signal(box, text, 'received SIGHUP')},
    'supervisord.conf.5': {
        'supervisord --check-config -c /etc/supervisor/supervisord.conf': run_check,
        '[section]': shown_only,
        '[rpcinterface:supervisor]': run_rpc_section,
        '[unix_http_server]': run_file},
    'echo_supervisord_conf.1': {
        'echo_supervisord_conf > /etc/supervisord.conf': run_sample,
        'supervisord --check-config -c /etc/supervisord.conf': run_check},
    'pidproxy.1': {'[program:mysql]': run_pidproxy},
    'supervisorctl.1': {
        'supervisorctl status': lambda box, text: run_ctl(box, text, f'{LINE}{LINE}web: stopped\nweb: started\n'),
        'supervisorctl update': lambda box, text: run_ctl(
            box, text, 'other: stopped\nother: updated process group\nnew: added process group\n', ADDED),
        "supervisorctl signal HUP 'web:*'": lambda box, text: run_ctl(box, text, 'web: signalled\n'),
        'supervisorctl stop web': run_stop},
    'supervisor-rpc.7': {
        "command: supervisor.stopProcess('web') by uid 1000 on /run/supervisor.sock: OK": run_log_lines,
        'curl --unix-socket /run/supervisor.sock -d \\(aq<methodCall>': run_call},
}


@variants({f'{page.replace(".", "_")}_{number}': (f'Example {number} of {page} does what the page says.', page, first)
           for page, known in KNOWN.items() for number, first in enumerate(known, 1)})
def example(box, page, first):
    texts = [text for text in examples_of(page) if text.splitlines()[0] == first]
    check(texts, f'{first!r} is an example of {page}')
    for text in texts:
        KNOWN[page][first](box, text)


@variants({page.replace('.', '_'): (f'Every example of {page} is run by a test.', page) for page in KNOWN})
def all_examples_are_run(box, page):
    equal([text for text in examples_of(page) if text.splitlines()[0] not in KNOWN[page]], [])


def options_of_page(text):
    """{'-x', '--long', ...} that a page has entries for."""
    found = set()
    for line in re.findall(r'^\.It (Fl .*)', text, re.M):
        found |= {'-' + name.replace('\\&', '') for name in re.findall(r'Fl ([^\s,]+)', line)}
    return found


@case
def every_option_has_an_entry(box):
    """supervisord(8) describes the options that -h lists, and no other."""
    listed = set()
    for line in box.run(SUPERVISORD, '-h').out.splitlines():
        if found := re.match(r'(?:(-\w)/)?(--[\w-]+)', line):
            listed |= {name for name in found.groups() if name}
    equal(options_of_page((PAGES / 'supervisord.8').read_text()) - {'-?'}, listed)


@case
def synopsis_has_every_option(box):
    """The synopsis of supervisord(8) shows each short option."""
    text = (PAGES / 'supervisord.8').read_text()
    synopsis = text[text.index('.Sh SYNOPSIS'):text.index('.Sh DESCRIPTION')]
    shown = set(''.join(re.findall(r'Fl ([a-z]+)', synopsis))) | set(re.findall(r'\| ([a-z])$', synopsis, re.M))
    short = {name[1] for name in options_of_page(text) if re.fullmatch(r'-[a-z]', name)}
    equal(short - shown, set())


@case
def defaults_of_options(box):
    """Where supervisord(8) and supervisord.conf(5) name a default, it is the sample's."""
    sample = box.run(ECHO_CONF).out
    for key, value in (('logfile_maxbytes', '50MB'), ('logfile_backups', '10'), ('loglevel', 'info'), ('minfds', '1024'),
                       ('minprocs', '200'), ('umask', '022'), ('identifier', 'supervisor')):
        matches(sample, rf'^;?{key}={value}\b')
        for page, entry in (('supervisord.8', rf'^\.It Fl .*Fl -{key}\b'), ('supervisord.conf.5', rf'^\.It Ic {key} Ns')):
            text = (PAGES / page).read_text()
            if page.endswith('5'):
                text = text[text.index('.Ss [supervisord]'):]
            found = re.search(entry + r'.*?(?=^\.It Fl|^\.Pq [34])', text, re.M | re.S) or \
                re.search(entry + r'.*?^\.El', text, re.M | re.S)
            contains(found[0] if found else '', value)
