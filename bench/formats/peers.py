"""What people use to read EDGAR's formats today, timed on request.

The benchmark starts this with a folder of inputs and writes lines `PEER GROUP PASSES`;
each is answered with wall and CPU seconds, or with what went wrong.
"""

import pathlib
import sys
import time

import secsgml
import secsgml2
from lxml import etree

XBRLI = "{http://www.xbrl.org/2003/instance}"
XBRLDI = "{http://xbrl.org/2006/xbrldi}"
LINK = "{http://www.xbrl.org/2003/linkbase}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def lxml_facts(data):
    """The facts of an XBRL instance, in the plain way an afternoon gives."""
    root = etree.fromstring(data, etree.XMLParser(huge_tree=True))
    contexts = {c.get("id"): context(c) for c in root.iterchildren(XBRLI + "context")}
    units = {u.get("id"): unit(u) for u in root.iterchildren(XBRLI + "unit")}
    facts = []
    for element in root.iterchildren(etree.Element):
        reference = element.get("contextRef")
        if reference is None or element.tag.startswith((XBRLI, LINK)):
            continue
        period, dimensions = contexts[reference]
        fact = {
            "taxonomy": element.prefix,
            "concept": etree.QName(element).localname,
            "period": period,
        }
        if element.get("unitRef") is not None:
            fact["unit"] = units[element.get("unitRef")]
        if element.get("decimals") is not None:
            fact["decimals"] = element.get("decimals")
        if dimensions:
            fact["dimensions"] = dimensions
        if element.get(NIL) != "true":
            fact["value"] = element.text or ""
        facts.append(fact)
    return facts


def context(element):
    period = element.find(XBRLI + "period")
    instant = period.findtext(XBRLI + "instant")
    if instant is not None:
        period = {"instant": instant.strip()}
    elif period.find(XBRLI + "forever") is not None:
        period = {}
    else:
        period = {
            "start": period.findtext(XBRLI + "startDate").strip(),
            "end": period.findtext(XBRLI + "endDate").strip(),
        }
    dimensions = {}
    for member in element.iter(XBRLDI + "explicitMember"):
        dimensions[member.get("dimension")] = (member.text or "").strip()
    for member in element.iter(XBRLDI + "typedMember"):
        dimensions[member.get("dimension")] = "".join(member.itertext()).strip()
    return period, dimensions


def unit(element):
    divide = element.find(XBRLI + "divide")
    if divide is None:
        return measures(element)
    numerator = divide.find(XBRLI + "unitNumerator")
    denominator = divide.find(XBRLI + "unitDenominator")
    return measures(numerator) + "/" + measures(denominator)


def measures(element):
    names = (m.text.strip() for m in element.iterchildren(XBRLI + "measure"))
    return "*".join(name.rpartition(":")[2] for name in names)


PEERS = {
    "secsgml": secsgml.parse_sgml_content_into_memory,
    "secsgml2": secsgml2.parse_sgml_content_into_memory,
    "lxml": lxml_facts,
}


def turn(read, inputs, passes):
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(passes):
        for data in inputs:
            read(data)
    return f"{time.perf_counter() - wall} {time.process_time() - cpu}"


def main():
    groups = {
        group.name: [file.read_bytes() for file in sorted(group.iterdir())]
        for group in pathlib.Path(sys.argv[1]).iterdir()
    }
    print("ready", flush=True)
    for line in sys.stdin:
        peer, group, passes = line.split()
        try:
            answer = turn(PEERS[peer], groups[group], int(passes))
        except Exception as error:
            answer = f"{peer} fails: {error!r}"
        print(answer, flush=True)


main()
