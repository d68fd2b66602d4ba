#compdef kit
# Completion for zsh: asks `kit` what may come next. Made by `kit completion zsh`.

_kit() {
    local line value help kind
    local -a offered open closed
    # The whole word counts, also where the cursor is in the middle of one.
    offered=("${(@f)$("${(Q)words[1]}" __complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    kind=$offered[1]
    for line in "${(@)offered[2,-1]}"; do
        value=${line%%$'\t'*}
        help=${line#*$'\t'}
        line=${value//:/\\:}${help:+:$help}
        # More is to follow what ends like this.
        if [[ $value == *[=/:] ]]; then
            open+=("$line")
        else
            closed+=("$line")
        fi
    done
    (( $#closed )) && _describe value closed
    (( $#open )) && _describe value open -S ''
    case $kind in
        files) _files ;;
        folders) _files -/ ;;
    esac
}

# Loaded from a folder of $fpath, this is the function itself; sourced, it is a script that makes the function known.
if [[ $funcstack[1] == _kit ]]; then
    _kit "$@"
else
    compdef _kit kit
fi
