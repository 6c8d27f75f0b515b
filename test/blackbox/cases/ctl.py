"""supervisorctl where it is better than what it replaces, or beyond what the conformance cases see."""

import os
import signal
import socket
import subprocess
import threading

from harness import (IDLE, NOW, PATIENCE, SLEEP, SUPERVISORCTL, case, check, config, contains, equal, lacks,
                     matches, program, section, wait_for)


def start_ctl(daemon, *arguments, **options):
    """A supervisorctl in the background."""
    return subprocess.Popen([*SUPERVISORCTL, '-c', str(daemon.conf), *arguments], cwd=daemon.box.folder,
                            env=daemon.box.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **options)


def stubborn(box):
    """A daemon with a program that takes its time to stop, and one that does not."""
    box.script('slow', 'trap "" TERM; echo ready; while :; do sleep 0.1; done')
    daemon = box.daemon(program('slow', '%(here)s/slow', stopwaitsecs=1000, **NOW), program('fast', SLEEP, **NOW))
    box.wait_text(daemon.info('slow')['stdout_logfile'], 'ready')
    return daemon


def serve_once(answer):
    """A port on which whoever connects gets these bytes and the end."""
    listener = socket.create_server(('127.0.0.1', 0))

    def serve():
        while True:
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(answer)
            connection.close()
    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


# --- signals and streams ----------------------------------------------------

@case
def interrupt_ends_an_action(box):
    """Ctrl-C while an action waits ends supervisorctl by the signal; what was done before is printed."""
    daemon = stubborn(box)
    client = start_ctl(daemon, 'stop', 'fast', 'slow')
    daemon.wait_state('slow', 'STOPPING')
    client.send_signal(signal.SIGINT)
    out, err = client.communicate(timeout=PATIENCE)
    equal((out, err, client.returncode), ('fast: stopped\n', '', -signal.SIGINT))


@case
def interrupt_ends_the_shell(box):
    """Ctrl-C while the shell waits for an action ends the shell with 0."""
    daemon = stubborn(box)
    terminal = daemon.shell()
    terminal.expect('supervisor> ')
    terminal.send('stop slow\n')
    daemon.wait_state('slow', 'STOPPING')
    terminal.send('\x03')
    equal(terminal.wait_exit(), 0)


@case
def following_ends_with_the_daemon(box):
    """tail -f and maintail -f end with 0 when supervisord ends."""
    daemon = box.daemon(program('x', "/bin/sh -c 'echo hello; exec sleep 1000'", **NOW))
    wait_for(lambda: daemon.rpc.readProcessStdoutLog('x', 0, 0), 'output')
    clients = [start_ctl(daemon, *words) for words in (('tail', '-f', 'x'), ('maintail', '-f'))]
    for client in clients:
        equal(client.stdout.readline(), '==> Press Ctrl-C to exit <==\n')
        check(client.stdout.readline(), 'it follows')
    daemon.stop()
    for client in clients:
        equal(client.wait(PATIENCE), 0)


@case
def output_that_cannot_be_written(box):
    """A full device or a closed pipe gives status 120 and a line on standard error."""
    daemon = box.daemon(program('x', SLEEP, **NOW))
    with open('/dev/full', 'w', encoding='utf-8') as full:
        done = subprocess.run([*SUPERVISORCTL, '-c', str(daemon.conf), 'status'], stdout=full, stderr=subprocess.PIPE,
                              text=True, check=False, timeout=PATIENCE)
    equal((done.returncode, done.stderr),
          (120, 'supervisorctl: cannot write to standard output: No space left on device\n'))


@case
def closed_descriptors(box):
    """Without standard output nothing is printed into the connection to supervisord."""
    daemon = box.daemon(program('x', SLEEP, **NOW))
    command = ' '.join([*SUPERVISORCTL, '-c', str(daemon.conf), 'status'])
    check(box.run(['/bin/sh'], '-c', f'{command} <&- >&- 2>&-').code != 0, 'it must fail')
    equal(daemon.rpc.getState()['statename'], 'RUNNING')


# --- texts ------------------------------------------------------------------

