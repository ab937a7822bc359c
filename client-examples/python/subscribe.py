"""Prints one line per filing, and goes on where it stopped, whoever stopped.

pip install websockets
FILINGWIRE_KEY=fw_... python subscribe.py 'ws://127.0.0.1:8080/v1/stream?forms=8-K,424B*'
"""

import json, os, random, re, sys, time
from pathlib import Path

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

# Holds the last cursor handled. Write `oldest` into it to begin with all that is kept.
CURSOR = Path("filingwire.cursor")


def follow(url, key):
    """Follows the stream over one connection, until it closes or lacks an event."""
    after = CURSOR.read_text().strip() if CURSOR.exists() else "live"
    url += ("&" if "?" in url else "?") + "after=" + after
    # The library answers the server's pings, and pings on its own.
    with connect(url, additional_headers={"Authorization": f"Bearer {key}"}, max_size=None) as socket:
        while True:
            # A heartbeat comes every 15 s: a minute of silence is a dead connection.
            frame = json.loads(socket.recv(timeout=60))
            if frame["type"] == "subscribed":
                received, whole = 0, frame["after"]
            elif frame["type"] == "heartbeat":
                if frame["sent"] != received:
                    save(whole)  # What came since the last heartbeat that was right comes again.
                    raise OSError(f"{frame['sent']} events were sent, {received} came")
                whole = frame["through"]
            elif frame["type"] == "filing.seen":
                filing = frame["filing"]
                filer = filing["filers"][0]["name"] if filing["filers"] else ""
                print(f"{filing['accession']}  {filing['form']:<8}  {filer}", flush=True)
            elif frame["type"] == "error":
                print(frame["message"], file=sys.stderr)
            elif frame["type"] == "done":
                sys.exit(0)  # `until` is reached.
            if "seq" in frame:
                received += 1
            # Events have `cursor`, heartbeats `through`, `subscribed` has `after`.
            if cursor := frame.get("cursor") or frame.get("through") or frame.get("after"):
                save(cursor)


def save(cursor):
    """Replaces the file in one step: the old cursor or the new one, never half."""
    new = CURSOR.with_name("filingwire.cursor.new")
    new.write_text(cursor)
    new.replace(CURSOR)


def main(url, key):
    while True:
        try:
            follow(url, key)
        except ConnectionClosed as closed:
            print(closed, file=sys.stderr)
            if closed.rcvd and 4400 <= closed.rcvd.code <= 4499:
                sys.exit(1)  # The same request would fail again.
            if closed.rcvd and (told := re.search(r"retry after (\d+) s", closed.rcvd.reason)):
                time.sleep(int(told[1]))
        except (OSError, TimeoutError, InvalidHandshake) as error:
            print(error, file=sys.stderr)
        # Jitter keeps a thousand clients from coming back in the same moment.
        time.sleep(random.uniform(0.5, 3))


main(sys.argv[1], os.environ["FILINGWIRE_KEY"])
