"""What the documents name exists: files behind links, keys of the configuration, metrics, events of the log, paths of the
API, tests. Prints one line a kind."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENDINGS = ("c", "h", "md", "inc", "py")
MISSPELT = {"sip.lisen"}  # on purpose, as an example
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def source(*globs):
    return "\n".join(path.read_text() for pattern in globs for path in sorted(ROOT.glob(pattern)))


def quoted(text):
    """What stands in backticks, and in blocks of commands."""
    return re.findall(r"`([^`\n]+)`", text) + re.findall(r"^    (.+)$", text, re.M)


def links(doc, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = doc.parent / path if path else doc
        if not file.exists():
            yield target
        elif anchor and anchor not in anchors(file.read_text()):
            yield target


def anchors(text):
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def keys(_doc, text):
    known = set(re.findall(r'^KEY\(\w+, "([\w.]+)"', source("src/config/config.inc"), re.M))
    groups = {key.split(".")[0] for key in known}
    allowed = events() | tests()
    for name in re.findall(r"(?<![\w./+-])([a-z0-9]+\.[a-z0-9_]+)(?![\w./(*-])", "\n".join(quoted(text))):
        group, rest = name.split(".")
        if group in groups and name not in known | MISSPELT and name not in allowed and rest not in ENDINGS:
            yield name


def tests():
    """Of unit tests: suite.name."""
    found = set()
    for path in (ROOT / "tests/unit").glob("*/test_*.c"):
        suite = path.stem.removeprefix("test_")
        found |= {f"{suite}.{name}" for name in re.findall(r"CHECK_TEST\((\w+)\)", path.read_text())}
    return found | {f"sip.{path.stem}" for path in (ROOT / "tests/unit/sip").glob("*.c")}


def events():
    code = source("src/**/*.c", "sip/*.c", "mixer/**/*.c", "http/*.c")
    return set(re.findall(r'"([a-z_]+\.[a-z_]+)"', code)) | set(re.findall(r'"([a-z]+)\.', code))


def metrics(_doc, text):
    code = source("http/*.c")
    for name in re.findall(r"\bhearth_[a-z_0-9]+", "\n".join(quoted(text))):
        if f'"{name}"' not in code and not re.search(rf'"{name}', code):
            yield name


def log_events(_doc, text):
    for row in re.findall(r"^\| (`[a-z_]+\.[a-z_]+`[^|]*)\| (?:info|warn|error)", text, re.M):
        for name in re.findall(r"`([a-z_]+\.[a-z_]+)`", row):
            if name not in events():
                yield name


def paths(_doc, text):
    routes = re.findall(r'\.path = "([^"]+)"', source("http/routes*.c"))
    shapes = [re.sub(r"\{\w+\}", "[^/]+", route) + "/?$" for route in routes]
    for path in re.findall(r"(/api/v1/[^\s`'\"?,;:)|\\]*[\w>}])", text):
        if not any(re.match(shape, path) for shape in shapes):
            yield path


def files(doc, text):
    """Paths in backticks: from the root, or beside the document."""
    for name in quoted(text):
        if re.fullmatch(r"(?:src|sip|mixer|http|tests|docs|conf|docker)/[\w./-]+", name) and \
                not any((base / name).exists() for base in (ROOT, doc.parent)):
            yield name


def flows(_doc, text):
    """`test_x.py case another_case`: the script, and the cases in it."""
    for words in re.findall(r"`(?:tests/(?:flow|browser)/)?(test_\w+\.py[^`\n]*)`", text):
        name, *cases = words.split()
        script = next((path for folder in ("flow", "browser") if (path := ROOT / "tests" / folder / name).exists()), None)
        if not script:
            yield name
            continue
        code = script.read_text()
        yield from (f"{name} {case}" for case in cases if re.fullmatch(r"\w+", case) and case not in code)


def main():
    failed = 0
    for check in (links, keys, metrics, log_events, paths, files, flows):
        found = [f"{doc.name}: {fault}" for doc in DOCS for fault in dict.fromkeys(check(doc, doc.read_text()))]
        failed += bool(found)
        name = f"docs.{check.__name__}"
        print(f"not ok {name}: {'; '.join(found)}" if found else f"ok {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
