"""Every text that an event leads to is copied by http/ring.c, which keeps events longer than what they tell of lives:
texts of views stand in SLICES(texts, ...), each such group is in the ring's list, and other pointers are to what is
static or say so. Prints one line a struct."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.M | re.S)
MEMBER = re.compile(r"^\tstruct (\w+) (\w+);", re.M)
COMMENT = re.compile(r"/\*.*?\*/", re.S)


def structs():
    found = {}
    for path in [*sorted((ROOT / "src/focus").glob("*.h")), ROOT / "http/ring.h"]:
        found.update(STRUCT.findall(path.read_text()))
    return found


def walk(all_structs, name, path):
    """(path from the entry, struct) of each struct with texts in it."""
    for kind, member in MEMBER.findall(all_structs[name]):
        below = f"{path}.{member}" if path else member
        if kind in all_structs and "slice" in all_structs[kind].lower():
            yield below, kind
        if kind in all_structs:
            yield from walk(all_structs, kind, below)


def faults(body, path, spans):
    if "SLICES(" in body and f"SPAN(entry->{path})" not in spans:
        yield f"SPAN(entry->{path}) is missing in http/ring.c"
    code = COMMENT.sub("", body)
    for name in re.findall(r"^\tstruct slice (\w+)", code, re.M):
        yield f"{name} is outside of SLICES(texts, ...)"
    for group in re.findall(r"SLICES\((\w+)", code):
        if group != "texts":
            yield f"SLICES({group}, ...): its name is texts"


def main():
    all_structs = structs()
    spans = (ROOT / "http/ring.c").read_text()
    failed, seen = 0, list(walk(all_structs, "event_entry", ""))
    if len(seen) < 10:
        print(f"not ok views: only {len(seen)} structs found")
        return 1
    for path, kind in seen:
        found = list(faults(all_structs[kind], path, spans))
        pointers = re.findall(r"^\tconst char\s*\*\s*(\w+);(\s*/\*.*?\*/)?", all_structs[kind], re.M | re.S)
        found += [f"const char *{name} is neither static nor copied" for name, comment in pointers
                  if "static" not in comment and f"slice_of(entry->{path}.{name})" not in spans]
        failed += bool(found)
        print(f"not ok views.{path}: {'; '.join(found)}" if found else f"ok views.{path}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
