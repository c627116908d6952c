/* BYTEA: joining, lengths, digests, and its forms as text. */
#include <openssl/evp.h>

#include "types/base64_int.h"
#include "types/function_int.h"
#include "types/json_int.h"
#include "types/value_read_int.h"

enum { BASE64_LINE_LENGTH = 76 };

FUNCTION(bytea_concat)
{
    Slice a = arguments[0].as.bytes;
    Slice b = arguments[1].as.bytes;
    uint8_t *out;
    TRY(text_room(context, a.size + b.size, &out, error));
    if (a.size > 0)
        memcpy(out, a.data, a.size);
    if (b.size > 0)
        memcpy(out + a.size, b.data, b.size);
    *result = value_bytes(TYPE_BYTEA, slice_of(out, a.size + b.size));
    return OK;
}

FUNCTION(bytea_length)
{
    *result = value_integer(TYPE_INTEGER, (int64_t)arguments[0].as.bytes.size);
    return OK;
}

FUNCTION(bytea_bit_length)
{
    *result = value_integer(TYPE_INTEGER, (int64_t)arguments[0].as.bytes.size * 8);
    return OK;
}

/* ---- digests ---- */

static Status digest(EvaluationContext *context, Slice bytes, const EVP_MD *method, Slice *out,
                     Error *error)
{
    uint8_t *hash;
    unsigned size = 0;
    TRY(text_room(context, EVP_MAX_MD_SIZE, &hash, error));
    if (EVP_Digest(bytes.data, bytes.size, hash, &size, method, NULL) != 1)
        return error_set(error, STATUS_INTERNAL, "could not compute a digest");
    *out = slice_of(hash, size);
    return OK;
}

static Status md5(EvaluationContext *context, Slice bytes, Value *result, Error *error)
{
    Slice hash;
    Buffer text;
    TRY(digest(context, bytes, EVP_md5(), &hash, error));
    text_buffer_open(&text);
    text_put_hex(&text, hash);
    return text_buffer_result(context, &text, TYPE_TEXT, result, error);
}

FUNCTION(text_md5)
{
    return md5(context, arguments[0].as.bytes, result, error);
}

FUNCTION(bytea_md5)
{
    return md5(context, arguments[0].as.bytes, result, error);
}

#define DIGEST(bits)                                                                \
    FUNCTION(bytea_sha##bits)                                                       \
    {                                                                               \
        Slice hash;                                                                 \
        TRY(digest(context, arguments[0].as.bytes, EVP_sha##bits(), &hash, error)); \
        *result = value_bytes(TYPE_BYTEA, hash);                                    \
        return OK;                                                                  \
    }

DIGEST(224)
DIGEST(256)
DIGEST(384)
DIGEST(512)

/* ---- encode and decode ---- */

enum Encoding { ENCODING_UNKNOWN, ENCODING_HEX, ENCODING_BASE64, ENCODING_ESCAPE };

static enum Encoding encoding_of(Slice name)
{
    if (slice_equal_ignoring_case(name, SLICE("hex")))
        return ENCODING_HEX;
    if (slice_equal_ignoring_case(name, SLICE("base64")))
        return ENCODING_BASE64;
    if (slice_equal_ignoring_case(name, SLICE("escape")))
        return ENCODING_ESCAPE;
    return ENCODING_UNKNOWN;
}

static Status unknown_encoding(Slice name, Error *error)
{
    return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "unrecognized encoding: \"%.*s\"",
                     SLICE_ARGUMENTS(name));
}

static void put_escaped(Buffer *out, Slice bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t c = bytes.data[i];
        if (c == 0 || c >= 0x80)
            buffer_put_format(out, "\\%03o", c);
        else
            buffer_put_text(out, c == '\\' ? "\\\\" : (const char[]){(char)c, '\0'});
    }
}

FUNCTION(bytea_encode)
{
    Buffer text;
    Slice bytes = arguments[0].as.bytes;
    enum Encoding encoding = encoding_of(arguments[1].as.bytes);
    if (encoding == ENCODING_UNKNOWN)
        return unknown_encoding(arguments[1].as.bytes, error);
    text_buffer_open(&text);
    if (encoding == ENCODING_HEX)
        text_put_hex(&text, bytes);
    else if (encoding == ENCODING_BASE64)
        base64_encode(&text, bytes, BASE64_LINE_LENGTH);
    else
        put_escaped(&text, bytes);
    return text_buffer_result(context, &text, TYPE_TEXT, result, error);
}

static Status base64_error(enum Base64Result reason, Slice text, size_t bad, Error *error)
{
    if (reason == BASE64_BAD_PADDING)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "unexpected \"=\" while decoding base64 sequence");
    if (reason == BASE64_BAD_SYMBOL)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "invalid symbol \"%.*s\" found while decoding base64 sequence",
                         (int)text_step(text, bad), (const char *)text.data + bad);
    Status status = error_set(error, STATUS_INVALID_PARAMETER_VALUE, "invalid base64 end sequence");
    error_set_hint(error, "Input data is missing padding, is truncated, or is otherwise "
                          "corrupted.");
    return status;
}

static Status decode_base64(EvaluationContext *context, Slice text, Slice *out, Error *error)
{
    Buffer bytes;
    size_t bad;
    text_buffer_open(&bytes);
    enum Base64Result reason = base64_decode(&bytes, text, &bad);
    TRY(buffer_into_arena(&bytes, context->arena, out, error));
    return reason == BASE64_GOOD ? OK : base64_error(reason, text, bad, error);
}

FUNCTION(text_decode)
{
    Slice text = arguments[0].as.bytes;
    Slice bytes = SLICE_EMPTY;
    switch (encoding_of(arguments[1].as.bytes)) {
    case ENCODING_HEX:
        TRY(hex_decode(context->arena, text, &bytes, error));
        break;
    case ENCODING_BASE64:
        TRY(decode_base64(context, text, &bytes, error));
        break;
    case ENCODING_ESCAPE:
        TRY(escape_decode(context->arena, text, &bytes, error));
        break;
    case ENCODING_UNKNOWN:
        return unknown_encoding(arguments[1].as.bytes, error);
    }
    *result = value_bytes(TYPE_BYTEA, bytes);
    return OK;
}
