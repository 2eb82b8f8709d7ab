"""The clock of a country, where all of it has the same one."""

from __future__ import annotations

from typing import Final

_EUROPE: Final = """
    ALB Tirane      AND Andorra     AUT Vienna      BEL Brussels    BGR Sofia       BIH Sarajevo    BLR Minsk
    CHE Zurich      CZE Prague      DEU Berlin      DNK Copenhagen  EST Tallinn     FIN Helsinki    FRA Paris
    GBR London      GIB Gibraltar   GRC Athens      HRV Zagreb      HUN Budapest    IMN Isle_of_Man IRL Dublin
    ITA Rome        LIE Vaduz       LTU Vilnius     LUX Luxembourg  LVA Riga        MCO Monaco      MDA Chisinau
    MKD Skopje      MLT Malta       MNE Podgorica   NLD Amsterdam   NOR Oslo        POL Warsaw      ROU Bucharest
    SMR San_Marino  SRB Belgrade    SVK Bratislava  SVN Ljubljana   SWE Stockholm   TUR Istanbul    VAT Vatican
"""
_ELSEWHERE: Final = """
    ARE Asia/Dubai  CHN Asia/Shanghai  CYP Asia/Nicosia  GEO Asia/Tbilisi  HKG Asia/Hong_Kong  IND Asia/Kolkata
    ISL Atlantic/Reykjavik  ISR Asia/Jerusalem  JPN Asia/Tokyo  KOR Asia/Seoul  MAR Africa/Casablanca
    QAT Asia/Qatar  SAU Asia/Riyadh  SGP Asia/Singapore  THA Asia/Bangkok  TWN Asia/Taipei  ZAF Africa/Johannesburg
"""


def _pairs(table: str, prefix: str = "") -> dict[str, str]:
    words = table.split()
    return {code: prefix + zone for code, zone in zip(words[::2], words[1::2], strict=True)}


ZONE_OF_COUNTRY: Final = _pairs(_EUROPE, "Europe/") | _pairs(_ELSEWHERE)
"""ISO 3166-1 alpha-3 to IANA. Countries with several clocks are not there, nor are some with few chargers."""
