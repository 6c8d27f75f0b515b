# Completion of supervisorctl in bash: options, actions, and names of processes and groups, which are asked from
# the supervisord that the command line means.

_supervisorctl_names() {
    # Takes the options before the action along, so that the right server answers. Words as typed may be quoted.
    local words=("${COMP_WORDS[@]:1:$1-1}") name group
    while read -r name _; do
        group=${name%%:*}
        case $2 in
        groups) echo "$group" ;;
        *) echo "$name"; [ "$group" = "$name" ] || echo "$group:*" ;;
        esac
    done < <("${COMP_WORDS[0]}" "${words[@]}" status 2>/dev/null </dev/null | grep -E '^[^ ]+ +[A-Z]+ ') | sort -u
}

_supervisorctl() {
    local actions='add avail clear exit fg help maintail open pid privileges quit reload remove reread restart
        shutdown signal start status stop tail update version'
    local current previous action=0 i
    COMPREPLY=()
    # Names have colons, which bash takes for the ends of words: these are put together again if it can be done.
    if declare -F _get_comp_words_by_ref >/dev/null; then
        local cur words cword
        _get_comp_words_by_ref -n : cur words cword
        COMP_WORDS=("${words[@]}")
        COMP_CWORD=$cword
    fi
    current=${COMP_WORDS[COMP_CWORD]}
    previous=${COMP_WORDS[COMP_CWORD-1]}
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -c | -s | -u | -p | -r | --configuration | --serverurl | --username | --password | --history_file) ((i++)) ;;
        -*) ;;
        *) action=$i; break ;;
        esac
    done
    if ((action == 0)); then
        case $previous in
        -c | --configuration) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
        -s | -u | -p | -r | --serverurl | --username | --password | --history_file) ;;
        *)
            case $current in
            -*) mapfile -t COMPREPLY < <(compgen -W '-c -h -i -s -u -p --configuration --help --interactive
                --serverurl --username --password' -- "$current") ;;
            *) mapfile -t COMPREPLY < <(compgen -W "$actions" -- "$current") ;;
            esac ;;
        esac
        return
    fi
    local names=
    case ${COMP_WORDS[action]} in
    add | remove | update) names=$(_supervisorctl_names "$action" groups) ;;
    help) names=$actions ;;
    signal)
        if ((COMP_CWORD == action + 1)); then
            names='TERM HUP INT QUIT KILL USR1 USR2 STOP CONT'
        else
            names="$(_supervisorctl_names "$action" processes) all"
        fi ;;
    clear | pid | restart | start | status | stop) names="$(_supervisorctl_names "$action" processes) all" ;;
    fg | tail) names=$(_supervisorctl_names "$action" processes) ;;
    esac
    local IFS=$' \t\n'
    set -f # "g:*" is a name
    mapfile -t COMPREPLY < <(compgen -W "$names" -- "$current")
    set +f
    if declare -F __ltrim_colon_completions >/dev/null; then
        __ltrim_colon_completions "$current"
    fi
}

complete -F _supervisorctl supervisorctl
