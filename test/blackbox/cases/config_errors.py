"""Errors of the configuration: each names file, line, section and key, what was found and what was expected.

All of them are told by --check-config, a start, a re-read and SIGHUP in the same words; the tables run through
the first, because it is quickest.
"""

import re

from harness import (ECHO_CONF, SLEEP, case, check, config, contains, equal, fault_of, lacks, program, section,
                     variants, wait_for)

NUMBER, BOOLEAN, SIZE = 'expected a whole number', 'expected true or false', 'expected a size such as 50MB'
OCTAL, USER = 'expected an octal number such as 022', 'expected a user of this system'
VARIABLES, EVENTS = 'expected KEY="value",KEY2="value"', "did you mean 'PROCESS_STATE'?"
LEVEL, SIGNAL = "expected critical, error, warn, info, debug, trace or blather; did you mean 'info'?", \
    "expected the name or number of a signal; did you mean 'TERM'?"
NO_FOLDER = 'The directory named as part of the path /no/such/x does not exist'
LIMITS = {'max_connections': '0', 'max_body': '1GB', 'max_headers': '1', 'max_header_line': '2MB',
          'request_timeout': '0'}

# Every key that can have a bad value: {section: {key: (value, what is said of it)}}.
SERVER = {**{key: (value, 'is not between') for key, value in LIMITS.items()},
          'username': ('me', 'contains incomplete authentication'), 'password': ('p', 'contains incomplete')}
PROGRAM = {
    'process_name': ('a b', "Invalid name: 'a b' because of character: ' '"), 'numprocs': ('1.5', "'1.5'", NUMBER),
    'numprocs_start': ('', "''", NUMBER), 'priority': ('high', "'high'", NUMBER), 'autostart': ('ture', "'ture'", BOOLEAN,
                                                                                              "did you mean 'true'?"),
    'startsecs': ('1s', "'1s'", NUMBER), 'startretries': ('0x3', "'0x3'", NUMBER),
    'autorestart': ('unexpectd', "'unexpectd'", "did you mean 'unexpected'?"), 'exitcodes': ('0,256', "'0,256'", '0 to 255'),
    'stopsignal': ('TREM', "'TREM'", SIGNAL), 'stopwaitsecs': ('- 1', "'- 1'", NUMBER),
    'stopasgroup': ('2', "'2'", BOOLEAN), 'killasgroup': ('no no', "'no no'", BOOLEAN),
    'user': ('no-such-user', 'Invalid user name no-such-user', USER), 'redirect_stderr': ('"true"', "'\"true\"'", BOOLEAN),
    'stdout_logfile': ('/no/such/x', NO_FOLDER), 'stderr_logfile': ('/no/such/x', NO_FOLDER),
    'stdout_logfile_maxbytes': ('1.5MB', "'1.5'", SIZE), 'stderr_logfile_maxbytes': ('1TB', "'1tb'", SIZE),
    'stdout_logfile_backups': ('many', "'many'", NUMBER), 'stderr_logfile_backups': ('many', "'many'", NUMBER),
    'stdout_capture_maxbytes': ('MB', "''", SIZE), 'stderr_capture_maxbytes': ('1m', "'1m'", SIZE),
    'stdout_events_enabled': ('maybe', "'maybe'", BOOLEAN), 'stderr_events_enabled': ('maybe', "'maybe'", BOOLEAN),
    'stdout_syslog': ('maybe', "'maybe'", BOOLEAN), 'stderr_syslog': ('maybe', "'maybe'", BOOLEAN),
    'environment': ('A=1,B', "'A=1,B'", VARIABLES), 'umask': ('9', '9 can not be converted', OCTAL),
    'command': ('cat %(nope)s', "'cat %(nope)s'", "('nope')"), 'directory': ('%(her)s', "('her')", "did you mean 'here'?"),
    'serverurl': ('%', 'incomplete format')}
