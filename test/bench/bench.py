#!/usr/bin/env python3
"""Compares the build with the installed Supervisor, both measured in one run.

    test/bench/bench.py                      all measurements, with ./build
    test/bench/bench.py --build DIR          another build folder
    test/bench/bench.py -k status            only those whose name matches
    test/bench/bench.py --programs 200       how many programs (default 100)

Each line shows the median of Supervisor, that of the build, and the ratio. Lines that begin with "as_cat" have
`cat > file` in the place of Supervisor: the least that moving the same output can cost. Machines are noisy: only the
ratio of one run says anything. Nothing here is a test; nothing fails because it is slow.
"""

import argparse
import http.client
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import xmlrpc.client
from pathlib import Path

MEASUREMENTS = []


def measurement(unit, better):
    def register(function):
        MEASUREMENTS.append((function.__name__, unit, better, function))
        return function
    return register


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('localhost', timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def make_connection(self, host):
        if not self._connection[1]:
            self._connection = host, UnixConnection(self.path)
        return self._connection[1]


class Side:
    """One implementation: where its programs are."""

    def __init__(self, name, supervisord, supervisorctl):
        self.name, self.supervisord, self.supervisorctl = name, supervisord, supervisorctl


class Run:
    """A daemon in a private folder; ended by close()."""

    def __init__(self, side, text):
        self.side = side
        self.folder = Path(tempfile.mkdtemp(prefix='bench-'))
        self.folder.chmod(0o755)
        self.conf = self.folder / 'supervisord.conf'
        self.conf.write_text(f'''[supervisord]
nodaemon=true
silent=true
minfds=8192
logfile={self.folder}/supervisord.log
pidfile={self.folder}/supervisord.pid
childlogdir={self.folder}
[unix_http_server]
file={self.folder}/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{self.folder}/s.sock
''' + text)
        self.started = time.monotonic()
        self.process = subprocess.Popen([side.supervisord, '-c', self.conf], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def client(self):
        return xmlrpc.client.ServerProxy('http://localhost/RPC2', UnixTransport(self.folder / 's.sock')).supervisor

    def wait(self, probe, timeout=120):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                if probe():
                    return time.monotonic()
            except (OSError, http.client.HTTPException, xmlrpc.client.Error):
                pass
            time.sleep(0.002)
        raise SystemExit(f'{self.side.name}: gave up waiting')

    def wait_ready(self):
        return self.wait(lambda: self.client().getState())

    def spawned(self):
        return (self.folder / 'supervisord.log').read_text().count('spawned:')

    def parts(self):
        """The daemon's pids: itself and its parts, not its programs."""
        pids = [self.process.pid]
        for path in [Path('/proc', name, 'stat') for name in os.listdir('/proc') if name.isdigit()]:
            try:
                name, rest = path.read_text().split('(', 1)[1].rsplit(')', 1)
            except OSError:
                continue
            if int(rest.split()[1]) == self.process.pid and name.startswith('supervisor-'):
                pids.append(int(path.parent.name))
        return pids

    def cpu(self):
        ticks = 0
        for pid in self.parts():
            fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf('SC_CLK_TCK')

    def close(self):
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)
        shutil.rmtree(self.folder, ignore_errors=True)
        return time.monotonic() - begin


def sleepers(count, **options):
    more = ''.join(f'{key}={value}\n' for key, value in options.items())
    return ''.join(f'[program:p{i}]\ncommand=/bin/sleep 100000\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n{more}'
                   for i in range(count))


def median_of(times, function):
    return statistics.median(function() for _ in range(times))


@measurement('s', 'less')
def start_until_all_spawned(side, options):
    def once():
        run = Run(side, sleepers(options.programs))
        end = run.wait(lambda: run.spawned() >= options.programs)
        run.close()
        return end - run.started
    return median_of(3, once)


@measurement('s', 'less')
def term_until_exit(side, options):
    def once():
        run = Run(side, sleepers(options.programs))
        run.wait(lambda: run.spawned() >= options.programs)
        return run.close()
    return median_of(3, once)


@measurement('s', 'less')
def start_all_processes(side, options):
    run = Run(side, sleepers(options.programs, autostart='false'))
    run.wait_ready()
    begin = time.monotonic()
    run.client().startAllProcesses()
    taken = time.monotonic() - begin
    run.close()
    return taken


@measurement('ms', 'less')
def death_until_successor(side, options):
    run = Run(side, '[program:x]\ncommand=/bin/sleep 1000\nstartsecs=0\nautorestart=true\n')
    run.wait_ready()
    client = run.client()

    def once():
        pid = client.getProcessInfo('x')['pid']
        time.sleep(0.7)
        before = run.spawned()
        begin = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        while run.spawned() == before:
            time.sleep(0.0005)
        return (time.monotonic() - begin) * 1000
    taken = median_of(7, once)
    run.close()
    return taken


def rate(run, call, seconds=2.0):
    call()
    count, begin = 0, time.monotonic()
    while time.monotonic() - begin < seconds:
        call()
        count += 1
    return count / (time.monotonic() - begin)


@measurement('a second', 'more')
def get_state(side, options):
    run = Run(side, sleepers(options.programs))
    run.wait_ready()
    result = rate(run, run.client().getState)
    run.close()
    return result


def raw_rate(run, method, window, seconds=3.0):
    """Answers a second on one connection with so many requests under way, counted without an XML parser."""
    body = f"<?xml version='1.0'?><methodCall><methodName>supervisor.{method}</methodName></methodCall>".encode()
    request = (b'POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n'
               % len(body)) + body
    end = b'</methodResponse>'
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(run.folder / 's.sock'))
        answered, under_way, tail = 0, 0, b''
        begin = time.monotonic()
        while time.monotonic() - begin < seconds or not answered:
            connection.sendall(request * (window - under_way))
            data = tail + connection.recv(1 << 20)
            count = data.count(end)
            answered, under_way = answered + count, window - count
            tail = data.rpartition(end)[2][1 - len(end):]       # it may have been cut
        return answered / (time.monotonic() - begin)


