"""A headless Chromium as a phone, a web site on loopback that it has its page from, and what comes from the npm registry."""
import functools
import hashlib
import http.server
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "flow"))

import lib  # noqa: E402
from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402

FLAGS = ("--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
         "--disable-component-update --disable-sync --disable-dev-shm-usage --ignore-certificate-errors "
         "--use-fake-ui-for-media-stream --use-fake-device-for-media-stream").split()

# file: what it is made of, within node_modules.
BUNDLES = {"jssip.js": "npx --no-install esbuild node_modules/jssip/lib/JsSIP.js --bundle --global-name=JsSIP --outfile=jssip.js",
           "axe.js": "cp node_modules/axe-core/axe.min.js axe.js"}


def from_npm(name):
    """The text of one of BUNDLES. They are made in build/ once for each package-lock.json."""
    here = pathlib.Path(__file__).resolve().parent
    lock = here / "package-lock.json"
    made = ROOT / "build" / "npm" / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    if not (made / name).exists():
        made.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="npm-") as scratch:
            for file in ("package.json", "package-lock.json"):
                shutil.copy(here / file, scratch)
            for command in ("npm ci --ignore-scripts --no-audit --no-fund", BUNDLES[name]):
                done = subprocess.run(command.split(), cwd=scratch, capture_output=True, text=True, timeout=180)
                assert done.returncode == 0, f"{command}: {done.stdout[-500:]}{done.stderr[-1000:]}"
            shutil.copy(pathlib.Path(scratch) / name, made / f"{name}.new")
        os.rename(made / f"{name}.new", made / name)
    return (made / name).read_text()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Site:
    """A web site on loopback with one page; its origin is .origin."""

    def __init__(self, files):
        self.directory = tempfile.mkdtemp(prefix="hearth-site-")
        for name, text in files.items():
            (pathlib.Path(self.directory) / name).write_text(text)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=self.directory))
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        lib._running.append(self)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Browser:
    def __init__(self, site):
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in FLAGS + [f"--user-data-dir={self.profile}"]:
            options.add_argument(flag)
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        lib._running.append(self)
        self.driver.get(site.origin + "/phone.html")

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait_log(self, wanted, seconds=10):
        def seen():
            return any(line.startswith(wanted) for line in self.run("return window.phone.log"))
        try:
            return lib.wait_for(wanted, seen, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.run('return window.phone.log')}") from None

    def stop(self):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)


def hearth_with_wss(**options):
    keys = pathlib.Path(tempfile.mkdtemp(prefix="hearth-wss-"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", str(keys / "key.pem"), "-out", str(keys / "cert.pem"), "-days", "2", "-subj", "/CN=hearth",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    port, udp = lib.free_port() + 1, lib.free_port()
    hearth = lib.Hearth(**{"sip__listen": f"udp:127.0.0.1:{udp},wss:127.0.0.1:{port}", "sip__tls_certificate": keys / "cert.pem",
                           "sip__tls_key": keys / "key.pem"} | options)
    hearth.sip_port, hearth.host, hearth.wss = udp, f"127.0.0.1:{udp}", f"wss://127.0.0.1:{port}/"
    return hearth
