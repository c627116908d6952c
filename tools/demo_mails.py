"""The mails of the demo, read from their package: who owns each, when it was sent, what it says.

Owner: the part of List-Id in angle brackets, else the first To address, in lower case; owners of
fewer than 20 mails share the mailbox `other`. Characters that no user name has become dots.
sent_at: the Date header in UTC, None where it cannot be read or lies outside 1990-2005.
"""
import collections
import email.header
import email.parser
import email.policy
import email.utils
import glob
import hashlib
import json
import math
import os
import re

MAILS_OF_A_MAILBOX_MIN = 20
DIMENSIONS = 64
USER_NAME = re.compile(r"[A-Za-z0-9_@+][A-Za-z0-9._@+-]{0,127}\Z")
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._@+-]")
WORD = re.compile(r"[a-z]{3,20}")


class Mail:
    __slots__ = ("group", "number", "owner", "subject", "sender", "sent_at", "body", "embedding")


def clean(text):
    """Without NUL, which no text column holds, and without lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def header_text(message, name):
    value = message.get(name)
    if value is None:
        return None
    try:
        value = str(email.header.make_header(email.header.decode_header(str(value))))
    except (LookupError, ValueError, UnicodeError):
        value = str(value)
    return clean(" ".join(value.split()))


def owner_of(message):
    match = re.search(r"<([^<>]+)>", str(message.get("List-Id") or ""))
    if match:
        name = match.group(1)
    else:
        addresses = email.utils.getaddresses([str(message.get("To") or "")])
        name = addresses[0][1] if addresses else ""
    name = NOT_IN_NAMES.sub(".", name.strip().lower())
    return name if USER_NAME.match(name) else "other"


def sent_at_of(message):
    try:
        moment = email.utils.parsedate_to_datetime(str(message.get("Date")))
    except (TypeError, ValueError, IndexError):
        return None
    try:
        if moment.tzinfo is not None:
            moment = (moment - moment.utcoffset()).replace(tzinfo=None)
    except (OverflowError, ValueError):
        return None
    return moment.isoformat(sep=" ") if 1990 <= moment.year <= 2005 else None


def embedding_of(text):
    """Words hashed into DIMENSIONS buckets, of length one: mails of like words lie close."""
    vector = [0.0] * DIMENSIONS
    for word, count in collections.Counter(WORD.findall(text.lower())).items():
        digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
        sign = 1.0 if digest[3] & 1 else -1.0
        vector[digest[0] % DIMENSIONS] += sign * (1.0 + math.log(count))
    length = math.sqrt(sum(x * x for x in vector))
    return [round(x / length, 5) if length else 0.0 for x in vector]


def read_mail(path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    text = document["text"]
    parser = email.parser.Parser(policy=email.policy.compat32)
    message = parser.parsestr(text)
    mail = Mail()
    mail.group = document["group"]
    mail.number = int(document["id"])
    mail.owner = owner_of(message)
    mail.subject = header_text(message, "Subject") or "(no subject)"
    mail.sender = header_text(message, "From") or ""
    mail.sent_at = sent_at_of(message)
    mail.body = clean(text.partition("\n\n")[2])
    mail.embedding = embedding_of(mail.subject + "\n" + mail.body[:20000])
    return mail


def read_mails(package, limit=None):
    """The mails of the package's folder, in a fixed order; all of them, or some."""
    paths = sorted(glob.glob(os.path.join(package, "data", "*", "*.json")))
    if not paths:
        raise SystemExit(f"no mails in {package}: run tools/setup demo")
    if limit is not None:
        paths = paths[::len(paths) // limit][:limit]
    mails = sorted((read_mail(path) for path in paths), key=lambda m: (m.number, m.group))
    sizes = collections.Counter(mail.owner for mail in mails)
    for mail in mails:
        if sizes[mail.owner] < MAILS_OF_A_MAILBOX_MIN:
            mail.owner = "other"
    return mails
