"""The protocol between daemon and listener: every answer, every error, pools, buffers, listeners that misbehave."""

import datetime
import os
import random
import re

from harness import (IDLE, NOW, PYTHON, SLEEP, alive, case, check, config, contains, equal, lacks, listener, matches, program,
                     section, status_of, variants, wait_for)
from parts import SANITIZED, wait_parts

# What the listeners of these cases begin with: bytes as they are. hear() returns None at the end of the input.
PRELUDE = '''import os, sys, time
NAME = os.environ['SUPERVISOR_PROCESS_NAME']
def say(data):
    while data:
        data = data[os.write(1, data):]
def hear():
    header = b''
    while not header.endswith(b'\\n'):
        byte = os.read(0, 1)
        if not byte:
            sys.exit()
        header += byte
    left, payload = int(header.rpartition(b'len:')[2]), b''
    while len(payload) < left:
        payload += os.read(0, left - len(payload))
    with open('%(folder)s/' + NAME + '.got', 'a') as out:
        out.write(header.split(b'serial:')[1].split()[0].decode() + ' ' + payload.partition(b'\\n')[2].decode() + '\\n')
    return payload
def wait(name):
    while not os.path.exists('%(folder)s/' + name):
        time.sleep(0.01)
'''


def pool(box, code, name='l', events='REMOTE_COMMUNICATION', **options):
    """A listener of the given code; each process NAME writes 'serial data' of each event to NAME.got."""
    box.write(f'{name}.py', PRELUDE % {'folder': box.folder} + code)
    return section(f'eventlistener:{name}', command=f'{PYTHON} %(here)s/{name}.py', events=events, **{**NOW, **options})


def send(daemon, *texts):
    for text in texts:
        daemon.rpc.sendRemoteCommEvent('t', text)


def got(box, name='l'):
    """The data of the events that a process has got, in order."""
    return [line.split(' ', 1)[1] for line in box.text(f'{name}.got').splitlines()]


def serials(box, name='l'):
    return [line.split(' ', 1)[0] for line in box.text(f'{name}.got').splitlines()]


def wait_got(box, *texts, name='l'):
    wait_for(lambda: got(box, name) == list(texts), f'{texts} at {name} (it has {got(box, name)})')


# --- answers ------------------------------------------------------------------------------------------------

ANSWERS = {
    'one_write': ('OK and the next READY in one write.', r'say(b"RESULT 2\nOKREADY\n")', 'accepted'),
    'bytewise': ('An answer may come byte by byte.',
                 r'for c in b"RESULT 2\nOKREADY\n": say(bytes([c])); time.sleep(0.001)', 'accepted'),
    'blanks': ('Blanks around the number do not matter.', r'say(b"RESULT   2 \nOKREADY\n")', 'accepted'),
    'other_word': ('The first seven bytes of the line are not looked at.', r'say(b"XXXXXX 2\nOKREADY\n")', 'accepted'),
    'signed': ('A plus is allowed.', r'say(b"RESULT +2\nOKREADY\n")', 'accepted'),
    'fail': ('FAIL gives the event back.', r'say(b"RESULT 4\nFAILREADY\n")', 'rejected'),
    'lower_case': ('Only OK is OK.', r'say(b"RESULT 2\nokREADY\n")', 'rejected'),
    'longer': ('OK and more is not OK.', r'say(b"RESULT 3\nOK\nREADY\n")', 'rejected'),
    'large': ('A result may be large.', r'say(b"RESULT 300000\n" + b"x" * 300000 + b"READY\n")', 'rejected'),
    'empty': ('An empty result is not OK.', r'say(b"RESULT 0\nREADY\n")', 'rejected'),
    'no_number': ('A result line needs a number.', r'say(b"RESULT two\nOKREADY\n")', "bad result line: 'RESULT two'"),
    'negative': ('... not a negative one.', r'say(b"RESULT -2\nOKREADY\n")', "bad result line: 'RESULT -2'"),
    'huge': ('... nor one beyond all measure.', r'say(b"RESULT 99999999999999999999\n")',
             "bad result line: 'RESULT 99999999999999999999'"),
    'prose': ('Words are no answer.', r'say(b"hello world\n")', "bad result line: 'hello world'"),
    'bytes': ('Bytes that are no text are shown as a literal.', r'say(b"RESULT \xff\n")',
              r"bad result line: 'Undecodable: b'RESULT \xff''"),
    'endless': ('A line that never ends is given up.', 'say(b"x" * 100000)', "bad result line: 'xxxxxxxxxxxxxxxx"),
    'ready': ('READY is no answer.', r'say(b"READY\n")', "bad result line: 'READY'"),
}


