"""supervisor-rpc(7) names every method of the table with its parameters' types and its result's, and no other."""

import re
import sys

manual, table = (open(path, encoding='utf-8').read() for path in sys.argv[1:])
rows = {name: signature.split() for name, signature in re.findall(r'\{"(\w+)", (?:true|false), Method::\w+, "([^"]*)"', table)}
assert len(rows) == 41, len(rows)

entries = {}
waiting = []
for line in manual.splitlines():
    if line.startswith('.It Fn '):
        waiting.append(line.split(maxsplit=3)[2:])
    elif waiting:
        for name, *parameters in waiting:
            types = [parameter.split()[0] for parameter in re.findall(r'"([^"]*)"', ' '.join(parameters))]
            entries[name] = [line.split(':')[0]] + types
        waiting = []

wrong = {name: (rows.get(name), entries.get(name)) for name in rows.keys() | entries.keys() if rows.get(name) != entries.get(name)}
assert not wrong, wrong
