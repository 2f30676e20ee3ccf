/* SPDX-License-Identifier: MIT */
/*
 * Where in an HTML document a template stands: enough of a tokenizer (after WHATWG HTML, section
 * 13.2.5) to know how a value that is put there must be escaped.
 */
#ifndef SLIPWAY_TEMPLATE_HTML_H
#define SLIPWAY_TEMPLATE_HTML_H

#include "base/base.h"

enum html_state {
    HTML_TEXT = 0,
    HTML_TAG_OPEN, /* behind '<' */
    HTML_TAG_NAME,
    HTML_TAG, /* between attributes */
    HTML_ATTR_NAME,
    HTML_ATTR_AFTER, /* behind an attribute's name */
    HTML_VALUE_BEFORE,
    HTML_VALUE_DOUBLE,
    HTML_VALUE_SINGLE,
    HTML_VALUE_BARE,
    HTML_DECLARATION, /* <!doctype … */
    HTML_COMMENT,
    HTML_RAW, /* inside script or style */
};

/* All members are zero at the start of a document. */
struct html {
    enum html_state state;
    char tag[24], attr[24]; /* lower case, cut off */
    bool closing;           /* the tag began with "</" */
    bool started;           /* something stands in this address already */
    unsigned preformatted;  /* open pre and textarea elements: white space counts */
    char tail[10];          /* the last characters, to see the end of comments and raw text */
};

/* How a value must be written. */
enum html_place {
    HTML_PLACE_TEXT,
    HTML_PLACE_ATTR,
    HTML_PLACE_URL,      /* a whole address */
    HTML_PLACE_URL_PART, /* one piece of an address */
    HTML_PLACE_REFUSED,
};

/* One character of the template's own text. NULL, or what is wrong with it. */
const char *html_feed(struct html *h, char c);

/* Where a value would stand; *why says why it is refused. */
enum html_place html_place(const struct html *h, const char **why);

/* A block begins or ends here: a name that was being read is over. As html_feed(). */
const char *html_pause(struct html *h);

/* A value was written. */
void html_value(struct html *h);

bool html_same(const struct html *a, const struct html *b);

#endif