@variants(ANSWERS)
def answer(box, code, outcome):
    """The first process of the pool answers the first event so; later ones, and its successor, get OK."""
    daemon = box.daemon(pool(box, f'''
say(b"READY\\n")
hear()
if not os.path.exists('{box.folder}/again'):
    open('{box.folder}/again', 'w').close()
    {code}
    hear()
while True:
    say(b"RESULT 2\\nOKREADY\\n")
    hear()
'''), supervisord={'loglevel': 'debug'})
    send(daemon, 'one', 'two')
    if outcome == 'accepted':
        wait_got(box, 'one', 'two')
        lacks(daemon.log, 'WARN l')
    elif outcome == 'rejected':
        wait_got(box, 'one', 'one', 'two')
        equal(serials(box), ['0', '0', '1'])
        daemon.wait_log('WARN l: event was rejected')
        equal(daemon.log.count('WARN l: event was rejected'), 1)
    else:
        daemon.wait_log('l: has entered the UNKNOWN state')
        contains(daemon.log, f'WARN l: {outcome}', 'DEBG l: BUSY -> UNKNOWN\n', 'WARN l: has entered the UNKNOWN state '
                 'and will no longer receive events, this usually indicates the process violated the eventlistener protocol\n')
        equal(daemon.info('l')['statename'], 'RUNNING')
        equal(got(box), ['one'])
        daemon.rpc.stopProcess('l')
        daemon.rpc.startProcess('l')
        wait_got(box, 'one', 'one', 'two')


@variants({
    'carriage_return': ('READY with CR LF is not READY.', r'READY\r\n'),
    'words': ('Anything else than READY is not READY.', r'hello\n'),
    'blank': ('READY and a blank is not READY.', r'READY \n'),
    'twice': ('A second READY is one too many.', r'READY\nREADY\n'),
    'answer': ('An answer to nothing is one too many.', r'READY\nRESULT 2\nOK'),
})
def not_ready(box, text):
    daemon = box.daemon(pool(box, f'say(b"{text}")\nhear()'), listener('other', 'REMOTE_COMMUNICATION'))
    daemon.wait_log('WARN l: has entered the UNKNOWN state')
    send(daemon, 'one')
    box.wait_event('other', 'REMOTE_COMMUNICATION')
    equal(got(box), [])
    equal(daemon.info('l')['statename'], 'RUNNING')


@case
def starting_listener_waits(box):
    """A listener that is READY gets events only when its process is RUNNING."""
    daemon = box.daemon(pool(box, 'say(b"READY\\n")\nhear()\nhear()', startsecs=2), supervisord={'loglevel': 'debug'})
    box.wait_text('supervisord.log', "spawned: 'l'")
    send(daemon, 'one')
    wait_got(box, 'one')
    daemon.wait_log('success: l')
    spawned, sent = (datetime.datetime.strptime(matches(daemon.log, rf'^(\S+ \S+) {line}')[1], '%Y-%m-%d %H:%M:%S,%f')
                     for line in ("INFO spawned: 'l'", 'DEBG event 0 sent to listener l'))
    check((sent - spawned).total_seconds() > 1.9, f'spawned at {spawned}, and got an event at {sent}')


# --- deaths, rejections, pools ------------------------------------------------------------------------------

@case
def event_in_hand_goes_to_another(box):
    """If a process of a pool is killed with an event in hand, another gets that event, before later ones."""
    daemon = box.daemon(pool(box, '''
while True:
    say(b"READY\\n")
    hear()
    if NAME == 'l0':
        time.sleep(1000)
    wait('go')
    say(b"RESULT 2\\nOK")
''', numprocs=2, process_name='l%(process_num)d', autorestart='false'), supervisord={'loglevel': 'debug'})
    wait_for(lambda: daemon.log.count('ACKNOWLEDGED -> READY') == 2, 'two READY')
    send(daemon, 'a', 'b', 'c')
    wait_got(box, 'a', name='l0')
    wait_got(box, 'b', name='l1')
    os.kill(daemon.info('l:l0')['pid'], 9)
    daemon.wait_log(r'exited: l0 \(terminated by SIGKILL')
    daemon.wait_log(r'rebuffering event 0 for pool l \(buf size=1, max=1024\)')
    box.write('go', '')
    wait_got(box, 'b', 'a', 'c', name='l1')


@case
def stopped_listener_gives_back(box):
    """A listener that is stopped with an event in hand gets it again when it is started."""
    daemon = box.daemon(pool(box, 'say(b"READY\\n")\nhear()\nwait("go")\nsay(b"RESULT 2\\nOKREADY\\n")\nhear()'))
    send(daemon, 'a')
    wait_got(box, 'a')
    daemon.rpc.stopProcess('l')
    send(daemon, 'b')
    box.write('go', '')
    daemon.rpc.startProcess('l')
    wait_got(box, 'a', 'a', 'b')


