# Completion for fish: asks `kit` what may come next. Made by `kit completion fish`.

function __kit_complete
    set -l before (commandline --tokenize --cut-at-cursor --current-process)
    set -l word (commandline --cut-at-cursor --current-token)
    set -l offered ($before[1] __complete -- $before[2..] $word 2>/dev/null)
    switch "$offered[1]"
        case files
            __fish_complete_path $word
        case folders
            __fish_complete_directories $word
    end
    string join -- \n $offered[2..]
end

complete --command kit --no-files --arguments '(__kit_complete)'
