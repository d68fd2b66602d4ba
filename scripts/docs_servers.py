"""The servers that the commands of the pages talk to: registries, a proxy, and an authority that signs certificates.

`registry.example` and `inside.example` are names of registries with a certificate of an authority of its own. They are
reached through a proxy that refuses every other host, so no page needs, or can reach, a network.
scripts/check_docs.py starts these servers for each page that needs them.
"""

import re
import select
import socket
import socketserver
import subprocess
import threading
import time
from pathlib import Path

HOSTS = ["registry.example", "inside.example"]
START_SECONDS = 30


class Authority:
    """A certificate authority, and the certificate for the registries that it signed."""

    def __init__(self, folder):
        self.certificate = folder / "company-ca.pem"
        self.server = folder / "server.pem"
        self.key = folder / "server.key"
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        authority_key = folder / "company-ca.key"
        openssl("req", "-x509", *key, "-keyout", authority_key, "-out", self.certificate, "-subj", "/CN=Company CA")
        openssl(
            *("req", "-x509", *key, "-CA", self.certificate, "-CAkey", authority_key, "-keyout", self.key),
            *("-out", self.server, "-subj", f"/CN={HOSTS[0]}"),
            *("-addext", f"subjectAltName={','.join(f'DNS:{host}' for host in HOSTS)}"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
        )


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Registry:
    """A docker-registry as a child process, with an empty storage below `folder`."""

    def __init__(self, folder, authority=None):
        folder.mkdir(parents=True)
        config, self.log = folder / "config.yml", folder / "log"
        tls = f", tls: {{certificate: '{authority.server}', key: '{authority.key}'}}" if authority else ""
        config.write_text(
            "version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\n"
            f"storage: {{filesystem: {{rootdirectory: '{folder}/storage'}}, delete: {{enabled: true}}}}\n"
            f"http: {{addr: '127.0.0.1:0'{tls}}}\n"
        )
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.port = self.wait_for_port()

    def wait_for_port(self):
        """Waits until the registry has logged the port on which it listens."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and not self.has_ended():
            if found := re.search(r"listening on 127\.0\.0\.1:(\d+)", self.log.read_text()):
                return int(found[1])
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"docker-registry did not start: {self.log.read_text()}")

    def has_ended(self):
        return isinstance(self.process.poll(), int)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Proxy(socketserver.ThreadingTCPServer):
    """An http proxy that connects the names of the registries with ports of this machine, and refuses other hosts."""

    daemon_threads = True

    def __init__(self, ports):
        self.ports = ports
        super().__init__(("127.0.0.1", 0), Tunnel)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server_address[1]}"

    def stop(self):
        self.shutdown()
        self.server_close()


class Tunnel(socketserver.StreamRequestHandler):
    """One connection to the proxy."""

    def handle(self):
        request = self.rfile.readline().decode("latin-1")
        while self.rfile.readline().strip():
            pass
        host = re.match(r"CONNECT (.*):443 ", request)
        port = self.server.ports.get(host and host[1])
        if not port:
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", port)) as target:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            relay(self.connection, target)


def relay(one, other):
    """Copies bytes in both directions until one side has ended."""
    opposite = {one: other, other: one}
    while True:
        for readable in select.select(list(opposite), [], [])[0]:
            try:
                data = readable.recv(1 << 16)
                opposite[readable].sendall(data)
            except OSError:
                return
            if not data:
                return


def free_port():
    """A port for a server that the page itself starts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Servers:
    """All servers of one page. Its storage starts empty."""

    def __init__(self, folder, authority):
        self.registries = {host: Registry(folder / host, authority) for host in HOSTS}
        self.local = Registry(folder / "local")
        self.proxy = Proxy({host: registry.port for host, registry in self.registries.items()})
        self.authority = authority
        self.free_port = free_port()

    def environment(self):
        return {
            "HTTPS_PROXY": f"http://{self.proxy.address}",
            "SSL_CERT_FILE": str(self.authority.certificate),
            "COMPANY_CA": str(self.authority.certificate),
        }

    def names(self):
        """The names in the pages of what has another address each time, with this address."""
        return {
            "proxy.example:3128": self.proxy.address,
            "localhost:5000": f"localhost:{self.local.port}",
            "tracking.example:5000": f"127.0.0.1:{self.free_port}",
        }

    def stop(self):
        for server in (self.proxy, self.local, *self.registries.values()):
            server.stop()
