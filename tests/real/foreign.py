"""The real clients of other services, pointed at a filingwire on port 8080.

foreign.py KEY: receives filings through datamule's own connector and through the documented code of
sec-api.io's clients, checks their shape, prints one line each.
"""

import asyncio
import json
import sys
import threading

import datamule.datamule.sec_connector as connector
import websockets

SEEN = {"accession", "submission_type", "ciks", "filing_date", "detected_time", "source"}
ARCHIVED = {
    "id", "accessionNo", "cik", "ticker", "companyName", "companyNameLong", "formType", "description", "filedAt",
    "linkToTxt", "linkToHtml", "linkToXbrl", "linkToFilingDetails", "entities", "documentFormatFiles", "dataFiles",
    "seriesAndClassesContractsInformation",
}  # fmt: skip


def through_datamule(key: str, wanted: int) -> list[dict]:
    """Filings as datamule's connector hands them to its user; it never ends by itself."""
    filings, enough = [], threading.Event()

    def take(data: list[dict]) -> None:
        filings.extend(data)
        if len(filings) >= wanted:
            enough.set()

    connector.MAIN_API_ENDPOINT = "http://127.0.0.1:8080/"
    client = connector.SecConnector(api_key=key, quiet=True)
    threading.Thread(target=client.connect, kwargs={"data_callback": take}, daemon=True).start()
    if not enough.wait(30):
        sys.exit(f"datamule received {len(filings)} filings in 30 s, not {wanted}")
    return filings


async def through_sec_api(key: str, wanted: int) -> list[dict]:
    """As in the README of sec-api.io's Python package, with the address changed."""
    filings = []
    async with asyncio.timeout(30), websockets.connect(f"ws://127.0.0.1:8080?apiKey={key}") as socket:
        while len(filings) < wanted:
            filings.extend(json.loads(await socket.recv()))
    return filings


def check(name: str, filings: list[dict], fields: set[str], accession: str) -> None:
    for filing in filings:
        if missing := fields - filing.keys():
            sys.exit(f"{name}: {missing} missing in {filing}")
    accessions = [filing[accession] for filing in filings]
    if len(set(accessions)) != len(accessions):
        sys.exit(f"{name}: a filing came twice: {accessions}")
    print(f"ok {name} receives {len(filings)} filings, the first {accessions[0]}")


def main() -> None:
    key = sys.argv[1]
    check("datamule's connector", through_datamule(key, 5), SEEN, "accession")
    check("sec-api.io's client code", asyncio.run(through_sec_api(key, 5)), ARCHIVED, "accessionNo")


main()
