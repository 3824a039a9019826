"""The line as a service: several stations, their outbox, and who watches over them."""
