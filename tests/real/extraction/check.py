#!/usr/bin/env python3
"""Compares `filingwire parse --json` with the second reading of `extract.py`.

    check.py PROGRAM FIXTURES

Both read every recorded submission listed in FIXTURES/MANIFEST.tsv. Prints what
differs and ends with code 1 if anything does.
"""

import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True  # Nothing is left in the source tree.
import extract  # noqa: E402

KINDS = ("full-submission", "pds-nc")
FIELDS = ("accession", "form", "filed_on", "period", "accepted_at")
DOCUMENT_FIELDS = ("type", "sequence", "filename", "bytes", "sha256")


def main(program, fixtures):
    paths = recorded(fixtures)
    ours = parsed(program, paths)
    differences = documents = 0
    for path in paths:
        expected = extract.submission(path)
        documents += len(expected["documents"])
        for what in differing(expected, ours.get(path)):
            differences += 1
            print(f"{os.path.relpath(path, fixtures)}: {what}")
    if differences or not documents:
        sys.exit(f"FAILED: {differences} differences in {len(paths)} submissions")
    print(f"ok {documents} documents of {len(paths)} submissions equal a second reading")


def recorded(fixtures):
    """The paths of all recorded submissions."""
    with open(os.path.join(fixtures, "MANIFEST.tsv"), encoding="utf-8") as manifest:
        rows = [line.split("\t") for line in manifest]
    return [os.path.join(fixtures, row[0]) for row in rows if row[1] in KINDS]


def parsed(program, paths):
    """What the program says of each file."""
    run = subprocess.run([program, "parse", "--json", *paths], stdout=subprocess.PIPE)
    if run.returncode != 0:
        sys.exit(f"FAILED: {program} ended with code {run.returncode}")
    reports = map(json.loads, run.stdout.splitlines())
    return {report["file"]: report for report in reports}


def differing(expected, ours):
    """What differs between the two readings of one submission."""
    if ours is None:
        yield "not read"
        return
    for damage in ours["damage"]:
        yield f"damage told: {damage['what']} at byte {damage['offset']}"
    yield from unequal("", expected, ours, FIELDS)
    party = [{key: filer.get(key) for key in ("cik", "name", "role")} for filer in ours["filers"]]
    if party != expected["parties"]:
        yield f"parties: expected {expected['parties']}, got {party}"
    if len(expected["documents"]) != len(ours["documents"]):
        yield f"documents: expected {len(expected['documents'])}, got {len(ours['documents'])}"
    for place, (theirs, document) in enumerate(zip(expected["documents"], ours["documents"]), 1):
        if document["ordinal"] != place:
            yield f"document {place} has ordinal {document['ordinal']}"
        yield from unequal(f"document {place} ", theirs, document, DOCUMENT_FIELDS)


def unequal(prefix, expected, ours, fields):
    for field in fields:
        if expected.get(field) != ours.get(field):
            yield f"{prefix}{field}: expected {expected.get(field)!r}, got {ours.get(field)!r}"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
