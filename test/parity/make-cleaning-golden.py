"""Golden verdicts of datatrove's C4 and Gopher filters on generated pages, of Python's re on generated stories, of ftfy on
misread sentences and of tldextract on addresses: test/parity/golden-cleaning.json.

    python test/parity/make-cleaning-golden.py        # needs datatrove, ftfy, tldextract (see "versions" in the file)

The pages are made by the same generator here and in test/parity/cleaning.test.ts, so the file holds verdicts alone. datatrove
splits words by a trained tokenizer and sentences by another; here both are by the rules that src/clean/filters states (words
between white space; a sentence ends at . ? or ! before white space, a closing mark or the end), so that what is compared are
the rules and not the tokenizers. Numbers of C4 are those of its published code (datatrove has others).
"""

import hashlib
import json
import re
from importlib.metadata import version
from pathlib import Path

import ftfy
import tldextract
from datatrove.data import Document
from datatrove.pipeline.filters import c4_filters, gopher_quality_filter, gopher_repetition_filter
from xorshift32 import xorshift32

NUM_PAGES = 600
SENTENCE_END = re.compile(r"""(?<![.?!])[.?!]+(?=["'\u2019\u201d)\]]*(?:\s|$))""")


STOP = ["the", "be", "to", "of", "and", "that", "have", "with"]
ENDS = [".", "!", "?", '."', "...", "", ";", ". [12]", ".[citation needed]", ".[edit]"]
PHRASES = ["Javascript", "privacy policy", "lorem ipsum", "{", "uses cookies", "#tag", "...", "2019"]


def word(draw):
    return "".join(chr(97 + draw(26)) for _ in range(1 + draw(9)))


def line(draw, words, odd):
    """`odd`: of a hundred lines so many are unlike prose."""
    if draw(100) < odd:
        kind = draw(4)
        if kind == 0:
            return "\u2022" + words[draw(len(words))] + " " + words[draw(len(words))]
        if kind == 1:
            return " ".join(["#x"] * (1 + draw(6)))
        if kind == 2:
            return "x" * (990 + draw(20)) + " is one word of this line."
        return " ".join(str(draw(1000)) for _ in range(1 + draw(12)))
    picked = [words[draw(len(words))] for _ in range(1 + draw(14))]
    if draw(3) == 0:
        picked.append(STOP[draw(8)])
    if draw(25) == 0:
        picked.append(PHRASES[draw(len(PHRASES))])
    end = ENDS[draw(4)] if draw(10) < 7 else ENDS[draw(len(ENDS))]
    return " ".join(picked) + end


def page(index):
    draw = xorshift32(index * 2654435761 % 4294967291 + 1)
    draw(1)
    words = [word(draw) for _ in range(20 + draw(400))] + STOP
    odd = [0, 5, 40, 95][draw(4)]
    repeats = [0, 0, 10, 35][draw(4)]
    lines = []
    for _ in range(2 + draw(30)):
        again = draw(100) < repeats and len(lines) > 0
        lines.append(lines[draw(len(lines))] if again else line(draw, words, odd))
    return ("\n\n" if draw(4) == 0 else "\n").join(lines)


STORY_SIGNS = ["a", "Z", "\u00e9", "\u4e00", "7", "_", ".", ",", "\u2019", "\u0301", " ", " ", "\n", "\n", "\n", "\t"]
# general_cleaning of the paper's repository.
STORY_ARTEFACT = re.compile(r"  +|\b\n+ |\b\n+")
NUM_STORIES = 2000


def story(index):
    draw = xorshift32(index * 40503 + 7)
    return "".join(STORY_SIGNS[draw(len(STORY_SIGNS))] for _ in range(draw(60)))


ADDRESSES = [
    "http://www.youtube.com/watch?v=1", "https://youtube.co.uk/", "https://m.youtube.com.br:80/x", "http://youtu.be/x",
    "https://my-youtube.com/", "http://youtube.example.org/", "http://user@www.imgur.com/a", "http://a.b.c.reddit.com",
    "https://foo.github.io/x", "http://blogspot.com/", "http://name.blogspot.co.uk/", "http://www.city.kawasaki.jp/",
    "http://10.0.0.1/youtube.com", "http://localhost/x", "http://XN--BCHER-KVA.ch/", "http://www.b\u00fccher.de/",
    "http://example.com./", "https://www.gov.uk/", "http://parliament.uk/", "http://tumblr.com?x=imgur.com",
]


