"""Philox4x32-10 (Salmon et al., SC'11) and the trainer's dropout masks, written from the words of native/core/philox.h: element e of
a site's logical tensor is kept when word e % 4 of block e / 4 is at least p * 2^32."""

import numpy

EMBEDDING, ATTENTION, ATTENTION_OUTPUT, MLP_OUTPUT = 1, 2, 3, 4
LOW = numpy.uint64(0xFFFFFFFF)
HALF = numpy.uint64(32)


def philox_words(seed, step, layer, site, elements):
    """uint32 words of the elements (an array of whole numbers)."""
    elements = elements.astype(numpy.uint64)
    block = elements >> numpy.uint64(2)
    counter = [block & LOW, block >> HALF, numpy.full_like(block, step), numpy.full_like(block, layer << 8 | site)]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        product_0 = counter[0] * numpy.uint64(0xD2511F53)
        product_1 = counter[2] * numpy.uint64(0xCD9E8D57)
        counter = [
            (product_1 >> HALF) ^ counter[1] ^ numpy.uint64(key[0]),
            product_1 & LOW,
            (product_0 >> HALF) ^ counter[3] ^ numpy.uint64(key[1]),
            product_0 & LOW,
        ]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return numpy.choose((elements & numpy.uint64(3)).astype(numpy.int64), counter).astype(numpy.uint32)


class Masks:
    """The dropout of one step: `at(site, layer, shape)` are factors 0 or 1 / (1 - p) of shape (samples, *shape), float64."""

    def __init__(self, p, seed, step, samples):
        self.p, self.seed, self.step, self.samples = float(numpy.float32(p)), seed, step, samples

    def at(self, site, layer, shape):
        size = int(numpy.prod(shape))
        elements = numpy.asarray(self.samples, dtype=numpy.uint64)[:, None] * numpy.uint64(size) + numpy.arange(
            size, dtype=numpy.uint64
        )
        kept = philox_words(self.seed, self.step, layer, site, elements) >= numpy.uint32(int(self.p * 2**32))
        return (kept / (1.0 - self.p)).reshape(len(self.samples), *shape)


def normals(seed, number, count):
    """The standard normal values of parameter `number` at initialisation (Box and Muller), float64."""
    elements = numpy.arange(count + (-count) % 4, dtype=numpy.uint64)
    words = philox_words(seed, 0, number, 0, elements).astype(numpy.float64).reshape(-1, 2)
    radius = numpy.sqrt(-2.0 * numpy.log((words[:, 0] + 1.0) / 2**32))
    angle = 2.0 * numpy.pi * (words[:, 1] / 2**32)
    return numpy.stack([radius * numpy.cos(angle), radius * numpy.sin(angle)], axis=1).reshape(-1)[:count]
