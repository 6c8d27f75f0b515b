"""Events to the letter: payloads, order relative to what happens, serials, and each kind of source."""

import re
import signal

from harness import (IDLE, NOW, ONCE, PROGRAMS, PYTHON, SLEEP, case, check, contains, equal, lacks, listener,
                     program, section, variants, wait_for)

BEGIN, END = '<!--XSUPERVISOR:BEGIN-->', '<!--XSUPERVISOR:END-->'


def payloads(box, name, process):
    """'TYPE payload' of the events that a listener has got of one process; its pids become 'pid1', 'pid2', ..."""
    found = [f'{event.name.removeprefix("PROCESS_STATE_")} {event.payload}' for event in box.events(name)
             if f'processname:{process} ' in event.payload]
    pids = re.findall(rf"spawned: '{process}' with pid (\d+)", box.text('supervisord.log'))
    return [re.sub(r'\bpid:(\d+)', lambda pid: f'pid{pids.index(pid[1]) + 1}' if pid[1] in pids else pid[0], text)
            for text in found]


# --- states -------------------------------------------------------------------------------------------------

WATCHERS = 6


def watched(box, **options):
    """A daemon with a program x that does not run yet, and so many listeners that each event is sent at once."""
    command = f'{PYTHON} {PROGRAMS}/listener.py %(here)s/l%(process_num)d.events'
    daemon = box.daemon(program('x', **{'autostart': 'false', **options}),
                        section('eventlistener:l', command=command, events='PROCESS_STATE', numprocs=WATCHERS,
                                process_name='l%(process_num)d', **NOW), supervisord={'loglevel': 'debug'})

    def rested():
        log = daemon.log
        return log.count('RUNNING state') == WATCHERS and \
            log.count('ACKNOWLEDGED -> READY') == log.count('READY -> BUSY') + WATCHERS
    wait_for(rested, 'all listeners READY')
    return daemon


def timeline(box):
    """What the log says of x in order: the types of events as they are sent, and the first words of lines."""
    events = [event for n in range(WATCHERS) for event in box.events(f'l{n}')]
    types = {event.header['serial']: event.name.removeprefix('PROCESS_STATE_') for event in events
             if event.fields['processname'] == 'x'}
    found = []
    for line in box.text('supervisord.log').splitlines():
        text = line.split(' ', 3)[-1]
        if sent := re.match(r'event (\d+) sent to listener', text):
            found += [types[sent[1]]] if sent[1] in types else []
        elif line := re.match(r"(spawned|success|exited|stopped|gave up|killing|spawnerr)\b.*\bx\b", text):
            found.append(line[1])
    return found


@variants({
    'start_and_stop': ('STARTING comes before the spawn, RUNNING before success, STOPPING with the signal, STOPPED '
                       'before its line.', {'command': SLEEP}, 'stopped: x',
                       'STARTING spawned RUNNING success killing STOPPING STOPPED stopped'),
    'exit': ('EXITED comes before the line of the exit.', {'command': '/bin/sleep 0.3', **ONCE}, 'exited: x',
             'STARTING spawned RUNNING success EXITED exited'),
    'failure': ('BACKOFF comes before the line of the exit, FATAL before that of giving up.',
                {'command': '/bin/false', 'startsecs': 10, 'startretries': 0}, 'gave up: x',
                'STARTING spawned BACKOFF exited FATAL gave up'),
})
def moment(box, options, last, expected):
    daemon = watched(box, **options)
    daemon.rpc.startProcess('x', False)
    if 'stopped' in last:
        daemon.wait_state('x', 'RUNNING')
        daemon.rpc.stopProcess('x')
    daemon.wait_log(last)
    wait_for(lambda: ' '.join(timeline(box)) == expected, f'{expected} (it is {" ".join(timeline(box))})')


