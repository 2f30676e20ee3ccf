# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Starting and stopping the parts that Slipway needs, privately: each has its own directory and
# port, none is a service of the system. Sourced by contrib/up, contrib/down and tests/rig/rig.
#
# The caller sets STATE, an existing directory that other users may enter (mode 0711) and whose
# path is short (it holds unix sockets). Then for every part NAME:
#   STATE/run/NAME.pid    its process id
#   STATE/run/NAME.born   when that process started, so that a number used again is not mistaken
#   STATE/log/NAME.log    what it printed
# Every start function returns when the part answers, does nothing when it runs already, and
# fails with the last lines of the log. Every stop function works on what is half started or gone.

svc_say() {
    printf '%s\n' "$*" >&2
}

# When the process PID started: boot and clock tick. Empty when there is none, or a zombie.
svc_born() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    stat=${stat##*) }
    # shellcheck disable=SC2086
    set -- $stat
    [ "$1" = Z ] || printf '%s %s\n' "$(cat /proc/sys/kernel/random/boot_id)" "${20}"
}

svc_pid() {
    # shellcheck disable=SC2153
    cat "$STATE/run/$1.pid" 2>/dev/null || true
}

svc_alive() {
    local pid born
    pid=$(svc_pid "$1")
    [ -n "$pid" ] || return 1
    born=$(svc_born "$pid")
    [ -n "$born" ] && [ "$born" = "$(cat "$STATE/run/$1.born" 2>/dev/null)" ]
}

# svc_run NAME COMMAND…: in the background, in a session of its own. File descriptor 9 (the lock
# of contrib/up) is not passed on.
svc_run() {
    local name=$1 pid
    shift
    mkdir -p "$STATE/run" "$STATE/log"
    svc_reap "$name"
    setsid "$@" </dev/null >>"$STATE/log/$name.log" 2>&1 9>&- &
    pid=$!
    disown "$pid" 2>/dev/null || true
    echo "$pid" >"$STATE/run/$name.pid"
    svc_born "$pid" >"$STATE/run/$name.born"
}

# Ends what a process that is gone left in its process group: fcgiwrap leaves its workers, and so
# does a master that was killed. While the group has members, its number is given to nobody else.
svc_reap() {
    local pid
    pid=$(svc_pid "$1")
    if [ -n "$pid" ] && [ -f "$STATE/run/$1.born" ] && [ ! -e "/proc/$pid" ]; then
        kill -KILL -- "-$pid" 2>/dev/null || true
    fi
}

# svc_wait NAME SECONDS COMMAND…: until COMMAND succeeds.
svc_wait() {
    local name=$1 end=$((SECONDS + $2))
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ! svc_alive "$name" || [ "$SECONDS" -ge "$end" ]; then
            svc_say "$name did not start; the end of $STATE/log/$name.log:"
            tail -n 15 "$STATE/log/$name.log" >&2 || true
            return 1
        fi
        sleep 0.05
    done
}

# svc_stop NAME [SECONDS [SIGNAL]]: asks, waits SECONDS, then kills the process's whole group.
svc_stop() {
    local name=$1 end=$((SECONDS + ${2:-10})) pid
    pid=$(svc_pid "$name")
    if svc_alive "$name"; then
        kill "-${3:-TERM}" "$pid" 2>/dev/null || true
        while svc_alive "$name" && [ "$SECONDS" -lt "$end" ]; do
            sleep 0.05
        done
        if svc_alive "$name"; then
            svc_say "$name did not stop and is killed"
            kill -KILL -- "-$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null || true
            while svc_alive "$name"; do
                sleep 0.05
            done
        fi
    fi
    svc_reap "$name"
    rm -f "$STATE/run/$name.pid" "$STATE/run/$name.born"
}

# svc_same NAME HOW [SIGNAL]: stops NAME when it runs but was started another way (other ports,
# other configuration), so that it is started anew.
svc_same() {
    local as=$STATE/run/$1.as
    if svc_alive "$1" && [ "$2" != "$(cat "$as" 2>/dev/null)" ]; then
        svc_stop "$1" 60 "${3:-TERM}"
    fi
    mkdir -p "$STATE/run"
    printf '%s' "$2" >"$as"
}

