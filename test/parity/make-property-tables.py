"""Writes src/tokenizers/hugging-face/property-tables.ts: characters of the scripts and named properties of regular
expressions as Hugging Face tokenizers has them, whatever Unicode Node has.

    python test/parity/make-property-tables.py

Oniguruma, its engine, is asked about each code point. That the scripts are all there is checked: every character has one.
"""

import pathlib

import code_point_sets
from code_point_sets import lines_of, ranges

# The names of tables come first, other names for the same set behind them.
PROPERTIES = """
Alphabetic Alpha, Lowercase Lower, Uppercase Upper, Cased, Case_Ignorable CI, Math, Dash, Ideographic Ideo, Unified_Ideograph UIdeo,
ID_Start IDS, ID_Continue IDC, XID_Start XIDS, XID_Continue XIDC, Emoji, Emoji_Presentation EPres, Emoji_Modifier EMod,
Emoji_Modifier_Base EBase, Emoji_Component EComp, Extended_Pictographic ExtPict, Grapheme_Extend Gr_Ext,
Default_Ignorable_Code_Point DI, Diacritic Dia, Extender Ext, Quotation_Mark QMark, Terminal_Punctuation Term, Sentence_Terminal STerm,
Variation_Selector VS, Regional_Indicator RI, Join_Control Join_C, Noncharacter_Code_Point NChar, Pattern_White_Space Pat_WS,
Pattern_Syntax Pat_Syn, Hex_Digit Hex, Punct
"""
SCRIPTS = """
Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi Braille
Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot
Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Garay Georgian
Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Gurung_Khema Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew
Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li
Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Kirat_Rai Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian
Mahajani Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive
Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu
Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Ol_Onal Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian
Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician
Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo
Sundanese Sunuwar Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai
Tibetan Tifinagh Tirhuta Todhri Toto Tulu_Tigalari Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square
"""
ALIASES = dict(Han="Hani", Hangul="Hang", Hiragana="Hira", Katakana="Kana", Latin="Latn", Cyrillic="Cyrl", Greek="Grek", Arabic="Arab",
               Hebrew="Hebr", Devanagari="Deva", Common="Zyyy", Inherited="Zinh", Bopomofo="Bopo", Armenian="Armn", Georgian="Geor")  # fmt: skip
# Those that can have a property of the list: behind plane 3 only tags, selectors of variants and what never is a character.
CODE_POINTS = [
    cp
    for cp in [*range(0x34000), *range(0xE0000, 0xE1000), *(cp for cp in range(0x34000, 0x110000) if cp & 0xFFFE == 0xFFFE)]
    if not 0xD800 <= cp < 0xE000
]


def key(name):
    return name.lower().replace("_", "")


def matching(pattern):
    return code_point_sets.matching(pattern, CODE_POINTS)


def entry(name, text):
    lines = lines_of(text)
    if len(lines) > 1:
        return "  %s: [\n%s,\n  ].join(\"\"),\n" % (key(name), ",\n".join("    " + line for line in lines))
    one = "  %s: %s,\n" % (key(name), lines[0])
    # As the formatter breaks it.
    return one if len(one) <= 121 else "  %s:\n    %s,\n" % (key(name), lines[0])


def main():
    entries, aliases, covered = [], {}, {}
    for names in PROPERTIES.replace("\n", " ").split(","):
        name, *others = names.split()
        members = matching(r"\p{%s}" % name)
        entries.append(entry(name, ranges(members)))
        for other in others:
            assert matching(r"\p{%s}" % other) == members, other
            aliases[key(other)] = key(name)
    for name in SCRIPTS.split():
        members = matching(r"\p{%s}" % name)
        entries.append(entry(name, ranges(members)))
        for cp in members:
            assert cp not in covered, (name, covered[cp])
            covered[cp] = name
        if name in ALIASES:
            assert matching(r"\p{%s}" % ALIASES[name]) == members
            aliases[key(ALIASES[name])] = key(name)
    assert set(covered) == set(CODE_POINTS) - matching(r"\p{Unknown}")
    # What the translator writes for it.
    assert matching(r"[[:punct:]]") == matching(r"\p{P}|\p{S}"), "[[:punct:]]"
    assert matching("[[:alpha:]]") == matching(r"\p{Alphabetic}")
    assert matching("[[:alnum:]]") == matching(r"\p{Alphabetic}|\p{Nd}")
    assert matching("[[:upper:]]") == matching(r"\p{Uppercase}") and matching("[[:lower:]]") == matching(r"\p{Lowercase}")
    head = "// Generated by test/parity/make-property-tables.py from tokenizers 0.23.3; do not edit. All numbers are in base 36.\n\n"
    body = "/** By name in small letters without underscores: gap to the range before and length, in turn. */\n"
    body += "export const PROPERTIES: Readonly<Record<string, string>> = {\n%s};\n\n" % "".join(entries)
    body += "/** Other names of some. */\nexport const PROPERTY_ALIASES: Readonly<Record<string, string>> = {\n%s};\n" % "".join(
        '  %s: "%s",\n' % pair for pair in aliases.items()
    )
    path = pathlib.Path(__file__).parents[2] / "src/tokenizers/hugging-face/property-tables.ts"
    path.write_text(head + body)


if __name__ == "__main__":
    main()