@variants({
    'stop': ('Each event of a program that is started and stopped.', {'command': SLEEP}, 'stopProcess', 'STOPPED',
             ['STARTING processname:x groupname:x from_state:STOPPED tries:0',
              'RUNNING processname:x groupname:x from_state:STARTING pid1',
              'STOPPING processname:x groupname:x from_state:RUNNING pid1',
              'STOPPED processname:x groupname:x from_state:STOPPING pid1']),
    'exit': ('Each event of a program that ends with another status.',
             {'command': "sh -c 'exit 3'", **ONCE, 'exitcodes': '1,2'}, None, 'EXITED',
             ['STARTING processname:x groupname:x from_state:STOPPED tries:0',
              'RUNNING processname:x groupname:x from_state:STARTING pid1',
              'EXITED processname:x groupname:x from_state:RUNNING expected:0 pid1']),
    'fatal': ('Each event of a program that fails twice.',
              {'command': '/bin/false', 'startsecs': 10, 'startretries': 1}, None, 'FATAL',
              ['STARTING processname:x groupname:x from_state:STOPPED tries:0',
               'BACKOFF processname:x groupname:x from_state:STARTING tries:1',
               'STARTING processname:x groupname:x from_state:BACKOFF tries:1',
               'BACKOFF processname:x groupname:x from_state:STARTING tries:2',
               'FATAL processname:x groupname:x from_state:BACKOFF']),
    'restart': ('EXITED and the next STARTING of a program that is started again.',
                {'command': '/bin/sleep 0.2', 'startsecs': 0, 'autorestart': 'true'}, None, 'EXITED',
                ['STARTING processname:x groupname:x from_state:STOPPED tries:0',
                 'RUNNING processname:x groupname:x from_state:STARTING pid1',
                 'EXITED processname:x groupname:x from_state:RUNNING expected:1 pid1',
                 'STARTING processname:x groupname:x from_state:EXITED tries:0',
                 'RUNNING processname:x groupname:x from_state:STARTING pid2']),
})
def state_payloads(box, options, call, last, expected):
    daemon = box.daemon(listener('l', 'PROCESS_STATE'), program('x', **options))
    if call:
        daemon.wait_state('x', 'RUNNING')
        getattr(daemon.rpc, call)('x')
    box.wait_event('l', f'PROCESS_STATE_{last}', lambda event: event.fields['processname'] == 'x')
    # (The line with a pid can be later than the events.)
    wait_for(lambda: payloads(box, 'l', 'x')[:len(expected)] == expected, f'{expected} (it is {payloads(box, "l", "x")})')


@case
def stop_in_backoff(box):
    """A stop in BACKOFF is STOPPED at once, without a pid."""
    daemon = box.daemon(listener('l', 'PROCESS_STATE'), program('x', '/no/such', startretries=50))
    daemon.wait_state('x', 'BACKOFF')
    daemon.rpc.stopProcess('x')
    box.wait_event('l', 'PROCESS_STATE_STOPPED')
    seen = payloads(box, 'l', 'x')
    tries = len(seen) // 2     # on a busy machine there may be more than one before the stop
    expected = ['STARTING processname:x groupname:x from_state:STOPPED tries:0']
    for number in range(1, tries + 1):
        expected += [f'BACKOFF processname:x groupname:x from_state:STARTING tries:{number}',
                     f'STARTING processname:x groupname:x from_state:BACKOFF tries:{number}']
    equal(seen, [*expected[:-1], 'STOPPED processname:x groupname:x from_state:BACKOFF pid:0'])


@case
def names_of_group_and_process(box):
    """In a group of another name, and in a pool of processes, events carry both names."""
    box.daemon(listener('l', 'PROCESS_STATE_RUNNING'), program('x', SLEEP, **NOW), section('group:g', programs='x'),
               program('many', SLEEP, numprocs=2, process_name='%(program_name)s_%(process_num)02d', **NOW))
    wait_for(lambda: len(box.events('l')) == 4, 'four events')
    equal([(event.fields['groupname'], event.fields['processname']) for event in box.events('l')],
          [('l', 'l'), ('g', 'x'), ('many', 'many_00'), ('many', 'many_01')])


# --- serials ------------------------------------------------------------------------------------------------

