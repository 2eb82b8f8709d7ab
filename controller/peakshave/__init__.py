"""What limits power over time: demand windows and the thermal state of fuses."""