@measurement('a second', 'more')
def get_state_pipelined(side, options):
    """Supervisor mixes up answers if more than one request waits, so it gets one at a time."""
    run = Run(side, sleepers(1))
    run.wait_ready()
    result = raw_rate(run, 'getState', 8 if side.name == 'Reeve' else 1)
    run.close()
    return result


@measurement('a second', 'more')
def get_all_process_info_of_1000(side, options):
    run = Run(side, sleepers(1000))
    run.wait(lambda: run.spawned() >= 1000)
    run.wait_ready()
    result = raw_rate(run, 'getAllProcessInfo', 2 if side.name == 'Reeve' else 1)
    run.close()
    return result


@measurement('a second', 'more')
def get_all_process_info(side, options):
    """Raw HTTP, so that the client's own XML parser is not what is measured."""
    run = Run(side, sleepers(options.programs))
    run.wait(lambda: run.spawned() >= options.programs)
    run.wait_ready()
    body = b"<?xml version='1.0'?><methodCall><methodName>supervisor.getAllProcessInfo</methodName></methodCall>"
    connection = UnixConnection(run.folder / 's.sock')

    def call():
        connection.request('POST', '/RPC2', body, {'Content-Type': 'text/xml'})
        connection.getresponse().read()
    result = rate(run, call)
    run.close()
    return result


@measurement('ms', 'less')
def supervisorctl_status(side, options):
    return status_of(side, options.programs)


@measurement('ms', 'less')
def supervisorctl_status_of_1(side, options):
    return status_of(side, 1)


@measurement('ms', 'less')
def supervisorctl_status_of_1000(side, options):
    return status_of(side, 1000)


def status_of(side, programs):
    run = Run(side, sleepers(programs))
    run.wait(lambda: run.spawned() >= programs)
    run.wait_ready()

    def once():
        begin = time.monotonic()
        subprocess.run([side.supervisorctl, '-c', run.conf, 'status'], stdout=subprocess.DEVNULL)
        return (time.monotonic() - begin) * 1000
    once()
    taken = median_of(7, once)
    run.close()
    return taken


@measurement('MB', 'less')
def memory_of_all_parts(side, options):
    run = Run(side, sleepers(options.programs))
    run.wait(lambda: run.spawned() >= options.programs)
    run.wait_ready()
    pss = 0
    for pid in run.parts():
        text = Path(f'/proc/{pid}/smaps_rollup').read_text()
        pss += int(re.search(r'^Pss:\s+(\d+)', text, re.M).group(1))
    run.close()
    return pss / 1024


LISTENER = '''import os, sys
out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
count, answer = 0, b'READY\\n'
while True:
    os.write(1, answer)
    event = b''
    while True:
        event += os.read(0, 65536)
        header, line_end, payload = event.partition(b'\\n')
        if line_end and len(payload) >= int(header.rpartition(b'len:')[2]):
            break
    count, answer = count + 1, b'RESULT 2\\nOKREADY\\n'
    os.pwrite(out, b'%d' % count, 0)
'''


