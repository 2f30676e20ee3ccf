# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What contrib/up, contrib/down and contrib/push share: where things are, and small helpers.
# Sourced after ROOT (the checkout) is set.

# shellcheck disable=SC2034 # its readers source this
DEFAULT_STATE=/var/lib/slipway-dev

# shellcheck source=contrib/lib/services.sh
. "$ROOT/contrib/lib/services.sh"

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# step WHAT: a line of progress on a terminal and in a log alike.
step() {
    printf '%s %s\n' "$(date +%H:%M:%S)" "$*"
}

# Ports, kept in STATE/ports so that the next run has the same ones.
ports_default() {
    PORT_WEB=8080
    PORT_APPS=8081
    PORT_GIT=8082
    PORT_POSTGRES=8083
    PORT_REDIS=8084
    PORT_REGISTRY=8085
}

ports_load() {
    local key value
    ports_default
    [ -f "$STATE/ports" ] || return 0
    while IFS='=' read -r key value; do
        case $key in
        PORT_WEB | PORT_APPS | PORT_GIT | PORT_POSTGRES | PORT_REDIS | PORT_REGISTRY)
            printf -v "$key" '%s' "$value"
            ;;
        esac
    done <"$STATE/ports"
}

ports_save() {
    printf '%s\n' "PORT_WEB=$PORT_WEB" "PORT_APPS=$PORT_APPS" "PORT_GIT=$PORT_GIT" \
        "PORT_POSTGRES=$PORT_POSTGRES" "PORT_REDIS=$PORT_REDIS" "PORT_REGISTRY=$PORT_REGISTRY" \
        >"$STATE/ports"
}

# secret NAME: a random text in STATE/secrets/NAME, made once.
secret() {
    local file=$STATE/secrets/$1
    if [ ! -s "$file" ]; then
        (umask 077 && mkdir -p "$STATE/secrets" &&
            head -c 18 /dev/urandom | base64 | tr '+/' '-_' >"$file.new" &&
            mv "$file.new" "$file")
    fi
    cat "$file"
}

# engine_socket: the Engine in use. STATE/engine says "private" or names another's socket.
engine_socket() {
    local engine
    engine=$(cat "$STATE/engine" 2>/dev/null || echo private)
    [ "$engine" != private ] || engine=$STATE/docker/docker.sock
    echo "$engine"
}

# api METHOD PATH [BODY]: calls Slipway's API as TOKEN (when set), body from an argument through
# standard input. Prints the answer; fails on 4xx and 5xx with the problem on stderr.
api() {
    local method=$1 path=$2 answer status
    shift 2
    # The token goes through a file descriptor, where the process list does not show it.
    answer=$(printf '%s' "${1:-}" | curl -sS --noproxy '*' -m 40 -X "$method" \
        ${1:+-H 'Content-Type: application/json' --data-binary @-} \
        -K <([ -z "${TOKEN:-}" ] || echo "header = \"Authorization: Bearer $TOKEN\"") \
        -w '\n%{http_code}' "http://127.0.0.1:$PORT_WEB$path") || return 1
    status=${answer##*$'\n'}
    answer=${answer%$'\n'*}
    if [ "$status" -ge 400 ]; then
        echo "$method $path answered $status: $(jq -r '[.detail // .title // empty,
            (.errors // [] | .[] | .field + " " + .message)] | join("; ")' <<<"$answer" \
            2>/dev/null || echo "$answer")" >&2
        return 1
    fi
    printf '%s\n' "$answer"
}

# login: sets TOKEN. The password goes through the environment: arguments are for all to read.
login() {
    TOKEN=
    TOKEN=$(api POST /api/auth/login "$(username=$OWNER password=$(secret owner) jq -nc \
        '{username: env.username, password: env.password}')" | jq -r .token) && [ -n "$TOKEN" ]
}
OWNER=owner

# watch_deployment ID: prints each status as it comes; fails unless the end is success.
watch_deployment() {
    local id=$1 answer status last='' end=$((SECONDS + 1900))
    while [ "$SECONDS" -lt "$end" ]; do
        if answer=$(api GET "/api/deployments/$id"); then
            status=$(jq -r .status <<<"$answer")
            [ "$status" = "$last" ] || step "  deployment ${id:0:13}: $status"
            last=$status
            case $status in
            success) return 0 ;;
            failed | cancelled | superseded | rolled_back)
                jq -r '.error // empty | "  \(.step // "?"): \(.message)" +
                    (if .output then "\n" + .output else "" end)' <<<"$answer"
                return 1
                ;;
            esac
        fi
        sleep 0.3
    done
    echo "  deployment $id did not end" >&2
    return 1
}
