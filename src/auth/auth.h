/* Auth: who may do what. Passwords, tokens, roles, and the guard that every access passes.
 *
 * The guard is a pure function of (who, what, on which object): the table of spec/sql.md §8 as
 * data, so that tests can print and try every cell of it. It runs at every execution of a
 * statement, cached or not, and before anything else is said about the statement's objects.
 *
 * Threading: pure functions but for the secrets a TokenSigner holds, which never change.
 * Ownership: see each function. Errors: INSUFFICIENT_PRIVILEGE, INVALID_PASSWORD,
 * INVALID_AUTHORIZATION; their texts never say whether an object or a user exists. */
#ifndef FIRN_AUTH_AUTH_H
#define FIRN_AUTH_AUTH_H

#include "base/env.h"
#include "types/key.h"

/* Stored in the catalog: numbers are never reused. In rising order of rights. */
typedef enum Role {
    ROLE_ANONYMOUS = 0,
    ROLE_USER = 1,
    ROLE_SERVICE = 2,
    ROLE_DBA = 3,
    ROLE_SYSTEM = 4,
} Role;

const char *role_name(Role role);           /* "dba"; "unknown" for what is none */
bool role_from_name(Slice name, Role *out); /* in any case */

/* Who a statement runs as. */
typedef struct Principal {
    OwnerId user_id; /* 0: anonymous */
    Slice name;      /* "" for anonymous */
    Role role;
    OwnerId acting_as; /* AS USER: whose rows; user_id where nobody else's */
    Slice acting_name;
} Principal;

/* ---- the guard ---- */

typedef enum Action {
    ACTION_SELECT,
    ACTION_INSERT,
    ACTION_UPDATE,
    ACTION_DELETE,
    ACTION_SELECT_ALL_USERS, /* FROM t FOR ALL USERS, also as a subscription */
    ACTION_ACT_AS,           /* AS USER: object.other_role says on whom */
    ACTION_SUBSCRIBE,
    ACTION_CREATE_TABLE,
    ACTION_ALTER_TABLE,
    ACTION_DROP_TABLE,
    ACTION_TRUNCATE,
    ACTION_CREATE_INDEX,
    ACTION_CREATE_VIEW,
    ACTION_COMMENT,
    ACTION_CREATE_NAMESPACE,
    ACTION_DROP_NAMESPACE,
    ACTION_CREATE_USER, /* object.other_role: the new user's */
    ACTION_ALTER_USER,
    ACTION_ALTER_OWN_PASSWORD,
    ACTION_DROP_USER,
    ACTION_STORAGE,   /* CREATE, ALTER, DROP, CHECK of a storage */
    ACTION_FLUSH_OWN, /* one's own rows of a USER table */
    ACTION_FLUSH,
    ACTION_COMPACT,
    ACTION_SHOW_OWN, /* SHOW, DESCRIBE, jobs, connections: what is one's own */
    ACTION_SHOW_ALL,
    ACTION_KILL_OWN,
    ACTION_KILL_ALL,
    ACTION_ALTER_SYSTEM,
    ACTION_GRANT,
    ACTION_POLICY,
    ACTION_BACKUP,
    ACTION_CLUSTER,
    ACTION_TOPIC,
    ACTION_CONSUME,
    ACTION_BULK_LOAD,
    ACTION_SET, /* SET, USE of the session */
    ACTION_COUNT
} Action;

typedef enum ObjectKind {
    OBJECT_NONE,
    OBJECT_SHARED_TABLE,
    OBJECT_USER_TABLE,
    OBJECT_STREAM_TABLE,
    OBJECT_SYSTEM_TABLE,      /* only for dba and above */
    OBJECT_SYSTEM_TABLE_OWN,  /* jobs, connections, queries, live_queries: own rows for all users */
    OBJECT_SYSTEM_TABLE_OPEN, /* functions: for all users */
    OBJECT_KIND_COUNT
} ObjectKind;

typedef enum TableAccess {
    ACCESS_PRIVATE = 0,   /* service and above */
    ACCESS_PROTECTED = 1, /* role user may SELECT */
    ACCESS_PUBLIC = 2,    /* anonymous too */
    ACCESS_COUNT
} TableAccess;

typedef struct GuardedObject {
    ObjectKind kind;
    TableAccess access; /* SHARED tables */
    Role other_role;    /* ACT_AS, CREATE_USER, ALTER_USER, DROP_USER: the other user's. A change
                           of role is asked about twice: with the old role and with the new one */
} GuardedObject;

/* INSUFFICIENT_PRIVILEGE with one text for every reason. The right asked about is that of
 * who->role, also for a statement AS USER another. */
CHECKED Status guard_check(const Principal *who, Action action, const GuardedObject *object,
                           Error *error);

/* The same as a question. */
bool guard_allows(Role role, Action action, const GuardedObject *object);
const char *action_name(Action action); /* "CREATE TABLE"; "unknown" for what is none */

/* ---- passwords ---- */

enum {
    PASSWORD_BYTES_MAX = 1024,
    PASSWORD_VERIFIER_BYTES_MAX = 256,
};

/* argon2id (19 MiB, 2 passes, 1 lane) in its encoded form, NUL-terminated. Takes about 20 ms of
 * CPU: never on a network loop. INVALID_PARAMETER_VALUE where the password is empty or longer than
 * PASSWORD_BYTES_MAX. */
CHECKED Status password_hash(Env *env, Slice password, char out[PASSWORD_VERIFIER_BYTES_MAX],
                             Error *error);

/* Same time whether the verifier is NULL (no such user) or not; INVALID_PASSWORD where wrong, and,
 * with the reason in the internal text, where the verifier is not one. */
CHECKED Status password_verify(Slice password, const char *verifier, Error *error);

/* 20 characters of [A-Za-z0-9], about 119 bits. */
void password_generate(Env *env, char out[21]);

/* ---- tokens: JWT with HS256 (RFC 7519, RFC 7515) ---- */

typedef struct TokenSigner TokenSigner;

enum {
    TOKEN_BYTES_MAX = 1024,
    TOKEN_SECRET_BYTES = 32,
};

typedef struct TokenClaims {
    OwnerId user_id;
    Role role;             /* as of issuing; the session looks the user up again */
    uint64_t user_version; /* of the user's record: a changed password or role ends its tokens */
    uint64_t token_id;     /* refresh tokens: to revoke them */
    bool is_refresh;
    int64_t expires_us; /* wall clock */
} TokenClaims;

CHECKED Status token_signer_create(const uint8_t secret[TOKEN_SECRET_BYTES], TokenSigner **out,
                                   Error *error);
void token_signer_destroy(TokenSigner *signer);

/* NUL-terminated. The expiry is cut to whole seconds, as the format has it. */
CHECKED Status token_issue(const TokenSigner *signer, const TokenClaims *claims,
                           char out[TOKEN_BYTES_MAX], Error *error);

/* Signature (in constant time), algorithm, shape and expiry; INVALID_AUTHORIZATION, whose text
 * tells only an expired token of ours from anything else. */
CHECKED Status token_verify(const TokenSigner *signer, Slice token, int64_t now_us,
                            TokenClaims *out, Error *error);

/* ---- names ---- */

enum { USER_NAME_BYTES_MAX = 128 };

/* 1–128 of [A-Za-z0-9._@+-], not beginning with a dot or hyphen; INVALID_NAME says what is
 * wrong. */
CHECKED Status user_name_check(Slice name, Error *error);

#endif
