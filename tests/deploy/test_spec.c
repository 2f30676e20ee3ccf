/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/str.h"
#include "deploy/spec.h"
#include "tests/tap.h"

static struct store_app plain(void)
{
    return (struct store_app){
        .id = "app-1",
        .project_id = "project-1",
        .service_name = "web",
        .replicas = 2,
        .memory_limit = 512,
        .cpu_limit = 1.5,
        .port = 8080,
        .restart_policy = "{\"condition\":\"on-failure\",\"maxAttempts\":3,\"window\":120}",
        .update_config = "{\"parallelism\":1,\"delay\":10,\"monitor\":30,\"failureAction\":"
                         "\"rollback\"}",
        .volumes = "[]",
        .ports = "[]",
        .labels = "{}",
        .capabilities = "[]",
    };
}

static struct json_object *spec_of(const struct store_app *app, const char *inspected,
                                   const struct store_env_list *env, bool start_interval)
{
    AUTO_JSON *image = NULL;
    AUTO_BUF text = {0};
    struct json_object *out = NULL;
    struct err err = {0};
    if (inspected)
        TAP_OK(json_parse(inspected, strlen(inspected), &image, &err), &err);
    struct spec_input in = {.app = app,
                            .env = env,
                            .image = "r:5000/web:1a2b3c4-x@sha256:dd",
                            .inspected = image,
                            .release = "release-1",
                            .attempt = 2,
                            .network_id = "net-1",
                            .probe_id = "config-1",
                            .probe_name = "slipway-probe-1",
                            .start_interval = start_interval};
    TAP_OK(spec_write(&in, &text, &err), &err);
    TAP_OK(json_parse(buf_str(&text), text.len, &out, &err), &err);
    return out;
}

#define CONTAINER "TaskTemplate/ContainerSpec/"

static void is_json(struct json_object *o, const char *path, const char *expected)
{
    struct json_object *v = json_at(o, path);
    TAP_STR(v ? json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN |
                                                      JSON_C_TO_STRING_NOSLASHESCAPE)
              : "(absent)",
            expected);
}

static void defaults(void)
{
    struct store_app app = plain();
    struct store_env list[] = {{.key = "A", .value = "1"}, {.key = "B", .value = "x=y \"z\""}};
    struct store_env_list env = {list, 2};
    AUTO_JSON *s = spec_of(&app, NULL, &env, false);
    TAP_STR(json_str_at(s, "Name"), "web");
    is_json(s, "Labels",
            "{\"traefik.enable\":\"true\",\"dokploy.application\":\"app-1\",\"dokploy.project\":"
            "\"project-1\"}");
    TAP_STR(json_str_at(s, CONTAINER "Image"), "r:5000/web:1a2b3c4-x@sha256:dd");
    is_json(s, CONTAINER "Labels",
            "{\"slipway.release\":\"release-1\",\"slipway.attempt\":\"2\",\"dokploy.application\":"
            "\"app-1\"}");
    is_json(s, CONTAINER "Env", "[\"A=1\",\"B=x=y \\\"z\\\"\"]");
    CU_ASSERT(json_bool_at(s, CONTAINER "Init", false));
    CU_ASSERT_FALSE(json_bool_at(s, CONTAINER "ReadOnly", true));
    CU_ASSERT_EQUAL(json_int_at(s, CONTAINER "StopGracePeriod", 0), 10000000000);
    is_json(s, CONTAINER "User", "(absent)");
    is_json(s, CONTAINER "CapabilityAdd", "[]");
    is_json(s, CONTAINER "CapabilityDrop",
            "[\"NET_RAW\",\"MKNOD\",\"AUDIT_WRITE\",\"SETFCAP\",\"SETPCAP\"]");
    is_json(s, "TaskTemplate/Resources",
            "{\"Limits\":{\"MemoryBytes\":536870912,\"NanoCPUs\":1500000000}}");
    is_json(s, "TaskTemplate/RestartPolicy",
            "{\"Condition\":\"on-failure\",\"MaxAttempts\":3,\"Window\":120000000000}");
    is_json(s, "TaskTemplate/Networks", "[{\"Target\":\"net-1\"}]");
    CU_ASSERT_EQUAL(json_int_at(s, "Mode/Replicated/Replicas", 0), 2);
    is_json(s, "UpdateConfig",
            "{\"Parallelism\":1,\"Delay\":10000000000,\"Monitor\":30000000000,\"FailureAction\":"
            "\"rollback\",\"Order\":\"start-first\"}");
    TAP_STR(json_str_at(s, "RollbackConfig/Order"), "start-first");
    is_json(s, "EndpointSpec",
            "{\"Mode\":\"dnsrr\",\"Ports\":[{\"Protocol\":\"tcp\",\"TargetPort\":8080,"
            "\"PublishMode\":\"host\"}]}");
}

