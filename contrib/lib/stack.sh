# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Building Slipway and running its programs out of STATE. Sourced after common.sh.

WEB_USER=slipway-web

# ---------------------------------------------------------------- build
# Copies the sources to STATE/source (the checkout stays as it is, configured or read-only), builds
# in STATE/build and installs into STATE/prefix, when the sources are not those of the last time.
stack_build() {
    local now
    now=$(cd "$ROOT" && find configure.ac Makefile.am src templates static sql tests contrib \
        -name node_modules -prune -o -type f -printf '%p %s %T@\n' | sort | sha256sum)
    if [ "$now" = "$(cat "$STATE/build/.sources" 2>/dev/null)" ] &&
        [ -x "$STATE/prefix/bin/slipway" ]; then
        return 0
    fi
    step "Building; the output is in $STATE/log/build.log"
    mkdir -p "$STATE/source" "$STATE/build" "$STATE/prefix" "$STATE/log"
    stack_build_run >"$STATE/log/build.log" 2>&1 || {
        tail -n 25 "$STATE/log/build.log" >&2
        die "the build failed"
    }
    echo "$now" >"$STATE/build/.sources"
}

# SLIPWAY_CONFIGURE and SLIPWAY_CFLAGS in the environment are for the tests: another build.
stack_build_run() {
    local part configure=()
    read -r -a configure <<<"${SLIPWAY_CONFIGURE:-}"
    # Times are kept, so make compiles what changed; what is gone from the checkout goes here too.
    for part in src templates static sql tests contrib; do
        rm -rf "${STATE:?}/source/$part"
    done
    (cd "$ROOT" && tar -c --exclude=./.git --exclude=node_modules --exclude='./build*' \
        --exclude='*.o' --exclude='*.a' --exclude=.deps --exclude=./autom4te.cache \
        --exclude=./configure --exclude=./Makefile --exclude=./Makefile.in \
        --exclude=./config.status --exclude='*.gen.[ch]' .) | tar -x -C "$STATE/source" &&
        cd "$STATE/source" &&
        { [ -x configure ] || autoreconf -i; } &&
        cd "$STATE/build" &&
        { [ -f Makefile ] || ../source/configure --prefix="$STATE/prefix" --sysconfdir="$STATE/etc" \
            --localstatedir="$STATE" CFLAGS="${SLIPWAY_CFLAGS:--O2 -g}" "${configure[@]}"; } &&
        make -j"$(nproc)" && make install
}

# ---------------------------------------------------------------- configuration
# The settings that follow from STATE and the ports, then those of --set.
stack_settings() {
    local registry=127.0.0.1:$PORT_REGISTRY key value
    {
        cat <<CONFIG
database.url = postgresql://slipway:$(secret database)@127.0.0.1:$PORT_POSTGRES/slipway
redis.host = 127.0.0.1
redis.port = $PORT_REDIS
redis.password = $(secret redis)
docker.host = unix://$(engine_socket)
registry.address = $registry
keys.directory = $STATE/keys
web.socket = $STATE/web/web.sock
web.socket_group = www-data
web.public_url = http://127.0.0.1:$PORT_WEB
worker.directory = $STATE/worker
router.kind = nginx
router.listen = 127.0.0.1:$PORT_APPS
router.nginx_file = $STATE/nginx/applications.conf
router.nginx_config = $STATE/nginx/nginx.conf
CONFIG
    } >"$STATE/slipway.conf.base"
    while IFS='=' read -r key value; do
        [ -n "$key" ] || continue
        # A later line of the same key is refused nowhere, but one line each reads better.
        grep -v "^${key//./\\.} = " "$STATE/slipway.conf.base" >"$STATE/slipway.conf.next" || true
        echo "$key = $value" >>"$STATE/slipway.conf.next"
        mv "$STATE/slipway.conf.next" "$STATE/slipway.conf.base"
    done < <(cat "$STATE/set" 2>/dev/null)
}

# Each program has the configuration with the database's role that is its own. slipway.conf, the
# command's, names the owner, who alone may change the schema.
stack_configure() {
    (umask 077 && stack_settings)
    local name
    for name in web worker; do
        (umask 077 && sed "s|^database.url = .*|database.url = $(stack_database "slipway_$name")|" \
            "$STATE/slipway.conf.base" >"$STATE/$name.conf.base")
    done
    chgrp "$WEB_USER" "$STATE/web.conf.base"
    chmod 0640 "$STATE/web.conf.base"
    for name in slipway web worker; do
        if cmp -s "$STATE/$name.conf.base" "$STATE/$name.conf"; then
            rm -f "$STATE/$name.conf.base"
        else
            mv "$STATE/$name.conf.base" "$STATE/$name.conf"
        fi
    done
}

# stack_database ROLE: its address. An address of one's own (--set database.url) stays as it is.
stack_database() {
    if grep -q '^database\.url=' "$STATE/set" 2>/dev/null; then
        sed -n 's/^database\.url=//p' "$STATE/set"
    else
        echo "postgresql://$1:$(secret "$1")@127.0.0.1:$PORT_POSTGRES/slipway"
    fi
}

