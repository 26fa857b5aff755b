"""The service without the page: it is started here, and asked as any program would."""

import json
import re
import subprocess
import threading
import urllib.parse
import urllib.request


class Api:
    """The service without the page: to set up what a test is about, and to see what came of it."""

    def __init__(self, url, key=None):
        self.url, self.key = url.rstrip("/"), key

    def ask(self, method, path, body=None, kind=None):
        request = urllib.request.Request(f"{self.url}/{path}", method=method, data=body)
        if kind:
            request.add_header("content-type", kind)
        if self.key:
            request.add_header("x-api-key", self.key)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def json(self, method, path, value=None):
        body = None if value is None else json.dumps(value).encode()
        return json.loads(self.ask(method, path, body, "application/json" if body else None))

    def photo(self, path, data, field="file", name="photo.png"):
        edge = b"doppel-edge"
        body = (b"--" + edge + b'\r\nContent-Disposition: form-data; name="' + field.encode() +
                b'"; filename="' + name.encode() + b'"\r\n\r\n' + data + b"\r\n--" + edge +
                b"--\r\n")
        return json.loads(self.ask("POST", path, body,
                                   "multipart/form-data; boundary=" + edge.decode()))

    def people(self, search=""):
        return self.json("GET", "v1/people?size=500&search=" + urllib.parse.quote(search))["people"]

    def names(self):
        return [person["name"] for person in self.people()]

    def clear(self):
        for name in self.names():
            self.json("DELETE", f"api/v1/recognition/subjects/{quoted(name)}")

    def enrol(self, name, data):
        return self.photo(f"api/v1/recognition/faces?subject={quoted(name)}", data)

    def identify(self, data):
        return self.photo("v1/identify?top=3&faces=all", data, "photo")["photos"][0]["faces"]


def quoted(name):
    return urllib.parse.quote(name, safe="")


def run(program, *words):
    """What the program prints; it must not fail."""
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{program} {' '.join(words)}: {done.stderr}")
    return done.stdout


class Program:
    """`doppel serve` on a gallery of its own."""

    def __init__(self, program, model, folder, name, face, roles=()):
        gallery = str(folder / f"{name}.gallery")
        photo = folder / f"{name}.png"
        photo.write_bytes(face)
        # A new gallery is made by enrolling; the tests begin by emptying it.
        run(program, "enroll", gallery, "--model", model, "--name", "somebody", str(photo),
            "--force")
        self.keys = {role: run(program, "key", "add", gallery, "--role", role).split()[-1]
                     for role in roles}
        self.log = open(folder / f"{name}.log", "w", encoding="utf-8")
        self.process = subprocess.Popen([program, "serve", gallery, "--port", "0", "--force"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True)
        self.url = None
        said = ""
        for line in self.process.stderr:
            said += line
            self.log.write(line)
            found = re.search(r"http://[0-9.:]+", line)
            if found:
                self.url = found.group()
                break
        if not self.url:
            raise RuntimeError(f"{program} serve did not start: {said}")
        # What it says later must not fill the pipe.
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.log.write(line)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.reader.join(timeout=10)
        self.process.stderr.close()
        self.log.close()
