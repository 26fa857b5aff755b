"""Pictures for the browser's tests, in plain Python: PGM in, PNG and a camera's film out."""

import pathlib
import struct
import subprocess
import zlib


def read_pgm(path):
    """(width, height, grey bytes) of a binary PGM file as `doppel synth` writes them."""
    magic, _mark, size, most, pixels = pathlib.Path(path).read_bytes().split(b"\n", 4)
    width, height = map(int, size.split())
    if magic != b"P5" or most != b"255" or len(pixels) != width * height:
        raise ValueError(f"{path}: a binary PGM file of 8 bits was expected")
    return width, height, pixels


def enlarge(image, factor):
    """The nearest pixel's value; whole factors only."""
    width, height, pixels = image
    rows = []
    for y in range(height):
        row = pixels[y * width:(y + 1) * width]
        rows.append(bytes(value for value in row for _ in range(factor)) * factor)
    return width * factor, height * factor, b"".join(rows)


def resized(image, width, height):
    """Bilinear, as a camera's picture is no block of large pixels."""
    from_width, from_height, pixels = image
    out = bytearray()
    for y in range(height):
        v = max(0.0, min(from_height - 1.0, (y + 0.5) * from_height / height - 0.5))
        y0 = min(int(v), from_height - 2)
        down = v - y0
        for x in range(width):
            u = max(0.0, min(from_width - 1.0, (x + 0.5) * from_width / width - 0.5))
            x0 = min(int(u), from_width - 2)
            right = u - x0
            at = y0 * from_width + x0
            top = pixels[at] * (1 - right) + pixels[at + 1] * right
            below = pixels[at + from_width] * (1 - right) + pixels[at + from_width + 1] * right
            out.append(int(top * (1 - down) + below * down + 0.5))
    return width, height, bytes(out)


def write_png(image):
    """The bytes of a grey PNG file."""
    width, height, pixels = image
    rows = b"".join(b"\0" + pixels[y * width:(y + 1) * width] for y in range(height))

    def chunk(kind, data):
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0,
                                                              0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def write_film(path, face, width=640, height=480):
    """A Y4M film of five seconds for Chromium's fake camera: the face in the middle, as large as
    the page's guide asks for (80 % of the height), before a grey wall. No two of its frames are equal:
    light and place change a little. Computer range, so that grey stays grey."""
    tall = height * 8 // 10
    wide = tall * face[0] // face[1]
    _, _, pixels = resized(face, wide, tall)
    left, top = (width - wide) // 2, (height - tall) // 2
    chroma = bytes([128]) * (width * height // 4)
    with open(path, "wb") as film:
        film.write(f"YUV4MPEG2 W{width} H{height} F15:1 Ip A1:1 C420\n".encode())
        for frame in range(75):
            light, aside = frame % 15 - 7, frame // 15 - 2
            luma = bytearray([110]) * (width * height)
            for y in range(tall):
                start = (top + y) * width + left + aside
                luma[start:start + wide] = pixels[y * wide:(y + 1) * wide]
            # BT.601 as browsers decode it: 16 .. 235.
            shown = bytes(16 + max(0, min(255, value + light)) * 219 // 255
                          for value in range(256))
            film.write(b"FRAME\n" + luma.translate(shown) + chroma + chroma)


def synthetic_people(program, folder, people, images, seed):
    """[[image, ..], ..] of drawn people; the same seed draws the same."""
    subprocess.run([program, "synth", str(folder), "--identities", str(people), "--images",
                    str(images), "--seed", str(seed)], check=True, capture_output=True)
    return [[read_pgm(pathlib.Path(folder) / f"s{person + 1}" / f"{image + 1}.pgm")
             for image in range(images)] for person in range(people)]