@case
def overlapping_subscriptions_multiply(box):
    """An event that matches three subscriptions comes three times, with the same serials."""
    daemon = box.daemon(listener('l', 'EVENT,PROCESS_STATE,PROCESS_STATE_STOPPED,process_state_stopped'),
                        program('x', SLEEP, **NOW))
    daemon.rpc.stopProcess('x')
    daemon.rpc.sendRemoteCommEvent('end', '')
    box.wait_event('l', 'REMOTE_COMMUNICATION')
    stopped = [event for event in box.events('l') if event.name == 'PROCESS_STATE_STOPPED']
    equal(len(stopped), 3)
    equal(len({(event.header['serial'], event.header['poolserial']) for event in stopped}), 1)


@case
def serials_over_a_restart(box):
    """SIGHUP lets the serial go on and begins the pool's anew; the daemon's own events tell of it."""
    daemon = box.daemon(listener('l', 'SUPERVISOR_STATE_CHANGE,REMOTE_COMMUNICATION'))
    daemon.rpc.sendRemoteCommEvent('type', 'one')
    box.wait_event('l', 'REMOTE_COMMUNICATION')
    daemon.signal(signal.SIGHUP)
    wait_for(lambda: sum(event.name.endswith('_RUNNING') for event in box.events('l')) == 2, 'the second start')
    daemon.wait_ready()
    daemon.rpc.sendRemoteCommEvent('type', 'two')
    box.wait_event('l', 'REMOTE_COMMUNICATION', lambda event: event.body == 'two')
    seen = [(event.name.removeprefix('SUPERVISOR_STATE_CHANGE_'), event.header['poolserial'])
            for event in box.events('l')]
    equal([one for one in seen if one[0] != 'STOPPING'],
          [('RUNNING', '0'), ('REMOTE_COMMUNICATION', '1'), ('RUNNING', '0'), ('REMOTE_COMMUNICATION', '1')])
    serials = [int(event.header['serial']) for event in box.events('l')]
    equal(serials, sorted(set(serials)), 'serials')


@case
def unwanted_events_take_no_serial(box):
    """Events that nobody subscribes to take no serial."""
    daemon = box.daemon(listener('l', 'REMOTE_COMMUNICATION'), program('x', SLEEP, **NOW))
    daemon.rpc.stopProcess('x')
    daemon.rpc.sendRemoteCommEvent('type', '')
    equal(box.wait_event('l', 'REMOTE_COMMUNICATION').header['serial'], '0')


# --- groups, remote -----------------------------------------------------------------------------------------

@case
def groups_come_and_go(box):
    """A listener hears of its own group and those after it, of later ones, and of removals, in order."""
    daemon = box.daemon(listener('l', 'PROCESS_GROUP'), program('early', SLEEP, priority=-5, **IDLE),
                        program('x', SLEEP, **IDLE))
    daemon.rewrite(listener('l', 'PROCESS_GROUP'), program('early', SLEEP, priority=-5, **IDLE),
                   program('y', SLEEP, **IDLE))
    equal(daemon.ctl('update').out, 'x: stopped\nx: removed process group\ny: added process group\n')
    box.wait_event('l', 'PROCESS_GROUP_ADDED', lambda event: 'groupname:y' in event.payload)
    equal([(event.name.removeprefix('PROCESS_GROUP_'), event.payload) for event in box.events('l')],
          [('ADDED', 'groupname:l\n'), ('ADDED', 'groupname:x\n'), ('REMOVED', 'groupname:x\n'),
           ('ADDED', 'groupname:y\n')])


@variants({
    'empty': ('Type and data may be empty.', '', '', 'type:\n'),
    'lines': ('Blanks and line feeds come as they were sent.', ' a b ', '\n\nx \n', 'type: a b \n\n\nx \n'),
    'markup': ('XML is unpacked.', '<t>', '&amp; <![CDATA[x]]>', 'type:<t>\n&amp; <![CDATA[x]]>'),
    'tokens': ('Data that looks like a header is data.', 't', 'ver:3.0 len:5\nREADY\n', 'type:t\nver:3.0 len:5\nREADY\n'),
})
def remote(box, kind, data, payload):
    daemon = box.daemon(listener('l', 'REMOTE_COMMUNICATION'))
    check(daemon.rpc.sendRemoteCommEvent(kind, data) is True, 'the call returns true')
    event = box.wait_event('l', 'REMOTE_COMMUNICATION')
    equal((event.payload, event.header['len']), (payload, str(len(payload))))


