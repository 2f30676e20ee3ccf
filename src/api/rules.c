/* SPDX-License-Identifier: MIT */
#include "api/rules.h"

#include <string.h>

#include "base/buf.h"
#include "base/giturl.h"
#include "base/rand.h"
#include "base/str.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define WORD LOWER UPPER DIGITS

static bool only(const char *s, const char *allowed)
{
    return !s[strspn(s, allowed)];
}

static bool has_control(const char *s, const char *but)
{
    for (; *s; s++)
        if (((unsigned char)*s < 0x20 || *s == 0x7F) && !strchr(but, *s))
            return true;
    return false;
}

const char *rule_line(struct arena *a, const char *s)
{
    (void)a;
    if (has_control(s, ""))
        return "must not contain control characters";
    size_t n = strlen(s);
    return n && (s[0] == ' ' || s[n - 1] == ' ') ? "must not begin or end with a space" : NULL;
}

const char *rule_text(struct arena *a, const char *s)
{
    (void)a;
    return has_control(s, "\n\t\r") ? "must not contain control characters" : NULL;
}

const char *rule_id(struct arena *a, const char *s)
{
    (void)a;
    return uuid_valid(s) ? NULL : "is not an id";
}

const char *rule_repository(struct arena *a, const char *s)
{
    struct err err;
    return giturl_check(s, &err) == 0 ? NULL : arena_strdup(a, err.msg);
}

const char *rule_branch(struct arena *a, const char *s)
{
    (void)a;
    return giturl_ref_valid(s) ? NULL : "is not a name that git allows for a branch";
}

const char *rule_commit(struct arena *a, const char *s)
{
    (void)a;
    size_t n = strlen(s);
    return only(s, DIGITS "abcdef") && n >= 7 && n <= 40
               ? NULL
               : "must be 7 to 40 hexadecimal digits in lower case";
}

const char *rule_inside(struct arena *a, const char *s)
{
    if (*s == '/')
        return "must be relative to the repository's root";
    if (has_control(s, "") || strchr(s, '\\'))
        return "must not contain control characters or '\\'";
    for (char **part = str_split(a, s, '/'); *part; part++)
        if (str_eq(*part, ".."))
            return "must stay inside the repository: no '..'";
    return NULL;
}

const char *rule_image(struct arena *a, const char *s)
{
    (void)a;
    const char *digest = strchr(s, '@');
    if (digest && (!str_starts(digest, "@sha256:") || !str_is_hex(digest + 8, 64, 64)))
        return "must have a digest of the form @sha256:<64 hexadecimal digits>";
    size_t n = digest ? (size_t)(digest - s) : strlen(s);
    bool ok = n > 0 && strchr(WORD, s[0]);
    for (size_t i = 0; i < n; i++)
        ok &= strchr(WORD "._-/:", s[i]) != NULL;
    const char *slash = memrchr(s, '/', n);
    for (const char *p = slash ? slash + 1 : s; p < s + n && *p != ':'; p++)
        ok &= !(*p >= 'A' && *p <= 'Z');
    return ok && s[n - 1] != '/' && s[n - 1] != ':' && !memmem(s, n, "//", 2)
               ? NULL
               : "must be an image of the form registry/name:tag";
}

const char *rule_env_key(struct arena *a, const char *s)
{
    (void)a;
    return !strchr(DIGITS ".-", *s) && only(s, WORD "_.-")
               ? NULL
               : "must begin with a letter or '_' and have letters, digits, '_', '.' and '-' only";
}

const char *rule_env_value(struct arena *a, const char *s)
{
    (void)a;
    (void)s; /* U+0000 is refused for every text */
    return NULL;
}

const char *rule_stage(struct arena *a, const char *s)
{
    (void)a;
    return strchr(WORD, *s) && only(s, WORD "_.-") ? NULL : "is not the name of a build stage";
}

const char *rule_mount(struct arena *a, const char *s)
{
    if (*s != '/' || !s[1])
        return "must be an absolute path inside the container";
    return rule_inside(a, s + 1);
}

const char *rule_volume(struct arena *a, const char *s)
{
    (void)a;
    return strchr(WORD, *s) && only(s, WORD "_.-")
               ? NULL
               : "must be the name of a volume (letters, digits, '_', '.', '-'); paths of the host "
                 "cannot be mounted";
}

const char *rule_host(struct arena *a, const char *s)
{
    static const char wrong[] = "must be a host name in lower case, such as shop.example.com";
    if (!only(s, LOWER DIGITS "-.") || strlen(s) > 253 || strstr(s, "..") || *s == '.')
        return wrong;
    for (char **label = str_split(a, s, '.'); *label; label++) {
        size_t n = strlen(*label);
        if (n > 63 || (*label)[0] == '-' || (*label)[n - 1] == '-')
            return wrong;
    }
    return str_ends(s, ".") ? wrong : NULL;
}

