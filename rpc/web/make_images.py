#!/usr/bin/env python3
"""Draws the images of the web pages. Run by hand after a change here; the results are kept beside it."""

import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).parent / 'images'


def gif(width, height, palette, rows):
    """A GIF of two bits a pixel, uncompressed: a clear code before the table of codes would grow."""
    colors = palette + [(0, 0, 0)] * (4 - len(palette))
    codes = []
    for index, pixel in enumerate(pixel for row in rows for pixel in row):
        if index % 2 == 0:
            codes.append(4)
        codes.append(pixel)
    bits = value = 0
    data = bytearray()
    for code in codes + [5]:
        value |= code << bits
        bits += 3
        while bits >= 8:
            data.append(value & 255)
            value >>= 8
            bits -= 8
    if bits:
        data.append(value)
    blocks = b''.join(bytes([len(data[i:i + 255])]) + bytes(data[i:i + 255]) for i in range(0, len(data), 255))
    return (b'GIF89a' + struct.pack('<HHBBB', width, height, 0xF1, 0, 0) + bytes(sum(colors, ())) +
            b'!\xf9\x04\x01\0\0\0\0' + b',' + struct.pack('<HHHHB', 0, 0, width, height, 0) + b'\x02' + blocks + b'\0;')


def png(size, pixel):
    """A PNG with transparency of what pixel(x, y) says."""
    raw = b''.join(b'\0' + b''.join(bytes(pixel(x, y)) for x in range(size)) for y in range(size))

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', size, size, 8, 6, 0, 0, 0)) +
            chunk(b'IDAT', zlib.compress(raw, 9)) + chunk(b'IEND', b''))


# Five by seven, for the only words that are drawn.
LETTERS = {
    'S': '.###. #.... #.... .###. ....# ....# ###..', 'U': '#...# #...# #...# #...# #...# #...# .###.',
    'P': '####. #...# #...# ####. #.... #.... #....', 'E': '##### #.... #.... ####. #.... #.... #####',
    'R': '####. #...# #...# ####. #.#.. #..#. #...#', 'V': '#...# #...# #...# #...# #...# .#.#. ..#..',
    'I': '.###. ..#.. ..#.. ..#.. ..#.. ..#.. .###.', 'O': '.###. #...# #...# #...# #...# #...# .###.',
}


def word(text, scale):
    rows = []
    for line in range(7):
        row = []
        for letter in text:
            for mark in LETTERS[letter].split()[line] + '.':
                row += [1 if mark == '#' else 0] * scale
        rows += [row] * scale
    return rows


def disc(x, y):
    inside = (x - 15.5) ** 2 + (y - 15.5) ** 2 <= 15 ** 2
    arrow = 11 <= x <= 24 and abs(y - 15.5) <= (24 - x) * 0.62
    if arrow:
        return (255, 255, 255, 255)
    return (26, 127, 55, 255) if inside else (0, 0, 0, 0)


def dot():
    return [[1 if (x - 6) ** 2 + (y - 6) ** 2 <= 30 else 0 for x in range(13)] for y in range(13)]


def main():
    HERE.mkdir(exist_ok=True)
    title = word('SUPERVISOR', 3)
    files = {'supervisor.gif': gif(len(title[0]), len(title), [(255, 255, 255), (36, 41, 47)], title),
             'rule.gif': gif(1, 1, [(208, 215, 222)], [[0]]), 'icon.png': png(32, disc)}
    for number, color in enumerate([(110, 119, 129), (26, 127, 55), (191, 135, 0), (207, 34, 46)]):
        files[f'state{number}.gif'] = gif(13, 13, [(255, 255, 255), color], dot())
    for name, data in files.items():
        (HERE / name).write_bytes(data)


if __name__ == '__main__':
    main()
