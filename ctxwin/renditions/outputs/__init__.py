"""Write what tools print in fewer tokens: without loss where it reads back, else by kind, with marks of what went."""
