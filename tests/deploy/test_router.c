/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "deploy/router_nginx.h"
#include "tests/tap.h"

static struct json_object *parse(const char *text)
{
    struct json_object *out = NULL;
    struct err err = {0};
    TAP_OK(json_parse(text, strlen(text), &out, &err), &err);
    return out;
}

static void from_tasks(void)
{
    AUTO_ARENA a = {0};
    AUTO_JSON *services = parse("[{\"ID\":\"s1\",\"Spec\":{\"Name\":\"web\"}}]");
    struct docker_task list[] = {
        {.service_id = "s1",
         .node_id = "n1",
         .desired = "running",
         .state = "running",
         .ports = (struct docker_port[]){{8080, 32768}},
         .n_ports = 1},
        {.service_id = "s1",
         .node_id = "n2",
         .desired = "running",
         .state = "starting",
         .ports = (struct docker_port[]){{9090, 1}, {8080, 32769}},
         .n_ports = 2},
        {.service_id = "s1",
         .node_id = "n1",
         .desired = "shutdown",
         .state = "running",
         .ports = (struct docker_port[]){{8080, 32770}},
         .n_ports = 1},
        {.service_id = "s1",
         .node_id = "n3",
         .desired = "running",
         .state = "running",
         .ports = (struct docker_port[]){{8080, 32771}},
         .n_ports = 1},
        {.service_id = "s1", .node_id = "n1", .desired = "running", .state = "running"},
        {.service_id = "s2",
         .node_id = "n1",
         .desired = "running",
         .state = "running",
         .ports = (struct docker_port[]){{8080, 32772}},
         .n_ports = 1}};
    struct docker_tasks tasks = {list, ARRAY_LEN(list)};
    struct docker_node nodes_list[] = {{"n1", "one", "10.0.0.1", true},
                                       {"n2", "two", "10.0.0.2", true},
                                       {"n3", "down", "10.0.0.3", false}};
    struct docker_nodes nodes = {nodes_list, 3};
    struct store_app apps_list[] = {
        {.service_name = "web",
         .port = 8080,
         .domains = "[{\"host\":\"Web.Test\",\"path\":\"/\"}]"},
        {.service_name = "new", .port = 80, .domains = "[{\"host\":\"new.test\",\"path\":\"/\"}]"},
        {.service_name = "plain", .port = 80, .domains = "[]"}};
    struct store_apps apps = {apps_list, 3, false};
    struct routes routes;
    routes_make(&a, &apps, services, &tasks, &nodes, &routes);
    CU_ASSERT_EQUAL_FATAL(routes.n, 2);
    TAP_STR(routes.items[0].domains[0].host, "web.test");
    CU_ASSERT_EQUAL_FATAL(routes.items[0].n_servers, 2);
    TAP_STR(routes.items[0].servers[0].address, "10.0.0.1");
    CU_ASSERT_EQUAL(routes.items[0].servers[0].port, 32768);
    CU_ASSERT_FALSE(routes.items[0].servers[0].backup);
    CU_ASSERT_EQUAL(routes.items[0].servers[1].port, 32769);
    CU_ASSERT(routes.items[0].servers[1].backup);
    CU_ASSERT_EQUAL(routes.items[1].n_servers, 0);
}

static bool has(const struct buf *text, const char *part)
{
    bool found = strstr(buf_str(text), part) != NULL;
    if (!found)
        printf("# not there: %s\n", part);
    return found;
}

static void renders(void)
{
    struct route_server servers[] = {{"127.0.0.1", 32768, false}, {"fd00::1", 32769, true}};
    struct route_server starting[] = {{"127.0.0.1", 40000, true}};
    struct route_domain domains[] = {{"b.test", "/"}, {"a.test", "/api/"}};
    struct route_domain other[] = {{"a.test", "/"}, {"c.test", "/"}, {"a.test", "/api"}};
    struct route_domain bad[] = {
        {"x.test; }", "/"}, {"ok.test", "/a b"}, {"ok.test", "/{"}, {"", "/"}, {"UP.test", "/"}};
    struct route list[] = {{"web", domains, 2, servers, 2},
                           {"other", other, 3, starting, 1},
                           {"down", bad, 5, NULL, 0}};
    struct routes routes = {list, 3};
    AUTO_BUF text = {0};
    router_nginx_render(&routes, "127.0.0.1:81", &text);
    CU_ASSERT(has(&text, "upstream slipway_web {\n"
                         "    server 127.0.0.1:32768 max_fails=1 fail_timeout=1s;\n"
                         "    server [fd00::1]:32769 max_fails=1 fail_timeout=1s backup;\n}\n"));
    /* nginx takes no upstream of backups alone */
    CU_ASSERT(has(&text, "    server 127.0.0.1:40000 max_fails=1 fail_timeout=1s;\n"));
    CU_ASSERT(has(&text, "    server_name b.test;\n"));
    CU_ASSERT(has(&text, "    location = /api {\n        proxy_pass http://slipway_web;\n"));
    CU_ASSERT(has(&text, "    location /api/ {\n        proxy_pass http://slipway_web;\n"));
    CU_ASSERT(has(&text, "    location / {\n        proxy_pass http://slipway_other;\n"));
    const char *first = strstr(buf_str(&text), "server_name a.test;");
    CU_ASSERT_PTR_NOT_NULL_FATAL(first);
    CU_ASSERT_PTR_NULL(strstr(first + 1, "server_name a.test;"));
    CU_ASSERT_PTR_NULL(strstr(buf_str(&text), "x.test"));
    CU_ASSERT_PTR_NULL(strstr(buf_str(&text), "ok.test"));
    CU_ASSERT_PTR_NULL(strstr(buf_str(&text), "UP.test"));
    CU_ASSERT_PTR_NULL(strstr(buf_str(&text), "hash_bucket"));
}

static void empty(void)
{
    struct routes none = {0};
    AUTO_BUF text = {0};
    router_nginx_render(&none, "80", &text);
    CU_ASSERT(has(&text, "return 404"));
    struct route_domain domain[] = {{"a.test", "/"}};
    struct route down[] = {{"down", domain, 1, NULL, 0}};
    struct routes routes = {down, 1};
    buf_clear(&text);
    router_nginx_render(&routes, "80", &text);
    CU_ASSERT(has(&text, "return 503"));
    CU_ASSERT_PTR_NULL(strstr(buf_str(&text), "upstream"));
}

const struct tap_test router_tests[] = {
    {"routes from tasks", from_tasks},
    {"nginx's file", renders},
    {"nothing to route to", empty},
    {NULL, NULL},
};
