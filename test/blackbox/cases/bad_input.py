"""What is wrong is said in one sentence, with the right status, and nothing is started."""

import re

from harness import SLEEP, case, check, config, contains, equal, matches, program, section, variants, wait_for

# What is wrong: (text that is added to a good configuration, what the sentence says, the bad line of the text).
BAD = {
    'no_key': ('[program:x]\ncommand\n', 'Source contains parsing errors', 2),
    'bad_number': ('[program:x]\ncommand=/bin/true\nstartsecs=soon\n', "'soon'", 3),
    'bad_boolean': ('[program:x]\ncommand=/bin/true\nautostart=perhaps\n', "'perhaps'", 3),
    'bad_signal': ('[program:x]\ncommand=/bin/true\n\nstopsignal=NOPE\n', 'NOPE', 4),
    'bad_user': ('[program:x]\ncommand=/bin/true\nuser=no-such-user\n', 'no-such-user', 3),
    'bad_name': ('[program:x]\ncommand=/bin/echo %(nope)s\n', 'nope', 2),
    'bad_group': ('[group:g]\nprograms=nope\n', 'nope', 2),
    'bad_environment': ('[program:x]\ncommand=/bin/true\nenvironment=A\n', 'A', 3),
    'no_command': ('[program:x]\nautostart=true\n', 'command', 1),
    'bad_autorestart': ('[program:x]\ncommand=/bin/true\nautorestart=sometimes\n', 'sometimes', 3),
    'bad_events': ('[eventlistener:x]\ncommand=/bin/cat\nevents=PROCESS_STATES\n', 'PROCESS_STATES', 3),
}


@variants({name: (f'A configuration with {name} names file and line, ends with 2, and starts nothing.', *row)
           for name, row in BAD.items()})
def configuration(box, bad, said, line):
    good = config(program('good', f'touch {box.folder}/started', startsecs=0))
    error = box.refusal(good + '\n' + bad)
    contains(error, said)
    number = (good + '\n').count('\n') + line
    matches(error, fr'(?s)supervisord\.conf.*line:? *{number}\b')
    sentence, _, hint = error.partition('\nFor help, use ')
    check(hint and len(sentence.splitlines()) == (2 if '\t[line' in sentence else 1), f'one sentence: {error!r}')
    lacking = [name for name in ('started', 'supervisord.pid', 'supervisord.log', 's.sock') if box.path(name).exists()]
    equal(lacking, [], 'files of a daemon that did not start')


@case
def included_file_is_named(box):
    """An error in an included file names that file and the line in it."""
    box.write('conf.d/a.conf', program('a', SLEEP))
    box.write('conf.d/b.conf', f'[program:b]\ncommand={SLEEP}\nnumprocs=many\n')
    matches(box.refusal(config(section('include', files='conf.d/*.conf'))), r'conf\.d/b\.conf.*line:? *3\b')


@case
def missing_file(box):
    """A configuration that is not there is named; the status is 2."""
    result = box.run(box.supervisord, '-n', '-c', box.path('nope.conf'))
    equal(result.code, 2)
    contains(result.err, 'Error: could not find config file', 'nope.conf')


@case
def broken_file_at_hup_stops_nothing(box):
    """SIGHUP with a broken configuration stops nothing; the log names file and line."""
    daemon = box.daemon(program('x', SLEEP, startsecs=0))
    before = daemon.info('x')['pid']
    box.write('supervisord.conf', config(program('x', SLEEP, startsecs='soon')))
    daemon.signal(1)
    line = daemon.wait_log(r".*'soon'.*")[0]
    matches(line, r'supervisord\.conf line \d+')
    equal(daemon.info('x')['pid'], before)
    result = box.run(box.supervisorctl, '-c', box.write('ctl.conf', config()), 'reload')
    equal(result.code, 1)
    contains(result.out, 'soon')
    equal(daemon.info('x')['pid'], before)


