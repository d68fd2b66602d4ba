# Completion for bash: asks `kit` what may come next. Made by `kit completion bash`.

_kit() {
    local before=${COMP_LINE:0:COMP_POINT} kind value word words=()
    # Readline takes words apart at `:`, `@` and `=`, of which references are full; blanks alone divide what `kit` is asked about.
    read -ra words <<<"$before"
    [[ $before == *[[:blank:]] ]] && words+=("")
    word=${words[${#words[@]} - 1]}
    # What readline takes for the beginning of the line, and does not replace.
    local kept=${word%"${word##*[$COMP_WORDBREAKS]}"}
    COMPREPLY=()
    {
        read -r kind
        while IFS=$'\t' read -r value _; do
            COMPREPLY+=("${value#"$kept"}")
        done
    } < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
    case $kind in
        files) compopt -o default 2>/dev/null ;;
        folders) compopt -o dirnames 2>/dev/null ;;
    esac
    # More is to follow what ends like this.
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=/:] ]] && compopt -o nospace 2>/dev/null
    return 0
}

complete -F _kit kit
