#!/bin/bash
# SPDX-License-Identifier: MIT
# The house rules that a compiler does not know, as TAP: which layer may include which, where SQL,
# libpq and HTML may stand, how long a file may be.
set -euo pipefail
src=${srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$src"

# layer: what it may include besides itself and base
declare -A may=(
    [base]="" [net]="" [http]="" [git]="" [store]=""
    [cache]="store" [docker]="net" [notify]="net" [queue]="cache store"
    [auth]="net store cache" [metrics]="net store cache"
    [monitor]="docker metrics store cache queue"
    [deploy]="docker git net store queue cache"
    [worker]="deploy monitor notify docker queue store cache"
    [api]="http auth metrics store cache queue"
    [pages]="api http"
    [live]="auth cache store"
    [template]="" [probe]=""
)

number=0 failed=0
# verdict NAME FINDINGS: ok when there are none
verdict() {
    number=$((number + 1))
    if [ -z "$2" ]; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1"
        while IFS= read -r line; do echo "# $line"; done <<<"$2"
        failed=1
    fi
}

layers() {
    local file layer included
    for file in src/*/*.[ch]; do
        layer=${file#src/}
        layer=${layer%%/*}
        [ -n "${may[$layer]+x}" ] || echo "$file: the layer $layer is not in the table"
        while read -r included; do
            included=${included%%/*}
            [ -d "src/$included" ] || continue
            case " base $layer ${may[$layer]:-} " in
            *" $included "*) ;;
            *) echo "$file: $layer may not include $included" ;;
            esac
        done < <(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file")
    done
}

# What faces the network must not come near the Engine, however far down.
programs() {
    grep -nE '#include "(docker|git|deploy|monitor|worker)/' src/slipway-web.c src/slipway.c || true
}

sql() {
    # formatted SQL, anywhere
    grep -nE '(printf|addf)\([^;]*"(SELECT|INSERT|UPDATE|DELETE) ' -r src --include='*.c' || true
    # SQL outside the store
    grep -nE '"(SELECT|INSERT INTO|UPDATE|DELETE FROM) ' -r src --include='*.c' |
        grep -v '^src/store/' || true
    # libpq outside its one file
    grep -nE '\bPQ[a-z]+\(|libpq-fe' -r src --include='*.[ch]' | grep -v '^src/store/pg\.c:' || true
}

html() {
    grep -nE '"[^"]*<[a-z/]+[ >]' -r src/pages src/api --include='*.c' |
        grep -vE 'templates\.gen|http_set\(' || true
}

sizes() {
    find src -name '*.[ch]' ! -name '*.gen.*' -exec wc -l {} + |
        awk '$2 != "total" && $1 > 800 { print $2 ": " $1 " lines, 800 are the most" }'
}

banned() {
    grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|system|popen|alloca|mktemp|tmpnam|atoi|rand)\(' \
        -r src --include='*.[ch]' || true
}

licence() {
    local file
    while IFS= read -r file; do
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file has no SPDX line"
    done < <(find src sql templates static tests contrib -name node_modules -prune -o -type f \
        \( -name '*.[ch]' -o -name '*.sql' -o -name '*.sh' -o -name '*.mjs' -o -name '*.css' \
        -o -name '*.html' \) ! -name '*.gen.*' -print)
}

echo "1..7"
verdict "a layer includes only what stands below it" "$(layers)"
verdict "slipway-web and slipway do not include what reaches the Engine" "$(programs)"
verdict "SQL is in the store, parameters are never formatted in, libpq is in one file" "$(sql)"
verdict "HTML is in templates" "$(html)"
verdict "no file is longer than 800 lines" "$(sizes)"
verdict "functions that invite overruns and shells are not called" "$(banned)"
verdict "every file names its licence" "$(licence)"
exit "$failed"