BAD = {
    'unix_http_server': {'file': ('%(here)', 'incomplete format'), 'chmod': ('8', 'Invalid chmod value 8', OCTAL),
                         'chown': ('no-such-user', 'Invalid sockchown value no-such-user', 'Invalid user name'),
                         'allowed_hosts': ('%', 'incomplete format'), **SERVER},
    'inet_http_server': {'port': ('localhost:0', '0 is below lower bound (1)', 'or host:port'),
                         'allowed_hosts': ('%', 'incomplete format'), **SERVER},
    'supervisord': {
        'logfile': ('/no/such/x', NO_FOLDER), 'logfile_maxbytes': ('5 M', "'5 m'", SIZE),
        'logfile_backups': ('ten', "'ten'", NUMBER), 'loglevel': ('inof', "'inof'", LEVEL), 'pidfile': ('/no/such/x', NO_FOLDER),
        'umask': ('0888', '0888 can not be converted', OCTAL), 'nodaemon': ('nope', "'nope'", BOOLEAN),
        'silent': ('nope', "'nope'", BOOLEAN), 'minfds': ('1k', "'1k'", NUMBER), 'minprocs': ('1k', "'1k'", NUMBER),
        'nocleanup': ('nope', "'nope'", BOOLEAN), 'childlogdir': ('/no/such', '/no/such is not an existing directory'),
        'user': ('54321', 'Invalid user id 54321', USER), 'directory': ('/no/such', '/no/such is not an existing directory'),
        'strip_ansi': ('nope', "'nope'", BOOLEAN), 'environment': ('A="1', 'No closing quotation', VARIABLES),
        'identifier': ('100%', "'100%'", 'incomplete format'), 'log_symlinks': ('yes', "'refuse' or 'allow', not 'yes'"),
        'unknown_plugins': ('no', "'refuse' or 'warn', not 'no'")},
    'rpcinterface:supervisor': {'supervisor.rpcinterface_factory': ('a:b', 'a:b cannot be resolved', 'unknown_plugins=warn')},
    'program:x': PROGRAM,
    'eventlistener:x': {
        'events': ('PROCESS_STAET', 'Unknown event type PROCESS_STAET', EVENTS), 'buffer_size': ('0', 'invalid buffer_size (0)'),
        'priority': ('x', "'x'", NUMBER), 'redirect_stderr': ('true', 'sets redirect_stderr=true'),
        'result_handler': ('a:b', 'a:b cannot be resolved')},
    'fcgi-program:x': {
        'socket': ('unix://x', 'is not an absolute path'), 'socket_backlog': ('0', 'Invalid socket_backlog value 0'),
        'socket_owner': ('no-such-user', 'Invalid socket_owner value no-such-user'),
        'socket_mode': ('8', 'Invalid socket_mode value 8', OCTAL)},
    'group:x': {'programs': ('other,ohter', '[program:other] names unknown program or fcgi-program ohter', "did you mean 'other'?"),
                'priority': ('x', "'x'", NUMBER)},
    'include': {'files': ('%(nope)s', "('nope')")},
}
NEEDED = {'unix_http_server': {'file': 'x.sock'}, 'inet_http_server': {'port': '1'}, 'program:x': {'command': 'cat'},
          'eventlistener:x': {'command': 'cat', 'events': 'EVENT'}, 'fcgi-program:x': {'command': 'cat', 'socket': 'tcp://h:1'}}
# The section as a whole is named for these, as the reference does.
WHOLE = {'username', 'password'}
# Keys of supervisorctl; supervisord does not look at them.
OTHERS = ('supervisorctl', 'ctlplugin')


def errors_of(box, text):
    """What --check-config says of a text; lines with the place of each error."""
    result = box.run(box.supervisord, '-c', box.write('supervisord.conf', text), '--check-config')
    equal(result.code, 2, text)
    return result.err


def configuration_with(name, key, value):
    """A good configuration in which one key is bad, and the number of its line."""
    keys = {**NEEDED.get(name, {}), key: value}
    lines = ['[program:other]', 'command=cat', '', '; a comment', f'[{name}]',
             *(f'{k} = {v}' for k, v in keys.items())]
    if name != 'supervisord':
        lines.insert(0, '[supervisord]')
    return '\n'.join(lines) + '\n', lines.index(f'{key} = {value}') + 1


@variants({name.replace(':', '_').replace('-', '_'): (f'A bad value of each key of [{name}] is told with its place.', name)
           for name in BAD})
def places(box, name):
    for key, (value, *said) in BAD[name].items():
        text, line = configuration_with(name, key, value)
        error = errors_of(box, text)
        contains(error, *said)
        place = f'(supervisord.conf line {line}, [{name}] {key})'
        if key in WHOLE:
            place = f'(supervisord.conf line {text[:text.index("[" + name + "]")].count(chr(10)) + 1}, [{name}])'
        contains(error.replace(f'{box.folder}/', ''), place)
        equal(len(error.splitlines()), 1, f'lines of {error!r}')


@case
def every_key_is_tried(box):
    """The table above has every key of the sample, which has every key that there is."""
    sample = box.run(ECHO_CONF).out
    family, missing = None, []
    for line in sample.splitlines():
        if found := re.match(r';?\[([^]:]+)', line):
            family = found[1]
        elif (found := re.match(r';?([a-z_.]+)\s*=', line)) and family not in OTHERS:
            known = {key for name in BAD if name.split(':')[0] in (family, 'program') for key in BAD[name]}
            if found[1] not in known:
                missing.append(f'{family}.{found[1]}')
    check(family, 'the sample has sections')
    equal(missing, [])


