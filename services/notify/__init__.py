"""Notify 引导: tells citizens, units and portals what became of a petition."""
