"""A collection in two dimensions, coloured by the neighbours that shorter vectors keep."""
