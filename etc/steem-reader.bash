# SPDX-License-Identifier: MIT
# Completion of steem-reader for bash.

_steem_reader() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} line=" ${COMP_WORDS[*]} "
    local actions="--once --backfill --gaps --status --verify --prove --purge --rewind --migrate --activate-filter --forget
        --check-config --print-config --help --version"
    local options="-c --config --log-level --dry-run"

    COMPREPLY=()
    case $before in
    -c | --config | --prove)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --log-level)
        mapfile -t COMPREPLY < <(compgen -W "error warning info debug" -- "$word")
        return
        ;;
    --backfill | --verify | --purge | --rewind | --forget | --user)
        return
        ;;
    esac
    case $line in
    *" --backfill "*) options+=" --refilter --virtual --deliver" ;;
    *" --gaps "*) options+=" --check --json" ;;
    *" --status "*) options+=" --queues --json" ;;
    *" --verify "*) options+=" --deep --offline --repair --json" ;;
    *" --migrate "* | *" --rewind "*) options+=" --user" ;;
    *" --once "* | *" --prove "* | *" --purge "* | *" --activate-filter "* | *" --forget "* | *" --check-config "* | *" --print-config "*) ;;
    *) options+=" $actions" ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
}

complete -o filenames -F _steem_reader steem-reader
