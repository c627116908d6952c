/* Private to net: the classes of bytes that HTTP's grammar is made of. Pure functions. */
#ifndef FIRN_NET_ASCII_INT_H
#define FIRN_NET_ASCII_INT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool ascii_is_letter(uint8_t c)
{
    c |= 0x20;
    return c >= 'a' && c <= 'z';
}

static inline bool ascii_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* The value of a hexadecimal digit, or -1. */
static inline int ascii_hex_value(uint8_t c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 9110's tchar: what names of methods and headers are made of. */
static inline bool ascii_is_token(uint8_t c)
{
    return ascii_is_letter(c) || ascii_is_digit(c) ||
           (c > 0x20 && c < 0x7f && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

#endif