@variants({
    'no_header': ('A line before any section is told with file and line.', 'a=b\n',
                  "File contains no section headers.\nfile: FILE, line: 1\n'a=b\\n'"),
    'no_delimiter': ('All lines that are no settings are told together.', '[a]\nb\nc=1\n=x\n',
                     "Source contains parsing errors: FILE\n\t[line  2]: 'b\\n'\n\t[line  4]: '=x\\n'"),
    'not_utf_8': ('A file that is no UTF-8 is told.', b'[a]\nb=\xff\n',
                  "'utf-8' codec can't decode byte 0xff in position 6: invalid start byte"),
    'no_supervisord': ('The section [supervisord] must be there.', '[supervisord ]\n',
                       '.ini file does not include supervisord section (PATH)'),
    'include_without_files': ('[include] must have files.', '[supervisord]\n[include]\n',
                              '.ini file has [include] section, but no files setting'),
})
def file(box, text, said):
    path = box.write('supervisord.conf', '')
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = box.run(box.supervisord, '-c', path, '--check-config')
    equal(result.code, 2)
    contains(result.err, said.replace('FILE', f"'{path}'").replace('PATH', str(path)))


@case
def hint_at_a_comment(box):
    """Where a comment has cut a quoted value, the error says so."""
    error = errors_of(box, '[supervisord]\n[program:x]\ncommand=cat\nenvironment=A="a ;b"\n')
    contains(error, 'No closing quotation', 'line 4, [program:x] environment', "what follows ' ;' or ' #' is a comment")


@case
def password_is_not_told(box):
    """Neither the value of a password nor the environment is part of an error."""
    text = '[supervisord]\n[unix_http_server]\nfile=x\nusername=u\npassword=secret%z\n'
    lacks(errors_of(box, text), 'secret')
    box.environment['HIDDEN'] = 'treasure'
    lacks(errors_of(box, '[supervisord]\n[program:x]\ncommand=echo %s\n'), 'treasure')
    error = errors_of(box, '[supervisord]\n[program:x]\ncommand=echo %(ENV_HIDEN)s\n')
    lacks(error, 'treasure')
    contains(error, "('ENV_HIDEN')", '; no environment variable HIDEN is known here')


@case
def same_words_everywhere(box):
    """A start, a re-read, a reload and SIGHUP say the same sentence; what runs is not touched."""
    daemon = box.daemon(program('x', SLEEP, startsecs=0))
    pid = daemon.wait_state('x', 'RUNNING')['pid']
    bad = config(program('x', SLEEP, startsecs='soon'))
    conf = box.write('supervisord.conf', bad)
    sentence = errors_of(box, bad).removeprefix('Error: ').rstrip('\n')
    contains(sentence, str(conf), '[program:x] startsecs', NUMBER)
    start = box.run(box.supervisord, '-n', '-c', conf)
    equal((start.code, start.err), (2, f'Error: {sentence}\nFor help, use {box.supervisord[0]} -h\n'))
    equal(fault_of(daemon.rpc.reloadConfig), (92, f'CANT_REREAD: {sentence}'))
    equal(fault_of(daemon.rpc.restart)[0], 92)
    ctl = box.write('ctl.conf', config())
    for action in ('reread', 'update', 'reload'):
        result = box.run(box.supervisorctl, '-c', ctl, action)
        equal(result.code, 1 if action == 'reload' else result.code)
        contains(result.out, sentence)
    before = daemon.log.count(sentence)
    daemon.signal(1)
    wait_for(lambda: daemon.log.count(sentence) > before, 'the line in the log')
    equal((daemon.info('x')['pid'], daemon.rpc.getState()['statename']), (pid, 'RUNNING'))


@case
def included_file_at_a_reread(box):
    """A broken included file is named at a re-read; when it is mended the next one takes it in."""
    daemon = box.daemon(program('x', SLEEP, startsecs=0), section('include', files='conf.d/*.conf'))
    box.write('conf.d/new.conf', program('y', SLEEP, autostart='flase'))
    text = fault_of(daemon.rpc.reloadConfig)[1]
    contains(text, f"{box.folder}/conf.d/new.conf line 3, [program:y] autostart", "did you mean 'false'?")
    box.write('conf.d/new.conf', 'no section\n')
    contains(fault_of(daemon.rpc.reloadConfig)[1], 'File contains no section headers', 'conf.d/new.conf', 'line: 1')
    box.write('conf.d/new.conf', program('y', SLEEP, autostart='false'))
    equal(daemon.rpc.reloadConfig(), [[['y'], [], []]])
