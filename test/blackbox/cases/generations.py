"""Several generations of the configuration side by side: a group keeps the one that it was made from."""

import os
import signal
from pathlib import Path

from harness import SLEEP, case, equal, program, wait_for
from parts import wait_parts

NAMES = ('a', 'b', 'c', 'd', 'e')


def written(box, number):
    """All programs as the configuration number `number` has them: a process tells it by its environment."""
    return [program(name, SLEEP, startsecs=0, environment=f'GENERATION="{number}"') for name in NAMES]


def generations(daemon):
    """{name: number of the configuration that its process was started from}."""
    found = {}
    for name in NAMES:
        pid = daemon.wait_state(name, 'RUNNING')['pid']
        words = Path(f'/proc/{pid}/environ').read_bytes().split(b'\0')
        found[name] = next(int(word.partition(b'=')[2]) for word in words if word.startswith(b'GENERATION='))
    return found


def images(pid, kind):
    """How many images of a kind a process has mapped."""
    lines = Path(f'/proc/{pid}/maps').read_text().splitlines()
    return len({line.split()[4] for line in lines if f'memfd:reeve-{kind}' in line})


def layered(box):
    """A daemon whose groups a to e are of the configurations 1 to 5; each is the only one of its generation."""
    daemon = box.daemon(*written(box, 0))
    for number, name in enumerate(NAMES, 1):
        daemon.rewrite(*written(box, number))
        equal(daemon.ctl('update', name).out, f'{name}: stopped\n{name}: updated process group\n')
    wait_for(lambda: all(info['statename'] == 'RUNNING' for info in daemon.rpc.getAllProcessInfo()), 'all RUNNING')
    return daemon


@case
def each_group_keeps_its_own(box):
    """Programs that are started again come from the generation of their group, not from the newest file."""
    daemon = layered(box)
    expected = {name: number for number, name in enumerate(NAMES, 1)}
    equal(generations(daemon), expected)
    before = {info['name']: info['pid'] for info in daemon.rpc.getAllProcessInfo()}
    daemon.rewrite(*written(box, 9))
    equal(daemon.rpc.reloadConfig(), [[[], list(NAMES), []]])
    daemon.ctl('restart', 'all')
    equal(generations(daemon), expected)
    os.kill(daemon.info('c')['pid'], signal.SIGKILL)
    daemon.wait_log(r'exited: c \(terminated by SIGKILL')
    wait_for(lambda: daemon.info('c')['statename'] == 'RUNNING', 'c')
    equal(generations(daemon), expected)
    equal([name for name, pid in before.items() if daemon.info(name)['pid'] == pid], [])


@case
def a_new_engine_knows_them_all(box):
    """An engine that takes over from a dead one starts programs from the same generations."""
    daemon = layered(box)
    parts = wait_parts(daemon.pid)
    pids = {info['name']: info['pid'] for info in daemon.rpc.getAllProcessInfo()}
    os.kill(parts['engine'], signal.SIGKILL)
    wait_parts(daemon.pid, other_than=parts['engine'])
    daemon.wait_ready()
    wait_for(lambda: {info['name']: info['pid'] for info in daemon.rpc.getAllProcessInfo()} == pids, 'the same processes')
    daemon.ctl('restart', 'all')
    equal(generations(daemon), {name: number for number, name in enumerate(NAMES, 1)})
    equal(daemon.rpc.reloadConfig(), [[[], list(NAMES[:-1]), []]])


@case(root=True)     # what a part has mapped is nobody else's business
def unused_ones_are_given_back(box):
    """A generation is in memory as long as a group is of it, or it is the newest or the one of the start."""
    daemon = layered(box)
    engine = wait_parts(daemon.pid)['engine']
    equal(images(daemon.pid, 'spawner'), 1 + len(NAMES))
    before = images(engine, 'engine')
    daemon.ctl('update')     # e is as it should be and stays where it is, the other groups move
    equal(set(generations(daemon).values()), {5})
    wait_for(lambda: images(daemon.pid, 'spawner') == 3, 'those of the start, of e and of the others')
    wait_for(lambda: images(engine, 'engine') <= before - 3, 'the same for the engine')
    for number in range(20, 30):     # read, but not taken into use
        daemon.rewrite(*written(box, number))
        daemon.rpc.reloadConfig()
    wait_for(lambda: images(daemon.pid, 'spawner') == 4, 'the same and the newest one')
    equal(set(generations(daemon).values()), {5})