@case
def unknown_programs(box):
    """Each action says of a program that does not exist what the reference says, with the same status."""
    daemon = box.daemon(program('x', SLEEP, startsecs=0))
    for words, out, code in (
            (('start', 'nope'), 'nope: ERROR (no such process)\n', 1),
            (('stop', 'nope'), 'nope: ERROR (no such process)\n', 1),
            (('restart', 'nope'), 'nope: ERROR (no such process)\nnope: ERROR (no such process)\n', 1),
            (('status', 'nope'), 'nope: ERROR (no such process)\n', 4),
            (('start', 'nope:*'), 'nope: ERROR (no such group)\n', 2),
            (('signal', 'HUP', 'nope'), 'nope: ERROR (no such process)\n', 1),
            (('pid', 'nope'), 'No such process nope\n', 1),
            (('tail', 'nope'), 'nope: ERROR (no such process name)\n', 1),
            (('clear', 'nope'), 'nope: ERROR (no such process)\n', 1),
            (('add', 'nope'), 'ERROR: no such process/group: nope\n', 1),
            (('remove', 'nope'), 'ERROR: no such process/group: nope\n', 1),
            (('update', 'nope'), 'ERROR: no such group: nope\n', 1)):
        result = daemon.ctl(*words)
        equal((result.out, result.code), (out, code), ' '.join(words))


@case
def unknown_action(box):
    """An action that does not exist is said to be unknown."""
    daemon = box.daemon()
    equal(daemon.ctl('nope').out, '*** Unknown syntax: nope\n')


@case
def wrong_password(box):
    """With a wrong password nothing is done, and the reason is said."""
    box.daemon(program('x', SLEEP, autostart='false'), unix={'username': 'me', 'password': 'right'}, wait=True)
    conf = box.write('ctl.conf', section('supervisorctl', serverurl=f'unix://{box.folder}/s.sock'))
    for arguments in (('-u', 'me', '-p', 'wrong'), ('-u', 'you', '-p', 'right'), ()):
        result = box.run(box.supervisorctl, '-c', conf, *arguments, 'start', 'x')
        equal(result.code, 1)
        matches(result.out, r'^Server requires authentication\nerror')
    result = box.run(box.supervisorctl, '-c', conf, '-u', 'me', '-p', 'right', 'status')
    matches(result.out, r'^x +STOPPED ')


@case
def daemon_is_not_there(box):
    """Without a daemon the client names the address; the statuses are those scripts know."""
    conf = box.write('ctl.conf', section('supervisorctl', serverurl=f'unix://{box.folder}/s.sock'))
    url = f'unix://{box.folder}/s.sock'
    for words, code in ((('status',), 4), (('start', 'x'), 7), (('pid',), 7)):
        result = box.run(box.supervisorctl, '-c', conf, *words)
        equal((result.out, result.code), (f'{url} no such file\n', code), ' '.join(words))
    box.write('s.sock', '')
    for words, code in ((('status',), 4), (('stop', 'x'), 4)):
        result = box.run(box.supervisorctl, '-c', conf, *words)
        equal((result.out, result.code), (f'{url} refused connection\n', code), ' '.join(words))
    result = box.run(box.supervisorctl, '-c', conf, 'reread')
    equal(result.code, 1)
    matches(result.out, r'^error: .*111')


@case
def second_instance(box):
    """A second instance is refused; the first one's socket, pidfile and logs stay as they are."""
    daemon = box.daemon(program('x', '/bin/sh -c "echo mine; exec sleep 1000"', startsecs=0))
    wait_for(lambda: daemon.rpc.readProcessStdoutLog('x', 0, 0), 'output')
    result = box.run(box.supervisord, '-n', '-c', box.path('supervisord.conf'))
    check(result.code != 0, 'the second one fails')
    matches(result.err + result.out, r'(?i)already|another')
    equal(daemon.rpc.getPID(), daemon.pid)
    equal(daemon.rpc.readProcessStdoutLog('x', 0, 0), 'mine\n')
    equal(box.text('supervisord.pid').strip(), str(daemon.pid))


@case
def program_that_cannot_start(box):
    """A command that does not exist, a directory, a file without x: FATAL with the reason, the others run."""
    box.write('plain', 'x', 0o644)
    daemon = box.daemon(program('none', '/no/such/file'), program('folder', '/tmp'),
                        program('plain', f'{box.folder}/plain'), program('good', SLEEP, startsecs=0))
    for name, text in (('none', r"can't find command '/no/such/file'"), ('folder', r"command at '/tmp' is a directory|"
                       r"command at '/tmp' is not executable"), ('plain', r"command at '.*/plain' is not executable")):
        daemon.wait_state(name, 'FATAL')
        check(re.search(text, daemon.info(name)['spawnerr']), daemon.info(name)['spawnerr'])
    equal(daemon.info('good')['statename'], 'RUNNING')
