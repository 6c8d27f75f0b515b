"""Event listeners as people have them: written for Supervisor, one-liners, other languages, the manual's examples."""

import re
import shutil
import subprocess
from pathlib import Path

from harness import (NOW, ONCE, PYTHON, SLEEP, case, contains, equal, free_port, lacks, program, section,
                     skip, variants, wait_for)

BESIDE = Path(__file__).resolve().parents[1] / 'programs'
MANUAL = Path(__file__).resolve().parents[3] / 'man/supervisor-events.7'
WORDS = 'grüße aus été \U0001f600'     # 1, 2 and 4 bytes a character


def ours(name, script, events, arguments='', **options):
    """A listener of this folder's programs; its stderr goes to NAME.err."""
    return section(f'eventlistener:{name}', command=f'{PYTHON} {BESIDE}/{script} {arguments}', events=events,
                   stderr_logfile=f'%(here)s/{name}.err', **options)


def written(box, name, code, events, interpreter=PYTHON, **options):
    """A listener whose Python code the case gives."""
    box.write(f'{name}.py', f'import os, sys, time\nsys.path.insert(0, {str(BESIDE)!r})\n{code}')
    return section(f'eventlistener:{name}', command=f'{interpreter} %(here)s/{name}.py', events=events,
                   stderr_logfile=f'%(here)s/{name}.err', **{**NOW, **options})


# --- written for Supervisor ---------------------------------------------------------------------------------

@case
def crash_is_mailed(box):
    """A listener like crashmail mails an unexpected end, and only that."""
    box.script('sendmail', f'cat >> {box.folder}/mail')
    box.script('crash', 'sleep 0.2; exit 3')
    box.daemon(ours('crashmail', 'crashmail.py', 'PROCESS_STATE', f'-p bad -p g:member -s {box.folder}/sendmail -m root'),
               program('bad', '%(here)s/crash', **ONCE), program('member', '%(here)s/crash', **ONCE),
               program('good', '/bin/true', **ONCE), program('other', '/bin/false', **ONCE),
               section('group:g', programs='member'))
    box.wait_text('mail', 'bad crashed(.|\n)*member crashed|member crashed(.|\n)*bad crashed')
    wait_for(lambda: box.text('mail').count('from state') == 2, 'two mails')
    pid = box.wait_text('supervisord.log', r"spawned: 'bad' with pid (\d+)")[1]
    contains(box.text('mail'), f'To: root\nSubject: bad crashed\n\nProcess bad in group bad exited unexpectedly '
                               f'(pid {pid}) from state RUNNING\n')
    lacks(box.text('mail'), 'good')
    lacks(box.text('mail'), 'other')


@case
def hog_is_restarted(box):
    """A listener like memmon restarts, by XML-RPC, a program that has grown; the others stay."""
    box.write('hog.py', 'import time\nx = b"x" * 80000000\ntime.sleep(1000)\n')
    daemon = box.daemon(ours('memmon', 'memmon.py', 'TICK_5', '-p hog=50000000 -p small=50000000'),
                        program('hog', f'{PYTHON} %(here)s/hog.py', **NOW), program('small', SLEEP, **NOW))
    hog, small = (daemon.wait_state(name, 'RUNNING')['pid'] for name in ('hog', 'small'))
    daemon.wait_new_pid('hog', hog)
    box.wait_text('memmon.err', '^Restarting hog:hog$')
    equal(daemon.info('small')['pid'], small)
    equal(daemon.info('memmon')['statename'], 'RUNNING')


@case
def sick_server_is_restarted(box):
    """A listener like httpok restarts a server that does not answer 200, calling over TCP with a password."""
    web, control = free_port(), free_port()
    box.write('server.py', f'''from http.server import BaseHTTPRequestHandler, HTTPServer
import os
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if os.path.exists('{box.folder}/sick') else 200)
        self.end_headers()
HTTPServer(('127.0.0.1', {web}), Handler).serve_forever()
''')
    daemon = box.daemon(
        section('inet_http_server', port=f'127.0.0.1:{control}', username='u', password='secret'),
        ours('httpok', 'httpok.py', 'TICK_5', f'-p server http://127.0.0.1:{web}/',
             environment=f'SUPERVISOR_USERNAME="u",SUPERVISOR_PASSWORD="secret",'
                         f'SUPERVISOR_SERVER_URL="http://127.0.0.1:{control}"'),
        program('server', f'/usr/bin/python3 %(here)s/server.py', startsecs=0, stderr_logfile='%(here)s/server.err'))
    box.wait_text('httpok.err', ': 200$')
    old = daemon.info('server')['pid']
    box.write('sick', '')
    daemon.wait_new_pid('server', old)
    box.wait_text('httpok.err', ': 500\nRestarting server:server\n')


CALLER = '''
import childutils
childutils_rpc = childutils.getRPCInterface(os.environ)
while True:
    headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
    fields, data = childutils.eventdata(payload)
    state = childutils_rpc.supervisor.getProcessInfo('x')['statename']
    print(headers['serial'], state, ascii(payload), file=sys.stderr, flush=True)
    childutils.listener.ok(sys.stdout)
'''


@case
def characters_are_counted(box):
    """A listener that reads a text stream by characters stays in step over any UTF-8."""
    daemon = box.daemon(written(box, 'l', CALLER, 'REMOTE_COMMUNICATION'), program('x', SLEEP, autostart='false'))
    for text in (WORDS, '', '\n', '\n' + WORDS * 500, 'end'):
        daemon.rpc.sendRemoteCommEvent('grüße', text)
    box.wait_text('l.err', r'end.$')
    equal([line.split(' ', 2)[2] for line in box.text('l.err').splitlines()],
          [ascii(f'type:grüße\n{text}') for text in (WORDS, '', '\n', '\n' + WORDS * 500, 'end')])


