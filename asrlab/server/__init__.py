"""A transcription service on this machine: the protocol of the real one, and a local recogniser behind it."""
