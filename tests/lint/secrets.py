"""Secrets are compared by secret_is_same (src/base/secret.h) alone, which takes as long for a wrong guess as for a right
one: whoever checks one calls it, and no other comparison is given what is named like a secret. Prints one line a rule."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Where a secret is checked: file, function.
CHECKS = {
    ("http/auth.c", "check_token"): "token of the API",
    ("src/focus/pin.c", "pin_matches"): "PIN of a room",
    ("src/focus/seats.c", "find_token"): "seat of who moves here",
    ("sip/digest.c", "digest_is_same"): "response of a password",
    ("sip/nonce.c", "nonces_check"): "our signature of a nonce",
    ("mixer/srtp.c", "media_keys_eq"): "SRTP keys",
}
SECRET = {"pin", "moderator_pin", "password", "secret", "token", "ha1", "response", "rspauth", "signature", "hash", "key"}
# Named like one, and none: file, name.
HARMLESS = {
    ("src/focus/loops.c", "token"): "mark of a conference, told to every other",
    ("sip/ws_upgrade.c", "token"): "word of a list in a header",
    ("sip/views.c", "token"): "word of a list in a header",
    ("sip/referral.c", "token"): "user part of a Contact",
    ("src/focus/location.c", "token"): "an address (temporary GRUU) that its owner gives to whom it calls",
    ("sip/trace_text.c", "key"): "name of a parameter",
    ("src/focus/codecs.c", "key"): "name of a codec",
    ("src/focus/ban.c", "key"): "user and host",
    ("src/config/table.c", "key"): "name of a setting",
    ("src/config/dump.c", "key"): "name of a setting",
    ("src/focus/users.c", "key"): "name of a user",
    ("src/focus/forward.c", "key"): "name of a user",
    ("src/focus/location.c", "key"): "name of a user",
    ("src/focus/lockout.c", "key"): "name of a caller",
    ("src/focus/participant.c", "key"): "id",
    ("src/focus/roster.c", "key"): "id",
}
COMPARISON = re.compile(r"\b(CRYPTO_memcmp|memcmp|str(?:n|case|ncase)?cmp|slice_(?:eq|ieq|is|iis|starts|istarts|compare))\(")
NO_CODE = re.compile(r'/\*.*?\*/|"(?:[^"\\\n]|\\.)*"', re.S)  # comments, texts


def code_of(path):
    return NO_CODE.sub(lambda found: '""' if found.group()[0] == '"' else "\n" * found.group().count("\n"), path.read_text())


def arguments(code, start):
    """What stands between the parenthesis before `start` and its end."""
    depth, at = 1, start
    while depth and at < len(code):
        depth += {"(": 1, ")": -1}.get(code[at], 0)
        at += 1
    return code[start:at - 1]


def names_compared(text):
    """The last name of each expression: token of room->token, key of *(const struct slice *)key."""
    return {name for name in re.findall(r"(?:->|\.|\b)([a-z_0-9]+)\b(?!\s*(?:->|\.|\())", text)}


def stray(path):
    code, name = code_of(path), str(path.relative_to(ROOT))
    for found in COMPARISON.finditer(code):
        secrets = {secret for secret in names_compared(arguments(code, found.end())) & SECRET if (name, secret) not in HARMLESS}
        if found.group(1) == "CRYPTO_memcmp" or secrets:
            line = code[:found.start()].count("\n") + 1
            yield f"{name}:{line}: {found.group(1)} of {', '.join(sorted(secrets)) or 'a secret'}"


def body_of(path, function):
    found = re.search(rf"^[a-z][^\n;]*\b{function}\([^;{{]*\)\n\{{\n(.*?)^\}}", code_of(path), re.M | re.S)
    return found.group(1) if found else ""


def main():
    missing = [f"{path}: {function} ({what})" for (path, function), what in CHECKS.items()
               if "secret_is_same(" not in body_of(ROOT / path, function)]
    sources = [path for folder in ("src", "sip", "http", "mixer") for path in sorted((ROOT / folder).rglob("*.[ch]"))]
    strays = [fault for path in sources for fault in stray(path)]
    print(f"not ok secrets.checks: {'; '.join(missing)}" if missing else "ok secrets.checks")
    print(f"not ok secrets.strays: {'; '.join(strays)}" if strays else "ok secrets.strays")
    return 1 if missing or strays else 0


if __name__ == "__main__":
    sys.exit(main())
