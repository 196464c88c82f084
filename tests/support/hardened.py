"""Checks that an executable was linked as the release preset promises: PIE, full RELRO, no
executable stack, stack protector, FORTIFY. Prints `ok NAME` or `not ok NAME: why`."""
import subprocess
import sys


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True, check=True).stdout


def main(path):
    header, segments = readelf("-h", path), readelf("-l", path)
    dynamic, symbols = readelf("-d", path), readelf("--dyn-syms", path)
    stack = next((line for line in segments.splitlines() if "GNU_STACK" in line), "")
    checks = {
        "position_independent": "DYN" in header,
        "relro": "GNU_RELRO" in segments and "BIND_NOW" in dynamic,
        "stack_not_executable": "RW " in stack,
        "stack_protector": "__stack_chk_fail" in symbols,
        "fortify": "_chk@" in symbols.replace("__stack_chk_fail", ""),
    }
    for name, holds in checks.items():
        print(f"ok {name}" if holds else f"not ok {name}: {path} was built without it")
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
