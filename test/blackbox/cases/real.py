"""Programs that people really supervise, all in one configuration with included files and a group."""

import os
import re
import shutil
import socket
from pathlib import Path

from harness import (IS_ROOT, SLEEP, UnixConnection, alive, case, check, config, contains, equal, lacks, matches,
                     program, section, skip, status_of, wait_for, wait_gone)
from parts import WORKER

NGINX = shutil.which('nginx', path='/usr/sbin:/usr/bin')
REDIS = shutil.which('redis-server')
GUNICORN = shutil.which('gunicorn')
USER = 'nobody' if IS_ROOT else Path('/proc/self').owner()

NGINX_CONF = '''
pid {here}/nginx.pid;
error_log stderr;
{user}
worker_processes 2;
events {{ worker_connections 64; }}
http {{
    access_log /dev/stdout;
    client_body_temp_path {here}/nginx-body;
    proxy_temp_path {here}/nginx-proxy;
    fastcgi_temp_path {here}/nginx-fastcgi;
    uwsgi_temp_path {here}/nginx-uwsgi;
    scgi_temp_path {here}/nginx-scgi;
    server {{ listen unix:{here}/nginx.sock; location / {{ return 200 "from nginx\\n"; }} }}
}}
'''

APPLICATION = '''
import os
def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    print('request', environ['PATH_INFO'], flush=True)
    return [('from gunicorn ' + os.environ['GREETING']).encode()]
'''

MEMBERS = ('zeta', 'alpha', 'middle')   # the order given, which is not that of the names


def host(box):
    """Writes the configuration of a whole host, and starts it."""
    for found, name in ((NGINX, 'nginx'), (REDIS, 'redis-server'), (GUNICORN, 'gunicorn'), (WORKER.exists(), 'worker')):
        if not found:
            skip(f'{name} is not there')
    box.write('nginx.conf', NGINX_CONF.format(here=box.folder, user='user nobody nogroup;' if IS_ROOT else ''))
    box.write('app.py', APPLICATION)
    box.write('env.sh', 'export SECRET="from env.sh"\n')
    # In the order of their names, as the shell's pattern gives them.
    logged = {'stdout_logfile': '%(here)s/../%(program_name)s.log', 'redirect_stderr': 'true', 'startsecs': 0}
    here = '%(here)s/..'
    box.write('conf.d/10-servers.conf', '\n'.join((
        program('nginx', f"{NGINX} -e stderr -p {box.folder} -c {box.folder}/nginx.conf -g 'daemon off;'",
                stopsignal='QUIT', **logged),
        program('redis', f"{REDIS} --port 0 --unixsocket {here}/redis.sock --dir {here} --save '' --daemonize no", **logged),
        program('gunicorn', f'{GUNICORN} --workers 2 --bind unix:{here}/gunicorn.sock app:application',
                directory=here, environment='GREETING="hello, 100%%"', **logged))))
    box.write('conf.d/20-workers.conf', '\n'.join((
        program('pool', f'{WORKER} {here}/pool.ends 100', numprocs=4,
                process_name='%(program_name)s_%(process_num)02d', startsecs=0,
                stdout_logfile=f'{here}/pool_%(process_num)02d.log'),
        program('shell', f'bash -c "source {here}/env.sh && echo $SECRET && exec {WORKER} {here}/shell.ends 100"', **logged),
        program('switch', "sh -c 'id -un; exec sleep 1000'", user=USER, **logged),
        program('worker', f'{WORKER} {here}/worker.ends 10', **logged))))
    box.write('conf.d/30-site.conf', '\n'.join((
        *(program(name, SLEEP, startsecs=0) for name in sorted(MEMBERS)),
        section('group:site', programs=','.join(MEMBERS), priority=5))))
    daemon = box.daemon_for(box.write('supervisord.conf', config(section('include', files='conf.d/*.conf'))))
    wait_for(lambda: {info['statename'] for info in daemon.rpc.getAllProcessInfo()} == {'RUNNING'}, 'all RUNNING')
    for name in ('worker', *(f'pool_{number:02}' for number in range(4))):
        box.wait_text(f'{name}.log', r'^\d+ 1$')     # before that they have no handler for SIGTERM
    return daemon


def get(box, name, path='/'):
    """An HTTP request to a socket in the folder, as soon as it is there."""
    def ask():
        try:
            connection = UnixConnection(box.path(name))
            connection.request('GET', path)
            return connection.getresponse().read().decode()
        except (FileNotFoundError, ConnectionRefusedError):
            return None
    return wait_for(ask, f'an answer at {name}')


def pids(daemon):
    return {f'{info["group"]}:{info["name"]}': info['pid'] for info in daemon.rpc.getAllProcessInfo()}


@case
def everything_serves(box):
    """nginx, redis, gunicorn, a pool, a shell line and another user's program all run and do their work."""
    daemon = host(box)
    equal(get(box, 'nginx.sock'), 'from nginx\n')
    box.wait_text('nginx.log', r'"GET / HTTP/1.1" 200')        # written to /dev/stdout by a worker
    equal(get(box, 'gunicorn.sock', '/where'), 'from gunicorn hello, 100%')
    box.wait_text('gunicorn.log', r'^request /where$')
    with socket.socket(socket.AF_UNIX) as redis:
        wait_for(lambda: redis.connect_ex(str(box.path('redis.sock'))) == 0, 'redis')
        redis.sendall(b'PING\r\n')
        equal(redis.recv(100), b'+PONG\r\n')
    lines = daemon.ctl('status').out.splitlines()
    equal([line.split()[:2] for line in lines if line.startswith('pool:')],
          [[f'pool:pool_{n:02}', 'RUNNING'] for n in range(4)])
    box.wait_text('shell.log', r'^from env\.sh$')
    wait_for(lambda: status_of(pids(daemon)['shell:shell'])['Name'] == 'worker', 'the shell to become the worker')
    box.wait_text('switch.log', f'^{USER}$')
    equal(Path(f'/proc/{pids(daemon)["switch:switch"]}').owner(), USER)