# svc_port_free NAME PORT…: says so when something else listens on a port that NAME is to have.
svc_port_free() {
    local name=$1 port
    shift
    ! svc_alive "$name" || return 0
    svc_reap "$name"
    for port in "$@"; do
        if svc_port_open "$port"; then
            svc_say "port $port, which $name needs, is in use by another program"
            return 1
        fi
    done
}

# svc_as USER COMMAND…: prints nothing, becomes COMMAND (so the process id stays).
svc_as() {
    local user=$1
    shift
    setpriv --reuid="$user" --regid="$user" --init-groups -- "$@"
}

# ---------------------------------------------------------------- PostgreSQL
# pg_start PORT [SETTING=VALUE…]: data in STATE/postgres/data, socket in STATE/postgres. The
# superuser is postgres; its password is in STATE/postgres/password.
pg_start() {
    local port=$1 dir=$STATE/postgres bin option options=()
    shift
    bin=$(pg_bin)
    if [ ! -f "$dir/data/PG_VERSION" ]; then
        rm -rf "$dir"
        install -d -o postgres -g postgres -m 0700 "$dir"
        (umask 077 && head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$dir/password")
        chown postgres "$dir/password"
        mkdir -p "$STATE/log"
        if ! svc_as postgres "$bin/initdb" --no-sync -D "$dir/data" -U postgres -E UTF8 \
            --locale=C.UTF-8 -A scram-sha-256 --pwfile="$dir/password" \
            >"$STATE/log/initdb.log" 2>&1 </dev/null; then
            svc_say "initdb failed:"
            tail -n 15 "$STATE/log/initdb.log" >&2
            rm -rf "$dir"
            return 1
        fi
    fi
    for option in "$@"; do
        options+=(-c "$option")
    done
    svc_same postgres "$port ${options[*]}" INT
    if ! svc_alive postgres; then
        # A cluster whose server was killed has a stale lock file; PostgreSQL checks it itself.
        svc_run postgres setpriv --reuid=postgres --regid=postgres --init-groups -- \
            "$bin/postgres" -D "$dir/data" -p "$port" -k "$dir" -c listen_addresses=127.0.0.1 \
            "${options[@]}"
    fi
    svc_wait postgres 30 pg_admin "$port" -c 'select 1'
}

# The programs of the version that made the data, else of the newest one.
pg_bin() {
    local version
    version=$(cat "$STATE/postgres/data/PG_VERSION" 2>/dev/null ||
        find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | tail -n 1)
    echo "/usr/lib/postgresql/$version/bin"
}

# pg_admin PORT ARGUMENT…: psql as the superuser.
pg_admin() {
    local port=$1
    shift
    PGPASSWORD=$(cat "$STATE/postgres/password") psql -XAtq -v ON_ERROR_STOP=1 \
        -h 127.0.0.1 -p "$port" -U postgres -d postgres "$@"
}

# pg_database PORT NAME PASSWORD: a role and a database of that name, made when missing.
pg_database() {
    local port=$1 name=$2 password=$3
    if [ -z "$(pg_admin "$port" -c "select 1 from pg_roles where rolname = '$name'")" ]; then
        pg_admin "$port" -c "create role \"$name\" login createdb"
    fi
    # The migrations make the programs' roles.
    pg_admin "$port" -c "alter role \"$name\" createrole"
    # Through standard input: an argument would show the password in the process list.
    printf "alter role \"%s\" password '%s';\n" "$name" "$password" | pg_admin "$port"
    if [ -z "$(pg_admin "$port" -c "select 1 from pg_database where datname = '$name'")" ]; then
        pg_admin "$port" -c "create database \"$name\" owner \"$name\""
    fi
}

# pg_login PORT ROLE PASSWORD: lets a role of the migrations log in.
pg_login() {
    printf "alter role \"%s\" login password '%s';\n" "$2" "$3" | pg_admin "$1"
}

pg_stop() {
    svc_stop postgres 20 INT # "fast": ends the sessions
}

# ---------------------------------------------------------------- Redis
# redis_start PORT [PASSWORD]: data in STATE/redis.
redis_start() {
    local port=$1 password=${2:-} dir=$STATE/redis
    install -d -o redis -g redis -m 0700 "$dir"
    (
        umask 077
        printf '%s\n' "port $port" "bind 127.0.0.1" "dir $dir" "daemonize no" "appendonly yes" \
            "save 900 1" >"$dir/redis.conf"
        [ -z "$password" ] || echo "requirepass $password" >>"$dir/redis.conf"
    )
    chown redis:redis "$dir/redis.conf"
    svc_same redis "$(sha256sum <"$dir/redis.conf")"
    if ! svc_alive redis; then
        svc_run redis setpriv --reuid=redis --regid=redis --init-groups -- \
            redis-server "$dir/redis.conf"
    fi
    svc_wait redis 20 redis_answers "$port" "$password"
}

redis_answers() {
    [ "$(REDISCLI_AUTH=${2:-} redis-cli -h 127.0.0.1 -p "$1" ping 2>/dev/null)" = PONG ]
}

redis_stop() {
    svc_stop redis 10
}

# ---------------------------------------------------------------- Docker
# docker_api SOCKET METHOD PATH [BODY]: prints the answer, fails on 4xx and 5xx.
docker_api() {
    local socket=$1 method=$2 path=$3
    shift 3
    curl -sS --fail-with-body --noproxy '*' --unix-socket "$socket" -X "$method" \
        ${1:+-H 'Content-Type: application/json' -d "$1"} "http://engine$path"
}

# docker_start REGISTRY [OPTION…]: an Engine on STATE/docker/docker.sock that trusts the plain-HTTP
# REGISTRY (host:port). STATE must not lie on an overlay file system.
docker_start() {
    local registry=$1 dir=$STATE/docker
    shift
    mkdir -p "$dir"
    svc_same dockerd "$registry $*"
    if ! svc_alive dockerd; then
        rm -f "$dir/pid" "$dir/docker.sock"
        svc_run dockerd dockerd --data-root "$dir/data" --exec-root "$dir/exec" \
            -H "unix://$dir/docker.sock" --pidfile "$dir/pid" --insecure-registry "$registry" \
            --exec-opt native.cgroupdriver=cgroupfs "$@"
    fi
    svc_wait dockerd 60 docker_api "$dir/docker.sock" GET /_ping
}

# docker_swarm SOCKET: makes the Engine a manager when it is in no swarm. Prints "joined" when it
# did.
docker_swarm() {
    local state
    state=$(docker_api "$1" GET /info | jq -r .Swarm.LocalNodeState)
    if [ "$state" = inactive ]; then
        docker_api "$1" POST /swarm/init \
            '{"ListenAddr":"127.0.0.1:2377","AdvertiseAddr":"127.0.0.1"}' >/dev/null
        echo joined
    fi
}

# Stops the Engine, with its containers.
docker_stop() {
    local mount
    svc_stop dockerd 60
    # What a killed Engine leaves: its containerd, with the shims and the containers.
    docker_reap "$STATE/docker/exec"
    # A mount point's name is escaped in /proc/mounts; ours have no white space.
    while read -r _ mount _; do
        case $mount in
        "$STATE/docker/"*) umount -l "$mount" 2>/dev/null || true ;;
        esac
    done < <(tac /proc/mounts)
}

