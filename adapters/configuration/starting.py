"""What a valid site must fulfil besides, before the service may start with it."""

from __future__ import annotations

import ipaddress

from adapters.configuration.places import Place, dotted
from adapters.configuration.problems import Problem
from adapters.configuration.settings import Configuration
from controller.site import static_rule
from controller.units import TOLERANCE_A


def static_rule_problems(configuration: Configuration) -> list[Problem]:
    """Every phase of every circuit that its fuse does not protect with nobody in control."""
    numbers = {circuit.id: number for number, circuit in enumerate(configuration.site.circuits)}
    return [
        _problem(
            configuration,
            ("circuits", numbers[load.circuit], "fuse_a"),
            f"circuit {load.circuit!r}, {load.phase}: {load.base_load_a:.1f} A of base load and "
            f"{load.fallbacks_a:.1f} A of fallbacks exceed the fuse of {load.fuse_a:.1f} A by {load.excess_a:.1f} A",
        )
        for load in static_rule(configuration.site)
        if load.excess_a > TOLERANCE_A
    ]


def lab_problems(configuration: Configuration) -> list[Problem]:
    """Every server that would be reachable from outside, which ``--insecure-lab`` forbids."""
    servers = {"ocpp": configuration.ocpp, "web": configuration.web}
    return [
        _problem(
            configuration,
            (name, "host"),
            f"with --insecure-lab only a loopback address, such as 127.0.0.1, is allowed, found {server.host!r}",
        )
        for name, server in servers.items()
        if not _is_loopback(server.host)
    ]


def _problem(configuration: Configuration, place: Place, what: str) -> Problem:
    return Problem(str(configuration.path), configuration.places.line(place), dotted(place), what)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
