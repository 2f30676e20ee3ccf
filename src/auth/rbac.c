/* SPDX-License-Identifier: MIT */
#include "auth/rbac.h"

#include <string.h>

#include "base/str.h"

#define ALL (ROLE_OWNER | ROLE_ADMIN | ROLE_DEVELOPER | ROLE_VIEWER)
#define BUILDERS (ROLE_OWNER | ROLE_ADMIN | ROLE_DEVELOPER)
#define KEEPERS (ROLE_OWNER | ROLE_ADMIN)

/* LOCAL: by the role that the thing's project gives; GLOBAL: by the system's. */
#define LOCAL(name, roles) \
    {                      \
        name, roles, false \
    }
#define GLOBAL(name, roles) \
    {                       \
        name, roles, true   \
    }

static const struct {
    const char *name;
    unsigned roles;
    bool global; /* about what is in no project */
} table[PERM_COUNT] = {
    [PERM_OWNER_ONLY] = GLOBAL("owner", ROLE_OWNER),
    [PERM_NOBODY_NEEDED] = LOCAL("none", ALL),
    [PERM_LOGIN] = LOCAL("login", ALL),
    [PERM_PERSON] = LOCAL("person", ALL),
    [PERM_PROJECT_READ] = LOCAL("project.read", ALL),
    [PERM_PROJECT_CREATE] = GLOBAL("project.create", BUILDERS),
    [PERM_PROJECT_UPDATE] = LOCAL("project.update", KEEPERS),
    [PERM_PROJECT_DELETE] = LOCAL("project.delete", KEEPERS),
    [PERM_APPLICATION_READ] = LOCAL("application.read", ALL),
    [PERM_APPLICATION_CREATE] = LOCAL("application.create", BUILDERS),
    [PERM_APPLICATION_UPDATE] = LOCAL("application.update", BUILDERS),
    [PERM_APPLICATION_DELETE] = LOCAL("application.delete", KEEPERS),
    [PERM_APPLICATION_DEPLOY] = LOCAL("application.deploy", BUILDERS),
    [PERM_DEPLOYMENT_READ] = LOCAL("deployment.read", ALL),
    [PERM_DEPLOYMENT_CANCEL] = LOCAL("deployment.cancel", BUILDERS),
    [PERM_DEPLOYMENT_ROLLBACK] = LOCAL("deployment.rollback", BUILDERS),
    [PERM_DATABASE_READ] = LOCAL("database.read", ALL),
    [PERM_DATABASE_CREATE] = LOCAL("database.create", KEEPERS),
    [PERM_DATABASE_UPDATE] = LOCAL("database.update", KEEPERS),
    [PERM_DATABASE_DELETE] = LOCAL("database.delete", KEEPERS),
    [PERM_METRICS_READ] = LOCAL("metrics.read", ALL),
    [PERM_METRICS_SCRAPE] = GLOBAL("metrics.scrape", KEEPERS | ROLE_METRICS),
    [PERM_DELIVERY_READ] = LOCAL("delivery.read", ALL),
    [PERM_SECRET_REVEAL] = LOCAL("secret.reveal", KEEPERS),
    [PERM_CREDENTIAL_READ] = GLOBAL("credential.read", KEEPERS),
    [PERM_CREDENTIAL_CREATE] = GLOBAL("credential.create", KEEPERS),
    [PERM_CREDENTIAL_DELETE] = GLOBAL("credential.delete", KEEPERS),
    [PERM_REGISTRY_READ] = GLOBAL("registry.read", KEEPERS),
    [PERM_REGISTRY_CREATE] = GLOBAL("registry.create", KEEPERS),
    [PERM_REGISTRY_UPDATE] = GLOBAL("registry.update", KEEPERS),
    [PERM_REGISTRY_DELETE] = GLOBAL("registry.delete", KEEPERS),
    [PERM_NOTIFICATION_READ] = LOCAL("notification.read", KEEPERS),
    [PERM_NOTIFICATION_CREATE] = LOCAL("notification.create", KEEPERS),
    [PERM_NOTIFICATION_UPDATE] = LOCAL("notification.update", KEEPERS),
    [PERM_NOTIFICATION_DELETE] = LOCAL("notification.delete", KEEPERS),
    [PERM_ALERT_READ] = LOCAL("alert.read", KEEPERS),
    [PERM_ALERT_CREATE] = LOCAL("alert.create", KEEPERS),
    [PERM_ALERT_UPDATE] = LOCAL("alert.update", KEEPERS),
    [PERM_ALERT_DELETE] = LOCAL("alert.delete", KEEPERS),
    [PERM_USER_READ] = GLOBAL("user.read", KEEPERS),
    [PERM_USER_CREATE] = GLOBAL("user.create", KEEPERS),
    [PERM_USER_UPDATE] = GLOBAL("user.update", KEEPERS),
    [PERM_USER_DELETE] = GLOBAL("user.delete", KEEPERS),
    [PERM_TEAM_READ] = GLOBAL("team.read", KEEPERS),
    [PERM_TEAM_CREATE] = GLOBAL("team.create", KEEPERS),
    [PERM_TEAM_UPDATE] = GLOBAL("team.update", KEEPERS),
    [PERM_TEAM_DELETE] = GLOBAL("team.delete", KEEPERS),
    [PERM_INVITATION_READ] = GLOBAL("invitation.read", KEEPERS),
    [PERM_INVITATION_CREATE] = GLOBAL("invitation.create", KEEPERS),
    [PERM_INVITATION_DELETE] = GLOBAL("invitation.delete", KEEPERS),
    [PERM_TOKEN_READ] = GLOBAL("token.read", KEEPERS),
    [PERM_TOKEN_DELETE] = GLOBAL("token.delete", KEEPERS),
    [PERM_AUDIT_READ] = GLOBAL("audit.read", KEEPERS),
    [PERM_SETTINGS_READ] = GLOBAL("settings.read", KEEPERS),
};

static const struct {
    const char *name;
    unsigned role;
} role_names[] = {{"owner", ROLE_OWNER},
                  {"admin", ROLE_ADMIN},
                  {"developer", ROLE_DEVELOPER},
                  {"viewer", ROLE_VIEWER}};

unsigned rbac_role(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(role_names); i++)
        if (str_eq(name, role_names[i].name))
            return role_names[i].role;
    return 0;
}

unsigned rbac_token_role(const char *name)
{
    return str_eq(name, "metrics") ? ROLE_METRICS : rbac_role(name);
}

unsigned rbac_strongest(const char *roles_json)
{
    /* the column's check allows these words and no others, so a quoted word is a role */
    for (size_t i = 0; i < ARRAY_LEN(role_names); i++) {
        const char *at = strstr(roles_json, role_names[i].name);
        if (at && at > roles_json && at[-1] == '"')
            return role_names[i].role;
    }
    return 0;
}

const char *rbac_permission_name(enum permission p)
{
    return table[p].name;
}

bool rbac_is_global(enum permission p)
{
    return table[p].global;
}

bool rbac_sees_everything(unsigned system_role)
{
    return system_role & KEEPERS;
}

bool rbac_allows(unsigned system_role, const char *project_role, enum permission p)
{
    if (p >= PERM_COUNT || !table[p].name)
        BUG("permission %d is not in the table", (int)p);
    unsigned role =
        rbac_sees_everything(system_role) || !project_role ? system_role : rbac_role(project_role);
    return role & table[p].roles;
}