@case
def members_start_in_the_order_given(box):
    """The members of [group:x] start in the order of programs=, and the group before those of a later priority."""
    daemon = host(box)
    spawned = re.findall(r"spawned: '(\w+)' with pid", daemon.log)
    equal(spawned[:len(MEMBERS)], list(MEMBERS))
    names = [info['name'] for info in daemon.rpc.getAllProcessInfo() if info['group'] == 'site']
    equal(sorted(names), sorted(MEMBERS))


@case
def worker_is_restarted_by_hand(box):
    """`supervisorctl restart` lets a program finish on SIGTERM, starts a new one, and no line is lost."""
    daemon = host(box)
    old = daemon.rpc.getProcessInfo('worker')['pid']
    others = {name: pid for name, pid in pids(daemon).items() if name != 'worker:worker'}
    equal(daemon.ctl('restart', 'worker').out, 'worker: stopped\nworker: started\n')
    new = daemon.rpc.getProcessInfo('worker')['pid']
    check(old != new, 'the pid is another one')
    wait_gone(old)
    last = int(matches(box.text('worker.ends'), fr'^end {old} (\d+) SIGTERM$')[1])
    box.wait_text('worker.log', f'^{new} 1$')
    equal(re.findall(fr'^{old} (\d+)$', box.text('worker.log'), re.M), [str(n) for n in range(1, last + 1)])
    equal({name: pid for name, pid in pids(daemon).items() if name != 'worker:worker'}, others)


@case
def pool_member_is_restarted_alone(box):
    """One process of a pool can be restarted by its own name; a whole pool by `pool:*`."""
    daemon = host(box)
    before = pids(daemon)
    equal(daemon.ctl('restart', 'pool:pool_02').out, 'pool:pool_02: stopped\npool:pool_02: started\n')
    after = pids(daemon)
    equal([name for name in before if before[name] != after[name]], ['pool:pool_02'])
    box.wait_text('pool_02.log', f'^{after["pool:pool_02"]} 1$')
    equal(sorted(daemon.ctl('stop', 'pool:*').out.splitlines()), [f'pool:pool_{n:02}: stopped' for n in range(4)])
    equal(len(re.findall(r'SIGTERM$', box.text('pool.ends'), re.M)), 5)


@case
def new_file_is_taken_in(box):
    """A file added to conf.d is started by reread and update; what runs goes on with the same pids."""
    daemon = host(box)
    before = pids(daemon)
    box.write('conf.d/40-new.conf', program('new', SLEEP, startsecs=0))
    equal(daemon.ctl('reread').out, 'new: available\n')
    equal(daemon.ctl('update').out, 'new: added process group\n')
    box.path('conf.d/20-workers.conf').write_text(box.text('conf.d/20-workers.conf').replace('numprocs=4', 'numprocs=2'))
    equal(daemon.ctl('update').out, 'pool: stopped\npool: updated process group\n')
    after = pids(daemon)
    equal(sorted(name for name in after if name.startswith('pool:')), ['pool:pool_00', 'pool:pool_01'])
    check(after['new:new'], 'the new program has a pid')
    equal([name for name in before if not name.startswith('pool:') and after[name] != before[name]], [])


@case
def killed_server_comes_back(box):
    """A server that is killed is started again and serves."""
    daemon = host(box)
    old = daemon.rpc.getProcessInfo('redis')['pid']
    os.kill(old, 9)
    daemon.wait_log(r'exited: redis \(terminated by SIGKILL; not expected\)')
    wait_for(lambda: daemon.rpc.getProcessInfo('redis')['pid'] not in (0, old), 'a new redis')
    with socket.socket(socket.AF_UNIX) as redis:
        wait_for(lambda: redis.connect_ex(str(box.path('redis.sock'))) == 0, 'redis')
        redis.sendall(b'PING\r\n')
        equal(redis.recv(100), b'+PONG\r\n')


@case
def all_end_with_the_daemon(box):
    """At the end of supervisord all programs and their children are gone, having ended properly."""
    daemon = host(box)
    get(box, 'nginx.sock')
    workers = [int(pid) for pid in Path(f'/proc/{pids(daemon)["nginx:nginx"]}/task').glob('*/children')
               for pid in pid.read_text().split()]
    check(workers, 'nginx has workers')
    box.wait_text('redis.log', 'eady to accept connections')     # before that it has no handler for SIGTERM
    running = [*pids(daemon).values(), *workers]
    equal(daemon.stop(), 0)
    equal([pid for pid in running if alive(pid)], [])
    matches(box.text('worker.ends'), r'^end \d+ \d+ SIGTERM$')
    lacks(daemon.log, 'SIGKILL')
    contains(box.text('redis.log'), 'Redis is now ready to exit')
    check(not box.path('supervisord.pid').exists() and not box.path('s.sock').exists(), 'pidfile and socket are gone')
