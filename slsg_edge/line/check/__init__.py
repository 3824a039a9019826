"""Whether a line would work, tried before it runs: its cameras, its bundles, who takes verdicts."""
