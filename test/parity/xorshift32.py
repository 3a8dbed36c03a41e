"""The generator of random numbers that the tests of this folder have too (xorshift32.ts): equal seeds, equal texts."""


def xorshift32(seed):
    """Of a seed that is not 0: a function that draws a number below its argument."""
    state = seed

    def draw(below):
        nonlocal state
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        return state % below

    return draw
