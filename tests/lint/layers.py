"""Includes respect the order of the folders (docs/architecture.md): a folder sees what is below it
and nothing else. Prints one line a folder."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# folder: (its path, what the first part of an include may be). Include paths are rooted.
LAYERS = {
    "base": ("src/base", {"base"}),
    "config": ("src/config", {"config", "base"}),
    "settings": ("src/settings", {"settings", "base"}),
    "ctl": ("src/ctl", {"ctl", "base", "version.h"}),
    "store": ("src/store", {"store", "settings", "base"}),
    "sip": ("sip", {"sip", "base"}),
    "mixer": ("mixer", {"mixer", "base", "media.h"}),
    "focus": ("src/focus", {"focus", "base", "config", "settings", "store", "sip", "media.h"}),
    "http": ("http", {"http", "base", "config", "settings", "focus", "version.h"}),
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def faults(folder, allowed):
    for path in sorted(folder.rglob("*.[ch]")):
        for target in INCLUDE.findall(path.read_text()):
            if target.split("/")[0] not in allowed:
                yield f"{path.relative_to(ROOT)} includes {target}"


def main():
    failed = 0
    for name, (folder, allowed) in LAYERS.items():
        found = list(faults(ROOT / folder, allowed))
        failed += bool(found)
        print(f"not ok layers.{name}: {'; '.join(found)}" if found else f"ok layers.{name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
