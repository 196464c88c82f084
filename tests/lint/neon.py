"""The mixer's kernels for 64-bit ARM: compiled by the cross compiler, run under qemu-user, with the vectors of the unit
test (tests/unit/mixer/test_kernel.c). Linked statically, so that no library of that machine is needed.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CROSS = "aarch64-linux-gnu-"
PLAIN = ["mixer/kernel.c", "mixer/g711.c", "src/base/random.c", "src/base/slice.c", "tests/unit/mixer/test_kernel.c", "tests/support/check_plain.c"]
FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-DHEARTH_NEON", "-DCHECK_PLAIN", "-DSUITE=suite_kernel", "-Wall", "-Wextra", "-Werror",
         f"-I{ROOT}", f"-I{ROOT}/src"]


def tool(*command):
    done = subprocess.run(list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def build(directory):
    """The program, or what the compiler said."""
    program = directory / "kernel"
    status, said = tool(f"{CROSS}gcc", *FLAGS, "-O3", "-c", "mixer/kernel_neon.c", "-o", directory / "neon.o")
    if status == 0:
        status, said = tool(f"{CROSS}gcc", *FLAGS, "-O1", "-static", *PLAIN, directory / "neon.o", "-lm", "-o", program)
    return (program, "") if status == 0 else (None, said)


def main():
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        program, said = build(directory)
        if not program:
            print(f"not ok neon.compiles: {said}")
            return 1
        print("ok neon.compiles")
        _, code = tool(f"{CROSS}objdump", "-d", directory / "neon.o")
        vectors = len(re.findall(r"\bv\d+\.(?:8h|4s|2d)\b", code))
        print("ok neon.has_vector_code" if vectors > 50 else f"not ok neon.has_vector_code: {vectors} operands")
        status, said = tool("qemu-aarch64", program)
        print(said, end="")
        return 1 if status or vectors <= 50 else 0


if __name__ == "__main__":
    sys.exit(main())