stack_migrate() {
    local role
    slipway migrate >"$STATE/log/migrate.log" 2>&1 || {
        cat "$STATE/log/migrate.log" >&2
        die "the migration failed"
    }
    for role in slipway_web slipway_worker; do
        pg_login "$PORT_POSTGRES" "$role" "$(secret "$role")"
    done
}

# slipway ARGUMENT…: the operator's command with our configuration.
slipway() {
    SLIPWAY_CONFIG=$STATE/slipway.conf "$STATE/prefix/bin/slipway" "$@"
}

# The user that the web workers run as, and the directories with their rights.
stack_prepare() {
    if ! id -u "$WEB_USER" >/dev/null 2>&1; then
        useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \
            "$WEB_USER"
        touch "$STATE/made-user"
    fi
    install -d -m 0711 "$STATE/run" "$STATE/nginx"
    install -d -m 0700 "$STATE/log" "$STATE/worker"
    install -d -m 0750 -o "$WEB_USER" -g www-data "$STATE/web"
    install -d -m 0750 -o root -g "$WEB_USER" "$STATE/keys"
}

# The web processes read the session key and class W's, never the worker's.
stack_keys() {
    slipway keys >/dev/null
    chgrp "$WEB_USER" "$STATE/keys/session.key" "$STATE/keys/web.key"
    chmod 0640 "$STATE/keys/session.key" "$STATE/keys/web.key"
    chown root:root "$STATE/keys/worker.key"
    chmod 0600 "$STATE/keys/worker.key"
}

# ---------------------------------------------------------------- programs
stack_find() {
    local file
    for file in "$STATE/prefix/bin/$1" "$STATE/prefix/sbin/$1" "$STATE/prefix/libexec/slipway/$1"; do
        [ ! -x "$file" ] || { echo "$file" && return 0; }
    done
    die "$1 was not installed"
}

# stack_program NAME COMMAND…: runs it; when the program or its configuration (STATE/web.conf of
# slipway-web) is not the one that was started, starts it anew.
stack_program() {
    local name=$1 version
    shift
    version=$(sha256sum "$(stack_find "$name")" "$STATE/${name#slipway-}.conf" | sha256sum)
    if svc_alive "$name" && [ "$version" != "$(cat "$STATE/run/$name.version" 2>/dev/null)" ]; then
        step "Restarting $name"
        svc_stop "$name" 40
    fi
    if ! svc_alive "$name"; then
        svc_run "$name" "$@"
        echo "$version" >"$STATE/run/$name.version"
    fi
}

stack_web() {
    local program
    program=$(stack_find slipway-web)
    # www-data beside its own group, so that it may give the socket to nginx.
    stack_program slipway-web setpriv --reuid="$WEB_USER" --regid="$WEB_USER" \
        --groups="$(id -g "$WEB_USER"),$(id -g www-data)" --no-new-privs -- \
        "$program" --config "$STATE/web.conf"
    svc_wait slipway-web 15 test -S "$STATE/web/web.sock"
}

stack_worker() {
    local program
    program=$(stack_find slipway-worker)
    stack_program slipway-worker "$program" --config "$STATE/worker.conf"
    # It has no port to ask; a second tells a bad start from a good one.
    sleep 0.5
    svc_alive slipway-worker || die "slipway-worker ended; see $STATE/log/slipway-worker.log"
}

# ---------------------------------------------------------------- nginx
stack_nginx_config() {
    local dir=$STATE/nginx
    {
        cat <<CONFIG
# Written by contrib/up.
daemon off;
user www-data;
worker_processes 2;
pid $STATE/nginx/pid;
error_log $STATE/log/nginx-error.log warn;
events { worker_connections 2048; }
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    server_tokens off;
CONFIG
        nginx_paths "$dir/tmp"
        "$ROOT/contrib/front" nginx plain=yes host=_ "https=127.0.0.1:$PORT_WEB" \
            "socket=$STATE/web/web.sock" "share=$STATE/prefix/share/slipway" \
            "log=$STATE/log/nginx-access.log"
        git_nginx "$PORT_GIT"
        cat <<CONFIG
    server {
        listen 127.0.0.1:$PORT_APPS default_server;
        server_name "";
        return 404 "no application has this address\n";
    }
    include $STATE/nginx/applications*.conf;
}
CONFIG
    } >"$dir/nginx.conf.new"
}

stack_nginx() {
    local dir=$STATE/nginx
    stack_nginx_config
    if ! cmp -s "$dir/nginx.conf.new" "$dir/nginx.conf"; then
        mv "$dir/nginx.conf.new" "$dir/nginx.conf"
        # A changed listener is taken over by a reload as well, but a changed pid path is not.
        nginx_stop nginx
    fi
    rm -f "$dir/nginx.conf.new"
    nginx_start nginx "$dir/nginx.conf" "$PORT_WEB"
}
