"""What a program's output says of its progress, found without touching the program. Pure: bytes in, signs out."""
