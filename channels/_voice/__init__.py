"""The parts of the voice channel: a call as it stands, its two ways of being heard, and what the telephone says."""