# --- output -------------------------------------------------------------------------------------------------

def talker(box, code, events, **options):
    """A daemon with a program x of Python code, which can say() bytes, and a listener."""
    box.write('x.py', 'import os, time\ndef say(data, fd=1):\n    while data:\n        data = data[os.write(fd, data):]\n'
                      f'BEGIN, END = {BEGIN.encode()!r}, {END.encode()!r}\n{code}\n')
    return box.daemon(listener('l', events), program('x', f'{PYTHON} %(here)s/x.py',
                                                     **{'stdout_logfile': '%(here)s/x.log', **ONCE, **options}))


@case
def bytes_that_are_no_text(box):
    """Output that is no UTF-8 is in the event as a literal; the log has the bytes."""
    talker(box, r'''say(b'ab\xff\xfe\'q"\n\x00\x1b')''', 'PROCESS_LOG', stdout_events_enabled='true')
    equal(box.wait_event('l', 'PROCESS_LOG_STDOUT').body, r'''Undecodable: b'ab\xff\xfe\'q"\n\x00\x1b' ''' [:-1])
    wait_for(lambda: box.path('x.log').read_bytes() == b'ab\xff\xfe\'q"\n\x00\x1b', 'the log')


@case
def output_events_without_a_log(box):
    """PROCESS_LOG events come without a log file as well, and in capture mode for what is captured."""
    talker(box, 'say(b"before " + BEGIN + b"inside" + END + b" after it, which is long enough")\nsay(b"oops", 2)',
           'PROCESS_LOG', stdout_logfile='NONE', stderr_logfile='NONE', stdout_capture_maxbytes=1000,
           stdout_events_enabled='true', stderr_events_enabled='true')
    def bodies(channel):
        return ''.join(event.body for event in box.events('l') if event.fields['channel'] == channel)
    wait_for(lambda: bodies('stdout').endswith('enough'), 'the output')
    equal(bodies('stdout'), 'before inside after it, which is long enough')
    equal(box.wait_event('l', 'PROCESS_LOG_STDERR').body, 'oops')


CAPTURES = {
    'byte_by_byte': ('Tokens are found wherever they are cut.',
                     'for byte in b"one" + BEGIN + b"two<!--XSUPER" + END + b"three":\n    say(bytes([byte]))',
                     ['two<!--XSUPER'], 'onethree'),
    'several_at_once': ('Any number of captures in one write.',
                        'say(b"".join(BEGIN + str(n).encode() + END + b"." for n in range(700)))',
                        [str(n) for n in range(700)], '.' * 700),
    'empty': ('An empty capture is an event without data.', 'say(b"a" + BEGIN + END + b"b")', [''], 'ab'),
    'nested': ('BEGIN inside a capture, and END outside, are data.',
               'say(END + b"a" + BEGIN + b"b" + BEGIN + b"c" + END + b"d")', [f'b{BEGIN}c'], f'{END}ad'),
    'unfinished': ('What was not ended is no event; the rest of the output is not lost.',
                   'say(b"a" + BEGIN + b"b" + END + b"tail<!--XSUP")', ['b'], 'atail<!--XSUP'),
    'no_text': ('A capture that is no UTF-8 is a literal.', r'say(BEGIN + b"\xff" + END)', [r"Undecodable: b'\xff'"], ''),
    'lines': ('Blanks and line feeds are kept.', r'say(BEGIN + b"\n a\n\n" + END)', ['\n a\n\n'], ''),
}


