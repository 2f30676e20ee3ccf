# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The sample application: its base image, its repository, its project, its first deployment.
# Sourced after common.sh.

SAMPLE_REPO=slipway/sample
SAMPLE_BASE=slipway-sample-base
SAMPLE_LABEL=slipway.sample-base

# One static busybox with a link for each of its commands, imported as an image.
sample_base_image() {
    local socket root=$STATE/base-image
    socket=$(engine_socket)
    docker_api "$socket" GET "/images/$SAMPLE_BASE/json" >/dev/null 2>&1 && return 0
    step "Making the sample's base image out of busybox-static"
    rm -rf "$root"
    mkdir -p "$root/bin" "$root/tmp" "$root/srv" "$root/etc"
    cp "$(command -v busybox)" "$root/bin/busybox"
    "$root/bin/busybox" --list | while read -r command; do
        [ "$command" = busybox ] || ln -s busybox "$root/bin/$command"
    done
    echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
    tar -C "$root" --numeric-owner --owner=0 --group=0 -c . |
        curl -sS --fail-with-body --noproxy '*' --unix-socket "$socket" -X POST --data-binary @- \
            -H 'Content-Type: application/x-tar' \
            "http://engine/images/create?fromSrc=-&repo=$SAMPLE_BASE&tag=latest&changes=ENV%20PATH%3D%2Fbin&changes=LABEL%20$SAMPLE_LABEL%3Dtrue" \
            >/dev/null
    rm -rf "$root"
}

# A bare repository, and a work tree to commit in and push from.
sample_repository() {
    local bare tree=$STATE/sample
    bare=$(git_repo "$SAMPLE_REPO.git")
    if [ ! -d "$tree/.git" ]; then
        rm -rf "$tree"
        git init -q -b main "$tree"
        git -C "$tree" config user.name "Slipway sample"
        git -C "$tree" config user.email sample@example.com
        git -C "$tree" remote add origin "$bare"
        # shellcheck disable=SC2153
        cp "$ROOT"/contrib/sample-app/* "$tree/"
        git -C "$tree" add -A
        git -C "$tree" commit -q -m "Add the sample application"
    fi
    if [ -z "$(git -C "$bare" rev-parse -q --verify main 2>/dev/null)" ]; then
        git -C "$tree" push -q origin main
    fi
}

sample_repo_url() {
    echo "http://127.0.0.1:$PORT_GIT/$SAMPLE_REPO.git"
}

# sample_id KIND: the id of the thing that an earlier run made, when it is still there.
sample_id() {
    local id
    id=$(cat "$STATE/$1-id" 2>/dev/null) || return 0
    if [ -n "$id" ] && api GET "/api/$1s/$id" >/dev/null 2>&1; then
        echo "$id"
    fi
}

sample_application_body() {
    jq -nc --arg project "$1" --arg repo "$(sample_repo_url)" '{
        projectId: $project, name: "sample",
        gitSource: {repoUrl: $repo, branch: "main"},
        pull: false, port: 8080, memoryLimit: 64, cpuLimit: 0.5,
        domains: [{host: "127.0.0.1", path: "/"}],
        updateConfig: {parallelism: 1, delay: 0, monitor: 1, failureAction: "rollback",
                       order: "start-first"}}'
}

# Sets PROJECT_ID and APPLICATION_ID; the webhook's secret is in STATE/secrets/webhook.
sample_application() {
    local answer
    PROJECT_ID=$(sample_id project)
    if [ -z "$PROJECT_ID" ]; then
        PROJECT_ID=$(api POST /api/projects \
            '{"name":"Sample","description":"What contrib/up deploys"}' | jq -er .id)
        echo "$PROJECT_ID" >"$STATE/project-id"
    fi
    APPLICATION_ID=$(sample_id application)
    if [ -z "$APPLICATION_ID" ]; then
        answer=$(api POST /api/applications "$(sample_application_body "$PROJECT_ID")")
        APPLICATION_ID=$(jq -er .id <<<"$answer")
        (umask 077 && jq -er .webhookSecret <<<"$answer" >"$STATE/secrets/webhook")
        echo "$APPLICATION_ID" >"$STATE/application-id"
    fi
    # --port-git may have moved the repository.
    answer=$(api GET "/api/applications/$APPLICATION_ID")
    if [ "$(jq -r .gitSource.repoUrl <<<"$answer")" != "$(sample_repo_url)" ]; then
        api PATCH "/api/applications/$APPLICATION_ID" "$(jq -nc --arg url "$(sample_repo_url)" \
            '{gitSource: {repoUrl: $url, branch: "main"}}')" >/dev/null
    fi
    if [ ! -s "$STATE/secrets/webhook" ]; then
        answer=$(api POST "/api/applications/$APPLICATION_ID/webhook-secret")
        (umask 077 && jq -er .webhookSecret <<<"$answer" >"$STATE/secrets/webhook")
    fi
}

sample_url() {
    echo "http://127.0.0.1:$PORT_APPS/"
}

sample_answers() {
    [ "$(curl -s --noproxy '*' -m 5 -o "$STATE/sample-answer" -w '%{http_code}' "$(sample_url)")" = 200 ]
}

# Deploys when nothing answers; an application that runs is left alone.
sample_deploy() {
    local answer status end
    # After a restart of the engine the tasks come back by themselves.
    answer=$(api GET "/api/applications/$APPLICATION_ID")
    status=$(jq -r '.deployments[0].status // "none"' <<<"$answer")
    if [ "$status" = success ]; then
        end=$((SECONDS + 30))
        until sample_answers || [ "$SECONDS" -ge "$end" ]; do
            sleep 0.2
        done
        ! sample_answers || return 0
    fi
    case $status in
    pending | cloning | building | pushing | deploying)
        step "A deployment of the sample is running"
        watch_deployment "$(jq -r '.deployments[0].id' <<<"$answer")" || true
        ;;
    *)
        step "Deploying the sample through the API"
        answer=$(api POST "/api/applications/$APPLICATION_ID/deploy" '{}')
        watch_deployment "$(jq -er .id <<<"$answer")" || die "the sample was not deployed"
        ;;
    esac
    end=$((SECONDS + 30))
    until sample_answers; do
        [ "$SECONDS" -lt "$end" ] || die "$(sample_url) does not answer with 200"
        sleep 0.1
    done
}
