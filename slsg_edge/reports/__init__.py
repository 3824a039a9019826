"""Pages for people: each is one HTML file that asks for nothing from anywhere."""