@measurement('a second', 'more')
def events_to_a_pool_of_4(side, options):
    """From sendRemoteCommEvent, pipelined on one connection, until the listeners have got all."""
    count, window = 20000, 32
    run = Run(side, f'''[eventlistener:l]
command=/usr/bin/python3 -E -S %(here)s/listener.py %(here)s/got%(process_num)d
process_name=l%(process_num)d
numprocs=4
events=REMOTE_COMMUNICATION
buffer_size={count}
startsecs=0
stdout_logfile=NONE
''')
    (run.folder / 'listener.py').write_text(LISTENER)     # until it is there listeners end, and are started again
    run.wait(lambda: len(list(run.folder.glob('got*'))) == 4)
    body = (b"<?xml version='1.0'?><methodCall><methodName>supervisor.sendRemoteCommEvent</methodName><params>"
            b"<param><value><string>t</string></value></param><param><value><string>data</string></value></param>"
            b"</params></methodCall>")
    request = (b'POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n'
               % len(body)) + body
    begin = time.monotonic()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(run.folder / 's.sock'))
        answered = sent = 0
        tail = b''
        while answered < count:
            batch = min(count - sent, window - (sent - answered))
            connection.sendall(request * batch)
            sent += batch
            tail += connection.recv(1 << 20)
            answered += tail.count(b'</methodResponse>')
            tail = tail[-16:] if not tail.endswith(b'</methodResponse>') else b''

    def received():
        return sum(int((run.folder / f'got{n}').read_text() or 0) for n in range(4))
    end = run.wait(lambda: received() >= count)
    run.close()
    return count / (end - begin)


def flood_command(options):
    return f'yes {"0123456789" * 8} | head -c {options.megabytes}M'


def flood(side, options):
    """One program writes lines as fast as it can through a rotated log: seconds and CPU seconds."""
    run = Run(side, f'''[program:x]
command=/bin/sh -c "{flood_command(options)}"
autostart=false
autorestart=false
startsecs=0
redirect_stderr=true
stdout_logfile=%(here)s/x.log
stdout_logfile_maxbytes=50MB
stdout_logfile_backups=2
''')
    run.wait_ready()
    client = run.client()
    cpu = run.cpu()
    begin = time.monotonic()
    client.startProcess('x')
    while client.getProcessInfo('x')['statename'] != 'EXITED':
        time.sleep(0.02)
    taken, cpu = time.monotonic() - begin, run.cpu() - cpu
    run.close()
    return taken, cpu


def flood_of_cat(options):
    """The same into `cat > file`."""
    with tempfile.TemporaryDirectory(prefix='bench-') as folder, open(f'{folder}/x.log', 'wb') as log:
        begin = time.monotonic()
        source = subprocess.Popen(flood_command(options), shell=True, stdout=subprocess.PIPE)
        cat = subprocess.Popen(['cat'], stdin=source.stdout, stdout=log)
        source.stdout.close()
        used = os.wait4(cat.pid, 0)[2]
        taken = time.monotonic() - begin
        source.wait()
    return taken, used.ru_utime + used.ru_stime


def floods(side, options):
    return flood(side, options) if side.name == 'Reeve' else flood_of_cat(options)


@measurement('MB a second', 'more')
def as_cat_log_throughput(side, options):
    return options.megabytes / statistics.median(floods(side, options)[0] for _ in range(3))


@measurement('CPU seconds a GB', 'less')
def as_cat_log_cpu(side, options):
    return statistics.median(floods(side, options)[1] for _ in range(3)) * 1024 / options.megabytes


@measurement('% of a core', 'less')
def log_cpu_of_300_talkers(side, options):
    """300 programs write 50 lines a second each."""
    count = 300
    talker = options.build / 'test/blackbox/worker'
    run = Run(side, f'''[program:x]
command={talker} /dev/null 20
process_name=%(process_num)03d
numprocs={count}
startsecs=0
redirect_stderr=true
stdout_logfile=%(here)s/%(process_num)03d.log
''')
    run.wait(lambda: run.spawned() >= count)
    time.sleep(2)
    cpu, begin = run.cpu(), time.monotonic()
    time.sleep(5)
    used = (run.cpu() - cpu) / (time.monotonic() - begin)
    run.close()
    return used * 100


@measurement('MB a second', 'more')
def log_throughput(side, options):
    return options.megabytes / flood(side, options)[0]


@measurement('CPU seconds a GB', 'less')
def log_cpu(side, options):
    return flood(side, options)[1] * 1024 / options.megabytes


def main():
    here = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--build', type=Path, default=here / 'build')
    parser.add_argument('-k', default='', metavar='PATTERN')
    parser.add_argument('--programs', type=int, default=100)
    parser.add_argument('--megabytes', type=int, default=512)
    options = parser.parse_args()
    reference = Side('Supervisor', shutil.which('supervisord'), shutil.which('supervisorctl'))
    ours = Side('Reeve', str(options.build / 'supervisord'), str(options.build / 'supervisorctl'))
    if not reference.supervisord:
        raise SystemExit("bench: Debian's package supervisor is not installed, so there is nothing to compare with")
    print(f'{"measurement":28}{"Supervisor":>12}{"Reeve":>12}  {"unit":18}better by')
    for name, unit, better, function in MEASUREMENTS:
        if not re.search(options.k, name):
            continue
        old, new = function(reference, options), function(ours, options)
        factor = (old / new if better == 'less' else new / old) if old and new else float('nan')
        print(f'{name:28}{old:12.3f}{new:12.3f}  {unit:18}{factor:.1f}', flush=True)


if __name__ == '__main__':
    main()
