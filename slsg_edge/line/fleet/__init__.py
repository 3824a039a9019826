"""Many line PCs: a repository of bundles that they pull from, and what each says of itself."""