def verdict(answer):
    return "" if answer is True else answer[1]


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def addresses():
    """The registered name of each, in lower case, by the public suffix list that tldextract carries."""
    extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    return [[url, extract(url).domain.lower()] for url in ADDRESSES]


def main():
    words = lambda text, language: text.split()
    gopher_quality_filter.split_into_words = words
    gopher_repetition_filter.split_into_words = words
    c4_filters.split_into_sentences = lambda text, language: SENTENCE_END.findall(text)
    c4 = c4_filters.C4QualityFilter(min_num_sentences=3, min_words_per_line=5)
    quality = gopher_quality_filter.GopherQualityFilter()
    repetition = gopher_repetition_filter.GopherRepetitionFilter()
    pages = []
    for index in range(NUM_PAGES):
        text = page(index)
        document = Document(text=text, id=str(index))
        entry = [digest(text), verdict(c4.filter(document))]
        entry.append("" if entry[1] else digest(document.text))
        entry.append(verdict(quality.filter(Document(text=text, id=""))))
        entry.append(verdict(repetition.filter(Document(text=text, id=""))))
        pages.append(entry)
    golden = {
        "versions": {name: version(name) for name in ("datatrove", "ftfy", "tldextract")},
        "columns": ["text", "c4", "c4Text", "gopherQuality", "gopherRepetition"],
        "pages": pages,
        "stories": [digest(STORY_ARTEFACT.sub(" ", story(index))) for index in range(NUM_STORIES)],
        "addresses": addresses(),
        "repairs": repairs(),
    }
    rows = ",\n".join(json.dumps(entry) for entry in pages)
    stories = " ".join(golden["stories"])
    head = json.dumps({**golden, "pages": "PAGES", "stories": stories}, indent=1, ensure_ascii=True)
    Path(__file__).with_name("golden-cleaning.json").write_text(head.replace('"PAGES"', f"[\n{rows}\n]") + "\n")


SENTENCES = {
    "English": "The caf\u00e9\u2019s owner said: \u201cIt doesn\u2019t cost \u00a35 \u2013 it\u2019s \u20ac7\u2026\u201d at 20\u00b0C.",
    "French": "L\u2019\u00e9l\u00e8ve a \u00e9t\u00e9 sage ; \u00e7a va \u00ab tr\u00e8s bien \u00bb, no\u00ebl arrive.",
    "German": "Gr\u00f6\u00dfere Stra\u00dfen hei\u00dfen \u201eAlleen\u201c, sagte er \u00fcbrigens.",
    "Spanish": "\u00bfAs\u00ed est\u00e1 el ni\u00f1o? \u00a1S\u00ed! \u00c9l vivi\u00f3 aqu\u00ed.",
    "Polish": "\u017b\u00f3\u0142\u0107 i \u017ad\u017ab\u0142o; \u0141\u00f3d\u017a le\u017cy tu.",
    "Czech": "\u0158e\u0159icha a \u017eena; p\u0159i\u0161el ve\u010der v lese.",
    "Russian": "\u042f \u0438 \u0442\u044b \u0438\u0434\u0451\u043c \u0432 \u043b\u0435\u0441.",
    "Japanese": "\u72ac\u306f\u68ee\u3092\u8d70\u308a\u3001\u732b\u306f\u7720\u308b\u3002",
    "signs": "ok \U0001f600 \u2192 \u2122 \u2022 \u22125 \u2264 7",
}


def repairs():
    """Misreadings of our own sentences, and what ftfy makes of each."""
    readers = {"windows-1252": "sloppy-windows-1252", "iso-8859-1": "latin-1", "windows-1251": "sloppy-windows-1251"}
    readers |= {"windows-1250": "sloppy-windows-1250", "macroman": "macroman", "cp437": "cp437"}
    found = []
    for name, sentence in SENTENCES.items():
        for reader, codec in readers.items():
            once = sentence.encode().decode(codec)
            found.append([name, reader, once, ftfy.fix_encoding(once) == sentence])
            if reader == "windows-1252":
                twice = once.encode().decode(codec)
                found.append([name, "windows-1252 twice", twice, ftfy.fix_encoding(twice) == sentence])
    return {"sentences": SENTENCES, "misread": found}


if __name__ == "__main__":
    main()
