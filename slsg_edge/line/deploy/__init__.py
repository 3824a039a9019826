"""From one bundle of a station to the next, and back where the next one does not do."""
