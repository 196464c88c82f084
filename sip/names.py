#!/usr/bin/env python3
"""Writes sip/names.inc: a perfect hash of the header names in sip/header.inc, and the compact forms.

The hash is (a * first + b * middle + c * last + d * length) & 255 on lower-case letters; this
looks for multipliers without a collision. Run it after a change of header.inc; the unit test
"names" fails while the table is stale.
"""
import itertools
import pathlib
import random
import re

here = pathlib.Path(__file__).parent
text = (here / "header.inc").read_text()
rows = re.findall(r'^HEADER\((\w+), "([^"]+)"', text, re.M)
compact = re.findall(r"^HEADER\((\w+), \"[^\"]+\", '(\w)'", text, re.M)


def parts(name):
    name = name.lower().encode()
    return name[0] | 0x20, name[len(name) // 2] | 0x20, name[-1] | 0x20, len(name)


keys = [parts(name) for _, name in rows]
random.seed(1)
for tries in itertools.count():
    mul = [random.randrange(1, 256) for _ in range(4)]
    slots = [sum(m * k for m, k in zip(mul, key)) & 255 for key in keys]
    if len(set(slots)) == len(slots):
        break
    if tries > 5_000_000:
        raise SystemExit("no perfect hash found: two names agree in all four parts")

lines = ["/* Made by sip/names.py from sip/header.inc. */",
         "#define NAME_HASH(first, middle, last, len) \\",
         "\t(uint8_t)((first) * %du + (middle) * %du + (last) * %du + (len) * %du)" % tuple(mul),
         "static const uint8_t name_slots[256] = {"]
for slot, (ident, _) in sorted(zip(slots, rows)):
    lines.append("\t[%d] = SIP_H_%s," % (slot, ident))
lines += ["};", "static const uint8_t compact_ids[26] = {"]
for ident, letter in sorted(compact, key=lambda row: row[1]):
    lines.append("\t['%s' - 'a'] = SIP_H_%s," % (letter, ident))
lines.append("};")
(here / "names.inc").write_text("\n".join(lines) + "\n")
print("%d names, %d tries" % (len(rows), tries + 1))
