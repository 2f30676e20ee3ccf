/* SPDX-License-Identifier: MIT */
/* The router and the watch, with a real nginx; run inside tests/rig. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "base/time.h"
#include "deploy/router_nginx.h"
#include "deploy/watch.h"
#include "docker/service.h"
#include "tests/deploy/fixture.h"
#include "tests/tap.h"

#define ADDRESS "127.0.0.1:18081"

static struct fixture f;
static pid_t watch;
static volatile sig_atomic_t stopped;

static void on_term(int sig)
{
    (void)sig;
    stopped = 1;
}

static bool asked(void)
{
    return stopped;
}

static void start_nginx(void)
{
    struct arena *a = &f.arena;
    const char *dir = arena_printf(a, "%s/nginx", f.directory);
    mkdir(dir, 0755);
    FILE *file = fopen(arena_printf(a, "%s/nginx.conf", dir), "w");
    fprintf(file,
            "pid %s/pid;\nerror_log %s/error.log;\nevents { }\nhttp {\n    access_log off;\n"
            "    client_body_temp_path %s/b;\n    proxy_temp_path %s/p;\n"
            "    fastcgi_temp_path %s/f;\n    uwsgi_temp_path %s/u;\n    scgi_temp_path %s/s;\n"
            "    include %s/apps.con[f];\n}\n",
            dir, dir, dir, dir, dir, dir, dir, dir);
    fclose(file);
    f.conf.router_kind = "nginx";
    f.conf.router_listen = ADDRESS;
    f.conf.router_nginx_program = "nginx";
    f.conf.router_nginx_config = arena_printf(a, "%s/nginx.conf", dir);
    f.conf.router_nginx_file = arena_printf(a, "%s/apps.conf", dir);
    fixture_run(&f, (const char *const[]){"nginx", "-c", f.conf.router_nginx_config, NULL});
}

static void stop_nginx(void)
{
    fixture_run(
        &f, (const char *const[]){"nginx", "-c", f.conf.router_nginx_config, "-s", "stop", NULL});
}

static pid_t start_watch(void)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid)
        return pid;
    struct fixture own;
    struct sigaction term = {.sa_handler = on_term};
    sigaction(SIGTERM, &term, NULL);
    fixture_reopen(&own, &f);
    struct watch w = {
        .docker = &own.docker, .pg = own.pg, .conf = &own.conf, .asked_to_stop = asked};
    watch_run(&w);
    _exit(0);
}

/* The status of GET / for HOST, with the body in *body; 0 when there was no answer. */
static int ask(struct arena *a, const char *host, const char *path, const char **body)
{
    struct net_target target = {.base = "http://" ADDRESS, .name = "the router"};
    struct net http;
    net_open(&http, &target);
    const char *headers[] = {arena_printf(a, "Host: %s", host), "Connection: close", NULL};
    struct net_request req = {.method = "GET", .path = path, .headers = headers, .total_ms = 10000};
    struct err err;
    AUTO_RESPONSE res = {0};
    int rc = net_run(&http, &req, &res, &err);
    net_close(&http);
    *body = rc == 0 ? buf_dup(&res.body, a) : err.msg;
    if (rc < 0)
        printf("# %s\n", arena_strdup(a, err.msg));
    return rc == 0 ? res.status : 0;
}

static int wait_for(const char *host, int status, int64_t ms)
{
    const char *body;
    int got;
    int64_t until = time_monotonic() + ms;
    while ((got = ask(&f.arena, host, "/", &body)) != status && time_monotonic() < until)
        time_sleep(50);
    return got;
}

/* Asks without a pause until told to stop; its exit code is 0 when every answer was a 200. */
static pid_t start_asking(const char *host)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid)
        return pid;
    struct sigaction term = {.sa_handler = on_term};
    sigaction(SIGTERM, &term, NULL);
    AUTO_ARENA a = {0};
    unsigned good = 0, bad = 0;
    while (!stopped) {
        const char *body;
        arena_reset(&a);
        int status = ask(&a, host, "/", &body);
        if (status == 200)
            good++;
        else if (bad++ < 5)
            printf("# %d %s\n", status, body);
        time_sleep(5);
    }
    printf("# %u answers, %u failed\n", good, bad);
    fflush(stdout);
    _exit(bad ? 1 : good < 20 ? 2 : 0);
}

