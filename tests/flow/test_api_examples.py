"""Runs every shell example of docs/api.md, in order, against a real server: they work as printed."""
import os
import re
import subprocess

import lib
import parties


@lib.case
def examples_of_the_api_page_work():
    hearth = lib.Hearth()
    text = (lib.ROOT / "docs" / "api.md").read_text()
    anna = parties.Party(hearth, "anna")  # answers
    text = text.replace("anna@192.0.2.20", f"anna@127.0.0.1:{anna.port}")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)
    assert len(blocks) >= 10, len(blocks)
    script = "set -euo pipefail\n" + "\n".join(block.replace("/tmp/", f"{hearth.directory}/") for block in blocks)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60,
                          env=os.environ | {"HEARTH": f"http://127.0.0.1:{hearth.http_port}"})
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr}\n{done.stdout[-1000:]}"
    rooms = hearth.api("GET", "/api/v1/rooms").json["rooms"]
    assert len(rooms) == 1 and rooms[0]["id"].startswith("conf-"), rooms  # the Idempotency-Key made one, not three
    hearth.stop()


lib.main()