@case
def stock_module_works(box):
    """A listener on Supervisor's own childutils waits, calls back and answers."""
    found = Path('/usr/lib/python3/dist-packages/supervisor/childutils.py')
    if not found.exists():
        skip('supervisor.childutils is not installed')
    code = CALLER.replace('import childutils', 'from supervisor import childutils')
    daemon = box.daemon(written(box, 'l', code, 'REMOTE_COMMUNICATION', '/usr/bin/python3'), program('x', SLEEP, **NOW))
    daemon.rpc.sendRemoteCommEvent('type', WORDS)
    daemon.rpc.sendRemoteCommEvent('type', 'end')
    box.wait_text('l.err', r'end.$')
    equal(box.text('l.err').splitlines(), [f'0 RUNNING {ascii("type:type" + chr(10) + WORDS)}',
                                           "1 RUNNING 'type:type\\nend'"])


# --- other languages; they count bytes, so ASCII only ---------------------------------------------------------

SHELLS = {
    'dash': ('One line of dash and dd is a listener.', 'dash',
             'while echo READY && read -r h; do dd bs=1 count="${h##*len:}" 2>/dev/null >> got; echo >> got; '
             "printf 'RESULT 2\\nOK'; done"),
    'bash': ('One line of bash is a listener.', 'bash',
             'while echo READY; read -r h; do IFS= read -rd "" -N "${h##*len:}" p; echo "$p" >> got; '
             'echo -ne "RESULT 2\\nOK"; done'),
    'perl': ('A loop of Perl is a listener.', 'perl',
             'syswrite STDOUT, "READY\\n"; while (<STDIN>) { /len:(\\d+)/; read STDIN, $p, $1; open F, ">>got"; '
             'print F "$p\\n"; close F; syswrite STDOUT, "RESULT 2\\nOKREADY\\n" }'),
    'node': ('A reader of byte chunks in JavaScript is a listener.', 'node',
             'let b = Buffer.alloc(0); const fs = require("fs"); fs.writeSync(1, "READY\\n"); '
             'process.stdin.on("data", d => { b = Buffer.concat([b, d]); for (;;) { const e = b.indexOf(10); '
             'if (e < 0) return; const n = +/len:(\\d+)/.exec(b.toString("latin1", 0, e))[1]; '
             'if (b.length < e + 1 + n) return; fs.appendFileSync("got", b.subarray(e + 1, e + 1 + n) + "\\n"); '
             'b = b.subarray(e + 1 + n); fs.writeSync(1, "RESULT 2\\nOKREADY\\n"); } });'),
}


@variants(SHELLS)
def one_liner(box, interpreter, code):
    path = shutil.which(interpreter)
    if not path:
        skip(f'{interpreter} is not there')
    box.write('code', code)
    daemon = box.daemon(section('eventlistener:l', command=f'{path} code', directory='%(here)s',
                                events='REMOTE_COMMUNICATION', **NOW))
    texts = ['one', 'two words', 'a' * 3000, 'end']
    for text in texts:
        daemon.rpc.sendRemoteCommEvent('t', text)
    box.wait_text('got', r'^end\n')
    equal(box.text('got'), ''.join(f'type:t\n{text}\n' for text in texts))
    lacks(daemon.log, 'UNKNOWN')


# --- the manual's examples ------------------------------------------------------------------------------------

def example(beginning):
    """The source text of the manual's example that begins so."""
    if not MANUAL.exists():
        skip('the manual page is not there')
    for block in re.findall(r'^\.Bd -literal[^\n]*\n(.*?)^\.Ed$', MANUAL.read_text(), re.M | re.S):
        if block.startswith(beginning):
            return block.replace('\\e', '\\').replace('\\&', '')
    raise AssertionError(f'no example begins with {beginning!r}')


def failing(box, *sections):
    """A daemon with two programs that give up."""
    box.daemon(*sections, program('ähm', '/no/such', startretries=0), program('zuletzt', '/no/such', startretries=0))


@case
def manual_shell(box):
    """The shell listener of supervisor-events(7) reports programs that gave up."""
    box.write('alarm', example('#!/bin/sh'), 0o755)
    box.script('bin/logger', f'echo "$@" >> {box.folder}/said')
    conf = example('[eventlistener:alarm]')
    contains(conf, 'command=/usr/local/bin/alarm\n')
    box.daemon(conf.replace('/usr/local/bin', '%(here)s') + f'environment=PATH="{box.folder}/bin:/usr/bin:/bin"\n',
               program('first', '/no/such', startretries=0), program('second', '/no/such', startretries=0))
    box.wait_text('said', 'second')
    equal(box.text('said').splitlines(), [f'-p daemon.err {name} gave up' for name in ('first', 'second')])


@case
def manual_cpp(box):
    """The C++ listener of supervisor-events(7) compiles without a warning, and keeps in step with any UTF-8."""
    compiler = shutil.which('g++') or shutil.which('clang++')
    if not compiler:
        skip('there is no compiler')
    box.write('alarm.cpp', example('#include'))
    built = subprocess.run([compiler, '-std=c++17', '-Wall', '-Wextra', '-Werror', '-o', box.path('alarm'),
                            box.path('alarm.cpp')], text=True, capture_output=True, cwd=box.folder)
    equal((built.returncode, built.stderr), (0, ''))
    failing(box, section('eventlistener:alarm', command='%(here)s/alarm', events='PROCESS_STATE_FATAL',
                         stderr_logfile='%(here)s/alarm.err', **NOW))
    box.wait_text('alarm.err', 'zuletzt')
    equal(box.text('alarm.err').splitlines(), [f'{name} gave up' for name in ('zuletzt', 'ähm')])
