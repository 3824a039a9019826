"""Whether good parts still look as they did at the calibration."""
