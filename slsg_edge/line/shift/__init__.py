"""What happened on a line in a shift, from its outbox."""
