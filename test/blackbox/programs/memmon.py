"""Restarts programs that use too much memory, at each tick, like the listener of that name.

usage: memmon.py -p NAME=BYTES ...
"""

import getopt
import os
import sys
from pathlib import Path

import childutils


def resident(pid):
    pages = int(Path(f'/proc/{pid}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE')


def main():
    limits = dict(value.split('=') for _, value in getopt.getopt(sys.argv[1:], 'p:')[0])
    supervisor = childutils.getRPCInterface(os.environ).supervisor
    while True:
        headers, _ = childutils.listener.wait()
        if headers['eventname'].startswith('TICK'):
            for info in supervisor.getAllProcessInfo():
                if not info['pid'] or info['name'] not in limits:
                    continue
                size = resident(info['pid'])
                sys.stderr.write(f'RSS of {info["group"]}:{info["name"]} is {size}\n')
                if size > int(limits[info['name']]):
                    name = f'{info["group"]}:{info["name"]}'
                    sys.stderr.write(f'Restarting {name}\n')
                    supervisor.stopProcess(name)
                    supervisor.startProcess(name)
        childutils.listener.ok()


main()
