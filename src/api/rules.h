/* SPDX-License-Identifier: MIT */
/*
 * Rules that field tables share (base/valid.h): each says what is wrong with a text, or NULL.
 */
#ifndef SLIPWAY_API_RULES_H
#define SLIPWAY_API_RULES_H

#include "base/valid.h"

valid_rule rule_line;       /* one line: no control characters, no white space at the ends */
valid_rule rule_text;       /* several lines: no control characters but newline and tab */
valid_rule rule_id;         /* a UUID */
valid_rule rule_repository; /* base/giturl.h */
valid_rule rule_branch;
valid_rule rule_commit;    /* 7 to 40 hexadecimal digits, lower case */
valid_rule rule_inside;    /* a relative path that stays inside: no '..', not absolute */
valid_rule rule_image;     /* registry/name:tag@digest */
valid_rule rule_env_key;   /* [A-Za-z_][A-Za-z0-9_.-]* */
valid_rule rule_env_value; /* no NUL; anything else */
valid_rule rule_stage;     /* a build stage's name */
valid_rule rule_mount;     /* an absolute path without '..' */
valid_rule rule_volume;    /* a Docker volume's name */
valid_rule rule_host;      /* a host name or IPv4 address, lower case */
valid_rule rule_url_path;  /* "/…" of unreserved characters */
valid_rule rule_label;     /* a label's key; those that Slipway sets itself are refused */
valid_rule rule_user;      /* user or uid, with an optional group */
valid_rule rule_username;  /* letters, digits, '.', '_', '-'; begins with one of the first two */
valid_rule rule_email;
valid_rule rule_url;        /* an http or https address with a host */
valid_rule rule_registry;   /* host or host:port */
valid_rule rule_tag;        /* an image's tag */
valid_rule rule_sql_name;   /* lower case letters, digits and '_' */
valid_rule rule_role;       /* a system role */
valid_rule rule_capability; /* one that cannot take the host */

#endif
