"""How good a bundle is, and whether everything that runs it agrees."""
