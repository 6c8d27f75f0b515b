#!/bin/sh
# sample_test.sh ECHO_SUPERVISORD_CONF SUPERVISOR_CONFREAD: what the first prints must be good for the second,
# as it is and with every key of [supervisord] and of the programs switched on.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" > "$folder/sample.conf"
"$2" --check-config -c "$folder/sample.conf" | tee "$folder/result"
! grep -q '^note:' "$folder/result"

# Names in it that no system need have, and what contradicts itself, stay out.
sed -E 's/^;([][a-z])/\1/; /^(user|chown|socket_owner)=/d; s/=\/a\/path /=\/tmp\/x /; s/^files = .*/files =/
        s/^programs=.*/programs=theprogramname/; s/^command=[^ ]*/command=\/bin\/cat/' \
    "$folder/sample.conf" > "$folder/all.conf"
"$2" --check-config -c "$folder/all.conf" | tee "$folder/result"
! grep 'unknown' "$folder/result"
