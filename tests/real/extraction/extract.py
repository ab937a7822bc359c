#!/usr/bin/env python3
"""A second reading of recorded submissions, plain and slow, to compare ours with.

It is written from the description of the format, not from the program's parser, and
uses only what Python brings along: the whole file in memory, cut into lines, uuencode
left to `binascii`. It knows recorded files and no damage: what it does not understand
is an exception.

    extract.py FILE…        prints one JSON object a line for each submission

Needs Python 3.9; for `.zst` files Python 3.14 or the program `zstd`.
"""

import binascii
import datetime
import hashlib
import json
import re
import subprocess
import sys
import zoneinfo

EASTERN = zoneinfo.ZoneInfo("America/New_York")

ROLES = {
    "FILER": "filer",
    "SUBJECT-COMPANY": "subject-company",
    "FILED-BY": "filed-by",
    "FILED-FOR": "filed-for",
    "REPORTING-OWNER": "reporting-owner",
    "ISSUER": "issuer",
    "DEPOSITOR": "depositor",
    "SECURITIZER": "securitizer",
    "ISSUING-ENTITY": "issuing-entity",
    "SERIAL-COMPANY": "serial-company",
    "UNDERWRITER": "underwriter",
}

# A header key as an indented line writes it, and as a tag.
FIELDS = {
    "accession": ("ACCESSION NUMBER", "ACCESSION-NUMBER"),
    "form": ("CONFORMED SUBMISSION TYPE", "TYPE"),
    "filed_on": ("FILED AS OF DATE", "FILING-DATE"),
    "period": ("CONFORMED PERIOD OF REPORT", "PERIOD"),
    "accepted_at": ("ACCEPTANCE-DATETIME", "ACCEPTANCE-DATETIME"),
    "cik": ("CENTRAL INDEX KEY", "CIK"),
    "name": ("COMPANY CONFORMED NAME", "CONFORMED-NAME"),
}
KEYS = {key: field for field, keys in FIELDS.items() for key in keys}

WRAPPERS = (b"XML", b"XBRL", b"PDF")


def main(paths):
    for path in paths:
        print(json.dumps(submission(path), ensure_ascii=False))


def submission(path):
    """The submission in the file at `path`, as the program should see it."""
    lines = contents(path).splitlines(keepends=True)
    first = next((i for i, line in enumerate(lines) if line.strip() == b"<DOCUMENT>"), len(lines))
    return {"file": path, **header(lines[:first]), "documents": list(documents(lines[first:]))}


def contents(path):
    """The bytes of the file at `path`, decompressed."""
    if not path.endswith(".zst"):
        with open(path, "rb") as file:
            return file.read()
    try:
        from compression import zstd
    except ImportError:
        return subprocess.run(["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE).stdout
    with zstd.open(path, "rb") as file:
        return file.read()


def header(lines):
    """What a header says of the filing, and of each party once."""
    said, parties = {}, {}
    party = None
    for key, value in pairs(lines):
        role = ROLES.get(key.replace(" ", "-").replace("_", "-"))
        if role and not value:
            party = {"role": role}
            continue
        field = KEYS.get(key)
        if not field or not value:
            continue
        if field not in ("cik", "name"):
            said.setdefault(field, value)
        elif party is not None and field not in party:
            party[field] = value
            if "cik" in party and "name" in party:
                cik = str(int(party["cik"]))
                parties.setdefault((cik, party["role"]), {"cik": cik, "name": party["name"], "role": party["role"]})
    for field in ("filed_on", "period"):
        if field in said:
            said[field] = f"{said[field][:4]}-{said[field][4:6]}-{said[field][6:]}"
    if "accepted_at" in said:
        said["accepted_at"] = utc(said["accepted_at"])
    return {**said, "parties": list(parties.values())}


def pairs(lines):
    """Key and value of each header line of either style, up to the header's end."""
    for line in lines:
        text = line.decode("utf-8").strip()
        if text in ("</SEC-HEADER>", "</IMS-HEADER>"):
            return
        match = re.match(r"<([^/>]+)>(.*)", text) or re.match(r"([A-Z][^:<]*):(.*)", text)
        if match:
            yield match[1].strip(), match[2].strip()


def utc(wall):
    """An Eastern wall clock of fourteen digits as RFC 3339."""
    eastern = datetime.datetime.strptime(wall, "%Y%m%d%H%M%S").replace(tzinfo=EASTERN)
    return eastern.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def documents(lines):
    """The documents in `lines`, the first of which opens the first document."""
    at = 0
    while at < len(lines):
        if lines[at].strip() != b"<DOCUMENT>":
            at += 1
            continue
        text = next(i for i in range(at, len(lines)) if lines[i].strip() == b"<TEXT>")
        end = next(i for i in range(text, len(lines)) if closes(lines, i))
        yield document(lines[at:text], lines[text + 1 : end])
        at = end


def closes(lines, at):
    """Whether content ends here: `</TEXT>`, and then, blank lines aside, `</DOCUMENT>`."""
    if lines[at].rstrip() != b"</TEXT>":
        return False
    after = next(line.rstrip() for line in lines[at + 1 :] if line.strip())
    return after == b"</DOCUMENT>"


def document(tags, content):
    """A document with the digest of what it holds."""
    said = {}
    for line in tags:
        match = re.match(rb"<(TYPE|SEQUENCE|FILENAME)>(.*)", line)
        if match:
            said[match[1].decode().lower()] = match[2].decode("utf-8").strip()
    decoded = decode(content)
    said.setdefault("filename", said["sequence"] + ".txt")
    return {**said, "bytes": len(decoded), "sha256": hashlib.sha256(decoded).hexdigest()}


def decode(lines):
    """The content in `lines` without its wrapper, decoded if it is uuencoded."""
    first = visible(lines)
    for name in WRAPPERS:
        if first is not None and lines[first].rstrip() == b"<" + name + b">":
            last = len(lines) - 1 - visible(lines[::-1])
            assert lines[last].rstrip() == b"</" + name + b">", lines[last]
            lines = lines[:first] + lines[first + 1 : last]
            break
    first = visible(lines)
    if first is not None and re.match(rb"begin [0-7]{3} \S", lines[first]):
        return uudecode(lines[first + 1 :])
    # The newline before the closing tag belongs to the tag.
    return re.sub(rb"(\r\n|\n|\r)\Z", b"", b"".join(lines))


def visible(lines):
    """The place of the first line that is not blank."""
    return next((i for i, line in enumerate(lines) if line.strip()), None)


def uudecode(lines):
    """What uuencoded lines hold.

    Trailing blanks were trimmed, so they are put back. A point at the start of a line
    is doubled in files up to 2023. The last group is filled up with ones, which
    `binascii` refuses, so it decodes whole groups and the filling is cut off.
    """
    decoded = []
    for line in lines:
        line = line.rstrip(b"\r\n")
        if line == b"end":
            return b"".join(decoded)
        if not line:
            continue
        length = (line[0] - 32) & 63
        groups = (length + 2) // 3
        if line[:2] == b".." and len(line) == 2 + groups * 4:
            line = line[1:]
        whole = bytes([32 + groups * 3]) + line[1:].ljust(groups * 4)
        decoded.append(binascii.a2b_uu(whole)[:length])
    raise ValueError("uuencode without end")


if __name__ == "__main__":
    main(sys.argv[1:])
