"""When a frame is inspected: always, at intervals, when asked, when the part stands still."""
