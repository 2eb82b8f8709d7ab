"""The site file: read, checked as a whole, every problem with its place."""

from adapters.configuration.problems import ConfigurationError, Problem
from adapters.configuration.reading import load_configuration
from adapters.configuration.settings import (
    Configuration,
    GridOperator,
    Influx,
    LimitInput,
    Listener,
    Meter,
    ModbusTcpMeter,
    MqttMeter,
    MqttQuantity,
    P1Meter,
    PlanSettings,
    Recording,
    TimeOfUse,
    User,
)
from adapters.configuration.starting import lab_problems, static_rule_problems
from adapters.configuration.upstream_assembly import Upstream

__all__ = [
    "Configuration",
    "ConfigurationError",
    "GridOperator",
    "Influx",
    "LimitInput",
    "Listener",
    "Meter",
    "ModbusTcpMeter",
    "MqttMeter",
    "MqttQuantity",
    "P1Meter",
    "PlanSettings",
    "Problem",
    "Recording",
    "TimeOfUse",
    "Upstream",
    "User",
    "lab_problems",
    "load_configuration",
    "static_rule_problems",
]
