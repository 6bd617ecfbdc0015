"""The part of a model hub that uploading and loading a preset needs, on loopback."""

import base64
import contextlib
import hashlib
import http.server
import json
import re
import threading

COMMIT = "0" * 40


class FakeHub(http.server.BaseHTTPRequestHandler):
    """Keeps the files of all repositories in `server.files`, by repository and name."""

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self._chunks()
        self.server.asked.append(f"POST {self.path}")
        base = f"http://{self.headers['Host']}"
        if self.path == "/api/repos/create":
            name = json.loads(body)
            name = f"{name.get('organization') or 'somebody'}/{name['name']}"
            self.server.files.setdefault(name, {})
            return self._json({"url": f"{base}/{name}", "name": name, "id": name})
        if self.path == "/api/validate-yaml":  # the front matter of the card
            return self._json({"errors": [], "warnings": []})
        found = re.fullmatch(
            r"/api/models/([^/]+/[^/]+)/(preupload|commit)/main", self.path
        )
        if found is None:
            return self._json({"error": f"not part of the fake: {self.path}"}, 501)
        name, action = found.groups()
        if action == "preupload":
            paths = [file["path"] for file in json.loads(body)["files"]]
            kind = {"uploadMode": "regular", "shouldIgnore": False}
            return self._json({"files": [{"path": path, **kind} for path in paths]})
        for line in body.splitlines():
            item = json.loads(line)
            if item["key"] == "file":
                content = base64.b64decode(item["value"]["content"])
                self.server.files[name][item["value"]["path"]] = content
        url = f"{base}/{name}/commit/{COMMIT}"
        return self._json({"success": True, "commitOid": COMMIT, "commitUrl": url})

    def do_HEAD(self):
        self._file(with_content=False)

    def do_GET(self):
        if self.path.startswith("/api/models/"):
            return self._json({"id": self.path.split("/", 3)[3], "sha": COMMIT})
        return self._file(with_content=True)

    def _file(self, with_content):
        self.server.asked.append(f"{self.command} {self.path}")
        found = re.fullmatch(r"/([^/]+/[^/]+)/resolve/\w+/(.+)", self.path)
        content = found and self.server.files.get(found[1], {}).get(found[2])
        if content is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if with_content:
            self.wfile.write(content)

    def _json(self, value, status=200):
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _chunks(self):
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)


@contextlib.contextmanager
def fake_hub():
    """A server with the attributes `url`, `files` and `asked`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeHub)
    server.url = f"http://127.0.0.1:{server.server_port}"
    server.files, server.asked = {}, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