@case
def any_character_of_a_log(box):
    """tail shows emoji and private characters as they are, and something readable for what XML cannot carry."""
    box.write('x.out', 'private \ue000 emoji \U0001f600 end')
    box.path('y.out').write_bytes(b'red \x1b[31m bad \xff end')
    daemon = box.daemon(program('x', SLEEP, stdout_logfile='%(here)s/x.out', **IDLE),
                        program('y', SLEEP, stdout_logfile='%(here)s/y.out', **IDLE))
    equal(daemon.ctl('tail', 'x').out, 'private \ue000 emoji \U0001f600 end\n')
    equal(daemon.ctl('tail', 'y').out, 'red \u241b[31m bad \ufffd end\n')
    contains(daemon.ctl('tail', '-8', 'x').out, ' end\n')


@case
def any_character_for_a_program(box):
    """Lines typed into fg arrive as they are."""
    daemon = box.daemon(program('x', '/bin/cat', stdout_logfile='%(here)s/x.out', **NOW))
    daemon.wait_state('x', 'RUNNING')
    result = daemon.ctl('fg', 'x', stdin='größer \U0001f600 <&>\nlast')
    equal((result.code, result.out[-19:]), (0, 'Exiting foreground\n'))
    box.wait_text('x.out', '^größer \U0001f600 <&>\nlast\n')


@case
def a_thousand_programs(box):
    """The answer about many programs is read whole."""
    daemon = box.daemon(program('x', SLEEP, numprocs=1000, process_name='%(process_num)04d', stdout_logfile='NONE',
                                stderr_logfile='NONE', **IDLE))
    lines = daemon.ctl('status').out.splitlines()
    equal((len(lines), lines[0].split()[0], lines[-1].split()[0]), (1000, 'x:0000', 'x:0999'))


# --- errors -----------------------------------------------------------------

@case
def errors_name_the_server(box):
    """An error of the connection begins with "error:" and names its reason and the server, and nothing of Python."""
    conf = box.write('supervisord.conf', config())
    url = f'unix://{box.folder}/s.sock'
    result = box.run(SUPERVISORCTL, '-c', conf, 'avail')
    check(result.out.startswith(f'error: [Errno 2] No such file or directory: {url}'), result.out)
    equal((result.code, result.err), (1, ''))
    result = box.run(SUPERVISORCTL, '-c', conf, '-s', 'https://x', 'status')
    equal((result.out, result.code), ('error: Unknown protocol for serverurl: https://x\n', 1))
    result = box.run(SUPERVISORCTL, '-c', conf, '-s', f'unix:///{"x" * 120}', 'status')
    equal((result.out[:31], result.code), ('error: AF_UNIX path too long: u', 1))


@case
def strange_servers(box):
    """What is no supervisord gets an error of one line, whatever it answers."""
    deep = '<value><array><data>' * 100000
    xml = '<?xml version="1.0"?><methodResponse><params><param>{}</param></params></methodResponse>'
    for body in ('', 'junk', '<html/>', xml.format('<value><i8>b</i8></value>'), xml.format(deep),
                 '<!DOCTYPE x [<!ENTITY a "b">]>' + xml.format('<value>&a;</value>')):
        port = serve_once(f'HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}'.encode())
        result = box.run(SUPERVISORCTL, '-c', '', '-s', f'http://127.0.0.1:{port}', 'status')
        matches(result.out, r'^error: .*\n$')
        equal((result.code, result.err, result.out.count('\n')), (1, '', 1))
    for answer in (b'', b'what\r\n', b'HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n', b'HTTP/1.1 200 OK\r\nContent-Le'):
        result = box.run(SUPERVISORCTL, '-c', '', '-s', f'http://127.0.0.1:{serve_once(answer)}', 'status')
        equal((result.out[:7], result.code, result.out.count('\n')), ('error: ', 1, 1), repr(answer))


@case
def proxies_do_not_matter(box):
    """Proxies of the environment are for browsers."""
    environment = {**box.environment, 'http_proxy': 'http://127.0.0.1:1', 'HTTP_PROXY': 'http://127.0.0.1:1',
                   'ALL_PROXY': 'http://127.0.0.1:1'}
    port = serve_once(b'HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n')
    result = box.run(SUPERVISORCTL, '-c', '', '-s', f'http://127.0.0.1:{port}', 'status', env=environment)
    contains(result.out, 'error: 418 Teapot')


