"""What a sound should be: descriptors measured from audio, words, categories."""