# Ends the processes that were started for the Engine whose exec-root is $1 and that outlived it,
# found by the arguments that name that directory. Init and kernel processes never do.
docker_reap() {
    local exec_root=$1 pid try
    for try in TERM TERM KILL; do
        local found=
        for pid in /proc/[0-9]*; do
            pid=${pid#/proc/}
            if [ "$pid" != "$$" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null |
                grep -qE "^[^ ]*containerd[^ ]* .*$exec_root"; then
                found=1
                docker_reap_children "$pid"
                kill "-$try" "$pid" 2>/dev/null || true
            fi
        done
        [ -n "$found" ] || return 0
        sleep 0.5
    done
}

# A shim's children are a container's first processes.
docker_reap_children() {
    local child comm children=()
    comm=$(cat "/proc/$1/comm" 2>/dev/null || true)
    case $comm in
    containerd-shim*)
        read -ra children <"/proc/$1/task/$1/children" || true
        for child in "${children[@]}"; do
            kill -KILL "$child" 2>/dev/null || true
        done
        ;;
    esac
}

# ---------------------------------------------------------------- registry
# registry_start PORT: a docker-registry without passwords, on loopback.
registry_start() {
    local port=$1 dir=$STATE/registry
    mkdir -p "$dir/data"
    cat >"$dir/config.yml" <<CONFIG
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: $dir/data}
  delete: {enabled: true}
http: {addr: "127.0.0.1:$port"}
CONFIG
    svc_same registry "$port"
    svc_alive registry || svc_run registry docker-registry serve "$dir/config.yml"
    svc_wait registry 20 curl -sf --noproxy '*' "http://127.0.0.1:$port/v2/"
}

