"""Patients of simulated studies: nobody that anyone could mistake for a real person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from dicom.errors import UsageError
from dicom.registry import unknown_word


@dataclass(frozen=True)
class Person:
    """A member of the cast.

    Attributes:
        name: Patient's Name (VR PN, PS3.5 6.2), component groups and all.
        sex: Patient's Sex, empty where unknown.
        born: year of birth, 0 where unknown.
        console: the name as a console without the patient's script would burn it in.
        charset: values of Specific Character Set (0008,0005), see PS3.3 C.12.1.1.2.
        identified: whether there is a Patient ID and an Accession Number.
    """

    name: str
    sex: str = ""
    born: int = 0
    console: str = ""
    charset: tuple[str, ...] = ("ISO_IR 100",)
    identified: bool = True

    @property
    def burnt_in(self) -> str:
        """The name as it is burnt into pixels; ASCII."""
        return self.console or self.name.replace("^", " ")


#: Of these the seed picks one, where no other is asked for.
CAST: Final = (
    Person("PHANTOM^ADA", "F", 1961),
    Person("TESTCASE^TOBIAS", "M", 1954),
    Person("SIMULANT^NORA", "F", 1978),
    Person("PLACEHOLDER^MAX", "M", 1949),
    Person("SPECIMEN^MIKA", "O", 1990),
    Person("DUMMY^DORIS", "F", 1938),
    Person("FIXTURE^FELIX", "M", 1985),
    Person("MOCKUP^MARIA", "F", 1967),
)

#: Those that have to be asked for, because their names or their lack of one are the point. The
#: multi-byte ones are the examples of PS3.5 annexes H, I and J, known to every implementer.
CHARACTERS: Final[Mapping[str, Person]] = MappingProxyType(
    {
        "latin-1": Person("PRÜFFALL^JÖRG^^Dr.", "M", 1958, "PRUEFFALL JOERG"),
        "utf-8": Person("Łącznik^Źdźbło", "F", 1971, "LACZNIK ZDZBLO", ("ISO_IR 192",)),
        "japanese": Person(
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
            "M",
            1966,
            "YAMADA TAROU",
            ("", "ISO 2022 IR 87"),
        ),
        "japanese-katakana": Person(
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
            "M",
            1966,
            "YAMADA TAROU",
            ("ISO 2022 IR 13", "ISO 2022 IR 87"),
        ),
        "korean": Person(
            "Hong^Gildong=洪^吉洞=홍^길동", "M", 1973, "HONG GILDONG", ("", "ISO 2022 IR 149")
        ),
        "chinese": Person("Wang^XiaoDong=王^小东", "M", 1981, "WANG XIAODONG", ("GB18030",)),
        "greek": Person("Διονυσιος", "M", 1947, "DIONYSIOS", ("ISO_IR 126",)),
        "russian": Person("Люксембург", "M", 1952, "LYUKSEMBURG", ("ISO_IR 144",)),
        "hebrew": Person("שרון^דבורה", "F", 1969, "SHARON DEBORAH", ("ISO_IR 138",)),
        # 64 characters, the most that a component group may have (PS3.5 table 6.2-1)
        "long": Person(f"{'EXTRAORDINARILY' * 2}^{'LONG' * 8}^", "O", 1900, "LONG"),
        "empty": Person("", console="NO NAME", identified=False),
    }
)


def person_of(name: str | None, seed: int) -> Person:
    """The member of the cast called ``name``; None lets ``seed`` pick a plain one.

    Raises:
        UsageError: there is none of that name.
    """
    if name is None:
        return CAST[seed % len(CAST)]
    try:
        return CHARACTERS[name]
    except KeyError:
        raise UsageError(unknown_word("patient", name, tuple(CHARACTERS))) from None
