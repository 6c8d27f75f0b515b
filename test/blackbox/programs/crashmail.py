"""Mails when a program has ended unexpectedly, like the listener of that name.

usage: crashmail.py [-p PROGRAM ...] [-a] -s SENDMAIL -m ADDRESS     -p: group:name or name; -a: all
"""

import getopt
import subprocess
import sys

import childutils


def main():
    options, _ = getopt.getopt(sys.argv[1:], 'p:as:m:')
    programs = [value for name, value in options if name == '-p']
    everything = ('-a', '') in options
    values = dict(options)
    while True:
        headers, payload = childutils.listener.wait()
        if headers['eventname'] != 'PROCESS_STATE_EXITED':
            childutils.listener.ok()
            continue
        fields, _ = childutils.eventdata(payload + '\n')
        name = '%(groupname)s:%(processname)s' % fields
        if not int(fields['expected']) and (everything or name in programs or fields['processname'] in programs):
            sys.stderr.write('unexpected exit, mailing\n')
            mail = (f'To: {values["-m"]}\nSubject: {fields["processname"]} crashed\n\n'
                    'Process %(processname)s in group %(groupname)s exited unexpectedly (pid %(pid)s) from state '
                    '%(from_state)s\n' % fields)
            subprocess.run(values['-s'], shell=True, input=mail, text=True, check=True, stdout=sys.stderr)
        childutils.listener.ok()


main()