@case
def broken_configuration_is_told(box):
    """With a broken configuration reload prints the reason and fails, and so does update; nothing is stopped."""
    daemon = box.daemon(program('x', SLEEP, **NOW))
    pid = daemon.wait_state('x', 'RUNNING')['pid']
    daemon.rewrite(program('x', SLEEP, autostart='maybe'))
    for words in (['reload'], ['reread']):
        result = daemon.ctl(*words)
        matches(result.out, '^ERROR: CANT_REREAD: .*maybe')
        equal(result.code, 1, words)
    result = daemon.ctl('update')
    matches(result.out, '^error: CANT_REREAD: .*maybe')
    equal((result.code, daemon.info('x')['pid']), (1, pid))


@case
def plugins_are_left_out(box):
    """A section [ctlplugin:x] does not keep anybody from using supervisorctl."""
    daemon = box.daemon(section('ctlplugin:x', **{'supervisor.ctl_factory': 'a:b'}), program('x', SLEEP, **NOW),
                        wait=False, supervisord={'unknown_plugins': 'warn'})
    wait_for(lambda: daemon.socket.exists(), 'the socket')
    result = wait_for(lambda: (done := daemon.ctl('pid')).code == 0 and done, 'the pid')
    equal((result.out, result.err.count('\n')), (f'{daemon.pid}\n', 1))
    contains(result.err, '[ctlplugin:x] is ignored')


@case
def keys_of_a_terminal(box):
    """Keys beyond letters move and delete as in other shells, or do nothing; they type no rubbish into the line."""
    terminal = box.daemon().shell()
    terminal.expect('supervisor> ')
    table = {'home': ('ab\x1b[Hx', 'xab'), 'home of a console': ('ab\x1b[1~x', 'xab'), 'end of a console': ('ab\x01\x1b[4~x', 'abx'),
             'control and left': ('ab cd\x1b[1;5Dx', 'ab xcd'), 'control and right': ('ab cd\x01\x1b[1;5Cx', 'abx cd'),
             'alt and left': ('ab cd\x1b[1;3Dx', 'ab xcd'), 'shift and end': ('ab\x01\x1b[1;2Fx', 'abx'),
             'delete': ('abc\x1b[D\x1b[3~x', 'abx'), 'control and U': ('ab cd\x1b[D\x15x', 'xd'),
             'insert': ('ab\x1b[2~x', 'abx'), 'page up': ('ab\x1b[5~x', 'abx'), 'F5': ('ab\x1b[15~x', 'abx')}
    seen = {}
    for name, (keys, _) in table.items():
        terminal.send(f'{keys}\n')
        seen[name] = terminal.expect(r'Unknown syntax: (.*)\n').rpartition('syntax: ')[2][:-1]
        terminal.expect('supervisor> ')
    equal(seen, {name: line for name, (_, line) in table.items()})


@case
def password_is_not_shown(box):
    """The history and the screen of a shell keep no password."""
    daemon = box.daemon(unix={'username': 'user', 'password': 'secret'}, ctl={'history_file': '%(here)s/history'})
    terminal = daemon.shell()
    terminal.expect('Username:')
    terminal.send('user\n')
    terminal.expect('Password:')
    terminal.send('secret\n')
    lacks(terminal.expect('supervisor> '), 'secret')
    terminal.ask('version')
    terminal.send('quit\n')
    equal((terminal.wait_exit(), box.text('history')), (0, 'version\nquit\n'))
    equal(os.stat(box.path('history')).st_mode & 0o777, 0o600)


@case
def password_prompt_without_terminal(box):
    """Without a terminal the question for the password is no part of the output."""
    daemon = box.daemon(unix={'username': 'user', 'password': 'secret'})
    result = subprocess.run([*SUPERVISORCTL, '-c', str(daemon.conf), '-i', 'pid'], input='user\nsecret\n',
                            cwd=daemon.box.folder, env=daemon.box.environment, capture_output=True, text=True,
                            timeout=PATIENCE, start_new_session=True)
    equal((result.stdout, result.returncode),
          (f'Server requires authentication\nUsername:\n{daemon.pid}\n', 0))
    contains(result.stderr, 'Password:')
