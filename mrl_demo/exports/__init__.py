"""What a person takes home: the chosen setting as a script, schema or config for the engine that is to run it."""
