"""Take noise out of sound: NumPy and ONNX Runtime alone, for files, clips and live streams."""
