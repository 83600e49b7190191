"""What is measured: each file trains and evaluates in a process of its own and prints one line of JSON."""
