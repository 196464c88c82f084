#!/usr/bin/python3
"""The messages of RFC 4475 on the wire: the answer that each earns, and a call beside them that goes on."""
import re
import socket
import time

import lib

SOURCE = "127.0.44.{}"  # an address for each message: the ports that the Vias name are free, late answers go elsewhere
ROWS = re.compile(r'^TORTURE\((\w+), "([\d.]+)", \w+, -?\d+, (\d+), "(.*)"\)', re.M)


def rows():
    folder = lib.ROOT / "tests/torture"
    for name, section, status, why in ROWS.findall((folder / "rfc4475.inc").read_text()):
        yield name, section, int(status), why, (folder / "rfc4475" / f"{name}.sip").read_bytes()


def answer_port(data):
    """Where a response goes: the port of the top Via's sent-by (RFC 3261 18.2.2)."""
    via = re.search(rb"^(?:via|v)\s*:\s*SIP\s*/\s*[\d.]+\s*/\s*\w+\s+([^;,\r\n]+)", data, re.I | re.M)
    port = re.search(rb":\s*(\d+)\s*$", via.group(1)) if via else None
    return int(port.group(1)) if port else 5060


def ask(hearth, data, number, is_answered):
    """The final answer to one datagram, 0 for none, for which an answer that is due is waited for longer. Leaves no transaction behind: a 2xx gets its BYE by time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        wire.bind((SOURCE.format(number), answer_port(data)))
        wire.sendto(data, ("127.0.0.1", hearth.sip_port))
        until = time.monotonic() + (10 * lib.PATIENCE if is_answered else 0.6)
        while (left := until - time.monotonic()) > 0:
            wire.settimeout(left)
            try:
                message = lib.Message(wire.recv(65536))
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
    for number, (name, section, status, why, data) in enumerate(rows(), 1):
        key = transaction(data)
        if all(key in seen for _, seen in hearths):
            hearths.append((lib.Hearth(sip__registrar="open"), set()))
        hearth, seen = next((h, seen) for h, seen in hearths if key not in seen)
        seen.add(key)
        got = ask(hearth, data, number, due(name, status, data) != 0)
        if got != due(name, status, data):
            wrong.append(f"{name} ({section}, {why}): {got}, {due(name, status, data)} is due")
    assert not wrong, "; ".join(wrong)
    lib.hears(inside[1], 440, above=2500)
    for phone in inside:
        assert phone.bye().status == 200
    for hearth, _ in hearths:
        hearth.stop()


lib.main()
