"""Smart meters for tests: telegrams as their companion standards describe them, written apart from the decoder."""

from __future__ import annotations

from datetime import UTC, datetime

HEADER = "/XYZ5\\LOADSTAR-TEST"
NOON = datetime(2026, 11, 20, 11, tzinfo=UTC)


def sealed(*lines: str, crc: str | None = None) -> bytes:
    """A telegram of these lines; ``crc`` in place of the right one."""
    body = "\r\n".join([HEADER, "", *lines, "!"]).encode()
    return body + (checksum(body) if crc is None else crc).encode() + b"\r\n"


def checksum(body: bytes) -> str:
    """CRC16 bit by bit: x^16 + x^15 + x^2 + 1, least significant bit first (P1 Companion Standard 5.0.2, §5.2)."""
    register = 0
    for octet in body:
        for bit in range(8):
            odd = (register ^ octet >> bit) & 1
            register >>= 1
            if odd:
                register ^= 0xA001
    return f"{register:04X}"


def dutch(second: int = 0, l1_w: int = 2345, crc: str | None = None) -> bytes:
    """DSMR 5 on three phases: L1 draws, L2 feeds in, L3 has nothing but reactive current."""
    return sealed(
        "1-3:0.2.8(50)",
        f"0-0:1.0.0(2611201200{second:02d}W)",
        "0-0:96.1.1(4530303434303037313331363530363138)",
        "1-0:1.8.1(005321.112*kWh)",
        "0-0:96.14.0(0002)",
        f"1-0:1.7.0({max(0, l1_w - 1150) / 1000:06.3f}*kW)",
        f"1-0:2.7.0({max(0, 1150 - l1_w) / 1000:06.3f}*kW)",
        "1-0:99.97.0(1)(0-0:96.7.19)(260208153034W)(0000002112*s)",
        "0-0:96.13.0()",
        "1-0:32.7.0(230.0*V)",
        "1-0:52.7.0(230.0*V)",
        "1-0:72.7.0(231.5*V)",
        f"1-0:31.7.0({round(l1_w / 230):03d}*A)",
        "1-0:51.7.0(005*A)",
        "1-0:71.7.0(002*A)",
        f"1-0:21.7.0({l1_w / 1000:06.3f}*kW)",
        "1-0:41.7.0(00.000*kW)",
        "1-0:61.7.0(00.000*kW)",
        "1-0:22.7.0(00.000*kW)",
        "1-0:42.7.0(01.150*kW)",
        "1-0:62.7.0(00.000*kW)",
        "0-1:24.2.1(261120110000W)(01234.567*m3)",
        crc=crc,
    )


def belgian(average_kw: str = "02.351") -> bytes:
    """E-MUCS P1 1.7 with the demand registers, and currents of two decimals; summer time."""
    return sealed(
        "0-0:96.1.4(50217)",
        "0-0:1.0.0(260712101530S)",
        f"1-0:1.4.0({average_kw}*kW)",
        "1-0:1.6.0(260701020000S)(04.329*kW)",
        "0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(260701000000S)(260609183000S)(06.134*kW)",
        "1-0:1.7.0(06.900*kW)",
        "1-0:2.7.0(00.000*kW)",
        *(f"1-0:{code}.7.0(02.300*kW)" for code in (21, 41, 61)),
        *(f"1-0:{code}.7.0(00.000*kW)" for code in (22, 42, 62)),
        *(f"1-0:{code}.7.0(230.0*V)" for code in (32, 52, 72)),
        *(f"1-0:{code}.7.0(010.07*A)" for code in (31, 51, 71)),
        "0-0:96.3.10(1)",
    )


def single_phase(total: str = "00.460") -> bytes:
    """DSMR 5 on one phase: nothing is said of the others."""
    return sealed(
        "1-3:0.2.8(50)",
        "0-0:1.0.0(261120120000W)",
        f"1-0:1.7.0({total}*kW)",
        "1-0:2.7.0(00.000*kW)",
        "1-0:32.7.0(230.0*V)",
        "1-0:31.7.0(002*A)",
        "1-0:21.7.0(00.460*kW)",
        "1-0:22.7.0(00.000*kW)",
    )
