/* The frontend's half of PostgreSQL's protocol 3.0, as far as one prepared statement needs it.
 * Message formats: PostgreSQL's documentation, "Message Formats". */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { MESSAGE_HEAD_BYTES = 5 }; /* type, length of the rest with itself */

static void put_u32(Writer *writer, uint32_t value)
{
    uint32_t big = htonl(value);
    put(writer, (const char *)&big, sizeof big);
}

static void put_u16(Writer *writer, uint16_t value)
{
    uint16_t big = htons(value);
    put(writer, (const char *)&big, sizeof big);
}

static void put_text(Writer *writer, const char *text)
{
    put(writer, text, strlen(text) + 1);
}

/* Begins a message; the place of its length. */
static char *begin_message(Writer *writer, char type)
{
    if (type != '\0')
        put(writer, &type, 1);
    char *length = writer->at;
    put_u32(writer, 0);
    return length;
}

static void end_message(const Writer *writer, char *length)
{
    uint32_t big = htonl((uint32_t)(writer->at - length));
    memcpy(length, &big, sizeof big);
}

static Writer writer_of(Connection *connection)
{
    return (Writer){connection->request, connection->request + REQUEST_BYTES_MAX};
}

/* ---- opening ---- */

static void send_all(const Connection *connection, const Writer *writer)
{
    const char *at = connection->request;
    while (at < writer->at) {
        ssize_t n = send(connection->descriptor, at, (size_t)(writer->at - at), MSG_NOSIGNAL);
        if (n <= 0)
            die("send");
        at += n;
    }
}

static void read_exactly(const Connection *connection, char *out, size_t size)
{
    while (size > 0) {
        ssize_t n = recv(connection->descriptor, out, size, 0);
        if (n <= 0)
            die("recv");
        out += n;
        size -= (size_t)n;
    }
}

static uint32_t length_of(const char *head)
{
    uint32_t big;
    memcpy(&big, head + 1, sizeof big);
    return ntohl(big) - 4;
}

/* Reads messages until the server is ready. */
static void wait_ready(const Connection *connection)
{
    char head[MESSAGE_HEAD_BYTES];
    char rest[8192];
    do {
        read_exactly(connection, head, sizeof head);
        uint32_t length = length_of(head);
        if (length > sizeof rest)
            refuse("PostgreSQL sent a message that is too long");
        read_exactly(connection, rest, length);
        if (head[0] == 'E')
            refuse("PostgreSQL refused the connection or the statement");
    } while (head[0] != 'Z');
}

static void start(Connection *connection)
{
    Writer writer = writer_of(connection);
    char *length = begin_message(&writer, '\0');
    put_u32(&writer, 3 << 16);
    put_text(&writer, "user");
    put_text(&writer, options.user);
    put_text(&writer, "database");
    put_text(&writer, options.database);
    put(&writer, "", 1);
    end_message(&writer, length);
    send_all(connection, &writer);
    wait_ready(connection);
}

static void prepare(Connection *connection)
{
    Writer writer = writer_of(connection);
    char *length = begin_message(&writer, 'P');
    put_text(&writer, "s");
    put_text(&writer, options.sql);
    put_u16(&writer, 0);
    end_message(&writer, length);
    end_message(&writer, begin_message(&writer, 'S'));
    send_all(connection, &writer);
    wait_ready(connection);
}

void postgres_open(Connection *connection)
{
    start(connection);
    prepare(connection);
}

/* ---- requests ---- */

static void put_value(Writer *writer, const char *template, const Connection *connection)
{
    char *length = writer->at;
    put_u32(writer, 0);
    size_t size =
        put_template(writer->at, (size_t)(writer->end - writer->at), template, connection);
    uint32_t big = htonl((uint32_t)size);
    memcpy(length, &big, sizeof big);
    writer->at += size;
}

void postgres_make_request(Connection *connection)
{
    Writer writer = writer_of(connection);
    char *length = begin_message(&writer, 'B');
    put_text(&writer, "");
    put_text(&writer, "s");
    put_u16(&writer, 0); /* values are text */
    put_u16(&writer, (uint16_t)options.value_count);
    for (size_t i = 0; i < options.value_count; i++)
        put_value(&writer, options.values[i], connection);
    put_u16(&writer, 0);
    end_message(&writer, length);
    length = begin_message(&writer, 'D'); /* as libpq does */
    put(&writer, "P", 2);
    end_message(&writer, length);
    length = begin_message(&writer, 'E');
    put_text(&writer, "");
    put_u32(&writer, 0);
    end_message(&writer, length);
    end_message(&writer, begin_message(&writer, 'S'));
    connection->request_size = (size_t)(writer.at - connection->request);
    connection->status = 200;
    connection->head_size = 0;
    connection->left = 0;
}

/* `head` collects a message's first bytes, `left` counts what is behind them. */
bool postgres_take_response(Connection *connection, const char *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        if (connection->left > 0) {
            size_t taken = size - at < connection->left ? size - at : (size_t)connection->left;
            connection->left -= taken;
            at += taken;
        } else {
            connection->head[connection->head_size++] = data[at++];
            if (connection->head_size < MESSAGE_HEAD_BYTES)
                continue;
            connection->left = length_of(connection->head);
        }
        if (connection->left > 0)
            continue;
        connection->head_size = 0;
        if (connection->head[0] == 'E')
            connection->status = 500;
        if (connection->head[0] == 'Z')
            return true;
    }
    return false;
}
