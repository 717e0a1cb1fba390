"""The pure rules of intake: what a petition must hold, what its petitioner may do, numbers, codes, language."""
