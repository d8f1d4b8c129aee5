"""What programs may ask a running page for: named calls, their limits, and the code that makes them."""
