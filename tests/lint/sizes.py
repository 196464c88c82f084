"""Functions of at most 70 lines and five parameters, files of at most 1,000, headers that say what they are, no words that
promise work for later. Relies on the format: a function's braces stand alone in the first column."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FUNCTION_MAX, PARAMETERS_MAX, FILE_MAX = 70, 5, 1000
# Signatures that a library dictates: the MHD_AccessHandlerCallback.
DICTATED = {"request_on_access"}
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")


def sources():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.c", "*.h", "*.inc"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout.split()
    return [ROOT / name for name in listed if (ROOT / name).exists()]


def parameters(signature):
    """How many a definition takes: the commas of the outermost parentheses."""
    depth, count = 0, 1
    for char in signature[signature.find("("):]:
        depth += (char == "(") - (char == ")")
        count += char == "," and depth == 1
        if depth == 0:
            break
    return count


def functions(lines):
    """(name, number of lines, number of parameters) of each function, its signature included."""
    start = None
    for number, line in enumerate(lines):
        if line == "{" and number > 0:
            start = number
            while start > 0 and lines[start - 1] and not re.match(r"[}#/]|.*[;*]/?$", lines[start - 1]):
                start -= 1
        elif line == "}" and start is not None:
            name = re.search(r"(\w+)\(", " ".join(lines[start:start + 3]))
            signature = " ".join(lines[start:lines.index("{", start)])
            yield (name[1] if name else "?"), number - start + 1, parameters(signature)
            start = None


def check(name, faults):
    print(f"not ok {name}: {'; '.join(faults)}" if faults else f"ok {name}")
    return bool(faults)


def main():
    long_functions, wide_functions, long_files, bare_headers, unfinished = [], [], [], [], []
    for path in sources():
        lines, name = path.read_text().splitlines(), path.relative_to(ROOT)
        long_functions += [f"{name}: {function} has {count} lines"
                           for function, count, _ in functions(lines) if count > FUNCTION_MAX]
        wide_functions += [f"{name}: {function} takes {count} parameters"
                           for function, _, count in functions(lines)
                           if count > PARAMETERS_MAX and function not in DICTATED and name.parts[0] != "tests"]
        if len(lines) > FILE_MAX:
            long_files.append(f"{name} has {len(lines)} lines")
        if path.suffix == ".h" and not (lines and lines[0].startswith("/* ")):
            bare_headers.append(f"{name} does not begin with what it is")
        unfinished += [f"{name}:{number}" for number, line in enumerate(lines, 1) if UNFINISHED.search(line)]
    failed = [check("sizes.functions", long_functions), check("sizes.parameters", wide_functions),
              check("sizes.files", long_files),
              check("sizes.headers_say_what_they_are", bare_headers), check("sizes.nothing_unfinished", unfinished)]
    return 1 if any(failed) else 0


if __name__ == "__main__":
    sys.exit(main())
