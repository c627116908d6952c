/* Every scalar function by symbol, in symbol order: what it takes and gives, and how it is called.
 * The C function of a symbol is call_<symbol>.
 *
 * Signatures name kinds as PostgreSQL's catalog does; [x] may be left out, "any ..." is any number
 * of values of any kinds, "any" once the kind of the element or the other arguments, "array" an
 * array of any kind. STRICT: not called with a NULL, which is the result then. NULLS: called with
 * them. VOLATILE: every call may differ (and is strict).
 *
 * Threading, ownership, errors: function.h. */
#ifndef FIRN_TYPES_FUNCTION_LIST_INT_H
#define FIRN_TYPES_FUNCTION_LIST_INT_H

#include "types/function.h"

/* X(symbol, signature, how it is called) */
#define FUNCTION_LIST(X)                                                                 \
    X(any_greatest, "any ... -> any", NULLS)                                             \
    X(any_least, "any ... -> any", NULLS)                                                \
    X(any_nullif, "any any -> any", NULLS)                                               \
    X(any_num_nonnulls, "any ... -> int4", NULLS)                                        \
    X(any_num_nulls, "any ... -> int4", NULLS)                                           \
    X(any_to_json, "any -> json", STRICT)                                                \
    X(any_to_jsonb, "any -> jsonb", STRICT)                                              \
    X(array_all_not_equal, "any array -> bool", NULLS)                                   \
    X(array_any_equal, "any array -> bool", NULLS)                                       \
    X(array_append, "array any -> array", NULLS)                                         \
    X(array_cardinality, "array -> int4", STRICT)                                        \
    X(array_concat, "array array -> array", NULLS)                                       \
    X(array_contained, "array array -> bool", STRICT)                                    \
    X(array_contains, "array array -> bool", STRICT)                                     \
    X(array_dims, "array -> text", STRICT)                                               \
    X(array_get, "array int4 -> any", STRICT)                                            \
    X(array_length, "array int4 -> int4", STRICT)                                        \
    X(array_lower, "array int4 -> int4", STRICT)                                         \
    X(array_ndims, "array -> int4", STRICT)                                              \
    X(array_overlaps, "array array -> bool", STRICT)                                     \
    X(array_position, "array any [int4] -> int4", NULLS)                                 \
    X(array_positions, "array any -> int4[]", NULLS)                                     \
    X(array_prepend, "any array -> array", NULLS)                                        \
    X(array_remove, "array any -> array", NULLS)                                         \
    X(array_replace, "array any any -> array", NULLS)                                    \
    X(array_slice, "array int4 int4 -> array", STRICT)                                   \
    X(array_to_text, "array text [text] -> text", NULLS)                                 \
    X(array_trim, "array int4 -> array", STRICT)                                         \
    X(array_upper, "array int4 -> int4", STRICT)                                         \
    X(array_width_bucket, "any array -> int4", STRICT)                                   \
    X(bytea_bit_length, "bytea -> int4", STRICT)                                         \
    X(bytea_concat, "bytea bytea -> bytea", STRICT)                                      \
    X(bytea_encode, "bytea text -> text", STRICT)                                        \
    X(bytea_length, "bytea -> int4", STRICT)                                             \
    X(bytea_like, "bytea bytea -> bool", STRICT)                                         \
    X(bytea_md5, "bytea -> text", STRICT)                                                \
    X(bytea_position, "bytea bytea -> int4", STRICT)                                     \
    X(bytea_sha224, "bytea -> bytea", STRICT)                                            \
    X(bytea_sha256, "bytea -> bytea", STRICT)                                            \
    X(bytea_sha384, "bytea -> bytea", STRICT)                                            \
    X(bytea_sha512, "bytea -> bytea", STRICT)                                            \
    X(bytea_substring, "bytea int4 [int4] -> bytea", STRICT)                             \
    X(clock_timestamp, "-> timestamptz", VOLATILE)                                       \
    X(concat, "any ... -> text", NULLS)                                                  \
    X(concat_ws, "text any ... -> text", NULLS)                                          \
    X(current_date, "-> date", STRICT)                                                   \
    X(current_user, "-> text", STRICT)                                                   \
    X(date_add_days, "date int4 -> date", STRICT)                                        \
    X(date_add_interval, "date interval -> timestamp", STRICT)                           \
    X(date_add_time, "date time -> timestamp", STRICT)                                   \
    X(date_part_date, "text date -> float8", STRICT)                                     \
    X(date_part_interval, "text interval -> float8", STRICT)                             \
    X(date_part_time, "text time -> float8", STRICT)                                     \
    X(date_part_timestamp, "text timestamp -> float8", STRICT)                           \
    X(date_part_timestamptz, "text timestamptz -> float8", STRICT)                       \
    X(date_subtract, "date date -> int4", STRICT)                                        \
    X(date_subtract_days, "date int4 -> date", STRICT)                                   \
    X(date_subtract_interval, "date interval -> timestamp", STRICT)                      \
    X(date_trunc_interval, "text interval -> interval", STRICT)                          \
    X(date_trunc_timestamp, "text timestamp -> timestamp", STRICT)                       \
    X(date_trunc_timestamptz, "text timestamptz [text] -> timestamptz", STRICT)          \
    X(extract_date, "text date -> numeric", STRICT)                                      \
    X(extract_interval, "text interval -> numeric", STRICT)                              \
    X(extract_time, "text time -> numeric", STRICT)                                      \
    X(extract_timestamp, "text timestamp -> numeric", STRICT)                            \
    X(extract_timestamptz, "text timestamptz -> numeric", STRICT)                        \
    X(float4_abs, "float4 -> float4", STRICT)                                            \
    X(float4_add, "float4 float4 -> float4", STRICT)                                     \
    X(float4_divide, "float4 float4 -> float4", STRICT)                                  \
    X(float4_multiply, "float4 float4 -> float4", STRICT)                                \
    X(float4_negate, "float4 -> float4", STRICT)                                         \
    X(float4_subtract, "float4 float4 -> float4", STRICT)                                \
    X(float4_to_char, "float4 text -> text", STRICT)                                     \
    X(float8_abs, "float8 -> float8", STRICT)                                            \
    X(float8_acos, "float8 -> float8", STRICT)                                           \
    X(float8_acosh, "float8 -> float8", STRICT)                                          \
    X(float8_add, "float8 float8 -> float8", STRICT)                                     \
    X(float8_asin, "float8 -> float8", STRICT)                                           \
    X(float8_asinh, "float8 -> float8", STRICT)                                          \
    X(float8_atan, "float8 -> float8", STRICT)                                           \
    X(float8_atan2, "float8 float8 -> float8", STRICT)                                   \
    X(float8_atanh, "float8 -> float8", STRICT)                                          \
    X(float8_cbrt, "float8 -> float8", STRICT)                                           \
    X(float8_ceil, "float8 -> float8", STRICT)                                           \
    X(float8_cos, "float8 -> float8", STRICT)                                            \
    X(float8_cosh, "float8 -> float8", STRICT)                                           \
    X(float8_cot, "float8 -> float8", STRICT)                                            \
    X(float8_degrees, "float8 -> float8", STRICT)                                        \
    X(float8_divide, "float8 float8 -> float8", STRICT)                                  \
    X(float8_exp, "float8 -> float8", STRICT)                                            \
    X(float8_floor, "float8 -> float8", STRICT)                                          \
    X(float8_ln, "float8 -> float8", STRICT)                                             \
    X(float8_log10, "float8 -> float8", STRICT)                                          \
    X(float8_multiply, "float8 float8 -> float8", STRICT)                                \
    X(float8_negate, "float8 -> float8", STRICT)                                         \
    X(float8_power, "float8 float8 -> float8", STRICT)                                   \
    X(float8_radians, "float8 -> float8", STRICT)                                        \
    X(float8_round, "float8 -> float8", STRICT)                                          \
    X(float8_sign, "float8 -> float8", STRICT)                                           \
    X(float8_sin, "float8 -> float8", STRICT)                                            \
    X(float8_sinh, "float8 -> float8", STRICT)                                           \
    X(float8_sqrt, "float8 -> float8", STRICT)                                           \
    X(float8_subtract, "float8 float8 -> float8", STRICT)                                \
    X(float8_tan, "float8 -> float8", STRICT)                                            \
    X(float8_tanh, "float8 -> float8", STRICT)                                           \
    X(float8_to_char, "float8 text -> text", STRICT)                                     \
    X(float8_to_timestamp, "float8 -> timestamptz", STRICT)                              \
    X(float8_trunc, "float8 -> float8", STRICT)                                          \
    X(float8_width_bucket, "float8 float8 float8 int4 -> int4", STRICT)                  \
    X(gen_random_uuid, "-> uuid", VOLATILE)                                              \
    X(int2_abs, "int2 -> int2", STRICT)                                                  \
    X(int2_add, "int2 int2 -> int2", STRICT)                                             \
    X(int2_bit_and, "int2 int2 -> int2", STRICT)                                         \
    X(int2_bit_not, "int2 -> int2", STRICT)                                              \
    X(int2_bit_or, "int2 int2 -> int2", STRICT)                                          \
    X(int2_bit_xor, "int2 int2 -> int2", STRICT)                                         \
    X(int2_divide, "int2 int2 -> int2", STRICT)                                          \
    X(int2_modulo, "int2 int2 -> int2", STRICT)                                          \
    X(int2_multiply, "int2 int2 -> int2", STRICT)                                        \
    X(int2_negate, "int2 -> int2", STRICT)                                               \
    X(int2_shift_left, "int2 int4 -> int2", STRICT)                                      \
    X(int2_shift_right, "int2 int4 -> int2", STRICT)                                     \
    X(int2_subtract, "int2 int2 -> int2", STRICT)                                        \
    X(int4_abs, "int4 -> int4", STRICT)                                                  \
    X(int4_add, "int4 int4 -> int4", STRICT)                                             \
    X(int4_bit_and, "int4 int4 -> int4", STRICT)                                         \
    X(int4_bit_not, "int4 -> int4", STRICT)                                              \
    X(int4_bit_or, "int4 int4 -> int4", STRICT)                                          \
    X(int4_bit_xor, "int4 int4 -> int4", STRICT)                                         \
    X(int4_chr, "int4 -> text", STRICT)                                                  \
    X(int4_divide, "int4 int4 -> int4", STRICT)                                          \
    X(int4_gcd, "int4 int4 -> int4", STRICT)                                             \
    X(int4_lcm, "int4 int4 -> int4", STRICT)                                             \
    X(int4_modulo, "int4 int4 -> int4", STRICT)                                          \
    X(int4_multiply, "int4 int4 -> int4", STRICT)                                        \
    X(int4_negate, "int4 -> int4", STRICT)                                               \
    X(int4_shift_left, "int4 int4 -> int4", STRICT)                                      \
    X(int4_shift_right, "int4 int4 -> int4", STRICT)                                     \
    X(int4_subtract, "int4 int4 -> int4", STRICT)                                        \
    X(int4_to_char, "int4 text -> text", STRICT)                                         \
    X(int4_to_hex, "int4 -> text", STRICT)                                               \
    X(int8_abs, "int8 -> int8", STRICT)                                                  \
    X(int8_add, "int8 int8 -> int8", STRICT)                                             \
    X(int8_bit_and, "int8 int8 -> int8", STRICT)                                         \
    X(int8_bit_not, "int8 -> int8", STRICT)                                              \
    X(int8_bit_or, "int8 int8 -> int8", STRICT)                                          \
    X(int8_bit_xor, "int8 int8 -> int8", STRICT)                                         \
    X(int8_divide, "int8 int8 -> int8", STRICT)                                          \
    X(int8_factorial, "int8 -> numeric", STRICT)                                         \
    X(int8_gcd, "int8 int8 -> int8", STRICT)                                             \
    X(int8_lcm, "int8 int8 -> int8", STRICT)                                             \
    X(int8_modulo, "int8 int8 -> int8", STRICT)                                          \
    X(int8_multiply, "int8 int8 -> int8", STRICT)                                        \
    X(int8_negate, "int8 -> int8", STRICT)                                               \
    X(int8_shift_left, "int8 int4 -> int8", STRICT)                                      \
    X(int8_shift_right, "int8 int4 -> int8", STRICT)                                     \
    X(int8_subtract, "int8 int8 -> int8", STRICT)                                        \
    X(int8_to_char, "int8 text -> text", STRICT)                                         \
    X(int8_to_hex, "int8 -> text", STRICT)                                               \
    X(interval_add, "interval interval -> interval", STRICT)                             \
    X(interval_divide, "interval float8 -> interval", STRICT)                            \
    X(interval_justify_days, "interval -> interval", STRICT)                             \
    X(interval_justify_hours, "interval -> interval", STRICT)                            \
    X(interval_justify_interval, "interval -> interval", STRICT)                         \
    X(interval_multiply, "interval float8 -> interval", STRICT)                          \
    X(interval_negate, "interval -> interval", STRICT)                                   \
    X(interval_subtract, "interval interval -> interval", STRICT)                        \
    X(interval_to_char, "interval text -> text", STRICT)                                 \
    X(isfinite_date, "date -> bool", STRICT)                                             \
    X(isfinite_interval, "interval -> bool", STRICT)                                     \
    X(isfinite_timestamp, "timestamp -> bool", STRICT)                                   \
    X(isfinite_timestamptz, "timestamptz -> bool", STRICT)                               \
    X(json_array_length, "json -> int4", STRICT)                                         \
    X(json_build_array, "any ... -> json", NULLS)                                        \
    X(json_build_object, "any ... -> json", NULLS)                                       \
    X(json_get_element, "json int4 -> json", STRICT)                                     \
    X(json_get_element_text, "json int4 -> text", STRICT)                                \
    X(json_get_field, "json text -> json", STRICT)                                       \
    X(json_get_field_text, "json text -> text", STRICT)                                  \
    X(json_get_path, "json text[] -> json", STRICT)                                      \
    X(json_get_path_text, "json text[] -> text", STRICT)                                 \
    X(json_strip_nulls, "json -> json", STRICT)                                          \
    X(json_typeof, "json -> text", STRICT)                                               \
    X(jsonb_array_length, "jsonb -> int4", STRICT)                                       \
    X(jsonb_build_array, "any ... -> jsonb", NULLS)                                      \
    X(jsonb_build_object, "any ... -> jsonb", NULLS)                                     \
    X(jsonb_concat, "jsonb jsonb -> jsonb", STRICT)                                      \
    X(jsonb_contained, "jsonb jsonb -> bool", STRICT)                                    \
    X(jsonb_contains, "jsonb jsonb -> bool", STRICT)                                     \
    X(jsonb_delete_index, "jsonb int4 -> jsonb", STRICT)                                 \
    X(jsonb_delete_key, "jsonb text -> jsonb", STRICT)                                   \
    X(jsonb_delete_keys, "jsonb text[] -> jsonb", STRICT)                                \
    X(jsonb_delete_path, "jsonb text[] -> jsonb", STRICT)                                \
    X(jsonb_equal, "jsonb jsonb -> bool", STRICT)                                        \
    X(jsonb_exists, "jsonb text -> bool", STRICT)                                        \
    X(jsonb_exists_all, "jsonb text[] -> bool", STRICT)                                  \
    X(jsonb_exists_any, "jsonb text[] -> bool", STRICT)                                  \
    X(jsonb_get_element, "jsonb int4 -> jsonb", STRICT)                                  \
    X(jsonb_get_element_text, "jsonb int4 -> text", STRICT)                              \
    X(jsonb_get_field, "jsonb text -> jsonb", STRICT)                                    \
    X(jsonb_get_field_text, "jsonb text -> text", STRICT)                                \
    X(jsonb_get_path, "jsonb text[] -> jsonb", STRICT)                                   \
    X(jsonb_get_path_text, "jsonb text[] -> text", STRICT)                               \
    X(jsonb_greater, "jsonb jsonb -> bool", STRICT)                                      \
    X(jsonb_greater_or_equal, "jsonb jsonb -> bool", STRICT)                             \
    X(jsonb_insert, "jsonb text[] jsonb [bool] -> jsonb", STRICT)                        \
    X(jsonb_less, "jsonb jsonb -> bool", STRICT)                                         \
    X(jsonb_less_or_equal, "jsonb jsonb -> bool", STRICT)                                \
    X(jsonb_not_equal, "jsonb jsonb -> bool", STRICT)                                    \
    X(jsonb_pretty, "jsonb -> text", STRICT)                                             \
    X(jsonb_set, "jsonb text[] jsonb [bool] -> jsonb", STRICT)                           \
    X(jsonb_strip_nulls, "jsonb -> jsonb", STRICT)                                       \
    X(jsonb_typeof, "jsonb -> text", STRICT)                                             \
    X(localtime, "[int4] -> time", STRICT)                                               \
    X(localtimestamp, "[int4] -> timestamp", STRICT)                                     \
    X(make_date, "int4 int4 int4 -> date", STRICT)                                       \
    X(make_interval, "int4 int4 int4 int4 int4 int4 float8 -> interval", STRICT)         \
    X(make_time, "int4 int4 float8 -> time", STRICT)                                     \
    X(make_timestamp, "int4 int4 int4 int4 int4 float8 -> timestamp", STRICT)            \
    X(make_timestamptz, "int4 int4 int4 int4 int4 float8 [text] -> timestamptz", STRICT) \
    X(now, "[int4] -> timestamptz", STRICT)                                              \
    X(numeric_abs, "numeric -> numeric", STRICT)                                         \
    X(numeric_add, "numeric numeric -> numeric", STRICT)                                 \
    X(numeric_ceil, "numeric -> numeric", STRICT)                                        \
    X(numeric_divide, "numeric numeric -> numeric", STRICT)                              \
    X(numeric_exp, "numeric -> numeric", STRICT)                                         \
    X(numeric_floor, "numeric -> numeric", STRICT)                                       \
    X(numeric_gcd, "numeric numeric -> numeric", STRICT)                                 \
    X(numeric_lcm, "numeric numeric -> numeric", STRICT)                                 \
    X(numeric_ln, "numeric -> numeric", STRICT)                                          \
    X(numeric_log, "numeric numeric -> numeric", STRICT)                                 \
    X(numeric_log10, "numeric -> numeric", STRICT)                                       \
    X(numeric_min_scale, "numeric -> int4", STRICT)                                      \
    X(numeric_modulo, "numeric numeric -> numeric", STRICT)                              \
    X(numeric_multiply, "numeric numeric -> numeric", STRICT)                            \
    X(numeric_negate, "numeric -> numeric", STRICT)                                      \
    X(numeric_power, "numeric numeric -> numeric", STRICT)                               \
    X(numeric_quotient, "numeric numeric -> numeric", STRICT)                            \
    X(numeric_round, "numeric -> numeric", STRICT)                                       \
    X(numeric_round_to, "numeric int4 -> numeric", STRICT)                               \
    X(numeric_scale, "numeric -> int4", STRICT)                                          \
    X(numeric_sign, "numeric -> numeric", STRICT)                                        \
    X(numeric_sqrt, "numeric -> numeric", STRICT)                                        \
    X(numeric_sqrt_same_scale, "numeric -> numeric", STRICT)                             \
    X(numeric_subtract, "numeric numeric -> numeric", STRICT)                            \
    X(numeric_to_char, "numeric text -> text", STRICT)                                   \
    X(numeric_trim_scale, "numeric -> numeric", STRICT)                                  \
    X(numeric_trunc, "numeric -> numeric", STRICT)                                       \
    X(numeric_trunc_to, "numeric int4 -> numeric", STRICT)                               \
    X(numeric_width_bucket, "numeric numeric numeric int4 -> int4", STRICT)              \
    X(overlaps, "any any any any -> bool", NULLS)                                        \
    X(pi, "-> float8", STRICT)                                                           \
    X(random, "-> float8", VOLATILE)                                                     \
    X(snowflake_id, "-> int8", VOLATILE)                                                 \
    X(text_ascii, "text -> int4", STRICT)                                                \
    X(text_bit_length, "text -> int4", STRICT)                                           \
    X(text_btrim, "text [text] -> text", STRICT)                                         \
    X(text_concat, "text text -> text", STRICT)                                          \
    X(text_decode, "text text -> bytea", STRICT)                                         \
    X(text_format, "text any ... -> text", NULLS)                                        \
    X(text_ilike, "text text -> bool", STRICT)                                           \
    X(text_initcap, "text -> text", STRICT)                                              \
    X(text_left, "text int4 -> text", STRICT)                                            \
    X(text_length, "text -> int4", STRICT)                                               \
    X(text_like, "text text -> bool", STRICT)                                            \
    X(text_like_escape, "text text -> text", STRICT)                                     \
    X(text_lower, "text -> text", STRICT)                                                \
    X(text_lpad, "text int4 [text] -> text", STRICT)                                     \
    X(text_ltrim, "text [text] -> text", STRICT)                                         \
    X(text_md5, "text -> text", STRICT)                                                  \
    X(text_octet_length, "text -> int4", STRICT)                                         \
    X(text_overlay, "text text int4 [int4] -> text", STRICT)                             \
    X(text_position, "text text -> int4", STRICT)                                        \
    X(text_quote_ident, "text -> text", STRICT)                                          \
    X(text_quote_literal, "text -> text", STRICT)                                        \
    X(text_quote_nullable, "text -> text", NULLS)                                        \
    X(text_repeat, "text int4 -> text", STRICT)                                          \
    X(text_replace, "text text text -> text", STRICT)                                    \
    X(text_reverse, "text -> text", STRICT)                                              \
    X(text_right, "text int4 -> text", STRICT)                                           \
    X(text_rpad, "text int4 [text] -> text", STRICT)                                     \
    X(text_rtrim, "text [text] -> text", STRICT)                                         \
    X(text_split_part, "text text int4 -> text", STRICT)                                 \
    X(text_starts_with, "text text -> bool", STRICT)                                     \
    X(text_substring, "text int4 [int4] -> text", STRICT)                                \
    X(text_to_array, "text text [text] -> text[]", NULLS)                                \
    X(text_to_date, "text text -> date", STRICT)                                         \
    X(text_to_timestamp, "text text -> timestamptz", STRICT)                             \
    X(text_translate, "text text text -> text", STRICT)                                  \
    X(text_upper, "text -> text", STRICT)                                                \
    X(time_add_interval, "time interval -> time", STRICT)                                \
    X(time_subtract, "time time -> interval", STRICT)                                    \
    X(time_subtract_interval, "time interval -> time", STRICT)                           \
    X(timestamp_add_interval, "timestamp interval -> timestamp", STRICT)                 \
    X(timestamp_age, "timestamp [timestamp] -> interval", STRICT)                        \
    X(timestamp_at_interval, "interval timestamp -> timestamptz", STRICT)                \
    X(timestamp_at_zone, "text timestamp -> timestamptz", STRICT)                        \
    X(timestamp_bin, "interval timestamp timestamp -> timestamp", STRICT)                \
    X(timestamp_subtract, "timestamp timestamp -> interval", STRICT)                     \
    X(timestamp_subtract_interval, "timestamp interval -> timestamp", STRICT)            \
    X(timestamp_to_char, "timestamp text -> text", STRICT)                               \
    X(timestamptz_add_interval, "timestamptz interval -> timestamptz", STRICT)           \
    X(timestamptz_age, "timestamptz [timestamptz] -> interval", STRICT)                  \
    X(timestamptz_at_interval, "interval timestamptz -> timestamp", STRICT)              \
    X(timestamptz_at_zone, "text timestamptz -> timestamp", STRICT)                      \
    X(timestamptz_bin, "interval timestamptz timestamptz -> timestamptz", STRICT)        \
    X(timestamptz_subtract, "timestamptz timestamptz -> interval", STRICT)               \
    X(timestamptz_subtract_interval, "timestamptz interval -> timestamptz", STRICT)      \
    X(timestamptz_to_char, "timestamptz text -> text", STRICT)                           \
    X(ulid, "-> text", VOLATILE)                                                         \
    X(uuid_v7, "-> uuid", VOLATILE)                                                      \
    X(vector_add, "vector vector -> vector", STRICT)                                     \
    X(vector_cosine_distance, "vector vector -> float8", STRICT)                         \
    X(vector_dims, "vector -> int4", STRICT)                                             \
    X(vector_inner_product, "vector vector -> float8", STRICT)                           \
    X(vector_l1_distance, "vector vector -> float8", STRICT)                             \
    X(vector_l2_distance, "vector vector -> float8", STRICT)                             \
    X(vector_multiply, "vector vector -> vector", STRICT)                                \
    X(vector_negative_inner_product, "vector vector -> float8", STRICT)                  \
    X(vector_norm, "vector -> float8", STRICT)                                           \
    X(vector_normalize, "vector -> vector", STRICT)                                      \
    X(vector_subtract, "vector vector -> vector", STRICT)

#define X(symbol, signature, calling)                                                        \
    Status call_##symbol(EvaluationContext *context, const Value *arguments, uint32_t count, \
                         Value *result, Error *error);
FUNCTION_LIST(X)
#undef X

#endif
