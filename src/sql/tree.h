/* Parse trees: PostgreSQL's own, as libpg_query prints them in JSON, walked without copying them
 * into structs of ours.
 *
 * libpg_query writes a node as {"SelectStmt": {…fields…}}, leaves out fields that are zero, false
 * or empty, and gives byte offsets in "location". These helpers hide the wrapping object.
 *
 * Threading: trees are immutable. Ownership: the statement's arena. */
#ifndef FIRN_SQL_TREE_H
#define FIRN_SQL_TREE_H

#include "base/json.h"

typedef JsonValue Node; /* any JSON value of the tree; NULL stands for a missing one */

/* "SelectStmt" of {"SelectStmt": {…}}; empty for NULL and for what is not a wrapped node. */
Slice node_kind(const Node *node);
bool node_is(const Node *node, const char *kind);

/* The fields of a wrapped node; the node itself where it is not wrapped. */
const Node *node_fields(const Node *node);

/* A field of a wrapped or bare node; NULL where it is missing. */
const Node *node_field(const Node *node, const char *name);

Slice node_text(const Node *node, const char *name); /* empty where missing */
int64_t node_integer(const Node *node, const char *name, int64_t fallback);
bool node_boolean(const Node *node, const char *name); /* false where missing */
int32_t node_location(const Node *node);               /* byte offset, -1 where none */
int32_t node_begin(const Node *node); /* of an expression: where its leftmost part stands */

/* Lists: {"List": {"items": […]}} and plain arrays alike. */
uint32_t node_count(const Node *list);
const Node *node_item(const Node *list, uint32_t i);

/* The text of a String node, of {"String":{"str"|"sval": …}}. */
Slice node_string(const Node *node);

/* Parses one or more statements of PostgreSQL's grammar. The tree is in the arena. SYNTAX_ERROR
 * with PostgreSQL's text and the byte position; STATEMENT_TOO_COMPLEX where the tree nests too
 * deep. Needs a thread with a big stack (SQL_STACK_BYTES): libpg_query recurses. */
CHECKED Status tree_parse(Arena *arena, Slice sql, const Node **statements, Error *error);

enum {
    SQL_STACK_BYTES = 128 << 20,
    SQL_TREE_DEPTH_MAX = 6000,
};

#endif
