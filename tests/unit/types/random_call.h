/* Random arguments for every function of the table, by its signature. */
#ifndef FIRN_TESTS_UNIT_TYPES_RANDOM_CALL_H
#define FIRN_TESTS_UNIT_TYPES_RANDOM_CALL_H

#include "tests/unit/types/random_value.h"
#include "types/function.h"

enum { RANDOM_ARGUMENTS_MAX = 12 };

typedef struct RandomCall {
    Type types[RANDOM_ARGUMENTS_MAX];
    Value values[RANDOM_ARGUMENTS_MAX];
    uint32_t count;
    Type result;
} RandomCall;

/* Texts that functions look into. */
static const char *const telling_texts[] = {"",
                                            "day",
                                            "year",
                                            "epoch",
                                            "YYYY-MM-DD HH24:MI:SS.US TZH",
                                            "FM999,999.99S",
                                            "9.99EEEE",
                                            "2020-01-05 10:11:12",
                                            "UTC",
                                            "+02",
                                            "a%b_c\\",
                                            "%s %I %L %2$s",
                                            "hex",
                                            "base64",
                                            "{a,\"b\",NULL}",
                                            "{\"a\": [1, {\"b\": null}]}",
                                            "[1, \"x\", 2.50]",
                                            "1 day 02:03:04",
                                            "FXIYYY-IW-ID RM Month",
                                            "\xc3\x84\xc3\xb6 \xe6\x97\xa5"};

static inline Value random_argument(Random *random, Arena *arena, Type type)
{
    if (random_chance(random, 1, 12))
        return value_null((TypeKind)type.kind);
    if (type.kind == TYPE_TEXT && random_chance(random, 2, 3))
        return value_text(slice_of_text(telling_texts[random_below(random, 20)]));
    if ((type.kind == TYPE_JSON || type.kind == TYPE_JSONB) && random_chance(random, 1, 2)) {
        const char *text = telling_texts[15 + random_below(random, 2)];
        return value_bytes((TypeKind)type.kind, slice_of_text(text));
    }
    if (type.kind == TYPE_INTEGER && random_chance(random, 2, 3)) /* not always 2³¹ blanks */
        return value_integer(TYPE_INTEGER, random_integer(random, -20, 20));
    if (type.kind == TYPE_DECIMAL && type.a == 0) {
        type.a = 1 + (int32_t)random_below(random, 38);
        type.b = (int32_t)random_below(random, (uint64_t)type.a + 1);
    }
    if (type.kind == TYPE_VECTOR && type.a == 0)
        type.a = 1 + (int32_t)random_below(random, 4);
    if (type.kind != TYPE_ARRAY)
        return random_value(random, arena, type);
    uint32_t count = (uint32_t)random_below(random, 5);
    ArrayValue *array = ARENA_NEW(arena, ArrayValue);
    Value *elements = ARENA_ARRAY(arena, Value, count);
    for (uint32_t i = 0; i < count; i++)
        elements[i] = random_argument(random, arena, type_of_element(type));
    *array = (ArrayValue){count, elements};
    Value value = {.kind = TYPE_ARRAY};
    value.as.array = array;
    return value;
}

static inline Type random_any(Random *random)
{
    Type type = random_type(random, false);
    if (type.kind == TYPE_VARCHAR || type.kind == TYPE_CHAR)
        type = TYPE(TEXT);
    if (random_chance(random, 1, 6))
        return (Type){.kind = TYPE_ARRAY, .element = TYPE_INTEGER};
    return TYPE_OF_KIND(type.kind);
}

/* The type that a signature's word stands for. */
static inline Type type_of_word(Random *random, const char *word)
{
    char name[32];
    TypeKind kind = TYPE_UNKNOWN;
    (void)snprintf(name, sizeof name, "%s", word[0] == '[' ? word + 1 : word);
    char *bracket = strchr(name, word[0] == '[' ? ']' : '[');
    bool is_array = bracket != NULL && word[0] != '[';
    if (bracket != NULL)
        *bracket = '\0';
    if (strcmp(name, "any") == 0)
        return random_any(random);
    if (strcmp(name, "array") == 0)
        return (Type){.kind = TYPE_ARRAY,
                      .element = random_chance(random, 1, 2) ? TYPE_INTEGER : TYPE_TEXT};
    if (!type_from_name(slice_of_text(name), &kind))
        fail_msg("a signature says %s", word);
    return is_array ? (Type){.kind = TYPE_ARRAY, .element = (uint8_t)kind} : TYPE_OF_KIND(kind);
}

static inline void add_argument(Random *random, Arena *arena, Type type, RandomCall *call)
{
    if (call->count == RANDOM_ARGUMENTS_MAX)
        return;
    call->types[call->count] = type;
    call->values[call->count++] = random_argument(random, arena, type);
}

static inline RandomCall random_call(Random *random, Arena *arena,
                                     const FunctionImplementation *function)
{
    RandomCall call = {.count = 0};
    char text[128];
    char *next = text;
    char *word;
    char before[32] = "";
    (void)snprintf(text, sizeof text, "%s", function->signature);
    while ((word = strsep(&next, " ")) != NULL && strcmp(word, "->") != 0) {
        bool leave_out = word[0] == '[' && random_chance(random, 1, 2);
        if (strcmp(word, "...") == 0) {
            for (uint64_t n = random_below(random, 4); n > 0; n--)
                add_argument(random, arena, type_of_word(random, before), &call);
        } else if (!leave_out) {
            add_argument(random, arena, type_of_word(random, word), &call);
        }
        (void)snprintf(before, sizeof before, "%s", word);
        if (leave_out) /* what follows is optional as well */
            break;
    }
    while (word != NULL && strcmp(word, "->") != 0)
        word = strsep(&next, " ");
    call.result = type_of_word(random, next == NULL ? "void" : next);
    return call;
}

#endif
