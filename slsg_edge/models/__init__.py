"""Detector networks, one folder each, and the backbones they share."""
