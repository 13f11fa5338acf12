"""Answers as systemd does at its private socket: `systemd.py SOCKET KIND`. Prints a line for each call, with its values.

    new      the scope is made; its signal comes after another one, of another job
    exists   it is there: processes are put into it
    going    it is there, and gone when a process is to be put into it
    fails    its job fails
    refuses  an error of another kind
    rejects  does not know who it is
    ends     ends the connection in the middle of an answer
    nonsense answers with what is no message
"""
import os
import socket
import struct
import sys


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def align(self, size):
        self.at = (self.at + size - 1) // size * size

    def take(self, form):
        size = struct.calcsize(form)
        self.align(size)
        value = struct.unpack_from("<" + form, self.data, self.at)[0]
        self.at += size
        return value

    def value(self, types):
        """A value of the first complete type, and the types that are left."""
        kind, rest = types[0], types[1:]
        if kind in "yuxtbq":
            return self.take({"y": "B", "u": "I", "x": "q", "t": "Q", "b": "I", "q": "H"}[kind]), rest
        if kind in "so":
            return self.text(self.take("I")), rest
        if kind == "g":
            return self.text(self.take("B")), rest
        if kind == "v":
            return self.values(self.text(self.take("B")))[0], rest
        if kind == "(":
            self.align(8)
            found = []
            while rest[0] != ")":
                value, rest = self.value(rest)
                found.append(value)
            return tuple(found), rest[1:]
        if kind == "a":
            size = self.take("I")
            self.align(8 if rest[0] in "(xt{" else 4 if rest[0] in "soua" else 1)
            end, found, left = self.at + size, [], self.skip(rest)
            while self.at < end:
                found.append(self.value(rest)[0])
            return found, left
        raise ValueError(types)

    def text(self, size):
        value = self.data[self.at : self.at + size].decode()
        assert self.data[self.at + size] == 0
        self.at += size + 1
        return value

    @staticmethod
    def skip(types):
        depth = 0
        for index, kind in enumerate(types):
            depth += (kind == "(") - (kind == ")")
            if depth == 0 and kind != "a":
                return types[index + 1 :]
        raise ValueError(types)

    def values(self, types):
        found = []
        while types:
            value, types = self.value(types)
            found.append(value)
        return found


def text(value):
    data = value.encode()
    return struct.pack("<I", len(data)) + data + b"\0"


def padded(data, size):
    return data + b"\0" * (-len(data) % size)


def message(kind, serial, fields, body=b""):
    header = b""
    for number, signature, value in fields:
        header = padded(header, 8) + bytes([number, len(signature)]) + signature.encode() + b"\0"
        header = padded(header, 4) + value if signature != "g" else header + value
    head = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), serial, len(header))
    return padded(head + header, 8) + body


def string(value):
    return text(value)


def signature(value):
    return bytes([len(value)]) + value.encode() + b"\0"


class Peer:
    def __init__(self, connection):
        self.connection, self.data = connection, b""

    def need(self, count):
        while len(self.data) < count:
            more = self.connection.recv(65536)
            if not more:
                sys.exit(0)
            self.data += more

    def call(self):
        self.need(16)
        order, kind, _, version, size, serial, fields = struct.unpack_from("<cBBBIII", self.data)
        assert (order, kind, version) == (b"l", 1, 1), self.data[:16]
        head = (16 + fields + 7) // 8 * 8
        self.need(head + size)
        reader = Reader(self.data[: head + size])
        reader.at = 12
        found = dict(reader.value("a(yv)")[0])
        values = Reader(self.data[head : head + size]).values(found.get(8, ""))
        self.data = self.data[head + size :]
        print(found[3], found[1], found[2], values, flush=True)
        return found[3], serial

    def send(self, data):
        self.connection.sendall(data)

    def answer(self, serial, types="", body=b""):
        fields = [(5, "u", struct.pack("<I", serial))] + ([(8, "g", signature(types))] if types else [])
        self.send(message(2, 100, fields, body))

    def error(self, serial, name, words):
        fields = [(4, "s", string(name)), (5, "u", struct.pack("<I", serial)), (8, "g", signature("s"))]
        self.send(message(3, 101, fields, text(words)))

    def job_removed(self, job, result):
        body = struct.pack("<I", 7) + text(job)
        body = padded(body, 4) + text("x.scope")
        body = padded(body, 4) + text(result)
        fields = [
            (1, "o", string("/org/freedesktop/systemd1")), (2, "s", string("org.freedesktop.systemd1.Manager")),
            (3, "s", string("JobRemoved")), (8, "g", signature("uoss")),
        ]
        self.send(message(4, 102, fields, body))


def main():
    path, kind = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path + ".new")
    listener.listen(1)
    os.rename(path + ".new", path)
    peer = Peer(listener.accept()[0])
    while not peer.data.endswith(b"BEGIN\r\n"):
        peer.need(len(peer.data) + 1)
    print(peer.data[1:].decode().split("\r\n")[0], flush=True)
    peer.data = b""
    peer.send(b"REJECTED EXTERNAL\r\n" if kind == "rejects" else b"OK 0123456789abcdef0123456789abcdef\r\n")
    while True:
        member, serial = peer.call()
        if member == "AttachProcessesToUnit":
            if kind == "going":
                kind = "new"
                peer.error(serial, "org.freedesktop.systemd1.NoSuchUnit", "it is gone")
            else:
                peer.answer(serial)
        elif kind in ("exists", "going"):
            peer.error(serial, "org.freedesktop.systemd1.UnitExists", "Unit x.scope already exists.")
        elif kind == "refuses":
            peer.error(serial, "org.freedesktop.DBus.Error.AccessDenied", "not for you")
        elif kind == "nonsense":
            peer.send(b"B" * 64)
        elif kind == "ends":
            peer.send(b"l\2\0\1")
            sys.exit(0)
        else:
            # The signal may come before the answer, and others come too.
            peer.job_removed("/job/other", "failed")
            if kind == "new":
                peer.job_removed("/job/1", "done")
            peer.answer(serial, "o", text("/job/1"))
            if kind == "fails":
                peer.job_removed("/job/1", "failed")


main()