@case
def rejection_stays_in_its_pool(box):
    """An event that one pool rejects comes back to that pool only, at the front, dropping the oldest if it is full."""
    daemon = box.daemon(
        pool(box, 'say(b"READY\\n")\nhear()\nwait("go")\nsay(b"RESULT 4\\nFAIL")\n'
                  'while True: say(b"READY\\n"); hear(); say(b"RESULT 2\\nOK")', buffer_size=2),
        listener('same', 'REMOTE_COMMUNICATION'), listener('other', 'TICK_3600'))
    send(daemon, 'a')
    wait_got(box, 'a')
    send(daemon, 'b', 'c', 'd', 'e')
    box.write('go', '')
    wait_got(box, 'a', 'a', 'e')
    daemon.wait_log('ERRO pool l event buffer overflowed, discarding event 3')
    equal(re.findall(r'ERRO pool l event buffer overflowed, discarding event (\d)', daemon.log), ['1', '2', '3'])
    wait_for(lambda: len(box.events('same')) == 5, 'all events at the other pool')
    equal([event.body for event in box.events('same')], list('abcde'))
    equal(box.events('other'), [])


@case
def processes_have_their_own_logs(box):
    """Each process of a pool has its own logs; that of stdout has the protocol, that of stderr the words."""
    daemon = box.daemon(pool(box, '''
while True:
    say(b"READY\\n")
    hear()
    os.write(2, NAME.encode() + b"\\n")
    say(b"RESULT 2\\nOK")
''', numprocs=2, process_name='l%(process_num)d', stdout_logfile='%(here)s/out%(process_num)d',
                             stderr_logfile='%(here)s/err%(process_num)d'), supervisord={'loglevel': 'debug'})
    wait_for(lambda: daemon.log.count('ACKNOWLEDGED -> READY') == 2, 'two READY')
    send(daemon, 'one')
    wait_for(lambda: (box.text('out0'), box.text('err0')) == ('READY\nRESULT 2\nOKREADY\n', 'l0\n'), 'the logs')
    equal((box.text('out1'), box.text('err1')), ('READY\n', ''))
    daemon.wait_log('DEBG l0: BUSY -> ACKNOWLEDGED(.|\n)*ACKNOWLEDGED -> READY')
    equal(daemon.rpc.readProcessStdoutLog('l:l0', 0, 0), 'READY\nRESULT 2\nOKREADY\n')
    contains(daemon.log, "DEBG 'l0' stdout output:\nb'READY\\n'", 'DEBG l0: READY -> BUSY', 'DEBG event 0 sent to listener l0',
             'DEBG l0: BUSY -> ACKNOWLEDGED', 'DEBG l0: event was processed', 'DEBG l0: ACKNOWLEDGED -> READY')


@case
def pool_starts_first_and_ends_last(box):
    """Without a priority a listener starts before and ends after all programs."""
    daemon = box.daemon(program('x', SLEEP, priority=0, **NOW), pool(box, 'say(b"READY\\n")\nhear()'),
                        pool(box, 'say(b"READY\\n")\nhear()', name='late', priority=2000))
    wait_for(lambda: 'success: late' in daemon.log, 'all to run')
    equal(re.findall(r"spawned: '(\w+)'", daemon.log), ['l', 'x', 'late'])
    equal(daemon.stop(), 0)
    equal(re.findall(r'stopped: (\w+)', daemon.log), ['late', 'x', 'l'])


# --- listeners that misbehave ---------------------------------------------------------------------------------

MISFITS = {
    'floods': ('A listener that floods its stdout harms nobody.', 'while True: say(b"x" * 65536)'),
    'floods_answers': ('Nor does one that floods answers.', 'while True: say(b"READY\\nRESULT 2\\nOK" * 4096)'),
    'never_reads': ('Nor one that says READY and never reads.', 'say(b"READY\\n")\ntime.sleep(1000)'),
    'answers_unread': ('Nor one that answers without reading.',
                       'say(b"READY\\n")\nwhile True: time.sleep(0.01); say(b"RESULT 2\\nOKREADY\\n")'),
    'closes_stdin': ('Nor one that closes its stdin.', 'say(b"READY\\n")\nos.close(0)\ntime.sleep(1000)'),
    'closes_stdout': ('Nor one that closes its stdout.', 'say(b"READY\\n")\nos.close(1)\ntime.sleep(1000)'),
    'always_fails': ('Nor one that rejects everything.', 'say(b"READY\\n")\nwhile True: hear(); say(b"RESULT 1\\nnREADY\\n")'),
    'stops_itself': ('Nor one that is stopped.', 'say(b"READY\\n")\nos.kill(os.getpid(), 19)'),
    'dies': ('Nor one that always dies with its event.', 'say(b"READY\\n")\nhear()\nos._exit(1)'),
}