const char *rule_url_path(struct arena *a, const char *s)
{
    (void)a;
    return *s == '/' && only(s, WORD "/._~-") && !strstr(s, "//") && !strstr(s, "..")
               ? NULL
               : "must begin with '/' and have letters, digits, '/', '.', '_', '~' and '-' only";
}

const char *rule_label(struct arena *a, const char *s)
{
    (void)a;
    if (str_starts(s, "dokploy.") || str_starts(s, "slipway.") || str_starts(s, "com.docker."))
        return "is a label that Slipway or Docker sets itself";
    return strchr(WORD, *s) && only(s, WORD "._/-") ? NULL
                                                    : "is not a label's name (letters, digits, "
                                                      "'.', '_', '/', '-')";
}

const char *rule_user(struct arena *a, const char *s)
{
    (void)a;
    const char *colon = strchr(s, ':');
    return strchr(WORD "_", *s) && only(s, WORD "_.:-") && (!colon || !strchr(colon + 1, ':'))
               ? NULL
               : "must be a user or uid, with a group after ':' where wanted";
}

const char *rule_capability(struct arena *a, const char *s)
{
    /* what cannot reach beyond the container's own network, files and processes */
    static const char *const allowed[] = {
        "AUDIT_WRITE",      "CHOWN",         "DAC_OVERRIDE", "FOWNER",   "FSETID",
        "IPC_LOCK",         "KILL",          "LEASE",        "MKNOD",    "NET_ADMIN",
        "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW",      "SETFCAP",  "SETGID",
        "SETPCAP",          "SETUID",        "SYS_CHROOT",   "SYS_NICE", "SYS_RESOURCE",
    };
    AUTO_BUF list = {0};
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
        if (str_eq(s, allowed[i]))
            return NULL;
        buf_addf(&list, "%s%s", i ? ", " : "", allowed[i]);
    }
    return arena_printf(a, "must be one of %s", buf_str(&list));
}

const char *rule_username(struct arena *a, const char *s)
{
    (void)a;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    if (!strchr(letters, *s))
        return "must begin with a letter or digit";
    for (; *s; s++)
        if (!strchr(letters, *s) && !strchr("._-", *s))
            return "may have letters, digits, '.', '_' and '-' only";
    return NULL;
}

const char *rule_email(struct arena *a, const char *s)
{
    (void)a;
    const char *at = strrchr(s, '@');
    bool ok = at && at != s && at[1] && strchr(s, '@') == at && at[1] != '.' && !strstr(at, "..");
    for (; *s; s++)
        ok &= (unsigned char)*s > 0x20 && *s != 0x7F && !strchr("<>\"(),;:\\", *s);
    return ok ? NULL : "must be an e-mail address";
}

const char *rule_role(struct arena *a, const char *s)
{
    return str_eq(s, "owner") || str_eq(s, "admin") || str_eq(s, "developer") || str_eq(s, "viewer")
               ? NULL
               : arena_printf(a, "must be owner, admin, developer or viewer, not '%.40s'", s);
}

static bool all_of(const char *s, const char *letters)
{
    return s[strspn(s, letters)] == '\0';
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

const char *rule_url(struct arena *a, const char *s)
{
    const char *rest = str_starts(s, "https://")  ? s + strlen("https://")
                       : str_starts(s, "http://") ? s + strlen("http://")
                                                  : NULL;
    if (!rest || !*rest || strchr("/:?#", *rest))
        return arena_printf(a, "must be an https or http address, not '%.80s'", s);
    for (const unsigned char *p = (const unsigned char *)rest; *p; p++)
        if (*p <= 0x20 || *p >= 0x7F || strchr("\\\"<>^`{|}", *p))
            return "must be an address without white space, quotes and brackets";
    if (memchr(rest, '@', strcspn(rest, "/?#")))
        return "must not hold a user or password";
    return NULL;
}

const char *rule_registry(struct arena *a, const char *s)
{
    const char *colon = strchr(s, ':');
    size_t n = colon ? (size_t)(colon - s) : strlen(s);
    int64_t port;
    const char *host = arena_printf(a, "%.*s", (int)n, s);
    if (rule_host(a, host) || (colon && !str_to_int(colon + 1, 1, 65535, &port)))
        return arena_printf(a, "must be a host or host:port, not '%.80s'", s);
    return NULL;
}

const char *rule_tag(struct arena *a, const char *s)
{
    if (strchr(".-", *s) || !all_of(s, LOWER UPPER DIGIT "._-"))
        return arena_printf(a, "must be an image's tag, not '%.80s'", s);
    return NULL;
}

const char *rule_sql_name(struct arena *a, const char *s)
{
    if (!strchr(LOWER "_", *s) || !all_of(s, LOWER DIGIT "_"))
        return arena_printf(
            a, "must have lower case letters, digits and '_' and begin with a letter, not '%.80s'",
            s);
    return NULL;
}
