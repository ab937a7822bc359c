"""Tar objects of recorded submissions, read with other people's software.

Usage: tar_objects.py FILINGWIRE RECORDED FOLDER

FILINGWIRE makes the tar object of every recorded submission in FOLDER. Each is then read by
Python's tarfile, by the `tar` of this machine, and by both readers of the datamule package:
the one that has the whole object and the one that asks for byte ranges. All must give the
documents that `filingwire parse --json` tells of.
"""

import csv
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tarfile

import zstandard
from datamule.datamule.tar_downloader import TarDownloader


def main():
    program, recorded, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    files = submissions(recorded)
    assert files, f"no recorded submissions in {recorded}"
    documents = 0
    for file in files:
        documents += check(program, file, folder / "object.tar")
    print(f"{len(files)} tar objects with {documents} documents are read by tarfile, tar and datamule")


def submissions(recorded):
    with open(recorded / "MANIFEST.tsv", newline="") as manifest:
        rows = csv.DictReader(manifest, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [recorded / row["path"] for row in rows if row["kind"] in ("full-submission", "pds-nc")]


def check(program, file, tar):
    told = subprocess.run(
        [program, "parse", "--json", "--tar", tar, file], check=True, capture_output=True
    )
    report = json.loads(told.stdout)
    expected = [(document["filename"], document["sha256"]) for document in report["documents"]]
    data = tar.read_bytes()
    for reader in (by_tarfile, by_tar, by_datamule, by_datamule_ranges):
        found = reader(tar, data)
        assert found == expected, f"{file}: {reader.__name__} gives {found}, not {expected}"
    metadata = json.loads(tarfile.open(tar).extractfile("metadata.json").read())
    documents = metadata.pop("documents")
    assert metadata == report["header"], f"{file}: the header of metadata.json is another"
    assert len(documents) == len(expected)
    return len(documents)


def named_hash(name, content):
    return name, hashlib.sha256(content).hexdigest()


def by_tarfile(tar, _data):
    with tarfile.open(tar) as archive:
        names = archive.getnames()
        assert names[0] == "metadata.json", names
        unpack = zstandard.ZstdDecompressor().decompress
        return [named_hash(name, unpack(archive.extractfile(name).read())) for name in names[1:]]


def by_tar(tar, _data):
    listed = subprocess.run(["tar", "-tf", tar], check=True, capture_output=True, text=True)
    assert not listed.stderr, listed.stderr
    found = []
    for name in listed.stdout.splitlines()[1:]:
        # The list quotes what the shell would not take.
        name = name.encode().decode("unicode_escape")
        frame = subprocess.run(
            ["tar", "-xOf", tar, "--no-wildcards", name], check=True, capture_output=True
        )
        found.append(named_hash(name, zstandard.ZstdDecompressor().decompress(frame.stdout)))
    return found


def by_datamule(_tar, data):
    _metadata, documents = TarDownloader()._extract_submission_from_tar(data, [])
    return [named_hash(document["name"], document["content"]) for document in documents]


def by_datamule_ranges(_tar, data):
    reader = TarDownloader()
    written = json.loads(tarfile.open(fileobj=io.BytesIO(data)).extractfile("metadata.json").read())
    probe, computed, _complete = reader._extract_metadata_from_probe(data[: reader.PROBE_SIZE])
    # It computes the ranges anew; ours are the same.
    assert computed == written, "datamule computes other ranges than are written"
    near, far = reader._separate_documents_by_location(computed, [])
    ranges = sorted(near + far, key=lambda place: place["start"])
    unpack = reader._decompress_zstd
    return [named_hash(place["name"], unpack(data[place["start"] : place["end"]])) for place in ranges]


main()
