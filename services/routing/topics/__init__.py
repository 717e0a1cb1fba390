"""Topics: petitions of a file read, compared by an index, put together by matter and place, named and rated by heat."""
