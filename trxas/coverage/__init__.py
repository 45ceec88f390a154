"""Are the error bars true? Random samples, measured and reduced like any other, held against what they are."""
