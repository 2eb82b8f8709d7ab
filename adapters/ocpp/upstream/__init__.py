"""The way up: a back office, to which this site is one charging station or several."""
