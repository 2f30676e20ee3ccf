/* SPDX-License-Identifier: MIT */
#include "auth/rbac.h"

#include <string.h>

#include "base/str.h"

#define ALL (ROLE_OWNER | ROLE_ADMIN | ROLE_DEVELOPER | ROLE_VIEWER)
#define BUILDERS (ROLE_OWNER | ROLE_ADMIN | ROLE_DEVELOPER)
#define KEEPERS (ROLE_OWNER | ROLE_ADMIN)

static const struct {
    const char *name;
    unsigned roles;
    bool global; /* about what is in no project */
} table[PERM_COUNT] = {
    [PERM_OWNER_ONLY] = {"owner", ROLE_OWNER, true},
    [PERM_NOBODY_NEEDED] = {"none", ALL},
    [PERM_LOGIN] = {"login", ALL},
    [PERM_PERSON] = {"person", ALL},
    [PERM_PROJECT_READ] = {"project.read", ALL},
    [PERM_PROJECT_CREATE] = {"project.create", BUILDERS, true},
    [PERM_PROJECT_UPDATE] = {"project.update", KEEPERS},
    [PERM_PROJECT_DELETE] = {"project.delete", KEEPERS},
    [PERM_APPLICATION_READ] = {"application.read", ALL},
    [PERM_APPLICATION_CREATE] = {"application.create", BUILDERS},
    [PERM_APPLICATION_UPDATE] = {"application.update", BUILDERS},
    [PERM_APPLICATION_DELETE] = {"application.delete", KEEPERS},
    [PERM_APPLICATION_DEPLOY] = {"application.deploy", BUILDERS},
    [PERM_DEPLOYMENT_READ] = {"deployment.read", ALL},
    [PERM_DEPLOYMENT_CANCEL] = {"deployment.cancel", BUILDERS},
    [PERM_DEPLOYMENT_ROLLBACK] = {"deployment.rollback", BUILDERS},
    [PERM_DATABASE_READ] = {"database.read", ALL},
    [PERM_DATABASE_CREATE] = {"database.create", KEEPERS},
    [PERM_DATABASE_UPDATE] = {"database.update", KEEPERS},
    [PERM_DATABASE_DELETE] = {"database.delete", KEEPERS},
    [PERM_METRICS_READ] = {"metrics.read", ALL},
    [PERM_METRICS_SCRAPE] = {"metrics.scrape", KEEPERS | ROLE_METRICS, true},
    [PERM_DELIVERY_READ] = {"delivery.read", ALL},
    [PERM_SECRET_REVEAL] = {"secret.reveal", KEEPERS},
    [PERM_CREDENTIAL_READ] = {"credential.read", KEEPERS, true},
    [PERM_CREDENTIAL_CREATE] = {"credential.create", KEEPERS, true},
    [PERM_CREDENTIAL_DELETE] = {"credential.delete", KEEPERS, true},
    [PERM_REGISTRY_READ] = {"registry.read", KEEPERS, true},
    [PERM_REGISTRY_CREATE] = {"registry.create", KEEPERS, true},
    [PERM_REGISTRY_UPDATE] = {"registry.update", KEEPERS, true},
    [PERM_REGISTRY_DELETE] = {"registry.delete", KEEPERS, true},
    [PERM_NOTIFICATION_READ] = {"notification.read", KEEPERS},
    [PERM_NOTIFICATION_CREATE] = {"notification.create", KEEPERS},
    [PERM_NOTIFICATION_UPDATE] = {"notification.update", KEEPERS},
    [PERM_NOTIFICATION_DELETE] = {"notification.delete", KEEPERS},
    [PERM_ALERT_READ] = {"alert.read", KEEPERS},
    [PERM_ALERT_CREATE] = {"alert.create", KEEPERS},
    [PERM_ALERT_UPDATE] = {"alert.update", KEEPERS},
    [PERM_ALERT_DELETE] = {"alert.delete", KEEPERS},
    [PERM_USER_READ] = {"user.read", KEEPERS, true},
    [PERM_USER_CREATE] = {"user.create", KEEPERS, true},
    [PERM_USER_UPDATE] = {"user.update", KEEPERS, true},
    [PERM_USER_DELETE] = {"user.delete", KEEPERS, true},
    [PERM_TEAM_READ] = {"team.read", KEEPERS, true},
    [PERM_TEAM_CREATE] = {"team.create", KEEPERS, true},
    [PERM_TEAM_UPDATE] = {"team.update", KEEPERS, true},
    [PERM_TEAM_DELETE] = {"team.delete", KEEPERS, true},
    [PERM_INVITATION_READ] = {"invitation.read", KEEPERS, true},
    [PERM_INVITATION_CREATE] = {"invitation.create", KEEPERS, true},
    [PERM_INVITATION_DELETE] = {"invitation.delete", KEEPERS, true},
    [PERM_TOKEN_READ] = {"token.read", KEEPERS, true},
    [PERM_TOKEN_DELETE] = {"token.delete", KEEPERS, true},
    [PERM_AUDIT_READ] = {"audit.read", KEEPERS, true},
    [PERM_SETTINGS_READ] = {"settings.read", KEEPERS, true},
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