static void everything(void)
{
    struct store_app app = plain();
    app.run_user = "1000:1000";
    app.read_only = true;
    app.capabilities = "[\"SYS_TIME\",\"CAP_NET_RAW\"]";
    app.volumes = "[{\"source\":\"data\",\"target\":\"/data\"}]";
    app.ports = "[{\"published\":9000,\"target\":8080},{\"published\":53,\"target\":5353}]";
    app.labels = "{\"traefik.enable\":\"false\",\"dokploy.project\":\"stolen\",\"team\":\"a\"}";
    app.update_config = "{\"parallelism\":2,\"delay\":0,\"monitor\":0,\"failureAction\":\"pause\"}";
    AUTO_JSON *s = spec_of(&app, NULL, NULL, false);
    TAP_STR(json_str_at(s, CONTAINER "User"), "1000:1000");
    CU_ASSERT(json_bool_at(s, CONTAINER "ReadOnly", false));
    is_json(s, CONTAINER "CapabilityAdd", "[\"SYS_TIME\",\"CAP_NET_RAW\"]");
    is_json(s, CONTAINER "CapabilityDrop", "[\"MKNOD\",\"AUDIT_WRITE\",\"SETFCAP\",\"SETPCAP\"]");
    is_json(s, CONTAINER "Mounts",
            "[{\"Type\":\"volume\",\"Source\":\"web_data\",\"Target\":\"/data\",\"VolumeOptions\":{"
            "\"Labels\":{\"dokploy.application\":\"app-1\"}}}]");
    is_json(s, "Labels",
            "{\"traefik.enable\":\"false\",\"team\":\"a\",\"dokploy.application\":\"app-1\","
            "\"dokploy.project\":\"project-1\"}");
    TAP_STR(json_str_at(s, "UpdateConfig/Order"), "stop-first");
    CU_ASSERT_EQUAL(json_int_at(s, "UpdateConfig/Monitor", 0), 1000000); /* 0 would be 5 s */
    is_json(s, "EndpointSpec/Ports",
            "[{\"Protocol\":\"tcp\",\"TargetPort\":8080,\"PublishedPort\":9000,\"PublishMode\":"
            "\"host\"},{\"Protocol\":\"tcp\",\"TargetPort\":5353,\"PublishedPort\":53,"
            "\"PublishMode\":\"host\"}]");
}

static void health(void)
{
    struct store_app app = plain();
    AUTO_JSON *probe = spec_of(&app, "{\"Config\":{}}", NULL, false);
    is_json(probe, CONTAINER "Healthcheck",
            "{\"Test\":[\"CMD\",\"/slipway-probe\",\"8080\"],\"Interval\":2000000000,\"Timeout\":"
            "3000000000,\"Retries\":3,\"StartPeriod\":60000000000}");
    is_json(probe, CONTAINER "Configs",
            "[{\"ConfigID\":\"config-1\",\"ConfigName\":\"slipway-probe-1\",\"File\":{\"Name\":"
            "\"/slipway-probe\",\"UID\":\"0\",\"GID\":\"0\",\"Mode\":365}}]");
    AUTO_JSON *newer = spec_of(&app, NULL, NULL, true);
    CU_ASSERT_EQUAL(json_int_at(newer, CONTAINER "Healthcheck/StartInterval", 0), 1000000000);
    CU_ASSERT_EQUAL(json_int_at(newer, CONTAINER "Healthcheck/Interval", 0), 10000000000);

    AUTO_JSON *own =
        spec_of(&app, "{\"Config\":{\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"]}}}", NULL, false);
    is_json(own, CONTAINER "Healthcheck", "(absent)"); /* the image's is inherited */
    is_json(own, CONTAINER "Configs", "(absent)");
    AUTO_JSON *none =
        spec_of(&app, "{\"Config\":{\"Healthcheck\":{\"Test\":[\"NONE\"]}}}", NULL, false);
    is_json(none, CONTAINER "Healthcheck", "(absent)");

    app.health_check = "{\"command\":\"wget -q localhost\",\"interval\":0.5,\"timeout\":2,"
                       "\"retries\":5}";
    AUTO_JSON *set = spec_of(&app, NULL, NULL, false);
    is_json(set, CONTAINER "Healthcheck",
            "{\"Test\":[\"CMD-SHELL\",\"wget -q localhost\"],\"Interval\":500000000,\"Timeout\":"
            "2000000000,\"Retries\":5}");
    app.health_check = "{}";
    AUTO_JSON *seed = spec_of(&app, NULL, NULL, false);
    is_json(seed, CONTAINER "Healthcheck",
            "{\"Test\":[\"CMD-SHELL\",\"curl -f http://localhost/ || exit 1\"],\"Interval\":"
            "30000000000,\"Timeout\":10000000000,\"Retries\":3}");
}

const struct tap_test spec_tests[] = {
    {"a plain application", defaults},
    {"all that can be set", everything},
    {"which health check", health},
    {NULL, NULL},
};
