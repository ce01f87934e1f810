#!/usr/bin/env python3
"""Reads a LogGuard archive as FORMAT.md describes it, and nothing else: an independent check of that text.

    read.py DATA                 every record of every input to standard output, input by input
    read.py DATA --out FOLDER    each input to a file of its name
    read.py DATA --columns       a JSON line a record: id, input, offset, length, time, level, flagged, score, template

Checked on the way: chain of the log, SHA-256 of segments and inputs, record tree, XXH3-64 of sections where the module `xxhash` is there.
Needs Python 3.8 and one of: compression.zstd (3.14), the module zstandard, the program zstd; for archives that were sealed small the module pyppmd.
"""

import datetime
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile

VERSIONS = (2, 3, 4)
MASK = (1 << 64) - 1
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
LEVELS = "trace debug info notice warn error critical alert emerg".split()

try:
    from compression import zstd as _zstd

    def unzstd(data, words=None):
        return _zstd.decompress(data, zstd_dict=_zstd.ZstdDict(words, is_raw=True) if words else None)
except ImportError:
    try:
        import zstandard

        def unzstd(data, words=None):
            known = zstandard.ZstdCompressionDict(words, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if words else None
            return zstandard.ZstdDecompressor(dict_data=known).decompressobj().decompress(data)
    except ImportError:
        def unzstd(data, words=None):
            with tempfile.NamedTemporaryFile() as file:
                file.write(words or b"")
                file.flush()
                command = ["zstd", "-dcq"] + (["-D", file.name] if words else [])
                return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout
try:
    from xxhash import xxh3_64_hexdigest
except ImportError:
    xxh3_64_hexdigest = None


class Damaged(Exception):
    pass


def unframe(data, size, lexicon=None):
    """Bytes of a frame: zstd, zstd with the lexicon of a stripe, or PPMd of an order."""
    if data[0] == 0x28:
        return unzstd(data)
    if data[0] == 1 and lexicon:
        return unzstd(data[1:], lexicon())
    import pyppmd
    need(2 <= data[0] <= 32 and 64 <= size <= 262144, "frame")
    out, decoder = b"", pyppmd.Ppmd7Decoder(data[0], max(64 * size, 65536))
    out = decoder.decode(data[1:], size)
    while len(out) < size:
        more = decoder.decode(b"", size - len(out)) or decoder.decode(b"\0", size - len(out))
        need(more, "length of a frame")
        out += more
    return out


def need(condition, what):
    if not condition:
        raise Damaged(what)


def sha(data):
    return hashlib.sha256(data).digest()


def checksum(data, wanted, what):
    need(xxh3_64_hexdigest is None or xxh3_64_hexdigest(data) == wanted, "checksum of " + what)


def unzigzag(value):
    return value >> 1 ^ -(value & 1)


def signed(value):
    value &= MASK
    return value - (1 << 64) if value >> 63 else value


class Cursor:
    """A place in some bytes."""

    def __init__(self, data):
        self.data, self.at, self.next_blob = data, 0, 0

    def byte(self):
        return self.bytes(1)[0]

    def bytes(self, count):
        need(count <= len(self.data) - self.at, "cut off")
        self.at += count
        return self.data[self.at - count:self.at]

    def varint(self):
        value = 0
        for place in range(10):
            byte = self.byte()
            need(place < 9 or byte <= 1, "varint too long")
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return value

    def blob(self):
        number = self.varint()
        if number == 0:
            self.next_blob += 1
            return self.next_blob - 1
        need(number <= self.next_blob, "blob not met yet")
        return number - 1

    def end(self):
        need(self.at == len(self.data), "bytes left over")


# Section 3: the log of custody.

def dumps(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Archive:
    def __init__(self, folder):
        self.folder = folder
        self.runs, self.inputs, self.segments, self.tree = [], [], {}, None
        with open(os.path.join(folder, "custody.jsonl"), "rb") as log:
            lines = log.read().split(b"\n")
        previous = ""
        for number, line in enumerate(lines):
            last = number >= len(lines) - 2 and not any(lines[number + 1:])
            digest, _, text = line.partition(b" ")
            good = line and sha(text).hex().encode() == digest and number + 1 < len(lines)
            entry = json.loads(text) if good else {}
            if not good or entry["n"] != number or entry["prev"] != previous:
                need(last, "log entry %d" % number)
                whole = number + 1 < len(lines) and line[:1] != b"\0" and b"\0" * 8 not in line
                need(not whole, "the last log entry was altered")
                if line:
                    print("torn tail of %d bytes left out" % len(line), file=sys.stderr)
                break
            # Acquisitions are hashed as they stand in the log: written again they must be the same.
            need(dumps(entry).encode() == text, "JSON is written in another way here")
            previous = digest.decode()
            if number == 0:
                need(entry["events"][0]["kind"] == "create", "log begins otherwise")
            for event in entry["events"]:
                self.apply(event)

    def apply(self, event):
        kind = event.pop("kind")
        if kind == "create":
            need(event["version"] in VERSIONS, "version %s" % event["version"])
        elif kind == "run":
            self.runs.append(sha(dumps(event).encode()))
        elif kind == "acquire":
            need(event["input"] == len(self.inputs), "number of an input")
            source = sha(self.runs[event["run"]] + dumps(event).encode())
            self.inputs.append({"name": event["name"], "source": source, "cursor": None})
        elif kind == "commit":
            for name in event.get("replaced", []):
                self.segments = {first: entry for first, entry in self.segments.items() if entry["file"] != name}
            for entry in event["segments"]:
                self.segments[entry["first"]] = entry
            for cursor in event["cursors"]:
                self.inputs[cursor["input"]]["cursor"] = cursor
            self.tree, following = event["tree"], 0
            for first in sorted(self.segments):
                need(first == following, "segments leave a gap")
                following += self.segments[first]["records"]
            need(following == event["records"] == self.tree["size"], "number of records")
        else:
            need(kind in ("resume", "complete", "container", "refuse", "set-aside", "rescore"), "event " + kind)

    def groups(self):
        """(id of first record, stripe, group, number of the stripe's rows before it) in record order."""
        for first in sorted(self.segments):
            entry = self.segments[first]
            with open(os.path.join(self.folder, "segments", entry["file"]), "rb") as file:
                data = file.read()
            need(len(data) == entry["bytes"] and sha(data).hex() == entry["sha256"], "SHA-256 of " + entry["file"])
            for stripe in directory(data)["stripes"]:
                stripe, before = Stripe(data, stripe), 0
                for group in stripe.entry["groups"]:
                    yield first, stripe, group, before
                    first, before = first + group["rows"], before + group["rows"]
            need(first == entry["first"] + entry["records"], "rows of " + entry["file"])


# Section 4: segment files.

def directory(data):
    magic, version, flags, reserved = struct.unpack("<8sHHI", data[:16])
    need(magic == b"LGSEG\r\n\0" and version in VERSIONS and flags == reserved == 0, "header of a segment")
    at, length, total, end = struct.unpack("<QQQ8s", data[-32:])
    need(end == b"LGSEGEND" and at + length == len(data) - 32, "trailer of a segment")
    checksum(data[at:at + length], "%016x" % total, "directory")
    return json.loads(unzstd(data[at:at + length]))


class Stripe:
    def __init__(self, data, entry):
        self.data, self.entry, self.known = data, entry, {}
        self.raw = sum(group["raw_bytes"] for group in entry["groups"])

    def find(self, sections, kind):
        return next((section for section in sections if section["kind"] == kind), None)

    def stored(self, section):
        at = self.entry["at"] + section["at"]
        data = self.data[at:at + section["len"]]
        need(len(data) == section["len"], "section outside of the file")
        checksum(data, section["sum"], "section kind %d" % section["kind"])
        return data

    def unpack(self, section):
        data = self.stored(section)
        if section["codec"] in (1, 5):
            data = unframe(data, section["raw"])
        elif section["codec"] == 4:
            cuts = self.shared().form["cuts"]
            data = unzstd(data, b"".join(b"".join(texts) + b"\n" for texts, _ in cuts))
        elif section["codec"] == 3:
            length, = struct.unpack("<I", data[:4])
            shared = Shared(data[4:4 + length], section["raw"])
            data = b"".join(shared.lines(data[4 + length:], section["rows"], section["raw"])[0])
        else:
            need(section["codec"] == 0, "codec")
        need(len(data) == section["raw"], "length of a section")
        return data

    def texts(self, kind):
        """What the lists of kinds 8, 10, 11 and 13 hold."""
        if kind not in self.known:
            section = self.find(self.entry["sections"], kind)
            if section and section["codec"] == 5:
                self.known[kind] = edited(self.unpack(section), self.firsts())
            else:
                lines = self.unpack(section).split(b"\n")[:-1] if section else []
                self.known[kind] = [json.loads(line) for line in lines]
        return self.known[kind]

    def column(self, group, kind):
        return column(self.unpack(self.find(group["sections"], kind)), group["rows"])

    def by_cut(self, group, kind, outline):
        data = self.unpack(self.find(group["sections"], kind))
        if data[0] & 16 == 0:
            return column(data, group["rows"])
        return reorder(column(bytes([data[0] & 15]) + data[1:], group["rows"]), [cut for cut, _ in outline])

    def verdicts(self):
        """Score of each flagged row, by its place in the stripe."""
        return {row: rest[0] / 10000 if len(rest) > 1 else rest[0]["score"] for row, *rest in self.texts(11)}

    def shared(self):
        if 14 not in self.known:
            self.known[14] = Shared(self.stored(self.find(self.entry["sections"], 14)), self.raw)
        return self.known[14]

    def lines(self, group):
        """The records of a group, and cut and time stamps of each where it is in columns."""
        section = self.find(group["sections"], 1)
        if section["codec"] != 2:
            data, records, at = self.unpack(section), [], 0
            for length in self.column(group, 2):
                records.append(data[at:at + length])
                at += length
            need(at == len(data) == group["raw_bytes"], "lengths")
            return records, None
        lines = self.shared().lines(self.stored(section), group["rows"], group["raw_bytes"])
        starts, at = column(self.unpack(self.find(group["sections"], 16)), None), 0
        need(len(starts) == (group["rows"] + 127) // 128, "starts")
        for row, record in enumerate(lines[0]):
            need(row % 128 or starts[row // 128] == at, "start of row %d" % row)
            at += len(record)
        return lines

    def times(self, group, outline):
        data = self.unpack(self.find(group["sections"], 3))
        values = column(data[1:], group["rows"])
        if data[0] == 0:
            return values
        need(data[0] <= 3, "form of times")
        before, times = 0, []
        for value, (_, stamps) in zip(values, outline):
            stamp = stamps[data[0] - 1] if data[0] <= len(stamps) else None
            before = signed((before if stamp is None else stamp) + value)
            times.append(before)
        return times

    def template_ids(self, group, outline):
        data = self.unpack(self.find(group["sections"], 7))
        form, following = data[0], 0
        need(form <= 3, "form of template ids")
        cursor = Cursor(data[1:])
        if form == 3:
            following = cursor.varint()
        ids = column(cursor.data[cursor.at:], group["rows"])
        if form == 0:
            return ids
        if form >= 2:
            ids = reorder(ids, [cut for cut, _ in outline])
        usual = column(self.unpack(self.find(self.entry["sections"], 15)), None)
        for row, (value, (cut, _)) in enumerate(zip(ids, outline)):
            if value == 0:
                ids[row] = usual[cut]
            elif value == 1 and form == 3:
                ids[row] = following
            else:
                ids[row] = value - (2 if form == 3 else 1)
            following = max(following, ids[row] + 1)
        return ids

    def firsts(self):
        """The first record of the stripe that has each template."""
        found = {}
        for group in self.entry["groups"]:
            records, outline = self.lines(group)
            for record, number in zip(records, self.template_ids(group, outline)):
                found.setdefault(number, record)
        need(sorted(found) == list(range(len(found))), "a template without a record")
        return [found[number] for number in range(len(found))]

    def templates(self, group, outline):
        return [self.texts(8)[number] for number in self.template_ids(group, outline)]


def edited(data, records):
    """Section 4.1: templates from their records."""
    cursor, texts = Cursor(data), []
    known = [cursor.bytes(cursor.varint()) for _ in range(cursor.varint())]
    for record in records:
        text, at = b"", 0
        while True:
            step = cursor.byte()
            if step == 0:
                break
            if step <= 3:
                need(at < len(record), "an edit beyond the record")
                end = at + 1
                while step < 3 and is_letter(record[at]) and end < len(record) and is_letter(record[end]):
                    end += 1
                text += record[at:end] if step == 1 else b""
                at = end
            else:
                text += cursor.bytes(cursor.varint()) if step == 4 else known[step - 5]
        texts.append(text.decode())
    cursor.end()
    return texts


def is_letter(byte):
    return byte >= 0x80 or chr(byte).isalnum() or byte == 0x5F


# Section 5.

def reorder(values, keys):
    """Row by row what stands in ascending order of keys."""
    rows = [None] * len(keys)
    need(len(values) == len(keys), "number of keys")
    for value, row in zip(values, sorted(range(len(keys)), key=lambda row: keys[row])):
        rows[row] = value
    return rows


def column(data, count):
    cursor = Cursor(data)
    mode, stated = cursor.byte(), cursor.varint()
    count = stated if count is None else count
    need(stated == count and count <= 131072, "number of values")
    base, = struct.unpack("<q", cursor.bytes(8))
    unit, width = cursor.varint(), cursor.byte()
    need(mode <= 2 and width <= 8 and (mode == 2) == (width == 0), "form of a column")
    values = [0] * count
    for _ in range(width):
        values = [value << 8 | byte for value, byte in zip(values, cursor.bytes(count))]
    cursor.end()
    if mode == 1:
        total = 0
        for place, value in enumerate(values):
            total = (total + unzigzag(value)) & MASK
            values[place] = total
    return [signed(base + unit * value) for value in values]


# Section 6: lines in columns.

class Part:
    """Description and packs of a shared part or a chunk."""

    def __init__(self, data, raw, lexicon=None):
        self.lexicon = lexicon
        cursor = Cursor(data)
        length, stored = cursor.varint(), cursor.varint()
        need(length <= raw // 2 + 65536, "length of a description")
        self.meta = Cursor(unframe(cursor.bytes(stored), length))
        need(len(self.meta.data) == length, "length of a description")
        self.packs = data[cursor.at:]

    def table(self):
        entries = [self.meta.varint() for _ in range(self.meta.varint())]
        places, sizes, opened = [], [], {}
        for entry in entries:
            length, kind = divmod(entry, 3)
            pack = opened.get(kind) if length < 2048 else None
            if pack is None:
                places.append((len(sizes), 0, length))
                if length < 2048:
                    opened[kind] = len(sizes)
                sizes.append(length)
            else:
                places.append((pack, sizes[pack], length))
                sizes[pack] += length
                if sizes[pack] >= 65536:
                    del opened[kind]
        packs, at = [], 0
        for size in sizes:
            stored = self.meta.varint()
            packs.append((self.packs[at:at + stored], size))
            at += stored
        need(at == len(self.packs), "packs")
        self.places, self.stored, self.unpacked = places, packs, {}

    def blob(self, number):
        need(number < len(self.places), "blob that is not there")
        pack, at, length = self.places[number]
        if pack not in self.unpacked:
            stored, size = self.stored[pack]
            self.unpacked[pack] = stored if len(stored) == size else unframe(stored, size, self.lexicon)
            need(len(self.unpacked[pack]) == size, "length of a pack")
        return self.unpacked[pack][at:at + length]


def table_form(tree, depth):
    cuts, columns = [], 0
    for _ in range(tree.varint()):
        texts = [bytearray()]
        while True:
            byte = tree.byte()
            if byte == 2:
                break
            if byte == 0:
                texts.append(bytearray())
            else:
                texts[-1].append(tree.byte() if byte == 1 else byte)
        cuts.append([[bytes(text) for text in texts], []])
    need(len(cuts) <= 8192, "number of cuts")
    for texts, of_cut in cuts:
        for _ in texts[1:]:
            number = tree.varint()
            need(number <= columns, "column that is not there")
            columns += number == 0
            of_cut.append(columns - 1 if number == 0 else number - 1)
    return {"cuts": cuts, "columns": [form(tree, depth + 1) for _ in range(columns)]}


def form(tree, depth):
    need(depth <= 8, "forms lie too deep")
    kind = tree.byte()
    if kind == 0:
        return kind, tree.bytes(tree.varint())
    if kind in (1, 8, 9):
        return kind, None
    if kind in (2, 6):
        return kind, tree.byte()
    if kind == 3:
        return kind, tree.varint()
    if kind == 5:
        upper = tree.byte()
        return kind, (upper, [None if tree.byte() else tree.byte() for _ in range(tree.varint())])
    if kind == 7:
        return kind, table_form(tree, depth + 1)
    if kind == 11:
        need(depth == 1, "order of an inner column")
        return kind, (tree.varint(), form(tree, depth))
    need(kind == 10, "form %d" % kind)
    return kind, (tree.byte(), tree.byte())


def integers(meta):
    """Description of a column of integers."""
    head, base = meta.byte(), meta.varint()
    mode, width = head >> 4, head & 15
    need(mode <= 2 and width <= 8 and (mode == 0) == (width == 0), "form of integers")
    return mode, base, [("byte", meta.byte()) if meta.byte() else ("blob", meta.blob()) for _ in range(width)]


def describe(shape, meta):
    """The values of a column as a part describes them; nothing is unpacked yet."""
    kind, detail = shape
    if kind in (1, 2, 3, 10):
        return integers(meta)
    if kind in (5, 8):
        return meta.blob()
    if kind in (6, 9):
        return integers(meta), meta.blob()
    if kind == 11:
        return describe(detail[1], meta)
    return describe_table(detail, meta) if kind == 7 else None


def describe_table(shape, meta):
    return integers(meta), [describe(column, meta) for column in shape["columns"]]


def load_integers(part, described, count):
    if isinstance(described, list):
        return described
    mode, base, planes = described
    if mode == 0:
        return [base] * count
    values = [0] * count
    for kind, value in planes:
        plane = bytes([value]) * count if kind == "byte" else part.blob(value)
        need(len(plane) == count, "length of a plane")
        values = [value << 8 | byte for value, byte in zip(values, plane)]
    if mode == 1:
        return [value + base & MASK for value in values]
    for place, value in enumerate(values):
        base = (base + unzigzag(value)) & MASK
        values[place] = base
    return values


def digits(blob, upper, total):
    need(len(blob) == (total + 1) // 2, "number of digits")
    text = blob.hex()[:total]
    return (text.upper() if upper else text).encode()


def split(data, lengths):
    at, pieces = 0, []
    for length in lengths:
        pieces.append(data[at:at + length])
        at += length
    need(at == len(data), "lengths of values")
    return pieces


def stamp_text(style, value):
    """Section 7.2."""
    kind, comma, places = style // 20, style // 10 % 2, style % 10
    seconds, fraction = divmod(value, 10 ** places)
    tail = (",."[1 - comma] + "%0*d" % (places, fraction)) if places else ""
    if kind in (8, 11):
        need(kind == 8 or places == 0, "format of time %d" % style)
        need(seconds <= 9999999999, "time")
        return "%010d%s" % (seconds, tail)
    days, clock = divmod(seconds, 86400)
    need(days <= 200000, "time")
    era, of_era = divmod(days + 719468, 146097)
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    day = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * day + 2) // 153
    day, month = day - (153 * month + 2) // 5 + 1, month + 3 if month < 10 else month - 9
    year += 400 * era + (month <= 2)
    numbers = (clock // 3600, clock // 60 % 60, clock % 60)
    clock, name = "%02d:%02d:%02d" % numbers, MONTHS[month - 1]
    if kind in (1, 2, 3):
        sign, gap = (("-", "T"), ("-", " "), ("/", " "))[kind - 1]
        return "%04d%s%02d%s%02d%s%s%s" % (year, sign, month, sign, day, gap, clock, tail)
    if kind in (4, 5):
        return ("%s %2d %s%s" if kind == 4 else "%s %02d %s%s") % (name, day, clock, tail)
    if kind == 6:
        return "%02d/%s/%04d:%s%s" % (day, name, year, clock, tail)
    if kind in (9, 10):
        return "%02d%s%02d %s%s" % (month, "-."[kind - 9], day, clock, tail)
    need(kind == 7 and places == 0, "format of time %d" % style)
    return "%02d%02d%02d %02d%02d%02d" % ((year % 100, month, day) + numbers)


def is_word(byte):
    return byte >= 0x80 or chr(byte).isalnum() or chr(byte) in "_.-/+\\"


def digits_at(data, at, count):
    part = data[at:at + count]
    return int(part) if len(part) == count and part.isdigit() else None


def date_of(year, month, day):
    try:
        return (datetime.date(year, month, day) - datetime.date(1970, 1, 1)).days if 1970 <= year <= 2499 else None
    except (TypeError, ValueError):
        return None


def clock_of(data, at, step):
    parts = [digits_at(data, at + step * number, 2) for number in range(3)]
    if None in parts or parts[0] > 23 or parts[1] > 59 or parts[2] > 59:
        return None
    return parts[0] * 3600 + parts[1] * 60 + parts[2]


def find_stamp(data, starts):
    """Section 7.3: length and ns of the time stamp at the start of some bytes, or None."""
    if len(data) < 15:
        return None
    month = lambda at: next((n + 1 for n, name in enumerate(MONTHS) if data[at:at + 3] == name.encode()), None)
    at = lambda place: chr(data[place])
    colons = lambda clock: data[clock + 2:clock + 3] == b":" == data[clock + 5:clock + 6]
    if (at(4) == at(7) == "-" and at(10) in "T ") or (at(4) == at(7) == "/" and at(10) == " "):
        day, clock, length = date_of(digits_at(data, 0, 4) or 0, digits_at(data, 5, 2), digits_at(data, 8, 2)), 11, 19
    elif at(2) == at(6) == "/" and at(11) == ":":
        day, clock, length = date_of(digits_at(data, 7, 4) or 0, month(3), digits_at(data, 0, 2)), 12, 20
    elif at(3) == at(6) == " " and at(9) == ":":
        text = data[4:6].decode("latin-1")
        fits = text[1] in "0123456789" and (text[0] in "123" or text[0] in " 0" and text[1] != "0")
        day, clock, length = date_of(2000, month(0), int(text) if fits else 0), 7, 15
    elif at(2) in "-." and at(5) == " " and at(8) == ":":
        day, clock, length = date_of(2000, digits_at(data, 0, 2), digits_at(data, 3, 2)), 6, 14
    elif starts and at(0) == "1" and not is_word(data[10]):
        seconds = digits_at(data, 0, 10)
        return None if seconds is None else (10, seconds * 10 ** 9)
    elif at(6) == " ":
        if len(data) > 13 and is_word(data[13]):
            return None
        day = date_of(2000 + (digits_at(data, 0, 2) or 0), digits_at(data, 2, 2), digits_at(data, 4, 2))
        clock = clock_of(data, 7, 2)
        fits = day is not None and clock is not None and digits_at(data, 0, 2) is not None
        return (13, (day * 86400 + clock) * 10 ** 9) if fits else None
    elif at(0) in "123456789" and at(10) == "." and at(11) in "0123456789":
        seconds = digits_at(data, 0, 10)
        if seconds is None:
            return None
        length, ns = fraction_of(data, 10)
        ends = 10 + length == len(data) or not is_word(data[10 + length])
        return (10 + length, seconds * 10 ** 9 + ns) if ends and length else None
    else:
        return None
    seconds = clock_of(data, clock, 3)
    if day is None or seconds is None or not colons(clock):
        return None
    more, ns = fraction_of(data, length)
    return length + more, (day * 86400 + seconds) * 10 ** 9 + ns


def fraction_of(data, at):
    """Length with the sign in front, and ns; nothing where there are no digits or more than nine."""
    if data[at:at + 1] not in (b".", b","):
        return 0, 0
    end = at + 1
    while end < len(data) and chr(data[end]) in "0123456789":
        end += 1
    count = end - at - 1
    return (count + 1, int(data[at + 1:end]) * 10 ** (9 - count)) if 0 < count <= 9 else (0, 0)


def stamps_of(record):
    """Section 7.3: the first time stamps of a row that is kept whole."""
    found, at = [], 0
    while at < min(512, len(record)):
        first = chr(record[at])
        hit = find_stamp(record[at:at + 64], at == 0) if first in "0123456789" or "A" <= first <= "Z" else None
        if hit:
            if len(found) == 3:
                break
            found.append(hit[1] if hit[1] >> 63 == 0 else None)
            at += hit[0]
            continue
        word = at
        while word < len(record) and is_word(record[word]):
            word += 1
        at = max(word, at + 1)
    return found


class Row:
    """What is told from one row besides its bytes."""

    def __init__(self):
        self.first, self.stamps = None, []


class Shared:
    def __init__(self, data, raw):
        self.part = Part(data, raw)
        meta = self.part.meta
        count = meta.varint()
        tree = Cursor(meta.bytes(meta.varint()))
        self.part.table()
        self.form = table_form(tree, 0)
        self.dictionaries, self.words = [], None
        for _ in range(count):
            entries = tree.varint()
            shape = form(tree, 1)
            self.dictionaries.append([shape, describe(shape, meta), entries, None])
        tree.end()
        meta.end()

    def lexicon(self):
        """Section 6.4: what packs of chunks may be made with."""
        if self.words is None:
            texts = [b"".join(texts) + b"\n" for texts, _ in self.form["cuts"]]
            size, number = sum(map(len, texts)), 0
            while size < 1 << 20 and number < len(self.dictionaries):
                words = b"".join(word + b"\n" for word in self.dictionary(number, None))
                texts.append(words)
                size, number = size + len(words), number + 1
            self.words = b"".join(texts)[:1 << 20]
        return self.words

    def dictionary(self, number, within):
        need(within is None or number > within, "a dictionary within itself")
        entry = self.dictionaries[number]
        if entry[3] is None:
            entry[3] = [value(None) for value in self.load(self.part, entry[0], entry[1], entry[2], number)]
        return entry[3]

    def integers_of(self, part, described, counts, ids, number):
        """The integers of a column of the lines in row order, whatever order they stand in."""
        kind, detail = self.form["columns"][number]
        values = load_integers(part, described[1][number], counts[number])
        if kind != 11:
            return values
        has = lambda row, column: column in self.form["cuts"][ids[row]][1]
        if detail[0] == 0:
            keys = [ids[row] for row in range(len(ids)) if has(row, number)]
        else:
            need(detail[0] - 1 < number, "order of a later column")
            theirs = iter(self.integers_of(part, described, counts, ids, detail[0] - 1))
            keys = []
            for row in range(len(ids)):
                key = next(theirs) if has(row, detail[0] - 1) else None
                if has(row, number):
                    need(key is not None, "a value without a key")
                    keys.append(key)
        return reorder(values, keys)

    def load(self, part, shape, described, count, within):
        """One function a value, in order; each is given the row that it is written to."""
        kind, detail = shape
        if kind == 0:
            return [lambda row: detail] * count
        if kind in (1, 2):
            width = detail or 0
            texts = [b"%0*d" % (width, value) for value in load_integers(part, described, count)]
        elif kind == 3:
            words = self.dictionary(detail, within)
            texts = [words[number] for number in load_integers(part, described, count)]
        elif kind == 5:
            upper, places = detail
            varying = places.count(None)
            packed = iter(digits(part.blob(described), upper, varying * count))
            texts = [bytes(next(packed) if place is None else place for place in places) for _ in range(count)]
        elif kind == 6:
            lengths = load_integers(part, described[0], count)
            texts = split(digits(part.blob(described[1]), detail, sum(lengths)), lengths)
        elif kind == 7:
            return self.rows(part, detail, described, count, within)
        elif kind == 8:
            texts = part.blob(described).split(b"\n")
            need(len(texts) == count + 1 and texts.pop() == b"", "number of lines")
        elif kind == 9:
            texts = split(part.blob(described[1]), load_integers(part, described[0], count))
        else:
            style, relative = detail
            return [self.stamp(style, relative, value) for value in load_integers(part, described, count)]
        return [lambda row, text=text: text for text in texts]

    def stamp(self, style, relative, value):
        def write(row):
            number = value
            if relative:
                need(row.first is not None, "time relative to none")
                number = (row.first + unzigzag(value)) & MASK
            row.first = number if row.first is None else row.first
            nanoseconds = number * 10 ** (9 - style % 10)
            row.stamps.append(nanoseconds if nanoseconds >> 63 == 0 else None)
            return stamp_text(style, number).encode()
        return write

    def rows(self, part, shape, described, count, within):
        ids = load_integers(part, described[0], count)
        counts = [0] * len(shape["columns"])
        for number in ids:
            for column in shape["cuts"][number][1]:
                counts[column] += 1
        columns = []
        for number, (column, values, many) in enumerate(zip(shape["columns"], described[1], counts)):
            if column[0] == 11:
                column, values = column[1][1], self.integers_of(part, described, counts, ids, number)
            columns.append(iter(self.load(part, column, values, many, within)))
        rows = []
        for number in ids:
            texts, of_cut = shape["cuts"][number]
            rows.append(self.row(texts, [next(columns[column]) for column in of_cut], number))
        return rows

    def row(self, texts, values, number):
        def write(row):
            out = [texts[0]]
            for value, text in zip(values, texts[1:]):
                out += [value(row), text]
            return b"".join(out)
        write.cut = number
        return write

    def whole(self):
        """The first cut that is nothing but one variable, where no other cut has its column and that holds no time stamps."""
        cuts = self.form["cuts"]
        number = next((n for n, (texts, columns) in enumerate(cuts) if len(columns) == 1 and not b"".join(texts)), None)
        if number is None:
            return None
        column = cuts[number][1][0]
        alone = sum(columns.count(column) for _, columns in cuts) == 1
        return number if alone and self.form["columns"][column][0] != 10 else None

    def lines(self, data, count, raw):
        """All rows of a chunk, and the cut and the time stamps of each."""
        part = Part(data, raw, self.lexicon)
        need(part.meta.varint() == count, "number of rows")
        part.table()
        described = describe_table(self.form, part.meta)
        part.meta.end()
        records, outline = [], []
        whole = self.whole()
        for write in self.rows(part, self.form, described, count, None):
            row = Row()
            records.append(write(row))
            outline.append((write.cut, stamps_of(records[-1]) if write.cut == whole else row.stamps))
        need(sum(map(len, records)) == raw, "raw bytes of a group")
        return records, outline


# Section 8: the record tree.

class Tree:
    def __init__(self):
        self.size, self.peaks = 0, []

    def push(self, leaf):
        self.peaks.append(sha(b"\0" + leaf))
        self.size += 1
        rest = self.size
        while rest % 2 == 0:
            right, left = self.peaks.pop(), self.peaks.pop()
            self.peaks.append(sha(b"\1" + left + right))
            rest //= 2

    def root(self):
        if not self.peaks:
            return sha(b"")
        root = self.peaks[-1]
        for left in reversed(self.peaks[:-1]):
            root = sha(b"\1" + left + root)
        return root


def records(archive):
    """(id, input, offset, bytes, stripe, group, row, outline) of all records; the tree is checked at the end."""
    tree = Tree()
    for first, stripe, group, before in archive.groups():
        lines, outline = stripe.lines(group)
        runs, offset = {run["row"]: run for run in group["runs"]}, None
        for row, record in enumerate(lines):
            if row in runs:
                number, offset = runs[row]["input"], runs[row]["offset"]
            source = archive.inputs[number]["source"]
            tree.push(b"R1" + source + struct.pack(">QI", offset, len(record)) + sha(record))
            yield first + row, number, offset, record, stripe, group, before, row, outline
            offset += len(record)
    if archive.tree:
        need(tree.size == archive.tree["size"] and tree.root().hex() == archive.tree["root"], "record tree")


def main(folder, options):
    archive = Archive(folder)
    if options == ["--columns"]:
        known = None
        for number, source, offset, record, stripe, group, before, row, outline in records(archive):
            if known is not group:
                known, marks = group, stripe.unpack(stripe.find(group["sections"], 4))
                times, templates = stripe.times(group, outline), stripe.templates(group, outline)
                scores, verdicts = stripe.by_cut(group, 5, outline), stripe.verdicts() if group["flagged"] else {}
            mark = marks[row]
            verdict = verdicts[before + row] if mark & 8 else None
            print(json.dumps({
                "id": number, "source": archive.inputs[source]["name"], "offset": offset, "length": len(record),
                "time": times[row] if mark & 7 else None, "level": LEVELS[(mark >> 4) - 1] if mark >> 4 else None,
                "flagged": verdict is not None, "score": scores[row] / 50 if verdict is None else verdict,
                "template": templates[row],
            }))
        return
    pieces = [[] for _ in archive.inputs]
    for _, source, offset, record, *_ in records(archive):
        pieces[source].append((offset, record))
    for known, parts in zip(archive.inputs, pieces):
        data = b"".join(record for _, record in sorted(parts))
        if known["cursor"]:
            need(hashlib.sha256(data).hexdigest() == known["cursor"]["sha256"], "SHA-256 of " + known["name"])
        if options[:1] == ["--out"]:
            path = os.path.join(options[1], *[part for part in known["name"].split("/") if part not in ("", ".", "..")])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
        else:
            sys.stdout.buffer.write(data)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except IndexError:
        sys.exit(__doc__)
    except Damaged as cause:
        sys.exit("damaged: %s" % cause)
