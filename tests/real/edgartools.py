"""edgartools, a client of sec.gov, reads the simulated EDGAR: an outside check that it is one.

edgartools.py URL PROGRAM: the filings that edgartools finds on the feed are those that EDGAR lists there, no more and
no fewer; in their submissions it finds the documents that `PROGRAM parse` finds. Prints `ok …` lines.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

url, program = sys.argv[1:]
os.environ |= {
    "EDGAR_BASE_URL": url,
    "EDGAR_DATA_URL": url,
    "EDGAR_IDENTITY": "Filingwire Tests tests@filingwire.example",
    "EDGAR_LOCAL_DATA_DIR": tempfile.mkdtemp(),
}

from edgar import get_current_filings  # noqa: E402, it reads its environment when it is imported


def get(path: str) -> bytes:
    time.sleep(0.4)  # The simulated EDGAR too blocks who asks more than ten times a second.
    request = urllib.request.Request(url + path, headers={"User-Agent": os.environ["EDGAR_IDENTITY"]})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def listed(path: str) -> list[str]:
    """The accession numbers on a page of EDGAR, in order, each once."""
    return list(dict.fromkeys(re.findall(r"accession-number=([-0-9]{20})", get(path).decode("latin-1"))))


def parsed(cik: int, accession: str) -> tuple:
    """Accession number, form and names of the documents, as our program reads the submission."""
    submission = get(f"/Archives/edgar/data/{cik}/{accession.replace('-', '')}/{accession}.txt")
    shown = subprocess.run([program, "parse", "--json", "-"], input=submission, capture_output=True, check=True)
    filing = json.loads(shown.stdout)
    return filing["accession"], filing["form"], [document["filename"] for document in filing["documents"]]


def check(what: str, read: list[str], expected: list[str]) -> None:
    if not expected or set(read) != set(expected):
        sys.exit(f"{what}: only edgartools {set(read) - set(expected)}, only EDGAR {set(expected) - set(read)}")
    print(f"ok edgartools reads {what} of the simulated EDGAR: {len(expected)} filings, the first {expected[0]}")


def main() -> None:
    feed = "/cgi-bin/browse-edgar?action=getcurrent&count={}&start={}&type={}&owner=include&output=atom"
    page = get_current_filings(page_size=40)
    check("a page of the feed", [filing.accession_no for filing in page], listed(feed.format(40, 0, "")))
    opened = {filing.accession_no: filing for filing in page}
    # The oldest of them: what has just been listed need not be uploaded yet.
    for accession, filing in list(opened.items())[-8:]:
        time.sleep(0.2)
        sgml = filing.sgml()
        read = (sgml.accession_number, sgml.form, [document.document for document in sgml.attachments])
        if read != parsed(filing.cik, accession):
            sys.exit(f"{accession}: edgartools reads {read}, we read {parsed(filing.cik, accession)}")
    print(f"ok edgartools opens 8 submissions of it and finds the documents that we find, last {read}")
    page = get_current_filings(form="8-K", page_size=100)
    check("the feed of a form", [filing.accession_no for filing in page], listed(feed.format(100, 0, "8-K")))


main()