@variants(CAPTURES)
def capture(box, code, bodies, log):
    talker(box, code, 'PROCESS_COMMUNICATION', stdout_capture_maxbytes='1MB')
    wait_for(lambda: len(box.events('l')) >= len(bodies), 'the events')
    box.wait_text('supervisord.log', 'exited: x')
    equal([event.body for event in box.events('l')], bodies)
    equal({(event.name, event.fields['processname'], event.payload.partition('\n')[0].count(' '))
           for event in box.events('l')}, {('PROCESS_COMMUNICATION_STDOUT', 'x', 2)})
    equal(box.text('x.log'), log)


@case
def capture_of_a_redirected_channel(box):
    """With redirect_stderr what is written to stderr between tokens is an event of stdout."""
    talker(box, 'say(BEGIN + b"on stderr" + END, 2)', 'PROCESS_COMMUNICATION', redirect_stderr='true',
           stdout_capture_maxbytes=1000, stderr_capture_maxbytes=1000)
    equal(box.wait_event('l', 'PROCESS_COMMUNICATION_STDOUT').body, 'on stderr')


@case
def listeners_stderr_is_a_source(box):
    """A listener's own stderr gives PROCESS_LOG and PROCESS_COMMUNICATION events to others; its stdout does not."""
    box.write('talk.py', f"import sys\nprint('READY', flush=True)\nsys.stderr.write('{BEGIN}mine{END}')\n"
                         'sys.stderr.flush()\nsys.stdin.read()\n')
    box.daemon(listener('l', 'PROCESS_LOG,PROCESS_COMMUNICATION'),
               section('eventlistener:talk', command=f'{PYTHON} %(here)s/talk.py', events='TICK_3600',
                       stderr_capture_maxbytes=100, stdout_capture_maxbytes=100, stderr_events_enabled='true',
                       stdout_events_enabled='true', **NOW))
    event = box.wait_event('l', 'PROCESS_COMMUNICATION_STDERR')
    equal((event.fields['processname'], event.body), ('talk', 'mine'))
    equal({event.name for event in box.events('l')}, {'PROCESS_LOG_STDERR', 'PROCESS_COMMUNICATION_STDERR'})


# --- the daemon's end ---------------------------------------------------------------------------------------

@case
def listener_hears_of_the_end(box):
    """At the end listeners go last, and hear of the stop of all programs before."""
    daemon = box.daemon(listener('l', 'SUPERVISOR_STATE_CHANGE_STOPPING,PROCESS_STATE_STOPPING,PROCESS_STATE_STOPPED',
                                 stopwaitsecs=5), program('a', SLEEP, priority=1, **NOW),
                        program('b', SLEEP, priority=2, **NOW))
    # It ends when the listener has heard of that: all that came before is delivered.
    box.script('slow', "trap 'until grep -q STOPPING.*slow l.events; do sleep 0.05; done; exit' TERM; echo ready\n"
                       'while :; do sleep 0.05; done')
    daemon.rewrite(listener('l', 'SUPERVISOR_STATE_CHANGE_STOPPING,PROCESS_STATE_STOPPING,PROCESS_STATE_STOPPED',
                            stopwaitsecs=5), program('a', SLEEP, priority=1, **NOW),
                   program('b', SLEEP, priority=2, **NOW),
                   program('slow', '%(here)s/slow', priority=0, stdout_logfile='%(here)s/slow.log', directory='%(here)s',
                           stopwaitsecs=100, **NOW))
    daemon.rpc.reloadConfig()
    daemon.rpc.addProcessGroup('slow')
    box.wait_text('slow.log', 'ready')
    equal(daemon.stop(), 0)
    seen = [event.name.rpartition('_')[2] + ' ' + event.fields.get('processname', '') for event in box.events('l')]
    equal(seen[:6], ['STOPPING ', 'STOPPING b', 'STOPPED b', 'STOPPING a', 'STOPPED a', 'STOPPING slow'])
    stopped = re.findall(r'stopped: (\w+)', daemon.log)
    equal(stopped, ['b', 'a', 'slow', 'l'])
    lacks(daemon.log, 'UNKNOWN')
    contains(daemon.log, 'received SIGTERM')
