"""Certificates made for a test, a server that has one, and what a phone trusts."""
import pathlib
import ssl
import subprocess
import tempfile

import lib

KEYS = pathlib.Path(tempfile.mkdtemp(prefix="hearth-tls-"))


def certificate(name, alt, ca=None):
    """NAME.pem and NAME.key in KEYS, signed by `ca` (itself when None)."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
               "-keyout", str(KEYS / f"{name}.key"), "-out", str(KEYS / f"{name}.pem"), "-days", "2", "-subj", f"/CN={name}"]
    if ca:
        command += ["-CA", str(KEYS / f"{ca}.pem"), "-CAkey", str(KEYS / f"{ca}.key"),
                    "-addext", "basicConstraints=critical,CA:FALSE", "-addext", f"subjectAltName={alt}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def hearth_with_tls(**options):
    if not (KEYS / "server.pem").exists():
        certificate("ca", "")
        certificate("server", "IP:127.0.0.1", "ca")
        certificate("phone", "IP:127.0.0.1", "ca")
        certificate("fresh", "IP:127.0.0.1", "ca")
    port, udp = lib.free_port() + 1, lib.free_port()
    for file in ("pem", "key"):
        (KEYS / f"used.{file}").write_bytes((KEYS / f"server.{file}").read_bytes())
    settings = {"sip__listen": f"udp:127.0.0.1:{udp},tls:127.0.0.1:{port}", "sip__tls_certificate": KEYS / "used.pem",
                "sip__tls_key": KEYS / "used.key", "sip__tls_ca": KEYS / "ca.pem"} | options
    hearth = lib.Hearth(**settings)
    hearth.sip_port, hearth.host, hearth.tls_port = udp, f"127.0.0.1:{udp}", port
    return hearth


def client(identity=None):
    context = ssl.create_default_context(cafile=str(KEYS / "ca.pem"))
    if identity:
        context.load_cert_chain(KEYS / f"{identity}.pem", KEYS / f"{identity}.key")
    return context
