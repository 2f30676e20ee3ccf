# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Debian packages, installed without starting what they bring. Sourced.

PACKAGES_BUILD=(autoconf automake autoconf-archive pkg-config gcc make libc6-dev musl-tools
    libfcgi-dev libpq-dev libhiredis-dev libcurl4-openssl-dev libjson-c-dev libgit2-dev
    libargon2-dev libarchive-dev libssl-dev libsodium-dev libjwt-dev libcjose-dev
    libjansson-dev libqrencode-dev libsystemd-dev libcunit1-dev)
PACKAGES_RUN=(postgresql redis-server docker-registry fcgiwrap git curl jq busybox-static openssl
    iptables iproute2 util-linux procps)
PACKAGES_TEST=(apache2 caddy clang clang-format clang-tidy cppcheck shellcheck chromium
    libclang-rt-14-dev openssh-client systemd xz-utils)

# packages_install GROUP…: build, run, test. Quick when all are there. What another packaging
# may have brought (nginx, a Docker Engine, Node) is asked for by program.
packages_install() {
    local group missing=() wanted=()
    for group in "$@"; do
        case $group in
        build) wanted+=("${PACKAGES_BUILD[@]}") ;;
        run)
            wanted+=("${PACKAGES_RUN[@]}")
            command -v nginx >/dev/null || wanted+=(nginx-light)
            command -v dockerd >/dev/null || wanted+=(docker.io)
            ;;
        test)
            wanted+=("${PACKAGES_TEST[@]}")
            command -v npm >/dev/null || wanted+=(nodejs npm)
            ;;
        *) echo "there is no package group '$group'" >&2 && return 2 ;;
        esac
    done
    mapfile -t missing < <(comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null |
            sed -n 's/^installed //p' | sort -u))
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || { echo "missing packages: ${missing[*]}" >&2 && return 1; }
    echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
    (packages_quietly "${missing[@]}")
}

# In a subshell, so that its trap restores what it changed and nothing else.
packages_quietly() {
    local before after unit
    export DEBIAN_FRONTEND=noninteractive
    POLICY=/usr/sbin/policy-rc.d
    CLUSTER=/etc/postgresql-common/createcluster.conf
    POLICY_SAVED=
    CLUSTER_SAVED=
    trap packages_restore EXIT
    if [ -e "$POLICY" ]; then
        POLICY_SAVED=$(mktemp)
        cp -a "$POLICY" "$POLICY_SAVED"
    fi
    # 101: "action forbidden by policy"; the packages' scripts then start nothing.
    printf '#!/bin/sh\nexit 101\n' >"$POLICY"
    chmod 0755 "$POLICY"
    before=$(packages_units)
    packages_apt update || return 1
    case " $* " in
    *" postgresql "*)
        packages_apt install postgresql-common || return 1
        CLUSTER_SAVED=$(mktemp)
        cp -a "$CLUSTER" "$CLUSTER_SAVED"
        printf '\ncreate_main_cluster = false\n' >>"$CLUSTER"
        ;;
    esac
    packages_apt install "$@" || return 1
    # With systemd, what is new would start at the next boot.
    if [ -d /run/systemd/system ]; then
        after=$(packages_units)
        for unit in $(comm -13 <(echo "$before") <(echo "$after")); do
            systemctl disable -q "$unit" 2>/dev/null || true
        done
    fi
}

# apt-get prints only when it fails.
packages_apt() {
    local log
    log=$(mktemp)
    if ! apt-get -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold \
        -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

packages_units() {
    [ ! -d /run/systemd/system ] || find /etc/systemd/system -name '*.wants' -prune \
        -exec find {} -type l -printf '%f\n' ';' | sort -u
}

packages_restore() {
    if [ -n "$POLICY_SAVED" ]; then
        mv "$POLICY_SAVED" "$POLICY"
    else
        rm -f "$POLICY"
    fi
    [ -z "$CLUSTER_SAVED" ] || mv "$CLUSTER_SAVED" "$CLUSTER"
}
