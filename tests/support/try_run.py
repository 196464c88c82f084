"""./run as people use it: from another folder, with options of their own, told where to call, stopped by
Ctrl-C. Prints `ok NAME` or `not ok NAME: why`. Wants the release build to be there, or builds it."""
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def options(sip):
    request = (f"OPTIONS {sip} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKtry\r\nMax-Forwards: 70\r\n"
               f"From: <sip:try@127.0.0.1>;tag=1\r\nTo: <{sip}>\r\nCall-ID: try\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
    host, port = sip.partition("@")[2].split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(5)
        phone.sendto(request.encode(), (host, int(port)))
        return phone.recv(4096).split(b"\r\n")[0]


def main():
    sip, http = free_port(), free_port()
    with tempfile.TemporaryDirectory() as directory:
        process = subprocess.Popen([ROOT / "run", "-o", f"sip.listen=udp:127.0.0.1:{sip}", "-o",
                                    f"http.listen=127.0.0.1:{http}", "-o", f"store.path={directory}/h.db"],
                                   cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        said = ""
        for line in process.stdout:
            said += line
            if "http://" in line:
                break
        called = re.search(r"sip:lobby@127\.0\.0\.1:\d+", said)
        page = re.search(r"http://127\.0\.0\.1:\d+/", said)
        results = {"run_says_where_to_call": bool(called and "sip:conference-factory@" in said),
                   "run_answers_there": bool(called) and options(called[0]) == b"SIP/2.0 200 OK",
                   "run_shows_the_page": bool(page) and b"<html" in urllib.request.urlopen(page[0], timeout=5).read()}
        process.send_signal(signal.SIGINT)
        results["run_ends_by_an_interrupt"] = process.wait(20) == 0
    for name, holds in results.items():
        print(f"ok {name}" if holds else f"not ok {name}: it printed {said!r}")
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
