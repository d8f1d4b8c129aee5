"""What lies in a model's folder and where it came from: hashed, sealed, downloaded, refused if it is not safe."""
