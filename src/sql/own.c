/* Which statements PostgreSQL's grammar does not have: ours, and what the specification names but
 * nothing builds yet. Matched by their first words, before anything is parsed. */
#include "sql/front_int.h"

/* Words, and what they mean: a function, or the name of a feature that is refused. */
typedef struct OwnRule {
    const char *words;
    OwnStatement read;
    const char *feature;
} OwnRule;

/* Longer matches first where one begins another. */
static const OwnRule rules[] = {
    {"storage", own_storage, NULL},
    {"describe", own_describe, NULL},
    {"desc", own_describe, NULL},
    {"kill", own_kill, NULL},
    {"use", own_use, NULL},
    {"create storage", own_create_storage, NULL},
    {"alter storage", own_alter_storage, NULL},
    {"drop storage", own_drop_storage, NULL},
    {"create user mapping for", NULL, "CREATE USER MAPPING"},
    {"alter user mapping for", NULL, "ALTER USER MAPPING"},
    {"drop user mapping for", NULL, "DROP USER MAPPING"},
    {"drop user mapping if exists for", NULL, "DROP USER MAPPING"},
    {"create user", own_create_user, NULL},
    {"alter user", own_alter_user, NULL},
    {"drop user", own_drop_user, NULL},
    {"alter system", own_alter_system, NULL},
    {"create token", NULL, "CREATE TOKEN"},
    {"drop token", NULL, "DROP TOKEN"},
    {"create topic", NULL, "CREATE TOPIC"},
    {"alter topic", NULL, "ALTER TOPIC"},
    {"drop topic", NULL, "DROP TOPIC"},
    {"consume", NULL, "CONSUME"},
    {"ack", NULL, "ACK"},
    {"backup", NULL, "BACKUP"},
    {"restore", NULL, "RESTORE"},
    {"export", NULL, "EXPORT"},
    {"cluster", NULL, "CLUSTER"},
    {"create policy", NULL, "CREATE POLICY"},
    {"alter policy", NULL, "ALTER POLICY"},
    {"drop policy", NULL, "DROP POLICY"},
    {"grant", NULL, "GRANT"},
    {"revoke", NULL, "REVOKE"},
    {"alter namespace", NULL, "ALTER NAMESPACE"},
    {"execute as user", NULL, "EXECUTE AS USER inside EXECUTE AS USER"},
};

/* RESET t GROUP 'g' … of topics, beside RESET of a setting. */
static bool is_topic_reset(const TokenReader *reader)
{
    return reader_sees(reader, "reset") && token_is_name(reader->tokens[reader->at + 1]) &&
           token_is_word(reader->text, reader->tokens[reader->at + 2], "group");
}

/* ALTER TABLE [IF EXISTS] t SET (…): its values are ours (60s, 64MB). */
static bool is_alter_table_set(const TokenReader *reader)
{
    TokenReader ahead = *reader;
    if (!reader_take(&ahead, "alter table"))
        return false;
    (void)reader_take(&ahead, "if exists");
    (void)reader_take(&ahead, "only");
    return reader_skip_table_name(&ahead) && reader_take(&ahead, "set") &&
           reader_sees_punctuation(&ahead, '(');
}

/* SHOW of something of ours; SHOW search_path and the like are PostgreSQL's. */
static bool is_own_show(const TokenReader *reader)
{
    static const char *const things[] = {
        "show tables",       "show namespaces", "show views",    "show users", "show jobs",
        "show live queries", "show storages",   "show manifest", "show stats",
    };
    for (size_t i = 0; i < sizeof things / sizeof things[0]; i++) {
        if (reader_sees(reader, things[i]))
            return true;
    }
    return false;
}

static Status apply_rule(Front *front, const OwnRule *rule, OwnStatement *out, Error *error)
{
    int32_t position = reader_position(&front->reader);
    if (rule->feature != NULL)
        return fail_unsupported(position, rule->feature, error);
    (void)reader_take(&front->reader, rule->words);
    *out = rule->read;
    return OK;
}

Status own_statement_find(Front *front, OwnStatement *out, Error *error)
{
    TokenReader *reader = &front->reader;
    *out = NULL;
    if (reader_sees(reader, "create user table")) /* a kind of table, not a user */
        return OK;
    if (reader_sees(reader, "explain")) /* inside EXPLAIN */
        return token_error(reader->text, reader_token(reader), error);
    if (is_topic_reset(reader))
        return fail_unsupported(reader_position(reader), "RESET of a topic's group", error);
    if (is_alter_table_set(reader))
        *out = own_alter_table_set;
    else if (is_own_show(reader))
        *out = own_show;
    for (size_t i = 0; *out == NULL && i < sizeof rules / sizeof rules[0]; i++) {
        if (reader_sees(reader, rules[i].words))
            return apply_rule(front, &rules[i], out, error);
    }
    return OK;
}
