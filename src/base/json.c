/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"

/* What json-c does not say of a text: whether it has what RFC 8259 has not and json-c's strict mode
 * takes ('single quotes' around keys, NaN, Infinity, half a surrogate pair), about how many values,
 * and how many members. */
struct look {
    bool extension, half_pair;
    size_t values, members;
};

/* The code unit of a \uXXXX at S, or -1. */
static int unit_at(const char *s, const char *end)
{
    int unit = 0;
    if (end - s < 6 || s[0] != '\\' || s[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        const char *digits = "0123456789abcdef", *d = memchr(digits, s[i] | 0x20, 16);
        if (!d)
            return -1;
        unit = unit * 16 + (int)(d - digits);
    }
    return unit;
}

/* How long the escape at S is; *half when it is one half of a surrogate pair alone. */
static size_t escape_length(const char *s, const char *end, bool *half)
{
    int unit = unit_at(s, end);
    if (unit < 0xD800 || unit > 0xDFFF)
        return 2;
    int second = unit_at(s + 6, end);
    if (unit < 0xDC00 && second >= 0xDC00 && second <= 0xDFFF)
        return 12;
    *half = true;
    return 6;
}

static struct look look_at(const char *text, size_t len)
{
    struct look l = {0};
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        if (in_string && text[i] == '\\')
            i += escape_length(text + i, text + len, &l.half_pair) - 1;
        else if (text[i] == '"')
            in_string = !in_string;
        else if (in_string)
            continue;
        else if (memchr("'NI", text[i], 3))
            l.extension = true;
        else if (memchr("[{,", text[i], 3))
            l.values++;
        else
            l.members += text[i] == ':';
    }
    return l;
}

/* The members of all objects in the tree; fewer than in the text when a name stood twice. */
static size_t count_members(struct json_object *o)
{
    size_t n = 0;
    if (json_object_is_type(o, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(o); i++)
            n += count_members(json_object_array_get_idx(o, i));
    } else if (json_object_is_type(o, json_type_object)) {
        json_object_object_foreach(o, key, v)
        {
            (void)key;
            n += 1 + count_members(v);
        }
    }
    return n;
}

int json_parse(const char *text, size_t len, struct json_object **out, struct err *err)
{
    if (len > INT32_MAX)
        return err_set(err, ERR_TOO_LARGE, "the JSON text is longer than 2 GiB");
    struct look look = look_at(text, len);
    if (look.values > JSON_MAX_VALUES)
        return err_set(err, ERR_TOO_LARGE, "the JSON text has more than %d values",
                       JSON_MAX_VALUES);
    struct json_tokener *tok = json_tokener_new_ex(JSON_MAX_DEPTH);
    if (!tok)
        base_oom(sizeof(void *));
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *o = json_tokener_parse_ex(tok, text, (int)len);
    enum json_tokener_error e = json_tokener_get_error(tok);
    size_t end = json_tokener_get_parse_end(tok);
    if (e == json_tokener_continue && len) {
        /* a bare number or literal ends only with what follows it */
        o = json_tokener_parse_ex(tok, " ", 1);
        e = json_tokener_get_error(tok);
        end = len;
    }
    if (e == json_tokener_success && (look.extension || look.half_pair))
        e = json_tokener_error_parse_string;
    json_tokener_free(tok);
    while (e == json_tokener_success && end < len && strchr(" \t\r\n", text[end]) && text[end])
        end++;
    bool doubled = e == json_tokener_success && end >= len && count_members(o) != look.members;
    if (e == json_tokener_success && end >= len && !doubled) {
        *out = o;
        return 0;
    }
    json_object_put(o);
    if (doubled)
        return err_set(err, ERR_MALFORMED, "invalid JSON: an object has two members of one name");
    if (e == json_tokener_success)
        return err_set(err, ERR_MALFORMED, "invalid JSON: text after the value, at byte %zu", end);
    if (e == json_tokener_continue || len == 0)
        return err_set(err, ERR_MALFORMED, "invalid JSON: the text ends too early");
    return err_set(err, ERR_MALFORMED, "invalid JSON: %s, at byte %zu", json_tokener_error_desc(e),
                   end);
}

void json_release(struct json_object **o)
{
    json_object_put(*o);
    *o = NULL;
}

struct json_object *json_at(struct json_object *o, const char *path)
{
    char key[256];
    while (o && *path) {
        size_t n = strcspn(path, "/");
        if (n >= sizeof(key))
            BUG("json path step too long: %s", path);
        memcpy(key, path, n);
        key[n] = '\0';
        struct json_object *next = NULL;
        if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &next))
            return NULL;
        o = next;
        path += n + (path[n] == '/');
    }
    return o;
}

