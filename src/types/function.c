#include "types/function.h"

#include "base/assert.h"
#include "types/function_list_int.h"

#define STRICT                            true, false
#define NULLS                             false, false
#define VOLATILE                          true, true
#define ENTRY(symbol, signature, calling) {#symbol, call_##symbol, signature, calling},

static const FunctionImplementation functions[] = {FUNCTION_LIST(ENTRY)};

enum { FUNCTION_COUNT = sizeof functions / sizeof functions[0] };

const FunctionImplementation *function_all(size_t *count)
{
    *count = FUNCTION_COUNT;
    return functions;
}

const FunctionImplementation *function_describe(Slice symbol)
{
    size_t low = 0;
    size_t high = FUNCTION_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = slice_compare(symbol, slice_of_text(functions[middle].symbol));
        if (order == 0)
            return &functions[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

ScalarFunction function_find(Slice symbol)
{
    const FunctionImplementation *found = function_describe(symbol);
    return found == NULL ? NULL : found->function;
}

const char *function_symbol(ScalarFunction function)
{
    for (size_t i = 0; i < FUNCTION_COUNT; i++) {
        if (functions[i].function == function)
            return functions[i].symbol;
    }
    UNREACHABLE();
}

/* ---- signatures ---- */

static Slice next_word(Slice *rest)
{
    size_t begin = 0;
    while (begin < rest->size && rest->data[begin] == ' ')
        begin++;
    Slice tail = slice_part(*rest, begin, rest->size);
    Slice word = slice_part(tail, 0, slice_find(tail, ' '));
    *rest = slice_part(tail, word.size, tail.size);
    return word;
}

/* "[text]" → "text" */
static bool take_brackets(Slice *word)
{
    bool optional = word->size > 2 && word->data[0] == '[';
    if (optional)
        *word = slice_part(*word, 1, word->size - 2);
    return optional;
}

static bool word_takes(Slice word, Type type)
{
    TypeKind kind;
    if (slice_equal_text(word, "any"))
        return true;
    if (slice_equal_text(word, "array"))
        return type.kind == TYPE_ARRAY;
    if (word.size > 2 && word.data[word.size - 1] == ']')
        return type.kind == TYPE_ARRAY &&
               word_takes(slice_part(word, 0, word.size - 2), type_of_element(type));
    if (slice_equal_text(word, "text"))
        return type_is_text(type) || type.kind == TYPE_UNKNOWN;
    return type_from_name(word, &kind) && kind == (TypeKind)type.kind;
}

static bool is_arrow(Slice word)
{
    return slice_equal_text(word, "->");
}

bool function_takes(const FunctionImplementation *function, const Type *arguments, uint32_t count,
                    Type result)
{
    Slice rest = slice_of_text(function->signature);
    Slice word = next_word(&rest);
    uint32_t taken = 0;
    for (; !is_arrow(word); word = next_word(&rest)) {
        if (slice_equal_text(word, "...")) { /* what stood before it, any number of times */
            taken = count;
            continue;
        }
        Slice peek = rest;
        bool repeats = slice_equal_text(next_word(&peek), "...");
        bool optional = take_brackets(&word);
        if (taken == count && !optional && !repeats)
            return false;
        if (taken == count)
            continue;
        if (!word_takes(word, arguments[taken++]))
            return false;
    }
    return taken == count && word_takes(next_word(&rest), result);
}
