"""Restarts programs whose server does not answer 200, at each tick, like the listener of that name.

usage: httpok.py -p NAME ... URL
"""

import getopt
import os
import sys
import urllib.error
import urllib.request

import childutils


def status_of(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return str(error)


def main():
    options, (url,) = getopt.getopt(sys.argv[1:], 'p:')
    names = [value for _, value in options]
    supervisor = childutils.getRPCInterface(os.environ).supervisor
    while True:
        headers, _ = childutils.listener.wait()
        if headers['eventname'].startswith('TICK'):
            status = status_of(url)
            sys.stderr.write(f'{url}: {status}\n')
            for info in supervisor.getAllProcessInfo():
                name = f'{info["group"]}:{info["name"]}'
                if status != 200 and info['statename'] == 'RUNNING' and (info['name'] in names or name in names):
                    sys.stderr.write(f'Restarting {name}\n')
                    supervisor.stopProcess(name)
                    supervisor.startProcess(name)
        childutils.listener.ok()


main()