const char *json_str_at(struct json_object *o, const char *path)
{
    struct json_object *v = json_at(o, path);
    return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

int64_t json_int_at(struct json_object *o, const char *path, int64_t fallback)
{
    struct json_object *v = json_at(o, path);
    return json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : fallback;
}

bool json_bool_at(struct json_object *o, const char *path, bool fallback)
{
    struct json_object *v = json_at(o, path);
    return json_object_is_type(v, json_type_boolean) ? json_object_get_boolean(v) : fallback;
}

size_t json_len(struct json_object *array)
{
    return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

void jw_init(struct jw *w, struct buf *out)
{
    *w = (struct jw){.out = out};
}

static void before_value(struct jw *w)
{
    if (w->key) {
        w->key = false;
        return;
    }
    if (w->has & (1ULL << w->depth))
        buf_addc(w->out, ',');
    w->has |= 1ULL << w->depth;
}

static void open_level(struct jw *w, char c)
{
    before_value(w);
    buf_addc(w->out, c);
    if (++w->depth > 60)
        BUG("json nested too deep");
    w->has &= ~(1ULL << w->depth);
}

static void close_level(struct jw *w, char c)
{
    if (!w->depth || w->key)
        BUG("json ends do not pair");
    w->depth--;
    buf_addc(w->out, c);
}

void jw_begin(struct jw *w)
{
    open_level(w, '{');
}

void jw_end(struct jw *w)
{
    close_level(w, '}');
}

void jw_begin_array(struct jw *w)
{
    open_level(w, '[');
}

void jw_end_array(struct jw *w)
{
    close_level(w, ']');
}

static void add_escaped(struct buf *out, const char *s, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    buf_addc(out, '"');
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F)
            continue;
        buf_add(out, s + from, i - from);
        from = i + 1;
        char esc = c == '"' ? '"' : c == '\\' ? '\\' : c == '\n' ? 'n' : c == '\t' ? 't' : 0;
        if (esc) {
            char two[2] = {'\\', esc};
            buf_add(out, two, 2);
        } else {
            char six[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            buf_add(out, six, 6);
        }
    }
    buf_add(out, s + from, n - from);
    buf_addc(out, '"');
}

void jw_key(struct jw *w, const char *key)
{
    if (w->key)
        BUG("json key '%s' follows a key", key);
    before_value(w);
    add_escaped(w->out, key, strlen(key));
    buf_addc(w->out, ':');
    w->key = true;
}

void jw_strn(struct jw *w, const char *s, size_t n)
{
    before_value(w);
    if (str_utf8(s, n)) {
        add_escaped(w->out, s, n);
        return;
    }
    AUTO_ARENA a = {0};
    const char *clean = str_utf8_scrub(&a, s, n);
    add_escaped(w->out, clean, strlen(clean));
}

void jw_str(struct jw *w, const char *s)
{
    if (s)
        jw_strn(w, s, strlen(s));
    else
        jw_null(w);
}

void jw_int(struct jw *w, int64_t v)
{
    before_value(w);
    buf_addf(w->out, "%lld", (long long)v);
}

void jw_num(struct jw *w, double v)
{
    if (!isfinite(v)) {
        jw_null(w);
        return;
    }
    char text[40];
    for (int precision = 6; precision <= 17; precision++) {
        snprintf(text, sizeof(text), "%.*g", precision, v);
        double back;
        if (sscanf(text, "%lf", &back) == 1 && back == v)
            break;
    }
    before_value(w);
    buf_adds(w->out, text);
}

void jw_bool(struct jw *w, bool v)
{
    before_value(w);
    buf_adds(w->out, v ? "true" : "false");
}

void jw_null(struct jw *w)
{
    before_value(w);
    buf_adds(w->out, "null");
}

void jw_time(struct jw *w, int64_t ms)
{
    if (!ms) {
        jw_null(w);
        return;
    }
    char text[TIME_TEXT];
    time_format(ms, text);
    jw_str(w, text);
}

void jw_raw(struct jw *w, const char *json)
{
    before_value(w);
    buf_adds(w->out, json ? json : "null");
}

void jw_tree(struct jw *w, struct json_object *o)
{
    before_value(w);
    buf_adds(w->out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
                                                           JSON_C_TO_STRING_NOSLASHESCAPE));
}

void jw_kstr(struct jw *w, const char *key, const char *s)
{
    jw_key(w, key);
    jw_str(w, s);
}

void jw_kint(struct jw *w, const char *key, int64_t v)
{
    jw_key(w, key);
    jw_int(w, v);
}

void jw_knum(struct jw *w, const char *key, double v)
{
    jw_key(w, key);
    jw_num(w, v);
}

void jw_kbool(struct jw *w, const char *key, bool v)
{
    jw_key(w, key);
    jw_bool(w, v);
}

void jw_ktime(struct jw *w, const char *key, int64_t ms)
{
    jw_key(w, key);
    jw_time(w, ms);
}

void jw_kraw(struct jw *w, const char *key, const char *json)
{
    jw_key(w, key);
    jw_raw(w, json);
}
