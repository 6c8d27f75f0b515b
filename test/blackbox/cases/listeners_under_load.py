"""Listeners that are late, and listeners whose engine dies."""

import os
import re
import signal

from harness import NOW, SLEEP, case, check, equal, lacks, program, wait_for
from parts import wait_parts

from cases.listener_protocol import got, pool, send, serials, wait_got

MANY = 1000


@case(limit=180)
def sleeper_loses_nothing(box):
    """A listener that sleeps for 5 s while 1,000 programs start gets every PROCESS_STATE_RUNNING, without any option."""
    # STARTING and RUNNING together are more than the 1024 events of the usual buffer.
    late = pool(box, """
time.sleep(5)
while True:
    say(b"READY\\n")
    with open('%(here)s/names', 'ab') as out:
        out.write(hear() + b"\\n")
    say(b"RESULT 2\\nOK")
""".replace('%(here)s', str(box.folder)), events='PROCESS_STATE_RUNNING')
    daemon = box.daemon(late, program('many', '/bin/sleep 100000', numprocs=MANY, process_name='%(process_num)d',
                                      startsecs=0, stdout_logfile='NONE', stderr_logfile='NONE', stopsignal='KILL'),
                        supervisord={'minfds': 8192}, wait=False)
    names = ['l', *map(str, range(MANY))]
    try:
        wait_for(lambda: len(serials(box)) >= len(names), 'all events', 120)
    finally:
        daemon.stop()     # much faster than the runner's search for processes that were left
    equal(sorted(re.findall(r'^processname:(\S+) ', box.text('names'), re.M)), sorted(names))
    equal(serials(box), [str(n) for n in range(len(names))], 'serials')
    lacks(daemon.log, 'overflowed')


BUSY = """
while True:
    say(b"READY\\n")
    text = hear().decode()
    wait('go' if NAME == 'l0' else 'go1')
    say(b"RESULT 4\\nFAIL" if 'bad' in text else b"RESULT 2\\nOK")
"""


def killed_engine(box, daemon):
    old = wait_parts(daemon.pid)['engine']
    os.kill(old, signal.SIGKILL)
    wait_parts(daemon.pid, other_than=old)


@case
def engine_dies_while_listeners_work(box):
    """Listeners and programs live on; the events in hand are answered, new ones come; what was lost is logged."""
    daemon = box.daemon(pool(box, BUSY, numprocs=2, process_name='l%(process_num)d'), program('x', SLEEP, **NOW),
                        pool(box, BUSY, name='idle'), supervisord={'loglevel': 'debug'})
    wait_for(lambda: daemon.log.count('ACKNOWLEDGED -> READY') == 3, 'three READY')
    send(daemon, 'one', 'bad', *'abcdefgh')
    wait_got(box, 'one', name='l0')
    wait_got(box, 'bad', name='l1')
    wait_for(lambda: len(got(box, 'idle')) == 1, 'the other pool')
    before = [(info['name'], info['pid']) for info in daemon.rpc.getAllProcessInfo()]
    killed_engine(box, daemon)
    daemon.wait_log('WARN pool l: 8 buffered events were lost with the former engine')
    daemon.wait_log('WARN pool idle: 9 buffered events were lost with the former engine')
    send(daemon, 'new')
    box.write('go1', '')     # the second process gives its event back, but nobody has it any more
    daemon.wait_log('WARN l1: an event of the former engine was given back, and is lost')
    wait_got(box, 'bad', 'new', name='l1')
    box.write('go', '')
    daemon.wait_log(r'l0: event was processed(.|\n)*l0: ACKNOWLEDGED -> READY')
    send(daemon, 'last')
    wait_got(box, 'one', 'last', name='l0')
    check(int(serials(box, 'l1')[1]) >= 2 and serials(box, 'l0')[1] > serials(box, 'l1')[1], 'serials go on')
    equal([(info['name'], info['pid']) for info in daemon.rpc.getAllProcessInfo()], before)
    equal(len(re.findall('lost', daemon.log)), 3, 'lines about losses')
    lacks(daemon.log, 'UNKNOWN')


@case
def engine_dies_while_nobody_listens(box):
    """Events that waited for a listener that is not there are counted as well."""
    daemon = box.daemon(pool(box, BUSY, autostart='false'))
    send(daemon, *'abc')
    killed_engine(box, daemon)
    daemon.wait_log('WARN pool l: 3 buffered events were lost with the former engine')
    send(daemon, 'd')
    daemon.rpc.startProcess('l')
    wait_got(box, 'd')
    equal(serials(box), ['3'])


@case
def engine_dies_at_rest(box):
    """If nothing waited nothing was lost, and nothing is said."""
    daemon = box.daemon(pool(box, BUSY), supervisord={'loglevel': 'debug'})
    box.write('go1', '')
    send(daemon, 'a')
    wait_for(lambda: daemon.log.count('ACKNOWLEDGED -> READY') == 2, 'the answer')
    killed_engine(box, daemon)
    send(daemon, 'b')
    wait_got(box, 'a', 'b')
    equal(serials(box), ['0', '1'])
    lacks(daemon.log, 'lost')
