"""A small production line, drawn: a product with rules, its defects, a camera film."""