static int end(pid_t pid)
{
    int status;
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void store_with_domain(struct store_app *app, const char *host, const char *path)
{
    struct store_domain domain = {host, path};
    struct store_app_parts parts = {
        .domains = &domain, .n_domains = 1, .webhook_secret = "secret", .webhook_secret_len = 6};
    struct err err = {0};
    TAP_OK(store_app_insert(f.pg, &f.arena, app, &parts, &err), &err);
}

static void rolling_update(void)
{
    int rc;
    const char *body;
    struct fixture_file files[] = {
        {"Dockerfile", FIXTURE_DOCKERFILE, NULL}, {"index.html", "one\n", NULL}, {0}};
    fixture_commit(&f, "routed", "main", files);
    struct store_app app = fixture_app(&f, "routed", "routed");
    const char *host = arena_printf(&f.arena, "%s.test.invalid", app.service_name);
    app.health_check = "{\"command\":\"wget -q -O /dev/null http://127.0.0.1:8080/\","
                       "\"interval\":0.5,\"timeout\":2,\"retries\":3}";
    store_with_domain(&app, host, "/");
    CU_ASSERT_EQUAL(wait_for(host, 503, 5000), 503);
    CU_ASSERT_EQUAL(ask(&f.arena, "unknown.test.invalid", "/", &body), 404);
    struct store_deployment d = fixture_deploy(&f, &app, NULL, NULL, &rc);
    TAP_STR(d.status, "success");
    CU_ASSERT_EQUAL(wait_for(host, 200, 5000), 200);
    time_sleep(500); /* nginx's old workers still answer 503 for a moment */
    ask(&f.arena, host, "/", &body);
    TAP_STR(body, "one\n");

    pid_t asking = start_asking(host);
    files[1].text = "two\n";
    fixture_commit(&f, "routed", "main", files);
    d = fixture_deploy(&f, &app, NULL, NULL, &rc);
    TAP_STR(d.status, "success");
    time_sleep(1500);
    CU_ASSERT_EQUAL(end(asking), 0);
    ask(&f.arena, host, "/", &body);
    TAP_STR(body, "two\n");

    struct store_app now;
    bool deleted;
    struct err err = {0};
    TAP_OK(store_app_get_any(f.pg, &f.arena, app.id, &now, &deleted, &err), &err);
    TAP_STR(now.status, "running");
    TAP_OK(docker_service_remove(&f.docker, app.service_name, &err), &err);
    CU_ASSERT_EQUAL(wait_for(host, 503, 5000), 503);
    time_sleep(500);
    TAP_OK(store_app_get_any(f.pg, &f.arena, app.id, &now, &deleted, &err), &err);
    TAP_STR(now.status, "failed");
}

static void bad_file(void)
{
    struct err err = {0};
    AUTO_BUF before = {0};
    end(watch); /* it would write the file as well */
    watch = 0;
    const char *cat[] = {"cat", f.conf.router_nginx_file, NULL};
    buf_adds(&before, fixture_run(&f, cat));
    CU_ASSERT_EQUAL(router_nginx_write(&f.conf, "no such directive;\n", false, NULL, &err), -1);
    CU_ASSERT_EQUAL(err.code, ERR_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.msg, "unknown directive"));
    TAP_STR(fixture_run(&f, cat), buf_str(&before));
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        {"an update goes on without a failed request", rolling_update},
        {"a file that nginx refuses is put back", bad_file},
        {NULL, NULL},
    };
    static const struct tap_suite suites[] = {{"router", tests}, {NULL, NULL}};
    fixture_open(&f, true);
    start_nginx();
    watch = start_watch();
    int rc = tap_main(suites, argc, argv);
    if (watch)
        end(watch);
    stop_nginx();
    fixture_close(&f);
    return rc;
}
