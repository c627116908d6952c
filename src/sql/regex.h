/* Regular expressions: PostgreSQL's (ARE) as RE2's, which the engine runs.
 *
 * The two agree on whether a pattern matches, once it is written in RE2's words. On *what* it
 * matches they agree only where leftmost-first and leftmost-longest are the same, which holds for
 *   - patterns in which every character can be read in one way only (one-unambiguous ones), and
 *   - rows of single characters and classes with greedy quantifiers, in groups or not.
 * All others are refused where the matched text is asked for. Back-references and look-around are
 * refused everywhere: RE2 has none. */
#ifndef FIRN_SQL_REGEX_H
#define FIRN_SQL_REGEX_H

#include "base/arena.h"

typedef struct RegexOptions {
    bool ignore_case;
    bool needs_extent; /* what is matched matters, not only whether */
} RegexOptions;

typedef struct TranslatedRegex {
    Slice pattern; /* RE2's, with the flags it needs in front */
    uint32_t group_count;
    bool has_optional_group; /* one that may take no part in a match */
} TranslatedRegex;

/* INVALID_REGULAR_EXPRESSION with PostgreSQL's texts, FEATURE_NOT_SUPPORTED for what cannot be
 * said. */
CHECKED Status regex_translate(Arena *arena, Slice pattern, RegexOptions options,
                               TranslatedRegex *out, Error *error);

/* SIMILAR TO's pattern as an ARE, as PostgreSQL's similar_to_escape makes it. */
CHECKED Status similar_translate(Arena *arena, Slice pattern, Slice escape, Slice *out,
                                 Error *error);

/* A replacement text: \1 and \& as RE2 has them, everything else literal. */
CHECKED Status replacement_translate(Arena *arena, Slice text, Slice *out, Error *error);

#endif
