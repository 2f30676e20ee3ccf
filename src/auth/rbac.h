/* SPDX-License-Identifier: MIT */
/*
 * Roles and permissions. The table is data, in rbac.c.
 *
 * Which role counts on one resource, in this order: a system owner or admin has that role
 * everywhere; else the project's owner is admin in it; else a member of the project's team has the
 * membership's role; else none, and the resource does not exist for that person. What is in no
 * project goes by the system roles alone.
 */
#ifndef SLIPWAY_AUTH_RBAC_H
#define SLIPWAY_AUTH_RBAC_H

#include "base/base.h"

/* The first, which a forgotten field gives, is the strictest. */
enum permission {
    PERM_OWNER_ONLY = 0,
    PERM_NOBODY_NEEDED, /* no login: a decision that must be written out */
    PERM_LOGIN,         /* any login */
    PERM_PERSON,        /* any login of a person: not by an API token */
    PERM_PROJECT_READ,
    PERM_PROJECT_CREATE,
    PERM_PROJECT_UPDATE,
    PERM_PROJECT_DELETE,
    PERM_APPLICATION_READ,
    PERM_APPLICATION_CREATE,
    PERM_APPLICATION_UPDATE,
    PERM_APPLICATION_DELETE,
    PERM_APPLICATION_DEPLOY,
    PERM_DEPLOYMENT_READ,
    PERM_DEPLOYMENT_CANCEL,
    PERM_DEPLOYMENT_ROLLBACK,
    PERM_DATABASE_READ,
    PERM_DATABASE_CREATE,
    PERM_DATABASE_UPDATE,
    PERM_DATABASE_DELETE,
    PERM_METRICS_READ,
    PERM_METRICS_SCRAPE,
    PERM_DELIVERY_READ,
    PERM_SECRET_REVEAL,
    PERM_CREDENTIAL_READ,
    PERM_CREDENTIAL_CREATE,
    PERM_CREDENTIAL_DELETE,
    PERM_REGISTRY_READ,
    PERM_REGISTRY_CREATE,
    PERM_REGISTRY_UPDATE,
    PERM_REGISTRY_DELETE,
    PERM_NOTIFICATION_READ,
    PERM_NOTIFICATION_CREATE,
    PERM_NOTIFICATION_UPDATE,
    PERM_NOTIFICATION_DELETE,
    PERM_ALERT_READ,
    PERM_ALERT_CREATE,
    PERM_ALERT_UPDATE,
    PERM_ALERT_DELETE,
    PERM_USER_READ,
    PERM_USER_CREATE,
    PERM_USER_UPDATE,
    PERM_USER_DELETE,
    PERM_TEAM_READ,
    PERM_TEAM_CREATE,
    PERM_TEAM_UPDATE,
    PERM_TEAM_DELETE,
    PERM_INVITATION_READ,
    PERM_INVITATION_CREATE,
    PERM_INVITATION_DELETE,
    PERM_TOKEN_READ,
    PERM_TOKEN_DELETE,
    PERM_AUDIT_READ,
    PERM_SETTINGS_READ,
    PERM_COUNT,
};

/* ROLE_METRICS is of API tokens alone: it scrapes and does nothing else. */
enum role {
    ROLE_VIEWER = 1,
    ROLE_DEVELOPER = 2,
    ROLE_ADMIN = 4,
    ROLE_OWNER = 8,
    ROLE_METRICS = 16
};

/* "owner" and so on; 0 for anything else. */
unsigned rbac_role(const char *name);
/* The same, and "metrics". */
unsigned rbac_token_role(const char *name);
/* The strongest in a JSON array of role names, as one bit; 0 for none. */
unsigned rbac_strongest(const char *roles_json);
const char *rbac_permission_name(enum permission p);

/* May somebody with the system role do it where the project gives PROJECT_ROLE (a role's name, or
 * NULL for a thing in no project or a project that gives none)? */
bool rbac_allows(unsigned system_role, const char *project_role, enum permission p);

/* Whether P is about what is in no project, so that the system role alone decides. */
bool rbac_is_global(enum permission p);

/* A system owner or admin sees everything. */
bool rbac_sees_everything(unsigned system_role);

#endif
