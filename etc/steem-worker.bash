# SPDX-License-Identifier: MIT
# Completion of steem-worker for bash.

_steem_worker() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} i
    local options="-c --config --queue --worker --concurrency --lease-s --timeout-s --stop-s --poll-ms
        --persistent --reply --act --author --answer-own --drain --log-level --help --version"

    COMPREPLY=()
    # Behind -- stands the command.
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == -- ]]; then
            if ((i == COMP_CWORD - 1)); then
                mapfile -t COMPREPLY < <(compgen -c -f -- "$word")
            else
                mapfile -t COMPREPLY < <(compgen -f -- "$word")
            fi
            return
        fi
    done
    case $before in
    -c | --config)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --log-level)
        mapfile -t COMPREPLY < <(compgen -W "error warning info debug" -- "$word")
        return
        ;;
    --reply)
        mapfile -t COMPREPLY < <(compgen -W "comment" -- "$word")
        return
        ;;
    --queue | --worker | --concurrency | --lease-s | --timeout-s | --stop-s | --poll-ms | --author)
        return
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
}

complete -o filenames -F _steem_worker steem-worker
