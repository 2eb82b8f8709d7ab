"""The plan of the coming hours: who charges when, so that needs are met by departure at the least cost."""
