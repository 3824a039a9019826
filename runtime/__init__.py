"""What a line PC needs: detectors over inference backends. Never imports torch or onnx."""
