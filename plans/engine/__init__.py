"""The machinery behind the plans: points, quality, suspension, resume, safe end."""
