#!/usr/bin/python3
"""The messages of RFC 4475 and of our own collection on the wire: the answer that each earns, and a call beside them that
goes on. Those of RFC 5118 are in test_ipv6.py."""
import re
import socket
import time

import lib

SOURCE = "127.0.{}.{}"  # an address for each message: the ports that the Vias name are free, late answers go elsewhere
ROWS = re.compile(r'^TORTURE\((\w+), "([\d.]+)", \w+, -?\d+, (\d+), "(.*)"\)', re.M)


def rows(collection):
    folder = lib.ROOT / "tests/torture"
    for name, section, status, why in ROWS.findall((folder / f"{collection}.inc").read_text()):
        yield name, section, int(status), why, (folder / collection / f"{name}.sip").read_bytes()


def answer_port(data):
    """Where a response goes: the port of the top Via's sent-by (RFC 3261 18.2.2)."""
    via = re.search(rb"^(?:via|v)\s*:\s*SIP\s*/\s*[\d.]+\s*/\s*\w+\s+([^;,\r\n]+)", data, re.I | re.M)
    port = re.search(rb":\s*(\d+)\s*$", via.group(1)) if via else None
    return int(port.group(1)) if port and int(port.group(1)) < 65536 else 5060


class Stranger:
    """Who sends one datagram, and listens where its answer goes."""

    def __init__(self, hearth, source, data):
        self.wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.wire.bind((source, answer_port(data)))
        self.wire.sendto(data, ("127.0.0.1", hearth.sip_port))

    def final(self, seconds):
        """The status of the final answer, 0 for none. Leaves no transaction behind: a 2xx gets its BYE by time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.wire.settimeout(left)
            try:
                message = lib.Message(self.wire.recv(65536))
            except socket.timeout:
                return 0
            if message.status >= 200:
                return message.status
        return 0


def transaction(data):
    """What a server matches a retransmission by (RFC 3261 17.2.3): some messages share it."""
    branch = re.search(rb"branch\s*=\s*([^;,\s]+)", data)
    return data.split()[0], branch and branch.group(1)


def due(name, status, data):
    """The table tells of a server that takes any user and any text; ours has texts for its rooms only."""
    method = data.split()[0].decode(errors="replace")
    if method == "MESSAGE" and status in (200, 415):
        return 404
    if name == "escnull":
        return 404  # no user of ours has a NUL in its name
    if name in ("esc01", "semiuri"):
        return 404  # the user part is no room name
    return status


@lib.case
def each_message_gets_what_it_earns():
    hearths = [(lib.Hearth(sip__registrar="open"), set())]
    inside = [lib.Phone(hearths[0][0], name, samples=lib.tone(hz, 1)) for name, hz in (("anna", 440), ("bert", 700))]
    for phone in inside:
        assert phone.invite("lobby").status == 200
    wrong = []
    silent = []  # those that earn nothing: looked at when all others have had their answers
    for number, (name, section, status, why, data) in enumerate(rows("rfc4475"), 1):
        key = transaction(data)
        if all(key in seen for _, seen in hearths):
            hearths.append((lib.Hearth(sip__registrar="open"), set()))
        hearth, seen = next((h, seen) for h, seen in hearths if key not in seen)
        seen.add(key)
        stranger, status = Stranger(hearth, SOURCE.format(44, number), data), due(name, status, data)
        if status == 0:
            silent.append((name, stranger))
        elif (got := stranger.final(10 * lib.PATIENCE)) != status:
            wrong.append(f"{name} ({section}, {why}): {got}, {status} is due")
    wrong += [f"{name}: was answered" for name, stranger in silent if stranger.final(0.1)]
    assert not wrong, "; ".join(wrong)
    lib.hears(inside[1], 440, above=2500)
    for phone in inside:
        assert phone.bye().status == 200
    for hearth, _ in hearths:
        hearth.stop()


@lib.case
def own_collection():
    hearth = lib.Hearth(sip__registrar="open")
    asked = [(name, section, status, why, Stranger(hearth, SOURCE.format(45, number), data))
             for number, (name, section, status, why, data) in enumerate(rows("own"), 1)]
    wrong = [f"{name} ({section}, {why}): {got}, {status} is due"
             for name, section, status, why, stranger in sorted(asked, key=lambda row: row[2] == 0)
             if (got := stranger.final(10 * lib.PATIENCE if status else 0.1)) != status]
    assert not wrong, "; ".join(wrong)
    hearth.stop()


lib.main()