@variants(MISFITS)
def misfit(box, code):
    """Others get all their events, programs and RPC go on, and no memory is used up."""
    daemon = box.daemon(pool(box, code, name='bad', stdout_logfile_maxbytes=100000, stdout_logfile_backups=0),
                        listener('good', 'REMOTE_COMMUNICATION'), program('x', SLEEP, **IDLE))
    engine = wait_parts(daemon.pid)['engine']
    texts = [f'{n}{"x" * 15000}' for n in range(60)]
    send(daemon, *texts)
    daemon.rpc.startProcess('x')
    wait_for(lambda: len(box.events('good')) == len(texts), 'all events')
    equal([event.body for event in box.events('good')], texts)
    equal(daemon.info('x')['statename'], 'RUNNING')
    check(alive(engine), 'the engine is the same')
    used = int(status_of(engine)['VmRSS'].split()[0])
    check(used < (400000 if SANITIZED else 60000), f'the engine uses {used} kB')
    daemon.rpc.stopProcess('x')
    equal(daemon.ctl('stop', 'bad').out, 'bad: stopped\n')


@case
def noise(box):
    """Listeners that write all kinds of nonsense leave the daemon as it is; the good one gets everything."""
    chance = random.Random(7)
    pieces = [b'READY\n', b'RESULT 2\nOK', b'RESULT 4\nFAIL', b'RESULT ', b'\n', b'2', b'OK', b'READY', b'\0\xff',
              b'RESULT 99999999999\n', b'RESULT -1\n', b'x' * 5000, b'RESULT 0\n', b'\r\n']
    for n in range(12):
        script = [chance.choice(pieces)[:chance.choice([1, 3, 6000, 6000])] for _ in range(200)]
        box.write(f'noise{n}', repr([b'READY\n', *script]))
    daemon = box.daemon(pool(box, f'''
import ast
for piece in ast.literal_eval(open('{box.folder}/' + NAME).read()):
    say(piece)
    time.sleep(0.002)
''', name='noise', numprocs=12, process_name='noise%(process_num)d', buffer_size=20, startretries=1000),
                        listener('good', 'REMOTE_COMMUNICATION'))
    texts = [str(n) for n in range(300)]
    send(daemon, *texts)
    wait_for(lambda: len(box.events('good')) == len(texts), 'all events')
    equal([event.body for event in box.events('good')], texts)
    equal(daemon.stop(), 0)
    lacks(daemon.log + box.text('stderr'), 'engine (')


# --- result handlers ------------------------------------------------------------------------------------------

@case
def default_result_handler(box):
    """The name of the usual result handler is accepted."""
    daemon = box.daemon(pool(box, 'say(b"READY\\n")\nhear()', result_handler='supervisor.dispatchers:default_handler'))
    send(daemon, 'one')
    wait_got(box, 'one')


@case
def other_result_handler(box):
    """Another one stops the start, naming section and key; with unknown_plugins=warn the usual one takes its place."""
    text = pool(box, 'say(b"READY\\n")\nhear()', result_handler='my.module:handler')
    said = box.refusal(config(text))
    contains(said, 'eventlistener:l', 'result_handler', 'my.module:handler')
    daemon = box.daemon(text, supervisord={'unknown_plugins': 'warn'})
    send(daemon, 'one')
    wait_got(box, 'one')
    contains(daemon.log, 'result_handler')


@variants({
    'unknown_event': ('An unknown event type is named.', {'events': 'TICK_6'}, 'Unknown event type TICK_6 in [eventlistener:l] events'),
    'trailing_comma': ('An empty event type is named as well.', {'events': 'TICK_5,'}, 'Unknown event type  in [eventlistener:l] events'),
    'no_events': ('A listener needs events.', {'events': None}, '[eventlistener:l] section requires an "events" line'),
    'no_buffer': ('A buffer has at least one place.', {'buffer_size': 0}, '[eventlistener:l] section sets invalid buffer_size (0)'),
    'redirected': ('stderr must not be mixed into the protocol.', {'redirect_stderr': 'true'},
                   '[eventlistener:l] section sets redirect_stderr=true but this is not allowed'),
})
def bad_section(box, options, said):
    contains(box.refusal(config(section('eventlistener:l', command=SLEEP, **{'events': 'TICK_5', **options}))), said)
