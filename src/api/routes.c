/* SPDX-License-Identifier: MIT */
#include "api/routes.h"

#include "api/account.h"
#include "api/action.h"
#include "api/app.h"
#include "api/auth.h"
#include "api/deployment.h"
#include "api/hook.h"
#include "api/oidc.h"
#include "api/invitation.h"
#include "api/openapi.h"
#include "api/project.h"
#include "api/release.h"
#include "api/user.h"

/* one a line */
/* clang-format off */
const struct route_table *const api_routes[] = {
    &api_health_routes,
    &api_openapi_routes,
    &api_auth_routes,
    &api_account_routes,
    &api_oidc_routes,
    &api_token_routes,
    &api_user_routes,
    &api_team_routes,
    &api_invitation_routes,
    &api_audit_routes,
    &api_project_routes,
    &api_app_routes,
    &api_bulk_routes,
    &api_action_routes,
    &api_release_routes,
    &api_deployment_routes,
    &api_database_routes,
    &api_credential_routes,
    &api_notification_routes,
    &api_github_routes,
    &api_gitlab_routes,
    &api_docker_routes,
    &api_delivery_routes,
    &api_metrics_routes,
    &api_live_routes,
    NULL,
};
