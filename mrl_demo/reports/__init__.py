"""A decision as one page to send around, and the figures that it shares with the Decide tab."""
