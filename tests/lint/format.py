"""C sources as clang-format leaves them, shell scripts as shellcheck likes them, Python that can be read.

The format is that of clang-format 14 (Debian 12); other versions lay some lines out otherwise, so
there the check is passed over, and says so. Headers are laid out by hand, one declaration a line.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = 14


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout.split()
    return [name for name in listed if (ROOT / name).is_file()]


def clang_format():
    version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=True).stdout
    major = int(re.search(r"version (\d+)", version)[1])
    if major != VERSION:
        print(f"clang-format is {major}, not {VERSION}: format not checked")
        return 0
    done = subprocess.run(["clang-format", "--dry-run", *tracked("*.c")], cwd=ROOT, capture_output=True, text=True)
    wrong = sorted(set(re.findall(r"^(\S+?):\d+:\d+: warning", done.stderr, re.M)))
    print(f"not ok format.c: run clang-format -i {' '.join(wrong)}" if wrong else "ok format.c")
    return 1 if wrong else 0


def shell_scripts():
    found = tracked("*.sh")
    for name in tracked():
        path = ROOT / name
        if path.stat().st_mode & 0o100 and not name.endswith(".sh"):
            first = path.open("rb").readline()
            if re.match(rb"#!.*\b(sh|bash)\b", first):
                found.append(name)
    return found


def shellcheck():
    scripts = shell_scripts()
    done = subprocess.run(["shellcheck", *scripts], cwd=ROOT, capture_output=True, text=True)
    print(done.stdout, end="")
    print("not ok format.shell: shellcheck complains" if done.returncode or not scripts else "ok format.shell")
    return done.returncode


def python():
    wrong = []
    for name in tracked("*.py"):
        try:
            compile((ROOT / name).read_text(), name, "exec")
        except SyntaxError as error:
            wrong.append(f"{name}:{error.lineno}: {error.msg}")
    print(f"not ok format.python: {'; '.join(wrong)}" if wrong else "ok format.python")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(clang_format() + shellcheck() + python())
