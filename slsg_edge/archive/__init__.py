"""Many stored frames, scored again: in folders, in tar files, in object stores."""