registry_stop() {
    svc_stop registry 15
}

# ---------------------------------------------------------------- nginx
# nginx_start NAME CONFIG PORT: CONFIG must say `daemon off;` and `pid FILE;` with a file of nginx's
# own, not STATE/run/NAME.pid: while nginx writes it, it is empty.
nginx_start() {
    local name=$1 config=$2 port=$3
    mkdir -p "$STATE/log"
    nginx -q -t -c "$config" -e "$STATE/log/$name-error.log" || return 1
    svc_alive "$name" ||
        svc_run "$name" nginx -c "$config" -e "$STATE/log/$name-error.log"
    svc_wait "$name" 10 svc_port_open "$port"
}

nginx_stop() {
    svc_stop "$1" 5
}

svc_port_open() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Directives of http { } that keep nginx inside DIR.
nginx_paths() {
    local part
    mkdir -p "$1"
    for part in client_body proxy fastcgi uwsgi scgi; do
        echo "    ${part}_temp_path $1/$part;"
    done
}

# ---------------------------------------------------------------- git over smart HTTP
# git_start: `git http-backend` on the socket STATE/git/socket, as an unprivileged user. The bare
# repositories are in STATE/git/repos. It may read them and nothing may push.
git_start() {
    local dir=$STATE/git
    mkdir -p "$dir/repos"
    if ! svc_alive git; then
        rm -f "$dir/socket"
        install -d -o nobody -g nogroup -m 0711 "$dir/run"
        rm -f "$dir/run/socket"
        # umask 0: nginx's worker, another user, must reach the socket.
        svc_run git setpriv --reuid=nobody --regid=nogroup --clear-groups -- \
            sh -c 'umask 0; exec "$@"' sh fcgiwrap -c 2 -s "unix:$dir/run/socket"
    fi
    svc_wait git 10 test -S "$dir/run/socket"
}

# git_nginx PORT: the server block that serves them, for somebody's http { }.
git_nginx() {
    cat <<CONFIG
    server {
        listen 127.0.0.1:$1;
        location / {
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
            fastcgi_param PATH_INFO \$uri;
            fastcgi_param GIT_PROJECT_ROOT $STATE/git/repos;
            fastcgi_param GIT_HTTP_EXPORT_ALL 1;
            # The repositories are root's and the backend is nobody: say that this is meant.
            fastcgi_param GIT_CONFIG_COUNT 1;
            fastcgi_param GIT_CONFIG_KEY_0 safe.directory;
            fastcgi_param GIT_CONFIG_VALUE_0 *;
            fastcgi_param HTTP_PROXY "";
            fastcgi_pass unix:$STATE/git/run/socket;
        }
    }
CONFIG
}

# git_repo NAME: an empty bare repository, branch main. Prints its path.
git_repo() {
    local path=$STATE/git/repos/$1
    if [ ! -f "$path/HEAD" ]; then
        git init -q --bare -b main "$path"
        git -C "$path" config http.receivepack false
    fi
    echo "$path"
}

git_stop() {
    svc_stop git 5
}
