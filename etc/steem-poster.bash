# SPDX-License-Identifier: MIT
# Completion of steem-poster for bash.

_steem_poster() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local options="-c --config --once --check --dry-run --check-config --print-config --log-level --help
        --version"

    COMPREPLY=()
    case $before in
    -c | --config)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --log-level)
        mapfile -t COMPREPLY < <(compgen -W "error warning info debug" -- "$word")
        return
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
}

complete -o filenames -F _steem_poster steem-poster
